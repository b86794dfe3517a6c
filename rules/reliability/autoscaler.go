package reliability

import (
	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var (
	kindHPA          = schema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}
	kindVPA          = schema.GroupKind{Group: "autoscaling.k8s.io", Kind: "VerticalPodAutoscaler"}
	kindScaledObject = schema.GroupKind{Group: "keda.sh", Kind: "ScaledObject"}
)

// autoscalerKinds are the kinds of what scales a workload, for Rule.Joins of a
// rule that asks for scalersOf or leastReplicas.
var autoscalerKinds = []schema.GroupKind{kindHPA, kindVPA, kindScaledObject}

// autoscaler is an object that changes how many replicas a workload has, or, if
// it is vertical, what each of them requests.
type autoscaler struct {
	*manifest.Object
	vertical bool
	// ref names the target.
	ref manifest.Value
	// kind and name are what ref says.
	kind schema.GroupKind
	name string
}

// newAutoscaler reads an object; nil if it scales nothing, or nothing that is
// known.
func newAutoscaler(o *manifest.Object) *autoscaler {
	a := &autoscaler{Object: o, vertical: o.GroupKind() == kindVPA}
	switch o.GroupKind() {
	case kindHPA, kindScaledObject:
		a.ref = o.Value("spec", "scaleTargetRef")
	case kindVPA:
		a.ref = o.Value("spec", "targetRef")
	default:
		return nil
	}
	apiVersion, kind := a.ref.Get("apiVersion").Text(), a.ref.Get("kind").Text()
	if o.GroupKind() == kindScaledObject {
		// https://keda.sh/docs/latest/reference/scaledobject-spec/#scaletargetref
		if apiVersion == "" {
			apiVersion = "apps/v1"
		}
		if kind == "" {
			kind = "Deployment"
		}
	}
	a.name = a.ref.Get("name").Text()
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil || a.name == "" || kind == "" || !manifest.Known(apiVersion+kind+a.name) {
		return nil
	}
	a.kind = schema.GroupKind{Group: gv.Group, Kind: kind}
	return a
}

// least is the number of replicas below which the autoscaler does not go; known
// is false when a value that is filled in later says so.
func (a *autoscaler) least() (n int64, known bool) {
	field, unset := "minReplicas", int64(1)
	if a.GroupKind() == kindScaledObject {
		field, unset = "minReplicaCount", 0
	}
	v := a.Value("spec", field)
	if !v.Written() {
		return unset, true
	}
	return v.Int()
}

// targets are the objects that the autoscaler may mean.
func (a *autoscaler) targets(p *lint.Pass) []*manifest.Object {
	found := named(p, a.Object, a.kind, a.name)
	if len(found) == 0 && a.kind.Group == "extensions" {
		// The same objects, under the name that their group had until Kubernetes 1.16.
		found = named(p, a.Object, schema.GroupKind{Group: "apps", Kind: a.kind.Kind}, a.name)
	}
	return found
}

// utilization is a share of what pods request, by which they are scaled.
type utilization struct {
	resource corev1.ResourceName
	// container is the only one that counts; empty for all.
	container string
	path      *field.Path
}

// utilizations are the shares of requests by which the autoscaler scales.
func (a *autoscaler) utilizations() []utilization {
	var all []utilization
	add := func(resource, container string, at manifest.Value) {
		all = append(all, utilization{corev1.ResourceName(resource), container, at.Path})
	}
	switch a.GroupKind() {
	case kindScaledObject:
		// https://keda.sh/docs/latest/scalers/cpu/: by default it is a share.
		for _, t := range a.Value("spec", "triggers").Items() {
			metric := t.Get("metricType").Text()
			if metric == "" {
				metric = t.Get("metadata", "type").Text()
			}
			if r := t.Get("type"); (r.Text() == "cpu" || r.Text() == "memory") && (metric == "" || metric == "Utilization") {
				add(r.Text(), t.Get("metadata", "containerName").Text(), r)
			}
		}
	case kindHPA:
		metrics := a.Value("spec", "metrics")
		for _, m := range metrics.Items() {
			for _, source := range []manifest.Value{m.Get("resource"), m.Get("containerResource")} {
				share := source.Get("target", "type").Text() == "Utilization" || source.Get("targetAverageUtilization").Written()
				if share {
					add(source.Get("name").Text(), source.Get("container").Text(), source.Get("name"))
				}
			}
		}
		// Without a metric it is 80 % of the CPU (k8s.io/api/autoscaling/v2,
		// HorizontalPodAutoscalerSpec.Metrics).
		switch old := a.Value("spec", "targetCPUUtilizationPercentage"); {
		case a.GVK.Version == "v1":
			add("cpu", "", old)
		case metrics.Len() == 0 && (metrics.Node == nil || metrics.Known()):
			add("cpu", "", metrics)
		}
	}
	return all
}

// scalers are the autoscalers of a cluster.
type scalers struct {
	all      []*autoscaler
	byTarget map[*manifest.Object][]*autoscaler
}

type scalersKey struct{}

// scalersIn are the autoscalers among the objects of a pass, made once for all
// rules.
func scalersIn(p *lint.Pass) *scalers {
	return p.Shared(scalersKey{}, func() any {
		s := &scalers{byTarget: map[*manifest.Object][]*autoscaler{}}
		x := cluster.Of(p)
		for _, k := range autoscalerKinds {
			for _, o := range x.Kind(k.Group, k.Kind) {
				a := newAutoscaler(o)
				if a == nil {
					continue
				}
				s.all = append(s.all, a)
				for _, target := range a.targets(p) {
					s.byTarget[target] = append(s.byTarget[target], a)
				}
			}
		}
		return s
	}).(*scalers)
}

// scalersOf are the autoscalers whose target a workload is. Not all of them need
// be deployed together with it: see lint.Pass.Together.
func scalersOf(p *lint.Pass, o *manifest.Object) []*autoscaler { return scalersIn(p).byTarget[o] }

// horizontalScalersOf are those of scalersOf that change the number of replicas.
func horizontalScalersOf(p *lint.Pass, o *manifest.Object) []*autoscaler {
	var all []*autoscaler
	for _, a := range scalersOf(p, o) {
		if !a.vertical {
			all = append(all, a)
		}
	}
	return all
}

// leastReplicas is how many replicas a workload has at least: what its autoscaler
// leaves it, else what it says itself. known is false when a value that is filled
// in later says so.
func leastReplicas(p *lint.Pass, o *manifest.Object) (n int64, known bool) {
	scaled := false
	for _, a := range horizontalScalersOf(p, o) {
		least, ok := a.least()
		if !ok {
			return 0, false
		}
		if !scaled || least < n {
			n, scaled = least, true
		}
	}
	if scaled {
		return n, true
	}
	v := o.Value("spec", "replicas")
	if !v.Written() {
		return 1, true
	}
	return v.Int()
}
