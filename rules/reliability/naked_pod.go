package reliability

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var nakedPod = &lint.Rule{
	ID:       "naked-pod",
	Title:    "Pod is managed by no controller",
	Why:      "Nobody makes such a Pod anew when its node fails or is drained, or when it is evicted, and almost no field of it can be changed without deleting it first.",
	Fix:      "Use a Deployment, a StatefulSet or a DaemonSet, or a Job for what runs once.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.Reliability,
	Profile:  lint.Strict,
	Kinds:    []schema.GroupKind{{Kind: "Pod"}},
	Check: func(p *lint.Pass) {
		if !hook(p.Object) && !staticPod(p.Object) && p.Object.Value("metadata", "ownerReferences").Len() == 0 {
			p.Report(field.NewPath("kind"), "Pod %q is not made anew when it is gone", p.Object.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Pod # want: Pod "web" is not made anew when it is gone
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
# Helm and Argo CD run hooks once.
apiVersion: v1
kind: Pod
metadata:
  name: web-test
  annotations:
    helm.sh/hook: test
spec:
  restartPolicy: Never
  containers:
    - name: test
      image: registry.example/test:1.0.0
---
apiVersion: v1
kind: Pod
metadata:
  name: check
  annotations:
    argocd.argoproj.io/hook: PreSync
spec:
  restartPolicy: Never
  containers:
    - name: check
      image: registry.example/check:1.0.0
---
# The kubelet runs it.
apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
  namespace: kube-system
  labels:
    component: kube-apiserver
    tier: control-plane
spec:
  hostNetwork: true
  containers:
    - name: kube-apiserver
      image: registry.k8s.io/kube-apiserver:v1.37.0
-- good/etc/kubernetes/manifests/haproxy.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: haproxy
  namespace: kube-system
spec:
  hostNetwork: true
  containers:
    - name: haproxy
      image: registry.example/haproxy:3.0.0
`,
}

// staticPod says that a kubelet runs the Pod from a file: it lies where kubelets
// look for such files, or is one that kubeadm writes
// (https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/).
func staticPod(o *manifest.Object) bool {
	file := "/" + o.Origin.File
	for _, folder := range []string{"/kubernetes/manifests/", "/static-pods/", "/staticpods/", "/static-manifests/"} {
		if strings.Contains(file, folder) {
			return true
		}
	}
	labels := o.Value("metadata", "labels")
	return o.Namespace == "kube-system" && labels.Get("tier").Text() == "control-plane" && labels.Get("component").Written() ||
		o.Value("metadata", "annotations").Key("kubernetes.io/config.source").Text() == "file"
}
