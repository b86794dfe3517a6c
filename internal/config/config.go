// Package config reads .scantling.yaml, the configuration at the root of a
// repository, and says where it is wrong.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/bmatcuk/doublestar/v4"
	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
)

// File is the name of the configuration at the repository's root. There is one,
// and no other is read.
const File = ".scantling.yaml"

// Config is what a repository says about how it is linted.
type Config struct {
	// FailOn is the severity from which findings make the run fail; nil for
	// none.
	FailOn *lint.Severity
	// Selection is which rules run: extends and rules.
	lint.Selection
	// Ignore are the findings that are excused: ignore, and secrets.allow.
	Ignore []lint.Ignore
	// Exclude are globs of repository paths whose findings and units are left
	// out; ** stands for any number of folders.
	Exclude []string
	// KubeVersion is the Kubernetes version to render and judge for; empty for
	// the default.
	KubeVersion string
	// APIVersions are those that the cluster has beyond the built-in ones.
	APIVersions []string
	// Capabilities are the versions for parts of the repository; of several that
	// match, the last holds.
	Capabilities []Capability
	// GitOps is about what Flux and Argo CD deploy.
	GitOps GitOps
	// Helm is about charts.
	Helm Helm
	// Limits is what a run may cost.
	Limits limits.Limits
}

// Helm is how the repository's charts are rendered.
type Helm struct {
	// Values are globs of the values files beside a chart that it is rendered
	// with, once with each.
	Values []string
}

// Default is the configuration of a repository that has none.
func Default() *Config {
	high := lint.High
	return &Config{
		FailOn:    &high,
		Selection: lint.Selection{Rules: map[string]lint.Setting{}},
		Limits:    limits.Default(),
		Helm: Helm{Values: []string{
			"values-*.yaml", "*-values.yaml", "values.*.yaml",
			"values-*.yml", "*-values.yml", "values.*.yml",
		}},
	}
}

// Error is one fault of the configuration.
type Error struct {
	Line, Column int
	Message      string
}

// Error begins with the place, as compilers write it.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", File, e.Line, e.Column, e.Message)
}

// Nearest is the candidate that was most likely meant by a mistyped word, or ""
// when none is near.
func Nearest(word string, candidates []string) string { return lint.Nearest(word, candidates) }

// Parse reads a configuration. rules are all that there are: a setting of any
// other is an error. The error joins every fault, each an *Error, by line.
func Parse(data []byte, rules []*lint.Rule) (*Config, error) {
	p := &parser{config: Default(), rules: map[string]*lint.Rule{}}
	for _, r := range rules {
		p.rules[r.ID] = r
	}
	docs, problems := manifest.Parse(data)
	for _, e := range problems {
		if e.Class == manifest.DuplicateKey {
			// Named with its key below.
			continue
		}
		p.errors = append(p.errors, &Error{max(e.Line, 1), max(e.Column, 1), e.Message})
	}
	for i, doc := range docs {
		if i > 0 {
			p.fail(doc, "the configuration is one document: remove this one")
			continue
		}
		p.root(doc)
	}
	if len(p.errors) == 0 {
		return p.config, nil
	}
	slices.SortStableFunc(p.errors, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	joined := make([]error, len(p.errors))
	for i, e := range p.errors {
		joined[i] = e
	}
	return nil, errors.Join(joined...)
}

type parser struct {
	config *Config
	rules  map[string]*lint.Rule
	errors []*Error
}

// Whoever writes the file decides how much is wrong with it.
const (
	maxErrors  = 100
	maxMessage = 400 // bytes
)

func (p *parser) fail(n *yaml.Node, format string, args ...any) {
	if len(p.errors) >= maxErrors {
		return
	}
	message := fmt.Sprintf(format, args...)
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	p.errors = append(p.errors, &Error{max(n.Line, 1), max(n.Column, 1), message})
}

// reader takes the value of one key.
type reader func(key, value *yaml.Node)

// mapping reads a node that must hold only known keys, each once. what names a
// key of it in an error.
func (p *parser) mapping(n *yaml.Node, name, what string, known map[string]reader) {
	if null(n) {
		// All its entries are commented out.
		return
	}
	if n.Kind != yaml.MappingNode {
		p.fail(n, "%s must be a mapping", name)
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content) && len(p.errors) < maxErrors; i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if line, ok := seen[key.Value]; ok {
			p.fail(key, "%q is set twice, first in line %d: remove one", key.Value, line)
			continue
		}
		seen[key.Value] = key.Line
		read, ok := known[key.Value]
		if !ok || key.Kind != yaml.ScalarNode {
			p.unknown(key, what, slices.Sorted(maps.Keys(known)))
			continue
		}
		read(key, value)
	}
}

