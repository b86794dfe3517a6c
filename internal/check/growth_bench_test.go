package check

import (
	"fmt"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

// application is what one application deploys: ten objects that refer to each
// other. Its place-holders are its number and its namespace's.
const application = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
spec:
  replicas: 2
  selector: {matchLabels: {app: web-%[1]d}}
  template:
    metadata: {labels: {app: web-%[1]d, part-of: shop}}
    spec:
      serviceAccountName: web-%[1]d
      containers:
        - name: web
          image: registry.example.org/web:1.%[1]d
          ports: [{name: http, containerPort: 8080}]
          envFrom: [{configMapRef: {name: web-%[1]d}}]
          resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 64Mi}}
          securityContext: {privileged: true}
---
apiVersion: v1
kind: Service
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
spec:
  selector: {app: web-%[1]d}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
data: {MODE: fast}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web-%[1]d}
subjects: [{kind: ServiceAccount, name: web-%[1]d, namespace: shop-%[2]d}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
spec:
  podSelector: {matchLabels: {app: web-%[1]d}}
  ingress: [{from: [{podSelector: {matchLabels: {part-of: shop}}}]}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: web-%[1]d}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
spec:
  maxReplicas: 4
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web-%[1]d}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
spec:
  rules: [{host: web-%[1]d.example.org, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-%[1]d, port: {number: 80}}}}]}}]
`

// BenchmarkRules runs every rule over objects that are already parsed: ns/object
// must not grow with their number. Applications are spread over namespaces of ten,
// or are all in one.
func BenchmarkRules(b *testing.B) {
	linter, err := lint.NewLinter(Rules(), lint.Selection{Profiles: []lint.Profile{lint.All}})
	if err != nil {
		b.Fatal(err)
	}
	for name, each := range map[string]int{"spread": 10, "one-namespace": 1 << 30} {
		for _, n := range []int{1250, 5000, 20000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					objects := applications(b, n/10, each)
					b.StartTimer()
					found := 0
					for _, o := range objects {
						found += len(linter.Object(o, lint.Unit{ID: "unit"}))
					}
					found += len(linter.Cluster(&lint.Cluster{Objects: objects}))
					if found == 0 {
						b.Fatal("nothing is found")
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/object")
			})
		}
	}
}

// applications are the objects of n applications, each parsed by itself.
func applications(b *testing.B, n, each int) []*manifest.Object {
	b.Helper()
	var objects []*manifest.Object
	for i := range n {
		docs, problems := manifest.Parse(fmt.Appendf(nil, application, i, i/each))
		if len(problems) > 0 {
			b.Fatal(problems)
		}
		for _, d := range docs {
			objects = append(objects, manifest.Objects(d, manifest.Origin{}, nil)...)
		}
	}
	return objects
}
