package podsecurity

import "github.com/scantling-dev/scantling/lint"

var cloudCredentialHostMount = &lint.Rule{
	ID:         "cloud-credential-host-mount",
	Title:      "pod mounts the node's cloud credentials",
	Why:        "With the node's own credentials a pod acts as the node towards the cloud provider, and often reads every disk, image and secret of the cluster.",
	Fix:        "Remove the volume, and give the pod an identity of its own through the workload identity of the cloud provider.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "MITRE:T1552.001"},
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, v := range hostPaths(p.Workload()) {
			if exposureOf(v.Node) == cloudCredentials {
				p.Report(v.Path, "volume %q exposes the cloud credentials in %q of the node", v.Volume.Name, v.HostPath.Path)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: backup
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: backup
              image: registry.example/backup:1.2.0
          volumes:
            - name: azure
              hostPath:
                path: /etc/kubernetes/azure.json # want: volume "azure" exposes the cloud credentials
            - name: aws
              hostPath:
                path: /home/ubuntu/.aws/credentials # want: "aws"
            - name: gcloud
              hostPath:
                path: /root/.config/gcloud # want: "gcloud"
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: backup
spec:
  containers:
    - name: backup
      image: registry.example/backup:1.2.0
  volumes:
    - name: data
      hostPath: {path: /home/ubuntu/data}
    - name: near
      hostPath: {path: /root/.awsome}
    - name: aws
      secret: {secretName: backup-aws}
`,
}