// unknown reports a word that is none of the known ones.
func (p *parser) unknown(n *yaml.Node, what string, known []string) {
	near := Nearest(n.Value, known)
	switch {
	case near != "":
		p.fail(n, "unknown %s %q: did you mean %q?", what, n.Value, near)
	case len(known) == 0:
		p.fail(n, "unknown %s %q: there are none", what, n.Value)
	case len(known) <= 12:
		p.fail(n, "unknown %s %q: it is one of %s", what, n.Value, strings.Join(known, ", "))
	default:
		p.fail(n, "unknown %s %q", what, n.Value)
	}
}

func (p *parser) root(n *yaml.Node) {
	p.mapping(n, "the configuration", "key", map[string]reader{
		"version": func(_, v *yaml.Node) {
			if v.Kind != yaml.ScalarNode || v.Tag != "!!int" || v.Value != "1" {
				p.fail(v, "version must be 1")
			}
		},
		"fail-on": func(_, v *yaml.Node) {
			if v.Kind == yaml.ScalarNode && v.Value == "none" {
				p.config.FailOn = nil
			} else if s, ok := p.severity(v, "fail-on", "none"); ok {
				p.config.FailOn = &s
			}
		},
		"exclude": func(_, v *yaml.Node) { p.config.Exclude = p.globs(v, "exclude") },
		"ignore":  func(_, v *yaml.Node) { p.ignores(v) },
		"extends": func(_, v *yaml.Node) { p.extends(v) },
		"rules":   func(_, v *yaml.Node) { p.settings(v) },
		"kubernetes": func(_, v *yaml.Node) {
			p.mapping(v, "kubernetes", "key of kubernetes", map[string]reader{
				"version":      func(_, v *yaml.Node) { p.config.KubeVersion = p.kubeVersion(v) },
				"api-versions": func(_, v *yaml.Node) { p.config.APIVersions = p.list(v, "kubernetes.api-versions", false) },
				"paths":        func(_, v *yaml.Node) { p.capabilities(v) },
			})
		},
		"helm": func(_, v *yaml.Node) {
			p.mapping(v, "helm", "key of helm", map[string]reader{
				"values": func(_, v *yaml.Node) {
					if !null(v) {
						p.config.Helm.Values = p.globs(v, "helm.values")
					}
				},
			})
		},
		"gitops": func(_, v *yaml.Node) { p.gitops(v) },
		"limits": func(_, v *yaml.Node) { p.limits(v) },
		"secrets": func(_, v *yaml.Node) {
			p.mapping(v, "secrets", "key of secrets", map[string]reader{
				"allow": func(_, v *yaml.Node) { p.allowed(v) },
			})
		},
	})
}

func (p *parser) limits(n *yaml.Node) {
	known := map[string]reader{}
	for _, name := range limits.Names() {
		known[name] = func(_, v *yaml.Node) {
			if v.Kind != yaml.ScalarNode || null(v) {
				p.fail(v, "limits.%s must be a number, a size such as 10MiB, or a duration such as 4s", name)
				return
			}
			if err := p.config.Limits.Configure(name, v.Value); err != nil {
				p.fail(v, "%v", err)
			}
		}
	}
	p.mapping(n, "limits", "limit", known)
}

func (p *parser) kubeVersion(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && !null(n) {
		if v, err := semver.NewVersion(n.Value); err == nil && v.Major() == 1 && strings.Contains(n.Value, ".") {
			return n.Value
		}
	}
	p.fail(n, "kubernetes.version must be a version such as 1.33 or 1.33.2")
	return ""
}

// severity reads a severity's name; extra are other words that the place takes.
func (p *parser) severity(n *yaml.Node, name string, extra ...string) (lint.Severity, bool) {
	names := append(slices.Clone(lint.SeverityNames()), extra...)
	if n.Kind != yaml.ScalarNode || null(n) {
		p.fail(n, "%s must be one of %s", name, strings.Join(names, ", "))
		return 0, false
	}
	s, err := lint.ParseSeverity(n.Value)
	if err != nil {
		p.unknown(n, "severity", names)
		return 0, false
	}
	return s, true
}

// list reads a list of texts, or with single one text that stands for a list.
func (p *parser) list(n *yaml.Node, name string, single bool) []string {
	values := []string{}
	for _, item := range p.items(n, name, single) {
		values = append(values, item.Value)
	}
	return values
}

