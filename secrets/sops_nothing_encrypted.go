package secrets

import (
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var sopsNothingEncrypted = &lint.Rule{
	ID:         "sops-nothing-encrypted",
	Title:      "SOPS file has nothing encrypted in it",
	Why:        "The sops block makes people and tools take the file for encrypted, but its selector matched nothing, or the values were put back in clear: every one of them can be read.",
	Fix:        "Correct the selector of the rule in .sops.yaml, encrypt the file anew with sops, and replace the values, because the clear ones stay in the history.",
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
		if c := readCoverage(p.Object.Node, m); c.ciphertext == 0 && c.values > 0 {
			p.Report(field.NewPath("sops"), "the object has a sops block but none of its values is encrypted")
		}
	},
	Examples: `
-- bad-malformed.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: clear
stringData:
    password: hunter2
sops: # want: none of its values is encrypted
    age: []
    lastmodified: "2026-03-01T10:00:00Z"
    mac: ENC[AES256_GCM,data:xyDBcIdjZRJpp6Y9nJMl4KHQzvZ+T2I6Sl4YB6A0MZs=,iv:9T0O8Zl0Rv6cSL5wrUBZEY7lCrWfJZ2GVaOBpRwTB1A=,tag:fhDpJPdr9bE0sVFEtNw3ug==,type:str]
    encrypted_regex: ^(password)$x
    version: 3.10.2
-- good-malformed.yaml --
` + sopsSample + sopsBlock + `---
apiVersion: v1
kind: Secret
metadata:
    name: all-empty
stringData:
    password: ""
` + sopsBlock,
}
