package rbac

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var longLivedServiceaccountToken = &lint.Rule{
	ID: "long-lived-serviceaccount-token", Severity: lint.Medium, Category: lint.RBAC, Since: "0.1.0",
	Title:      "service account has a token that does not expire",
	Why:        "The token in such a Secret is valid from everywhere until the Secret is deleted. Whoever reads it once, from the cluster, a backup or a pipeline's log, has the rights of the account for good.",
	Fix:        "Remove it. A pod gets a token that is renewed by itself; for anybody outside, kubectl create token makes one with an end, and most clouds and CI systems can present an identity of their own.",
	Frameworks: []string{"MITRE:T1528"},
	Kinds:      []schema.GroupKind{{Kind: "Secret"}, cluster.ServiceAccount},
	Check: func(p *lint.Pass) {
		switch t := p.Object.Typed().(type) {
		case *corev1.Secret:
			if t.Type == corev1.SecretTypeServiceAccountToken {
				p.Report(field.NewPath("type"), "a token of service account %q that does not expire is made", t.Annotations[corev1.ServiceAccountNameKey])
			}
		case *corev1.ServiceAccount:
			// Before Kubernetes 1.24 every account got one under such a name; other
			// Secrets in this list are ones that its pods may mount.
			for i, s := range t.Secrets {
				if strings.HasPrefix(s.Name, t.Name+"-token-") {
					p.Report(field.NewPath("secrets").Index(i), "Secret %q holds a token of the account that does not expire", s.Name)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: ci-token
  namespace: ci
  annotations:
    kubernetes.io/service-account.name: ci
type: kubernetes.io/service-account-token # want: service account "ci"
---
# As exported from a cluster.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
secrets:
  - name: web-pull
  - name: web-token-x7k2p # want: Secret "web-token-x7k2p"
-- good.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: registry
  namespace: shop
type: kubernetes.io/dockerconfigjson
data: {}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: pipeline
  namespace: shop
secrets:
  - name: registry
imagePullSecrets:
  - name: registry
`,
}
