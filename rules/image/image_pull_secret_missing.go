package image

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var imagePullSecretMissing = &lint.Rule{
	ID: "image-pull-secret-missing", Severity: lint.Info, Category: lint.Image, Since: "0.1.0",
	Title:   "private image has no pull secret",
	Why:     "The registry asks for credentials, and neither the pod nor its service account has any: unless the node brings them, the pod stays in ImagePullBackOff.",
	Fix:     "Name the Secret in imagePullSecrets of the pod, or better of its service account. If nodes have the credentials, take the registry out of the option registries.",
	Profile: lint.All,
	Kinds:   lint.Workloads,
	Joins:   []schema.GroupKind{cluster.ServiceAccount},
	Options: []lint.Option{{
		Name: "registries", Doc: "Registries, or paths in them such as ghcr.io/acme, that ask for credentials; with none, nothing is reported.", Valid: validPattern,
	}},
	// A join: a service account's pull secrets are its pods'.
	CheckAll: func(p *lint.Pass) {
		private := p.Option("registries")
		if len(private) == 0 {
			return
		}
		x := cluster.Of(p)
		for _, o := range p.Judged() {
			w, ok := o.Workload()
			if !ok || len(w.Pod.ImagePullSecrets) > 0 {
				continue
			}
			i := slices.IndexFunc(w.Containers(), func(c *manifest.Container) bool {
				r, err := parse(c.Image)
				return err == nil && match(private, r.Registry+"/"+r.Repository) != ""
			})
			if i < 0 || accountPulls(p, x, o) {
				continue
			}
			c := w.Containers()[i]
			r, _ := parse(c.Image)
			p.ReportOn(o, p.Rule.Severity, w.Path.Child("imagePullSecrets"), "container %q pulls from %s, for which the pod has no pull secret", c.Name, r.Registry)
		}
	},
	Examples: `
-- bad.yaml --
# options: registries=ghcr.io/acme
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: # want: container "web" pulls from ghcr.io
      serviceAccountName: web
      containers:
        - name: log
          image: docker.io/acme/log:1.0.0
        - name: web
          image: ghcr.io/acme/web:1.0.0
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
-- good.yaml --
# options: registries=ghcr.io/acme
apiVersion: v1
kind: Pod
metadata:
  name: own
  namespace: shop
spec:
  imagePullSecrets: [{name: registry}]
  containers:
    - name: web
      image: ghcr.io/acme/web:1.0.0
---
apiVersion: v1
kind: Pod
metadata:
  name: account
  namespace: shop
spec:
  containers:
    - name: web
      image: ghcr.io/acme/web:1.0.0
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: default
  namespace: shop
imagePullSecrets:
  - name: registry
---
apiVersion: v1
kind: Pod
metadata:
  name: public
  namespace: shop
spec:
  serviceAccountName: bare
  containers:
    - name: web
      image: ghcr.io/other/web:1.0.0
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: bare
  namespace: shop
-- good-incomplete.yaml --
# options: registries=ghcr.io/acme
# incomplete
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  serviceAccountName: elsewhere
  containers:
    - name: web
      image: ghcr.io/acme/web:1.0.0
-- good-quiet.yaml --
# Without options.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: ghcr.io/acme/web:1.0.0
`,
}

// accountPulls says that the service account of a workload has pull secrets, or
// that it may have.
func accountPulls(p *lint.Pass, x *cluster.Index, o *manifest.Object) bool {
	a, _ := cluster.AccountOf(o)
	accounts := x.Named(o, cluster.ServiceAccount, a.Namespace, a.Name)
	if len(accounts) == 0 {
		return !p.Complete(a.Namespace)
	}
	return slices.ContainsFunc(accounts, func(o *manifest.Object) bool {
		sa, ok := o.Typed().(*corev1.ServiceAccount)
		return ok && len(sa.ImagePullSecrets) > 0
	})
}
