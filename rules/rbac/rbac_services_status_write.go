package rbac

import "github.com/scantling-dev/scantling/lint"

var rbacServicesStatusWrite = &lint.Rule{
	ID: "rbac-services-status-write", Severity: lint.Medium, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role can set the load balancer address of Services",
	Why:        "kube-proxy sends what goes to an address in the status of a LoadBalancer Service to that Service's pods. Who can write the status puts any address there, such as that of the API server or of a site outside, and gets the traffic of every pod to it (CVE-2020-8554, which no version of Kubernetes mends).",
	Fix:        "Remove services/status from the role; only the controller of the load balancers needs it.",
	Frameworks: []string{"CVE-2020-8554"},
	Profile:    lint.Strict,
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	CheckAll: func(p *lint.Pass) {
		eachRight(p, func(r right) {
			if i := named(r.PolicyRule, core, "services/status"); i >= 0 && r.unlimited("update", "patch") {
				r.report(p.Rule.Severity, i, "the load balancer addresses of Services can be set through %s", r.Resources[i])
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: tenant
rules:
  - apiGroups: [""]
    resources: ["services", "services/status"] # want medium: services/status
    verbs: ["get", "patch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: tenant
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: tenant}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: tenant}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: tenant
  namespace: shop
rules:
  - apiGroups: ["*"]
    resources: ["*/status"] # want low: */status
    verbs: ["*"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: tenant
rules:
  - apiGroups: [""]
    resources: ["services/status"]
    verbs: ["get"]
  - apiGroups: [""]
    resources: ["services/status"]
    resourceNames: ["gateway"]
    verbs: ["patch"]
  # The status can't be written with the Service itself.
  - apiGroups: [""]
    resources: ["services"]
    verbs: ["update"]
  # Knative's Services are others.
  - apiGroups: ["serving.knative.dev"]
    resources: ["services/status"]
    verbs: ["update"]
`,
}
