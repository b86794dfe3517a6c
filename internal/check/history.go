package check

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/render"
	"github.com/scantling-dev/scantling/rules"
	"github.com/scantling-dev/scantling/secrets"
)

// historyRule is the rule that says what the commits since the base held.
const historyRule = "secret-in-history"

// past judges what the commits of a history brought and took away again.
type past struct {
	run     *run
	config  *config.Config
	linter  *lint.Linter
	history *source.History
	// tree and base are what the history leads to, and where it began.
	tree, base *lint.Tree
	// known are the findings in tree, those that are excused included, by place and
	// by text.
	known map[known]bool
	// kept are the digests of all files of tree and base: what was only renamed is
	// not gone.
	kept  func() map[string]bool
	lines map[string][][]byte // of the files of tree
}

// known is what a finding is recognised by: where it is, or the lines that it is
// about.
type known struct{ rule, file, key, text string }

// pastFile is a file as a commit left it.
type pastFile struct {
	commit string
	source.Change
}

// shortHash is what people know a commit by.
func shortHash(hash string) string { return hash[:min(len(hash), 7)] }

// remember finds what the commits since the base brought that neither the tree
// nor the base holds, and says what of them could not be read.
func (r *run) remember(ctx context.Context, c *config.Config, s Source, t *lint.Tree, found []lint.Finding) []lint.Finding {
	all := Rules()
	at := slices.IndexFunc(all, func(rule *lint.Rule) bool { return rule.ID == historyRule })
	if s.History == nil || t.Base == nil || at < 0 || !c.Selection.On(all[at]) {
		return nil
	}
	h, err := s.History()
	if err != nil {
		return r.unread("the commits since the base could not be read: "+err.Error(), "")
	}
	p := &past{run: r, config: c, history: h, tree: t, base: t.Base, known: map[known]bool{}, lines: map[string][][]byte{}}
	if p.linter, err = leaks(all, c.Selection); err != nil {
		return r.unread("the commits since the base could not be judged: "+err.Error(), "")
	}
	p.kept = sync.OnceValue(p.contents)
	p.recognise(found)
	problems := p.problems()
	versions := p.versions()
	judged, failed := p.judge(ctx, versions)
	problems = append(problems, failed...)
	t.Past = append(p.gone(versions, judged), p.messages()...)
	return problems
}

// unread is the problem of a history that is not known, or not wholly.
func (r *run) unread(message, fix string) []lint.Finding {
	if fix == "" {
		fix = "Get the whole history with `git fetch --unshallow`, or with `fetch-depth: 0` for actions/checkout; `git fsck` shows what is damaged."
	}
	f, ok := r.linter.Problem("git", message, fix, manifest.Span{}, "")
	if !ok {
		return nil
	}
	return []lint.Finding{f}
}

// leaks is a linter of the rules whose findings stay true in the history.
func leaks(all []*lint.Rule, selected lint.Selection) (*lint.Linter, error) {
	leaking := slices.DeleteFunc(slices.Clone(all), func(rule *lint.Rule) bool { return !secrets.Leaks(rule) })
	set := map[string]lint.Setting{}
	for _, rule := range leaking {
		if s, ok := selected.Rules[rule.ID]; ok {
			set[rule.ID] = s
		}
	}
	return lint.NewLinter(leaking, lint.Selection{Profiles: selected.Profiles, Rules: set})
}

// maxUnread is how many commits that can't be read are named.
const maxUnread = 5

func (p *past) problems() []lint.Finding {
	var problems []lint.Finding
	if err := p.history.Incomplete; err != nil {
		problems = p.run.unread("not all commits since the base were judged: "+err.Error(), "Name a base that is nearer.")
	}
	named := 0
	for _, c := range p.history.Commits {
		if c.Err == nil {
			continue
		}
		if named++; named > maxUnread {
			continue
		}
		problems = append(problems, p.run.unread("what commit "+shortHash(c.Hash)+" changed could not be read, or not wholly: "+c.Err.Error(), "")...)
	}
	return problems
}

// versions are the files that the commits left, each content under each name once,
// without those that the base and what is left out of a run have.
func (p *past) versions() []pastFile {
	type content struct {
		name   string
		digest source.Digest
	}
	seen := map[content]bool{}
	var list []pastFile
	for _, c := range p.history.Commits {
		for _, change := range c.Changes {
			at := content{change.Name, change.Digest}
			if seen[at] || isBinaryName(change.Name) || render.Excluded(change.Name, p.config.Exclude) || !p.run.concerns(change.Name) {
				continue
			}
			seen[at] = true
			if before, err := p.base.Digest(change.Name); err == nil && before == string(change.Digest) {
				continue
			}
			list = append(list, pastFile{shortHash(c.Hash), change})
		}
	}
	return list
}

// leak is a finding in a version of a file, and the lines that it is about.
type leak struct {
	lint.Finding
	lines [][]byte
}

func (l *leak) text() string { return string(bytes.Join(l.lines, []byte("\n"))) }

