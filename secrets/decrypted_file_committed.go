package secrets

import (
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var decryptedFileCommitted = &lint.Rule{
	ID:         "decrypted-file-committed",
	Title:      "Decrypted copy of an encrypted file is committed",
	Why:        "What was encrypted stands beside it in clear: helm-secrets, editors and people leave decrypted files behind, and the next `git add .` takes them along.",
	Fix:        "Remove the file, add its name to .gitignore, and replace the values, because they stay in the history.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Supersedes: []string{"configmap-contains-secret", "helm-values-plaintext-secret", "secret-generator-plaintext", "secret-plaintext", "sops-unencrypted-file", "url-embedded-credentials"},
	CheckTree: func(p *lint.TreePass) {
		encrypted := encryptedByStem(p.Tree())
		for _, name := range p.Tree().Files {
			stem, marked := decryptedStem(name)
			if !marked && len(encrypted[stem]) == 0 {
				continue
			}
			if f := surveyOf(p.Tree()).files[name]; f != nil && anyBlock(f) != nil {
				// Encrypted itself, or what the sops rules judge.
				continue
			}
			reportClearCopy(p, name, encrypted[stem], marked)
		}
	},
	Examples: `
-- bad/secret.sops.yaml --
` + sopsSample + sopsBlock + `
-- bad/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: encrypted
type: Opaque
stringData:
    password: hunter2 # want critical: the file holds in clear what secret.sops.yaml encrypts, such as stringData.password
    empty: ""
-- bad-helm-secrets/secrets.yaml --
db:
    password: ` + sopsCipher + `
    host: ` + sopsOther + `
sops:
` + sopsMeta + `
-- bad-helm-secrets/secrets.yaml.dec --
db:
    password: hunter2-pw # want: secrets.yaml encrypts
    host: db.corp
-- bad-env/.env.enc --
TOKEN=` + sopsCipher + `
` + sopsEnvMeta + `
-- bad-env/.env --
TOKEN=8f3d1f1c2b7a4d3f
-- bad-env/@want --
.env:1: .env.enc
-- bad-alone/apps/values.dec.yaml --
host: db.corp
adminPassword: s3cr3t-pw-7 # want: the name says that the file is decrypted
-- bad-prefix/.decrypted~values.yaml --
host: db.corp # want: the name says
-- bad-binary/key.pem.enc --
{"data": "` + sopsCipher + `", "sops": {"age": [{"recipient": "age1", "enc": "x"}], "mac": "` + sopsMAC + `", "lastmodified": "2026-03-01T10:00:00Z", "version": "3.10.2"}}
-- bad-binary/key.pem --
not really a key # want: key.pem.enc
-- good/secret.sops.yaml --
` + sopsSample + sopsBlock + `
-- good/secret.yaml --
# A template to copy.
apiVersion: v1
kind: Secret
metadata:
    name: encrypted
type: Opaque
stringData:
    password: CHANGE_ME
    empty: ""
-- good-values/values.sops.yaml --
auth:
    password: ` + sopsCipher + `
sops:
` + sopsMeta + `
-- good-values/values.yaml --
# The values that are not secret.
image: shop
replicas: 2
auth:
    username: shop
    password: admin
service:
    port: 80
-- good-both-encrypted/secret.sops.yaml --
` + sopsSample + sopsBlock + `
-- good-both-encrypted/secret.yaml --
` + sopsSample + sopsBlock + `
-- good-elsewhere/a/secret.sops.yaml --
` + sopsSample + sopsBlock + `
-- good-elsewhere/b/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: another
type: Opaque
stringData:
    password: hunter2
-- good-months/2025.dec.yaml --
visitors: many
-- good-codec/audio.dec --
frames of a decoder
`,
}

// encryptedByStem are the files that SOPS encrypted, by what they would be called in
// clear.
func encryptedByStem(t *lint.Tree) map[string][]*sops.File {
	byStem := map[string][]*sops.File{}
	s := surveyOf(t)
	for _, name := range t.Files {
		if f := s.files[name]; f != nil && anyBlock(f) != nil && anyCiphertext(f) {
			stem, _ := decryptedStem(name)
			byStem[stem] = append(byStem[stem], f)
		}
	}
	return byStem
}

// decryptedStem is a file's name without the words that say whether it is encrypted,
// and whether one of them says that it is not.
func decryptedStem(name string) (stem string, marked bool) {
	dir, base := path.Split(name)
	if rest, ok := strings.CutPrefix(base, ".decrypted~"); ok {
		return dir + rest, true
	}
	parts := strings.Split(base, ".")
	kept := parts[:0]
	for i, part := range parts {
		switch word := strings.ToLower(part); word {
		case "dec":
			// Behind a name, and in front of nothing or of what the format is.
			marked = marked || i > 0 && i >= len(parts)-2
			continue
		case "decrypted":
			marked = true
			continue
		case "enc", "encrypted", "sops", "plain", "plaintext", "clear", "cleartext", "unencrypted":
			if i > 0 {
				continue
			}
		}
		kept = append(kept, part)
	}
	return dir + strings.Join(kept, "."), marked
}

// reportClearCopy reports a file that holds in clear what another encrypts, or whose
// name says that it is decrypted.
func reportClearCopy(p *lint.TreePass, name string, encrypted []*sops.File, marked bool) {
	data, err := p.Tree().ReadFile(name)
	if err != nil || len(data) > maxRenamedSize {
		return
	}
	f := sops.ReadAny(name, data)
	for _, e := range encrypted {
		d, l, same := clearTwin(e, f, name, data)
		if !same {
			continue
		}
		if l == nil {
			p.Report(manifest.Span{File: name, Line: 1, Column: 1}, "file", "the file holds in clear what %s encrypts", path.Base(e.Name))
		} else {
			p.Report(l.At, docKey(f, d, l.Path), "the file holds in clear what %s encrypts, such as %s", path.Base(e.Name), l.Path)
		}
		return
	}
	if !marked || f == nil {
		return
	}
	certain := strings.Contains(strings.ToLower(path.Base(name)), ".decrypted")
	for _, d := range f.Documents {
		for i := range d.Leaves {
			l := &d.Leaves[i]
			if secretLeaf(d, l) || certain && revealed(d, l) {
				p.Report(l.At, docKey(f, d, l.Path), "the name says that the file is decrypted, and %s is in clear in it", l.Path)
				return
			}
		}
	}
}

// clearTwin says that a file has the keys of an encrypted one, with values in clear,
// and the first of them. What was encrypted as a whole has none.
func clearTwin(e, f *sops.File, name string, data []byte) (d *sops.Document, l *sops.Leaf, same bool) {
	if e.Format == sops.Binary {
		return nil, nil, strings.HasPrefix(path.Base(e.Name), path.Base(name)+".") && Classify(string(data)) == Literal
	}
	if f == nil || likeness(leafKeys(e), leafKeys(f)) < 0.7 {
		return nil, nil, false
	}
	for _, pair := range (sopsChange{base: e, head: f}).documents() {
		encrypted := map[string]bool{}
		for i := range pair.base.Leaves {
			encrypted[leafPath(pair.base, &pair.base.Leaves[i])] = pair.base.Leaves[i].Encrypted
		}
		for i := range pair.head.Leaves {
			if l := &pair.head.Leaves[i]; encrypted[leafPath(pair.head, l)] && revealed(pair.head, l) {
				return pair.head, l, true
			}
		}
	}
	return nil, nil, false
}
