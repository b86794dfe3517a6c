// Package rbac holds the rules about roles and who they are bound to.
package rbac

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Rules are the rules of this topic.
var Rules = []*lint.Rule{
	clusterAdminBinding,
	defaultServiceAccountUsed,
	defaultServiceaccountAutomountEnabled,
	longLivedServiceaccountToken,
	nonExistentServiceAccount,
	rbacAdmissionWebhookWrite,
	rbacAggregateToDefaultRole,
	rbacAnonymousBinding,
	rbacAuthenticatedGroupBinding,
	rbacAwsAuthConfigmap,
	rbacConfigmapWrite,
	rbacCsrApprove,
	rbacDanglingRoleRef,
	rbacDefaultServiceaccountBinding,
	rbacDeleteLogsOrEvents,
	rbacDeleteWorkloadsBroad,
	rbacEndpointsWriteAggregated,
	rbacEscalateOrBind,
	rbacImpersonate,
	rbacManageNetworking,
	rbacManageRbacObjects,
	rbacNodesProxy,
	rbacNodesWrite,
	rbacPersistentvolumeCreate,
	rbacPodsAttach,
	rbacPodsEphemeralcontainers,
	rbacPodsExec,
	rbacPodsPortforward,
	rbacSecretsReadClusterWide,
	rbacSecretsReadNamespace,
	rbacSecretsWrite,
	rbacServiceaccountTokenCreate,
	rbacServicesStatusWrite,
	rbacSystemMastersBinding,
	rbacUserSubject,
	rbacWildcardAll,
	rbacWildcardResources,
	rbacWildcardVerbs,
	rbacWorkloadCreate,
	sharedServiceAccount,
	workloadUsesPrivilegedServiceaccount,
}

var (
	kindRole               = schema.GroupKind{Group: rbacv1.GroupName, Kind: "Role"}
	kindClusterRole        = schema.GroupKind{Group: rbacv1.GroupName, Kind: "ClusterRole"}
	kindRoleBinding        = schema.GroupKind{Group: rbacv1.GroupName, Kind: "RoleBinding"}
	kindClusterRoleBinding = schema.GroupKind{Group: rbacv1.GroupName, Kind: "ClusterRoleBinding"}

	roleKinds    = []schema.GroupKind{kindRole, kindClusterRole}
	bindingKinds = []schema.GroupKind{kindRoleBinding, kindClusterRoleBinding}
)

// The API groups that the rules ask for.
const (
	core         = ""
	authn        = "authentication.k8s.io"
	admission    = "admissionregistration.k8s.io"
	certificates = "certificates.k8s.io"
)

// systemNamespace is where the cluster's own controllers run: who may write
// there can take the cluster.
const systemNamespace = "kube-system"

// bootstrapped says that the object is one of the API server's own defaults: it
// writes this label, and resets what it labels at every start.
func bootstrapped(labels map[string]string) bool {
	return labels["kubernetes.io/bootstrapping"] == "rbac-defaults"
}

// policyRules are the rules that a Role or ClusterRole grants as it is written.
// An aggregated ClusterRole has none: the controller overwrites what stands
// there.
func policyRules(o *manifest.Object) []rbacv1.PolicyRule {
	switch r := o.Typed().(type) {
	case *rbacv1.Role:
		if !bootstrapped(r.Labels) {
			return r.Rules
		}
	case *rbacv1.ClusterRole:
		if !bootstrapped(r.Labels) && r.AggregationRule == nil {
			return r.Rules
		}
	}
	return nil
}

// eachRule calls f for every rule of the object's role, save for those that
// rbac-wildcard-all reports: one line is one finding. The rules about single
// resources ask named, so that a wildcard resource is rbac-wildcard-resources'.
func eachRule(o *manifest.Object, f func(r *rbacv1.PolicyRule, path *field.Path)) {
	rules := policyRules(o)
	for i := range rules {
		if !fullWildcard(&rules[i]) {
			f(&rules[i], field.NewPath("rules").Index(i))
		}
	}
}

// fullWildcard says that a rule grants every verb on every resource of its API
// groups.
func fullWildcard(r *rbacv1.PolicyRule) bool {
	return slices.Contains(r.Verbs, rbacv1.VerbAll) && slices.Contains(r.Resources, rbacv1.ResourceAll) && len(r.ResourceNames) == 0
}

