package report

import (
	"io"

	"github.com/scantling-dev/scantling/internal/diff"
	"github.com/scantling-dev/scantling/lint"
)

// The types below are version 1 of the JSON of changes, which other programs read:
// fields may be added, but none renamed, removed or given another meaning. Findings
// and units are those of the JSON report.

type jsonChanges struct {
	Version  int               `json:"version"`
	Base     string            `json:"base"`
	Objects  []jsonChange      `json:"objects"`
	Findings []jsonFinding     `json:"findings"`
	Unknown  []jsonUnknown     `json:"unknown"`
	Summary  jsonChangeSummary `json:"summary"`
}

type jsonChange struct {
	Change string     `json:"change"`
	Object jsonObject `json:"object"`
	// Before is what the object was called, if that was different.
	Before *jsonObject `json:"before,omitempty"`
	// Objects are all objects to which the same was done, if there are several: the
	// first of them, and how many there are.
	Objects     []jsonObject `json:"objects,omitempty"`
	ObjectCount int          `json:"objectCount,omitempty"`
	Units       []string     `json:"units"`
	// UnitsBefore are those that gave it before, if they were others.
	UnitsBefore []string    `json:"unitsBefore,omitempty"`
	File        string      `json:"file"`
	Line        int         `json:"line"`
	Noise       bool        `json:"noise"`
	Fields      []jsonField `json:"fields"`
	MoreFields  int         `json:"moreFields,omitempty"`
	// Findings are the fingerprints of the findings about the object.
	Findings []string `json:"findings"`
}

type jsonField struct {
	Path   string  `json:"path"`
	Change string  `json:"change"`
	Before *string `json:"before"`
	After  *string `json:"after"`
	// Lines are the difference of texts of several lines.
	Lines     []string `json:"lines,omitempty"`
	MoreLines int      `json:"moreLines,omitempty"`
	Masked    bool     `json:"masked"`
	Noise     bool     `json:"noise"`
}

type jsonUnknown struct {
	Unit string `json:"unit"`
	// Tree is head or base: where the unit failed.
	Tree    string `json:"tree"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Objects int    `json:"objects"`
}

type jsonChangeSummary struct {
	Changed     int `json:"changed"`
	Added       int `json:"added"`
	Removed     int `json:"removed"`
	Renamed     int `json:"renamed"`
	NoiseFields int `json:"noiseFields"`
	// NoiseObjects counts those in which nothing else changed. They are left out
	// without --all.
	NoiseObjects int `json:"noiseObjects"`
	// Moved counts the objects that another unit gives, unchanged.
	Moved       int `json:"moved"`
	NotRendered int `json:"notRendered"`
	Uncompared  int `json:"uncompared"`
	New         int `json:"new"`
	Fixed       int `json:"fixed"`
	// Truncated is how many objects are left out because there are too many.
	Truncated int `json:"truncated,omitempty"`
}

// maxJSONChanges is how many changes the JSON holds.
const maxJSONChanges = 20000

func writeChangesJSON(w io.Writer, v *changeView) error {
	out := jsonChanges{Version: 1, Base: clip(v.Summary.Base, maxPath), Objects: []jsonChange{}, Findings: []jsonFinding{}, Unknown: []jsonUnknown{},
		Summary: jsonChangeSummary{
			Changed: v.counts[diff.Changed], Added: v.counts[diff.Added], Removed: v.counts[diff.Removed], Renamed: v.counts[diff.Renamed],
			NoiseFields: v.noiseFields, NoiseObjects: v.noiseObjects, Moved: v.Changes.Objects.Moved,
			NotRendered: v.Changes.Objects.Absent, Uncompared: len(v.Changes.Objects.Unknown), New: v.Summary.New, Fixed: v.Summary.Fixed,
			Truncated: max(0, len(v.entries)-maxJSONChanges),
		}}
	for _, e := range v.entries[:min(len(v.entries), maxJSONChanges)] {
		out.Objects = append(out.Objects, toJSONChange(e))
	}
	kept, _ := worst(v.Changes.Findings, maxFindings, func(f *lint.Finding) bool {
		return f.State == lint.New && f.Suppressed == nil || f.State == lint.Fixed
	})
	for _, i := range kept {
		out.Findings = append(out.Findings, toJSON(&v.Changes.Findings[i]))
	}
	for i := range v.Changes.Objects.Unknown {
		u := &v.Changes.Objects.Unknown[i]
		j := jsonUnknown{Unit: clip(u.Unit, maxPath), Tree: "base", Status: NotRendered, Reason: Message(u.Reason), Objects: u.Objects}
		if u.Head {
			j.Tree = "head"
		}
		if u.Partial {
			j.Status = Partial
		}
		out.Unknown = append(out.Unknown, j)
	}
	return encode(w, out)
}

func toJSONChange(e *changeEntry) jsonChange {
	j := jsonChange{
		Change: string(e.Kind), Object: toJSONObject(e.Object.Ref), Units: clipAll(e.Units), UnitsBefore: clipAll(e.Was),
		File: clip(e.File, maxPath), Line: e.Line, Noise: e.Noise(), Fields: []jsonField{}, MoreFields: e.More, Findings: []string{},
	}
	if e.Object.Before != nil {
		before := toJSONObject(*e.Object.Before)
		j.Before = &before
	}
	if len(e.Objects) > 1 {
		j.ObjectCount = len(e.Objects)
		for _, s := range e.Objects[:min(len(e.Objects), maxObjects)] {
			j.Objects = append(j.Objects, toJSONObject(s.Ref))
		}
	}
	for _, f := range e.fields {
		j.Fields = append(j.Fields, jsonField{Path: f.Path, Change: string(f.Kind), Before: f.Before, After: f.After, Lines: f.Lines, MoreLines: f.MoreLines, Masked: f.Mask != "", Noise: f.Noise})
	}
	for _, f := range e.findings {
		j.Findings = append(j.Findings, f.Fingerprint)
	}
	return j
}
