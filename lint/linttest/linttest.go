// Package linttest runs a rule over its own examples.
//
// An example is a stream of manifests. Comments in it that stand alone on a line
// say under which conditions it holds:
//
//	# options: max=3 labels=app,owner     the rule's options
//	# kubernetes: 1.24                    the version that it is judged for
//	# unit: bare                          the objects come from a chart that nobody installs
//	# unit: reconciled                    Flux or Argo CD deploys them
//	# incomplete                          not all that the repository deploys is known
//
// A line at which the rule must report ends with "# want", "# want: text", text
// being part of the message, or "# want high: text" with the severity. The rule
// does not see the mark.
//
// An example for a rule on files may be several: the first part of their names,
// such as "bad-two", is the example, the rest the name in the tree. Six names
// have a meaning of their own:
//
//	bad-two/@base/NAME   a file of the tree that the example is compared with
//	bad-two/@want        marks for files in which none can be written, each as
//	                     "NAME:LINE", "NAME:LINE: text" or "NAME:LINE high: text"
//	bad-two/@readers     which units read a file, each as "NAME KIND UNIT"
//	bad-two/@past        what commits since the base held, each as "COMMIT NAME RULE
//	                     SEVERITY KEY MESSAGE", with "-" for no NAME and no RULE
//	bad-two/@units       what deploys the objects of a file, each as "NAME OBJECT",
//	                     OBJECT being another one's kind and name: "Kustomization/apps"
//	bad-two/@verify      what a key shows to be wrong, each as "NAME ERROR"
//	bad-two/@patch/NAME  what an overlay merges into the objects of a file
package linttest

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/version"
)

var (
	want      = regexp.MustCompile(`# want(?: (\w+))?(?:: (.*))?$`)
	elsewhere = regexp.MustCompile(`^(.*?):(\d+)(?: (\w+))?(?:: (.*))?$`)
	condition = regexp.MustCompile(`^# (options|kubernetes|unit|incomplete)(?:: (.*))?$`)
)

// Run checks every rule against its examples: each "bad" file must give exactly
// the findings that its "# want" comments mark, each "good" file none, and a
// rule must have at least one of both. A rule that reports nothing must fail its
// examples, and so must one that is called for no object.
func Run(t *testing.T, rules []*lint.Rule) {
	t.Helper()
	if err := lint.Validate(rules); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			for _, fault := range faults(r) {
				t.Error(fault)
			}
			emptied := *r
			if r.Check != nil {
				emptied.Check = func(*lint.Pass) {}
			}
			if r.CheckAll != nil {
				emptied.CheckAll = func(*lint.Pass) {}
			}
			if r.CheckFile != nil {
				emptied.CheckFile = func(*lint.TreePass) {}
			}
			if r.CheckTree != nil {
				emptied.CheckTree = func(*lint.TreePass) {}
			}
			if len(faults(&emptied)) == 0 {
				t.Error("the examples hold although the rule reports nothing")
			}
		})
	}
}

// Example is one of a rule's examples.
type Example struct {
	Name string
	// Files are those of the tree, sorted, without their marks.
	Files []txtar.File
	base  []txtar.File
	marks map[place]mark
	// text is all that the example says, for its conditions.
	text    string
	readers map[string][]lint.Reader
	verify  map[string]error
	past    []lint.Past
	units   map[string]string // which object deploys those of a file
	patches map[string][]byte // what is merged into the objects of a file
}

// place is a line of a file.
type place struct {
	file string
	line int
}

// mark is what a "# want" comment asks for.
type mark struct{ severity, text string }

// Examples reads the examples of a rule.
func Examples(r *lint.Rule) (examples []*Example, faults []string) {
	byName := map[string]*Example{}
	for _, f := range txtar.Parse([]byte(r.Examples)).Files {
		group, name, several := strings.Cut(f.Name, "/")
		if !several {
			name = f.Name
		}
		e := byName[group]
		if e == nil {
			e = &Example{Name: group, marks: map[place]mark{}, readers: map[string][]lint.Reader{}, units: map[string]string{}, patches: map[string][]byte{}}
			byName[group] = e
			examples = append(examples, e)
		}
		if err := e.add(name, f.Data); err != nil {
			faults = append(faults, fmt.Sprintf("example %s: %v", f.Name, err))
		}
	}
	for _, e := range examples {
		slices.SortFunc(e.Files, func(a, b txtar.File) int { return strings.Compare(a.Name, b.Name) })
	}
	return examples, faults
}

