package rbac

import "github.com/scantling-dev/scantling/lint"

var rbacManageNetworking = &lint.Rule{
	ID: "rbac-manage-networking", Severity: lint.Info, Category: lint.RBAC, Since: "0.1.0",
	Title:   "role can change how pods are reached",
	Why:     "With Services, endpoints and Ingresses the holder leads the traffic of an application to pods of their own, or opens one to the outside; with NetworkPolicies they lift the limits between namespaces.",
	Fix:     "Grant it in the namespaces that need it, name the objects in resourceNames where the verb is not create, and keep NetworkPolicies for those who run the platform.",
	Profile: lint.All,
	Kinds:   roleKinds,
	Joins:   bindingKinds,
	CheckAll: func(p *lint.Pass) {
		networking := map[string][]string{
			core:                {"services", "endpoints"},
			"discovery.k8s.io":  {"endpointslices"},
			"extensions":        {"ingresses", "networkpolicies"},
			"networking.k8s.io": {"ingresses", "networkpolicies"},
		}
		eachRight(p, func(r right) {
			i, what := listed(r.PolicyRule, networking)
			if i >= 0 && r.unlimited("create", "update", "patch", "delete", "deletecollection") {
				r.report(p.Rule.Severity, i, "%s can be written", what)
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: mesh
rules:
  - apiGroups: ["", "networking.k8s.io"]
    resources:
      - pods
      - services # want info: services, ingresses can be written
      - ingresses
    verbs: ["get", "update"]
  - apiGroups: ["networking.k8s.io"]
    resources: ["networkpolicies"] # want info: networkpolicies
    verbs: ["*"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: mesh
rules:
  - apiGroups: ["", "networking.k8s.io", "discovery.k8s.io"]
    resources: ["services", "endpointslices", "ingresses", "networkpolicies"]
    verbs: ["get", "list", "watch"]
  - apiGroups: ["networking.k8s.io"]
    resources: ["ingresses/status"]
    verbs: ["update"]
  - apiGroups: [""]
    resources: ["services"]
    resourceNames: ["gateway"]
    verbs: ["patch"]
  - apiGroups: ["serving.knative.dev"]
    resources: ["services"]
    verbs: ["create"]
`,
}
