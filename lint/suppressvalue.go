package lint

import (
	"encoding/base64"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// keysOf are the names that a finding's value goes by: its path, the last element
// of it, the names of the list items on the way, and the key in a text.
func keysOf(f *Finding) []string {
	outer, inner, inside := strings.Cut(f.stable, "/")
	keys := append(itemNames(f.stable), f.stable, outer)
	for _, p := range []string{outer, inner} {
		if parts := manifest.SplitPath(p); len(parts) > 0 {
			keys = append(keys, parts[len(parts)-1])
		}
	}
	if inside {
		keys = append(keys, inner)
	}
	return keys
}

// fitsValue says that the entry is about any value, or about what is written at
// the finding's place.
func (e *Ignore) fitsValue(s *Suppressor, f *Finding) bool {
	if len(e.Values) == 0 {
		return true
	}
	return slices.ContainsFunc(s.values(f), func(value string) bool {
		return slices.ContainsFunc(e.Values, func(glob string) bool { return matchesText(glob, value) })
	})
}

// matchesText holds a whole text against a glob in which * stands for any text,
// slashes included.
func matchesText(glob, text string) bool {
	open := strings.NewReplacer("/", "\x00")
	ok, _ := path.Match(open.Replace(glob), open.Replace(text))
	return ok
}

// maxValue is how much of a value is held against the globs: what is allowed by its
// text is short.
const maxValue = 4 << 10

// values are the texts that a finding may be about: its field's, and what stands at
// its place, from a key on and behind it; of base64 also what it stands for.
func (s *Suppressor) values(f *Finding) []string {
	var values []string
	add := func(text string) {
		if text = strings.TrimSpace(text); text == "" || len(text) > maxValue {
			return
		}
		values = append(values, text)
		if decoded, err := base64.StdEncoding.DecodeString(text); err == nil && utf8.Valid(decoded) {
			values = append(values, strings.TrimSpace(string(decoded)))
		}
	}
	if f.object != nil && f.field != nil {
		hits := manifest.Lookup(f.object.Node, f.field)
		if n := hits[len(hits)-1].Value; n != nil && n.Kind == yaml.ScalarNode {
			add(n.Value)
		}
	}
	text := s.at(f.Origin.Span)
	bare := func(text string) { add(strings.Trim(strings.TrimRight(strings.TrimSpace(text), ","), `"'`)) }
	bare(text)
	if value, _, ok := strings.Cut(text, " #"); ok {
		bare(value)
	}
	for _, mark := range []string{"=", ": "} {
		if _, value, ok := strings.Cut(text, mark); ok {
			bare(value)
		}
	}
	return values
}

// at is what stands at a place, up to the end of its line.
func (s *Suppressor) at(place manifest.Span) string {
	if place.File == "" || place.Line < 1 {
		return ""
	}
	rest := string(s.source(place.File))
	for range place.Line - 1 {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	line, _, _ := strings.Cut(rest, "\n")
	if len(line) > 16*maxValue {
		return ""
	}
	runes := []rune(line)
	from, to := max(place.Column-1, 0), len(runes)
	if place.EndLine == place.Line && place.EndColumn > place.Column {
		to = min(to, place.EndColumn-1)
	}
	return string(runes[min(from, to):to])
}
