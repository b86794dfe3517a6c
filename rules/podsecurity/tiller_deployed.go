package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var tillerDeployed = &lint.Rule{
	ID:       "tiller-deployed",
	Title:    "Tiller of Helm 2 is deployed",
	Why:      "Tiller takes orders from everyone who reaches its port, and usually has all rights in the cluster. Helm 2 has had no security fixes since November 2020.",
	Fix:      "Remove Tiller and its Service, and use Helm 3 or later, which needs nothing in the cluster.",
	Since:    "0.1.0",
	Severity: lint.Critical,
	Category: lint.PodSecurity,
	Kinds:    slices.Concat(lint.Workloads, []schema.GroupKind{{Kind: "Service"}}),
	Check: func(p *lint.Pass) {
		if s, ok := p.Object.Typed().(*corev1.Service); ok {
			if isTiller(s.Spec.Selector) {
				p.Report(field.NewPath("spec", "selector"), "the Service exposes Tiller of Helm 2")
			}
			return
		}
		w := p.Workload()
		found := false
		for _, c := range w.Containers() {
			if imageName(c.Image) == "tiller" {
				found = true
				p.Report(c.Path.Child("image"), "container %q is Tiller of Helm 2", c.Name)
			}
		}
		// A renamed image still has the labels that Helm 2 gave it.
		if !found && isTiller(w.Meta.Labels) {
			p.Report(w.MetaPath.Child("labels").Key("name"), "the pod has the labels of Tiller of Helm 2")
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: tiller-deploy
  namespace: kube-system
spec:
  selector: {matchLabels: {app: helm, name: tiller}}
  template:
    metadata: {labels: {app: helm, name: tiller}}
    spec:
      serviceAccountName: tiller
      containers:
        - name: tiller
          image: ghcr.io/helm/tiller:v2.17.0 # want: container "tiller" is Tiller of Helm 2
---
apiVersion: v1
kind: Service
metadata:
  name: tiller-deploy
  namespace: kube-system
spec:
  selector: # want: exposes Tiller
    app: helm
    name: tiller
  ports:
    - name: tiller
      port: 44134
-- bad-labels.yaml --
apiVersion: extensions/v1beta1
kind: Deployment
metadata:
  name: helm
spec:
  template:
    metadata:
      labels:
        app: helm
        name: tiller # want: labels of Tiller
    spec:
      containers:
        - name: server
          image: registry.example/helm-server:2.17.0
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: tiller
spec:
  selector: {matchLabels: {app: tiller}}
  template:
    metadata: {labels: {app: tiller, name: field}}
    spec:
      containers:
        - name: tiller
          image: registry.example/tiller-of-fields:1.0.0
---
apiVersion: v1
kind: Service
metadata:
  name: helm
spec:
  selector: {app: helm, name: controller}
  ports:
    - port: 80
`,
}

func isTiller(labels map[string]string) bool {
	return labels["app"] == "helm" && labels["name"] == "tiller"
}
