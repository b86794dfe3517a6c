// Package report writes findings for people and for programs, one file per
// format. It judges nothing: what it is handed is what it says, but no format
// lets a secret value or a control character of the repository through.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/scantling-dev/scantling/lint"
)

// The statuses of a unit.
const (
	Rendered    = "rendered"
	Partial     = "partial"
	NotRendered = "not-rendered"
)

// Unit is what was rendered on its own, and how that went.
type Unit struct {
	// ID is how findings name the unit.
	ID               string
	Kind, Path, Name string
	// Cluster is where the unit is deployed; empty if nothing says so.
	Cluster string
	// Status is one of Rendered, Partial and NotRendered.
	Status string
	// Reason is why the unit is not, or not wholly, rendered.
	Reason  string
	Objects int
}

// Report is all that a format may tell.
type Report struct {
	// Findings are folded and sorted. Suppressed ones are among them, and the
	// fixed ones in a comparison.
	Findings []lint.Finding
	// Rules are all rules that the findings may name. The source line of a
	// finding whose rule is missing here is masked.
	Rules   []*lint.Rule
	Units   []Unit
	Summary Summary
	// Version is scantling's own.
	Version string
	// Source is the text of a file of the head tree, nil when it can't be had.
	// It may be nil itself.
	Source func(file string) []byte
	// Secret says that a line of a text, from 0, may hold a secret, whatever the
	// finding at it is about; nil for none.
	Secret func(lines [][]byte, n int) bool
	// Shard is the part of a run that the report is of; nil for a whole one.
	Shard *Shard
}

// Options are how a report is shown; they change no fact in it.
type Options struct {
	// Color allows escape sequences in the text format.
	Color bool
	// Width is the number of columns for the text format; 0 means 100.
	Width int
}

// Summary is the report in numbers.
type Summary struct {
	Units, Rendered, Partial, NotRendered, Objects int
	// NotRenderedKinds says of which kinds the units are that were not
	// rendered, the most frequent first.
	NotRenderedKinds []KindCount
	// NotFetched counts the charts and bases that only fetch can get.
	NotFetched int
	// Findings counts by severity those that are neither suppressed nor fixed;
	// NewFindings those of them that are new.
	Findings, NewFindings Counts
	// New, Unchanged and Fixed are zero without a base. Suppressed findings
	// are in none of the three.
	New, Unchanged, Fixed, Suppressed int
	// Base names the tree compared with; empty without one.
	Base string
	// Elapsed is told in text only: other formats are the same from run to run.
	Elapsed time.Duration
}

// KindCount is a number of units of one kind.
type KindCount struct {
	Kind  string
	Count int
}

// Counts are numbers of findings by severity.
type Counts [lint.Critical + 1]int

// Summarize counts. Base names the tree that the findings were compared with,
// and is empty when they were not.
func Summarize(findings []lint.Finding, units []Unit, objects int, elapsed time.Duration, base string) Summary {
	s := Summary{Units: len(units), Objects: objects, Elapsed: elapsed, Base: base}
	kinds := map[string]int{}
	for _, u := range units {
		switch u.Status {
		case Rendered:
			s.Rendered++
		case Partial:
			s.Partial++
		default:
			// A status that is not known must not pass as rendered.
			s.NotRendered++
			kinds[u.Kind]++
		}
	}
	for kind, n := range kinds {
		s.NotRenderedKinds = append(s.NotRenderedKinds, KindCount{kind, n})
	}
	slices.SortFunc(s.NotRenderedKinds, func(a, b KindCount) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Kind, b.Kind)
	})
	for i := range findings {
		f := &findings[i]
		switch {
		case f.State == lint.Fixed:
			s.Fixed++
			continue
		case f.Suppressed != nil:
			s.Suppressed++
			continue
		case f.State == lint.New:
			s.New++
		case f.State == lint.Unchanged:
			s.Unchanged++
		}
		severity := min(max(f.Severity, lint.Info), lint.Critical)
		s.Findings[severity]++
		if f.State == lint.New {
			s.NewFindings[severity]++
		}
		if f.Rule == "not-fetched" {
			s.NotFetched++
		}
	}
	return s
}

// maxFindings is how many findings a report holds, the worst of them: nobody
// reads more, and a report must end. The summary counts all.
const maxFindings = 20000

// Formats are the names that Write takes.
func Formats() []string { return []string{"text", "json", "sarif"} }

// Write writes the report in one of the Formats.
func Write(w io.Writer, format string, r *Report, o Options) error {
	switch format {
	case "text":
		return writeText(w, r, o)
	case "json":
		return writeJSON(w, r)
	case "sarif":
		return writeSARIF(w, r)
	}
	return fmt.Errorf("unknown report format %q: it is one of %s", format, strings.Join(Formats(), ", "))
}
