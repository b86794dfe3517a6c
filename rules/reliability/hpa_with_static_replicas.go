package reliability

import (
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	kindConfigMap      = schema.GroupKind{Kind: "ConfigMap"}
	kindApplication    = schema.GroupKind{Group: "argoproj.io", Kind: "Application"}
	kindApplicationSet = schema.GroupKind{Group: "argoproj.io", Kind: "ApplicationSet"}
)

var hpaWithStaticReplicas = &lint.Rule{
	ID:       "hpa-with-static-replicas",
	Title:    "replicas are pinned on an autoscaled workload",
	Why:      "Whoever applies the manifest sets the number of replicas back to what is written, and the autoscaler has to scale up again. With Flux or Argo CD that happens at every reconciliation: under load pods are stopped that are just needed.",
	Fix:      "Remove spec.replicas, and leave the number to the autoscaler's minimum and maximum. In Argo CD ignoreDifferences on /spec/replicas does as well.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Reliability,
	Kinds:    scaledKinds,
	Joins:    append([]schema.GroupKind{kindApplication, kindApplicationSet, kindConfigMap}, autoscalerKinds...),
	CheckAll: func(p *lint.Pass) {
		var ignored []difference
		read := false
		for _, o := range kindsOf(p, scaledKinds) {
			replicas := o.Value("spec", "replicas")
			n, known := replicas.Int()
			if !known || keptOnCluster(o) {
				continue
			}
			for _, a := range horizontalScalersOf(p, o) {
				// With 0 replicas a HorizontalPodAutoscaler is off, which may be the
				// purpose. KEDA is not.
				if !p.Together(a.Object, o) || n == 0 && a.GroupKind() == kindHPA {
					continue
				}
				if !read {
					ignored, read = replicasIgnored(p), true
				}
				if !covered(ignored, o) {
					p.ReportOn(o, p.Rule.Severity, replicas.Path, "%s %q is set back to %d replicas, against %s %q", o.GVK.Kind, o.Name, n, a.GVK.Kind, a.Name)
				}
				break
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3 # want: Deployment "web" is set back to 3 replicas, against HorizontalPodAutoscaler "web"
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  minReplicas: 3
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: worker, namespace: shop}
spec:
  replicas: 0 # want: Rollout "worker" is set back to 0 replicas, against ScaledObject "worker"
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec: {containers: [{name: worker, image: "registry.example/worker:1.4.2"}]}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: worker}
  triggers: []
---
# It ignores the differences of another one.
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  ignoreDifferences:
    - {group: apps, kind: Deployment, name: api, jsonPointers: [/spec/replicas]}
    - {group: apps, kind: Deployment, jsonPointers: [/spec/template]}
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
# It changes requests, not replicas.
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: api, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: "registry.example/api:1.4.2"}]}
---
# It is switched off, and so is its autoscaler.
apiVersion: apps/v1
kind: Deployment
metadata: {name: "off", namespace: shop}
spec:
  replicas: 0
  selector: {matchLabels: {app: "off"}}
  template:
    metadata: {labels: {app: "off"}}
    spec: {containers: [{name: "off", image: "registry.example/off:1.4.2"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: "off", namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: "off"}
---
# Flux makes it once and leaves it alone.
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
  namespace: shop
  annotations: {kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}
spec:
  replicas: 3
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "registry.example/db:16.2"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: db, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}
-- good-ignored.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  ignoreDifferences:
    - {group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  replicas: 3
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "registry.example/db:16.2"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: db, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}
---
# The same for all Applications.
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd}
data:
  resource.customizations.ignoreDifferences.apps_StatefulSet: |
    jqPathExpressions: [.spec.replicas]
`,
}

// scaledKinds are the kinds of workloads that run as many replicas as they say.
var scaledKinds = []schema.GroupKind{
	{Group: "apps", Kind: "Deployment"},
	{Group: "apps", Kind: "StatefulSet"},
	{Group: "argoproj.io", Kind: "Rollout"},
}

// kindsOf are the objects to judge of some kinds that run pods.
func kindsOf(p *lint.Pass, kinds []schema.GroupKind) []*manifest.Object {
	var all []*manifest.Object
	for _, k := range kinds {
		for _, o := range p.Judged(k) {
			if w, ok := o.Workload(); ok && !w.IsZero() {
				all = append(all, o)
			}
		}
	}
	return all
}

// keptOnCluster says that Flux does not put the object back to what is written:
// https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources
func keptOnCluster(o *manifest.Object) bool {
	annotations := o.Value("metadata", "annotations")
	return annotations.Key("kustomize.toolkit.fluxcd.io/ssa").Text() == "IfNotPresent" ||
		annotations.Key("kustomize.toolkit.fluxcd.io/reconcile").Text() == "disabled"
}

// difference is which objects Argo CD lets be as they are on the cluster. An empty
// name or namespace stands for any.
type difference struct{ group, kind, namespace, name string }

// replicasIgnored are the objects whose number of replicas Argo CD lets be, as
// the Applications of the cluster and argocd-cm say:
// https://argo-cd.readthedocs.io/en/stable/user-guide/diffing/
func replicasIgnored(p *lint.Pass) []difference {
	var all []difference
	add := func(list manifest.Value) {
		for _, d := range list.Items() {
			if ignoresReplicas(d) {
				all = append(all, difference{d.Get("group").Text(), d.Get("kind").Text(), d.Get("namespace").Text(), d.Get("name").Text()})
			}
		}
	}
	x := cluster.Of(p)
	for _, o := range x.Kind(kindApplication.Group, kindApplication.Kind) {
		add(o.Value("spec", "ignoreDifferences"))
	}
	for _, o := range x.Kind(kindApplicationSet.Group, kindApplicationSet.Kind) {
		add(o.Value("spec", "template", "spec", "ignoreDifferences"))
	}
	for _, o := range x.Kind("", "ConfigMap") {
		if o.Name != "argocd-cm" {
			continue
		}
		for key, v := range o.Value("data").Entries() {
			what, ok := strings.CutPrefix(key, "resource.customizations.ignoreDifferences.")
			if !ok || !strings.Contains(v.Text(), "spec/replicas") && !strings.Contains(v.Text(), ".spec.replicas") {
				continue
			}
			if what == "all" {
				what = "*_*"
			}
			group, kind, _ := strings.Cut(what, "_")
			all = append(all, difference{group: group, kind: kind})
		}
	}
	return all
}

func ignoresReplicas(d manifest.Value) bool {
	for _, pointer := range d.Get("jsonPointers").Texts() {
		if pointer == "/spec/replicas" || pointer == "/spec" {
			return true
		}
	}
	for _, expression := range d.Get("jqPathExpressions").Texts() {
		if strings.Contains(expression, ".spec.replicas") {
			return true
		}
	}
	// The autoscaler scales through the controller manager, or KEDA.
	return d.Get("managedFieldsManagers").Len() > 0
}

// covered says that an object is among those of some differences.
func covered(differences []difference, o *manifest.Object) bool {
	for _, d := range differences {
		group, err := path.Match(d.group, o.GVK.Group)
		kind, err2 := path.Match(d.kind, o.GVK.Kind)
		if err == nil && err2 == nil && group && kind && (d.name == "" || d.name == o.Name) && (d.namespace == "" || d.namespace == o.Namespace) {
			return true
		}
	}
	return false
}
