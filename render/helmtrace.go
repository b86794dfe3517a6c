package render

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// traceHelm renders the templates that a job is to trace, with marks, and tells
// what wrote each part of what they give. A chart for which that is not possible
// gives no texts.
func (b *builder) traceHelm(p *product, tree *recorder, j job, budget *archiveBudget) {
	files := newChartFiles(tree, b.limits)
	files.main = chartFile(j.path)
	// What is wrong with the chart is told by the job that does not trace.
	in := b.prepare(&product{status: Rendered}, files, j, budget)
	if in == nil {
		return
	}
	t, texts := in.trace(j.trace, false)
	if t == nil {
		// It may be that the templates before have to be executed.
		files = newChartFiles(tree, b.limits)
		files.main = chartFile(j.path)
		if in = b.prepare(&product{status: Rendered}, files, j, budget); in == nil {
			return
		}
		if t, texts = in.trace(j.trace, true); t == nil {
			return
		}
	}
	p.texts = j.release.withoutDropped(texts, b.limits)
	for i := range p.texts {
		p.texts[i].runs = inText(p.texts[i].runs, p.texts[i].text)
	}
	p.pieces, p.options = t.pieces, t.options
}

// trace renders templates of the chart, and with all every one. It gives nil if it
// can't.
func (in *installation) trace(names []string, all bool) (*tracer, []text) {
	top, err := in.told()
	if err != nil {
		return nil, nil
	}
	templates, err := parseTemplates(in.chart)
	if err != nil {
		return nil, nil
	}
	foreign := anyValue(top["Values"], includesTemplates) || filesInclude(in.chart)
	m := newMarker(templates, foreign)
	names = templates.executed(names)
	others := templates.changing(names, foreign)
	if all {
		others = slices.DeleteFunc(templates.executed(templates.order()), func(name string) bool { return slices.Contains(names, name) })
	}
	m.install(in.chart, names, others)
	rendered, err := engine.Engine{}.Render(in.chart, top)
	if err != nil {
		return nil, nil
	}
	t := newTracer(in.files, in.chart.Name(), m)
	var texts []text
	for _, name := range names {
		plain, runs := t.read(name, rendered[m.executedAs(name)])
		before := len(texts)
		if texts = in.files.appendText(texts, in.chart.Name(), name, plain); len(texts) > before {
			texts[before].runs = runs
		}
	}
	t.finish()
	return t, texts
}

// inText are runs that begin in a text, which may have lost its end and the lines
// of hooks.
func inText(runs []run, text string) []run {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, r := range runs {
		if r.line > len(lines) {
			return runs[:i]
		}
		runs[i].column = min(r.column, utf8.RuneCountInString(lines[r.line-1])+1)
	}
	return runs
}

