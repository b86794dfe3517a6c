package lint

import (
	"fmt"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Pass is all that a rule sees while it runs, and the way to report.
type Pass struct {
	Rule *Rule
	// Object is the object to judge; nil in CheckAll.
	Object *manifest.Object
	// Objects are all objects of the cluster, for CheckAll.
	Objects []*manifest.Object
	// Written says that Object stands in a file and is not known to be
	// deployed as it stands.
	Written bool

	// Unit is what deploys Object; zero in CheckAll and for what is written.
	Unit Unit

	cluster  *Cluster // for CheckAll
	sorted   *sorting // likewise
	shared   map[any]any
	memo     *sync.Map
	severity Severity
	fixed    bool // the configuration sets the severity
	options  map[string][]string
	report   func(Finding)
}

// Workload is the object's pod specification. The engine calls the rules of a
// workload kind only for objects that have one.
func (p *Pass) Workload() *manifest.Workload {
	w, _ := p.Object.Workload()
	return w
}

// Memo is what make gives, made once for equal keys while the linter lives: for
// what follows from the key alone and takes longer than to make the key, as what
// is in a text that many units deploy. Keys are of a type of the caller's own, and
// hold a digest where the text may be long.
func (p *Pass) Memo(key any, make func() any) any {
	v, ok := p.memo.Load(key)
	if !ok {
		v, _ = p.memo.LoadOrStore(key, make())
	}
	return v
}

// Report says that the rule is broken at a field of the object. The message is
// one clause without a full stop; it never holds a secret value. A nil path is
// the object as a whole.
func (p *Pass) Report(path *field.Path, format string, args ...any) {
	p.ReportOn(p.Object, p.severity, path, format, args...)
}

// ReportAs is Report with a severity of the case's own. A severity that the
// configuration sets for the rule still holds.
func (p *Pass) ReportAs(s Severity, path *field.Path, format string, args ...any) {
	p.ReportOn(p.Object, s, path, format, args...)
}

// ReportOn is ReportAs for any object, as CheckAll needs it.
func (p *Pass) ReportOn(o *manifest.Object, s Severity, path *field.Path, format string, args ...any) {
	if p.cluster != nil && !p.cluster.judges(o) {
		return
	}
	if f, ok := p.finding(o, s, path, format, args...); ok {
		p.report(f)
	}
}

// finding is what ReportOn reports; ok is false for a field of which nobody knows
// what it will be on the cluster.
func (p *Pass) finding(o *manifest.Object, s Severity, path *field.Path, format string, args ...any) (f Finding, ok bool) {
	if p.fixed {
		s = p.severity
	}
	text := ""
	if path != nil {
		text = path.String()
		hits := manifest.Lookup(o.Node, path)
		if n := hits[len(hits)-1].Value; len(hits) > 1 && (manifest.Unknown(n.Value) || variable(n.Value)) {
			return Finding{}, false
		}
	}
	f = Finding{
		Rule:     p.Rule.ID,
		Severity: s,
		Mild:     s < p.severity && !p.fixed,
		Message:  fmt.Sprintf(format, args...),
		Fix:      p.Rule.Fix,
		Object:   refOf(o),
		Path:     text,
		stable:   o.StablePath(path),
		object:   o,
		field:    path,
	}
	if p.Unit.ID != "" {
		f.Units = []string{p.Unit.ID}
	}
	return f, true
}

// variable says that a text is nothing but a variable that is filled in later, so
// that the typed view has taken the field for one that is not set. One with a
// default is known.
func variable(text string) bool {
	return strings.HasPrefix(text, "${") && strings.IndexByte(text, '}') == len(text)-1 && !strings.Contains(text, ":")
}
