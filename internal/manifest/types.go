package manifest

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	admissionregistrationv1alpha1 "k8s.io/api/admissionregistration/v1alpha1"
	admissionregistrationv1beta1 "k8s.io/api/admissionregistration/v1beta1"
	apiserverinternalv1alpha1 "k8s.io/api/apiserverinternal/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	appsv1beta1 "k8s.io/api/apps/v1beta1"
	appsv1beta2 "k8s.io/api/apps/v1beta2"
	authenticationv1 "k8s.io/api/authentication/v1"
	authenticationv1alpha1 "k8s.io/api/authentication/v1alpha1"
	authenticationv1beta1 "k8s.io/api/authentication/v1beta1"
	authorizationv1 "k8s.io/api/authorization/v1"
	authorizationv1beta1 "k8s.io/api/authorization/v1beta1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1alpha1 "k8s.io/api/certificates/v1alpha1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	coordinationv1 "k8s.io/api/coordination/v1"
	coordinationv1alpha2 "k8s.io/api/coordination/v1alpha2"
	coordinationv1beta1 "k8s.io/api/coordination/v1beta1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	discoveryv1beta1 "k8s.io/api/discovery/v1beta1"
	eventsv1 "k8s.io/api/events/v1"
	eventsv1beta1 "k8s.io/api/events/v1beta1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	flowcontrolv1beta1 "k8s.io/api/flowcontrol/v1beta1"
	flowcontrolv1beta2 "k8s.io/api/flowcontrol/v1beta2"
	flowcontrolv1beta3 "k8s.io/api/flowcontrol/v1beta3"
	lifecyclev1alpha1 "k8s.io/api/lifecycle/v1alpha1"
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	nodev1 "k8s.io/api/node/v1"
	nodev1alpha1 "k8s.io/api/node/v1alpha1"
	nodev1beta1 "k8s.io/api/node/v1beta1"
	policyv1 "k8s.io/api/policy/v1"
	policyv1beta1 "k8s.io/api/policy/v1beta1"
	rbacv1 "k8s.io/api/rbac/v1"
	rbacv1alpha1 "k8s.io/api/rbac/v1alpha1"
	rbacv1beta1 "k8s.io/api/rbac/v1beta1"
	resourcev1 "k8s.io/api/resource/v1"
	resourcev1alpha3 "k8s.io/api/resource/v1alpha3"
	resourcev1beta1 "k8s.io/api/resource/v1beta1"
	resourcev1beta2 "k8s.io/api/resource/v1beta2"
	schedulingv1 "k8s.io/api/scheduling/v1"
	schedulingv1alpha3 "k8s.io/api/scheduling/v1alpha3"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	storagev1 "k8s.io/api/storage/v1"
	storagev1alpha1 "k8s.io/api/storage/v1alpha1"
	storagev1beta1 "k8s.io/api/storage/v1beta1"
	storagemigrationv1 "k8s.io/api/storagemigration/v1"
	storagemigrationv1beta1 "k8s.io/api/storagemigration/v1beta1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
)

