package image

import "github.com/scantling-dev/scantling/lint"

var imageVolumeUnpinned = &lint.Rule{
	ID: "image-volume-unpinned", Severity: lint.Low, Category: lint.Image, Since: "0.1.0",
	Title:   "image volume is not pinned by its digest",
	Why:     "The volume's files, often a model, a plugin or a configuration, come from an image that its tag decides. Whoever can push to the repository changes what the pod reads, or runs, without a commit.",
	Fix:     "Write @sha256: and the digest behind the tag in the volume's reference.",
	Profile: lint.Strict,
	Kinds:   lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		for i, v := range w.Pod.Volumes {
			if v.Image == nil {
				continue
			}
			r, err := parse(v.Image.Reference)
			if err != nil || r.Digest != "" {
				continue
			}
			at := w.Path.Child("volumes").Index(i).Child("image", "reference")
			switch r.Tag {
			case "":
				p.ReportAs(lint.Medium, at, "image of volume %q has neither tag nor digest", v.Name)
			case "latest":
				p.ReportAs(lint.Medium, at, "image of volume %q has the tag latest", v.Name)
			default:
				p.Report(at, "image of volume %q has no digest", v.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: ghcr.io/acme/web:1.0.0
  volumes:
    - name: model
      image:
        reference: ghcr.io/acme/model:1.0.0 # want low: image of volume "model" has no digest
    - name: plugins
      image:
        reference: ghcr.io/acme/plugins:latest # want medium: the tag latest
    - name: themes
      image:
        reference: ghcr.io/acme/themes # want medium: neither tag nor digest
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: ghcr.io/acme/web:1.0.0
  volumes:
    - name: model
      image:
        reference: ghcr.io/acme/model:1.0.0@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    - name: variable
      image:
        reference: ghcr.io/acme/model:${MODEL}
    - name: scratch
      emptyDir: {}
`,
}
