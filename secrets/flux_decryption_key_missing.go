package secrets

import (
	"path"
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var fluxDecryptionKeyMissing = &lint.Rule{
	ID:       "flux-decryption-key-missing",
	Title:    "Flux has no key to decrypt SOPS files with",
	Why:      "The files are encrypted for age or PGP keys, and nothing tells Flux where the private key is: the Kustomization fails with \"cannot get sops data key\", and nothing of it is deployed.",
	Fix:      "Name the Secret with the private key in spec.decryption.secretRef: its entries are read by their ending, .agekey for age and .asc for PGP. For age the kustomize-controller can have one for all, with --sops-age-secret.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Secrets,
	Harmless: true,
	Kinds:    []schema.GroupKind{fluxKustomizationKind},
	Joins:    []schema.GroupKind{secretKind},
	JoinsIf:  func(o *manifest.Object) bool { return carriesSealed(o) || givesAgeKey(o) },
	CheckAll: func(p *lint.Pass) {
		for _, d := range deliveriesOf(p, fluxKustomizationKind) {
			checkDecryptionKey(p, d)
		}
	},
	Examples: fluxDecryptionKeyMissingExamples,
}

func checkDecryptionKey(p *lint.Pass, d *delivery) {
	decryption := d.by.Value("spec", "decryption")
	ref := decryption.Get("secretRef")
	if decryption.Get("provider").Text() != "sops" || !ref.Known() {
		return
	}
	name := ref.Get("name")
	var have endings
	if name.Text() == "" {
		// What the controller falls back to is for age alone.
		have.age = slices.ContainsFunc(p.Objects, givesAgeKey)
	} else {
		secret := keySecret(p, d.by, name.Text())
		if secret == nil {
			// Most are made by hand, before anything else is deployed.
			return
		}
		have = endingsOf(secret)
	}
	i := slices.IndexFunc(d.sealed, func(s sealedObject) bool { return !decryptionDisabled(s.object) && !have.open(s.keys) })
	if i < 0 {
		return
	}
	s := d.sealed[i]
	if name.Text() == "" {
		p.ReportOn(d.by, p.Rule.Severity, ref.Path, "spec.decryption names no %s, and %s, needs one", s.keys, describeSealed(s))
		return
	}
	p.ReportOn(d.by, p.Rule.Severity, name.Path, "Secret %q has no entry ending in %s, and %s, needs one", name.Text(), s.keys.ending(), describeSealed(s))
}

// keySecret is the Secret of a name that the repository deploys beside a
// Kustomization; nil for none, or for one that something else fills.
func keySecret(p *lint.Pass, by *manifest.Object, name string) *manifest.Object {
	for _, o := range p.Of(secretKind) {
		if o.Name == name && o.Namespace == by.Namespace && p.Together(o, by) &&
			o.Value("data").Len()+o.Value("stringData").Len() > 0 {
			return o
		}
	}
	return nil
}

// endings says for which kinds of keys a Secret has entries that Flux reads.
type endings struct{ age, pgp bool }

func endingsOf(secret *manifest.Object) endings {
	var e endings
	for _, field := range [...]string{"data", "stringData"} {
		for key := range secret.Value(field).Entries() {
			e.age = e.age || path.Ext(key) == ".agekey"
			e.pgp = e.pgp || path.Ext(key) == ".asc"
		}
	}
	return e
}

// open says that the keys may decrypt. For a key of a service Flux has an identity
// of its own, which the repository need not show.
func (e endings) open(r recipientKinds) bool {
	return r.service || r == recipientKinds{} || r.age && e.age || r.pgp && e.pgp
}

func (r recipientKinds) ending() string {
	switch {
	case r.age && r.pgp:
		return ".agekey or .asc"
	case r.pgp:
		return ".asc"
	}
	return ".agekey"
}

// givesAgeKey says that an object sets the flag of the kustomize-controller that
// names a key for all: its Deployment, a patch of one, or values of a chart.
func givesAgeKey(o *manifest.Object) bool { return mentions(o.Node, "--sops-age-secret") }

const fluxDecryptionKeyMissingExamples = `
-- bad-malformed/flux.yaml --
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 10m
  path: ./apps
  prune: true
  decryption: # want: names no age key, and Secret "db", which SOPS encrypted in db.sops.yaml, needs one
    provider: sops
    serviceAccountName: decryptor
  sourceRef: {kind: GitRepository, name: repo}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: infra
  namespace: flux-system
spec:
  interval: 10m
  path: ./infra
  prune: true
  decryption:
    provider: sops
    secretRef:
      name: sops-age # want: Secret "sops-age" has no entry ending in .agekey
  sourceRef: {kind: GitRepository, name: repo}
---
apiVersion: v1
kind: Secret
metadata:
  name: sops-age
  namespace: flux-system
stringData:
  age.key: ${AGE_KEY}
-- bad-malformed/@units --
db.sops.yaml Kustomization/apps
infra.sops.yaml Kustomization/infra
-- bad-malformed/db.sops.yaml --
` + sealedExample + `-- bad-malformed/infra.sops.yaml --
` + sealedExample + `-- bad-pgp-malformed/flux.yaml --
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 10m
  path: ./apps
  prune: true
  decryption: # want: names no PGP key
    provider: sops
  sourceRef: {kind: GitRepository, name: repo}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: kustomize-controller
  namespace: flux-system
spec:
  template:
    spec:
      containers:
        - name: manager
          args:
            - --sops-age-secret=sops-age
-- bad-pgp-malformed/@units --
db.sops.yaml Kustomization/apps
-- bad-pgp-malformed/db.sops.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
sops:
  pgp:
    - fp: "0123456789ABCDEF"
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- good-malformed/flux.yaml --
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: by-hand
  namespace: flux-system
spec:
  interval: 10m
  path: ./apps
  prune: true
  decryption:
    provider: sops
    secretRef:
      name: made-by-hand
  sourceRef: {kind: GitRepository, name: repo}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: service
  namespace: flux-system
spec:
  interval: 10m
  path: ./service
  prune: true
  decryption:
    provider: sops
  sourceRef: {kind: GitRepository, name: repo}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: filled
  namespace: flux-system
spec:
  interval: 10m
  path: ./filled
  prune: true
  decryption:
    provider: sops
    secretRef:
      name: filled
  sourceRef: {kind: GitRepository, name: repo}
---
apiVersion: v1
kind: Secret
metadata:
  name: filled
  namespace: flux-system
  annotations:
    replicator.v1.mittwald.de/replicate-from: security/sops
---
apiVersion: v1
kind: Secret
metadata:
  name: made-by-hand
  namespace: elsewhere
stringData:
  password: ${PASSWORD}
-- good-malformed/@units --
db.sops.yaml Kustomization/by-hand
service.sops.yaml Kustomization/service
filled.sops.yaml Kustomization/filled
-- good-malformed/db.sops.yaml --
` + sealedExample + `-- good-malformed/filled.sops.yaml --
` + sealedExample + `-- good-malformed/service.sops.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
sops:
  age: []
  kms:
    - arn: arn:aws:kms:eu-west-1:111122223333:key/x
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- good-flag-malformed/flux.yaml --
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
  sourceRef: {kind: GitRepository, name: repo}
---
apiVersion: fluxcd.controlplane.io/v1
kind: FluxInstance
metadata:
  name: flux
  namespace: flux-system
spec:
  kustomize:
    patches:
      - target: {kind: Deployment, name: kustomize-controller}
        patch: |
          - op: add
            path: /spec/template/spec/containers/0/args/-
            value: --sops-age-secret=sops-age
-- good-flag-malformed/@units --
db.sops.yaml Kustomization/apps
-- good-flag-malformed/db.sops.yaml --
` + sealedExample
