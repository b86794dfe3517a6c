package network

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var sensitiveInterfaceExposed = &lint.Rule{
	ID: "sensitive-interface-exposed", Severity: lint.Medium, Category: lint.Network, Since: "0.1.0",
	Title:      "administrative interface is exposed outside the cluster",
	Why:        "Interfaces such as those of Prometheus, Flink, Ray or an unprotected database ask for no password: who reaches them reads everything, and many run whatever code they are given. They are searched for, and found within hours (https://attack.mitre.org/techniques/T1133/).",
	Fix:        "Put a login in front of it (an OAuth2 proxy, the controller's authentication), let only known addresses in, or leave it inside and use kubectl port-forward.",
	Frameworks: []string{"MITRE:T1133"},
	Kinds:      append(slices.Clone(cluster.Routes), kindService),
	Joins:      slices.Concat(lint.Workloads, []schema.GroupKind{kindGateway}, accessPolicies),
	Options: []lint.Option{{
		Name:    "images",
		Doc:     "Images of what asks for no password by itself: the last two parts of their names without the tag, with * for any characters but a slash.",
		Default: openInterfaces,
		Valid:   lint.Glob,
	}, {
		Name:    "with-login",
		Doc:     "Whether interfaces that do ask for a password, such as those of Argo CD, Jenkins or the Kubernetes dashboard, are reported, too.",
		Default: []string{"false"},
		Valid:   lint.Truth,
	}},
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		guarded := newGuards(x)
		type place struct {
			by   *manifest.Object
			path string
		}
		reported := map[place]bool{}
		for _, o := range p.Of(lint.Workloads...) {
			for _, e := range x.Exposed(o) {
				at := place{e.By, e.Path.String()}
				if e.Private || reported[at] || p.UnitOf(e.By).Bare || guarded.is(&e) {
					continue
				}
				for _, c := range targeted(o, &e) {
					image := repository(c.Image)
					switch {
					case isInterface(p.Option("images"), image) && !hasCredentials(c):
						p.ReportOn(e.By, p.Rule.Severity, e.Path, "outsiders reach %q in %s, which asks for no login", image, o.ID())
					case p.Yes("with-login") && (isInterface(p.Option("images"), image) || isInterface(loginInterfaces, image)):
						p.ReportOn(e.By, p.Rule.Severity, e.Path, "outsiders reach the login of %q in %s", image, o.ID())
					default:
						continue
					}
					reported[at] = true
					break
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: metrics
  namespace: monitoring
spec:
  selector:
    matchLabels: {app: metrics}
  template:
    metadata:
      labels: {app: metrics}
    spec:
      containers:
        - name: prometheus
          image: quay.io/prometheus/prometheus:v3.5.0
          ports:
            - name: web
              containerPort: 9090
        - name: exporter
          image: registry.example/exporter:1.0.0
          ports:
            - containerPort: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: metrics
  namespace: monitoring
spec:
  selector: {app: metrics}
  ports:
    - name: web
      port: 80
      targetPort: web
    - name: exporter
      port: 81
      targetPort: 8080
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: metrics
  namespace: monitoring
spec:
  ingressClassName: nginx
  rules:
    - host: metrics.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: # want: outsiders reach "prometheus/prometheus" in Deployment monitoring/metrics, which asks for no login
              service: {name: metrics, port: {name: web}}
          - path: /exporter
            pathType: Prefix
            backend:
              service: {name: metrics, port: {name: exporter}}
-- bad-database.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: cache
  labels: {app: cache}
spec:
  containers:
    - name: redis
      image: redis:8.2
---
apiVersion: v1
kind: Service
metadata:
  name: cache
spec:
  type: LoadBalancer # want: outsiders reach "redis" in Pod cache
  selector: {app: cache}
  ports:
    - port: 6379
-- bad-with-login.yaml --
# options: with-login=true
apiVersion: v1
kind: Pod
metadata:
  name: build
  labels: {app: build}
spec:
  containers:
    - name: jenkins
      image: docker.io/jenkins/jenkins:2.516.1-lts
---
apiVersion: v1
kind: Service
metadata:
  name: build
spec:
  type: NodePort # want: the login of "jenkins/jenkins"
  selector: {app: build}
  ports:
    - port: 8080
-- bad-images.yaml --
# options: images=internal/*
apiVersion: v1
kind: Pod
metadata:
  name: admin
  labels: {app: admin}
spec:
  containers:
    - name: admin
      image: registry.example:5000/internal/admin@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
---
apiVersion: v1
kind: Service
metadata:
  name: admin
spec:
  type: NodePort # want: internal/admin
  selector: {app: admin}
  ports:
    - port: 8080
-- good-bare.yaml --
# unit: bare
# A chart that nobody installs.
apiVersion: v1
kind: Pod
metadata:
  name: cache
  labels: {app: cache}
spec:
  containers:
    - name: redis
      image: redis:8.2
---
apiVersion: v1
kind: Service
metadata:
  name: cache
spec:
  type: LoadBalancer
  selector: {app: cache}
  ports:
    - port: 6379
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: metrics
  labels: {app: metrics}
spec:
  containers: &containers
    - name: prometheus
      image: prom/prometheus:v3.5.0
---
apiVersion: v1
kind: Service
metadata:
  name: metrics
spec:
  selector: {app: metrics}
  ports:
    - port: 9090
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: login
  annotations:
    nginx.ingress.kubernetes.io/auth-url: https://auth.example.com/validate
spec:
  ingressClassName: nginx
  defaultBackend:
    service: {name: metrics, port: {number: 9090}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: internal
spec:
  ingressClassName: nginx-internal
  defaultBackend:
    service: {name: metrics, port: {number: 9090}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: policy
spec:
  parentRefs: [{name: edge}]
  rules:
    - backendRefs: [{name: metrics, port: 9090}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata:
  name: login
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: policy}]
  oidc: {}
---
apiVersion: v1
kind: Service
metadata:
  name: office
spec:
  type: LoadBalancer
  loadBalancerSourceRanges: [198.51.100.0/24]
  selector: {app: metrics}
  ports:
    - port: 9090
---
# Has a login of its own, in the first place.
apiVersion: v1
kind: Pod
metadata:
  name: proxied
  labels: {app: proxied}
spec:
  containers:
    - name: prometheus
      image: prom/prometheus:v3.5.0
    - name: proxy
      image: quay.io/oauth2-proxy/oauth2-proxy:v7.12.0
---
apiVersion: v1
kind: Service
metadata:
  name: proxied
spec:
  type: LoadBalancer
  selector: {app: proxied}
  ports:
    - port: 4180
---
apiVersion: v1
kind: Pod
metadata:
  name: cache
  labels: {app: cache}
spec:
  containers:
    - name: redis
      image: redis:8.2
      args: ["--requirepass", "$(PASSWORD)"]
---
apiVersion: v1
kind: Service
metadata:
  name: cache
spec:
  type: LoadBalancer
  selector: {app: cache}
  ports:
    - port: 6379
---
# A cache beside what is served.
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
    - name: redis
      image: redis:8.2
      ports: [{containerPort: 6379}]
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
    - port: 80
      targetPort: 8080
---
apiVersion: v1
kind: Pod
metadata:
  name: build
  labels: {app: build}
spec:
  containers:
    - name: jenkins
      image: docker.io/jenkins/jenkins:2.516.1-lts
---
apiVersion: v1
kind: Service
metadata:
  name: build
spec:
  type: NodePort
  selector: {app: build}
  ports:
    - port: 8080
`,
}

// openInterfaces are images of interfaces that by default ask nobody for a
// password.
var openInterfaces = []string{
	"*/prometheus", "*/alertmanager", "*/pushgateway",
	"weaveworks/scope", "*/hubble-ui", "*/longhorn-ui", "jaegertracing/all-in-one", "jaegertracing/jaeger", "*/jaeger-query", "*/zipkin",
	"*/kafka-ui", "*/kafdrop", "*/redis-commander", "mongo-express",
	"flink", "*/flink", "spark", "*/spark", "rayproject/ray*", "*/mlflow", "ollama/ollama", "vllm/vllm-openai",
	"redis", "*/redis", "valkey/valkey", "memcached", "*/memcached", "mongo", "*/etcd",
	"docker", "docker/dind",
}

// loginInterfaces are images of interfaces that ask for a password, and are
// attacked all the same.
var loginInterfaces = []string{
	"kubernetesui/dashboard*", "argoproj/argocd", "argoproj/argocli", "jenkins/jenkins", "jupyterhub/*", "jupyter/*", "apache/nifi", "minio/minio", "minio/console",
	"kiali/kiali", "portainer/portainer-*", "rancher/rancher", "apache/airflow", "kibana/kibana", "kibana", "elasticsearch/elasticsearch", "elasticsearch", "opensearchproject/*",
	"postgres", "mysql", "mariadb", "adminer", "phpmyadmin", "dpage/pgadmin4", "centraldashboard", "*/centraldashboard", "headlamp-k8s/headlamp",
}

func isInterface(patterns []string, image string) bool {
	return lint.MatchesAny(patterns, image)
}
