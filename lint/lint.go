package lint

import (
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Setting is what the configuration says of one rule.
type Setting struct {
	// Enabled overrides the rule's default; nil leaves it.
	Enabled *bool
	// Severity overrides the rule's; nil leaves it.
	Severity *Severity
	Options  map[string][]string
}

// Linter runs a set of rules. It is safe for concurrent use.
type Linter struct {
	byKind  map[schema.GroupKind][]*ready
	written map[schema.GroupKind][]*ready
	all     []*ready
	joins   map[schema.GroupKind]bool
	joinsIf []func(*manifest.Object) bool
	files   []*ready // with CheckFile
	trees   []*ready // with CheckTree
	problem map[string]*ready
	memo    sync.Map
}

type ready struct {
	rule     *Rule
	severity Severity
	fixed    bool // the configuration sets the severity
	options  map[string][]string
}

// NewLinter makes a linter of the rules that are selected. It fails when the
// rules are not valid or a setting names no rule.
func NewLinter(rules []*Rule, selected Selection) (*Linter, error) {
	if err := Validate(rules); err != nil {
		return nil, err
	}
	l := &Linter{
		byKind:  map[schema.GroupKind][]*ready{},
		written: map[schema.GroupKind][]*ready{},
		joins:   map[schema.GroupKind]bool{},
		problem: map[string]*ready{},
	}
	known := map[string]bool{}
	for _, r := range rules {
		known[r.ID] = true
		if !selected.On(r) {
			continue
		}
		entry := &ready{rule: r, options: selected.options(r)}
		entry.severity, entry.fixed = selected.severity(r)
		if r.Category == Problems {
			l.problem[r.ID] = entry
			continue
		}
		for _, k := range r.Kinds {
			l.byKind[k] = append(l.byKind[k], entry)
			if r.Written {
				l.written[k] = append(l.written[k], entry)
			}
		}
		if r.CheckFile != nil {
			l.files = append(l.files, entry)
		}
		if r.CheckTree != nil {
			l.trees = append(l.trees, entry)
		}
		if r.JoinsIf != nil {
			l.joinsIf = append(l.joinsIf, r.JoinsIf)
		}
		if r.CheckAll != nil {
			l.all = append(l.all, entry)
			for _, k := range r.Joins {
				l.joins[k] = true
			}
			if r.Check == nil {
				for _, k := range r.Kinds {
					l.joins[k] = true
				}
			}
		}
	}
	for id := range selected.Rules {
		if !known[id] {
			return nil, fmt.Errorf("unknown rule %q", id)
		}
	}
	return l, nil
}

// Object judges one object that a unit deploys.
func (l *Linter) Object(o *manifest.Object, unit Unit) []Finding {
	var findings []Finding
	report := func(f Finding) { findings = append(findings, f) }
	for r := range about(l.byKind, o.GroupKind()) {
		l.run(r, &Pass{Object: o, Unit: unit, report: report}, r.rule.Check)
	}
	return findings
}

// about are the rules that name a kind, and those for any.
func about(byKind map[schema.GroupKind][]*ready, kind schema.GroupKind) iter.Seq[*ready] {
	return func(yield func(*ready) bool) {
		for _, k := range [...]schema.GroupKind{kind, anyKind} {
			for _, r := range byKind[k] {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// Written judges one object that stands in a file and that no unit deploys as
// it stands.
func (l *Linter) Written(o *manifest.Object) []Finding {
	var findings []Finding
	for r := range about(l.written, o.GroupKind()) {
		l.run(r, &Pass{Object: o, Written: true, report: func(f Finding) { findings = append(findings, f) }}, r.rule.Check)
	}
	return findings
}

// WantsWritten says that some rule would judge a written object of this kind.
func (l *Linter) WantsWritten(kind schema.GroupKind) bool {
	return len(l.written[kind])+len(l.written[anyKind]) > 0
}

// Joins says that some rule judges objects of this kind together with others.
func (l *Linter) Joins(kind schema.GroupKind) bool {
	return l.joins[kind] || l.joins[anyKind] || l.joins[Custom] && !manifest.IsBuiltin(kind.Group)
}

// Keeps says that some rule judges the object together with others.
func (l *Linter) Keeps(o *manifest.Object) bool {
	return l.Joins(o.GroupKind()) || slices.ContainsFunc(l.joinsIf, func(wants func(*manifest.Object) bool) bool { return wants(o) })
}

// Tree judges the files of a tree together.
func (l *Linter) Tree(t *Tree) []Finding {
	var findings []Finding
	for _, r := range l.trees {
		l.runTree(r, &TreePass{tree: t, report: func(f Finding) { findings = append(findings, f) }}, r.rule.CheckTree)
	}
	return findings
}

// runTree is run for rules on files.
func (l *Linter) runTree(r *ready, p *TreePass, check func(*TreePass)) {
	p.Rule, p.severity, p.fixed, p.options = r.rule, r.severity, r.fixed, r.options
	defer func() {
		if v := recover(); v != nil {
			f := failed(r.rule)
			if p.File != nil {
				f.Origin.File = p.File.Name
			}
			f.settled = true
			p.report(f)
		}
	}()
	check(p)
}

// failed is what is said of a rule that panicked. What it panicked with may hold
// a value.
func failed(r *Rule) Finding {
	return Finding{
		Rule:     "internal",
		Severity: High,
		Message:  fmt.Sprintf("rule %s failed on this input and could not judge it", r.ID),
		Fix:      "Report this to the developers of scantling, with the input if it can be shown.",
	}
}

// Cluster judges all objects of one cluster together.
func (l *Linter) Cluster(c *Cluster) []Finding {
	var findings []Finding
	shared := map[any]any{}
	sorted := sortKinds(c)
	for _, r := range l.all {
		l.run(r, &Pass{Objects: c.Objects, cluster: c, sorted: sorted, shared: shared, report: func(f Finding) {
			if f.object != nil {
				if u := c.unit(f.object); u.ID != "" {
					f.Units = []string{u.ID}
				}
			}
			findings = append(findings, f)
		}}, r.rule.CheckAll)
	}
	return findings
}

// run calls a rule. A rule that panics costs that one check, which is reported.
func (l *Linter) run(r *ready, p *Pass, check func(*Pass)) {
	if check == nil {
		return
	}
	if p.Object != nil && slices.Contains(Workloads, p.Object.GroupKind()) && !slices.Contains(r.rule.Kinds, anyKind) {
		// A fragment, or an object with spec: null, has nothing to judge.
		if w, ok := p.Object.Workload(); !ok || w.IsZero() {
			return
		}
	}
	p.Rule, p.severity, p.fixed, p.options, p.memo = r.rule, r.severity, r.fixed, r.options, &l.memo
	defer func() {
		if v := recover(); v != nil {
			f := failed(r.rule)
			if o := p.Object; o != nil {
				f.Object = refOf(o)
				f.Origin, f.object, f.settled = o.Origin, o, true
			}
			if p.Unit.ID != "" {
				f.Units = []string{p.Unit.ID}
			}
			p.report(f)
		}
	}()
	check(p)
}

// Problem makes the finding of a reserved rule, or false when the configuration
// turned that rule off.
func (l *Linter) Problem(id, message, fix string, at manifest.Span, unit string) (Finding, bool) {
	r, ok := l.problem[id]
	if !ok {
		return Finding{}, false
	}
	f := Finding{Rule: id, Severity: r.severity, Message: message, Fix: fix, Origin: manifest.Origin{Span: at, Exact: at.Line > 0}}
	if fix == "" {
		f.Fix = r.rule.Fix
	}
	if unit != "" {
		f.Units = []string{unit}
	}
	return f, true
}

// Worst is the highest severity among the findings that count: not suppressed,
// and new where there is a base. ok is false when none counts.
func Worst(findings []Finding) (worst Severity, ok bool) {
	for i := range findings {
		f := &findings[i]
		if f.Suppressed != nil || f.State == Unchanged || f.State == Fixed {
			continue
		}
		worst, ok = max(worst, f.Severity), true
	}
	return worst, ok
}
