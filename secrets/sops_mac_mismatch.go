package secrets

import (
	"maps"
	"slices"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var sopsMACMismatch = &lint.Rule{
	ID:       "sops-mac-mismatch",
	Title:    "File was changed after SOPS encrypted it",
	Why:      "What the file holds is not what its MAC was computed over: a value was changed, added, removed or moved without sops, by a merge or by somebody who has no key. sops refuses to decrypt the file, and so does what deploys it with sops; Flux deploys the changed values.",
	Fix:      "Restore the file from the commit that sops wrote last, and make the change with sops edit. This is only looked at with --decrypt, for the files that the key at hand opens.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Secrets,
	CheckTree: func(p *lint.TreePass) {
		if p.Tree().Verify == nil {
			return
		}
		files := surveyOf(p.Tree()).files
		for _, name := range slices.Sorted(maps.Keys(files)) {
			i := slices.IndexFunc(files[name].Documents, func(d *sops.Document) bool { return d.Metadata.Valid() })
			if i < 0 {
				continue
			}
			if err := p.Tree().Verify(name); err != nil {
				p.Report(files[name].Documents[i].Block, "sops", "with the key at hand the file is not as sops wrote it: %v", err)
			}
		}
	},
	Examples: `
-- bad/secret.yaml --
` + sopsSample + `sops: # want: does not match
` + sopsBlock[len("sops:\n"):] + `
-- bad/@verify --
secret.yaml the MAC does not match
-- good/secret.yaml --
` + sopsSample + sopsBlock + `
-- good/@verify --
other.yaml the MAC does not match
-- good-without-a-key.yaml --
` + sopsSample + sopsBlock,
}
