package secrets

import (
	"path"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

// Remedy is what mends a finding where it stands. The rule's own remedy knows no
// file, and not each can be encrypted: kustomize and helm must be able to read
// theirs.
func Remedy(f *lint.Finding) string {
	file := f.Origin.File
	if file == "" || f.Fix != secretPlaintext.Fix && f.Fix != sopsUnencryptedFile.Fix {
		return f.Fix
	}
	base := path.Base(file)
	switch {
	case f.Rule != secretPlaintext.ID:
	case isKustomizationName(base):
		return "Put the value into a patch file of its own, which SOPS can encrypt, or into the encrypted Secret itself; then replace the value, because the old one stays in the history."
	case strings.Contains("/"+file, "/templates/"):
		return "Let the chart use a Secret that is there already, by a name in its values; then replace the value, because the old one stays in the history."
	case strings.Contains(base, "values"):
		return helmValuesPlaintextSecret.Fix
	}
	return strings.Replace(f.Fix, "`scantling encrypt FILE`", "`scantling encrypt "+shellQuoted(file)+"`", 1)
}

// shellQuoted is a file name as a shell takes it.
func shellQuoted(name string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+,@%=", r)
	}
	if !strings.HasPrefix(name, "-") && strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0 {
		return name
	}
	if strings.HasPrefix(name, "-") {
		name = "./" + name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
