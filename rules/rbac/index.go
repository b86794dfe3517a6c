package rbac

import (
	"cmp"
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
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
	// bindings give, by the name of a ClusterRole, a binding that grants it in the
	// whole cluster, in kube-system, or in another namespace.
	bindings [3]map[string]*manifest.Object

	power map[string]string          // memo of takeover by the role's name
	known map[asked]*manifest.Object // memo of bound
}

// aggregateTo begins the labels by which the API server's own aggregated
// ClusterRoles take in others.
const aggregateTo = "rbac.authorization.k8s.io/aggregate-to-"

// defaultRoles are the API server's own ClusterRoles that one with such labels
// adds to, the weakest first: view's rules reach edit, and those admin.
func defaultRoles(labels map[string]string) []string {
	all := []string{"view", "edit", "admin"}
	for i, name := range all {
		if labels[aggregateTo+name] == "true" {
			return all[i:]
		}
	}
	return nil
}

type (
	indexKey struct{}
	asked    struct {
		in   scope
		role string
	}
)

// scope is where a binding grants its role.
type scope int

const (
	inCluster scope = iota
	inSystem
	inOther
)

// indexOf is the index over the objects of a pass, made once for all rules. A
// rule that asks for it has both kinds of roles and of bindings in Kinds or
// Joins.
func indexOf(p *lint.Pass) *index {
	return p.Shared(indexKey{}, func() any { return newIndex(p.Of(slices.Concat(roleKinds, bindingKinds)...)) }).(*index)
}

func newIndex(objects []*manifest.Object) *index {
	x := &index{
		roles:    map[string][]*rbacv1.ClusterRole{},
		children: map[string][]*rbacv1.ClusterRole{},
		parents:  map[string][]string{},
		bindings: [3]map[string]*manifest.Object{{}, {}, {}},
		power:    map[string]string{},
		known:    map[asked]*manifest.Object{},
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
			}
			for _, parent := range defaultRoles(r.Labels) {
				x.aggregate(parent, r)
			}
		case kindClusterRoleBinding, kindRoleBinding:
			b, ok := bindingOf(o)
			if !ok || len(b.subjects) == 0 || b.ref.Kind != "ClusterRole" {
				continue
			}
			in := x.bindings[inOther]
			switch {
			case o.GroupKind() == kindClusterRoleBinding:
				in = x.bindings[inCluster]
			case o.Namespace == systemNamespace:
				in = x.bindings[inSystem]
			}
			// The least name wins, so that the order of objects is of no
			// consequence.
			if first := in[b.ref.Name]; first == nil || o.ID() < first.ID() {
				in[b.ref.Name] = o
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

// boundEverywhere is a ClusterRoleBinding that grants the role, itself or
// aggregated into another; nil for none.
func (x *index) boundEverywhere(role string) *manifest.Object { return x.bound(inCluster, role) }

// boundSomewhere is a RoleBinding that grants the role in its namespace; nil for
// none. One in kube-system is preferred.
func (x *index) boundSomewhere(role string) *manifest.Object {
	return cmp.Or(x.bound(inSystem, role), x.bound(inOther, role))
}

func (x *index) bound(in scope, role string) *manifest.Object {
	found, ok := x.known[asked{in, role}]
	if !ok {
		found = x.find(in, role)
		x.known[asked{in, role}] = found
	}
	return found
}

func (x *index) find(in scope, role string) *manifest.Object {
	seen := map[string]bool{}
	for queue := []string{role}; len(queue) > 0; queue = queue[1:] {
		if seen[queue[0]] {
			continue
		}
		seen[queue[0]] = true
		if b := x.bindings[in][queue[0]]; b != nil {
			return b
		}
		queue = append(queue, x.parents[queue[0]]...)
	}
	return nil
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