func (e *Example) add(name string, data []byte) error {
	switch name {
	case "@want":
		for line := range strings.Lines(string(data)) {
			m := elsewhere.FindStringSubmatch(strings.TrimSpace(line))
			if m == nil {
				return fmt.Errorf("%q is no mark", line)
			}
			n, err := strconv.Atoi(m[2])
			if err != nil {
				return err
			}
			e.marks[place{m[1], n}] = mark{m[3], m[4]}
		}
		return nil
	case "@readers":
		for line := range strings.Lines(string(data)) {
			fields := strings.Fields(line)
			if len(fields) != 3 {
				return fmt.Errorf("%q is not NAME KIND UNIT", line)
			}
			e.readers[fields[0]] = append(e.readers[fields[0]], lint.Reader{Kind: fields[1], Unit: lint.Unit{ID: fields[2]}})
		}
		return nil
	case "@verify":
		for line := range strings.Lines(string(data)) {
			file, wrong, ok := strings.Cut(strings.TrimSpace(line), " ")
			if !ok {
				return fmt.Errorf("%q is not NAME ERROR", line)
			}
			if e.verify == nil {
				e.verify = map[string]error{}
			}
			e.verify[file] = errors.New(wrong)
		}
		return nil
	case "@past":
		for line := range strings.Lines(string(data)) {
			past, err := pastOf(strings.TrimSpace(line))
			if err != nil {
				return err
			}
			e.past = append(e.past, past)
		}
		return nil
	}
	if name == "@units" {
		for line := range strings.Lines(string(data)) {
			file, object, ok := strings.Cut(strings.TrimSpace(line), " ")
			if !ok {
				return fmt.Errorf("%q is not NAME OBJECT", line)
			}
			e.units[file] = object
		}
		return nil
	}
	if before, ok := strings.CutPrefix(name, "@base/"); ok {
		e.base = append(e.base, txtar.File{Name: before, Data: data})
		return nil
	}
	e.text += string(data)
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		if m := want.FindStringSubmatchIndex(strings.TrimRight(line, " \r")); m != nil {
			parts := want.FindStringSubmatch(strings.TrimRight(line, " \r"))
			e.marks[place{name, i + 1}] = mark{parts[1], parts[2]}
			lines[i] = strings.TrimRight(line[:m[0]], " ")
		}
	}
	data = []byte(strings.Join(lines, "\n"))
	if target, ok := strings.CutPrefix(name, "@patch/"); ok {
		e.patches[target] = data
		return nil
	}
	e.Files = append(e.Files, txtar.File{Name: name, Data: data})
	return nil
}

// pastOf reads a line of @past.
func pastOf(line string) (lint.Past, error) {
	fields := strings.SplitN(line, " ", 6)
	if len(fields) != 6 {
		return lint.Past{}, fmt.Errorf("%q is not COMMIT NAME RULE SEVERITY KEY MESSAGE", line)
	}
	for i := range fields {
		if fields[i] == "-" {
			fields[i] = ""
		}
	}
	severity, err := lint.ParseSeverity(fields[3])
	if err != nil {
		return lint.Past{}, err
	}
	past := lint.Past{Commit: fields[0], Finding: lint.Finding{Rule: fields[2], Severity: severity, Path: fields[4], Message: fields[5]}}
	past.Origin.File = fields[1]
	return past, nil
}

