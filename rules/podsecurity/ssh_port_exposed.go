package podsecurity

import (
	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var sshPortExposed = &lint.Rule{
	ID:         "ssh-port-exposed",
	Title:      "port of an SSH server is open",
	Why:        "Whoever has a password or key for an SSH server gets a shell in the container past the Kubernetes API: no role limits it and no audit log shows it. Such servers are also what attackers leave behind to come back.",
	Fix:        "Remove the server and its port, and use kubectl exec or kubectl debug. A server that is the purpose of the workload, such as one for Git or SFTP, deserves a suppression that says so.",
	Since:      "0.1.0",
	Severity:   lint.Low,
	Category:   lint.PodSecurity,
	Frameworks: []string{"MITRE:T1021.004"},
	Profile:    lint.Strict,
	Kinds:      append([]schema.GroupKind{{Kind: "Service"}}, lint.Workloads...),
	// A join, so that a server and the Service in front of it are one finding.
	CheckAll: func(p *lint.Pass) {
		reported := map[*manifest.Object]bool{}
		for _, o := range p.Of(lint.Workloads...) {
			w, ok := o.Workload()
			if !ok {
				continue
			}
			for _, c := range w.Containers() {
				for i, port := range c.Ports {
					if isSSH(port.ContainerPort, port.Protocol) {
						reported[o] = true
						p.ReportOn(o, p.Rule.Severity, c.Path.Child("ports").Index(i).Child("containerPort"), "container %q listens for SSH on port %d", c.Name, port.ContainerPort)
					}
				}
			}
		}
		x := cluster.Of(p)
		for _, o := range p.Judged(kindService) {
			s, ok := o.Typed().(*corev1.Service)
			if !ok || s.Spec.Type == corev1.ServiceTypeExternalName {
				continue
			}
			known := false
			if len(s.Spec.Selector) > 0 {
				for _, w := range x.Selects(o, o.Namespace, &metav1.LabelSelector{MatchLabels: s.Spec.Selector}) {
					known = known || reported[w]
				}
			}
			for i, port := range s.Spec.Ports {
				if !known && (isSSH(port.Port, port.Protocol) || isSSH(port.TargetPort.IntVal, port.Protocol)) {
					p.ReportOn(o, p.Rule.Severity, field.NewPath("spec", "ports").Index(i).Child("port"), "the Service opens port %d for SSH", port.Port)
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
      containers:
        - name: web
          image: registry.example/web:1.4.2
          ports:
            - containerPort: 8080
            - containerPort: 22 # want: container "web" listens for SSH on port 22
        - name: sftp
          image: registry.example/sftp:1.0.0
          ports:
            - containerPort: 2222 # want: container "sftp"
              protocol: TCP
---
# The same server.
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector: {app: web}
  ports:
    - {name: http, port: 80, targetPort: 8080}
    - {name: ssh, port: 22}
-- bad-service.yaml --
# What it leads to does not say which ports it listens on.
apiVersion: v1
kind: Service
metadata:
  name: git
  namespace: shop
spec:
  selector: {app: git}
  ports:
    - name: ssh
      port: 22 # want: the Service opens port 22 for SSH
      targetPort: ssh
    - name: more
      port: 8022 # want: the Service opens port 8022
      targetPort: 2222
---
apiVersion: v1
kind: Pod
metadata:
  name: git
  namespace: shop
  labels: {app: git}
spec:
  containers:
    - name: git
      image: registry.example/git:1.4.2
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      ports:
        - {containerPort: 2200}
        - {containerPort: 22, protocol: UDP}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
    - {name: a, port: 80, targetPort: 8080}
    - {name: b, port: 22, protocol: UDP}
---
# An alias for a name elsewhere opens nothing.
apiVersion: v1
kind: Service
metadata:
  name: elsewhere
spec:
  type: ExternalName
  externalName: git.example
  ports:
    - port: 22
`,
}

func isSSH(port int32, protocol corev1.Protocol) bool {
	return (port == 22 || port == 2222) && (protocol == "" || protocol == corev1.ProtocolTCP)
}
