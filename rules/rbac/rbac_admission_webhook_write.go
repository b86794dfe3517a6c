package rbac

import (
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacAdmissionWebhookWrite = &lint.Rule{
	ID: "rbac-admission-webhook-write", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Profile:    lint.Strict,
	Title:      "role can change admission control",
	Why:        "An admission webhook sees and can rewrite every object that is written to the cluster, Secrets among them; and who can delete one switches off the policies that it enforces.",
	Fix:        "Name the configurations that the subject owns in resourceNames, and leave out create where they are part of the installation.",
	Frameworks: []string{"CIS-1.12:5.1.12"},
	Kinds:      []schema.GroupKind{kindClusterRole},
	Check: func(p *lint.Pass) {
		eachRule(p.Object, func(r *rbacv1.PolicyRule, path *field.Path) {
			// A controller that keeps its own webhook's certificate up to date
			// names it.
			if len(r.ResourceNames) > 0 || verb(r, "create", "update", "patch", "delete", "deletecollection") < 0 {
				return
			}
			i, what := listed(r, map[string][]string{admission: {
				"mutatingwebhookconfigurations", "validatingwebhookconfigurations",
				"mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
				"validatingadmissionpolicies", "validatingadmissionpolicybindings",
			}})
			if i >= 0 {
				p.Report(path.Child("resources").Index(i), "%s can be written", what)
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: injector
rules:
  - apiGroups: ["admissionregistration.k8s.io"]
    resources:
      - validatingwebhookconfigurations # want: validatingwebhookconfigurations can be written
    verbs: ["get", "patch"]
  - apiGroups: ["admissionregistration.k8s.io"]
    resources: ["validatingadmissionpolicybindings"] # want
    verbs: ["*"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: injector
rules:
  # Every resource is rbac-wildcard-resources' to report.
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["delete"]
  - apiGroups: ["admissionregistration.k8s.io"]
    resources: ["mutatingwebhookconfigurations"]
    verbs: ["get", "list", "watch"]
  - apiGroups: ["admissionregistration.k8s.io"]
    resources: ["mutatingwebhookconfigurations"]
    resourceNames: ["injector"]
    verbs: ["update", "patch"]
  - apiGroups: ["apps"]
    resources: ["*"]
    verbs: ["update"]
`,
}
