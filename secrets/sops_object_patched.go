package secrets

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var sopsObjectPatched = &lint.Rule{
	ID:       "sops-object-patched",
	Title:    "Encrypted object has a clear value added to it",
	Why:      "SOPS decrypts a document as a whole: a clear value where the sops block says that there is ciphertext makes that fail, so that nothing of the Kustomization is deployed. And whatever the value is, it can be read in the repository.",
	Fix:      "Set the value in the encrypted file itself, with sops edit, or keep it in an encrypted patch file or in an object of its own.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Secrets,
	Kinds:    lint.Any,
	// The clear value is one cause: of the patch, and of what it does to the rest.
	Supersedes: []string{"secret-plaintext"},
	Check: func(p *lint.Pass) {
		o := p.Object
		block := manifest.Get(o.Node, "sops")
		if block == nil || manifest.Text(block, "mac") == "" || keepsCiphertext(o.GVK.Kind) || decryptionDisabled(o) || o.Template != "" {
			// What a chart gives is decrypted by nobody anyway.
			return
		}
		m := sops.Read(o.Node)
		if m == nil || m.Covers([]string{"kind"}) {
			// What names an object is never encrypted where Kubernetes reads it.
			return
		}
		file := o.Near(field.NewPath("sops", "mac")).File
		if file != o.Origin.File {
			// It comes from an encrypted patch, which Flux decrypts before it is
			// applied.
			return
		}
		walk(o.Node, func(w *walker, n *yaml.Node) {
			if w.steps[0].key == "sops" || isNull(n) || n.Value == "" || sops.IsCiphertext(n.Value) || manifest.Unknown(n.Value) || !m.Covers(w.keys()) {
				return
			}
			// What is clear in the file itself is not added here.
			path := w.path()
			if at := o.Near(path); at.File != file || !at.Exact {
				p.Report(path, "%s is added in clear to what SOPS encrypted in %s", path, file)
			}
		})
	},
	Examples: sopsObjectPatchedExamples,
}

const sopsObjectPatchedExamples = `
-- bad-malformed/db.sops.yaml --
` + sealedExample + `-- bad-malformed/@patch/db.sops.yaml --
metadata:
  namespace: shop
  labels: {app: shop}
stringData:
  password: hunter2 # want: stringData[password] is added in clear to what SOPS encrypted in db.sops.yaml
  user: app # want: stringData[user]
-- bad-inverse-malformed/db.sops.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: db
data:
  url: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
sops:
  unencrypted_regex: ^(apiVersion|kind|metadata|type)$
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- bad-inverse-malformed/@patch/db.sops.yaml --
metadata:
  labels: {app: shop}
immutable: true # want: immutable is added in clear
-- good-malformed/db.sops.yaml --
` + sealedExample + `-- good-malformed/@patch/db.sops.yaml --
metadata:
  namespace: shop
  labels: {app: shop}
type: Opaque
stringData:
  empty: ""
  copied: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
-- good-encrypted-patch-malformed/base.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  user: ${USER}
-- good-encrypted-patch-malformed/@patch/base.yaml --
` + sealedExample + `-- good-clear-in-the-file-malformed.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: ${PASSWORD}
sops:
  encrypted_regex: ^(data|stringData)$
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- good-no-sops.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  user: ${USER}
`
