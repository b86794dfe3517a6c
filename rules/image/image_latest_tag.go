package image

import "github.com/scantling-dev/scantling/lint"

var imageLatestTag = &lint.Rule{
	ID: "image-latest-tag", Severity: lint.Medium, Category: lint.Image, Since: "0.1.0",
	Title:      "image tag is missing or latest",
	Why:        "What latest means changes without a commit: nodes run different versions, a restart is an upgrade, and a rollback brings nothing back.",
	Fix:        "Name a version, or better, pin the image by its digest.",
	Frameworks: []string{"MITRE:T1525"},
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			// Istio's injector replaces this one.
			if c.Image == "auto" && c.Name == "istio-proxy" {
				continue
			}
			r, err := parse(c.Image)
			switch {
			case err != nil || r.Digest != "":
			case r.Tag == "":
				p.Report(c.Path.Child("image"), "image of container %q has no tag", c.Name)
			case r.Tag == "latest":
				p.Report(c.Path.Child("image"), "image of container %q has the tag latest", c.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 1 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          initContainers:
            - name: fetch
              image: registry.example.com:5000/fetch # want: has no tag
          containers:
            - name: report
              image: nginx:latest # want: "report" has the tag latest
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: version
      image: nginx:1.27.3
    - name: digest
      image: nginx:latest@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    - name: named
      image: example.com/latest:1.0
    - name: invalid
      image: example.com/web:{{ tag }}
    - name: istio-proxy
      image: auto
`,
}
