package check

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/internal/store"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/render"
)

// filesOf is a tree as the rules on files see it. What was fetched from elsewhere
// and lies in the repository is not its own.
func filesOf(tree source.Tree, c *config.Config, kept *store.Store) (*lint.Tree, error) {
	listing, err := tree.Files()
	if err != nil {
		return nil, fmt.Errorf("listing the files of %s: %w", tree.Ref(), err)
	}
	t := &lint.Tree{
		ReadFile: newTexts(tree.ReadFile).read,
		Digest: func(name string) (string, error) {
			d, err := tree.Digest(name)
			return string(d), err
		},
	}
	for _, f := range listing.Files {
		if f.Symlink || render.Excluded(f.Name, c.Exclude) || kept != nil && kept.Lock().Vendored(f.Name) {
			continue
		}
		t.Files = append(t.Files, f.Name)
	}
	return t, nil
}

// maxText is how large a file may be that is kept for whoever reads it next, and
// maxTexts how much is kept in all.
const (
	maxText  = 1 << 20
	maxTexts = 32 << 20
)

// texts keep what is read of a tree's files: some rules look for a word in every
// file before others judge each, and to open a file takes longer than that.
type texts struct {
	from func(name string) ([]byte, error)

	mu   sync.Mutex
	kept map[string][]byte
	size int
}

func newTexts(from func(name string) ([]byte, error)) *texts {
	return &texts{from: from, kept: map[string][]byte{}}
}

// read is a file's content, which several share: it is not to be changed.
func (t *texts) read(name string) ([]byte, error) {
	t.mu.Lock()
	data, ok := t.kept[name]
	t.mu.Unlock()
	if ok {
		return data, nil
	}
	data, err := t.from(name)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.kept[name]; !ok && len(data) <= maxText && t.size+len(data) <= maxTexts {
		t.kept[name] = data
		t.size += len(data)
	}
	return data, nil
}

// files runs the rules on files over a tree: those that the paths concern, or
// that a unit read.
func (r *run) files(ctx context.Context, t *lint.Tree) []lint.Finding {
	t.Readers = func(name string) []lint.Reader { return r.readers[name] }
	for _, readers := range r.readers {
		slices.SortFunc(readers, func(a, b lint.Reader) int { return cmp.Compare(a.ID, b.ID) })
	}
	var wanted []string
	for _, name := range t.Files {
		if r.concerns(name) && !isBinaryName(name) {
			wanted = append(wanted, name)
		}
	}
	// What the first rule asks of all files it would read one after the other.
	inParallel(len(wanted), func(i int) { _, _ = t.ReadFile(wanted[i]) })
	known := r.memory.verdicts()
	found := make([][]lint.Finding, len(wanted))
	inParallel(len(wanted), func(i int) {
		if ctx.Err() != nil {
			return
		}
		// What can't be read is said where it is rendered.
		data, err := t.ReadFile(wanted[i])
		if err != nil || isBinary(data) {
			return
		}
		found[i] = known.judge(r.linter, t, lint.NewFile(wanted[i], data))
	})
	return slices.Concat(found...)
}

// trees runs the rules that judge the files together.
func (r *run) trees(t *lint.Tree) []lint.Finding {
	return slices.DeleteFunc(r.linter.Tree(t), func(f lint.Finding) bool { return !r.concerns(f.Origin.File) })
}

// concerns says that a file is among what was asked for.
func (r *run) concerns(name string) bool {
	return len(r.paths) == 0 || len(r.readers[name]) > 0 || slices.ContainsFunc(r.paths, func(p string) bool {
		return p == "." || name == p || strings.HasPrefix(name, p+"/")
	})
}

// isBinaryName spares reading what is no text by its name.
func isBinaryName(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".ico", ".webp", ".pdf", ".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".jar", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp3", ".mp4", ".mov", ".so", ".exe", ".bin":
		return true
	}
	return false
}

// isBinary says so as git does: by a zero byte near the beginning.
func isBinary(data []byte) bool {
	return bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0
}

// superseded leaves out what a better finding says of the same line, which takes
// its severity and its units. Of one rule's two the one on what is deployed says
// more than the one on the file.
func superseded(findings []lint.Finding, rules []*lint.Rule) []lint.Finding {
	type at struct {
		rule, file string
		line       int
	}
	better := map[string][]string{} // by the rule that yields
	for _, r := range rules {
		for _, id := range r.Supersedes {
			better[id] = append(better[id], r.ID)
		}
	}
	places, deployed := map[at]int{}, map[at]int{}
	for i := range findings {
		f := &findings[i]
		if o := f.Origin; o.Line > 0 {
			places[at{f.Rule, o.File, o.Line}] = i
			if f.Object.Kind != "" {
				deployed[at{f.Rule, o.File, o.Line}] = i
			}
		}
	}
	kept := make([]lint.Finding, 0, len(findings))
	yielded := make([]bool, len(findings))
	for i, f := range findings {
		yield := func(places map[at]int, rule string) {
			if n, ok := places[at{rule, f.Origin.File, f.Origin.Line}]; ok {
				over := &findings[n]
				if !over.Mild {
					over.Severity = max(over.Severity, f.Severity)
				}
				over.Units = append(over.Units, f.Units...)
				yielded[i] = true
			}
		}
		for _, rule := range better[f.Rule] {
			yield(places, rule)
		}
		if f.Object.Kind == "" {
			yield(deployed, f.Rule)
		}
	}
	for i, f := range findings {
		if !yielded[i] {
			kept = append(kept, f)
		}
	}
	return kept
}