// builtin are the API groups of Kubernetes, with the types of each version. A
// group's types are registered when the first object of it is met.
var builtin = map[string]func() *runtime.Scheme{
	"":                             types(corev1.AddToScheme),
	"admissionregistration.k8s.io": types(admissionregistrationv1.AddToScheme, admissionregistrationv1beta1.AddToScheme, admissionregistrationv1alpha1.AddToScheme),
	"apiextensions.k8s.io":         types(apiextensionsv1.AddToScheme, apiextensionsv1beta1.AddToScheme),
	"apps":                         types(appsv1.AddToScheme, appsv1beta2.AddToScheme, appsv1beta1.AddToScheme),
	"authentication.k8s.io":        types(authenticationv1.AddToScheme, authenticationv1beta1.AddToScheme, authenticationv1alpha1.AddToScheme),
	"authorization.k8s.io":         types(authorizationv1.AddToScheme, authorizationv1beta1.AddToScheme),
	"autoscaling":                  types(autoscalingv2.AddToScheme, autoscalingv1.AddToScheme),
	"batch":                        types(batchv1.AddToScheme, batchv1beta1.AddToScheme),
	"certificates.k8s.io":          types(certificatesv1.AddToScheme, certificatesv1beta1.AddToScheme, certificatesv1alpha1.AddToScheme),
	"coordination.k8s.io":          types(coordinationv1.AddToScheme, coordinationv1beta1.AddToScheme, coordinationv1alpha2.AddToScheme),
	"discovery.k8s.io":             types(discoveryv1.AddToScheme, discoveryv1beta1.AddToScheme),
	"events.k8s.io":                types(eventsv1.AddToScheme, eventsv1beta1.AddToScheme),
	"extensions":                   types(extensionsv1beta1.AddToScheme),
	"flowcontrol.apiserver.k8s.io": types(flowcontrolv1.AddToScheme, flowcontrolv1beta3.AddToScheme, flowcontrolv1beta2.AddToScheme, flowcontrolv1beta1.AddToScheme),
	"internal.apiserver.k8s.io":    types(apiserverinternalv1alpha1.AddToScheme),
	"lifecycle.k8s.io":             types(lifecyclev1alpha1.AddToScheme),
	"networking.k8s.io":            types(networkingv1.AddToScheme, networkingv1beta1.AddToScheme),
	"node.k8s.io":                  types(nodev1.AddToScheme, nodev1beta1.AddToScheme, nodev1alpha1.AddToScheme),
	"policy":                       types(policyv1.AddToScheme, policyv1beta1.AddToScheme),
	"rbac.authorization.k8s.io":    types(rbacv1.AddToScheme, rbacv1beta1.AddToScheme, rbacv1alpha1.AddToScheme),
	"resource.k8s.io":              types(resourcev1.AddToScheme, resourcev1beta2.AddToScheme, resourcev1beta1.AddToScheme, resourcev1alpha3.AddToScheme),
	"scheduling.k8s.io":            types(schedulingv1.AddToScheme, schedulingv1beta1.AddToScheme, schedulingv1alpha3.AddToScheme),
	"storage.k8s.io":               types(storagev1.AddToScheme, storagev1beta1.AddToScheme, storagev1alpha1.AddToScheme),
	"storagemigration.k8s.io":      types(storagemigrationv1.AddToScheme, storagemigrationv1beta1.AddToScheme),
}

func types(add ...func(*runtime.Scheme) error) func() *runtime.Scheme {
	return sync.OnceValue(func() *runtime.Scheme {
		s := runtime.NewScheme()
		for _, f := range add {
			if err := f(s); err != nil {
				panic(err) // a type that is registered twice: a test registers all
			}
		}
		return s
	})
}

// KubeVersion is the Kubernetes version whose types these are.
func KubeVersion() *version.Version { return version.MajorMinor(1, 37) }

// metaTypes are what every version registers besides its own kinds.
const metaTypes = "k8s.io/apimachinery/pkg/apis/meta/v1"

// Builtin is an empty object of a kind that Kubernetes itself has in exactly this
// version, and nil for any other.
func Builtin(gvk schema.GroupVersionKind) runtime.Object {
	group := builtin[gvk.Group]
	if group == nil {
		return nil
	}
	// Scheme.KnownTypes would say so, too, but copies a map each time.
	o, err := group().New(gvk)
	if err != nil || reflect.TypeOf(o).Elem().PkgPath() == metaTypes {
		return nil
	}
	return o
}

// IsBuiltin says that a group is one of Kubernetes' own.
func IsBuiltin(group string) bool { return builtin[group] != nil }

