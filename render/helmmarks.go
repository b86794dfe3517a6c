package render

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"text/template/parse"

	"helm.sh/helm/v3/pkg/chart"
)

// A mark stands in what a template gives before what a piece of it wrote: a
// marker's open, the number of the mark, markClose. A mark without a number ends
// what the last mark of a call began.
const (
	markOpen  = "\ue000"
	markClose = "\ue001"
	markCopy  = "\ue002"
)

// chartTemplates are the templates of a chart and of its dependencies by helm's
// names.
type chartTemplates struct {
	source map[string]string       // of the files
	charts map[string]*chart.Chart // that the files are of
	// trees are the templates in force, the files and the named ones: of several
	// of one name the one that helm executes. Files that define none are parsed
	// when they are looked up.
	trees    map[string]*parse.Tree
	unparsed map[string]bool
}

// parseTemplates parses the templates of a chart as helm does.
func parseTemplates(c *chart.Chart) (*chartTemplates, error) {
	t := &chartTemplates{source: map[string]string{}, charts: map[string]*chart.Chart{}, trees: map[string]*parse.Tree{}, unparsed: map[string]bool{}}
	t.add(c)
	for _, name := range t.order() {
		if source := t.source[name]; !strings.Contains(source, "define") && !strings.Contains(source, "block") {
			t.unparsed[name] = true
			continue
		}
		set, err := parseTemplate(name, t.source[name])
		if err != nil {
			return nil, err
		}
		for name, tree := range set {
			if old := t.trees[name]; old == nil || !parse.IsEmptyTree(tree.Root) {
				t.trees[name] = tree
			}
		}
	}
	for name := range t.unparsed {
		if t.trees[name] != nil {
			return nil, fmt.Errorf("a template is defined by the name of the file %s", name)
		}
	}
	return t, nil
}

// order are the files in the order in which helm parses and executes them.
func (t *chartTemplates) order() []string {
	names := sortedKeys(t.source)
	sort.SliceStable(names, func(i, j int) bool {
		a, b := strings.Count(names[i], "/"), strings.Count(names[j], "/")
		return a > b || a == b && names[i] > names[j]
	})
	return names
}

func parseTemplate(name, source string) (map[string]*parse.Tree, error) {
	tree, set := parse.New(name), map[string]*parse.Tree{}
	tree.Mode = parse.SkipFuncCheck
	if _, err := tree.Parse(source, "", "", set); err != nil {
		return nil, fmt.Errorf("parsing a template: %w", err)
	}
	return set, nil
}

// lookup is the template of a name, or nil.
func (t *chartTemplates) lookup(name string) *parse.Tree {
	if t.unparsed[name] {
		delete(t.unparsed, name)
		if set, err := parseTemplate(name, t.source[name]); err == nil {
			t.trees[name] = set[name]
		}
	}
	return t.trees[name]
}

// allNames are those of all templates, sorted.
func (t *chartTemplates) allNames() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(t.trees)), maps.Keys(t.unparsed))
	slices.Sort(names)
	return names
}

func (t *chartTemplates) add(c *chart.Chart) {
	for _, file := range c.Templates {
		// Of a library helm takes the named templates alone.
		if file == nil || strings.EqualFold(c.Metadata.Type, "library") && !strings.HasPrefix(path.Base(file.Name), "_") {
			continue
		}
		name := path.Join(c.ChartFullPath(), file.Name)
		t.source[name], t.charts[name] = string(file.Data), c
	}
	for _, d := range c.Dependencies() {
		t.add(d)
	}
}

// mark is what a mark's number stands for.
type mark struct {
	file string // helm's name of the template's file
	pos  parse.Pos
	// node is the action that prints; a text has lines, which are where the lines
	// of it begin that follow, without what is blank.
	node  parse.Node
	lines []parse.Pos
	// call is the name of the template that the action includes a copy of; "" for
	// none.
	call string
	// looped says that it stands in a range.
	looped bool
}

// action says that the mark is not one of text.
func (m *mark) action() bool { return m.node.Type() != parse.NodeText }

