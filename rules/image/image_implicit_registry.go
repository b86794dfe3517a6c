package image

import (
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

var imageImplicitRegistry = &lint.Rule{
	ID: "image-implicit-registry", Severity: lint.Info, Category: lint.Image, Since: "0.1.0",
	Title:   "image does not name its registry",
	Why:     "The node decides where the image comes from: most take Docker Hub, others search a list of registries, so that the same name may be another image elsewhere. Policies about registries do not see it either.",
	Fix:     "Write the registry in front of the image: docker.io/library/nginx for nginx, docker.io/acme/web for acme/web.",
	Profile: lint.All,
	Kinds:   lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			r, err := parse(c.Image)
			if err != nil || injected(c) {
				continue
			}
			if first, _, ok := strings.Cut(c.Image, "/"); !ok || !isRegistry(first) {
				p.Report(c.Path.Child("image"), "image of container %q names no registry, such as %s/%s", c.Name, r.Registry, r.Repository)
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
    - name: short
      image: nginx:1.27.3 # want: such as docker.io/library/nginx
    - name: user
      image: acme/web@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef # want: docker.io/acme/web
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: hub
      image: docker.io/library/nginx:1.27.3
    - name: host
      image: localhost/web:1.0.0
    - name: port
      image: registry:5000/web:1.0.0
    - name: variable
      image: ${REGISTRY}/web:1.0.0
    - name: istio-proxy
      image: auto
`,
}
