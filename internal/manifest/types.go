package manifest

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func of[T any, P interface {
	*T
	runtime.Object
}]() runtime.Object {
	return P(new(T))
}

func kind(group, name string) schema.GroupKind { return schema.GroupKind{Group: group, Kind: name} }

// types gives the stable type of every kind that rules ask for. The group's
// older versions decode into it too where the fields that rules read are the
// same; where they are not, versionedTypes says so.
var types = map[schema.GroupKind]func() runtime.Object{
	kind("", "ConfigMap"): of[corev1.ConfigMap],
	//lint:ignore SA1019 deprecated since Kubernetes 1.33, and still deployed
	kind("", "Endpoints"):             of[corev1.Endpoints],
	kind("", "LimitRange"):            of[corev1.LimitRange],
	kind("", "Namespace"):             of[corev1.Namespace],
	kind("", "Node"):                  of[corev1.Node],
	kind("", "PersistentVolume"):      of[corev1.PersistentVolume],
	kind("", "PersistentVolumeClaim"): of[corev1.PersistentVolumeClaim],
	kind("", "Pod"):                   of[corev1.Pod],
	kind("", "PodTemplate"):           of[corev1.PodTemplate],
	kind("", "ReplicationController"): of[corev1.ReplicationController],
	kind("", "ResourceQuota"):         of[corev1.ResourceQuota],
	kind("", "Secret"):                of[corev1.Secret],
	kind("", "Service"):               of[corev1.Service],
	kind("", "ServiceAccount"):        of[corev1.ServiceAccount],

	kind("apps", "DaemonSet"):   of[appsv1.DaemonSet],
	kind("apps", "Deployment"):  of[appsv1.Deployment],
	kind("apps", "ReplicaSet"):  of[appsv1.ReplicaSet],
	kind("apps", "StatefulSet"): of[appsv1.StatefulSet],
	// Gone from the API since Kubernetes 1.16, still found in repositories.
	kind("extensions", "DaemonSet"):     of[appsv1.DaemonSet],
	kind("extensions", "Deployment"):    of[appsv1.Deployment],
	kind("extensions", "ReplicaSet"):    of[appsv1.ReplicaSet],
	kind("extensions", "NetworkPolicy"): of[networkingv1.NetworkPolicy],

	kind("batch", "CronJob"): of[batchv1.CronJob],
	kind("batch", "Job"):     of[batchv1.Job],

	kind("autoscaling", "HorizontalPodAutoscaler"): of[autoscalingv2.HorizontalPodAutoscaler],
	kind("policy", "PodDisruptionBudget"):          of[policyv1.PodDisruptionBudget],
	kind("scheduling.k8s.io", "PriorityClass"):     of[schedulingv1.PriorityClass],

	kind("rbac.authorization.k8s.io", "ClusterRole"):        of[rbacv1.ClusterRole],
	kind("rbac.authorization.k8s.io", "ClusterRoleBinding"): of[rbacv1.ClusterRoleBinding],
	kind("rbac.authorization.k8s.io", "Role"):               of[rbacv1.Role],
	kind("rbac.authorization.k8s.io", "RoleBinding"):        of[rbacv1.RoleBinding],

	kind("networking.k8s.io", "Ingress"):       of[networkingv1.Ingress],
	kind("networking.k8s.io", "IngressClass"):  of[networkingv1.IngressClass],
	kind("networking.k8s.io", "NetworkPolicy"): of[networkingv1.NetworkPolicy],
	kind("discovery.k8s.io", "EndpointSlice"):  of[discoveryv1.EndpointSlice],
	kind("storage.k8s.io", "StorageClass"):     of[storagev1.StorageClass],

	kind("admissionregistration.k8s.io", "MutatingWebhookConfiguration"):   of[admissionregistrationv1.MutatingWebhookConfiguration],
	kind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): of[admissionregistrationv1.ValidatingWebhookConfiguration],
}

// versionedTypes are the versions whose fields differ from the stable type's; nil
// for those that k8s.io/api no longer has in a form worth judging. They are gone
// since Kubernetes 1.22 (Ingress) and 1.26 (HorizontalPodAutoscaler).
var versionedTypes = map[schema.GroupVersionKind]func() runtime.Object{
	{Group: "autoscaling", Version: "v1", Kind: "HorizontalPodAutoscaler"}:      of[autoscalingv1.HorizontalPodAutoscaler],
	{Group: "autoscaling", Version: "v2beta1", Kind: "HorizontalPodAutoscaler"}: nil,
	{Group: "networking.k8s.io", Version: "v1beta1", Kind: "Ingress"}:           nil,
}
