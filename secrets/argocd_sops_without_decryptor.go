package secrets

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var argocdSOPSWithoutDecryptor = &lint.Rule{
	ID:       "argocd-sops-without-decryptor",
	Title:    "Argo CD would apply ciphertext",
	Why:      "Argo CD knows nothing of SOPS. It applies the encrypted values as they are written, or the API server refuses the sops block; what uses the Secret does not start.",
	Fix:      "Let a plugin render the source, list the file in a generator of ksops instead of the resources, or keep it as a SopsSecret, which an operator decrypts.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Secrets,
	Harmless: true,
	Kinds:    []schema.GroupKind{argoApplicationKind},
	JoinsIf:  func(o *manifest.Object) bool { return carriesSealed(o) || givesPlugin(o) },
	CheckAll: func(p *lint.Pass) {
		list := deliveriesOf(p, argoApplicationKind)
		if len(list) == 0 || slices.ContainsFunc(p.Objects, givesPlugin) {
			return
		}
		for _, d := range list {
			spec := d.by.Value("spec")
			sources := append(spec.Get("sources").Items(), spec.Get("source"))
			if slices.ContainsFunc(sources, func(s manifest.Value) bool { return s.Get("plugin").Written() }) {
				continue
			}
			at := spec.Get("source", "path")
			if !at.Written() {
				at = spec.Get("sources")
			}
			p.ReportOn(d.by, p.Rule.Severity, at.Path, "the Application applies %s, and nothing decrypts it", describeSealed(d.sealed[0]))
		}
	},
	Examples: argocdSOPSWithoutDecryptorExamples,
}

// givesPlugin says that an object configures a plugin of Argo CD that knows SOPS
// and finds by itself which sources are its own.
func givesPlugin(o *manifest.Object) bool { return mentions(o.Node, "discover", "generate", "sops") }

const argocdSOPSWithoutDecryptorExamples = `
-- bad-malformed/argo.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: shop
  namespace: argocd
spec:
  project: shop
  destination: {server: https://kubernetes.default.svc, namespace: shop}
  source:
    repoURL: https://git.example.com/shop.git
    path: apps/shop # want: applies Secret "db", which SOPS encrypted in db.sops.yaml, and nothing decrypts it
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: several
  namespace: argocd
spec:
  project: shop
  destination: {server: https://kubernetes.default.svc, namespace: shop}
  sources: # want: applies Secret "file"
    - repoURL: https://git.example.com/shop.git
      path: apps/shop
-- bad-malformed/@units --
db.sops.yaml Application/shop
made.yaml Application/several
-- bad-malformed/db.sops.yaml --
` + sealedExample + `-- bad-malformed/made.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: file
data:
  values.yaml: bWFjOiBFTkNbQUVTMjU2X0dDTSx4XQ==
-- good-malformed/argo.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: shop
  namespace: argocd
spec:
  project: shop
  destination: {server: https://kubernetes.default.svc, namespace: shop}
  source:
    repoURL: https://git.example.com/shop.git
    path: apps/shop
    plugin:
      name: sops
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: operator
  namespace: argocd
spec:
  project: shop
  destination: {server: https://kubernetes.default.svc, namespace: shop}
  source:
    repoURL: https://git.example.com/shop.git
    path: apps/operator
-- good-malformed/@units --
db.sops.yaml Application/shop
operator.yaml Application/operator
-- good-malformed/db.sops.yaml --
` + sealedExample + `-- good-malformed/operator.yaml --
apiVersion: isindir.github.com/v1alpha3
kind: SopsSecret
metadata:
  name: operator
sops:
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- good-discovered-malformed/argo.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: shop
  namespace: argocd
spec:
  project: shop
  destination: {server: https://kubernetes.default.svc, namespace: shop}
  source:
    repoURL: https://git.example.com/shop.git
    path: apps/shop
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: cmp
  namespace: argocd
data:
  plugin.yaml: |
    apiVersion: argoproj.io/v1alpha1
    kind: ConfigManagementPlugin
    metadata: {name: sops}
    spec:
      discover: {fileName: "*.sops.yaml"}
      generate: {command: [sops, -d, secret.sops.yaml]}
-- good-discovered-malformed/@units --
db.sops.yaml Application/shop
-- good-discovered-malformed/db.sops.yaml --
` + sealedExample
