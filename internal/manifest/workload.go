package manifest

import (
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Workload is the pod specification that an object carries, whatever its kind.
type Workload struct {
	// Meta is the pods' metadata: the template's, or the Pod's own.
	Meta *metav1.ObjectMeta
	// MetaPath leads to Meta in the object.
	MetaPath *field.Path
	// Pod is the pod specification.
	Pod *corev1.PodSpec
	// Path leads to Pod in the object.
	Path *field.Path

	containers []*Container
}

// ContainerKind tells the three lists of containers apart.
type ContainerKind int

// The lists of a pod's containers. A Sidecar is an init container that runs as
// long as the pod does (restartPolicy Always, Kubernetes 1.29).
const (
	Regular ContainerKind = iota
	Init
	Sidecar
	Ephemeral
)

// Container is one container of a workload, with the pod-level settings that it
// inherits.
type Container struct {
	*corev1.Container
	// Path leads to the container in the object.
	Path *field.Path
	Kind ContainerKind

	workload *Workload
}

// podTemplatePaths are the custom kinds that embed a whole pod template, and
// where.
var podTemplatePaths = map[schema.GroupKind]*field.Path{
	kind("argoproj.io", "Rollout"):                field.NewPath("spec", "template"),
	kind("apps.openshift.io", "DeploymentConfig"): field.NewPath("spec", "template"),
	kind("serving.knative.dev", "Service"):        field.NewPath("spec", "template"),
	// https://github.com/kubernetes-sigs/agent-sandbox
	kind("agents.x-k8s.io", "Sandbox"):                    field.NewPath("spec", "podTemplate"),
	kind("extensions.agents.x-k8s.io", "SandboxTemplate"): field.NewPath("spec", "podTemplate"),
}

func newWorkload(o *Object, d *decoder) *Workload {
	template := field.NewPath("spec", "template")
	switch t := o.typed.(type) {
	case *corev1.Pod:
		return &Workload{Meta: &t.ObjectMeta, MetaPath: field.NewPath("metadata"), Pod: &t.Spec, Path: field.NewPath("spec")}
	case *corev1.PodTemplate:
		return workloadOf(&t.Template, field.NewPath("template"))
	case *corev1.ReplicationController:
		if t.Spec.Template == nil {
			return workloadOf(&corev1.PodTemplateSpec{}, template)
		}
		return workloadOf(t.Spec.Template, template)
	case *appsv1.Deployment:
		return workloadOf(&t.Spec.Template, template)
	case *appsv1.StatefulSet:
		return workloadOf(&t.Spec.Template, template)
	case *appsv1.DaemonSet:
		return workloadOf(&t.Spec.Template, template)
	case *appsv1.ReplicaSet:
		return workloadOf(&t.Spec.Template, template)
	case *batchv1.Job:
		return workloadOf(&t.Spec.Template, template)
	case *batchv1.CronJob:
		return workloadOf(&t.Spec.JobTemplate.Spec.Template, field.NewPath("spec", "jobTemplate", "spec", "template"))
	}
	path, ok := podTemplatePaths[o.GroupKind()]
	if !ok {
		return nil
	}
	hits := Lookup(o.Node, path)
	if len(hits) != 1+len(SplitPath(path.String())) {
		return nil
	}
	var spec corev1.PodTemplateSpec
	// Custom kinds may extend the template: what they add is no schema error.
	(&decoder{}).value(reflect.ValueOf(&spec).Elem(), hits[len(hits)-1].Value, path)
	return workloadOf(&spec, path)
}

func workloadOf(t *corev1.PodTemplateSpec, path *field.Path) *Workload {
	return &Workload{Meta: &t.ObjectMeta, MetaPath: path.Child("metadata"), Pod: &t.Spec, Path: path.Child("spec")}
}

// IsZero says that the object has the kind of a workload but describes no
// container, as a fragment or an object with `spec: null` does.
func (w *Workload) IsZero() bool {
	return len(w.Containers()) == 0
}

// Containers are all containers of the pod: init containers first, then the
// regular ones, then ephemeral ones. The slice is shared: do not change it.
func (w *Workload) Containers() []*Container { return w.containers }

func (w *Workload) collect() {
	p := w.Pod
	all := make([]*Container, 0, len(p.InitContainers)+len(p.Containers)+len(p.EphemeralContainers))
	for i := range p.InitContainers {
		c := &p.InitContainers[i]
		kind := Init
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			kind = Sidecar
		}
		all = append(all, &Container{c, w.Path.Child("initContainers").Index(i), kind, w})
	}
	for i := range p.Containers {
		all = append(all, &Container{&p.Containers[i], w.Path.Child("containers").Index(i), Regular, w})
	}
	for i := range p.EphemeralContainers {
		c := corev1.Container(p.EphemeralContainers[i].EphemeralContainerCommon)
		all = append(all, &Container{&c, w.Path.Child("ephemeralContainers").Index(i), Ephemeral, w})
	}
	w.containers = all
}

