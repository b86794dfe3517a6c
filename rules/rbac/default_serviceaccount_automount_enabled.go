package rbac

import (
	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var defaultServiceaccountAutomountEnabled = &lint.Rule{
	ID: "default-serviceaccount-automount-enabled", Severity: lint.Low, Category: lint.RBAC, Since: "0.1.0",
	Title:      "default service account gives its token to every pod",
	Why:        "Every pod of the namespace that names no service account gets a token for the API, whether it calls it or not, and so does whoever breaks into one of them.",
	Fix:        "Set automountServiceAccountToken to false in the service account, and to true in the pods that call the API.",
	Frameworks: []string{"CIS-1.12:5.1.5"},
	Profile:    lint.All,
	Kinds:      []schema.GroupKind{cluster.ServiceAccount},
	Options: []lint.Option{{
		Name:    "any",
		Doc:     "Whether every service account is reported that gives its token to pods that do not ask for it, not only those that are called default.",
		Default: []string{"false"},
		Valid:   lint.Truth,
	}},
	Check: func(p *lint.Pass) {
		sa, ok := p.Object.Typed().(*corev1.ServiceAccount)
		if !ok || sa.Name != "default" && !p.Yes("any") {
			return
		}
		if mount := sa.AutomountServiceAccountToken; mount == nil || *mount {
			p.Report(field.NewPath("automountServiceAccountToken"), "pods of service account %q get a token unless they say no", sa.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1 # want: service account "default"
kind: ServiceAccount
metadata:
  name: default
  namespace: shop
imagePullSecrets:
  - name: registry
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: default
  namespace: other
automountServiceAccountToken: true # want
-- bad-any.yaml --
# options: any=true
apiVersion: v1 # want: service account "web"
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
-- good.yaml --
apiVersion: v1
kind: ServiceAccount
metadata:
  name: default
  namespace: shop
automountServiceAccountToken: false
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: operator
  namespace: shop
`,
}
