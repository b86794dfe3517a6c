package netpol

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// language is that of the labels that a selector asks for.
type language int

const (
	kubernetesLanguage language = iota
	ciliumLanguage
	calicoLanguage
)

// namespaceName is the label that every namespace has.
const namespaceName = "kubernetes.io/metadata.name"

// derived says that a label of a pod is one that the language gives it.
func (l language) derived(key string) bool {
	switch l {
	case ciliumLanguage:
		return strings.Contains(key, ":") || key == ciliumNamespace || strings.HasPrefix(key, "io.cilium.k8s.")
	case calicoLanguage:
		return strings.HasPrefix(key, "projectcalico.org/") || strings.HasPrefix(key, calicoNamespaceMark) || strings.HasPrefix(key, calicoAccountMark)
	}
	return false
}

// addedLater says that a label is one that a controller adds to pods when it
// makes them: their manifests do not have it, and may well be selected by it.
func addedLater(key string) bool {
	switch key {
	case "pod-template-hash", "pod-template-generation", "controller-revision-hash", "rollouts-pod-template-hash",
		"statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index",
		"job-name", "controller-uid", "batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-completion-index",
		"topology.kubernetes.io/zone", "topology.kubernetes.io/region":
		return true
	}
	prefix, _, _ := strings.Cut(key, "/")
	return slices.Contains([]string{"serving.knative.dev", "service.istio.io", "security.istio.io", "linkerd.io"}, prefix)
}

// operatorMade says that a label without a name's domain, or with a common one,
// is that of pods that a much used operator makes: those of the Prometheus
// operator, and of Tekton Triggers.
func operatorMade(key string, values []string) bool {
	switch key {
	case "eventlistener", "prometheus", "alertmanager":
		return true
	case "app.kubernetes.io/name", "app.kubernetes.io/managed-by":
		return slices.ContainsFunc(values, func(v string) bool {
			return v == "prometheus" || v == "alertmanager" || v == "thanos-ruler" || v == "EventListener" || strings.HasSuffix(v, "-operator")
		})
	}
	return false
}

// labels are the labels of the namespace, as a selector of namespaces asks for
// them.
func (a *Area) labels(l language) labels {
	return func(key string) (string, Truth) {
		if key == namespaceName || l == calicoLanguage && key == calicoName {
			return a.name()
		}
		return a.label(key)
	}
}

func (a *Area) name() (string, Truth) {
	if a.Namespace == "" {
		return "", Maybe
	}
	return a.Namespace, Yes
}

// label is a label that Namespace objects write. Without one, or when they do
// not agree, nothing is known.
func (a *Area) label(key string) (value string, has Truth) {
	for i, o := range a.Objects {
		v := o.Value("metadata", "labels", key)
		if i > 0 && (v.Text() != value || v.Written() != (has == Yes)) {
			return "", Maybe
		}
		value, has = v.Text(), truth(v.Written())
	}
	if len(a.Objects) == 0 || unknown(key) {
		return "", Maybe
	}
	return value, has
}

// labels are the labels of the pods, as a selector of pods asks for them.
func (p *Pod) labels(l language) labels {
	return func(key string) (string, Truth) {
		if l == ciliumLanguage {
			key = ciliumKey(key)
		}
		if l.derived(key) {
			return p.derived(key)
		}
		return p.label(key)
	}
}

func (p *Pod) label(key string) (string, Truth) {
	if p.Workload != nil {
		if value, ok := p.Workload.Meta.Labels[key]; ok {
			return value, Yes
		}
	}
	if addedLater(key) || unknown(key) || p.added(key) {
		return "", Maybe
	}
	return "", No
}

// added says that the controller of the pods' kind adds the label.
func (p *Pod) added(key string) bool {
	if p.Object == nil {
		return false
	}
	switch p.Object.GroupKind() {
	case schema.GroupKind{Group: "apps.openshift.io", Kind: "DeploymentConfig"}:
		return key == "deployment" || key == "deploymentconfig"
	case schema.GroupKind{Group: "serving.knative.dev", Kind: "Service"}:
		return key == "app"
	}
	return false
}

// derived is a label that Cilium or Calico gives to the pods.
func (p *Pod) derived(key string) (string, Truth) {
	switch key {
	case ciliumNamespace, calicoNamespace:
		return p.area.name()
	case calicoOrchestrator:
		return "k8s", Yes
	case ciliumServiceAccount, calicoAccount:
		return p.account()
	}
	for _, mark := range []string{ciliumNamespaceLabels, calicoNamespaceMark} {
		if of, ok := strings.CutPrefix(key, mark); ok {
			return p.area.labels(calicoLanguage)(of)
		}
	}
	// Of another source, such as reserved:host, pods have none.
	if strings.Contains(key, ":") {
		return "", No
	}
	return "", Maybe
}

func (p *Pod) account() (string, Truth) {
	switch {
	case p.Workload == nil:
		return "", No
	case p.Workload.Pod.ServiceAccountName == "":
		return "default", Yes
	}
	return p.Workload.Pod.ServiceAccountName, Yes
}
