package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var sopsMetadataInvalid = &lint.Rule{
	ID:       "sops-metadata-invalid",
	Title:    "SOPS metadata is incomplete",
	Why:      "Without its sops block, or with parts of it missing, an encrypted value can't be decrypted or its integrity not be verified: the cluster gets the ciphertext, or the deployment fails.",
	Fix:      "Restore the sops block from the commit that encrypted the file, or encrypt the file anew with sops.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Secrets,
	Kinds:    []schema.GroupKind{secretKind},
	Written:  true,
	Check: func(p *lint.Pass) {
		o := p.Object
		if text(o.Node, "$patch") == "delete" {
			return
		}
		path := field.NewPath("sops")
		m := sops.Read(o.Node)
		switch block := manifest.Get(o.Node, "sops"); {
		case m == nil && block != nil && !isNull(block):
			p.Report(path, "the sops block is no mapping")
		case m == nil:
			// What a transformer or a decrypting plug-in made may rightly hold
			// ciphertext; only a plain object must carry its own metadata.
			if !p.Written && len(o.Origin.Via) > 0 {
				return
			}
			if c := readCoverage(o.Node, nil); c.encrypted != nil {
				p.Report(c.encrypted, "an encrypted value stands in an object without a sops block")
			}
		case len(m.Missing) > 0:
			p.Report(path, "the sops block lacks %s", strings.Join(m.Missing, " and "))
		case m.Selectors > 1:
			p.Report(path, "the sops block has more than one selector")
		case !m.HasRecipient:
			p.Report(path, "the sops block names no recipient")
		}
	},
	Examples: `
-- bad-malformed.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: no-block
stringData:
    user: ${USER}
    password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str] # want: without a sops block
    token: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
---
` + sopsSample + `sops: # want: lacks mac and lastmodified
    age:
        - recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
          enc: none
    version: 3.10.2
---
` + sopsSample + `sops: true # want: no mapping
-- good-malformed.yaml --
` + sopsSample + sopsBlock + `---
apiVersion: v1
kind: Secret
metadata:
    name: plain
stringData:
    password: ${PASSWORD}
`,
}
