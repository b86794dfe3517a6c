package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// right is one rule of a role, as the joined rules see it.
type right struct {
	*rbacv1.PolicyRule
	role *manifest.Object
	path *field.Path
	pass *lint.Pass
}

// eachRight calls f for every rule of every role, save for those that
// rbac-wildcard-all reports.
func eachRight(p *lint.Pass, f func(right)) {
	for _, o := range p.Judged() {
		eachRule(o, func(r *rbacv1.PolicyRule, path *field.Path) { f(right{r, o, path, p}) })
	}
}

// unlimited says that a right has one of the verbs, on objects of every name.
func (r right) unlimited(verbs ...string) bool {
	return len(r.ResourceNames) == 0 && verb(r.PolicyRule, verbs...) >= 0
}

// cluster says that a ClusterRole grants the right: in a Role, one on a resource
// that is in no namespace grants nothing.
func (r right) cluster() bool { return r.role.GroupKind() == kindClusterRole }

// report speaks about the right at one of the entries of its resources.
func (r right) report(severity lint.Severity, resource int, format string, args ...any) {
	r.pass.ReportOn(r.role, r.weigh(severity), r.path.Child("resources").Index(resource), format, args...)
}

// weigh is the severity of a right: s where the right holds in the whole cluster
// or in kube-system, from where the cluster can be taken, a level less where it
// ends at another namespace, or where nobody holds it.
func (r right) weigh(s lint.Severity) lint.Severity {
	if s == lint.Info || r.reach() == everywhere {
		return s
	}
	return s - 1
}

// reach is how far a right goes.
type reach int

const (
	// unbound rights are those of a ClusterRole that no binding grants.
	unbound reach = iota
	inNamespace
	everywhere
)

// reach is how far the right goes, by the bindings of its role: as far as
// possible where not all of them are known.
func (r right) reach() reach {
	if !r.cluster() {
		if r.role.Namespace == systemNamespace {
			return everywhere
		}
		return inNamespace
	}
	x := indexOf(r.pass)
	switch {
	case x.boundEverywhere(r.role.Name) != nil, x.bound(inSystem, r.role.Name) != nil, !r.pass.Complete(""):
		return everywhere
	case x.bound(inOther, r.role.Name) != nil:
		return inNamespace
	}
	return unbound
}

// custom says that all API groups of a rule are of custom resources, or of an
// aggregated API.
func custom(r *rbacv1.PolicyRule) bool { return !slices.ContainsFunc(r.APIGroups, builtin) }

// builtin says that an API group is one of those in k8s.io/api, or all of them.
// The ending says nothing: gateway.networking.k8s.io holds custom resources.
func builtin(group string) bool {
	switch group {
	case rbacv1.APIGroupAll, core, "apps", "batch", "autoscaling", "policy", "extensions",
		admission, authn, certificates, rbacv1.GroupName,
		"apiextensions.k8s.io", "apiregistration.k8s.io", "authorization.k8s.io", "coordination.k8s.io",
		"discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io", "internal.apiserver.k8s.io",
		"lifecycle.k8s.io", "networking.k8s.io", "node.k8s.io", "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io",
		"storagemigration.k8s.io":
		return true
	}
	return false
}
