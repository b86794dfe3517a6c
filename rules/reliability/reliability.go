// Package reliability holds the rules about what keeps a workload, and its
// neighbours on the node, running.
package reliability

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Rules are the rules of this topic.
var Rules = []*lint.Rule{
	autoscalerMissing,
	cpuLimitMissing,
	cpuLimitSet,
	cpuRequestMissing,
	cronjobConcurrencyAllowed,
	cronjobDeadlineMissing,
	cronjobInventory,
	cronjobScheduleInvalid,
	danglingConfigReference,
	danglingServiceMonitor,
	dnsConfigOptionsMissing,
	duplicateEnvVar,
	ephemeralStorageUnbounded,
	hpaDanglingTarget,
	hpaDuplicateTarget,
	hpaMetricWithoutRequest,
	hpaMinReplicas,
	hpaRangeInvalid,
	hpaWithStaticReplicas,
	jobTTLMissing,
	limitRangeMissing,
	limitToRequestRatio,
	livenessProbeMissing,
	memoryLimitMissing,
	memoryRequestMissing,
	nakedPod,
	nodeAffinityMissing,
	pdbBlocksEviction,
	pdbDangling,
	pdbMissing,
	pdbUnhealthyEvictionPolicy,
	pdbWithoutPolicy,
	prestopHookMissing,
	priorityClassMissing,
	probePortNotExposed,
	probesIdentical,
	probeTimingUnset,
	pvcStorageClassMissing,
	readinessProbeMissing,
	replicasBelowMinimum,
	replicasNotSpread,
	requestsExceedLimits,
	requestsNotEqualLimits,
	resourceQuotaMissing,
	restartPolicyInvalid,
	rollingUpdateMissing,
	selectorMismatch,
	statefulsetServiceMissing,
	topologySpreadUnschedulable,
	volumeClaimAccessMode,
}

// limitRanges give the containers of a namespace what they do not say.
var limitRanges = []schema.GroupKind{{Kind: "LimitRange"}}

// givenByRange are the namespaces in which a LimitRange gives containers a limit
// for a resource or, with request, a request: see defaults. Made once for all
// rules.
func givenByRange(p *lint.Pass, resource corev1.ResourceName, request bool) map[string]bool {
	return p.Shared(rangeKey{resource, request}, func() any {
		given := map[string]bool{}
		for _, o := range cluster.Of(p).Kind("", "LimitRange") {
			if r, ok := o.Typed().(*corev1.LimitRange); ok && defaults(r, resource, request) {
				given[o.Namespace] = true
			}
		}
		return given
	}).(map[string]bool)
}

type rangeKey struct {
	resource corev1.ResourceName
	request  bool
}

// sets says that a limit for a resource or, with request, its request is set. The
// API server takes a limit for the request where there is none.
func sets(r corev1.ResourceRequirements, resource corev1.ResourceName, request bool) bool {
	_, ok := r.Limits[resource]
	if !ok && request {
		_, ok = r.Requests[resource]
	}
	return ok
}

// missing reports every container that has no limit for a resource or, with
// request, none for its request either. It looks at all objects of the cluster,
// since a LimitRange gives its namespace's containers what they do not say.
func missing(p *lint.Pass, resource corev1.ResourceName, request bool, message string) {
	given := givenByRange(p, resource, request)
	list := "limits"
	if request {
		list = "requests"
	}
	for _, o := range p.Judged() {
		w, ok := o.Workload()
		// Nobody's pods are stopped for a test that somebody starts by hand.
		if !ok || given[o.Namespace] || chartTest(o) || w.Pod.Resources != nil && sets(*w.Pod.Resources, resource, request) {
			continue
		}
		for _, c := range w.Containers() {
			// The API allows no resources for an ephemeral container.
			if c.Kind == manifest.Ephemeral || sets(c.Resources, resource, request) {
				continue
			}
			p.ReportOn(o, p.Rule.Severity, c.Path.Child("resources", list).Key(string(resource)), message, c.Name)
		}
	}
}

// chartTest says that an object runs only when somebody asks for helm test.
func chartTest(o *manifest.Object) bool {
	return strings.HasPrefix(o.Value("metadata", "annotations").Key("helm.sh/hook").Text(), "test")
}

// defaults says that a LimitRange gives containers a limit or a request. One
// follows from the other, as the API server fills them in: the default limit
// from max, the default request from the default limit or from min.
func defaults(r *corev1.LimitRange, resource corev1.ResourceName, request bool) bool {
	for _, l := range r.Spec.Limits {
		if l.Type != corev1.LimitTypeContainer {
			continue
		}
		lists := []corev1.ResourceList{l.Default, l.Max}
		if request {
			lists = append(lists, l.DefaultRequest, l.Min)
		}
		for _, list := range lists {
			if _, ok := list[resource]; ok {
				return true
			}
		}
	}
	return false
}