// BuiltinKinds are the kinds, sorted, that Kubernetes itself has in a version of
// a group; none for a version that it does not have.
func BuiltinKinds(gv schema.GroupVersion) []string {
	group := builtin[gv.Group]
	if group == nil {
		return nil
	}
	var kinds []string
	for kind, t := range group().KnownTypes(gv) {
		if t.PkgPath() != metaTypes && !strings.HasSuffix(kind, "List") {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// HasKind says that Kubernetes itself has a kind, in whatever version of its group.
func HasKind(kind schema.GroupKind) bool {
	_, ok := ruleVersion(kind.WithVersion(""))
	return ok
}

// BuiltinVersions are the versions of all groups of Kubernetes that have a kind
// of this name, the most stable of each group first.
func BuiltinVersions(kind string) []schema.GroupVersion {
	var versions []schema.GroupVersion
	for name, group := range builtin {
		for _, gv := range group().PrioritizedVersionsForGroup(name) {
			if Builtin(gv.WithKind(kind)) != nil {
				versions = append(versions, gv)
			}
		}
	}
	slices.SortStableFunc(versions, func(a, b schema.GroupVersion) int { return strings.Compare(a.Group, b.Group) })
	return versions
}

// ruleVersion is the version of a kind in which rules see it; false for a kind that
// Kubernetes does not have.
func ruleVersion(gvk schema.GroupVersionKind) (schema.GroupVersionKind, bool) {
	if gv, ok := stable[gvk.GroupKind()]; ok && !differ[gvk] {
		return gv.WithKind(gvk.Kind), true
	}
	if differ[gvk] || !IsBuiltin(gvk.Group) || Builtin(gvk) != nil {
		return gvk, Builtin(gvk) != nil
	}
	// A version that is gone, or that never was.
	for _, gv := range builtin[gvk.Group]().PrioritizedVersionsForGroup(gvk.Group) {
		if newest := gv.WithKind(gvk.Kind); Builtin(newest) != nil {
			return newest, true
		}
	}
	return gvk, false
}

func kind(group, name string) schema.GroupKind { return schema.GroupKind{Group: group, Kind: name} }

// stable are the versions in which rules see a kind whose older versions have the
// same fields as far as rules read them: a rule asks for one type only.
var stable = map[schema.GroupKind]schema.GroupVersion{
	kind("admissionregistration.k8s.io", "MutatingWebhookConfiguration"):   admissionregistrationv1.SchemeGroupVersion,
	kind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): admissionregistrationv1.SchemeGroupVersion,

	kind("apps", "DaemonSet"):   appsv1.SchemeGroupVersion,
	kind("apps", "Deployment"):  appsv1.SchemeGroupVersion,
	kind("apps", "ReplicaSet"):  appsv1.SchemeGroupVersion,
	kind("apps", "StatefulSet"): appsv1.SchemeGroupVersion,
	// Gone from the API since Kubernetes 1.16, still found in repositories.
	kind("extensions", "DaemonSet"):     appsv1.SchemeGroupVersion,
	kind("extensions", "Deployment"):    appsv1.SchemeGroupVersion,
	kind("extensions", "ReplicaSet"):    appsv1.SchemeGroupVersion,
	kind("extensions", "NetworkPolicy"): networkingv1.SchemeGroupVersion,

	kind("autoscaling", "HorizontalPodAutoscaler"): autoscalingv2.SchemeGroupVersion,
	kind("batch", "CronJob"):                       batchv1.SchemeGroupVersion,
	kind("discovery.k8s.io", "EndpointSlice"):      discoveryv1.SchemeGroupVersion,
	kind("networking.k8s.io", "IngressClass"):      networkingv1.SchemeGroupVersion,
	kind("policy", "PodDisruptionBudget"):          policyv1.SchemeGroupVersion,
	kind("scheduling.k8s.io", "PriorityClass"):     schedulingv1.SchemeGroupVersion,
	kind("storage.k8s.io", "StorageClass"):         storagev1.SchemeGroupVersion,

	kind("rbac.authorization.k8s.io", "ClusterRole"):        rbacv1.SchemeGroupVersion,
	kind("rbac.authorization.k8s.io", "ClusterRoleBinding"): rbacv1.SchemeGroupVersion,
	kind("rbac.authorization.k8s.io", "Role"):               rbacv1.SchemeGroupVersion,
	kind("rbac.authorization.k8s.io", "RoleBinding"):        rbacv1.SchemeGroupVersion,
}

// differ are the versions whose fields are not those of the stable type: rules
// see them as what they are, if k8s.io/api still has them.
var differ = map[schema.GroupVersionKind]bool{
	{Group: "autoscaling", Version: "v1", Kind: "HorizontalPodAutoscaler"}:      true,
	{Group: "autoscaling", Version: "v2beta1", Kind: "HorizontalPodAutoscaler"}: true,
}
