package render

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// ask is where a chart is told what to do that nobody edits here: in the values
// that are written in this repository, at the key or at what stands there of the
// keys above it; else where the chart is asked for. certain says that the key
// sets the field.
func (f *finder) ask(p *piece, key []string, certain bool) (manifest.Origin, bool) {
	via := f.templateSteps(p, true)
	if s, rest, ok := f.above(key); ok {
		if at, stands := s.place(); at.Line > 0 {
			at.Exact = certain && stands && len(rest) > 0
			at.Key, at.Missing = setKey(key), manifest.JoinPath(rest)
			at.Via = append(via, at.Via...)
			return at, true
		}
	}
	return manifest.Origin{Span: f.asked(p.file), Key: setKey(key), Asks: true, Via: via}, true
}

// above is the value in this repository that holds a key of the release's values,
// or the mapping in which it, or the first of those that lead to it, would be
// added. rest is what would have to be added there.
func (f *finder) above(key []string) (s setting, rest []string, ok bool) {
	if len(key) == 0 || slices.Contains(key, anyItem) {
		return setting{}, nil, false
	}
	view := f.c.releaseValues(f.of.chart)
	for i := len(key); i > 0; i-- {
		s, ok := view.lookup(key[:i])
		if !ok || s.source.foreign {
			continue
		}
		rest := key[i:]
		if len(rest) > 0 && (s.node.Kind != yaml.MappingNode && s.node.ShortTag() != "!!null" || s.source.target != nil) {
			return setting{}, nil, false
		}
		return s, rest, true
	}
	return setting{}, nil, false
}
