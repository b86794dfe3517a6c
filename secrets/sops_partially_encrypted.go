package secrets

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var sopsPartiallyEncrypted = &lint.Rule{
	ID:         "sops-partially-encrypted",
	Title:      "SOPS file leaves sensitive values in clear",
	Why:        "The file looks encrypted, so nobody looks again, but a value in it can be read by everyone; and SOPS refuses to decrypt a file in which a value that it should have encrypted is clear.",
	Fix:        "Widen the selector in .sops.yaml so that it covers data and stringData, encrypt the file anew with sops, and replace the value itself, because the clear one stays in the history.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Kinds:      sopsKinds,
	Written:    true,
	Check: func(p *lint.Pass) {
		m := sops.Read(p.Object.Node)
		if !m.Valid() || text(p.Object.Node, "$patch") == "delete" {
			return
		}
		c := readCoverage(p.Object.Node, m)
		if c.ciphertext == 0 {
			return
		}
		var reported []string
		for _, path := range c.clear {
			reported = append(reported, path.String())
			p.Report(path, "%s is not encrypted although the sops block says that it is", path)
		}
		if p.Object.GroupKind() != secretKind {
			return
		}
		for _, v := range secretValues(p.Object) {
			if v.class == Literal && !slices.Contains(reported, v.path.String()) {
				p.Report(v.path, "Secret key %q is clear because the sops block does not cover it", v.key)
			}
		}
	},
	Examples: `
-- bad-malformed.yaml --
` + sopsSample + `    token: hunter2 # want: stringData[token] is not encrypted
    port: 5432 # want
` + sopsBlock + `---
apiVersion: v1
kind: Secret
metadata:
    name: narrow
stringData:
    password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
    token_unencrypted: hunter2 # want: Secret key "token_unencrypted" is clear
sops:
    age:
        - recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
          enc: none
    lastmodified: "2026-03-01T10:00:00Z"
    mac: ENC[AES256_GCM,data:xyDBcIdjZRJpp6Y9nJMl4KHQzvZ+T2I6Sl4YB6A0MZs=,iv:9T0O8Zl0Rv6cSL5wrUBZEY7lCrWfJZ2GVaOBpRwTB1A=,tag:fhDpJPdr9bE0sVFEtNw3ug==,type:str]
    version: 3.10.2
-- good-malformed.yaml --
` + sopsSample + `    nothing: null
` + sopsBlock + `---
apiVersion: v1
kind: ConfigMap
metadata:
    name: partly-by-design
data:
    clear: text
    secret_enc: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
sops:
    age: []
    lastmodified: "2026-03-01T10:00:00Z"
    mac: ENC[AES256_GCM,data:xyDBcIdjZRJpp6Y9nJMl4KHQzvZ+T2I6Sl4YB6A0MZs=,iv:9T0O8Zl0Rv6cSL5wrUBZEY7lCrWfJZ2GVaOBpRwTB1A=,tag:fhDpJPdr9bE0sVFEtNw3ug==,type:str]
    encrypted_suffix: _enc
    version: 3.10.2
`,
}