// marker writes templates anew, with marks. What it writes is made of the trees,
// so that no white space is left in it that an action trims.
type marker struct {
	*chartTemplates
	marks []mark
	// open begins a mark, and copied a name that stands for the copy of a template
	// that has marks. Both hold what no chart can know: it can't forge a mark, and
	// may hold the same runes.
	open, copied string
	// copies are the templates that are needed with marks, plain those that are
	// needed as they are; both in the order in which they were met.
	copies, plain *nameQueue
	// all says that a template may be included by any name, suffixes the ends of
	// the names that are put together. With foreign, what is given to tpl may
	// include templates.
	all, foreign bool
	suffixes     map[string]bool

	// counts are the marks of each template.
	counts map[*parse.Tree]int

	out  strings.Builder
	tree *parse.Tree
	// marked says that what is being written gets marks, loops how many ranges it
	// is in.
	marked bool
	loops  int
}

func newMarker(t *chartTemplates, foreign bool) *marker {
	secret := strconv.FormatUint(rand.Uint64(), 36) + "."
	return &marker{chartTemplates: t, open: markOpen + secret, copied: markCopy + secret, foreign: foreign,
		copies: newNameQueue(), plain: newNameQueue(), suffixes: map[string]bool{}, counts: map[*parse.Tree]int{}}
}

// nameQueue is a queue that takes each name once.
type nameQueue struct {
	names []string
	seen  map[string]bool
	next  int
}

func newNameQueue() *nameQueue { return &nameQueue{seen: map[string]bool{}} }

func (q *nameQueue) add(name string) {
	if !q.seen[name] {
		q.seen[name] = true
		q.names = append(q.names, name)
	}
}

func (q *nameQueue) pop() (string, bool) {
	if q.next == len(q.names) {
		return "", false
	}
	q.next++
	return q.names[q.next-1], true
}

// install puts into a chart, in the place of its templates, those of some files
// with marks, those of others without, and all that these include. Helm executes
// them in the order in which it does those of the chart.
func (m *marker) install(c *chart.Chart, files, others []string) {
	executed := map[*chart.Chart][]*chart.File{}
	for i, name := range slices.Concat(files, others) {
		of := m.charts[name]
		m.out.Reset()
		// The file itself may be included by its name, too, and without marks.
		fmt.Fprintf(&m.out, `{{$_ := set $.Template "Name" %s}}`, strconv.Quote(name))
		m.write(m.lookup(name), i < len(files))
		rel := strings.TrimPrefix(m.executedAs(name), of.ChartFullPath()+"/")
		executed[of] = append(executed[of], &chart.File{Name: rel, Data: []byte(m.out.String())})
	}
	m.out.Reset()
	m.definitions()
	executed[c] = append(executed[c], &chart.File{Name: "templates/_" + m.copied, Data: []byte(m.out.String())})
	replaceTemplates(c, executed)
}

// executedAs is the name by which helm executes what is written of a file.
func (m *marker) executedAs(name string) string {
	dir, base := path.Split(name)
	return dir + m.copied + base
}

func replaceTemplates(c *chart.Chart, files map[*chart.Chart][]*chart.File) {
	c.Templates = files[c]
	for _, d := range c.Dependencies() {
		replaceTemplates(d, files)
	}
}

// definitions writes what the files include. As there is one of each name, the
// order does not matter.
func (m *marker) definitions() {
	for {
		if name, ok := m.copies.pop(); ok {
			m.define(name, m.copied+name, true)
			continue
		}
		if name, ok := m.plain.pop(); ok {
			m.define(name, name, false)
			continue
		}
		before := len(m.plain.names)
		m.all = m.all || len(m.suffixes) > maxSuffixes
		if m.all || len(m.suffixes) > 0 {
			for _, name := range m.allNames() {
				if m.all || m.mayBeMeant(name) {
					m.plain.add(name)
				}
			}
		}
		if len(m.plain.names) == before {
			return
		}
	}
}

// maxSuffixes is how many ends of names are looked for.
const maxSuffixes = 64

