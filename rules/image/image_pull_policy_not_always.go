package image

import (
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var imagePullPolicyNotAlways = &lint.Rule{
	ID: "image-pull-policy-not-always", Severity: lint.Info, Category: lint.Image, Since: "0.1.0",
	Title:   "image is not pulled each time",
	Why:     "A node that has the image lets any pod run it, without asking the registry whether the pod's credentials may pull it. On a node that several tenants share, one can so run, and read, the private images of another.",
	Fix:     "Set imagePullPolicy to Always; what the node has is not loaded again. Since Kubernetes 1.35 nodes check the credentials anyway, by the kubelet's imagePullCredentialsVerificationPolicy.",
	Profile: lint.All,
	Kinds:   lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			r, err := parse(c.Image)
			if err != nil || r.Digest != "" || injected(c) {
				continue
			}
			switch policy := pullPolicy(c, r); {
			case policy == corev1.PullAlways:
			case c.ImagePullPolicy == "":
				p.Report(c.Path.Child("imagePullPolicy"), "container %q has no pull policy, and its tag makes it %s", c.Name, policy)
			case policy == corev1.PullIfNotPresent || policy == corev1.PullNever:
				p.Report(c.Path.Child("imagePullPolicy"), "container %q has the pull policy %s", c.Name, policy)
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
      image: nginx:latest
      imagePullPolicy: Never # want: "setup" has the pull policy Never
  containers:
    - name: web # want: "web" has no pull policy, and its tag makes it IfNotPresent
      image: nginx:1.27.3
    - name: log
      image: ghcr.io/acme/log:1.0.0
      imagePullPolicy: IfNotPresent # want: "log" has the pull policy IfNotPresent
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: latest
      image: nginx
    - name: always
      image: ghcr.io/acme/web:1.0.0
      imagePullPolicy: Always
    - name: digest
      image: nginx:1.27.3@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    - name: unknown
      image: ghcr.io/acme/web:1.0.0
      imagePullPolicy: ${POLICY}
`,
}
