package podsecurity

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	kindService = schema.GroupKind{Kind: "Service"}
	kindIngress = schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}
	// routeKinds are the routes of the Gateway API that lead to Services.
	routeKinds = []schema.GroupKind{
		{Group: "gateway.networking.k8s.io", Kind: "GRPCRoute"},
		{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute"},
		{Group: "gateway.networking.k8s.io", Kind: "TCPRoute"},
		{Group: "gateway.networking.k8s.io", Kind: "TLSRoute"},
		{Group: "gateway.networking.k8s.io", Kind: "UDPRoute"},
	}
)

var publicWorkloadNotIsolated = &lint.Rule{
	ID:       "public-workload-not-isolated",
	Title:    "public workload shares its nodes with all others",
	Why:      "What the Internet reaches is broken into first. Who then breaks out of the container gets the secrets and the memory of every pod on the same node.",
	Fix:      "Put what is public on nodes of its own, with a nodeSelector and a toleration for their taint, or give it a sandboxed runtimeClassName.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Joins:    append([]schema.GroupKind{kindService, kindIngress, {Group: "extensions", Kind: "Ingress"}}, routeKinds...),
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		reported := map[*manifest.Object]bool{}
		expose := func(service, by *manifest.Object) {
			s, ok := service.Typed().(*corev1.Service)
			if !ok || len(s.Spec.Selector) == 0 {
				return
			}
			for _, o := range x.Selects(service, service.Namespace, &metav1.LabelSelector{MatchLabels: s.Spec.Selector}) {
				w, _ := o.Workload()
				if reported[o] || !serves(o) || choosesNodes(w.Pod) {
					continue
				}
				reported[o] = true
				p.ReportOn(o, p.Rule.Severity, w.Path.Child("nodeSelector"), "the pod may share its node with any other, and %s %q makes it public", by.GVK.Kind, by.Name)
			}
		}
		for _, service := range x.Kind("", "Service") {
			if isPublic(service) {
				expose(service, service)
			}
		}
		for _, kind := range append([]schema.GroupKind{kindIngress, {Group: "extensions", Kind: "Ingress"}}, routeKinds...) {
			for _, o := range x.Kind(kind.Group, kind.Kind) {
				for _, b := range backends(o) {
					for _, service := range x.Named(o, kindService, b.namespace, b.name) {
						expose(service, o)
					}
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      nodeSelector: # want: Service "web" makes it public
        kubernetes.io/os: linux
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
    - port: 443
-- bad-ingress.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: {app: web}
spec: # want: Ingress "web" makes it public
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: default
  namespace: shop
  labels: {app: default}
spec: # want: Ingress "web" makes it public
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: default
  namespace: shop
spec:
  selector: {app: default}
  ports:
    - port: 80
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
spec:
  defaultBackend:
    service: {name: default, port: {number: 80}}
  rules:
    - http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service: {name: web, port: {number: 80}}
-- bad-route.yaml --
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: web
  namespace: shop
spec:
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: # want: HTTPRoute "web"
      tolerations:
        - {key: node.kubernetes.io/not-ready, operator: Exists}
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
  namespace: gateway
spec:
  rules:
    - backendRefs:
        - {name: web, namespace: shop, port: 80}
-- good.yaml --
# Not reached from outside.
apiVersion: v1
kind: Pod
metadata:
  name: inner
  namespace: shop
  labels: {app: inner}
spec:
  containers:
    - name: inner
      image: registry.example/inner:1.4.2
---
apiVersion: v1
kind: Service
metadata:
  name: inner
  namespace: shop
spec:
  selector: {app: inner}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: internal
  namespace: shop
  annotations:
    service.beta.kubernetes.io/azure-load-balancer-internal: "true"
spec:
  type: LoadBalancer
  selector: {app: inner}
  ports:
    - port: 80
---
# Of another namespace.
apiVersion: v1
kind: Service
metadata:
  name: inner
  namespace: other
spec:
  type: NodePort
  selector: {app: inner}
  ports:
    - port: 80
---
apiVersion: v1
kind: Pod
metadata:
  name: edge
  namespace: shop
  labels: {app: edge}
spec:
  nodeSelector: {example.com/pool: edge}
  containers:
    - name: edge
      image: registry.example/edge:1.4.2
---
# A job with the labels of the application that it belongs to serves nobody.
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  namespace: shop
spec:
  template:
    metadata: {labels: {app: edge}}
    spec:
      restartPolicy: Never
      containers:
        - name: migrate
          image: registry.example/edge:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: tolerant
  namespace: shop
  labels: {app: edge}
spec:
  tolerations:
    - {key: example.com/edge, operator: Exists, effect: NoSchedule}
  containers:
    - name: edge
      image: registry.example/edge:1.4.2
---
apiVersion: v1
kind: Service
metadata:
  name: edge
  namespace: shop
spec:
  type: NodePort
  selector: {app: edge}
  ports:
    - port: 80
`,
}

// serves says that a workload is what a Service is meant for, and may choose its
// nodes: a DaemonSet is for all of them, and a job often has the labels of the
// application that it belongs to.
func serves(o *manifest.Object) bool {
	return o.GVK.Kind != "DaemonSet" && o.GVK.Kind != "Job" && o.GVK.Kind != "CronJob"
}

// choosesNodes says that somebody thought about which nodes a pod shares: it
// selects some, tolerates a taint, or has a runtime class, which may do both.
func choosesNodes(pod *corev1.PodSpec) bool {
	if pod.RuntimeClassName != nil || pod.NodeName != "" {
		return true
	}
	for key := range pod.NodeSelector {
		if key != corev1.LabelOSStable && key != corev1.LabelArchStable {
			return true
		}
	}
	for _, t := range pod.Tolerations {
		if !strings.HasPrefix(t.Key, "node.kubernetes.io/") && t.Effect != corev1.TaintEffectNoExecute {
			return true
		}
	}
	a := pod.Affinity
	return a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil
}

// isPublic says that a Service is reached from outside the cluster. Clouds keep
// a load balancer internal by an annotation each; all have the word in it.
func isPublic(o *manifest.Object) bool {
	s, ok := o.Typed().(*corev1.Service)
	if !ok {
		return false
	}
	if s.Spec.Type == corev1.ServiceTypeNodePort {
		return true
	}
	for key, value := range s.Annotations {
		if text := strings.ToLower(key + " " + value); strings.Contains(text, "internal") && !strings.HasSuffix(text, " false") &&
			strings.Contains(text, "load-balancer") {
			return false
		}
	}
	return s.Spec.Type == corev1.ServiceTypeLoadBalancer
}

// backend is the Service that an Ingress or a route leads to.
type backend struct{ namespace, name string }

func backends(o *manifest.Object) []backend {
	var all []backend
	add := func(namespace, name manifest.Value) {
		b := backend{o.Namespace, name.Text()}
		if namespace.Text() != "" {
			b.namespace = namespace.Text()
		}
		if b.name != "" {
			all = append(all, b)
		}
	}
	spec := o.Value("spec")
	// The second of each pair is how versions before v1 have it.
	for _, b := range []manifest.Value{spec.Get("defaultBackend"), spec.Get("backend")} {
		add(manifest.Value{}, b.Get("service", "name"))
		add(manifest.Value{}, b.Get("serviceName"))
	}
	for _, rule := range spec.Get("rules").Items() {
		for _, path := range rule.Get("http", "paths").Items() {
			add(manifest.Value{}, path.Get("backend", "service", "name"))
			add(manifest.Value{}, path.Get("backend", "serviceName"))
		}
		for _, ref := range rule.Get("backendRefs").Items() {
			if kind := ref.Get("kind").Text(); kind == "" || kind == "Service" {
				add(ref.Get("namespace"), ref.Get("name"))
			}
		}
	}
	return all
}
