package lint

import (
	"fmt"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// annotation is what an annotation excuses.
type annotation struct {
	object *manifest.Object
	at     *field.Path
	rule   string
	reason string
	ours   bool // it is of scantling itself
	used   bool
}

// Annotated says that an object, or its pod template, carries an annotation of
// scantling that excuses something.
func Annotated(o *manifest.Object) bool {
	for _, list := range annotationsOf(o) {
		for key := range list.Entries() {
			if ourAnnotation(key) {
				return true
			}
		}
	}
	return false
}

// MayExcuse says that an annotation suppresses findings of its object: ours, or one
// of another linter.
func MayExcuse(key, value string) bool {
	_, foreign := foreignAnnotation(key, value)
	return foreign || ourAnnotation(key)
}

// Excused says that an object carries an annotation that MayExcuse knows.
func Excused(o *manifest.Object) bool {
	for _, list := range annotationsOf(o) {
		for key, value := range list.Entries() {
			if MayExcuse(key, value.Text()) {
				return true
			}
		}
	}
	return false
}

func ourAnnotation(key string) bool {
	rest, ok := strings.CutPrefix(key, annotationPrefix)
	return ok && (rest == "" || rest[0] == '.')
}

// annotationsOf are the object's own annotations, then its pod template's.
func annotationsOf(o *manifest.Object) []manifest.Value {
	lists := []manifest.Value{o.Value("metadata", "annotations")}
	if w, ok := o.Workload(); ok && w.MetaPath.String() != "metadata" {
		keys := append(manifest.SplitPath(w.MetaPath.String()), "annotations")
		lists = append(lists, o.Value(keys...))
	}
	return lists
}

// Annotations marks the findings that an annotation of their object, or of its
// pod template, excuses, and adds findings about annotations that are wrong. It
// must run before Fold: Fold joins objects, and each has annotations of its own.
//
// carriers are the objects for which Annotated is true, those without findings
// included: what excuses nothing in any of them is said to be unused. trace
// prepares objects to say where they are written; nil for objects that can say it
// as they are.
func (s *Suppressor) Annotations(findings []Finding, carriers []*manifest.Object, trace func([]Finding)) []Finding {
	read := map[*manifest.Object][]*annotation{}
	var added []Finding
	look := func(o *manifest.Object, units []string) []*annotation {
		excused, ok := read[o]
		if !ok {
			var more []Finding
			excused, more = s.annotated(o)
			read[o] = excused
			for _, m := range more {
				m.Units = units
				added = append(added, m)
			}
		}
		return excused
	}
	for i := range findings {
		f := &findings[i]
		if f.object == nil {
			continue
		}
		for _, a := range look(f.object, f.Units) {
			if a.rule != f.Rule {
				continue
			}
			a.used = true
			if f.Suppressed == nil {
				f.Suppressed = &Suppression{Kind: "annotation", Reason: a.reason, Place: a.object.At(a.at).Span}
			}
		}
	}
	for _, o := range carriers {
		look(o, nil)
	}
	added = append(added, s.unusedAnnotations(read, trace)...)
	Settle(added)
	return append(findings, added...)
}

// unusedAnnotations are the findings about annotations that excuse nothing,
// wherever what is written there is deployed.
func (s *Suppressor) unusedAnnotations(read map[*manifest.Object][]*annotation, trace func([]Finding)) []Finding {
	type place struct {
		manifest.Span
		rule string
	}
	used := map[place]bool{}
	var idle []*annotation
	var unused []Finding
	for _, list := range read {
		for _, a := range list {
			switch {
			case !a.ours || s.off[a.rule]:
			case a.used:
				used[place{a.object.At(a.at).Span, a.rule}] = true
			default:
				if f, ok := s.wrong(ignoreUnused, fmt.Sprintf("no %s finding on %s to ignore", a.rule, a.object.ID()), "Remove the annotation."); ok {
					unused = append(unused, f.on(a.object, a.at))
					idle = append(idle, a)
				}
			}
		}
	}
	if trace != nil && len(unused) > 0 {
		trace(unused)
	}
	Settle(unused)
	var all []Finding
	for i, f := range unused {
		if !used[place{f.Origin.Span, idle[i].rule}] {
			all = append(all, f)
		}
	}
	return all
}

// on is a finding about a field of an object.
func (f Finding) on(o *manifest.Object, at *field.Path) Finding {
	f.Object = refOf(o)
	f.Path, f.stable = at.String(), o.StablePath(at)
	f.object, f.field = o, at
	return f
}

// annotated reads the annotations of one object. The object's own win over its
// pod template's.
func (s *Suppressor) annotated(o *manifest.Object) (excused []*annotation, added []Finding) {
	for _, list := range annotationsOf(o) {
		for key, value := range list.Entries() {
			at := list.Path.Key(key)
			if f, ok := foreignAnnotation(key, value.Text()); ok {
				rules, why := s.ours(f, key)
				for _, id := range rules {
					excused = append(excused, &annotation{object: o, at: at, rule: id, reason: why})
				}
				continue
			}
			if !ourAnnotation(key) {
				continue
			}
			report := func(rule, message, fix string) {
				if f, ok := s.wrong(rule, message, fix); ok {
					added = append(added, f.on(o, at))
				}
			}
			id := strings.TrimPrefix(strings.TrimPrefix(key, annotationPrefix), ".")
			if id == "" {
				report(ignoreUnknownRule, "the annotation names no rule to ignore", "Write scantling.dev/ignore.RULE: reason.")
				continue
			}
			if why := s.refuse(id); why != "" {
				report(ignoreUnknownRule, why, remedyRule)
				continue
			}
			var b because
			if n := value.Node; n.Kind == yaml.ScalarNode {
				b = parseBecause(value.Text())
			}
			over, expired := b.over(s.today)
			switch {
			case b.fault != "":
				report(ignoreUnknownRule, b.fault, "Write the reason, and behind it: ; until=YYYY-MM-DD.")
			case b.reason == "":
				report(ignoreWithoutReason, fmt.Sprintf("%s is ignored without a reason", id), "Write the reason as the annotation's value.")
			case expired:
				report(ignoreExpired, fmt.Sprintf("what ignores %s %s", id, over), remedyExpired)
			default:
				excused = append(excused, &annotation{object: o, at: at, rule: id, reason: b.reason, ours: true})
			}
		}
	}
	return excused, added
}
