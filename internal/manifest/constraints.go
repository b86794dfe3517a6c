package manifest

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// required are the fields without which the API server refuses an object, by type:
// what the OpenAPI description of Kubernetes calls required
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/api/openapi-spec/swagger.json),
// less what the validation in pkg/apis lets pass all the same, plus the image of a
// container. A text must not be empty either, nor a list with a +. A test holds the
// table against k8s.io/api.
const required = `
admissionregistration/v1.AuditAnnotation key valueExpression
admissionregistration/v1.MatchCondition name expression
admissionregistration/v1.MutatingWebhook name clientConfig sideEffects admissionReviewVersions+
admissionregistration/v1.Mutation patchType
admissionregistration/v1.ServiceReference namespace name
admissionregistration/v1.ValidatingAdmissionPolicyBinding spec
admissionregistration/v1.ValidatingAdmissionPolicyBindingSpec policyName validationActions+
admissionregistration/v1.ValidatingWebhook name clientConfig sideEffects admissionReviewVersions+
admissionregistration/v1.Validation expression
admissionregistration/v1.Variable name expression
apiextensions/v1.CustomResourceColumnDefinition name type jsonPath
apiextensions/v1.CustomResourceConversion strategy
apiextensions/v1.CustomResourceDefinition spec
apiextensions/v1.CustomResourceDefinitionNames plural kind
apiextensions/v1.CustomResourceDefinitionSpec group names scope versions+
apiextensions/v1.CustomResourceDefinitionVersion name
apiextensions/v1.CustomResourceSubresourceScale specReplicasPath statusReplicasPath
apiextensions/v1.SelectableField jsonPath
apiextensions/v1.ServiceReference namespace name
apiextensions/v1.ValidationRule rule
apiextensions/v1.WebhookConversion conversionReviewVersions+
apps/v1.ControllerRevision data
apps/v1.DaemonSet spec
apps/v1.DaemonSetSpec selector template
apps/v1.Deployment spec
apps/v1.DeploymentSpec selector template
apps/v1.ReplicaSet spec
apps/v1.ReplicaSetSpec selector
apps/v1.StatefulSet spec
apps/v1.StatefulSetSpec selector template
autoscaling/v1.CrossVersionObjectReference kind name
autoscaling/v1.HorizontalPodAutoscaler spec
autoscaling/v1.HorizontalPodAutoscalerSpec scaleTargetRef maxReplicas
autoscaling/v2.ContainerResourceMetricSource name target container
autoscaling/v2.CrossVersionObjectReference kind name
autoscaling/v2.ExternalMetricSource metric target
autoscaling/v2.HPAScalingPolicy type value periodSeconds
autoscaling/v2.HorizontalPodAutoscaler spec
autoscaling/v2.HorizontalPodAutoscalerSpec scaleTargetRef maxReplicas
autoscaling/v2.MetricIdentifier name
autoscaling/v2.MetricSpec type
autoscaling/v2.MetricTarget type
autoscaling/v2.ObjectMetricSource describedObject target metric
autoscaling/v2.PodsMetricSource metric target
autoscaling/v2.ResourceMetricSource name target
batch/v1.CronJob spec
batch/v1.CronJobSpec schedule jobTemplate
batch/v1.Job spec
batch/v1.JobSpec template
batch/v1.PodFailurePolicyOnExitCodesRequirement operator values+
batch/v1.PodFailurePolicyOnPodConditionsPattern type
batch/v1.PodFailurePolicyRule action
certificates/v1.CertificateSigningRequest spec
certificates/v1.CertificateSigningRequestSpec request signerName
certificates/v1.ClusterTrustBundle spec
certificates/v1.ClusterTrustBundleSpec trustBundle
core/v1.AWSElasticBlockStoreVolumeSource volumeID
core/v1.AppArmorProfile type
core/v1.AzureDiskVolumeSource diskName diskURI
core/v1.AzureFilePersistentVolumeSource secretName shareName
core/v1.AzureFileVolumeSource secretName shareName
core/v1.CSIPersistentVolumeSource driver volumeHandle
core/v1.CSIVolumeSource driver
core/v1.CephFSPersistentVolumeSource monitors+
core/v1.CephFSVolumeSource monitors+
core/v1.CinderPersistentVolumeSource volumeID
core/v1.CinderVolumeSource volumeID
core/v1.ClusterTrustBundleProjection path
core/v1.ConfigMapKeySelector key
core/v1.Container name image
core/v1.ContainerPort containerPort
core/v1.ContainerResizePolicy resourceName restartPolicy
core/v1.ContainerRestartRule action
core/v1.ContainerRestartRuleOnExitCodes operator
core/v1.DownwardAPIVolumeFile path
core/v1.EndpointAddress ip
core/v1.EndpointPort port
core/v1.EnvVar name
core/v1.EphemeralContainer name image
core/v1.FileKeySelector volumeName path key
core/v1.FlexPersistentVolumeSource driver
core/v1.FlexVolumeSource driver
core/v1.GCEPersistentDiskVolumeSource pdName
core/v1.GRPCAction port
core/v1.GitRepoVolumeSource repository
core/v1.GlusterfsPersistentVolumeSource endpoints path
core/v1.GlusterfsVolumeSource endpoints path
core/v1.HTTPGetAction port
core/v1.HTTPHeader name
core/v1.HostAlias ip
core/v1.HostPathVolumeSource path
core/v1.ISCSIPersistentVolumeSource targetPortal iqn
core/v1.ISCSIVolumeSource targetPortal iqn
core/v1.KeyToPath key path
core/v1.LimitRangeItem type
core/v1.LocalVolumeSource path
core/v1.NFSVolumeSource server path
core/v1.NodeSelector nodeSelectorTerms+
core/v1.NodeSelectorRequirement key operator
core/v1.ObjectFieldSelector fieldPath
core/v1.PersistentVolume spec
core/v1.PersistentVolumeClaim spec
core/v1.PersistentVolumeClaimTemplate spec
core/v1.PersistentVolumeClaimVolumeSource claimName
core/v1.PhotonPersistentDiskVolumeSource pdID
core/v1.Pod spec
core/v1.PodAffinityTerm topologyKey
core/v1.PodCertificateProjection signerName keyType
core/v1.PodOS name
core/v1.PodReadinessGate conditionType
core/v1.PodResourceClaim name
core/v1.PodSchedulingGate name
core/v1.PodSpec containers+
core/v1.PortworxVolumeSource volumeID
core/v1.PreferredSchedulingTerm weight preference
core/v1.QuobyteVolumeSource registry volume
core/v1.RBDPersistentVolumeSource monitors+ image
core/v1.RBDVolumeSource monitors+ image
core/v1.ReplicationController spec
core/v1.ResourceClaim name
core/v1.ResourceFieldSelector resource
core/v1.ScaleIOPersistentVolumeSource gateway system secretRef
core/v1.ScaleIOVolumeSource gateway system secretRef
core/v1.ScopedResourceSelectorRequirement scopeName operator
core/v1.SeccompProfile type
core/v1.SecretKeySelector key
core/v1.Service spec
core/v1.ServiceAccountTokenProjection path
core/v1.ServicePort port
core/v1.Sysctl name
core/v1.TCPSocketAction port
core/v1.Taint key effect
core/v1.TopologySelectorLabelRequirement key values+
core/v1.TopologySpreadConstraint maxSkew topologyKey whenUnsatisfiable
core/v1.TypedLocalObjectReference kind name
core/v1.TypedObjectReference kind name
core/v1.Volume name
core/v1.VolumeDevice name devicePath
core/v1.VolumeMount name mountPath
core/v1.VsphereVirtualDiskVolumeSource volumePath
core/v1.WeightedPodAffinityTerm weight podAffinityTerm
discovery/v1.Endpoint addresses+
discovery/v1.EndpointSlice addressType
discovery/v1.ForNode name
discovery/v1.ForZone name
flowcontrol/v1.FlowDistinguisherMethod type
flowcontrol/v1.FlowSchema spec
flowcontrol/v1.FlowSchemaSpec priorityLevelConfiguration
flowcontrol/v1.GroupSubject name
flowcontrol/v1.LimitResponse type
flowcontrol/v1.LimitedPriorityLevelConfiguration limitResponse
flowcontrol/v1.NonResourcePolicyRule verbs+ nonResourceURLs+
flowcontrol/v1.PolicyRulesWithSubjects subjects+
flowcontrol/v1.PriorityLevelConfiguration spec
flowcontrol/v1.PriorityLevelConfigurationReference name
flowcontrol/v1.PriorityLevelConfigurationSpec type
flowcontrol/v1.ResourcePolicyRule verbs+ apiGroups+ resources+
flowcontrol/v1.ServiceAccountSubject namespace name
flowcontrol/v1.Subject kind
flowcontrol/v1.UserSubject name
meta/v1.LabelSelectorRequirement key operator
meta/v1.OwnerReference apiVersion kind name uid
networking/v1.HTTPIngressPath pathType backend
networking/v1.HTTPIngressRuleValue paths+
networking/v1.IPAddress spec
networking/v1.IPAddressSpec parentRef
networking/v1.IPBlock cidr
networking/v1.IngressClassParametersReference kind name
networking/v1.IngressServiceBackend name
networking/v1.ParentReference resource name
node/v1.RuntimeClass handler
rbac/v1.ClusterRoleBinding roleRef
rbac/v1.PolicyRule verbs+
rbac/v1.RoleBinding roleRef
rbac/v1.RoleRef kind name
rbac/v1.Subject kind name
resource/v1.CELDeviceSelector expression
resource/v1.DeviceRequest name
resource/v1.DeviceSubRequest name deviceClassName
resource/v1.DeviceTaint key effect
resource/v1.ExactDeviceRequest deviceClassName
resource/v1.OpaqueDeviceConfiguration driver parameters
storage/v1.CSIDriver spec
storage/v1.CSINode spec
storage/v1.CSINodeDriver name nodeID
storage/v1.CSIStorageCapacity storageClassName
storage/v1.StorageClass provisioner
storage/v1.VolumeAttachment spec
storage/v1.VolumeAttachmentSpec attacher source nodeName
storage/v1.VolumeAttributesClass driverName
`