// Security is the container's own security context, never nil.
func (c *Container) Security() *corev1.SecurityContext {
	if c.SecurityContext == nil {
		return &corev1.SecurityContext{}
	}
	return c.SecurityContext
}

// Security is the pod's security context, never nil.
func (w *Workload) Security() *corev1.PodSecurityContext {
	if w.Pod.SecurityContext == nil {
		return &corev1.PodSecurityContext{}
	}
	return w.Pod.SecurityContext
}

// SecurityPath leads to the container's own security context.
func (c *Container) SecurityPath() *field.Path { return c.Path.Child("securityContext") }

// SecurityPath leads to the pod's security context.
func (w *Workload) SecurityPath() *field.Path { return w.Path.Child("securityContext") }

// Privileged says that the container runs privileged. Unset means no.
func (c *Container) Privileged() bool {
	p := c.Security().Privileged
	return p != nil && *p
}

// effective gives a setting that a container inherits from its pod: the
// container's value if it is set, else the pod's, and the path of the one that
// holds. With neither set the path is where a person would set it for the
// container.
func effective[T any](c *Container, own, pod *T, name string) (*T, *field.Path) {
	if own == nil && pod != nil {
		return pod, c.workload.SecurityPath().Child(name)
	}
	return own, c.SecurityPath().Child(name)
}

// RunAsNonRoot is the effective runAsNonRoot, nil when unset, and its path.
func (c *Container) RunAsNonRoot() (*bool, *field.Path) {
	return effective(c, c.Security().RunAsNonRoot, c.workload.Security().RunAsNonRoot, "runAsNonRoot")
}

// RunAsUser is the effective user id, nil when the image decides, and its path.
func (c *Container) RunAsUser() (*int64, *field.Path) {
	return effective(c, c.Security().RunAsUser, c.workload.Security().RunAsUser, "runAsUser")
}

// RunAsGroup is the effective group id, nil when the image decides, and its
// path.
func (c *Container) RunAsGroup() (*int64, *field.Path) {
	return effective(c, c.Security().RunAsGroup, c.workload.Security().RunAsGroup, "runAsGroup")
}

// SeccompProfile is the effective seccomp profile, nil when unset, and its path.
func (c *Container) SeccompProfile() (*corev1.SeccompProfile, *field.Path) {
	return effective(c, c.Security().SeccompProfile, c.workload.Security().SeccompProfile, "seccompProfile")
}

// AppArmorProfile is the effective AppArmor profile, nil when unset, and its
// path. The annotations that came before the field are not looked at.
func (c *Container) AppArmorProfile() (*corev1.AppArmorProfile, *field.Path) {
	return effective(c, c.Security().AppArmorProfile, c.workload.Security().AppArmorProfile, "appArmorProfile")
}

// SELinuxOptions are the effective SELinux options, nil when unset, and their
// path.
func (c *Container) SELinuxOptions() (*corev1.SELinuxOptions, *field.Path) {
	return effective(c, c.Security().SELinuxOptions, c.workload.Security().SELinuxOptions, "seLinuxOptions")
}

// WindowsOptions are the effective Windows options, nil when unset, and their
// path.
func (c *Container) WindowsOptions() (*corev1.WindowsSecurityContextOptions, *field.Path) {
	return effective(c, c.Security().WindowsOptions, c.workload.Security().WindowsOptions, "windowsOptions")
}
