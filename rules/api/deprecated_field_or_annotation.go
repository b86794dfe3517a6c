package api

import (
	"maps"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/version"
)

// old is what became of a name: since which minor version of Kubernetes 1 it is
// deprecated or has no effect, and what to write instead.
type old struct {
	deprecated, dead uint
	instead          string
}

// The names, after the warnings of the API server: pkg/api/pod/warnings.go,
// pkg/api/persistentvolume/util.go, pkg/api/node/util.go and
// pkg/api/service/warnings.go of Kubernetes 1.37.
var (
	// oldOnPods are annotations of pods; one that ends with a slash is a prefix,
	// which a container's name follows.
	oldOnPods = map[string]old{
		"container.apparmor.security.beta.kubernetes.io/": {30, 0, "the field appArmorProfile of the container's securityContext"},
		"container.seccomp.security.alpha.kubernetes.io/": {19, 27, "the field seccompProfile of the container's securityContext"},
		"seccomp.security.alpha.kubernetes.io/pod":        {19, 27, "the field seccompProfile of the pod's securityContext"},
		"scheduler.alpha.kubernetes.io/critical-pod":      {13, 16, "the field priorityClassName"},
		"security.alpha.kubernetes.io/sysctls":            {0, 11, "the field sysctls of the pod's securityContext"},
		"security.alpha.kubernetes.io/unsafe-sysctls":     {0, 11, "the field sysctls of the pod's securityContext"},
	}
	oldOnVolumes = map[string]old{
		"volume.beta.kubernetes.io/storage-class": {8, 0, "the field storageClassName"},
		"volume.beta.kubernetes.io/mount-options": {31, 0, "the field mountOptions"},
	}
	oldOnServices = map[string]old{
		"service.kubernetes.io/topology-aware-hints": {27, 0, "the annotation service.kubernetes.io/topology-mode"},
	}
	oldOnIngresses = map[string]old{
		"kubernetes.io/ingress.class": {18, 0, "the field ingressClassName"},
	}
	oldOnClasses = map[string]old{
		"storageclass.beta.kubernetes.io/is-default-class": {6, 0, "the annotation storageclass.kubernetes.io/is-default-class"},
	}
	oldNodeLabels = map[string]old{
		"beta.kubernetes.io/arch":                  {14, 0, "kubernetes.io/arch"},
		"beta.kubernetes.io/instance-type":         {17, 0, "node.kubernetes.io/instance-type"},
		"beta.kubernetes.io/os":                    {14, 0, "kubernetes.io/os"},
		"failure-domain.beta.kubernetes.io/region": {17, 0, "topology.kubernetes.io/region"},
		"failure-domain.beta.kubernetes.io/zone":   {17, 0, "topology.kubernetes.io/zone"},
		// kubeadm took it from the nodes:
		// https://github.com/kubernetes/enhancements/tree/master/keps/sig-cluster-lifecycle/kubeadm/2067-rename-master-label-taint.
		"node-role.kubernetes.io/master": {20, 24, "node-role.kubernetes.io/control-plane"},
	}
)

