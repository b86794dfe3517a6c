package secrets

import (
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var sopsCiphertextCopied = &lint.Rule{
	ID:       "sops-ciphertext-copied",
	Title:    "Ciphertext was copied from another key",
	Why:      "SOPS binds every ciphertext to the keys that lead to it. One that was copied or moved to another key, or whose key was renamed in an editor, can never be decrypted, and SOPS refuses the whole file for it.",
	Fix:      "Take the file back to what sops wrote last, and rename or copy the key with `sops edit`.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Secrets,
	CheckFile: func(p *lint.TreePass) {
		f := sopsFileOf(p)
		if f == nil {
			return
		}
		copies := copiedIn(f)
		for _, c := range copies[:min(len(copies), maxClear)] {
			p.Report(c.leaf.At, docKey(f, c.doc, c.leaf.Path), "%s holds the ciphertext of %s, which can't be decrypted here", c.leaf.Path, c.from)
		}
	},
	CheckTree: func(p *lint.TreePass) {
		for _, change := range sopsChanges(p.Tree()) {
			moved := movedIn(change)
			for _, c := range moved[:min(len(moved), maxClear)] {
				p.Report(c.leaf.At, docKey(change.head, c.doc, c.leaf.Path), "%s holds what was the ciphertext of %s, which can't be decrypted here", c.leaf.Path, c.from)
			}
		}
	},
	Examples: `
-- bad.yaml --
` + sopsSample + `    copy: ` + sopsCipher + ` # want high: stringData.copy holds the ciphertext of stringData.password
` + sopsBlock + `
-- bad-deep.json --
{"a": {"b": ["` + sopsCipher + `"]},
 "c": "` + sopsCipher + `", # want: c holds the ciphertext of a.b[0]
 "sops": {"age": [{"recipient": "age1", "enc": "x"}], "mac": "` + sopsMAC + `", "lastmodified": "2026-03-01T10:00:00Z", "version": "3.10.2"}}
-- bad-moved/@base/secret.yaml --
` + sopsSample + sopsBlock + `
-- bad-moved/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: encrypted
stringData:
    token: ` + sopsCipher + ` # want: stringData.token holds what was the ciphertext of stringData.password
` + sopsBlock + `
-- bad-env/app.env --
A=` + sopsCipher + `
B=` + sopsCipher + `
` + sopsEnvMeta + `
-- bad-env/@want --
app.env:2: B holds the ciphertext of A
-- good.yaml --
# sops set and sops edit give equal items of a list one ciphertext: lists have no
# part in what it is bound to.
list:
    - ` + sopsCipher + `
    - ` + sopsCipher + `
users:
    - password: ` + sopsOther + `
    - password: ` + sopsOther + `
sops:
` + sopsMeta + `
-- good-documents.yaml --
` + sopsSample + sopsBlock + `---
` + sopsSample + sopsBlock + `
-- good-renamed/@base/secret.yaml --
` + sopsSample + sopsBlock + `
-- good-renamed/secret.yaml --
apiVersion: v1
kind: Secret
metadata:
    name: encrypted
stringData:
    token: ` + sopsOther + `
` + sopsBlock + `
-- good-reordered/@base/list.yaml --
list:
    - ` + sopsCipher + `
    - ` + sopsOther + `
sops:
` + sopsMeta + `
-- good-reordered/list.yaml --
list:
    - ` + sopsOther + `
    - ` + sopsCipher + `
sops:
` + sopsMeta,
}

// copied is a leaf that holds the ciphertext of another.
type copied struct {
	doc  *sops.Document
	leaf *sops.Leaf
	from string
}

// copiedIn finds the leaves of a file that hold the ciphertext of one before them
// that other keys lead to. The same keys may: list indexes are none, and SOPS
// encrypts a value that did not change as it was.
func copiedIn(f *sops.File) []copied {
	type source struct{ bound, path string }
	seen := map[string]source{}
	var found []copied
	for _, d := range f.Documents {
		for i := range d.Leaves {
			l := &d.Leaves[i]
			if !l.Encrypted {
				continue
			}
			first, ok := seen[l.Nonce()]
			switch {
			case !ok:
				seen[l.Nonce()] = source{l.Bound(), l.Path}
			case first.bound != l.Bound():
				found = append(found, copied{d, l, first.path})
			}
		}
	}
	return found
}

// movedIn finds the leaves that hold a ciphertext that in the base stood under other
// keys, and no longer does.
func movedIn(c sopsChange) []copied {
	if c.head == nil {
		return nil
	}
	paths := map[string]string{}  // in the base, by ciphertext
	bound := map[[2]string]bool{} // ciphertexts of both with what they are bound to
	each := func(f *sops.File, visit func(*sops.Document, *sops.Leaf)) {
		for _, d := range f.Documents {
			for i := range d.Leaves {
				if d.Leaves[i].Encrypted {
					visit(d, &d.Leaves[i])
				}
			}
		}
	}
	where := map[string]string{} // what it was bound to first
	each(c.base, func(_ *sops.Document, l *sops.Leaf) {
		if _, ok := paths[l.Nonce()]; !ok {
			paths[l.Nonce()], where[l.Nonce()] = l.Path, l.Bound()
		}
		bound[[2]string{l.Nonce(), l.Bound()}] = true
	})
	still := map[string]bool{}
	each(c.head, func(_ *sops.Document, l *sops.Leaf) {
		if where[l.Nonce()] == l.Bound() {
			still[l.Nonce()] = true
		}
	})
	var found []copied
	each(c.head, func(d *sops.Document, l *sops.Leaf) {
		if from, ok := paths[l.Nonce()]; ok && !still[l.Nonce()] && !bound[[2]string{l.Nonce(), l.Bound()}] {
			found = append(found, copied{d, l, from})
		}
	})
	return found
}
