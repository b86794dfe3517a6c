package cluster

import (
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

func TestAccounts(t *testing.T) {
	const accounts = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: quiet, namespace: shop}
automountServiceAccountToken: false
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: quiet, namespace: other}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: by-kind, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects: [{kind: ServiceAccount, name: quiet}, {kind: Group, name: "system:serviceaccounts:shop"}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: by-user}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}
subjects: [{kind: User, name: "system:serviceaccount:other:quiet"}, {kind: User, name: quiet}]
---
`
	const token = `volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t}}]}}]`
	for _, tt := range []struct {
		name, namespace, spec string
		account, path         string
		automounts, token     bool
		bound                 string
	}{
		{"none", "shop", "", "default", "spec.serviceAccountName", true, true, ""},
		{"one that says no", "shop", "serviceAccountName: quiet", "quiet", "spec.serviceAccountName", false, false, "by-kind"},
		{"one of that name elsewhere", "other", "serviceAccountName: quiet", "quiet", "spec.serviceAccountName", true, true, "by-user"},
		{"the field from before", "shop", "serviceAccount: quiet", "quiet", "spec.serviceAccount", false, false, "by-kind"},
		{"the pod says yes", "shop", "serviceAccountName: quiet, automountServiceAccountToken: true", "quiet", "spec.serviceAccountName", true, true, "by-kind"},
		{"the pod says no", "other", "serviceAccountName: quiet, automountServiceAccountToken: false", "quiet", "spec.serviceAccountName", false, false, "by-user"},
		{"a projected token", "shop", "serviceAccountName: quiet, " + token, "quiet", "spec.serviceAccountName", false, true, "by-kind"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := "{containers: [{name: c, image: c}], " + tt.spec + "}"
			all := objects(t, accounts+"apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: "+tt.namespace+"}\nspec: "+spec+"\n")
			x := Of(&lint.Pass{Objects: all})
			pod := all[len(all)-1]
			a, path := AccountOf(pod)
			if a != (Account{tt.namespace, tt.account}) || path.String() != tt.path {
				t.Errorf("the account is %v at %s", a, path)
			}
			if got := x.Automounts(pod); got != tt.automounts {
				t.Errorf("automounts is %v", got)
			}
			if got := x.Token(pod); got != tt.token {
				t.Errorf("token is %v", got)
			}
			if got := names(x.Bound(a)); got != tt.bound {
				t.Errorf("bound by %q, want %q", got, tt.bound)
			}
		})
	}
}

func names(all []*manifest.Object) (text string) {
	for _, o := range all {
		text += o.Name
	}
	return text
}
