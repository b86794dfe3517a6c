package rbac

import (
	"maps"
	"slices"

	"github.com/scantling-dev/scantling/lint"
)

var rbacDeleteWorkloadsBroad = &lint.Rule{
	ID: "rbac-delete-workloads-broad", Severity: lint.Info, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role can delete workloads or volumes of every name",
	Why:        "A stolen token with this right, or a mistake of its holder, stops every application in reach, and with the claims of the volumes their data goes, too.",
	Fix:        "Remove delete and deletecollection, grant them in the namespaces that need them, or name the objects in resourceNames.",
	Frameworks: []string{"MITRE:T1485"},
	Profile:    lint.All,
	Kinds:      roleKinds,
	Joins:      bindingKinds,
	CheckAll: func(p *lint.Pass) {
		data := maps.Clone(workloads)
		data[core] = append([]string{"namespaces", "persistentvolumeclaims"}, workloads[core]...)
		eachRight(p, func(r right) {
			// At the verb, since another rule reports the resources; of the
			// wildcard verb rbac-wildcard-verbs speaks.
			at := slices.IndexFunc(r.Verbs, func(v string) bool { return v == "delete" || v == "deletecollection" })
			if i, what := listed(r.PolicyRule, data); i >= 0 && at >= 0 && len(r.ResourceNames) == 0 {
				p.ReportOn(r.role, r.weigh(lint.Low), r.path.Child("verbs").Index(at), "%s of every name can be deleted", what)
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: cleaner
rules:
  - apiGroups: ["", "apps"]
    resources: ["pods", "configmaps", "deployments"]
    verbs:
      - list
      - delete # want low: pods, deployments of every name
  - apiGroups: [""]
    resources: ["persistentvolumeclaims"]
    verbs: ["deletecollection"] # want low: persistentvolumeclaims
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: cleaner
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cleaner}
subjects:
  - {kind: ServiceAccount, name: cleaner, namespace: cleaner}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: cleaner
  namespace: shop
rules:
  - apiGroups: ["batch"]
    resources: ["jobs"]
    verbs: ["delete"] # want info: jobs
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: cleaner
rules:
  - apiGroups: ["", "apps"]
    resources: ["pods", "deployments"]
    verbs: ["get", "list", "watch", "create"]
  - apiGroups: ["apps"]
    resources: ["deployments"]
    resourceNames: ["web"]
    verbs: ["delete"]
  - apiGroups: ["example.com"]
    resources: ["jobs"]
    verbs: ["delete"]
`,
}
