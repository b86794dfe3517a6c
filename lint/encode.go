package lint

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/wire"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Encode writes findings that are settled, so that Decode gives the same ones in
// another run. number tells the objects that they were reported on apart; it is not
// called for findings about files. A nil number writes findings without them.
func Encode(e *wire.Encoder, findings []Finding, number func(*manifest.Object) int) {
	e.Int(len(findings))
	for i := range findings {
		f := &findings[i]
		e.Text(f.Rule)
		e.Int(int(f.Severity))
		e.Text(f.Message)
		e.Text(f.Fix)
		encodeRef(e, f.Object)
		e.Text(f.Path)
		e.Origin(f.Origin)
		e.Texts(f.Units)
		e.Int(len(f.Sights))
		for _, s := range f.Sights {
			encodeRef(e, s.Object)
			e.Text(s.Path)
			e.Texts(s.Units)
			e.Text(s.key)
		}
		e.Text(f.Fingerprint)
		e.Text(string(f.State))
		if e.Bool(f.Suppressed != nil); f.Suppressed != nil {
			e.Text(f.Suppressed.Kind)
			e.Text(f.Suppressed.Reason)
			e.Span(f.Suppressed.Place)
		}
		e.Bool(f.Mild)
		e.Text(f.stable)
		e.Bool(f.settled)
		e.Int(f.own)
		e.Text(f.crumbs)
		e.Text(f.inside.Key)
		e.Text(f.inside.Word)
		e.Int(f.inside.Line)
		e.Text(f.whole)
		of := -1
		if number != nil && f.object != nil {
			of = number(f.object)
		}
		e.Int(of)
		e.Bool(f.field != nil)
	}
}

// Decode reads what Encode wrote. object gives the object of a number; nil for
// findings without.
func Decode(d *wire.Decoder, object func(number int) *manifest.Object) []Finding {
	findings := make([]Finding, d.Count())
	for i := range findings {
		f := &findings[i]
		f.Rule, f.Severity, f.Message, f.Fix = d.String(), Severity(d.Int()), d.String(), d.String()
		f.Object, f.Path, f.Origin = decodeRef(d), d.String(), d.Origin()
		f.Units = texts(d)
		for range d.Count() {
			f.Sights = append(f.Sights, Sight{decodeRef(d), d.String(), texts(d), d.String()})
		}
		f.Fingerprint, f.State = d.String(), State(d.String())
		if d.Bool() {
			f.Suppressed = &Suppression{d.String(), d.String(), d.Span()}
		}
		f.Mild, f.stable, f.settled, f.own, f.crumbs = d.Bool(), d.String(), d.Bool(), d.Int(), d.String()
		f.inside = Inside{d.String(), d.String(), d.Int()}
		f.whole = d.String()
		if of := d.Int(); of >= 0 && object != nil && d.Err == nil {
			f.object = object(of)
		}
		if d.Bool() && f.Path != "" {
			f.field = field.NewPath(f.Path)
		}
	}
	return findings
}

// texts is a list that is nil if it is empty, as findings have it.
func texts(d *wire.Decoder) []string {
	list := d.Strings()
	if len(list) == 0 {
		return nil
	}
	return list
}

func encodeRef(e *wire.Encoder, r Ref) {
	e.Text(r.APIVersion)
	e.Text(r.Kind)
	e.Text(r.Namespace)
	e.Text(r.Name)
}

func decodeRef(d *wire.Decoder) Ref {
	return Ref{d.String(), d.String(), d.String(), d.String()}
}

// About are the objects that findings were reported on, each once, in order.
func About(findings []Finding) []*manifest.Object {
	var objects []*manifest.Object
	seen := map[*manifest.Object]bool{}
	for i := range findings {
		if o := findings[i].object; o != nil && !seen[o] {
			seen[o] = true
			objects = append(objects, o)
		}
	}
	return objects
}
