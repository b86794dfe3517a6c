package network

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// enforcers are what enforces network policies, by the names of their images,
// with the folder where the name alone says little, and of their charts.
var (
	enforcers = []string{
		"calico/node", "tigera/operator", "cilium/cilium", "antrea/antrea-agent-ubuntu", "antrea/antrea-agent-ubi", "antrea/antrea-ubuntu",
		"kube-router", "kube-network-policies", "weave-npc", "kube-ovn", "ovn-kubernetes", "aws-network-policy-agent",
	}
	enforcerCharts = []string{"cilium", "tigera-operator", "antrea", "kube-ovn", "kube-network-policies", "rke2-cilium", "rke2-calico", "rke2-canal"}
)

// cniKinds are the kinds that a rule joins to ask what enforces policies.
var cniKinds = slices.Concat(lint.Workloads, []schema.GroupKind{kindHelmRelease, kindApplication})

// enforcesPolicies says that an object runs what enforces network policies.
func enforcesPolicies(o *manifest.Object) bool {
	if w, ok := o.Workload(); ok {
		for _, c := range w.Containers() {
			if slices.ContainsFunc(enforcers, func(name string) bool { return runsImage(c.Image, name) }) {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(releases(o), func(r release) bool {
		chart := r.chart.Text()
		return slices.Contains(enforcerCharts, chart[strings.LastIndexByte(chart, '/')+1:])
	})
}

// runsImage says that a reference names an image by the end of its repository's
// path; mirrors write the folder into the name, as rancher/mirrored-calico-node.
func runsImage(reference, name string) bool {
	repository, _, _ := strings.Cut(reference, "@")
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository = repository[:i]
	}
	repository = "/" + repository
	return strings.HasSuffix(repository, "/"+name) || strings.HasSuffix(repository, "-"+strings.ReplaceAll(name, "/", "-"))
}
