package workflow

import (
	"errors"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kindPodIdentity is what gives an account a role of AWS from outside.
var kindPodIdentity = schema.GroupKind{Group: "eks.services.k8s.aws", Kind: "PodIdentityAssociation"}

var cloudNodeAgentUsesNodeRole = &lint.Rule{
	ID: "cloud-node-agent-uses-node-role", Severity: lint.Info, Category: lint.Workflow, Since: "0.1.0",
	Title:   "agent of the cloud uses the role of its node",
	Why:     "The agent has no role of its own, so the node's must have its rights, such as to change network interfaces. Every pod that reaches the node's metadata service has them as well.",
	Fix:     "Give the agent a role by a pod identity association, or by the annotation eks.amazonaws.com/role-arn on its service account, and take the policy from the node's role.",
	Profile: lint.All,
	Kinds:   []schema.GroupKind{cluster.ServiceAccount},
	Joins:   []schema.GroupKind{kindPodIdentity},
	Options: []lint.Option{{
		Name:    "accounts",
		Doc:     "Service accounts, as namespace/name, that need a role of the cloud.",
		Default: []string{"kube-system/aws-node"},
		Valid: func(s string) error {
			if namespace, name, ok := strings.Cut(s, "/"); !ok || namespace == "" || name == "" {
				return errors.New("it is namespace/name")
			}
			return nil
		},
	}},
	// A join: an association gives an account its role from outside.
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		associations := x.Kind(kindPodIdentity.Group, kindPodIdentity.Kind)
		for _, o := range x.Kind("", cluster.ServiceAccount.Kind) {
			if !slices.Contains(p.Option("accounts"), o.Namespace+"/"+o.Name) {
				continue
			}
			role := o.Value("metadata", "annotations").Key("eks.amazonaws.com/role-arn")
			if role.Text() != "" || slices.ContainsFunc(associations, func(a *manifest.Object) bool {
				spec := a.Value("spec")
				return spec.Get("serviceAccount").Text() == o.Name && spec.Get("namespace").Text() == o.Namespace
			}) {
				continue
			}
			p.ReportOn(o, p.Rule.Severity, role.Path, "service account %q has no role of its own", o.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: ServiceAccount
metadata: # want: service account "aws-node" has no role of its own
  name: aws-node
  namespace: kube-system
-- bad-options.yaml --
# options: accounts=storage/csi
apiVersion: v1
kind: ServiceAccount
metadata: # want: "csi"
  name: csi
  namespace: storage
-- good.yaml --
apiVersion: v1
kind: ServiceAccount
metadata:
  name: aws-node
  namespace: kube-system
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/cni
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: aws-node
  namespace: shop
-- good-association.yaml --
apiVersion: v1
kind: ServiceAccount
metadata:
  name: aws-node
  namespace: kube-system
---
apiVersion: eks.services.k8s.aws/v1alpha1
kind: PodIdentityAssociation
metadata:
  name: cni
spec:
  clusterName: main
  namespace: kube-system
  serviceAccount: aws-node
  roleARN: arn:aws:iam::111122223333:role/cni
`,
}