// faults are what the examples of a rule show to be wrong with it.
func faults(r *lint.Rule) []string {
	bad, good := 0, 0
	examples, all := Examples(r)
	for _, e := range examples {
		switch {
		case strings.HasPrefix(e.Name, "bad"):
			bad++
		case strings.HasPrefix(e.Name, "good"):
			good++
		default:
			all = append(all, fmt.Sprintf("example %s: a name begins with bad or good", e.Name))
		}
		all = append(all, faultsIn(r, e)...)
	}
	if bad == 0 || good == 0 {
		all = append(all, fmt.Sprintf("rule %s has %d bad and %d good examples; it needs one of each", r.ID, bad, good))
	}
	return all
}

func faultsIn(r *lint.Rule, e *Example) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if strings.HasPrefix(e.Name, "bad") && len(e.marks) == 0 {
		fault("%s marks no line with # want", e.Name)
	}
	if strings.HasPrefix(e.Name, "good") && len(e.marks) != 0 {
		fault("%s marks a line with # want", e.Name)
	}
	findings, wrong := Findings(r, e)
	faults = append(faults, wrong...)
	seen := map[place]bool{}
	for _, got := range findings {
		at := place{got.Origin.File, got.Origin.Line}
		m, ok := e.marks[at]
		where := fmt.Sprintf("%s: %s:%d:%d", e.Name, got.Origin.File, got.Origin.Line, got.Origin.Column)
		if !ok {
			fault("%s: unexpected: %s (%s)", where, got.Message, got.Path)
			continue
		}
		if !strings.Contains(got.Message, m.text) {
			fault("%s: message %q lacks %q", where, got.Message, m.text)
		}
		if m.severity != "" && m.severity != got.Severity.String() {
			fault("%s: severity %s, not %s", where, got.Severity, m.severity)
		}
		seen[at] = true
	}
	for at := range e.marks {
		if !seen[at] {
			fault("%s: %s:%d: expected a finding of %s, got none", e.Name, at.file, at.line, r.ID)
		}
	}
	return faults
}

// tree is the example's files as rules on files see them.
func (e *Example) tree() *lint.Tree {
	t := treeOf(e.Files)
	t.Readers = func(name string) []lint.Reader { return e.readers[name] }
	t.Past = e.past
	if e.verify != nil {
		t.Verify = func(name string) error { return e.verify[name] }
	}
	if len(e.base) > 0 {
		t.Base = treeOf(e.base)
	}
	return t
}

