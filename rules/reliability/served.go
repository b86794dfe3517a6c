package reliability

import (
	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// longRunning are the workloads whose pods run until they are told to stop.
var longRunning = []schema.GroupKind{
	{Kind: "Pod"},
	{Kind: "ReplicationController"},
	{Group: "apps", Kind: "DaemonSet"},
	{Group: "apps", Kind: "Deployment"},
	{Group: "apps", Kind: "ReplicaSet"},
	{Group: "apps", Kind: "StatefulSet"},
	{Group: "extensions", Kind: "DaemonSet"},
	{Group: "extensions", Kind: "Deployment"},
	{Group: "extensions", Kind: "ReplicaSet"},
	{Group: "argoproj.io", Kind: "Rollout"},
	{Group: "apps.openshift.io", Kind: "DeploymentConfig"},
}

// hook says that Helm or Argo CD runs the object at one moment of a deployment
// (https://helm.sh/docs/topics/charts_hooks/) and does not keep it running.
func hook(o *manifest.Object) bool {
	annotations := o.Value("metadata", "annotations")
	return annotations.Key("helm.sh/hook").Written() || annotations.Key("argocd.argoproj.io/hook").Written()
}

// runsOn says that the pods of a long-running kind are meant to stay.
func runsOn(o *manifest.Object, w *manifest.Workload) bool {
	return !hook(o) && (w.Pod.RestartPolicy == "" || w.Pod.RestartPolicy == corev1.RestartPolicyAlways)
}

// serviceKinds are for Rule.Joins of a rule that asks for Services.
var serviceKinds = []schema.GroupKind{{Kind: "Service"}}

type servedKey struct{}

// servedIn are the containers that a Service sends traffic to, each with the
// first such Service; made once for all rules.
func servedIn(p *lint.Pass) map[*manifest.Container]*manifest.Object {
	return p.Shared(servedKey{}, func() any {
		served := map[*manifest.Container]*manifest.Object{}
		x := cluster.Of(p)
		for _, o := range x.Kind("", "Service") {
			s, ok := o.Typed().(*corev1.Service)
			// With publishNotReadyAddresses the pods find each other before they
			// are ready, and after.
			if !ok || len(s.Spec.Selector) == 0 || s.Spec.Type == corev1.ServiceTypeExternalName || s.Spec.PublishNotReadyAddresses {
				continue
			}
			for _, target := range x.Selects(o, o.Namespace, &metav1.LabelSelector{MatchLabels: s.Spec.Selector}) {
				w, _ := target.Workload()
				for i := range s.Spec.Ports {
					if c := listening(w, &s.Spec.Ports[i]); c != nil && served[c] == nil {
						served[c] = o
					}
				}
			}
		}
		return served
	}).(map[*manifest.Container]*manifest.Object)
}

// listening is the container that a port of a Service leads to: the one that
// declares it, else the only one that there is; nil for none.
func listening(w *manifest.Workload, port *corev1.ServicePort) *manifest.Container {
	target := port.TargetPort
	if target == (intstr.IntOrString{}) {
		target = intstr.FromInt32(port.Port)
	}
	var only *manifest.Container
	running := 0
	for _, c := range w.Containers() {
		if c.Kind != manifest.Regular && c.Kind != manifest.Sidecar {
			continue
		}
		for _, declared := range c.Ports {
			if target.Type == intstr.Int && declared.ContainerPort == target.IntVal ||
				target.Type == intstr.String && declared.Name == target.StrVal {
				return c
			}
		}
		only = c
		running++
	}
	// A port need not be declared, unless it goes by its name.
	if running != 1 || target.Type == intstr.String {
		return nil
	}
	return only
}