var deprecatedFieldOrAnnotation = &lint.Rule{
	ID: "deprecated-field-or-annotation", Severity: lint.Low, Category: lint.APILifecycle, Since: "0.1.0",
	Title:   "label or annotation is superseded",
	Why:     "A field or another name replaces this one. As long as it is deprecated it still works; later it is ignored without a word, as the seccomp annotations are since Kubernetes 1.27, with pods that run without the profile which their manifest shows.",
	Fix:     "Write what the message names instead, and remove the old name.",
	Profile: lint.Strict,
	Kinds: append([]schema.GroupKind{
		{Kind: "PersistentVolume"},
		{Kind: "PersistentVolumeClaim"},
		{Kind: "Service"},
		{Group: "networking.k8s.io", Kind: "Ingress"},
		{Group: "storage.k8s.io", Kind: "StorageClass"},
	}, lint.Workloads...),
	Check: func(p *lint.Pass) {
		target := p.KubeVersion(p.Object)
		annotations := p.Object.Value("metadata", "annotations")
		switch p.Object.GVK.Kind {
		case "PersistentVolume", "PersistentVolumeClaim":
			reportOld(p, target, annotations, oldOnVolumes)
			return
		case "Ingress":
			// GKE reads nothing else:
			// https://cloud.google.com/kubernetes-engine/docs/concepts/ingress#deprecated_annotation.
			if class := annotations.Get("kubernetes.io/ingress.class").Text(); class != "gce" && class != "gce-internal" {
				reportOld(p, target, annotations, oldOnIngresses)
			}
			return
		case "StorageClass":
			reportOld(p, target, annotations, oldOnClasses)
			return
		}
		if p.Object.GroupKind() == (schema.GroupKind{Kind: "Service"}) {
			reportOld(p, target, annotations, oldOnServices)
			return
		}
		w := p.Workload()
		reportOldOnPods(p, target, w)
		reportOldNodeLabels(p, target, w)
		for _, claim := range p.Object.Value("spec", "volumeClaimTemplates").Items() {
			reportOld(p, target, claim.Get("metadata", "annotations"), oldOnVolumes)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    seccomp.security.alpha.kubernetes.io/pod: runtime/default # want low: annotation "seccomp.security.alpha.kubernetes.io/pod" has no effect since Kubernetes 1.27: use the field seccompProfile
    container.apparmor.security.beta.kubernetes.io/web: runtime/default # want: is deprecated since Kubernetes 1.30: use the field appArmorProfile
    scheduler.alpha.kubernetes.io/critical-pod: "" # want: has no effect since Kubernetes 1.16: use the field priorityClassName
spec:
  containers:
    - {name: web, image: "registry.example/web:1.4.2"}
  nodeSelector:
    beta.kubernetes.io/os: linux # want: node label "beta.kubernetes.io/os" is deprecated since Kubernetes 1.14: use kubernetes.io/os
    node-role.kubernetes.io/master: "" # want: node label "node-role.kubernetes.io/master" is on no node since Kubernetes 1.24
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
          - matchExpressions:
              - key: failure-domain.beta.kubernetes.io/zone # want: use topology.kubernetes.io/zone
                operator: In
                values: [a]
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 1
          podAffinityTerm:
            topologyKey: failure-domain.beta.kubernetes.io/region # want: use topology.kubernetes.io/region
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: failure-domain.beta.kubernetes.io/zone # want: use topology.kubernetes.io/zone
      whenUnsatisfiable: ScheduleAnyway
-- bad-others.yaml --
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    kubernetes.io/ingress.class: nginx # want: annotation "kubernetes.io/ingress.class" is deprecated since Kubernetes 1.18: use the field ingressClassName
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
  annotations:
    volume.beta.kubernetes.io/storage-class: fast # want: use the field storageClassName
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
  selector: {matchLabels: {app: db}}
  serviceName: db
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
        - {name: db, image: "registry.example/db:16.1"}
  volumeClaimTemplates:
    - metadata:
        name: data
        annotations:
          volume.beta.kubernetes.io/storage-class: fast # want: storageClassName
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    # With the field beside it, the annotation is there for older clusters.
    seccomp.security.alpha.kubernetes.io/pod: runtime/default
    container.seccomp.security.alpha.kubernetes.io/web: runtime/default
spec:
  securityContext:
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        seccompProfile: {type: RuntimeDefault}
  nodeSelector:
    kubernetes.io/os: linux
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
          # One of them is enough: this is for old and new clusters.
          - matchExpressions: [{key: node-role.kubernetes.io/master, operator: Exists}]
          - matchExpressions: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]
  tolerations:
    - {key: node-role.kubernetes.io/master, effect: NoSchedule}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    kubernetes.io/ingress.class: gce
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
  annotations:
    kubernetes.io/ingress.class: nginx
-- good-target.yaml --
# kubernetes: 1.17
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    kubernetes.io/ingress.class: nginx
`,
}

// fate says what became of a name in a version of Kubernetes; "" for nothing yet.
func (o old) fate(target *version.Version, dead string) string {
	switch {
	case o.dead != 0 && !target.LessThan(minor(o.dead)):
		return dead + " since Kubernetes " + short(minor(o.dead)) + ": use " + o.instead
	case o.deprecated != 0 && !target.LessThan(minor(o.deprecated)):
		return "is deprecated since Kubernetes " + short(minor(o.deprecated)) + ": use " + o.instead
	}
	return ""
}

// reportOld looks at the keys of annotations.
func reportOld(p *lint.Pass, target *version.Version, annotations manifest.Value, names map[string]old) {
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if v := annotations.Key(name); v.Node != nil {
			if fate := names[name].fate(target, "has no effect"); fate != "" {
				p.Report(v.Path, "annotation %q %s", name, fate)
			}
		}
	}
}

func reportOldOnPods(p *lint.Pass, target *version.Version, w *manifest.Workload) {
	for _, key := range slices.Sorted(maps.Keys(w.Meta.Annotations)) {
		of, ok := oldOnPods[key]
		prefix, container, found := strings.Cut(key, "/")
		if !ok && found {
			of, ok = oldOnPods[prefix+"/"]
		}
		if !ok || strings.Contains(of.instead, "seccompProfile") && hasSeccomp(w, container) {
			continue
		}
		if fate := of.fate(target, "has no effect"); fate != "" {
			p.Report(w.MetaPath.Child("annotations").Key(key), "annotation %q %s", key, fate)
		}
	}
}

// hasSeccomp says that the field is set where an annotation of a container, or of
// the pod, has it.
func hasSeccomp(w *manifest.Workload, container string) bool {
	if container == "pod" {
		return w.Security().SeccompProfile != nil
	}
	for _, c := range w.Containers() {
		if c.Name == container {
			profile, _ := c.SeccompProfile()
			return profile != nil
		}
	}
	return false
}

// reportOldNodeLabels looks at the labels by which a pod chooses its node.
func reportOldNodeLabels(p *lint.Pass, target *version.Version, w *manifest.Workload) {
	report := func(path *field.Path, label string) {
		if fate := oldNodeLabels[label].fate(target, "is on no node"); fate != "" {
			p.Report(path, "node label %q %s", label, fate)
		}
	}
	for _, label := range slices.Sorted(maps.Keys(w.Pod.NodeSelector)) {
		report(w.Path.Child("nodeSelector").Key(label), label)
	}
	for i, c := range w.Pod.TopologySpreadConstraints {
		report(w.Path.Child("topologySpreadConstraints").Index(i).Child("topologyKey"), c.TopologyKey)
	}
	if w.Pod.Affinity == nil {
		return
	}
	path := w.Path.Child("affinity")
	if a := w.Pod.Affinity.NodeAffinity; a != nil {
		// Where there are several terms, the old name most often stands beside the
		// new one, for clusters that have either.
		if r := a.RequiredDuringSchedulingIgnoredDuringExecution; r != nil && len(r.NodeSelectorTerms) == 1 {
			term := path.Child("nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms").Index(0)
			for i, e := range r.NodeSelectorTerms[0].MatchExpressions {
				report(term.Child("matchExpressions").Index(i).Child("key"), e.Key)
			}
		}
	}
	if a := w.Pod.Affinity.PodAffinity; a != nil {
		reportTopology(path.Child("podAffinity"), a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution, report)
	}
	if a := w.Pod.Affinity.PodAntiAffinity; a != nil {
		reportTopology(path.Child("podAntiAffinity"), a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution, report)
	}
}

func reportTopology(path *field.Path, required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm, report func(*field.Path, string)) {
	for i, t := range required {
		report(path.Child("requiredDuringSchedulingIgnoredDuringExecution").Index(i).Child("topologyKey"), t.TopologyKey)
	}
	for i, t := range preferred {
		report(path.Child("preferredDuringSchedulingIgnoredDuringExecution").Index(i).Child("podAffinityTerm", "topologyKey"), t.PodAffinityTerm.TopologyKey)
	}
}
