package podsecurity

import "github.com/scantling-dev/scantling/lint"

var gitRepoVolume = &lint.Rule{
	ID:         "git-repo-volume",
	Title:      "pod uses a gitRepo volume",
	Why:        "The kubelet runs git as root on the node for such a volume, and the repository can make it run commands (CVE-2024-10220). Kubernetes no longer maintains this kind of volume, and has it turned off since 1.33.",
	Fix:        "Clone the repository in an init container into an emptyDir.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:restricted", "CVE-2024-10220"},
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		for i, v := range w.Pod.Volumes {
			if v.GitRepo != nil {
				p.Report(w.Path.Child("volumes").Index(i).Child("gitRepo"), "volume %q lets the node clone a git repository", v.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: site
spec:
  selector: {matchLabels: {app: site}}
  template:
    metadata: {labels: {app: site}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
      volumes:
        - name: pages
          gitRepo: # want: volume "pages" lets the node clone
            repository: https://git.example/site.git
            revision: 22f1d8406d464b0c0874075539c1f2e96c253775
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: site
spec:
  initContainers:
    - name: clone
      image: registry.example/git:2.51.0
      args: [clone, "https://git.example/site.git", /pages]
      volumeMounts:
        - {name: pages, mountPath: /pages}
  containers:
    - name: web
      image: registry.example/web:1.4.2
  volumes:
    - name: pages
      emptyDir: {}
`,
}