// judge runs the rules over versions of files, several at a time.
func (p *past) judge(ctx context.Context, versions []pastFile) (judged [][]leak, problems []lint.Finding) {
	judged = make([][]leak, len(versions))
	failed := make([][]lint.Finding, len(versions))
	unread := make([]error, len(versions))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(versions) {
					return
				}
				data, err := p.history.Read(versions[i].Change)
				if err != nil {
					unread[i] = err
				} else if !isBinary(data) {
					judged[i], failed[i] = p.file(versions[i].Name, data)
				}
			}
		})
	}
	wg.Wait()
	problems = slices.Concat(failed...)
	named := 0
	for i, err := range unread {
		// What is too large is no text that somebody wrote, here as in the tree.
		if err == nil || errors.Is(err, source.ErrTooLarge) {
			continue
		}
		if named++; named <= maxUnread {
			problems = append(problems, p.run.unread("what commit "+versions[i].commit+" changed could not be read: "+err.Error(), "")...)
		}
	}
	return judged, problems
}

// file judges one version of a file. failed are the rules that could not.
func (p *past) file(name string, data []byte) (leaks []leak, failed []lint.Finding) {
	f := lint.NewFile(name, data)
	findings := p.linter.File(&lint.Tree{}, f)
	if f.Contains("kind") && f.Contains("apiVersion") {
		docs, _ := f.Documents()
		for _, doc := range docs {
			for _, o := range manifest.Objects(doc, manifest.Origin{Span: manifest.Span{File: name}, Exact: true}, nil) {
				// Nobody renders the past: what stands there counts as deployed.
				findings = append(findings, p.linter.Object(o, lint.Unit{})...)
				findings = append(findings, p.linter.Written(o)...)
			}
		}
	}
	if len(findings) == 0 {
		return nil, nil
	}
	source := func(string) []byte { return data }
	lint.Locate(findings, source)
	findings = superseded(findings, Rules())
	// What excuses a finding excused it then, too.
	suppressor := lint.NewSuppressor(Rules(), source).Honour(rules.Ours)
	findings = suppressor.Comments(suppressor.Annotations(findings, nil, nil), nil)
	findings = lint.Fold(suppressor.Configured(findings, p.config.Ignore))
	lines := linesOf(data)
	for _, f := range findings {
		switch {
		case f.Rule == "internal":
			f.Origin.Span = manifest.Span{File: name}
			failed = append(failed, f)
		case f.Suppressed == nil && f.Severity >= lint.High && p.run.secret[f.Rule]:
			leaks = append(leaks, leak{f, passage(lines, f.Origin.Span)})
		}
	}
	return leaks, failed
}

// gone are the leaks of which nothing is left, each under the first commit that
// had it.
func (p *past) gone(versions []pastFile, judged [][]leak) []lint.Past {
	seen := map[known]string{} // by the commit
	var list []lint.Past
	for i, v := range versions {
		for _, l := range judged[i] {
			at, anywhere := known{l.Rule, v.Name, l.Path, l.text()}, known{rule: l.Rule, text: l.text()}
			if seen[at] != "" || seen[anywhere] != "" && seen[anywhere] != v.commit || p.kept()[string(v.Digest)] || p.holds(v.Name, &l) {
				continue
			}
			seen[at], seen[anywhere] = v.commit, v.commit
			was := lint.Past{Commit: v.commit, Finding: lint.Finding{Rule: l.Rule, Severity: l.Severity, Message: l.Message, Path: l.Path}}
			was.Origin.File = v.Name
			list = append(list, was)
		}
	}
	return list
}

// messages are the credentials in what was written about the commits.
func (p *past) messages() []lint.Past {
	var list []lint.Past
	if len(p.run.paths) > 0 {
		return nil
	}
	for _, c := range p.history.Commits {
		for _, name := range secrets.InMessage(c.Message) {
			list = append(list, lint.Past{Commit: shortHash(c.Hash), Finding: lint.Finding{Message: name, Severity: lint.High}})
		}
	}
	return list
}

func (p *past) contents() map[string]bool {
	kept := map[string]bool{}
	for _, t := range []*lint.Tree{p.tree, p.base} {
		for _, name := range t.Files {
			if d, err := t.Digest(name); err == nil {
				kept[d] = true
			}
		}
	}
	return kept
}

// recognise takes in what was found in the tree.
func (p *past) recognise(found []lint.Finding) {
	for i := range found {
		f := &found[i]
		if !p.run.secret[f.Rule] || f.Origin.File == "" {
			continue
		}
		p.known[known{rule: f.Rule, file: f.Origin.File, key: f.Path}] = true
		if l := (leak{*f, passage(p.linesOf(f.Origin.File), f.Origin.Span)}); telling(l.lines) {
			p.known[known{text: l.text()}] = true
		}
	}
}

// holds says that the tree or its base has what a finding in the past is about:
// the same finding in the file, or the same lines in it, or in a file that they
// were moved to.
func (p *past) holds(name string, l *leak) bool {
	if p.known[known{rule: l.Rule, file: name, key: l.Path}] {
		return true
	}
	if !telling(l.lines) {
		return false
	}
	if p.known[known{text: l.text()}] || contains(p.linesOf(name), l.lines) {
		return true
	}
	data, err := p.base.ReadFile(name)
	return err == nil && contains(linesOf(data), l.lines)
}

// linesOf are the lines of a file of the tree; none if it has no such file.
func (p *past) linesOf(name string) [][]byte {
	lines, ok := p.lines[name]
	if !ok {
		if data, err := p.tree.ReadFile(name); err == nil {
			lines = linesOf(data)
		}
		p.lines[name] = lines
	}
	return lines
}