// enumerations are the values that the API server takes for a text, by type. The
// empty text is "not set". A test holds the table against k8s.io/api.
const enumerations = `
admissionregistration/v1.FailurePolicyType Ignore Fail
admissionregistration/v1.MatchPolicyType Exact Equivalent
admissionregistration/v1.OperationType * CREATE UPDATE DELETE CONNECT
admissionregistration/v1.ParameterNotFoundActionType Allow Deny
admissionregistration/v1.PatchType ApplyConfiguration JSONPatch
admissionregistration/v1.ReinvocationPolicyType Never IfNeeded
admissionregistration/v1.ScopeType Cluster Namespaced *
admissionregistration/v1.SideEffectClass None NoneOnDryRun
admissionregistration/v1.ValidationAction Deny Warn Audit
apiextensions/v1.ConversionStrategyType None Webhook
apiextensions/v1.ResourceScope Cluster Namespaced
apps/v1.DaemonSetUpdateStrategyType RollingUpdate OnDelete
apps/v1.DeploymentStrategyType Recreate RollingUpdate
apps/v1.PersistentVolumeClaimRetentionPolicyType Retain Delete
apps/v1.PodManagementPolicyType OrderedReady Parallel
apps/v1.StatefulSetUpdateStrategyType RollingUpdate OnDelete Recreate
autoscaling/v2.HPAScalingPolicyType Pods Percent
autoscaling/v2.MetricSourceType Object Pods Resource ContainerResource External
autoscaling/v2.MetricTargetType Utilization Value AverageValue
autoscaling/v2.ScalingPolicySelect Max Min Disabled
batch/v1.CompletionMode NonIndexed Indexed
batch/v1.ConcurrencyPolicy Allow Forbid Replace
batch/v1.PodFailurePolicyAction FailJob FailIndex Ignore Count
batch/v1.PodFailurePolicyOnExitCodesOperator In NotIn
batch/v1.PodReplacementPolicy TerminatingOrFailed Failed
core/v1.AppArmorProfileType Unconfined RuntimeDefault Localhost
core/v1.AzureDataDiskCachingMode None ReadOnly ReadWrite
core/v1.AzureDataDiskKind Shared Dedicated Managed
core/v1.ContainerRestartPolicy Always Never OnFailure
core/v1.DNSPolicy ClusterFirstWithHostNet ClusterFirst Default None
core/v1.HostPathType DirectoryOrCreate Directory FileOrCreate File Socket CharDevice BlockDevice
core/v1.IPFamily IPv4 IPv6
core/v1.IPFamilyPolicy SingleStack PreferDualStack RequireDualStack
core/v1.MountPropagationMode None HostToContainer Bidirectional
core/v1.NodeInclusionPolicy Ignore Honor
core/v1.NodeSelectorOperator In NotIn Exists DoesNotExist Gt Lt
core/v1.OSName linux windows
core/v1.PersistentVolumeAccessMode ReadWriteOnce ReadOnlyMany ReadWriteMany ReadWriteOncePod
core/v1.PersistentVolumeMode Block Filesystem
core/v1.PersistentVolumeReclaimPolicy Recycle Delete Retain
core/v1.PodFSGroupChangePolicy OnRootMismatch Always
core/v1.PodSELinuxChangePolicy Recursive MountOption
core/v1.PreemptionPolicy PreemptLowerPriority Never
core/v1.ProcMountType Default Unmasked
core/v1.Protocol TCP UDP SCTP
core/v1.PullPolicy Always Never IfNotPresent
core/v1.RecursiveReadOnlyMode Disabled IfPossible Enabled
core/v1.ResourceResizeRestartPolicy NotRequired RestartContainer
core/v1.ScopeSelectorOperator In NotIn Exists DoesNotExist
core/v1.SeccompProfileType Unconfined RuntimeDefault Localhost
core/v1.ServiceAffinity ClientIP None
core/v1.ServiceExternalTrafficPolicy Cluster Local
core/v1.ServiceInternalTrafficPolicy Cluster Local
core/v1.ServiceType ClusterIP NodePort LoadBalancer ExternalName
core/v1.SupplementalGroupsPolicy Merge Strict
core/v1.TaintEffect NoSchedule PreferNoSchedule NoExecute
core/v1.TerminationMessagePolicy File FallbackToLogsOnError
core/v1.TolerationOperator Exists Equal Lt Gt
core/v1.URIScheme HTTP HTTPS
core/v1.UnsatisfiableConstraintAction DoNotSchedule ScheduleAnyway
discovery/v1.AddressType IPv4 IPv6 FQDN
flowcontrol/v1.FlowDistinguisherMethodType ByUser ByNamespace
flowcontrol/v1.LimitResponseType Queue Reject
flowcontrol/v1.PriorityLevelEnablement Exempt Limited
flowcontrol/v1.SubjectKind User Group ServiceAccount
meta/v1.LabelSelectorOperator In NotIn Exists DoesNotExist
networking/v1.PathType Exact Prefix ImplementationSpecific
networking/v1.PolicyType Ingress Egress
policy/v1.UnhealthyPodEvictionPolicyType IfHealthyBudget AlwaysAllow
storage/v1.FSGroupPolicy ReadWriteOnceWithFSType File None
storage/v1.VolumeBindingMode Immediate WaitForFirstConsumer
storage/v1.VolumeLifecycleMode Persistent Ephemeral
`

var (
	requiredOf     = sync.OnceValue(func() map[string][]string { return table(required) })
	enumerationsOf = sync.OnceValue(func() map[string][]string { return table(enumerations) })
)

// table takes lines apart into a type and its words.
func table(text string) map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			all[words[0]] = slices.Clip(words[1:])
		}
	}
	return all
}

// typeName names a type as the tables do: by the last two elements of its package's
// path, which are the group and the version.
func typeName(t reflect.Type) string {
	pkg := t.PkgPath()
	if i := strings.LastIndexByte(pkg, '/'); i > 0 {
		pkg = pkg[strings.LastIndexByte(pkg[:i], '/')+1:]
	}
	return pkg + "." + t.Name()
}

var enumerationCache sync.Map // reflect.Type -> []string

// enumeration are the values that a type takes; none for one that takes any.
func enumeration(t reflect.Type) []string {
	if t.PkgPath() == "" {
		return nil
	}
	if cached, ok := enumerationCache.Load(t); ok {
		return cached.([]string)
	}
	values := enumerationsOf()[typeName(t)]
	enumerationCache.Store(t, values)
	return values
}
