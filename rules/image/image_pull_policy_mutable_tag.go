package image

import (
	"cmp"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var imagePullPolicyMutableTag = &lint.Rule{
	ID: "image-pull-policy-mutable-tag", Severity: lint.Low, Category: lint.Image, Since: "0.1.0",
	Title:   "node keeps an old build of a tag that moves",
	Why:     "The tag is moved to new builds, and the pull policy lets each node go on with the build that it happens to have: replicas of one workload run different code, and a fix that was pushed does not arrive.",
	Fix:     "Name a full version or pin the digest; if the tag must move, set imagePullPolicy to Always.",
	Profile: lint.Strict,
	Kinds:   lint.Workloads,
	Options: []lint.Option{floatingTags()},
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			r, err := parse(c.Image)
			if err != nil || injected(c) || !mutable(r, p.Option(floatingOption)) {
				continue
			}
			at := c.Path.Child("imagePullPolicy")
			switch pullPolicy(c, r) {
			case corev1.PullNever:
				p.Report(at, "container %q never pulls the build that its tag names now", c.Name)
			case corev1.PullIfNotPresent:
				p.Report(at, "container %q runs whatever build of the tag %q its node happens to have", c.Name, cmp.Or(r.Tag, "latest"))
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
  initContainers:
    - name: setup
      image: nginx
      imagePullPolicy: IfNotPresent # want: "setup" runs whatever build of the tag "latest"
  containers:
    - name: web
      image: ghcr.io/acme/web:latest
      imagePullPolicy: Never # want: "web" never pulls
    # Without a policy only latest is pulled each time.
    - name: log # want: "log" runs whatever build of the tag "main"
      image: ghcr.io/acme/log:main
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: default
      image: nginx
    - name: latest
      image: nginx:latest
    - name: always
      image: ghcr.io/acme/web:main
      imagePullPolicy: Always
    - name: version
      image: nginx:1.27.3
      imagePullPolicy: IfNotPresent
    # Moves with the releases of one major version: image-floating-tag speaks
    # about it.
    - name: major
      image: postgres:15
    - name: digest
      image: nginx:latest@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
      imagePullPolicy: IfNotPresent
    - name: variable
      image: ghcr.io/acme/web:${TAG}
      imagePullPolicy: IfNotPresent
    - name: unknown
      image: ghcr.io/acme/web:main
      imagePullPolicy: ${POLICY}
`,
}
