package secrets

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var fluxDecryptionDisabledAnnotation = &lint.Rule{
	ID:       "flux-decryption-disabled-annotation",
	Title:    "Encrypted Secret is excluded from decryption",
	Why:      "The annotation tells Flux to apply the Secret as it is written. Unless something else in the cluster decrypts it, what uses the Secret gets the ciphertext, or the API server refuses the sops block.",
	Fix:      "Remove the annotation, or use the kind of object that the operator which decrypts it has for this, such as a SopsSecret.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.Secrets,
	Harmless: true,
	Kinds:    []schema.GroupKind{secretKind},
	Written:  true,
	Check: func(p *lint.Pass) {
		if by := p.Unit.By; by != nil && by.GroupKind() == argoApplicationKind {
			// Argo CD takes no notice of it.
			return
		}
		if _, ok := sealedBy(p.Object); ok && decryptionDisabled(p.Object) {
			p.Report(p.Object.Value("metadata", "annotations").Key(fluxDecryptAnnotation).Path, "the annotation keeps Flux from decrypting Secret %q", p.Object.Name)
		}
	},
	Examples: `
-- bad-malformed.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
  annotations:
    kustomize.toolkit.fluxcd.io/decrypt: disabled # want: the annotation keeps Flux from decrypting Secret "db"
sops:
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
---
apiVersion: v1
kind: Secret
metadata:
  name: file
  annotations:
    kustomize.toolkit.fluxcd.io/decrypt: Disabled # want
data:
  values.yaml: bWFjOiBFTkNbQUVTMjU2X0dDTSx4XQ==
-- good-malformed.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
  annotations:
    kustomize.toolkit.fluxcd.io/decrypt: enabled
sops:
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
---
apiVersion: v1
kind: Secret
metadata:
  name: not-encrypted
  annotations:
    kustomize.toolkit.fluxcd.io/decrypt: disabled
stringData:
  password: ${PASSWORD}
---
apiVersion: isindir.github.com/v1alpha3
kind: SopsSecret
metadata:
  name: operator
  annotations:
    kustomize.toolkit.fluxcd.io/decrypt: disabled
sops:
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- good-argo-malformed/app.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: app}
-- good-argo-malformed/@units --
db.yaml Application/app
-- good-argo-malformed/db.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
  annotations:
    kustomize.toolkit.fluxcd.io/decrypt: disabled
sops:
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
`,
}
