package secrets

import (
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var sopsEncryptsStructuralFields = &lint.Rule{
	ID:       "sops-encrypts-structural-fields",
	Title:    "SOPS encrypted apiVersion, kind or metadata",
	Why:      "Kustomize, Flux and Argo CD have to know what an object is and what it is called before anything decrypts it: with these fields encrypted they refuse the file, or take it for another object.",
	Fix:      "Set encrypted_regex: ^(data|stringData)$ in the rule of .sops.yaml, decrypt the file and encrypt it anew.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Secrets,
	CheckTree: func(p *lint.TreePass) {
		s := surveyOf(p.Tree())
		for _, name := range p.Tree().Files {
			f := s.files[name]
			if f == nil {
				continue
			}
			for _, d := range f.Documents {
				if fields, at := structuralCiphertext(d); len(fields) > 0 && !decryptedByGenerator(p.Tree(), name) {
					verb := "is"
					if len(fields) > 1 {
						verb = "are"
					}
					p.ReportAs(structuralSeverity(p.Tree(), name, fields), at, docKey(f, d, "sops"), "%s of the object %s encrypted, so that nothing knows the object before it is decrypted", joinWords(fields), verb)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: ` + sopsCipher + ` # want high: metadata.name of the object is encrypted
    namespace: shop
stringData:
    password: ` + sopsOther + `
sops:
` + sopsMeta + `    encrypted_regex: data|name$
-- bad-whole/secret.yaml --
apiVersion: ` + sopsCipher + ` # want high: apiVersion, kind and metadata.name of the object are encrypted
kind: ` + sopsCipher + `
metadata:
    name: ` + sopsCipher + `
stringData:
    password: ` + sopsOther + `
sops:
` + sopsMeta + `-- bad-whole/@readers --
secret.yaml kustomize clusters/prod
-- bad-unread.yaml --
apiVersion: ` + sopsCipher + ` # want low: of the object
kind: ` + sopsCipher + `
metadata:
    name: ` + sopsCipher + `
sops:
` + sopsMeta + `-- bad-labels.json --
{"apiVersion": "v1", "kind": "Secret",
 "metadata": {"name": "a", "labels": {
   "team": "` + sopsCipher + `"}}, # want low: metadata.labels of the object is encrypted
 "sops": {"age": [{"recipient": "age1", "enc": "x"}], "mac": "` + sopsMAC + `", "lastmodified": "2026-03-01T10:00:00Z", "version": "3.10.2"}}
-- good.yaml --
` + sopsSample + sopsBlock + `
-- good-values.yaml --
# Not an object: a chart's values.
kind: ` + sopsCipher + `
metadata:
    name: ` + sopsOther + `
sops:
` + sopsMeta + `-- good-kubeconfig.yaml --
apiVersion: ` + sopsCipher + `
kind: ` + sopsCipher + `
users:
    - name: ` + sopsOther + `
sops:
` + sopsMeta + `-- good-annotation.yaml --
# Decrypted before the object is applied.
apiVersion: v1
kind: Secret
metadata:
    name: a
    annotations:
        contact: ` + sopsCipher + `
sops:
` + sopsMeta + `    encrypted_regex: ^contact$
-- good-ksops/kustomization.yaml --
generators:
    - ksops.yaml
-- good-ksops/ksops.yaml --
apiVersion: viaduct.ai/v1
kind: ksops
metadata:
    name: secrets
files:
    - ./whole.enc.yaml
-- good-ksops/whole.enc.yaml --
apiVersion: ` + sopsCipher + `
kind: ` + sopsCipher + `
metadata:
    name: ` + sopsCipher + `
sops:
` + sopsMeta,
}

// structuralSeverity is low where the object can still be told, and for what no unit
// reads: somebody may decrypt the whole file in a script.
func structuralSeverity(t *lint.Tree, name string, fields []string) lint.Severity {
	whole := slices.Contains(fields, "kind")
	if !whole && !slices.Contains(fields, "apiVersion") && !slices.Contains(fields, "metadata.name") && !slices.Contains(fields, "metadata.namespace") {
		return lint.Low
	}
	if whole && (t.Readers == nil || len(t.Readers(name)) == 0) {
		return lint.Low
	}
	return lint.High
}

// structuralCiphertext are the fields of a Kubernetes object that say what it is, as
// far as they are encrypted, and where the first of them stands.
func structuralCiphertext(d *sops.Document) (fields []string, at manifest.Span) {
	if d.Metadata == nil || d.Node == nil {
		return nil, at
	}
	for i := range d.Leaves {
		l := &d.Leaves[i]
		if !l.Encrypted {
			continue
		}
		place := leafPlace(d, l)
		if place.object == nil || place.object.Metadata == nil {
			continue
		}
		name := place.keys[0]
		switch {
		case len(place.keys) == 1 && (name == "apiVersion" || name == "kind"):
		case len(place.keys) > 1 && name == "metadata" && place.keys[1] != "annotations":
			name += "." + place.keys[1]
		default:
			continue
		}
		if len(fields) == 0 {
			at = l.At
		}
		if !slices.Contains(fields, name) {
			fields = append(fields, name)
		}
	}
	return fields, at
}

type decryptedKey struct{}

// decryptedByGenerator says that a generator of ksops decrypts the file as a whole
// before Kustomize looks at it.
func decryptedByGenerator(t *lint.Tree, name string) bool {
	return t.Shared(decryptedKey{}, func() any {
		names := map[string]bool{}
		for _, k := range kustomizationsOf(t) {
			if !strings.EqualFold(manifest.Text(k.node, "kind"), "ksops") {
				continue
			}
			for _, file := range manifest.Items(k.node, "files") {
				names[path.Join(k.dir, file.Value)] = true
			}
			for _, from := range manifest.Items(k.node, "secretFrom") {
				for _, file := range manifest.Items(from, "files") {
					names[path.Join(k.dir, file.Value)] = true
				}
			}
		}
		return names
	}).(map[string]bool)[name]
}

func joinWords(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
