package perf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// document is what was measured.
type document struct {
	Machine      string
	Programs     []string
	Repositories []repository
	Growth       []growth
}

// repository is what was measured in one repository.
type repository struct {
	Name string
	// About says what is in it, Note what was measured that is no ratio.
	About, Note string
	Rows        []row
}

// row is one ratio.
type row struct {
	// What was measured, and Against what; Of and To are their times in seconds.
	What, Against string
	Of, To        float64
	// AtMost or AtLeast is what the ratio is to be; zero for a row without a target.
	AtMost, AtLeast float64
}

// cells are the cells of the row in a table.
func (r row) cells() string {
	ratio, target, verdict := r.Of/r.To, "", ""
	switch {
	case r.AtMost > 0:
		target, verdict = fmt.Sprintf("at most %g", r.AtMost), met(ratio <= r.AtMost)
	case r.AtLeast > 0:
		target, verdict = fmt.Sprintf("at least %g", r.AtLeast), met(ratio >= r.AtLeast)
	}
	return fmt.Sprintf("| %s: %s | %s: %s | %s | %s | %s |", r.What, seconds(r.Of), r.Against, seconds(r.To), number(ratio), target, verdict)
}

func met(ok bool) string {
	if ok {
		return "met"
	}
	return "**missed**"
}

// number prints a number with as many digits as say something.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// seconds prints a time.
func seconds(v float64) string {
	if v < 1 {
		return fmt.Sprintf("%.0f ms", v*1000)
	}
	return number(v) + " s"
}

const (
	begin = "<!-- measured: what is between these marks is written by make bench-report -->"
	end   = "<!-- end of what was measured -->"
)

// markdown is the part of the document that is measured.
func (d *document) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nMeasured on %s, with %s.\n", begin, d.Machine, strings.Join(d.Programs, ", "))
	for _, r := range d.Repositories {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n| measured | against | ratio | target | |\n|---|---|---:|---|---|\n", r.Name, r.About)
		for _, row := range r.Rows {
			fmt.Fprintln(&b, row.cells())
		}
		fmt.Fprintf(&b, "\n%s\n", r.Note)
	}
	if len(d.Growth) > 0 {
		b.WriteString("\n### Growth\n\n" + growthTable(d.Growth))
	}
	return b.String() + "\n" + end
}

// splice puts what was measured in the place of what was measured before, or behind
// the text.
func splice(text []byte, measured string) []byte {
	before, rest, found := bytes.Cut(text, []byte(begin))
	if !found {
		return []byte(strings.TrimLeft(strings.TrimRight(string(text), "\n")+"\n\n"+measured+"\n", "\n"))
	}
	_, after, found := bytes.Cut(rest, []byte(end))
	if !found {
		after = []byte("\n")
	}
	return []byte(string(before) + measured + string(after))
}

func TestSplice(t *testing.T) {
	first := &document{Machine: "a machine", Repositories: []repository{{Name: "shop"}}}
	second := &document{Machine: "another machine"}
	text := splice([]byte("# Speed\n\nBefore.\n"), first.markdown())
	text = append(text, "\nAfter.\n"...)
	text = splice(text, second.markdown())
	if want := "# Speed\n\nBefore.\n\n" + second.markdown() + "\n\nAfter.\n"; string(text) != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
	if got, want := string(splice(nil, second.markdown())), second.markdown()+"\n"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestRow(t *testing.T) {
	for _, c := range []struct {
		row  row
		want string
	}{
		{row{What: "warm", Of: 0.0301, Against: "`git status`", To: 0.02, AtMost: 3}, "| warm: 30 ms | `git status`: 20 ms | 1.50 | at most 3 | met |"},
		{row{What: "warm", Of: 12.345, Against: "`git status`", To: 2, AtMost: 3}, "| warm: 12.3 s | `git status`: 2.00 s | 6.17 | at most 3 | **missed** |"},
		{row{What: "by hand", Of: 499, Against: "cold", To: 100, AtLeast: 5}, "| by hand: 499 s | cold: 100 s | 4.99 | at least 5 | **missed** |"},
		{row{What: "cold", Of: 1, Against: "units", To: 4}, "| cold: 1.00 s | units: 4.00 s | 0.25 |  |  |"},
	} {
		if got := c.row.cells(); got != c.want {
			t.Errorf("%s\nwant\n%s", got, c.want)
		}
	}
}
