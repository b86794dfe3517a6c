package rbac

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var rbacCsrApprove = &lint.Rule{
	ID: "rbac-csr-approve", Severity: lint.High, Category: lint.RBAC, Since: "0.1.0",
	Title:      "role can approve certificate signing requests",
	Why:        "Who can approve or sign certificate requests for the cluster's own signers can have a client certificate for any user or node, and no rule takes that certificate back before it expires.",
	Fix:        "Remove the right, or limit the signers to your own with resourceNames on the resource signers.",
	Frameworks: []string{"CIS-1.12:5.1.11"},
	Kinds:      []schema.GroupKind{kindClusterRole},
	Check: func(p *lint.Pass) {
		// Approval asks for both the subresource and the signer, so a role that
		// names only signers of its own has no say about the cluster's.
		var approval, signers []func()
		limited := false
		eachRule(p.Object, func(r *rbacv1.PolicyRule, path *field.Path) {
			if i := named(r, certificates, "certificatesigningrequests/approval"); i >= 0 && verb(r, "update", "patch") >= 0 {
				approval = append(approval, func() {
					p.Report(path.Child("resources").Index(i), "certificate signing requests can be approved through %s", r.Resources[i])
				})
				return
			}
			i := named(r, certificates, "signers")
			if i < 0 || verb(r, "approve", "sign") < 0 {
				return
			}
			if len(r.ResourceNames) > 0 && !slices.ContainsFunc(r.ResourceNames, ownSigner) {
				limited = true
				return
			}
			signers = append(signers, func() {
				p.Report(path.Child("resources").Index(i), "certificates of the cluster's own signers can be approved or signed")
			})
		})
		switch {
		case len(signers) > 0:
			signers[0]()
		case len(approval) > 0 && !limited:
			approval[0]()
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: approver
rules:
  - apiGroups: ["certificates.k8s.io"]
    resources: ["certificatesigningrequests/approval"] # want: certificatesigningrequests/approval
    verbs: ["update"]
-- bad-signers.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: approver
rules:
  - apiGroups: ["certificates.k8s.io"]
    resources: ["certificatesigningrequests/approval"]
    verbs: ["update"]
  - apiGroups: ["certificates.k8s.io"]
    resources: ["signers"] # want: signers
    resourceNames: ["kubernetes.io/kube-apiserver-client"]
    verbs: ["approve"]
-- good.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: cert-manager
rules:
  - apiGroups: ["certificates.k8s.io"]
    resources: ["certificatesigningrequests"]
    verbs: ["get", "list", "watch", "update"]
  - apiGroups: ["certificates.k8s.io"]
    resources: ["certificatesigningrequests/approval"]
    verbs: ["update"]
  - apiGroups: ["certificates.k8s.io"]
    resources: ["signers"]
    resourceNames: ["issuers.cert-manager.io/*"]
    verbs: ["approve", "sign"]
`,
}

// ownSigner says that a signer is the cluster's own, or all of them.
func ownSigner(name string) bool { return strings.HasPrefix(name, "kubernetes.io/") || name == "*" }