// mayBeMeant says that a name ends as one does that is put together.
func (m *marker) mayBeMeant(name string) bool {
	for suffix := range m.suffixes {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

func (m *marker) define(name, as string, marked bool) {
	fmt.Fprintf(&m.out, "{{define %s}}", strconv.Quote(as))
	m.write(m.lookup(name), marked)
	m.out.WriteString("{{end}}")
}

func (m *marker) write(tree *parse.Tree, marked bool) {
	m.tree, m.marked, m.loops = tree, marked, 0
	m.list(tree.Root)
}

func (m *marker) list(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			m.text(n)
		case *parse.ActionNode:
			m.action(n)
		case *parse.TemplateNode:
			m.template(n)
		case *parse.IfNode:
			m.branch("if", &n.BranchNode)
		case *parse.RangeNode:
			m.loops++
			m.branch("range", &n.BranchNode)
			m.loops--
		case *parse.WithNode:
			m.branch("with", &n.BranchNode)
		default:
			m.out.WriteString(n.String())
		}
	}
}

func (m *marker) branch(keyword string, n *parse.BranchNode) {
	m.names(n.Pipe, nil)
	m.out.WriteString("{{" + keyword + " " + n.Pipe.String() + "}}")
	m.list(n.List)
	if n.ElseList != nil {
		m.out.WriteString("{{else}}")
		m.list(n.ElseList)
	}
	m.out.WriteString("{{end}}")
}

// text writes a mark before the first character of a text that is not blank.
func (m *marker) text(n *parse.TextNode) {
	text := string(n.Text)
	blank := len(text) - len(strings.TrimLeft(text, blanks))
	m.out.WriteString(text[:blank])
	if text = text[blank:]; text != "" && m.marked {
		at := mark{pos: n.Pos + parse.Pos(blank), node: n, lines: make([]parse.Pos, 0, strings.Count(text, "\n"))}
		for start := 0; ; {
			next := strings.IndexByte(text[start:], '\n') + 1
			if next == 0 {
				break
			}
			start += next
			at.lines = append(at.lines, at.pos+parse.Pos(start+blankIn(text[start:])))
		}
		m.mark(at)
	}
	if before, ok := strings.CutSuffix(text, "{"); ok {
		// Before an action it would be a part of its delimiter.
		m.out.WriteString(before + `{{"{"}}`)
		return
	}
	m.out.WriteString(text)
}

// blankIn is how much of the line that a text begins with is blank before the
// first character that is not.
func blankIn(text string) int {
	for i := range len(text) {
		if c := text[i]; c != ' ' && c != '\t' && c != '\r' {
			return i
		}
	}
	return len(text)
}

const blanks = " \t\r\n"

func (m *marker) action(n *parse.ActionNode) {
	if !m.marked || len(n.Pipe.Decl) > 0 {
		m.names(n.Pipe, nil)
		m.out.WriteString(n.String())
		return
	}
	at := mark{pos: m.delimiter(n.Pos), node: n}
	if call, ok := m.call(n.Pipe, 0); ok {
		m.names(n.Pipe, call.command)
		at.call = call.name
		m.copies.add(call.name)
		m.mark(at)
		m.out.WriteString("{{" + call.text + "}}")
		m.out.WriteString(m.open + markClose)
		return
	}
	m.names(n.Pipe, nil)
	m.mark(at)
	m.out.WriteString(n.String())
}

func (m *marker) template(n *parse.TemplateNode) {
	if n.Pipe != nil {
		m.names(n.Pipe, nil)
	}
	if !m.marked || m.lookup(n.Name) == nil {
		m.need(n.Name)
		m.out.WriteString(n.String())
		return
	}
	m.copies.add(n.Name)
	m.mark(mark{pos: m.delimiter(n.Pos), node: n, call: n.Name})
	m.out.WriteString("{{template " + strconv.Quote(m.copied+n.Name))
	if n.Pipe != nil {
		m.out.WriteString(" " + n.Pipe.String())
	}
	m.out.WriteString("}}" + m.open + markClose)
}

func (m *marker) mark(at mark) {
	at.file, at.looped = m.tree.ParseName, m.loops > 0
	m.out.WriteString(m.open + strconv.Itoa(len(m.marks)) + markClose)
	m.marks = append(m.marks, at)
	m.counts[m.tree]++
}

// delimiter is where an action begins that holds a position.
func (m *marker) delimiter(pos parse.Pos) parse.Pos {
	if i := strings.LastIndex(m.source[m.tree.ParseName][:pos], "{{"); i >= 0 {
		return parse.Pos(i)
	}
	return pos
}
