package secrets

import (
	"slices"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var sopsCiphertextInRenderedObject = &lint.Rule{
	ID:         "sops-ciphertext-in-rendered-object",
	Title:      "Ciphertext would reach the cluster undecrypted",
	Why:        "Flux decrypts objects that carry a sops block of their own, and entries of Secrets that are whole SOPS files, and nothing else; Argo CD decrypts nothing. Ciphertext anywhere else is deployed as it is, and used as if it were the value.",
	Fix:        "Keep the value in an encrypted Secret and refer to it from here: with valueFrom, valuesFrom or a secretGenerator. In Argo CD, name an encrypted values file as secrets://FILE.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.Secrets,
	Kinds:      lint.Any,
	JoinsIf:    func(o *manifest.Object) bool { return holdsCiphertext(o.Node) || decryptsValues(o) },
	Supersedes: []string{"sops-metadata-invalid"},
	Check: func(p *lint.Pass) {
		o := p.Object
		if o.Template != "" || p.Unit.Bare {
			// Of charts, where the values come from says more.
			return
		}
		if at, name := selectsByComment(o); at != nil && isKind(p.Unit.By, fluxKustomizationKind) {
			p.Report(at, "the sops block goes by comments (%s), which are gone when Flux decrypts %s", name, namedObject(o))
			return
		}
		if path, c := looseCiphertext(o); path != nil && !givenBy(p.Unit.By, c) {
			at := path
			if generated(o, path) {
				// It is the generator that has to change.
				at = field.NewPath("data")
			}
			p.Report(at, "%s of %s holds ciphertext, which nothing decrypts here", path, namedObject(o))
		}
	},
	CheckAll: checkChartCiphertext,
	Examples: sopsCiphertextInRenderedObjectExamples,
}

// selectsByComment is the selector of an object's own sops block if comments decide
// what is encrypted.
func selectsByComment(o *manifest.Object) (*field.Path, string) {
	block := o.Value("sops")
	if block.Get("mac").Text() == "" || keepsCiphertext(o.GVK.Kind) {
		return nil, ""
	}
	for _, name := range [...]string{"encrypted_comment_regex", "unencrypted_comment_regex"} {
		if v := block.Get(name); v.Text() != "" {
			return v.Path, name
		}
	}
	return nil, ""
}

// generated says that a generator made an object, and a field of it of a file.
func generated(o *manifest.Object, path *field.Path) bool {
	return o.Value("data").Written() && !o.Near(field.NewPath("data")).Exact && o.Near(path).File != o.Origin.File
}

// givenBy says that the GitOps object which deploys something holds the ciphertext
// itself: by its own sops block it is decrypted first, or it is reported there.
func givenBy(by *manifest.Object, ciphertext string) bool {
	return by != nil && mentions(by.Node, ciphertext)
}

func isKind(o *manifest.Object, kind schema.GroupKind) bool {
	return o != nil && o.GroupKind() == kind
}

// checkChartCiphertext reports once for each chart as it is deployed: what is
// encrypted is its values. Those that a HelmRelease takes from a Secret are
// decrypted with it; those from a ConfigMap, or in the HelmRelease itself, are
// reported there.
func checkChartCiphertext(p *lint.Pass) {
	var holders map[string]*holder
	reported := map[string]bool{}
	// That is asked of every field of every object, so only where something is found.
	wrapped := sync.OnceValue(func() bool { return slices.ContainsFunc(p.Objects, decryptsValues) })
	for _, o := range p.Judged() {
		if o.Template == "" {
			continue
		}
		unit := p.UnitOf(o)
		if unit.Bare || reported[unit.ID] {
			continue
		}
		if block := o.Value("sops"); isKind(unit.By, fluxHelmReleaseKind) && block.Get("mac").Text() != "" && !keepsCiphertext(o.GVK.Kind) {
			reported[unit.ID] = true
			p.ReportOn(o, p.Rule.Severity, block.Path, "the chart gives %s as SOPS encrypted it, and Flux decrypts nothing that Helm renders", namedObject(o))
			continue
		}
		path, c := looseCiphertext(o)
		if path == nil || givenBy(unit.By, c) || isKind(unit.By, argoApplicationKind) && wrapped() {
			continue
		}
		if holders == nil {
			holders = findHolders(p)
		}
		if isKind(unit.By, fluxHelmReleaseKind) && holders[c].outside(unit.ID) {
			continue
		}
		reported[unit.ID] = true
		p.ReportOn(o, p.Rule.Severity, path, "%s of %s holds ciphertext of the chart's values, which nothing decrypts here", path, namedObject(o))
	}
}

// holder says which units give objects that hold a ciphertext: one, or several.
type holder struct {
	unit    string
	several bool
}

func (h *holder) outside(unit string) bool { return h != nil && (h.several || h.unit != unit) }

func findHolders(p *lint.Pass) map[string]*holder {
	holders := map[string]*holder{}
	for _, o := range p.Objects {
		unit := p.UnitOf(o).ID
		eachText(o, func(text string) {
			eachCiphertext(text, func(c string) bool {
				if h := holders[c]; h == nil {
					holders[c] = &holder{unit: unit}
				} else if h.unit != unit {
					h.several = true
				}
				return true
			})
		})
	}
	return holders
}

// decryptsValues says that an object makes Argo CD's helm decrypt every values file
// that is encrypted, whatever it is called.
func decryptsValues(o *manifest.Object) bool {
	return mentions(o.Node, "HELM_SECRETS_WRAPPER_ENABLED")
}

const sopsCiphertextInRenderedObjectExamples = `
-- bad-malformed.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  clear: text
  password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str] # want: data[password] of ConfigMap "config" holds ciphertext
  second: ENC[AES256_GCM,data:q673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: file
data:
  values.yaml: | # want
    password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
    sops:
      mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: web
          env:
            - name: PASSWORD
              value: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str] # want: env[0].value of Deployment "web"
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: web
spec:
  interval: 10m
  chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: web}}}
  values:
    auth:
      password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str] # want: spec.values.auth.password of HelmRelease "web"
---
apiVersion: v1
kind: Secret
metadata:
  name: one-value
data:
  password: RU5DW0FFUzI1Nl9HQ00sZGF0YTpwNjczdzdkU3pLMHosaXY6WVk0WnpxaDV3S0lQY1ozUU9FcDlNMElrR2tFbXpiV3VQdGJYZmIwV1Bqaz0sdGFnOmhWMW5ncFQ2WGNVUWtPbHNZUW9WNlE9PSx0eXBlOnN0cl0= # want: data[password] of Secret "one-value"
---
apiVersion: v1
kind: Secret
metadata:
  name: text
stringData:
  values.yaml: | # want
    password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
-- bad-comments-malformed/flux.yaml --
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
-- bad-comments-malformed/@units --
db.sops.yaml Kustomization/apps
-- bad-comments-malformed/db.sops.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  # secret
  password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
sops:
  encrypted_comment_regex: secret # want: goes by comments (encrypted_comment_regex)
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- good-malformed.yaml --
` + sealedExample + `---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: web
spec:
  values:
    password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
    manifests:
      - kind: SopsSecret
        password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
sops:
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
---
apiVersion: isindir.github.com/v1alpha3
kind: SopsSecret
metadata:
  name: operator
spec:
  secretTemplates:
    - name: db
      stringData:
        password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: raw
spec:
  source:
    helm:
      valuesObject:
        resources:
          - apiVersion: isindir.github.com/v1alpha3
            kind: SopsSecret
            spec:
              password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
---
apiVersion: v1
kind: Secret
metadata:
  name: whole-file
data:
  values.yaml: cGFzc3dvcmQ6IEVOQ1tBRVMyNTZfR0NNLGRhdGE6cDY3M3c3ZFN6SzB6LGl2OllZNFp6cWg1d0tJUGNaM1FPRXA5TTBJa0drRW16Yld1UHRiWGZiMFdQams9LHRhZzpoVjFuZ3BUNlhjVVFrT2xzWVFvVjZRPT0sdHlwZTpzdHJdCnNvcHM6CiAgbWFjOiBFTkNbQUVTMjU2X0dDTSxdCg==
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: about
data:
  doc: "What begins with ENC[AES256_GCM,data: is ciphertext, as in ENC[AES256_GCM,data:...,type:str]."
  check.sh: |
    grep -q 'ENC\[AES256_GCM,' "$1"
---
apiVersion: v1
kind: Secret
metadata:
  name: says-the-rule-on-files
stringData:
  password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
-- good-substituted-malformed/flux.yaml --
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
spec:
  postBuild:
    substitute:
      PASSWORD: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
sops:
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- good-substituted-malformed/@units --
config.yaml Kustomization/apps
-- good-substituted-malformed/config.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
-- good-unit.yaml --
# unit: bare
apiVersion: v1
kind: ConfigMap
metadata:
  name: encrypted-values-of-a-chart
data:
  password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
`
