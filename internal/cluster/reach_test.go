package cluster

import (
	"slices"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

func objects(t *testing.T, text string) []*manifest.Object {
	t.Helper()
	docs, problems := manifest.Parse([]byte(text))
	for _, p := range problems {
		t.Fatal(p)
	}
	var all []*manifest.Object
	for _, d := range docs {
		all = append(all, manifest.Objects(d, manifest.Origin{}, nil)...)
	}
	return all
}

const exposed = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: db, image: db}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: everything, namespace: shop}
spec: {type: NodePort, selector: {}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere, namespace: other}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
---
`

func TestExposed(t *testing.T) {
	for _, tt := range []struct{ name, by, want string }{
		{"nothing", "", ""},
		{"a node port", `
apiVersion: v1
kind: Service
metadata: {name: out, namespace: shop}
spec: {type: NodePort, selector: {app: web}}`, "Service shop/out at spec.type to out"},
		{"a load balancer that is internal", `
apiVersion: v1
kind: Service
metadata: {name: out, namespace: shop, annotations: {networking.gke.io/load-balancer-type: Internal}}
spec: {type: LoadBalancer, selector: {app: web}}`, "Service shop/out at spec.type to out, private"},
		{"an Ingress", `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: out, namespace: shop}
spec: {rules: [{http: {paths: [{backend: {service: {name: web, port: {number: 80}}}}, {backend: {service: {name: web, port: {number: 80}}}}]}}]}`,
			"Ingress shop/out at spec.rules[0].http.paths[0].backend to web"},
		{"an Ingress as it was before v1", `
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: out, namespace: shop}
spec: {backend: {serviceName: web, servicePort: 80}}`, "Ingress shop/out at spec.backend to web"},
		{"an Ingress of another namespace", `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: out, namespace: other}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}`, ""},
		{"a route from another namespace", `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: out, namespace: edge}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: web, namespace: shop, port: 80}]}]}`,
			"HTTPRoute edge/out at spec.rules[0].backendRefs[0] to web"},
		{"a route of a Gateway with a private address", `
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: out, namespace: shop}
spec: {parentRefs: [{name: edge, namespace: edge}], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: edge}
spec: {gatewayClassName: cilium, addresses: [{value: 10.1.2.3}]}`,
			"TLSRoute shop/out at spec.rules[0].backendRefs[0] to web, private"},
		{"a route within the mesh", `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: out, namespace: shop}
spec: {parentRefs: [{kind: Service, name: web}], rules: [{backendRefs: [{name: web, port: 80}]}]}`, ""},
		{"a VirtualService", `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: out, namespace: edge}
spec: {gateways: [edge], http: [{route: [{destination: {host: web.shop.svc.cluster.local}}]}]}`,
			"VirtualService edge/out at spec.http[0].route[0].destination to web"},
		{"a VirtualService for the mesh", `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: out, namespace: shop}
spec: {http: [{route: [{destination: {host: web}}]}]}`, ""},
		{"a VirtualService to a host of the outside", `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: out, namespace: edge}
spec: {gateways: [edge], tcp: [{route: [{destination: {host: web.shop.example.com}}]}]}`, ""},
		{"a Route of OpenShift", `
apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: out, namespace: shop}
spec: {to: {kind: Service, name: web}}`, "Route shop/out at spec.to to web"},
		{"an IngressRoute, not to a Service of Traefik", `
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: out, namespace: shop}
spec: {entryPoints: [websecure], routes: [{services: [{kind: TraefikService, name: web}, {name: web, port: 80}]}]}`,
			"IngressRoute shop/out at spec.routes[0].services[1] to web"},
	} {
		all := objects(t, exposed+tt.by)
		var got []string
		for _, e := range Of(&lint.Pass{Objects: all}).Exposed(all[0]) {
			s := e.By.ID() + " at " + e.Path.String() + " to " + e.Service.Name
			if e.Private {
				s += ", private"
			}
			got = append(got, s)
		}
		if got := strings.Join(got, "; "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestPrivate(t *testing.T) {
	service := func(annotations, spec string) string {
		return "{apiVersion: v1, kind: Service, metadata: {name: x, annotations: {" + annotations + "}}, spec: {type: LoadBalancer, " + spec + "}}"
	}
	ingress := func(annotations, spec string) string {
		return "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x, annotations: {" + annotations + "}}, spec: {" + spec + "}}"
	}
	for text, want := range map[string]bool{
		service("", ""): false,
		service(`service.beta.kubernetes.io/aws-load-balancer-internal: "0.0.0.0/0"`, ""):                                                     true,
		service(`service.beta.kubernetes.io/aws-load-balancer-internal: "false"`, ""):                                                         false,
		service(`service.beta.kubernetes.io/azure-load-balancer-internal: "true"`, ""):                                                        true,
		service(`service.beta.kubernetes.io/azure-load-balancer-internal: "false"`, ""):                                                       false,
		service(`service.beta.kubernetes.io/aws-load-balancer-type: external`, ""):                                                            true,
		service(`service.beta.kubernetes.io/aws-load-balancer-type: nlb`, ""):                                                                 false,
		service(`service.beta.kubernetes.io/aws-load-balancer-scheme: internet-facing`, "loadBalancerClass: service.k8s.aws/nlb"):             false,
		service(`service.beta.kubernetes.io/aws-load-balancer-internal: "false"`, "loadBalancerClass: service.k8s.aws/nlb"):                   false,
		service("", "loadBalancerClass: service.k8s.aws/nlb"):                                                                                 true,
		service("", "loadBalancerClass: tailscale"):                                                                                           true,
		service(`tailscale.com/funnel: "true"`, "loadBalancerClass: tailscale"):                                                               false,
		service("", "loadBalancerIP: 192.168.1.7"):                                                                                            true,
		service("", "loadBalancerIP: 203.0.113.7"):                                                                                            false,
		service(`lbipam.cilium.io/ips: "10.0.0.1, fd00::1"`, ""):                                                                              true,
		service(`lbipam.cilium.io/ips: "10.0.0.1,2001:db8::1"`, ""):                                                                           false,
		service(`lbipam.cilium.io/ips: "${ADDRESS}"`, ""):                                                                                     false,
		ingress("", "ingressClassName: nginx"):                                                                                                false,
		ingress("", "ingressClassName: nginx-internal"):                                                                                       true,
		ingress("", "ingressClassName: internalization"):                                                                                      false,
		ingress("kubernetes.io/ingress.class: gce-internal", ""):                                                                              true,
		ingress("", "ingressClassName: alb"):                                                                                                  true,
		ingress("alb.ingress.kubernetes.io/scheme: internet-facing", "ingressClassName: alb"):                                                 false,
		"{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: internal}, spec: {}}":                                     true,
		"{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: x}, spec: {parentRefs: [{name: internal}, {name: a}]}}": false,
		"{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: x}, spec: {parentRefs: [{name: internal}]}}":            true,
		"{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: x}, spec: {gateways: [istio-system/private-gateway]}}":   true,
		"{apiVersion: traefik.io/v1alpha1, kind: IngressRoute, metadata: {name: x}, spec: {entryPoints: [web]}}":                              false,
	} {
		if got := Private(objects(t, text)[0]); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

func TestBackends(t *testing.T) {
	all := objects(t, `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: out, namespace: edge}
spec:
  rules:
    - filters: [{type: RequestMirror, requestMirror: {backendRef: {name: copy, port: 81}}}]
      backendRefs: [{name: web, namespace: shop, port: 80}, {name: "${NAME}", port: 80}, {group: example.com, kind: Bucket, name: files}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: out, namespace: shop}
spec:
  defaultBackend: {resource: {apiGroup: example.com, kind: Bucket, name: files}}
  rules: [{http: {paths: [{backend: {service: {name: web, port: {name: http}}}}]}}]
`)
	var got []string
	for _, o := range all {
		for _, b := range Backends(o) {
			got = append(got, b.Kind+"."+b.Group+" "+b.Namespace+"/"+b.Name+":"+b.Port.Text())
		}
	}
	want := []string{"Service. shop/web:80", "Bucket.example.com edge/files:", "Service. edge/copy:81", "Bucket.example.com shop/files:", "Service. shop/web:http"}
	if !slices.Equal(got, want) {
		t.Errorf("backends %q, want %q", got, want)
	}
}