func (p *parser) items(n *yaml.Node, name string, single bool) []*yaml.Node {
	var items []*yaml.Node
	switch {
	case null(n) && !single:
		return nil
	case n.Kind == yaml.SequenceNode:
		items = n.Content
	case single && n.Kind == yaml.ScalarNode && !null(n):
		items = []*yaml.Node{n}
	case single:
		p.fail(n, "%s must be a value or a list of values", name)
		return nil
	default:
		p.fail(n, "%s must be a list", name)
		return nil
	}
	sound := make([]*yaml.Node, 0, len(items))
	for _, item := range items {
		if item.Kind != yaml.ScalarNode || null(item) || item.Value == "" {
			p.fail(item, "%s: an item must be a text that is not empty", name)
			continue
		}
		sound = append(sound, item)
	}
	return sound
}

func (p *parser) globs(n *yaml.Node, name string) []string {
	globs := []string{}
	for _, item := range p.items(n, name, false) {
		g := item.Value
		switch {
		case !doublestar.ValidatePattern(g):
			p.fail(item, "%s: %q is not a valid pattern: a bracket or a brace is not closed", name, g)
		case strings.HasPrefix(g, "/") || strings.HasPrefix(g, "./") || slices.Contains(strings.Split(g, "/"), ".."):
			p.fail(item, "%s: %q never matches: write it without a leading / or ./ and without ..", name, g)
		default:
			globs = append(globs, g)
		}
	}
	return globs
}

func (p *parser) settings(n *yaml.Node) {
	known := map[string]reader{}
	for id, r := range p.rules {
		known[id] = func(_, v *yaml.Node) { p.rule(r, v) }
	}
	p.mapping(n, "rules", "rule", known)
}

// extends reads the profiles whose rules run: one, or a list.
func (p *parser) extends(n *yaml.Node) {
	for _, item := range p.items(n, "extends", true) {
		profile, err := lint.ParseProfile(item.Value)
		if err != nil {
			p.fail(item, "extends: %v", err)
			continue
		}
		p.config.Profiles = append(p.config.Profiles, profile)
	}
}

// rule reads the setting of one rule. A setting turns a rule on
// unless it says otherwise: nobody sets the severity of a rule to leave it off.
func (p *parser) rule(r *lint.Rule, n *yaml.Node) {
	var s lint.Setting
	yes, no := true, false
	name := "rules." + r.ID
	switch {
	case n.Kind == yaml.ScalarNode && !null(n):
		on, ok := truth(n.Value)
		switch {
		case ok && on:
			s.Enabled = &yes
		case ok:
			s.Enabled = &no
		default:
			severity, ok := p.severity(n, name, "on", "off")
			if !ok {
				return
			}
			s.Enabled, s.Severity = &yes, &severity
		}
	case n.Kind == yaml.MappingNode:
		p.mapping(n, name, "key of "+name, map[string]reader{
			"enabled": func(_, v *yaml.Node) {
				on, ok := truth(v.Value)
				if !ok || v.Kind != yaml.ScalarNode {
					p.fail(v, "%s.enabled must be true or false", name)
					return
				}
				s.Enabled = &on
			},
			"severity": func(_, v *yaml.Node) {
				if severity, ok := p.severity(v, name+".severity"); ok {
					s.Severity = &severity
				}
			},
			"options": func(_, v *yaml.Node) { s.Options = p.options(r, v, name+".options") },
		})
		if s.Enabled == nil {
			s.Enabled = &yes
		}
	default:
		p.fail(n, "%s must be on, off, a severity, or a mapping of enabled, severity and options", name)
		return
	}
	if r.ID == "internal" && (s.Severity != nil || s.Enabled != nil && !*s.Enabled) {
		p.fail(n, "rule internal can't be turned off or lowered: it says that something was not checked")
		return
	}
	p.config.Rules[r.ID] = s
}

func (p *parser) options(r *lint.Rule, n *yaml.Node, name string) map[string][]string {
	options := map[string][]string{}
	known := map[string]reader{}
	for _, o := range r.Options {
		known[o.Name] = func(_, v *yaml.Node) {
			values := []string{}
			for _, item := range p.items(v, name+"."+o.Name, true) {
				if o.Valid != nil {
					if err := o.Valid(item.Value); err != nil {
						p.fail(item, "%s.%s: %v", name, o.Name, err)
						continue
					}
				}
				values = append(values, item.Value)
			}
			options[o.Name] = values
		}
	}
	p.mapping(n, name, "option of rule "+r.ID, known)
	return options
}

func null(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// truth reads on and off as well as true and false: writers of YAML 1.1 turn
// the one pair into the other.
func truth(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "on", "true":
		return true, true
	case "off", "false":
		return false, true
	}
	return false, false
}
