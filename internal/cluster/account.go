package cluster

import (
	"cmp"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Account names a service account.
type Account struct{ Namespace, Name string }

var (
	// ServiceAccount is the kind that a rule names in Kinds or Joins to ask whether
	// a token is mounted.
	ServiceAccount = schema.GroupKind{Kind: "ServiceAccount"}
	// Bindings are the kinds that a rule names there to ask what is bound.
	Bindings = []schema.GroupKind{{Group: rbacv1.GroupName, Kind: "RoleBinding"}, {Group: rbacv1.GroupName, Kind: "ClusterRoleBinding"}}
)

// AccountOf is the service account that the pods of a workload run as, and the
// field that says so.
func AccountOf(o *manifest.Object) (Account, *field.Path) {
	w, ok := o.Workload()
	if !ok {
		return Account{}, nil
	}
	name, at := w.Pod.ServiceAccountName, "serviceAccountName"
	if name == "" && w.Pod.DeprecatedServiceAccount != "" {
		name, at = w.Pod.DeprecatedServiceAccount, "serviceAccount"
	}
	return Account{o.Namespace, cmp.Or(name, "default")}, w.Path.Child(at)
}

// SubjectAccount takes a subject that is a service account apart. A user name can
// say the same as a subject of the kind ServiceAccount.
func SubjectAccount(s *rbacv1.Subject) (a Account, ok bool) {
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		return Account{s.Namespace, s.Name}, s.Name != ""
	case rbacv1.UserKind:
		if rest, found := strings.CutPrefix(s.Name, "system:serviceaccount:"); found {
			a.Namespace, a.Name, ok = strings.Cut(rest, ":")
		}
	}
	return a, ok
}

// Automounts says that the pods of a workload are given a token of their service
// account without asking for it. The pod's own setting goes before the account's.
func (x *Index) Automounts(o *manifest.Object) bool {
	w, ok := o.Workload()
	if !ok {
		return false
	}
	if mount := w.Pod.AutomountServiceAccountToken; mount != nil {
		return *mount
	}
	if o.GVK.Kind == "SandboxTemplate" {
		// Its controller turns off what is not set.
		return false
	}
	a, _ := AccountOf(o)
	accounts := x.Named(o, ServiceAccount, a.Namespace, a.Name)
	return len(accounts) == 0 || slices.ContainsFunc(accounts, func(o *manifest.Object) bool {
		sa, ok := o.Typed().(*corev1.ServiceAccount)
		return ok && (sa.AutomountServiceAccountToken == nil || *sa.AutomountServiceAccountToken)
	})
}

// Token says that the pods of a workload hold a token for the API server: one
// that is mounted by default, or one in a projected volume.
func (x *Index) Token(o *manifest.Object) bool {
	if x.Automounts(o) {
		return true
	}
	w, ok := o.Workload()
	return ok && slices.ContainsFunc(w.Pod.Volumes, func(v corev1.Volume) bool {
		return v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool {
			return s.ServiceAccountToken != nil && s.ServiceAccountToken.Audience == ""
		})
	})
}

// Bound are the bindings that grant a role to a service account by its name; not
// those for groups that it is in. With an account whose namespace is not known
// they are those of its name in any namespace.
func (x *Index) Bound(a Account) []*manifest.Object {
	if x.bound == nil {
		x.bound = map[Account][]*manifest.Object{}
		for _, kind := range Bindings {
			for _, o := range x.byKind[kind] {
				x.bind(o)
			}
		}
	}
	return x.bound[a]
}

func (x *Index) bind(o *manifest.Object) {
	var subjects []rbacv1.Subject
	switch t := o.Typed().(type) {
	case *rbacv1.RoleBinding:
		subjects = t.Subjects
	case *rbacv1.ClusterRoleBinding:
		subjects = t.Subjects
	}
	for i := range subjects {
		a, ok := SubjectAccount(&subjects[i])
		if !ok {
			continue
		}
		a.Namespace = cmp.Or(a.Namespace, o.Namespace)
		x.bound[a] = append(x.bound[a], o)
		if a.Namespace != "" {
			anywhere := Account{"", a.Name}
			x.bound[anywhere] = append(x.bound[anywhere], o)
		}
	}
}
