package report

import (
	"io"

	"github.com/scantling-dev/scantling/lint"
)

// The types below are version 1 of the JSON report, which other programs read:
// fields may be added, but none renamed, removed or given another meaning.
//
// What is for people (message, fix, what, reason) is escaped as in the text
// report, so that a program may print it as it is. What identifies something
// (file, path, the object's fields, units) is as it is in the repository, up to
// a length that no real name has; what in it is not UTF-8 becomes U+FFFD.

type jsonReport struct {
	Version  int           `json:"version"`
	Findings []jsonFinding `json:"findings"`
	Units    []jsonUnit    `json:"units"`
	Summary  jsonSummary   `json:"summary"`
	// Shard is there in the report of one part of a run.
	Shard *jsonShard `json:"shard,omitempty"`
}

type jsonFinding struct {
	Rule      string     `json:"rule"`
	Severity  string     `json:"severity"`
	Message   string     `json:"message"`
	State     lint.State `json:"state,omitempty"`
	File      string     `json:"file"`
	Line      int        `json:"line"`
	Column    int        `json:"column"`
	EndLine   int        `json:"endLine"`
	EndColumn int        `json:"endColumn"`
	Exact     bool       `json:"exact"`
	// Missing is what would have to be added at the place, and Key the key of a
	// chart's values that sets the field, or would.
	Missing string      `json:"missing,omitempty"`
	Key     string      `json:"key,omitempty"`
	Object  *jsonObject `json:"object"`
	// Objects are all objects with this one cause, Object among them, if there
	// are several: the first of them, and how many there are.
	Objects     []jsonObject     `json:"objects,omitempty"`
	ObjectCount int              `json:"objectCount,omitempty"`
	Path        string           `json:"path"`
	Units       []string         `json:"units"`
	Fingerprint string           `json:"fingerprint"`
	Fix         string           `json:"fix"`
	Via         []jsonStep       `json:"via"`
	Suppressed  *jsonSuppression `json:"suppressed"`
}

// maxObjects is how many objects of one finding are listed.
const maxObjects = 50

type jsonObject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

type jsonStep struct {
	File string `json:"file"`
	Line int    `json:"line"`
	What string `json:"what"`
}

type jsonSuppression struct {
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
	File   string `json:"file"`
	Line   int    `json:"line"`
}

type jsonUnit struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Path    string `json:"path"`
	Name    string `json:"name,omitempty"`
	Cluster string `json:"cluster,omitempty"`
	Status  string `json:"status"`
	Reason  string `json:"reason,omitempty"`
	Objects int    `json:"objects"`
}

type jsonSummary struct {
	Units       int        `json:"units"`
	Rendered    int        `json:"rendered"`
	Partial     int        `json:"partial"`
	NotRendered int        `json:"notRendered"`
	Objects     int        `json:"objects"`
	Findings    jsonCounts `json:"findings"`
	Base        string     `json:"base,omitempty"`
	// Nil without a base: nothing is known then of what is new.
	New        *int `json:"new,omitempty"`
	Unchanged  *int `json:"unchanged,omitempty"`
	Fixed      *int `json:"fixed,omitempty"`
	Suppressed int  `json:"suppressed"`
	// Truncated is how many findings the report leaves out because there are
	// too many. The other numbers count them.
	Truncated int `json:"truncated,omitempty"`
}

type jsonCounts struct {
	Critical int `json:"critical,omitempty"`
	High     int `json:"high,omitempty"`
	Medium   int `json:"medium,omitempty"`
	Low      int `json:"low,omitempty"`
	Info     int `json:"info,omitempty"`
}

func writeJSON(w io.Writer, r *Report) error {
	s := r.Summary
	kept, left := worst(r.Findings, maxFindings, nil)
	out := jsonReport{
		Version:  1,
		Findings: make([]jsonFinding, 0, len(kept)),
		Units:    make([]jsonUnit, 0, len(r.Units)),
		Summary: jsonSummary{
			Units: s.Units, Rendered: s.Rendered, Partial: s.Partial, NotRendered: s.NotRendered, Objects: s.Objects,
			Findings: jsonCounts{
				Critical: s.Findings[lint.Critical], High: s.Findings[lint.High], Medium: s.Findings[lint.Medium],
				Low: s.Findings[lint.Low], Info: s.Findings[lint.Info],
			},
			Base: s.Base, Suppressed: s.Suppressed, Truncated: left,
		},
	}
	if s.Base != "" {
		out.Summary.New, out.Summary.Unchanged, out.Summary.Fixed = &s.New, &s.Unchanged, &s.Fixed
	}
	for _, i := range kept {
		out.Findings = append(out.Findings, toJSON(&r.Findings[i]))
	}
	for _, u := range r.Units {
		out.Units = append(out.Units, jsonUnit{
			ID: clip(u.ID, maxPath), Kind: u.Kind, Path: clip(u.Path, maxPath), Name: clip(u.Name, maxPath), Cluster: clip(u.Cluster, maxPath),
			Status: u.Status, Reason: Message(u.Reason), Objects: u.Objects,
		})
	}
	if s := r.Shard; s != nil {
		out.Shard = &jsonShard{s.Index, s.Of, s.Given}
	}
	return encode(w, out)
}

func toJSON(f *lint.Finding) jsonFinding {
	out := jsonFinding{
		Rule: f.Rule, Severity: f.Severity.String(), Message: Message(f.Message), State: f.State,
		File: clip(f.Origin.File, maxPath), Line: f.Origin.Line, Column: f.Origin.Column,
		EndLine: f.Origin.EndLine, EndColumn: f.Origin.EndColumn, Exact: f.Origin.Exact,
		Missing: clip(f.Origin.Missing, maxMessage), Key: clip(f.Origin.Key, maxMessage),
		Path: clip(f.Path, maxMessage), Units: clipAll(f.Units), Fingerprint: f.Fingerprint, Fix: Message(f.Fix),
		Via: make([]jsonStep, 0, len(f.Origin.Via)),
	}
	if objects := f.Objects(); len(objects) > 0 {
		first := toJSONObject(objects[0])
		out.Object = &first
		if len(objects) > 1 {
			out.ObjectCount = len(objects)
			for _, o := range objects[:min(len(objects), maxObjects)] {
				out.Objects = append(out.Objects, toJSONObject(o))
			}
		}
	}
	for _, s := range steps(f.Origin) {
		out.Via = append(out.Via, jsonStep{clip(s.File, maxPath), s.Line, Message(s.What)})
	}
	if s := f.Suppressed; s != nil {
		out.Suppressed = &jsonSuppression{s.Kind, Message(s.Reason), clip(s.Place.File, maxPath), s.Place.Line}
	}
	return out
}

func toJSONObject(o lint.Ref) jsonObject {
	return jsonObject{clip(o.APIVersion, maxMessage), clip(o.Kind, maxMessage), clip(o.Namespace, maxMessage), clip(o.Name, maxMessage)}
}

func clipAll(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = clip(p, maxPath)
	}
	return out
}
