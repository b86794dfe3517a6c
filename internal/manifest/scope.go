package manifest

import "strings"

// clusterScoped are the kinds of k8s.io/api, and of much used operators, whose
// objects have no namespace.
var clusterScoped = map[string]bool{
	"Namespace": true, "Node": true, "PersistentVolume": true, "ComponentStatus": true,
	"ClusterRole": true, "ClusterRoleBinding": true, "ClusterTrustBundle": true,
	"CustomResourceDefinition": true, "APIService": true,
	"MutatingWebhookConfiguration": true, "ValidatingWebhookConfiguration": true,
	"MutatingAdmissionPolicy": true, "MutatingAdmissionPolicyBinding": true,
	"ValidatingAdmissionPolicy": true, "ValidatingAdmissionPolicyBinding": true,
	"StorageClass": true, "CSIDriver": true, "CSINode": true, "VolumeAttachment": true, "VolumeAttributesClass": true,
	"PriorityClass": true, "RuntimeClass": true, "IngressClass": true, "GatewayClass": true,
	"FlowSchema": true, "PriorityLevelConfiguration": true, "CertificateSigningRequest": true,
	"DeviceClass": true, "ResourceSlice": true, "IPAddress": true, "ServiceCIDR": true, "StorageVersion": true,
	"AdminNetworkPolicy": true, "BaselineAdminNetworkPolicy": true, "GlobalNetworkPolicy": true, "GlobalNetworkSet": true, "IPPool": true,
	"ValidatingPolicy": true, "MutatingPolicy": true, "VolumeSnapshotClass": true, "VolumeSnapshotContent": true,
}

// ClusterScoped says that objects of this one's kind have no namespace, as far
// as that is known: custom kinds whose names begin with Cluster are taken for
// such (ClusterIssuer, ClusterPolicy, ClusterSecretStore).
func (o *Object) ClusterScoped() bool {
	return clusterScoped[o.GVK.Kind] || strings.HasPrefix(o.GVK.Kind, "Cluster") && strings.Contains(o.GVK.Group, ".") && o.GVK.Kind != "Cluster"
}
