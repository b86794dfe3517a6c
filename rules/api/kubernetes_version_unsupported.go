package api

import (
	"errors"
	"strings"

	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
)

// oldestSupported is the oldest minor version of Kubernetes that gets fixes, as of
// supportedAsOf. To bring it up to date, take the oldest version whose end of life
// is to come from https://kubernetes.io/releases/: 1.34 ended on 2026-10-27, 1.35
// ends on 2027-02-28, 1.36 on 2027-06-28 and 1.37 on 2027-10-28.
const (
	oldestSupported = "1.35"
	supportedAsOf   = "November 2026"
)

// versionFields are where objects write the version of a cluster.
var versionFields = map[schema.GroupKind][]string{
	{Group: "kubeadm.k8s.io", Kind: "ClusterConfiguration"}:                      {"kubernetesVersion"},
	{Group: "controlplane.cluster.x-k8s.io", Kind: "KubeadmControlPlane"}:        {"spec", "version"},
	{Group: "controlplane.cluster.x-k8s.io", Kind: "AWSManagedControlPlane"}:     {"spec", "version"},
	{Group: "controlplane.cluster.x-k8s.io", Kind: "RKE2ControlPlane"}:           {"spec", "version"},
	{Group: "infrastructure.cluster.x-k8s.io", Kind: "AzureManagedControlPlane"}: {"spec", "version"},
	{Group: "cluster.x-k8s.io", Kind: "MachineDeployment"}:                       {"spec", "template", "spec", "version"},
	{Group: "cluster.x-k8s.io", Kind: "MachinePool"}:                             {"spec", "template", "spec", "version"},
	{Group: "cluster.x-k8s.io", Kind: "Cluster"}:                                 {"spec", "topology", "version"},
	{Group: "eksctl.io", Kind: "ClusterConfig"}:                                  {"metadata", "version"},
	{Kind: "Node"}: {"status", "nodeInfo", "kubeletVersion"},
}

var kubernetesVersionUnsupported = &lint.Rule{
	ID: "kubernetes-version-unsupported", Severity: lint.Medium, Category: lint.APILifecycle, Since: "0.1.0",
	Title:      "cluster runs a version of Kubernetes that is no longer supported",
	Why:        "A minor version of Kubernetes gets fixes for 14 months. What becomes known after that stays open, as CVE-2018-1002105 does, with which anyone who reaches the API server of a version before 1.10.11, 1.11.5 or 1.12.3 becomes an administrator of the cluster.",
	Fix:        "Upgrade the cluster to a minor version that is supported, one minor version after the other: https://kubernetes.io/releases/. Where the provider supports an older one, set the option oldest.",
	Frameworks: []string{"CVE-2018-1002105"},
	Kinds: []schema.GroupKind{
		{Kind: "Node"},
		{Group: "cluster.x-k8s.io", Kind: "Cluster"},
		{Group: "cluster.x-k8s.io", Kind: "MachineDeployment"},
		{Group: "cluster.x-k8s.io", Kind: "MachinePool"},
		{Group: "controlplane.cluster.x-k8s.io", Kind: "AWSManagedControlPlane"},
		{Group: "controlplane.cluster.x-k8s.io", Kind: "KubeadmControlPlane"},
		{Group: "controlplane.cluster.x-k8s.io", Kind: "RKE2ControlPlane"},
		{Group: "eksctl.io", Kind: "ClusterConfig"},
		{Group: "infrastructure.cluster.x-k8s.io", Kind: "AzureManagedControlPlane"},
		{Group: "kubeadm.k8s.io", Kind: "ClusterConfiguration"},
	},
	Options: []lint.Option{{
		Name:    "oldest",
		Doc:     "The oldest minor version of Kubernetes that gets fixes where the clusters run; a provider may support a version for longer than the project does.",
		Default: []string{oldestSupported},
		Valid: func(s string) error {
			if v, err := version.ParseGeneric(s); err != nil || v.Major() == 0 {
				return errors.New("it is a version such as " + oldestSupported)
			}
			return nil
		},
	}},
	Check: func(p *lint.Pass) {
		oldest := p.Option("oldest")
		if len(oldest) == 0 {
			return
		}
		least, err := version.ParseGeneric(oldest[len(oldest)-1])
		if err != nil {
			return
		}
		at := p.Object.Value(versionFields[p.Object.GroupKind()]...)
		v, err := version.ParseGeneric(strings.TrimSpace(at.Text()))
		switch {
		case err != nil || !at.Known() || !v.LessThan(least):
		case exposed(v):
			p.ReportAs(lint.Critical, at.Path, "Kubernetes %s is no longer supported, and open to CVE-2018-1002105", at.Text())
		default:
			p.Report(at.Path, "Kubernetes %s is no longer supported: as of %s, the oldest version that is, is %s", at.Text(), supportedAsOf, short(least))
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.30.4 # want medium: Kubernetes v1.30.4 is no longer supported: as of November 2026, the oldest version that is, is 1.35
---
apiVersion: cluster.x-k8s.io/v1beta1
kind: MachineDeployment
metadata:
  name: workers
spec:
  template:
    spec:
      version: v1.34.1 # want: Kubernetes v1.34.1
---
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata:
  name: prod
  version: "1.28" # want: Kubernetes 1.28
---
apiVersion: kubeadm.k8s.io/v1beta1
kind: ClusterConfiguration
kubernetesVersion: v1.11.4 # want critical: open to CVE-2018-1002105
-- good.yaml --
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.35.2
---
apiVersion: cluster.x-k8s.io/v1beta1
kind: Cluster
metadata:
  name: prod
spec:
  topology:
    version: ${KUBERNETES_VERSION}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: stable-1
---
# The version of something else.
apiVersion: example.com/v1
kind: Cluster
metadata:
  name: db
spec:
  topology:
    version: v1.0.0
-- good-option.yaml --
# options: oldest=1.32
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata:
  name: prod
  version: "1.32"
`,
}

// exposed says that a version has CVE-2018-1002105.
func exposed(v *version.Version) bool {
	fixed, ok := map[uint]uint{10: 11, 11: 5, 12: 3}[v.Minor()]
	return v.Major() == 1 && (v.Minor() < 10 || ok && v.Patch() < fixed)
}
