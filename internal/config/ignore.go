package config

import (
	"path"
	"time"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
)

// maxIgnores is how many entries ignore may have: each is held against every
// finding of its rules.
const maxIgnores = 500

// ignores reads the findings that are excused. That an entry gives no reason, or
// names a rule that there is not, is for the run to report: it must not keep the
// rest from being checked.
func (p *parser) ignores(n *yaml.Node) {
	if null(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		p.fail(n, "ignore must be a list")
		return
	}
	if len(n.Content) > maxIgnores {
		p.fail(n, "ignore has %d entries: at most %d are read", len(n.Content), maxIgnores)
		return
	}
	for _, item := range n.Content {
		e := lint.Ignore{Place: manifest.NodeSpan(File, item)}
		patterns := func(name string, into *[]string) reader {
			return func(_, v *yaml.Node) { *into = p.patterns(v, "ignore."+name) }
		}
		p.mapping(item, "an entry of ignore", "key of ignore", map[string]reader{
			"rules":      patterns("rules", &e.Rules),
			"kinds":      patterns("kinds", &e.Kinds),
			"namespaces": patterns("namespaces", &e.Namespaces),
			"names":      patterns("names", &e.Names),
			"containers": patterns("containers", &e.Containers),
			"charts":     patterns("charts", &e.Charts),
			"paths":      func(_, v *yaml.Node) { e.Paths = p.globs(v, "ignore.paths") },
			"reason": func(_, v *yaml.Node) {
				if v.Kind != yaml.ScalarNode {
					p.fail(v, "ignore.reason must be a text")
				} else if !null(v) {
					e.Reason = v.Value
				}
			},
			"until": func(_, v *yaml.Node) {
				day, err := time.Parse(time.DateOnly, v.Value)
				if v.Kind != yaml.ScalarNode || err != nil {
					p.fail(v, "ignore.until must be a date such as 2027-01-31")
					return
				}
				e.Until = day
			},
		})
		if item.Kind == yaml.MappingNode && len(e.Rules) == 0 {
			p.fail(item, "an entry of ignore needs rules: the ids to ignore, or globs of them")
			continue
		}
		p.config.Ignore = append(p.config.Ignore, e)
	}
}

// patterns reads globs of names: one, or a list.
func (p *parser) patterns(n *yaml.Node, name string) []string {
	var patterns []string
	for _, item := range p.items(n, name, true) {
		if _, err := path.Match(item.Value, ""); err != nil {
			p.fail(item, "%s: %q is not a valid pattern: a bracket is not closed", name, item.Value)
			continue
		}
		patterns = append(patterns, item.Value)
	}
	return patterns
}
