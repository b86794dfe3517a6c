package lint

import "slices"

// Verdict is what is known of a file from its name and its content alone, under one
// set of rules and one configuration. It holds nothing of what was found.
type Verdict struct {
	// Again are the rules that have to look at the file whatever is known: they
	// reported something, or asked what is around it.
	Again []string
	// Nothing names what was looked for in vain: see TreePass.Nothing.
	Nothing []string
}

// Nothing says that there is nothing of some kind in the file. look says so, and
// reports what there is; it is not called where another run found nothing in the
// same file. It must go by the file's name and content alone, and key tells what it
// looks for from all else that rules look for.
func (p *TreePass) Nothing(key string, look func() bool) bool {
	if p.verdict == nil || !slices.Contains(p.verdict.Nothing, key) {
		if !look() {
			return false
		}
	}
	p.nothing = append(p.nothing, key)
	return true
}

// File judges one file of a tree.
func (l *Linter) File(t *Tree, f *File) []Finding {
	findings, _ := l.FileAgain(t, f, nil)
	return findings
}

// FileAgain is File for a file of which something may be known, nil for nothing. It
// gives what is known of it now.
func (l *Linter) FileAgain(t *Tree, f *File, known *Verdict) ([]Finding, *Verdict) {
	var findings []Finding
	now := &Verdict{}
	for _, r := range l.files {
		if known != nil && !slices.Contains(known.Again, r.rule.ID) {
			continue
		}
		p := &TreePass{tree: t, File: f, verdict: known, report: func(f Finding) { findings = append(findings, f) }}
		before := len(findings)
		l.runTree(r, p, r.rule.CheckFile)
		if p.asked || len(findings) > before {
			now.Again = append(now.Again, r.rule.ID)
		}
		now.Nothing = append(now.Nothing, p.nothing...)
	}
	return findings, now
}