// executed are those of some names that are of files which helm executes, sorted.
func (t *chartTemplates) executed(names []string) []string {
	var files []string
	for _, name := range names {
		if _, ok := t.source[name]; ok && !strings.HasPrefix(path.Base(name), "_") && t.lookup(name) != nil {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// includesTemplates says that a text, given to tpl, may include templates of the
// chart.
func includesTemplates(text string) bool {
	return strings.Contains(text, "{{") && (strings.Contains(text, "include") || strings.Contains(text, "template"))
}

// filesInclude says that this is so for a file of a chart.
func filesInclude(c *chart.Chart) bool {
	return slices.ContainsFunc(c.Files, func(f *chart.File) bool { return includesTemplates(string(f.Data)) }) ||
		slices.ContainsFunc(c.Dependencies(), filesInclude)
}

// anyValue says that something is so for any text of values.
func anyValue(v any, is func(string) bool) bool {
	switch v := v.(type) {
	case string:
		return is(v)
	case chartutil.Values:
		return anyValue(map[string]any(v), is)
	case map[string]any:
		for key, value := range v {
			if is(key) || anyValue(value, is) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(v any) bool { return anyValue(v, is) })
	}
	return false
}

// maxTraced is how many pieces, and how many runs, a trace tells of. The largest
// public charts have a tenth of it.
const maxTraced = 1 << 20

// tracer makes runs and pieces of texts with marks.
type tracer struct {
	files *chartFiles
	root  string // the chart's name
	*marker

	pieces  []piece
	options []option
	// at says of each piece where it is in which template; the frame is the call
	// of the template.
	at     []tracedPlace
	met    map[pieceKey]int
	frames []*templateFrame
	// callers are the pieces that call frames, -1 for those of files; called
	// are the frames that pieces call.
	callers map[*templateFrame]int
	called  map[int]*templateFrame
	// wrote are the texts and actions of each frame that have pieces, looped the
	// frames of which there may be several that are not told apart.
	wrote  map[*templateFrame]map[parse.Node]*mark
	looped map[*templateFrame]bool
	runs   int
}

type tracedPlace struct {
	file  string
	pos   parse.Pos
	node  parse.Node // nil for text
	frame *templateFrame
}

// pieceKey is what a piece is told apart by.
type pieceKey struct{ mark, caller int }

func newTracer(files *chartFiles, root string, m *marker) *tracer {
	return &tracer{files: files, root: root, marker: m, met: map[pieceKey]int{}, callers: map[*templateFrame]int{}, called: map[int]*templateFrame{},
		wrote: map[*templateFrame]map[parse.Node]*mark{}, looped: map[*templateFrame]bool{}}
}

// markReader reads one text.
type markReader struct {
	t            *tracer
	plain        strings.Builder
	runs         []run
	line, column int
	// stack are the frames that are open, the file's first.
	stack []*templateFrame
	// left is the piece of the call that goes on behind its template's text, or
	// -1. inText is the piece of the line of a text that is being read, more how
	// many lines that text has after it.
	left, inText, more int
}

// read takes the marks out of a text. It gives no runs if they are not as they
// were written.
func (t *tracer) read(name, text string) (string, []run) {
	r := &markReader{t: t, line: 1, column: 1, left: -1}
	r.stack = []*templateFrame{t.frame(&templateFrame{tree: t.lookup(name), file: name}, -1)}
	r.plain.Grow(len(text))
	ok := true
	for {
		before, rest, found := strings.Cut(text, t.open)
		r.text(before)
		if !found {
			break
		}
		number, after, closed := strings.Cut(rest, markClose)
		ok = ok && closed && r.mark(number) && t.runs < maxTraced && len(t.pieces) < maxTraced
		text = after
	}
	if !ok {
		return r.plain.String(), nil
	}
	return r.plain.String(), r.runs
}

func (t *tracer) frame(f *templateFrame, caller int) *templateFrame {
	t.frames = append(t.frames, f)
	t.callers[f] = caller
	t.wrote[f] = map[parse.Node]*mark{}
	return f
}

func (r *markReader) text(s string) {
	if r.left >= 0 {
		if blank := len(s) - len(strings.TrimLeft(s, blanks)); blank < len(s) {
			r.advance(s[:blank])
			s = s[blank:]
			r.run(r.left)
		}
	}
	for r.more > 0 {
		end := strings.IndexByte(s, '\n') + 1
		if end == 0 {
			break
		}
		r.plain.WriteString(s[:end])
		r.line, r.column = r.line+1, 1
		s = s[end:]
		r.inText, r.more = r.inText+1, r.more-1
		if blank := blankIn(s); blank < len(s) && s[blank] != '\n' {
			r.plain.WriteString(s[:blank])
			r.column += blank
			s = s[blank:]
			r.run(r.inText)
		}
	}
	r.more = 0
	r.advance(s)
}

func (r *markReader) advance(s string) {
	r.plain.WriteString(s)
	if n := strings.Count(s, "\n"); n > 0 {
		r.line, r.column = r.line+n, 1
		s = s[strings.LastIndexByte(s, '\n')+1:]
	}
	r.column += utf8.RuneCountInString(s)
}

func (r *markReader) run(piece int) {
	r.left = -1
	next := run{r.line, r.column, piece}
	if n := len(r.runs); n > 0 && r.runs[n-1] == (run{r.line, r.column, r.t.pieces[piece].caller}) {
		// The call has printed nothing yet, and is known as the caller.
		r.runs[n-1] = next
		return
	}
	r.runs = append(r.runs, next)
	r.t.runs++
}

// mark takes a mark, by its number.
func (r *markReader) mark(number string) bool {
	top := r.stack[len(r.stack)-1]
	if number == "" {
		if len(r.stack) == 1 {
			return false
		}
		r.stack = r.stack[:len(r.stack)-1]
		r.left = r.t.callers[top]
		return true
	}
	id, err := strconv.Atoi(number)
	if err != nil || id < 0 || id >= len(r.t.marks) {
		return false
	}
	piece, called := r.t.piece(id, top)
	r.run(piece)
	r.inText, r.more = piece, len(r.t.marks[id].lines)
	r.runs = slices.Grow(r.runs, r.more)
	if called != nil {
		r.stack = append(r.stack, called)
	}
	return true
}

// piece is the number of a piece, which those of its further lines follow, and
// the frame of what it calls.
func (t *tracer) piece(id int, in *templateFrame) (int, *templateFrame) {
	key := pieceKey{id, t.callers[in]}
	m := &t.marks[id]
	n, ok := t.met[key]
	if !ok {
		place := tracedPlace{file: m.file, pos: m.pos, frame: in}
		if m.action() {
			place.node = m.node
		}
		n = t.add(place)
		t.met[key] = n
		t.wrote[in][m.node] = m
		t.pieces, t.at = slices.Grow(t.pieces, len(m.lines)), slices.Grow(t.at, len(m.lines))
		for _, place.pos = range m.lines {
			t.add(place)
		}
		if m.call != "" {
			f := t.frame(&templateFrame{tree: t.lookup(m.call), file: in.file, caller: in, call: m.node}, n)
			t.called[n], t.looped[f] = f, m.looped || t.looped[in]
		}
	}
	return n, t.called[n]
}

// add adds a piece.
func (t *tracer) add(at tracedPlace) int {
	p := piece{action: at.node != nil, caller: t.callers[at.frame]}
	if at.frame.caller != nil {
		p.template = at.frame.tree.Name
	}
	t.pieces = append(t.pieces, p)
	t.at = append(t.at, at)
	return len(t.pieces) - 1
}

// finish says of the pieces where they are and what they read.
func (t *tracer) finish() {
	reader := newTemplateReader(t.trees, t.scope)
	for i := range t.pieces {
		// Of a call, what it reads is that of the pieces of the template.
		if called := t.called[i]; t.pieces[i].action && (called == nil || len(t.wrote[called]) == 0) {
			t.pieces[i].refs = reader.refs(t.at[i].frame, t.at[i].node)
		}
	}
	for _, f := range t.frames {
		if t.whole(f) {
			continue
		}
		for _, o := range reader.options(f, t.written(f)) {
			if len(t.options) == maxTraced || len(t.pieces) == maxTraced {
				break
			}
			n := t.add(tracedPlace{file: f.tree.ParseName, pos: actionOr(t.source[f.tree.ParseName], o.pos), frame: f})
			t.options = append(t.options, option{piece: n, key: o.key, refs: o.refs})
		}
	}
	t.locate()
}

// actionOr is where the action begins in which a position is the first that is
// no keyword, or the position itself if it is in text.
func actionOr(source string, pos parse.Pos) parse.Pos {
	before := strings.TrimRight(source[:pos], blanks)
	for _, keyword := range []string{"template", "block"} {
		before = strings.TrimRight(strings.TrimSuffix(before, keyword), blanks)
	}
	if before = strings.TrimSuffix(before, "-"); strings.HasSuffix(before, "{{") {
		return parse.Pos(len(before) - len("{{"))
	}
	return pos
}

// written says of what a template holds whether nothing of it was left out when
// the template was called: what is in a range may have been, in another turn. What
// an action includes that has no marks is not known.
func (t *tracer) written(f *templateFrame) func(parse.Node) bool {
	return func(n parse.Node) bool {
		m := t.wrote[f][n]
		return m != nil && !m.looped && !t.looped[f] && (m.call != "" || !m.action())
	}
}

// whole says that nothing at all was left out.
func (t *tracer) whole(f *templateFrame) bool {
	if len(t.wrote[f]) < t.counts[f.tree] || t.looped[f] {
		return false
	}
	for _, m := range t.wrote[f] {
		if m.looped {
			return false
		}
	}
	return true
}

// locate finds the lines and columns of the pieces, in one pass through each
// template.
func (t *tracer) locate() {
	byFile := map[string][]int{}
	for i := range t.at {
		byFile[t.at[i].file] = append(byFile[t.at[i].file], i)
	}
	for name, pieces := range byFile {
		slices.SortFunc(pieces, func(a, b int) int { return int(t.at[a].pos - t.at[b].pos) })
		source := t.source[name]
		file, written := t.files.locate(t.root, name)
		last, line, column := parse.Pos(0), 1, 1
		for _, i := range pieces {
			skipped := source[last:t.at[i].pos]
			if n := strings.Count(skipped, "\n"); n > 0 {
				line, column = line+n, 1
				skipped = skipped[strings.LastIndexByte(skipped, '\n')+1:]
			}
			column += utf8.RuneCountInString(skipped)
			last = t.at[i].pos
			p := &t.pieces[i]
			p.file, p.written, p.line, p.column = file, written, line, column
		}
	}
}

// scope is what the chart of a template is to the release.
func (t *tracer) scope(file string) chartScope {
	c := t.charts[file]
	if c == nil {
		return chartScope{}
	}
	var s chartScope
	for d := c; d.Parent() != nil; d = d.Parent() {
		s.values = append(s.values, d.Name())
	}
	slices.Reverse(s.values)
	if name, written := t.files.locate(t.root, path.Join(c.ChartFullPath(), "Chart.yaml")); written {
		s.chart = name
	}
	s.file = func(name string) (string, bool) {
		if !slices.ContainsFunc(c.Files, func(f *chart.File) bool { return f.Name == name }) {
			return "", false
		}
		return t.files.locate(t.root, path.Join(c.ChartFullPath(), name))
	}
	return s
}
