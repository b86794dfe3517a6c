package report

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// remedy is a rule's Fix as a note: one sentence loses its capital and full
// stop, several stay as they are. If something is missing at the place, the note
// begins with the key to add there, as a path from the place, and does not name it
// again.
func remedy(fix, missing string) string {
	fix = strings.TrimSpace(fix)
	if missing == "" || strings.HasPrefix(fix, "Remove") {
		return lowered(fix)
	}
	if fix == "" {
		return "add " + missing
	}
	rest, ok := strings.CutPrefix(fix, "Set ")
	if name, how, found := strings.Cut(rest, " "); ok && found {
		name, comma := strings.CutSuffix(name, ",")
		if path, ok := overlap(missing, name); ok {
			switch {
			case comma:
				return "add " + path + ", " + ended(how)
			case strings.HasPrefix(how, "to "):
				return "add " + path + ": set it " + ended(how)
			}
		}
	}
	return "add " + missing + ": " + lowered(fix)
}

// lowered is a single sentence as a part of another one.
func lowered(fix string) string {
	if ended(fix) == fix || len(fix) < 2 {
		return fix
	}
	if fix = ended(fix); fix[0] >= 'A' && fix[0] <= 'Z' && (fix[1] >= 'a' && fix[1] <= 'z' || fix[1] == ' ') {
		fix = strings.ToLower(fix[:1]) + fix[1:]
	}
	return fix
}

// ended is a text without the full stop, if it is one sentence.
func ended(text string) string {
	if strings.Contains(text, ". ") {
		return text
	}
	return strings.TrimSuffix(text, ".")
}

// overlap is the path that is meant by a path from a place and by what a remedy
// calls the field: the one may begin higher up, the other end further down.
func overlap(missing, name string) (string, bool) {
	m, n := manifest.SplitPath(missing), manifest.SplitPath(name)
	for i := range n {
		// The end of what is missing is what the name holds up to some element.
		for j := len(n); j > i; j-- {
			if k := len(m) - (j - i); k >= 0 && slices.Equal(m[k:], n[i:j]) && (i == 0 || k == 0) {
				return manifest.JoinPath(slices.Concat(m, n[j:])), true
			}
		}
	}
	return "", false
}