func treeOf(files []txtar.File) *lint.Tree {
	t := &lint.Tree{}
	content := map[string][]byte{}
	for _, f := range files {
		t.Files = append(t.Files, f.Name)
		content[f.Name] = f.Data
	}
	slices.Sort(t.Files)
	t.ReadFile = func(name string) ([]byte, error) {
		if data, ok := content[name]; ok {
			return data, nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return t
}

// Findings are those of a rule on one example, under the conditions that it
// states, and what is wrong with the example itself.
func Findings(r *lint.Rule, e *Example) (findings []lint.Finding, faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	on := true
	setting := lint.Setting{Enabled: &on, Options: map[string][]string{}}
	unit := lint.Unit{ID: "example"}
	complete := true
	if len(e.units) > 0 {
		unit.Cluster = "example"
	}
	for line := range strings.Lines(e.text) {
		m := condition.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		switch m[1] {
		case "options":
			for _, o := range strings.Fields(m[2]) {
				name, values, _ := strings.Cut(o, "=")
				set, err := option(r, name, values)
				if err != nil {
					fault("%s: option %s: %v", e.Name, name, err)
				}
				setting.Options[name] = set
			}
		case "kubernetes":
			v, err := version.ParseGeneric(m[2])
			if err != nil {
				fault("%s: %v", e.Name, err)
			}
			unit.Kube = v
		case "unit":
			unit.Bare, unit.Reconciled = m[2] == "bare", m[2] == "reconciled"
			if !unit.Bare && !unit.Reconciled {
				fault("%s: unit is bare or reconciled, not %q", e.Name, m[2])
			}
		case "incomplete":
			complete = false
		}
	}
	l, err := lint.NewLinter([]*lint.Rule{r}, lint.Selection{Rules: map[string]lint.Setting{r.ID: setting}})
	if err != nil {
		return nil, append(faults, err.Error())
	}
	onFiles := r.CheckFile != nil || r.CheckTree != nil
	var objects []*manifest.Object
	tree := e.tree()
	for _, f := range e.Files {
		findings = append(findings, l.File(tree, lint.NewFile(f.Name, f.Data))...)
		if r.Check == nil && r.CheckAll == nil {
			continue
		}
		docs, problems := manifest.Parse(f.Data)
		for _, p := range problems {
			if !onFiles {
				fault("%s: %v", f.Name, p)
			}
		}
		for _, d := range docs {
			objects = append(objects, manifest.Objects(d, manifest.Origin{Span: manifest.Span{File: f.Name}}, e.patch(f.Name, d))...)
		}
	}
	findings = append(findings, l.Tree(tree)...)
	if len(objects) == 0 && !onFiles {
		fault("%s holds no object", e.Name)
	}
	unitOf := func(o *manifest.Object) lint.Unit { return e.unitOf(o, objects, unit) }
	for _, o := range objects {
		findings = append(findings, l.Object(o, unitOf(o))...)
		for _, wrong := range o.SchemaErrors() {
			if !onFiles && !strings.Contains(e.Name, "malformed") {
				fault("%s: %s: %v: %s", e.Name, o.ID(), wrong.Path, wrong.Message)
			}
		}
	}
	// As in a run: of what a rule does not name it sees nothing.
	findings = append(findings, l.Cluster(&lint.Cluster{
		Objects:  slices.DeleteFunc(slices.Clone(objects), func(o *manifest.Object) bool { return !l.Keeps(o) }),
		Unit:     unitOf,
		Complete: func(string) bool { return complete },
	})...)
	lint.Locate(findings, func(name string) []byte {
		data, err := tree.ReadFile(name)
		if err != nil {
			return nil
		}
		return data
	})
	return lint.Fold(findings), faults
}

// unitOf is what deploys an object: what the example names for its file, else the
// unit of all.
func (e *Example) unitOf(o *manifest.Object, objects []*manifest.Object, unit lint.Unit) lint.Unit {
	by, ok := e.units[o.Origin.File]
	if !ok {
		return unit
	}
	unit.ID, unit.Reconciled = by, true
	for _, other := range objects {
		if other.GVK.Kind+"/"+other.Name == by {
			unit.By = other
		}
	}
	return unit
}

// patch merges what the example adds to the objects of a file, and says where each
// of their fields is written; nil for a file to which nothing is added.
func (e *Example) patch(name string, doc *yaml.Node) manifest.Locator {
	data, ok := e.patches[name]
	if !ok {
		return nil
	}
	added := map[*yaml.Node]bool{}
	docs, _ := manifest.Parse(data)
	for _, d := range docs {
		merge(doc, d, added)
	}
	return func(q manifest.Query) (manifest.Origin, bool) {
		file := name
		if added[q.Node] {
			file = "@patch/" + name
		}
		return manifest.Origin{Span: manifest.NodeSpan(file, q.Node), Exact: true}, q.Node.Line > 0
	}
}

// merge puts the fields of one mapping into another, and notes them as added.
func merge(into, from *yaml.Node, added map[*yaml.Node]bool) {
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, value := from.Content[i], from.Content[i+1]
		old := manifest.Get(into, key.Value)
		switch {
		case old == nil:
			into.Content = append(into.Content, key, value)
			added[key], added[value] = true, true
		case old.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode:
			merge(old, value, added)
		default:
			*old = *value
			added[old] = true
		}
	}
}

// option is the value of one of a rule's options.
func option(r *lint.Rule, name, values string) ([]string, error) {
	i := slices.IndexFunc(r.Options, func(o lint.Option) bool { return o.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("the rule has none of this name")
	}
	list := strings.Split(values, ",")
	for _, v := range list {
		if valid := r.Options[i].Valid; valid != nil {
			if err := valid(v); err != nil {
				return nil, fmt.Errorf("%q: %w", v, err)
			}
		}
	}
	return list, nil
}
