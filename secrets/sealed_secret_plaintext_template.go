package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var sealedSecretPlaintextTemplate = &lint.Rule{
	ID:         "sealed-secret-plaintext-template",
	Title:      "SealedSecret template carries clear data",
	Why:        "Only encryptedData is sealed. What stands in the template, or in encryptedData without having been sealed, can be read by everyone who can read the repository, although the object looks encrypted.",
	Fix:        "Seal the value with kubeseal into spec.encryptedData, and refer to it from the template as {{ index . \"key\" }}; then replace the value, because the old one stays in the history.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Kinds:      []schema.GroupKind{sealedSecretKind},
	Written:    true,
	Check: func(p *lint.Pass) {
		spec := p.Object.Value("spec")
		for _, name := range [...]string{"data", "stringData"} {
			data := spec.Get("template", name)
			for key, v := range data.Entries() {
				if v.Node.Kind != yaml.ScalarNode || isNull(v.Node) || Classify(v.Text()) != Literal {
					continue
				}
				// A file around sealed values is what the template is for.
				severity := lint.Low
				if CredentialName(key) || len(embeddedCredentials(key, v.Text())) > 0 {
					severity = p.Rule.Severity
				}
				p.ReportAs(severity, data.Key(key).Path, "template of SealedSecret %q holds a clear value for %q", p.Object.Name, key)
			}
		}
		sealed := spec.Get("encryptedData")
		for key, v := range sealed.Entries() {
			if v.Node.Kind == yaml.ScalarNode && !isNull(v.Node) && Classify(v.Text()) == Literal && !isSealedValue(v.Text()) {
				p.Report(sealed.Key(key).Path, "encryptedData of SealedSecret %q holds a value for %q that is not sealed", p.Object.Name, key)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: db
spec:
  encryptedData:
    plain: hunter2-pw # want high: encryptedData of SealedSecret "db" holds a value for "plain" that is not sealed
    encoded: aHVudGVyMg== # want high: "encoded"
    long: VGhpcyBpcyBhIGxvbmcgdGV4dCB0aGF0IGlzIG5vIGNpcGhlcnRleHQgYXQgYWxsLCBqdXN0IGVuY29kZWQu # want high
  template:
    type: Opaque
    data:
      password: hunter2-pw # want high: template of SealedSecret "db" holds a clear value for "password"
      config.yaml: | # want high: "config.yaml"
        user: app
        password: hunter2-pw
      region: eu-west-1 # want low: "region"
-- good.yaml --
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: db
spec:
  encryptedData:
    sealed: ` + sealedSample + `
    cut: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq.....
    shorter: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq
    reference: ${SEALED}
    empty: ""
    nothing:
  template:
    metadata:
      labels:
        app: db
    data:
      url: postgres://app:{{ index . "password" }}@db/app
      password: '{{ index . "sealed" }}'
---
apiVersion: example.com/v1
kind: SealedSecret
metadata:
  name: other
spec:
  encryptedData:
    a: hunter2-pw
`,
}

// isSealedValue says that a value has the form that the controller unseals: the
// length of a session key, that key under RSA, and what it encrypts with a tag of
// 16 bytes. What begins like one, for the usual sizes of keys, is one that was cut
// for an example.
func isSealedValue(value string) bool {
	if len(value) >= 12 && (strings.HasPrefix(value, "Ag") || strings.HasPrefix(value, "AQ")) {
		return true
	}
	decoded, ok := decodeBase64(value)
	if !ok || len(decoded) < 2 {
		return false
	}
	key := int(decoded[0])<<8 | int(decoded[1])
	return key >= 128 && len(decoded) >= 2+key+16
}

// sealedSample has the form of a sealed value; nothing is sealed in it.
const sealedSample = "" +
	"AgC4JE0CiYHWk697RWr476TK1j0oLhn/FJQsJG5Q2TUdInBKgCpxw1gLY3DeTOspPDJKhCM0JVfU" +
	"5cOEOPDjaRDue1S2aDbB+90T0kQdnhQ03GLKZ3+2j1/makZLqt7NvQBXb41rWsO8yAhEt9ULHMZg" +
	"NES758/Pj8CqHuPGNtnjOfq4SMm2V6hT7jfAnL/dFJ0LOAexkd3ptiPM2VKB3RhwW0jImxUDkDhF" +
	"u6V1OUU1H+a0VIUnYPc1Kc8Byo9p3MrkW/WBfd+Uqi96QHBx8O7ca+uY92i0zTPRF21E0VY6RaXX" +
	"ISKQ63ZwxnhrE1ka7ayGR4mTiV6LJOYSAUq6proEtbjHJVB7WxMVjgINlv5M+/bXdOCRYeK1mbjz" +
	"WuMfFuOVgl7e+KpprTBO+A/tm6oFgNJHzYTleiriOa7JDS1YaQlfPkSKVfosPHBJwB3PEvuHxER3" +
	"zzZ5kxMsp0ySonoeqqNBwv1XJOpEnOwnKFR+gO27fmApiRxf/RV+KD67QeVYFQh9+Vt8BPzz6Jw8" +
	"vuj8EL0VpLJp8pGXCRZ9MgOEsVxBtrdel4qw1GaLbHeqfxyuJD9ptU/JcLyjcmCA9JU1Nl0Rod/m" +
	"ELYO+plhNtN6uK/ScVuMa8KFDcXmAFtwK7n1mw8wbsssQ+5ExCmWfUWENSTrL3wWqrm94ULuJotR" +
	"xqSr1ESMSVYtgoEV0TofzOqSf1K01UWSl/i0PkLaiSOLwTYm5D3LON0="
