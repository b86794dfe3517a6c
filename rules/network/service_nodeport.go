package network

import (
	"fmt"
	"strconv"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var serviceNodeport = &lint.Rule{
	ID: "service-nodeport", Severity: lint.Low, Category: lint.Network, Since: "0.1.0",
	Title:      "Service is exposed on every node",
	Why:        "A node port is open on every node, on all of its addresses, without TLS and past the Ingress. Whoever reaches a node reaches the pods, and NetworkPolicies often see only the node as the sender.",
	Fix:        "Make it a ClusterIP Service and lead to it with an Ingress, a Gateway or a load balancer.",
	Frameworks: []string{"MITRE:T1133"},
	Profile:    lint.Strict,
	Kinds:      []schema.GroupKind{kindService},
	Options: []lint.Option{{
		Name:    "load-balancers",
		Doc:     "Whether a Service of the type LoadBalancer is reported, too, unless allocateLoadBalancerNodePorts is false.",
		Default: []string{"false"},
		Valid:   lint.Truth,
	}},
	Check: func(p *lint.Pass) {
		s, ok := p.Object.Typed().(*corev1.Service)
		if !ok {
			return
		}
		path := field.NewPath("spec", "type")
		switch s.Spec.Type {
		case corev1.ServiceTypeNodePort:
			p.Report(path, "Service %q opens %s on every node", p.Object.Name, ports(s))
		case corev1.ServiceTypeLoadBalancer:
			if allocate := s.Spec.AllocateLoadBalancerNodePorts; p.Yes("load-balancers") && (allocate == nil || *allocate) {
				p.Report(path, "the load balancer of Service %q opens %s on every node, too", p.Object.Name, ports(s))
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: NodePort # want: Service "web" opens port 30080 on every node
  selector: {app: web}
  ports:
    - port: 80
      nodePort: 30080
    - port: 9090
-- bad-load-balancer.yaml --
# options: load-balancers=true
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: LoadBalancer # want: a port
  selector: {app: web}
  ports:
    - port: 80
-- good.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: balanced
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
    - port: 80
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: web
spec:
  type: NodePort
-- good-load-balancer.yaml --
# options: load-balancers=true
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: LoadBalancer
  allocateLoadBalancerNodePorts: false
  selector: {app: web}
  ports:
    - port: 80
`,
}

// ports names the node ports of a Service, as far as they are written.
func ports(s *corev1.Service) string {
	var written []int32
	for _, port := range s.Spec.Ports {
		if port.NodePort != 0 {
			written = append(written, port.NodePort)
		}
	}
	switch len(written) {
	case 0:
		return "a port"
	case 1:
		return "port " + strconv.Itoa(int(written[0]))
	}
	return fmt.Sprintf("%d ports", len(written))
}
