package lint

import (
	"slices"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
)

func TestFileAgain(t *testing.T) {
	var called []string
	looked := 0
	rule := func(id string, check func(*TreePass)) *Rule {
		return &Rule{ID: id, Title: "t", Why: "w", Fix: "f", Since: "0.1.0", Category: Secrets, CheckFile: func(p *TreePass) {
			called = append(called, id)
			check(p)
		}}
	}
	l, err := NewLinter([]*Rule{
		rule("silent", func(*TreePass) {}),
		rule("reports", func(p *TreePass) { p.Report(manifest.Span{File: p.File.Name, Line: 1}, "key", "wrong") }),
		rule("asks", func(p *TreePass) { p.Tree().Has("other.yaml") }),
		rule("searches", func(p *TreePass) {
			p.Tree()
			p.Nothing("word", func() bool {
				looked++
				return !p.File.Contains("word")
			})
		}),
		rule("panics", func(*TreePass) { panic("broken") }),
	}, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	again := []string{"reports", "asks", "searches", "panics"}
	judge := func(data string, known *Verdict, want []string, wantLooked int) *Verdict {
		t.Helper()
		called, looked = nil, 0
		findings, now := l.FileAgain(&Tree{}, NewFile("file.yaml", []byte(data)), known)
		if len(findings) != 2 || findings[0].Rule != "reports" || findings[1].Rule != "internal" {
			t.Errorf("findings %v", findings)
		}
		if !slices.Equal(called, want) || looked != wantLooked {
			t.Errorf("called %v, looked %d times; want %v, %d", called, looked, want, wantLooked)
		}
		if !slices.Equal(now.Again, again) {
			t.Errorf("again %v", now.Again)
		}
		return now
	}
	all := append([]string{"silent"}, again...)
	known := judge("nothing", nil, all, 1)
	if !slices.Equal(known.Nothing, []string{"word"}) {
		t.Errorf("nothing %v", known.Nothing)
	}
	known = judge("nothing", known, again, 0)
	judge("nothing", known, again, 0)
	known = judge("a word", nil, all, 1)
	if len(known.Nothing) > 0 {
		t.Errorf("nothing %v", known.Nothing)
	}
	judge("a word", known, again, 1)
}
