package image

import (
	"errors"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var imageInvalidReference = &lint.Rule{
	ID: "image-invalid-reference", Severity: lint.High, Category: lint.Image, Since: "0.1.0",
	Title: "image reference cannot be parsed",
	Why:   "No node can pull the image: the pod stays in InvalidImageName, and a rollout stops there.",
	Fix:   "Write the reference as registry/repository:tag or registry/repository@sha256:digest, in lower case, and see that every placeholder is filled in.",
	Kinds: lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			_, err := parse(c.Image)
			if err == nil {
				continue
			}
			// A DeploymentConfig's image is filled in by its triggers.
			if errors.Is(err, errEmpty) && p.Object.GVK.Kind == "DeploymentConfig" {
				continue
			}
			// A patch that nothing uses: a Deployment without a selector is
			// none that the API server would take.
			if errors.Is(err, errEmpty) && p.Object.GVK.Group == "apps" && manifest.Get(manifest.Get(p.Object.Node, "spec"), "selector") == nil {
				continue
			}
			severity := p.Rule.Severity
			if errors.Is(err, errVariable) {
				// Something outside the repository may fill in the variable.
				severity = lint.Low
			}
			p.ReportAs(severity, c.Path.Child("image"), "image of container %q cannot be parsed: %v", c.Name, err)
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
    - name: unset # want: it is empty
  containers:
    - name: upper
      image: ghcr.io/Acme/web:1.0 # want: upper-case
    - name: digest
      image: ghcr.io/acme/web@sha256:abc # want: digest is malformed
    - name: tag
      image: "ghcr.io/acme/web:" # want: tag is malformed
    - name: placeholder
      image: ghcr.io/acme/web:{{ .Values.tag }} # want: unexpanded placeholder
    - name: variable
      image: ghcr.io/acme/web:${TAG} # want: unexpanded variable
    - name: scheme
      image: https://ghcr.io/acme/web # want: URL scheme
    - name: separator
      image: ghcr.io/acme/web..app # want: repository is malformed
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: short
      image: nginx
    - name: port
      image: localhost:5000/acme/web_app:1.0
    - name: both
      image: Registry.example.com:443/a/b/c--d:v1.0_rc.1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    - name: address
      image: "[2001:db8::1]:5000/web"
`,
}
