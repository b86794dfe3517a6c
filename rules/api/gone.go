package api

import (
	"strconv"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
)

// gone are the versions that k8s.io/api no longer has, or has without saying how
// long they live. As of Kubernetes 1.37, October 2026; to bring it up to date,
// compare the kinds and the zz_generated.prerelease-lifecycle.go of the new
// k8s.io/api with those of the one before. Sources: older versions of k8s.io/api,
// and https://kubernetes.io/docs/reference/using-api/deprecation-guide/.
//
// A line is the version, the kinds, and the minor versions of Kubernetes 1 in which
// it came, was deprecated and went (- for never or unknown), then what replaces it.
const gone = `
admissionregistration.k8s.io/v1alpha1 InitializerConfiguration 7 9 14
apiregistration.k8s.io/v1beta1 APIService 7 10 22 apiregistration.k8s.io/v1
auditregistration.k8s.io/v1alpha1 AuditSink 13 - 19
autoscaling/v2beta1 HorizontalPodAutoscaler 8 22 25 autoscaling/v2
autoscaling/v2beta2 HorizontalPodAutoscaler 12 23 26 autoscaling/v2
batch/v2alpha1 CronJob 5 8 21 batch/v1
certificates.k8s.io/v1alpha1 PodCertificateRequest 34 - 35 certificates.k8s.io/v1
coordination.k8s.io/v1alpha1 LeaseCandidate 31 - 32 coordination.k8s.io/v1beta1
discovery.k8s.io/v1alpha1 EndpointSlice 16 17 21 discovery.k8s.io/v1
extensions/v1beta1 PodSecurityPolicy 2 11 16 policy/v1beta1
flowcontrol.apiserver.k8s.io/v1alpha1 FlowSchema,PriorityLevelConfiguration 18 20 21 flowcontrol.apiserver.k8s.io/v1
networking.k8s.io/v1alpha1 ClusterCIDR 25 28 29
networking.k8s.io/v1alpha1 IPAddress,ServiceCIDR 27 30 33 networking.k8s.io/v1
policy/v1beta1 PodSecurityPolicy 10 21 25
rbac.authorization.k8s.io/v1alpha1 ClusterRole,ClusterRoleBinding,Role,RoleBinding 5 17 23 rbac.authorization.k8s.io/v1
resource.k8s.io/v1alpha1 PodScheduling,ResourceClass 26 - 27
resource.k8s.io/v1alpha1 ResourceClaim,ResourceClaimTemplate 26 - 27 resource.k8s.io/v1
resource.k8s.io/v1alpha2 PodSchedulingContext,ResourceClaimParameters,ResourceClass,ResourceClassParameters 27 - 31
resource.k8s.io/v1alpha2 ResourceClaim,ResourceClaimTemplate,ResourceSlice 27 - 31 resource.k8s.io/v1
resource.k8s.io/v1alpha3 PodSchedulingContext 31 - 32
resource.k8s.io/v1alpha3 DeviceClass,ResourceClaim,ResourceClaimTemplate,ResourceSlice 31 32 34 resource.k8s.io/v1
scheduling.k8s.io/v1alpha1 PriorityClass 8 14 23 scheduling.k8s.io/v1
scheduling.k8s.io/v1alpha1 Workload 35 - 36 scheduling.k8s.io/v1beta1
scheduling.k8s.io/v1alpha2 PodGroup,Workload 36 - 37 scheduling.k8s.io/v1beta1
settings.k8s.io/v1alpha1 PodPreset 6 - 20
storagemigration.k8s.io/v1alpha1 StorageVersionMigration 30 33 35 storagemigration.k8s.io/v1
v1 Endpoints 0 33 - discovery.k8s.io/v1.EndpointSlice
v1 ComponentStatus 0 19 -
`

// goneVersions is the table of what is gone, read.
var goneVersions = sync.OnceValue(func() map[schema.GroupVersionKind]lifecycle {
	all := map[schema.GroupVersionKind]lifecycle{}
	for line := range strings.Lines(gone) {
		words := strings.Fields(line)
		if len(words) < 5 {
			continue
		}
		gv := groupVersion(words[0])
		for kind := range strings.SplitSeq(words[1], ",") {
			l := lifecycle{introduced: release(words[2]), deprecated: release(words[3]), removed: release(words[4])}
			if len(words) > 5 {
				l.replacement = other(words[5], kind)
			}
			all[gv.WithKind(kind)] = l
		}
	}
	return all
})

// groupVersion reads a version; what is no version has no kinds.
func groupVersion(text string) schema.GroupVersion {
	gv, _ := schema.ParseGroupVersion(text)
	return gv
}

// other reads what replaces a kind: a version, and a kind after a dot if it is
// another one.
func other(text, kind string) schema.GroupVersionKind {
	gv := groupVersion(text)
	if name, renamed, ok := strings.Cut(gv.Version, "."); ok {
		gv.Version, kind = name, renamed
	}
	return gv.WithKind(kind)
}

func release(text string) *version.Version {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil
	}
	return minor(uint(n))
}
