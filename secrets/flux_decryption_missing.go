package secrets

import (
	"fmt"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var fluxDecryptionMissing = &lint.Rule{
	ID:       "flux-decryption-missing",
	Title:    "Flux Kustomization applies SOPS files without decryption",
	Why:      "Flux decrypts only where spec.decryption says so. Without it an encrypted Secret is refused, and with it everything else that the Kustomization deploys; what a generator makes of an encrypted file reaches the cluster as ciphertext.",
	Fix:      "Add spec.decryption with provider: sops, and a secretRef that names the Secret with the private key, to the Kustomization, or to a patch of the one that deploys it.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Secrets,
	Harmless: true,
	Kinds:    []schema.GroupKind{fluxKustomizationKind},
	JoinsIf:  carriesSealed,
	CheckAll: func(p *lint.Pass) {
		for _, d := range deliveriesOf(p, fluxKustomizationKind) {
			decryption := d.by.Value("spec", "decryption")
			if decryption.Get("provider").Text() == "sops" || !decryption.Known() {
				continue
			}
			path := decryption.Path
			if decryption.Written() {
				path = path.Child("provider")
			}
			if what, ok := whatIsSealed(d.sealed); ok {
				p.ReportOn(d.by, p.Rule.Severity, path, "the Kustomization does not decrypt what it applies: %s", what)
			}
		}
	},
	Examples: fluxDecryptionMissingExamples,
}

// whatIsSealed names what Flux would have to decrypt, by the first object. What is
// annotated to stay as it is has a rule of its own.
func whatIsSealed(sealed []sealedObject) (what string, ok bool) {
	more := -1
	for _, s := range sealed {
		if decryptionDisabled(s.object) {
			continue
		}
		if more++; more == 0 {
			what = describeSealed(s)
		}
	}
	switch {
	case more == 1:
		what += ", and one more object"
	case more > 1:
		what += fmt.Sprintf(", and %d more objects", more)
	}
	return what, more >= 0
}

func describeSealed(s sealedObject) string {
	return fmt.Sprintf("%s, which SOPS encrypted in %s", namedObject(s.object), s.file())
}

// namedObject names an object for a sentence: Secret "db".
func namedObject(o *manifest.Object) string { return fmt.Sprintf("%s %q", o.GVK.Kind, o.Name) }

// sealedExample is a Secret as SOPS writes it, as far as what deploys it matters.
const sealedExample = `apiVersion: v1
kind: Secret
metadata:
    name: db
stringData:
    password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
sops:
    age:
        - recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
          enc: none
    lastmodified: "2026-03-01T10:00:00Z"
    mac: ENC[AES256_GCM,data:xyDBcIdjZRJpp6Y9nJMl4KHQzvZ+T2I6Sl4YB6A0MZs=,iv:9T0O8Zl0Rv6cSL5wrUBZEY7lCrWfJZ2GVaOBpRwTB1A=,tag:fhDpJPdr9bE0sVFEtNw3ug==,type:str]
    encrypted_regex: ^(data|stringData)$
    version: 3.10.2
`

const fluxDecryptionMissingExamples = `
-- bad-malformed/flux.yaml --
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec: # want: does not decrypt what it applies: Secret "db", which SOPS encrypted in db.sops.yaml
  interval: 10m
  path: ./apps
  prune: true
  sourceRef:
    kind: GitRepository
    name: repo
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: nothing-encrypted
  namespace: flux-system
spec:
  interval: 10m
  path: ./plain
  prune: true
  sourceRef:
    kind: GitRepository
    name: repo
-- bad-malformed/@units --
db.sops.yaml Kustomization/apps
plain.yaml Kustomization/nothing-encrypted
-- bad-malformed/plain.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: plain
data:
  sops: "mac"
-- bad-malformed/db.sops.yaml --
` + sealedExample + `-- bad-generated/flux.yaml --
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 10m
  path: ./apps
  prune: true
  decryption: # want: Secret "files", which SOPS encrypted in made.yaml, and one more object
    secretRef:
      name: sops-age
  sourceRef:
    kind: GitRepository
    name: repo
-- bad-generated/@units --
made.yaml Kustomization/apps
-- bad-generated/made.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: files
data:
  values.yaml: c29wczoKICBhZ2U6IFt7cmVjaXBpZW50OiB4fV0KICBtYWM6IEVOQ1tBRVMyNTZfR0NNLHhdCg==
---
apiVersion: v1
kind: Secret
metadata:
  name: pairs
data:
  PASSWORD: RU5DW0FFUzI1Nl9HQ00seF0=
  sops_age__list_0__map_recipient: eA==
  sops_mac: RU5DW0FFUzI1Nl9HQ00seF0=
-- good-malformed/flux.yaml --
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 10m
  path: ./apps
  prune: true
  decryption:
    provider: sops
    secretRef:
      name: sops-age
  sourceRef:
    kind: GitRepository
    name: repo
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: variable
  namespace: flux-system
spec:
  interval: 10m
  path: ./apps
  prune: true
  decryption:
    provider: ${PROVIDER}
  sourceRef:
    kind: GitRepository
    name: repo
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: others
  namespace: flux-system
spec:
  interval: 10m
  path: ./others
  prune: true
  sourceRef:
    kind: GitRepository
    name: repo
-- good-malformed/@units --
db.sops.yaml Kustomization/apps
again.sops.yaml Kustomization/variable
others.yaml Kustomization/others
-- good-malformed/db.sops.yaml --
` + sealedExample + `-- good-malformed/again.sops.yaml --
` + sealedExample + `-- good-malformed/nobody.sops.yaml --
` + sealedExample + `-- good-malformed/others.yaml --
apiVersion: isindir.github.com/v1alpha3
kind: SopsSecret
metadata:
  name: operator
spec:
  secretTemplates: []
sops:
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
---
apiVersion: v1
kind: Secret
metadata:
  name: left-alone
  annotations:
    kustomize.toolkit.fluxcd.io/decrypt: Disabled
sops:
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
---
apiVersion: v1
kind: Secret
metadata:
  name: no-sops
data:
  note: bWFjOiBub25l
`
