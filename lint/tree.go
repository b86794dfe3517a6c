package lint

import (
	"bytes"
	"fmt"
	"sort"
	"sync"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// Tree is a repository as the rules on files see it: its files, and how what is
// deployed uses them. It is safe for concurrent use.
type Tree struct {
	// Files are the names of all files that belong to the repository, slash paths
	// from its root, sorted. What the configuration leaves out is not among them,
	// nor are symbolic links: what they lead to has a name of its own.
	Files []string
	// ReadFile reads a file, symbolic links followed.
	ReadFile func(name string) ([]byte, error)
	// Digest identifies the content of a file without its being read, where git
	// knows it; nil for a tree that has none.
	Digest func(name string) (string, error)
	// Readers are the units that read a file, in order; nil for none.
	Readers func(name string) []Reader
	// Base is the tree that this one is compared with; nil for none.
	Base *Tree
	// Verify says what is wrong with a file that SOPS encrypted, as only a key
	// shows; nil for a tree without keys. The error holds no value. Of a file for
	// other keys it is nil.
	Verify func(name string) error
	// Past is what the commits since the base added and took away again.
	Past []Past

	shared sync.Map
}

// Reader is a unit that reads a file.
type Reader struct {
	Unit
	// Kind is what the unit is: "helm", "kustomize", "flux", "manifests" and so
	// on, as `scantling units` names it.
	Kind string
}

// Shared is what make gives, made once for all that ask the tree for the same
// key. Keys are of a type of the caller's own.
func (t *Tree) Shared(key any, make func() any) any {
	once, _ := t.shared.LoadOrStore(key, sync.OnceValue(make))
	return once.(func() any)()
}

// Has says that a file of this name belongs to the tree.
func (t *Tree) Has(name string) bool {
	i := sort.SearchStrings(t.Files, name)
	return i < len(t.Files) && t.Files[i] == name
}

// File is a file of the tree, or of a commit, as text.
type File struct {
	// Name is a slash path from the repository's root.
	Name string
	Data []byte

	lines  []int // the offset at which each line begins, once it is asked for
	docs   func() ([]*yaml.Node, []*manifest.ReadError)
	shared map[any]any
}

// NewFile is a file with the given content.
func NewFile(name string, data []byte) *File {
	f := &File{Name: name, Data: data}
	f.docs = sync.OnceValues(func() ([]*yaml.Node, []*manifest.ReadError) { return manifest.Parse(data) })
	return f
}

// Documents are the YAML or JSON documents of the file, read once for all rules.
// That takes far longer than to look for a word in Data, so a rule looks first.
// What could not be read is missing; the errors say so.
func (f *File) Documents() ([]*yaml.Node, []*manifest.ReadError) { return f.docs() }

// Shared is what make gives, made once for all rules that ask the file for the
// same key. Keys are of a type of the caller's own. The rules judge a file one
// after the other.
func (f *File) Shared(key any, make func() any) any {
	v, ok := f.shared[key]
	if !ok {
		v = make()
		if f.shared == nil {
			f.shared = map[any]any{}
		}
		f.shared[key] = v
	}
	return v
}

// Contains says that the file's bytes hold a text.
func (f *File) Contains(text string) bool { return bytes.Contains(f.Data, []byte(text)) }

// At is the place of bytes of the file.
func (f *File) At(offset, length int) manifest.Span {
	if f.lines == nil {
		f.lines = append(f.lines, 0)
		for i, c := range f.Data {
			if c == '\n' {
				f.lines = append(f.lines, i+1)
			}
		}
	}
	line, column := f.position(offset)
	endLine, endColumn := f.position(offset + length)
	return manifest.Span{File: f.Name, Line: line, Column: column, EndLine: endLine, EndColumn: endColumn}
}

func (f *File) position(offset int) (line, column int) {
	offset = max(0, min(offset, len(f.Data)))
	line = sort.SearchInts(f.lines, offset+1)
	return line, utf8.RuneCount(f.Data[f.lines[line-1]:offset]) + 1
}

// Node is the place of a node of one of the file's documents.
func (f *File) Node(n *yaml.Node) manifest.Span {
	return manifest.Span{File: f.Name, Line: n.Line, Column: n.Column}
}

// TreePass is what a rule on files sees while it runs, and the way to report.
type TreePass struct {
	Rule *Rule
	// File is the file to judge; nil in CheckTree.
	File *File

	tree     *Tree
	asked    bool     // for the tree
	verdict  *Verdict // what is known of File; nil for nothing
	nothing  []string // what was found out about it
	severity Severity
	fixed    bool // the configuration sets the severity
	options  map[string][]string
	report   func(Finding)
}

// Tree is the repository. Its lists are empty where only a file is known, as in a
// commit of the past. A rule on a file that asks for it has to judge the same file
// again in the next run, so it asks last.
func (p *TreePass) Tree() *Tree {
	p.asked = true
	return p.tree
}

// Option is the value of one of the rule's options: what the configuration
// sets, else the default.
func (p *TreePass) Option(name string) []string { return optionOf(p.Rule, p.options, name) }

// Report says that the rule is broken at a place of a file. key says which part of
// the file it is, such as "stringData.password" or "env[DB_PASSWORD]": with the
// file's name it is what the finding is known by in another commit, so it holds no
// line number and never a value. The message is one clause without a full stop; it
// never holds a secret value, its length or a digest of it.
func (p *TreePass) Report(at manifest.Span, key, format string, args ...any) {
	p.ReportAs(p.severity, at, key, format, args...)
}

// ReportAs is Report with a severity of the case's own. A severity that the
// configuration sets for the rule still holds.
func (p *TreePass) ReportAs(s Severity, at manifest.Span, key, format string, args ...any) {
	p.ReportFix(s, at, key, "", format, args...)
}

// ReportFix is ReportAs with a remedy of the case's own, such as the command that
// mends it; empty for the rule's.
func (p *TreePass) ReportFix(s Severity, at manifest.Span, key, fix, format string, args ...any) {
	p.report(p.finding(s, at, key, fix, format, args...))
}

func (p *TreePass) finding(s Severity, at manifest.Span, key, fix, format string, args ...any) Finding {
	if p.fixed {
		s = p.severity
	}
	if fix == "" {
		fix = p.Rule.Fix
	}
	return Finding{
		Rule:     p.Rule.ID,
		Severity: s,
		Mild:     s < p.severity && !p.fixed,
		Message:  fmt.Sprintf(format, args...),
		Fix:      fix,
		Path:     key,
		Origin:   manifest.Origin{Span: at, Exact: at.Line > 0},
		stable:   key,
		settled:  true,
	}
}
