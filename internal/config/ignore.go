package config

import (
	"maps"
	"path"
	"slices"
	"strings"
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
	for _, item := range p.entries(n, "ignore") {
		e := lint.Ignore{Place: manifest.NodeSpan(File, item)}
		patterns := func(name string, into *[]string) reader {
			return func(_, v *yaml.Node) { *into = p.patterns(v, "ignore."+name) }
		}
		known := p.because(&e, "ignore")
		maps.Copy(known, map[string]reader{
			"rules":      patterns("rules", &e.Rules),
			"kinds":      patterns("kinds", &e.Kinds),
			"namespaces": patterns("namespaces", &e.Namespaces),
			"names":      patterns("names", &e.Names),
			"containers": patterns("containers", &e.Containers),
			"charts":     patterns("charts", &e.Charts),
		})
		p.mapping(item, "an entry of ignore", "key of ignore", known)
		if item.Kind == yaml.MappingNode && len(e.Rules) == 0 {
			p.fail(item, "an entry of ignore needs rules: the ids to ignore, or globs of them")
			continue
		}
		p.config.Ignore = append(p.config.Ignore, e)
	}
}

// allowed reads what may stand in clear: entries of ignore for all rules on
// secrets.
func (p *parser) allowed(n *yaml.Node) {
	var ids []string
	for id, r := range p.rules {
		if r.Category == lint.Secrets {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	const name = "secrets.allow"
	for _, item := range p.entries(n, name) {
		e := lint.Ignore{Allow: true, Rules: ids, Place: manifest.NodeSpan(File, item)}
		known := p.because(&e, name)
		known["keys"] = func(_, v *yaml.Node) { e.Keys = p.patterns(v, name+".keys") }
		known["values"] = func(_, v *yaml.Node) { e.Values = p.valuePatterns(v, name+".values") }
		p.mapping(item, "an entry of "+name, "key of "+name, known)
		if item.Kind == yaml.MappingNode && len(e.Keys)+len(e.Values)+len(e.Paths) == 0 {
			p.fail(item, "an entry of %s needs keys, values or paths: what may stand in clear", name)
			continue
		}
		p.config.Ignore = append(p.config.Ignore, e)
	}
}

// entries are the items of a list of what is excused.
func (p *parser) entries(n *yaml.Node, name string) []*yaml.Node {
	switch {
	case null(n):
		return nil
	case n.Kind != yaml.SequenceNode:
		p.fail(n, "%s must be a list", name)
		return nil
	case len(n.Content) > maxIgnores:
		p.fail(n, "%s has %d entries: at most %d are read", name, len(n.Content), maxIgnores)
		return nil
	}
	return n.Content
}

// because reads what the entries of both lists have: where, why and for how long.
func (p *parser) because(e *lint.Ignore, name string) map[string]reader {
	return map[string]reader{
		"paths": func(_, v *yaml.Node) { e.Paths = p.globs(v, name+".paths") },
		"reason": func(_, v *yaml.Node) {
			if v.Kind != yaml.ScalarNode {
				p.fail(v, "%s.reason must be a text", name)
			} else if !null(v) {
				e.Reason = v.Value
			}
		},
		"until": func(_, v *yaml.Node) {
			day, err := time.Parse(time.DateOnly, v.Value)
			if v.Kind != yaml.ScalarNode || err != nil {
				p.fail(v, "%s.until must be a date such as 2027-01-31", name)
				return
			}
			e.Until = day
		},
	}
}

// valuePatterns reads globs of values. What is wrong with one is said without it:
// it may be a secret.
func (p *parser) valuePatterns(n *yaml.Node, name string) []string {
	var patterns []string
	for _, item := range p.items(n, name, true) {
		_, err := path.Match(item.Value, "")
		switch {
		case err != nil:
			p.fail(item, "%s: this is not a valid pattern: a bracket is not closed", name)
		case len(strings.Trim(item.Value, "*?")) < 4:
			p.fail(item, "%s: this fits nearly every value: write at least four characters of it", name)
		default:
			patterns = append(patterns, item.Value)
		}
	}
	return patterns
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
