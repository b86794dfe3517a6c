package rbac

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// index is what the joined rules know about the ClusterRoles and the bindings
// of one cluster.
type index struct {
	roles map[string][]*rbacv1.ClusterRole // by name
	// children are the ClusterRoles that an aggregated one, by its name, takes
	// its rules from; parents the other way around.
	children map[string][]*rbacv1.ClusterRole
	parents  map[string][]string
	// everywhere and somewhere give, by the name of a ClusterRole, a binding
	// that grants it in the whole cluster, or in one namespace.
	everywhere, somewhere map[string]string

	power map[string]string // memo of takeover by the role's name
}

// builtinParents are the API server's own aggregated ClusterRoles, which take
// in what carries these labels; view's rules reach edit, and those admin.
var builtinParents = map[string][]string{
	"rbac.authorization.k8s.io/aggregate-to-view":  {"view", "edit", "admin"},
	"rbac.authorization.k8s.io/aggregate-to-edit":  {"edit", "admin"},
	"rbac.authorization.k8s.io/aggregate-to-admin": {"admin"},
}

func newIndex(objects []*manifest.Object) *index {
	x := &index{
		roles:      map[string][]*rbacv1.ClusterRole{},
		children:   map[string][]*rbacv1.ClusterRole{},
		parents:    map[string][]string{},
		everywhere: map[string]string{},
		somewhere:  map[string]string{},
		power:      map[string]string{},
	}
	var aggregated []*rbacv1.ClusterRole
	byLabel := map[string][]*rbacv1.ClusterRole{}
	for _, o := range objects {
		switch o.GroupKind() {
		case kindClusterRole:
			r, ok := o.Typed().(*rbacv1.ClusterRole)
			if !ok {
				continue
			}
			x.roles[r.Name] = append(x.roles[r.Name], r)
			if r.AggregationRule != nil {
				aggregated = append(aggregated, r)
			}
			for k, v := range r.Labels {
				byLabel[k+"="+v] = append(byLabel[k+"="+v], r)
				if v == "true" {
					for _, parent := range builtinParents[k] {
						x.aggregate(parent, r)
					}
				}
			}
		case kindClusterRoleBinding, kindRoleBinding:
			b, ok := bindingOf(o)
			if !ok || len(b.subjects) == 0 || b.ref.Kind != "ClusterRole" {
				continue
			}
			in := x.somewhere
			if o.GroupKind() == kindClusterRoleBinding {
				in = x.everywhere
			}
			// The least name wins, so that the order of objects is of no
			// consequence.
			if first, ok := in[b.ref.Name]; !ok || o.Name < first {
				in[b.ref.Name] = o.Name
			}
		}
	}
	for _, parent := range aggregated {
		for i := range parent.AggregationRule.ClusterRoleSelectors {
			x.selectChildren(parent, &parent.AggregationRule.ClusterRoleSelectors[i], byLabel)
		}
	}
	return x
}

// selectChildren looks only at the roles that carry one of the selector's
// labels: every aggregated role that is met in practice selects by a label.
func (x *index) selectChildren(parent *rbacv1.ClusterRole, s *metav1.LabelSelector, byLabel map[string][]*rbacv1.ClusterRole) {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return
	}
	for k, v := range s.MatchLabels {
		for _, child := range byLabel[k+"="+v] {
			if child != parent && selector.Matches(labels.Set(child.Labels)) {
				x.aggregate(parent.Name, child)
			}
		}
		return
	}
}

func (x *index) aggregate(parent string, child *rbacv1.ClusterRole) {
	x.children[parent] = append(x.children[parent], child)
	x.parents[child.Name] = append(x.parents[child.Name], parent)
}

// boundEverywhere names a ClusterRoleBinding that grants the role, itself or
// aggregated into another.
func (x *index) boundEverywhere(role string) (string, bool) { return x.bound(x.everywhere, role) }

// boundSomewhere names a RoleBinding that grants the role in its namespace.
func (x *index) boundSomewhere(role string) (string, bool) { return x.bound(x.somewhere, role) }

func (x *index) bound(in map[string]string, role string) (string, bool) {
	seen := map[string]bool{}
	for queue := []string{role}; len(queue) > 0; queue = queue[1:] {
		if seen[queue[0]] {
			continue
		}
		seen[queue[0]] = true
		if name, ok := in[queue[0]]; ok {
			return name, true
		}
		queue = append(queue, x.parents[queue[0]]...)
	}
	return "", false
}

// takeover says which right of a ClusterRole, granted in the whole cluster,
// leads to all other rights; "" for none.
func (x *index) takeover(role string) string {
	if known, ok := x.power[role]; ok {
		return known
	}
	// What is being worked out counts as harmless, so that a circle of
	// aggregated roles ends.
	x.power[role] = ""
	right := ""
	switch role {
	case "cluster-admin":
		right = everything
	case "admin", "edit":
		right = "read every Secret and create workloads in every namespace"
	}
	for _, r := range x.roles[role] {
		if r.AggregationRule != nil {
			continue
		}
		for i := range r.Rules {
			if right == "" {
				right = takeover(&r.Rules[i])
			}
		}
	}
	for _, child := range x.children[role] {
		if right == "" {
			right = x.takeover(child.Name)
		}
	}
	x.power[role] = right
	return right
}

const everything = "do everything with every resource"

// takeover says which right of a rule, granted in the whole cluster, leads to
// all other rights; "" for none.
func takeover(r *rbacv1.PolicyRule) string {
	named := len(r.ResourceNames) > 0
	switch {
	case fullWildcard(r) && (slices.Contains(r.APIGroups, rbacv1.APIGroupAll) || slices.Contains(r.APIGroups, core)):
		return everything
	case escalates(r):
		return "give itself every right"
	case !named && verb(r, "impersonate") >= 0 && covers(r, core, "users", "groups", "serviceaccounts"):
		return "impersonate every identity"
	case !named && verb(r, "get", "list", "watch") >= 0 && covers(r, core, "secrets"):
		return "read every Secret"
	case !named && execs(r):
		return "run commands in every pod"
	case !named && verb(r, "create", "update", "patch") >= 0 && createsPods(r):
		return "create workloads in every namespace"
	}
	return ""
}

func covers(r *rbacv1.PolicyRule, group string, names ...string) bool {
	i, _ := anyResource(r, group, names...)
	return i >= 0
}

func createsPods(r *rbacv1.PolicyRule) bool {
	return covers(r, core, "pods", "replicationcontrollers") ||
		covers(r, "apps", "deployments", "statefulsets", "daemonsets", "replicasets") ||
		covers(r, "batch", "jobs", "cronjobs")
}
