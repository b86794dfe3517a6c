package lint

import (
	"fmt"
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
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
	problem map[string]*ready
}

type ready struct {
	rule     *Rule
	severity Severity
	fixed    bool // the configuration sets the severity
	options  map[string][]string
}

// NewLinter makes a linter of the rules that are on by default or by the settings. It
// fails when the rules are not valid or a setting names no rule.
func NewLinter(rules []*Rule, settings map[string]Setting) (*Linter, error) {
	if err := Validate(rules); err != nil {
		return nil, err
	}
	l := &Linter{
		byKind:  map[schema.GroupKind][]*ready{},
		written: map[schema.GroupKind][]*ready{},
		problem: map[string]*ready{},
	}
	known := map[string]bool{}
	for _, r := range rules {
		known[r.ID] = true
		s := settings[r.ID]
		on := !r.Optional
		if s.Enabled != nil {
			on = *s.Enabled
		}
		if !on && r.Category != Problems {
			continue
		}
		entry := &ready{rule: r, severity: r.Severity, options: s.Options}
		if s.Severity != nil {
			entry.severity, entry.fixed = *s.Severity, true
		}
		if r.Category == Problems {
			if on {
				l.problem[r.ID] = entry
			}
			continue
		}
		for _, k := range r.Kinds {
			l.byKind[k] = append(l.byKind[k], entry)
			if r.Written {
				l.written[k] = append(l.written[k], entry)
			}
		}
		if r.CheckAll != nil {
			l.all = append(l.all, entry)
		}
	}
	for id := range settings {
		if !known[id] {
			return nil, fmt.Errorf("unknown rule %q", id)
		}
	}
	return l, nil
}

// Object judges one object that a unit deploys.
func (l *Linter) Object(o *manifest.Object, unit string) []Finding {
	var findings []Finding
	report := func(f Finding) { findings = append(findings, f) }
	for _, r := range l.byKind[o.GroupKind()] {
		l.run(r, &Pass{Object: o, unit: unit, report: report}, r.rule.Check)
	}
	if r := l.problem["schema"]; r != nil {
		for _, e := range o.SchemaErrors() {
			p := &Pass{Rule: r.rule, Object: o, unit: unit, severity: r.severity, report: report}
			p.Report(e.Path, "%s: %s", fieldName(e.Path), e.Message)
		}
	}
	return findings
}

// fieldName is the path of a schema error for its message; the object as a
// whole has none.
func fieldName(path *field.Path) string {
	if path == nil {
		return "the object"
	}
	return path.String()
}

// Written judges one object that stands in a file and that no unit deploys as
// it stands.
func (l *Linter) Written(o *manifest.Object) []Finding {
	var findings []Finding
	for _, r := range l.written[o.GroupKind()] {
		l.run(r, &Pass{Object: o, Written: true, report: func(f Finding) { findings = append(findings, f) }}, r.rule.Check)
	}
	return findings
}

// WantsWritten says that some rule would judge a written object of this kind.
func (l *Linter) WantsWritten(kind schema.GroupKind) bool { return len(l.written[kind]) > 0 }

// Joins says that some rule judges objects of this kind together with others. A
// rule that names no kinds sees all of them.
func (l *Linter) Joins(kind schema.GroupKind) bool {
	return slices.ContainsFunc(l.all, func(r *ready) bool {
		return r.rule.CheckAll != nil && (len(r.rule.Kinds) == 0 || slices.Contains(r.rule.Kinds, kind) || slices.Contains(r.rule.Joins, kind))
	})
}

// Cluster judges all objects of one cluster together.
func (l *Linter) Cluster(objects []*manifest.Object, unit func(*manifest.Object) string) []Finding {
	var findings []Finding
	for _, r := range l.all {
		l.run(r, &Pass{Objects: objects, report: func(f Finding) {
			if f.object != nil {
				if u := unit(f.object); u != "" {
					f.Units = []string{u}
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
	if p.Object != nil && slices.Contains(Workloads, p.Object.GroupKind()) {
		// A fragment, or an object with spec: null, has nothing to judge.
		if w, ok := p.Object.Workload(); !ok || w.IsZero() {
			return
		}
	}
	p.Rule, p.severity, p.fixed, p.options = r.rule, r.severity, r.fixed, r.options
	defer func() {
		if v := recover(); v != nil {
			f := Finding{
				Rule:     "internal",
				Severity: High,
				Message:  fmt.Sprintf("rule %s failed on this input and could not judge it", r.rule.ID),
				Fix:      "Report this to the developers of scantling, with the object if it can be shown.",
			}
			if o := p.Object; o != nil {
				f.Object = refOf(o)
				f.Origin, f.object, f.settled = o.Origin, o, true
			}
			if p.unit != "" {
				f.Units = []string{p.unit}
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
