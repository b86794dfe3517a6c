package image

import "github.com/scantling-dev/scantling/lint"

var imageNotPinnedToDigest = &lint.Rule{
	ID: "image-not-pinned-to-digest", Severity: lint.Info, Category: lint.Image, Since: "0.1.0",
	Title:      "image is not pinned by its digest",
	Why:        "Whoever can push to the repository can move a tag, even one that looks like a version: the next node that pulls the image runs something that nobody reviewed. A digest names the content itself.",
	Fix:        "Write @sha256: and the digest behind the tag, and let a bot such as Renovate keep both up to date. Name repositories that need none in the option exempt.",
	Frameworks: []string{"MITRE:T1525"},
	Profile:    lint.All,
	Kinds:      lint.Workloads,
	Options: []lint.Option{{
		Name: "exempt", Doc: "Registries, or paths in them such as ghcr.io/acme, whose images need no digest.", Valid: validPattern,
	}},
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			r, err := parse(c.Image)
			// Of a tag that moves anyway image-latest-tag and image-floating-tag
			// speak; the remedy is the same, and so is this.
			if err != nil || r.Digest != "" || injected(c) || match(p.Option("exempt"), r.Registry+"/"+r.Repository) != "" {
				continue
			}
			p.Report(c.Path.Child("image"), "image of container %q has no digest", c.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  initContainers:
    - name: setup
      image: ghcr.io/acme/setup:1.0.0 # want: image of container "setup" has no digest
  containers:
    - name: web
      image: nginx:1.27.3 # want: "web"
-- bad-exempt.yaml --
# options: exempt=ghcr.io/acme
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: own
      image: ghcr.io/acme/web:1.0.0
    - name: other
      image: ghcr.io/acme-labs/web:1.0.0 # want: "other"
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: digest
      image: nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    - name: both
      image: nginx:1.27.3@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    - name: istio-proxy
      image: auto
    # What stands for the tag may hold a digest.
    - name: variable
      image: ghcr.io/acme/web:${TAG}
`,
}
