package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var secretInHistory = &lint.Rule{
	ID:         "secret-in-history",
	Title:      "Commit holds a secret that a later one removed",
	Why:        "Removing a value from a file, or encrypting it, leaves it in the commit that brought it: everyone who can fetch the branch can read it there, also after the branch is squashed or deleted.",
	Fix:        "Replace the credential where it is used, so that the committed one is worth nothing; then rewrite the commit if the branch is not shared.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Compares:   true,
	CheckTree: func(p *lint.TreePass) {
		for _, was := range p.Tree().Past {
			at := manifest.Span{File: was.Origin.File}
			severity := max(p.Rule.Severity, was.Severity)
			if was.Rule == "" {
				p.ReportAs(severity, at, "message/"+was.Message, "the message of commit %s holds %s: replace it", was.Commit, withArticle(was.Message))
				continue
			}
			p.ReportAs(severity, at, was.Rule+"/"+was.Path, "commit %s holds a secret that is no longer here (%s: %s): replace it", was.Commit, was.Rule, was.Message)
		}
	},
	Examples: `
-- bad/apps/db.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: db
-- bad/@past --
1a2b3c4 apps/db.yaml secret-plaintext critical stringData.password Secret key "password" holds a literal value
5d6e7f8 config/.env known-credential-pattern high token line holds a GitHub token
-- bad/@want --
apps/db.yaml:0 critical: commit 1a2b3c4 holds a secret that is no longer here (secret-plaintext: Secret key "password" holds a literal value)
config/.env:0 high: commit 5d6e7f8
-- bad-message/apps/db.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: db
-- bad-message/@past --
1a2b3c4 - - medium - GitHub token
-- bad-message/@want --
:0 high: the message of commit 1a2b3c4 holds a GitHub token
-- good/apps/db.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: hunter2-is-not-in-the-past
`,
}

// Leaks says that what a rule finds is lost once it was committed, whatever
// becomes of it later.
func Leaks(r *lint.Rule) bool {
	switch r.ID {
	case "sops-nothing-encrypted", "sops-partially-encrypted", "sops-unencrypted-file":
		return true
	case "secret-placeholder-deployed", secretInHistory.ID:
		return false
	}
	return r.Category == lint.Secrets && r.Severity >= lint.High && !strings.HasPrefix(r.ID, "sops-") &&
		!strings.HasPrefix(r.ID, "flux-decryption-") && !strings.HasPrefix(r.ID, "argocd-")
}
