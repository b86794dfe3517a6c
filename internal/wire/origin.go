package wire

import "github.com/scantling-dev/scantling/internal/manifest"

// Span writes a place.
func (e *Encoder) Span(s manifest.Span) {
	e.Text(s.File)
	for _, n := range [...]int{s.Line, s.Column, s.EndLine, s.EndColumn} {
		e.Int(n)
	}
}

// Steps writes the way from a line to the cluster.
func (e *Encoder) Steps(via []manifest.Step) {
	e.Int(len(via))
	for _, s := range via {
		e.Span(s.Span)
		e.Text(s.What)
	}
}

// Origin writes where something was written.
func (e *Encoder) Origin(at manifest.Origin) {
	e.Span(at.Span)
	e.Bool(at.Exact)
	e.Text(at.Missing)
	e.Text(at.Key)
	e.Bool(at.Asks)
	e.Steps(at.Via)
}

// Span reads a place.
func (d *Decoder) Span() manifest.Span {
	return manifest.Span{File: d.String(), Line: d.Int(), Column: d.Int(), EndLine: d.Int(), EndColumn: d.Int()}
}

// Steps reads the way from a line to the cluster.
func (d *Decoder) Steps() []manifest.Step {
	var via []manifest.Step
	for range d.Count() {
		via = append(via, manifest.Step{Span: d.Span(), What: d.String()})
	}
	return via
}

// Origin reads where something was written.
func (d *Decoder) Origin() manifest.Origin {
	return manifest.Origin{Span: d.Span(), Exact: d.Bool(), Missing: d.String(), Key: d.String(), Asks: d.Bool(), Via: d.Steps()}
}
