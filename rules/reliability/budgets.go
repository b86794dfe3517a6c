package reliability

import (
	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var kindPDB = schema.GroupKind{Group: "policy", Kind: "PodDisruptionBudget"}

// budget is a PodDisruptionBudget and the workloads whose pods it covers.
type budget struct {
	*manifest.Object
	spec *policyv1.PodDisruptionBudgetSpec
	// unknown says that the selector holds what is filled in later.
	unknown bool
	covers  []*manifest.Object
}

type budgets struct {
	all        []*budget
	byWorkload map[*manifest.Object][]*budget
}

// maxBudgets is how many budgets of one workload are kept: its pods can't be
// evicted with two.
const maxBudgets = 10

type budgetsKey struct{}

// budgetsIn are the budgets among the objects of a pass, made once for all rules,
// which join kindPDB and lint.Workloads.
func budgetsIn(p *lint.Pass) *budgets {
	return p.Shared(budgetsKey{}, func() any {
		bs := &budgets{byWorkload: map[*manifest.Object][]*budget{}}
		for _, o := range cluster.Of(p).Kind(kindPDB.Group, kindPDB.Kind) {
			pdb, ok := o.Typed().(*policyv1.PodDisruptionBudget)
			if !ok {
				continue
			}
			b := &budget{Object: o, spec: &pdb.Spec, unknown: !o.Value("spec", "selector").Known()}
			selector := pdb.Spec.Selector
			if o.GVK.Version == "v1beta1" && isEmpty(selector) {
				// In that version an empty selector takes no pod.
				selector = nil
			}
			b.covers = selects(p, o, selector)
			bs.all = append(bs.all, b)
			for _, w := range b.covers {
				if len(bs.byWorkload[w]) < maxBudgets {
					bs.byWorkload[w] = append(bs.byWorkload[w], b)
				}
			}
		}
		return bs
	}).(*budgets)
}

func isEmpty(s *metav1.LabelSelector) bool {
	return s != nil && len(s.MatchLabels)+len(s.MatchExpressions) == 0
}