// resource is the index of the entry of r.Resources by which the rule covers a
// resource, or a subresource written "resource/subresource"; -1 for none. It
// reads the entries as the API server does: "*" is everything, "*/exec" is that
// subresource of everything, and "pods/*" is nothing. An entry that names the
// resource is preferred, since it is the one to edit.
func resource(r *rbacv1.PolicyRule, group, name string) int {
	if i := named(r, group, name); i >= 0 || !inGroup(r, group) {
		return i
	}
	return slices.Index(r.Resources, rbacv1.ResourceAll)
}

// named is resource without the entry "*".
func named(r *rbacv1.PolicyRule, group, name string) int {
	if !inGroup(r, group) {
		return -1
	}
	if i := slices.Index(r.Resources, name); i >= 0 {
		return i
	}
	if _, sub, ok := strings.Cut(name, "/"); ok {
		return slices.Index(r.Resources, "*/"+sub)
	}
	return -1
}

// inGroup says that a rule is about an API group.
func inGroup(r *rbacv1.PolicyRule, group string) bool {
	return slices.Contains(r.APIGroups, group) || slices.Contains(r.APIGroups, rbacv1.APIGroupAll)
}

// anyResource is resource for the first of several names that is covered.
func anyResource(r *rbacv1.PolicyRule, group string, names ...string) (i int, name string) {
	for _, name := range names {
		if i := resource(r, group, name); i >= 0 {
			return i, name
		}
	}
	return -1, ""
}

// listed are those entries of r.Resources that are among the resources of some
// API groups: the index of the first, -1 for none, and all in one text.
func listed(r *rbacv1.PolicyRule, of map[string][]string) (first int, all string) {
	first = -1
	var found []string
	for i, entry := range r.Resources {
		for group, names := range of {
			if !inGroup(r, group) || !slices.Contains(names, entry) {
				continue
			}
			if first < 0 {
				first = i
			}
			found = append(found, entry)
			break
		}
	}
	return first, few(found)
}

// few are the first of some names for a message.
func few(names []string) string {
	const most = 4
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most-1], ", "), len(names)-most+1)
}

// verb is the index of the first entry of r.Verbs that is one of the verbs, or
// the wildcard; -1 for none.
func verb(r *rbacv1.PolicyRule, verbs ...string) int {
	return slices.IndexFunc(r.Verbs, func(v string) bool {
		return v == rbacv1.VerbAll || slices.Contains(verbs, v)
	})
}

// scoped is the severity of a grant: what a Role or RoleBinding gives ends at
// its namespace and weighs a level less, except in kube-system, from where the
// cluster can be taken.
func scoped(o *manifest.Object, s lint.Severity) lint.Severity {
	gk := o.GroupKind()
	if (gk == kindRole || gk == kindRoleBinding) && o.Namespace != systemNamespace && s > lint.Info {
		return s - 1
	}
	return s
}

// binding is what RoleBinding and ClusterRoleBinding have in common.
type binding struct {
	subjects []rbacv1.Subject
	ref      rbacv1.RoleRef
}

// bindingOf reads a binding; ok is false for another kind and for the API
// server's own defaults.
func bindingOf(o *manifest.Object) (b binding, ok bool) {
	switch t := o.Typed().(type) {
	case *rbacv1.RoleBinding:
		return binding{t.Subjects, t.RoleRef}, !bootstrapped(t.Labels)
	case *rbacv1.ClusterRoleBinding:
		return binding{t.Subjects, t.RoleRef}, !bootstrapped(t.Labels)
	}
	return binding{}, false
}

// toClusterRole says that the binding refers to one of the named ClusterRoles.
func (b binding) toClusterRole(names ...string) bool {
	return b.ref.Kind == "ClusterRole" && slices.Contains(names, b.ref.Name)
}

// eachSubject calls f for every subject of the object's binding.
func eachSubject(o *manifest.Object, f func(b binding, s *rbacv1.Subject, path *field.Path)) {
	b, ok := bindingOf(o)
	if !ok {
		return
	}
	for i := range b.subjects {
		f(b, &b.subjects[i], field.NewPath("subjects").Index(i))
	}
}

// account is the service account that a subject is.
func account(s *rbacv1.Subject) (namespace, name string, ok bool) {
	a, ok := cluster.SubjectAccount(s)
	return a.Namespace, a.Name, ok
}

// reconciler says that a subject is a controller whose work is to apply
// whatever the repository holds: it can't do with less.
func reconciler(s *rbacv1.Subject) bool {
	_, name, ok := account(s)
	return ok && reconcilerAccount(name)
}

func reconcilerAccount(name string) bool {
	switch name {
	case "kustomize-controller", "helm-controller", "flux-operator", "argocd-application-controller":
		return true
	}
	return false
}
