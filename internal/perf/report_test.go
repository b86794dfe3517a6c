// Package perf measures how long scantling takes beside what it cannot do without,
// rendering, and beside what somebody would do by hand. It is a report and no test:
// nothing fails because a machine is slow.
package perf

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestReport measures scantling on the repositories that SCANTLING_BENCH lists and
// writes docs/performance.md, or the file that SCANTLING_BENCH_OUT names.
func TestReport(t *testing.T) {
	repositories := filepath.SplitList(os.Getenv("SCANTLING_BENCH"))
	if len(repositories) == 0 {
		t.Skip("SCANTLING_BENCH lists no repository")
	}
	out := os.Getenv("SCANTLING_BENCH_OUT")
	if out == "" {
		out = filepath.Join("..", "..", "docs", "performance.md")
	}
	out, err := filepath.Abs(out)
	if err != nil {
		t.Fatal(err)
	}
	for i, dir := range repositories {
		if repositories[i], err = filepath.Abs(dir); err != nil {
			t.Fatal(err)
		}
	}
	b := newBench(t)
	d := &document{Machine: machine(t), Programs: b.versions(t)}
	for _, dir := range repositories {
		d.Repositories = append(d.Repositories, b.measure(t, dir))
	}
	d.Growth = b.growth(t)
	text, err := os.ReadFile(out)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.WriteFile(out, splice(text, d.markdown()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// measure measures one repository, on a copy.
func (b *bench) measure(t *testing.T, dir string) repository {
	c := b.copyOf(t, dir)
	t.Logf("%s: %d units", c.name, len(c.units))
	r := repository{Name: c.name, About: c.about()}
	cold := b.cold(t, c)
	r.Rows = append(r.Rows, b.rendering(t, c, cold)...)
	r.Note = fmt.Sprintf("The largest process of the cold run had %.0f MiB at its peak.", b.memory(t, b.lint(c, 1, "--no-cache")))
	r.Rows = append(r.Rows, b.byHand(t, c, cold)...)
	warm, rows := b.warm(t, c, cold)
	r.Rows = append(r.Rows, rows...)
	r.Rows = append(r.Rows, b.changes(t, c, cold, warm)...)
	for _, row := range r.Rows {
		t.Logf("%s: %s", c.name, row.cells())
	}
	return r
}
