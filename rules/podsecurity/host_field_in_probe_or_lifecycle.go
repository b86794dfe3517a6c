package podsecurity

import (
	"net/netip"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var hostFieldInProbeOrLifecycle = &lint.Rule{
	ID:         "host-field-in-probe-or-lifecycle",
	Title:      "probe or lifecycle handler calls another host",
	Why:        "The kubelet makes the calls of probes and lifecycle handlers, from the node's network and past network policies. With a host of their own they reach services that listen only on the node, or the cloud provider's metadata; and a probe that asks another host says nothing about its container. Pod Security forbids this since 1.34. A loopback address in a pod that shares the network of its node is the pod itself, and is not reported.",
	Fix:        "Remove host: the kubelet then asks the pod. Where only the Host header matters, set it in httpGet.httpHeaders.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline"},
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options:    []lint.Option{exact("from 1.34 on, and any host is wrong")},
	Check: func(p *lint.Pass) {
		if !inForce(p, 34) {
			return
		}
		w := p.Workload()
		for _, c := range w.Containers() {
			for _, h := range handlersOf(c) {
				host := h.host
				if host == "" || !manifest.Known(host) || !p.Yes("exact") && w.Pod.HostNetwork && loopback(host) {
					continue
				}
				p.Report(h.path.Child("host"), "the %s of container %q calls the host %q", h.what, c.Name, host)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
        - name: proxy
          image: registry.example/proxy:2.8.0
          restartPolicy: Always
          startupProbe:
            tcpSocket: {port: 8080, host: 10.0.0.1} # want: the startup probe of container "proxy" calls the host "10.0.0.1"
      containers:
        - name: web
          image: registry.example/web:1.4.2
          livenessProbe:
            httpGet:
              port: 10248
              host: 127.0.0.1 # want: the liveness probe of container "web"
          readinessProbe:
            httpGet:
              port: 80
              path: /latest/meta-data/
              host: 169.254.169.254 # want: the readiness probe of container "web"
          lifecycle:
            postStart:
              httpGet: {port: 80, host: hooks.example} # want: the postStart handler
            preStop:
              tcpSocket: {port: 80, host: localhost} # want: the preStop handler
-- bad-host-network.yaml --
# Not the pod's own address.
apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  hostNetwork: true
  containers:
    - name: agent
      image: registry.example/agent:3.1.0
      livenessProbe:
        httpGet: {port: 80, host: 192.0.2.1} # want: "192.0.2.1"
-- bad-exact.yaml --
# options: exact=true
# kubernetes: 1.34
apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  hostNetwork: true
  containers:
    - name: agent
      image: registry.example/agent:3.1.0
      livenessProbe:
        httpGet: {port: 80, host: "::1"} # want: "::1"
-- good-exact-old.yaml --
# options: exact=true
# kubernetes: 1.33
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      livenessProbe:
        httpGet: {port: 80, host: 192.0.2.1}
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      livenessProbe:
        httpGet:
          port: 8080
          httpHeaders:
            - {name: Host, value: web.example}
      readinessProbe:
        tcpSocket: {port: 8080, host: ""}
      startupProbe:
        exec: {command: [web, check]}
      lifecycle:
        preStop:
          sleep: {seconds: 5}
    - name: log
      image: registry.example/log:0.9.0
      livenessProbe:
        httpGet: {port: 8080, host: "${PROBE_HOST}"}
-- good-host-network.yaml --
# The pod's own address.
apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
spec:
  hostNetwork: true
  containers:
    - name: kube-apiserver
      image: registry.k8s.io/kube-apiserver:v1.34.0
      livenessProbe:
        httpGet: {port: 6443, host: 127.0.0.1, scheme: HTTPS}
      readinessProbe:
        tcpSocket: {port: 6443, host: localhost}
`,
}

// handler is a call that the kubelet makes for a container.
type handler struct {
	what, host string
	path       *field.Path
}

// handlersOf are the calls that the kubelet makes for a container.
func handlersOf(c *manifest.Container) []handler {
	var all []handler
	add := func(what string, path *field.Path, get *corev1.HTTPGetAction, socket *corev1.TCPSocketAction) {
		if get != nil {
			all = append(all, handler{what, get.Host, path.Child("httpGet")})
		}
		if socket != nil {
			all = append(all, handler{what, socket.Host, path.Child("tcpSocket")})
		}
	}
	probe := func(what, name string, p *corev1.Probe) {
		if p != nil {
			add(what, c.Path.Child(name), p.HTTPGet, p.TCPSocket)
		}
	}
	probe("startup probe", "startupProbe", c.StartupProbe)
	probe("liveness probe", "livenessProbe", c.LivenessProbe)
	probe("readiness probe", "readinessProbe", c.ReadinessProbe)
	hook := func(name string, h *corev1.LifecycleHandler) {
		if h != nil {
			add(name+" handler", c.Path.Child("lifecycle", name), h.HTTPGet, h.TCPSocket)
		}
	}
	if c.Lifecycle != nil {
		hook("postStart", c.Lifecycle.PostStart)
		hook("preStop", c.Lifecycle.PreStop)
	}
	return all
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
