package render

// What a build tells of where its output was written, beside the lines of the
// nodes. It is made where the build is done and read where places are asked for.

// run is a stretch of a rendered text that one piece of a chart wrote. It begins
// at a line and a column, in runes, both from 1, and goes on to the next run.
type run struct {
	line, column int
	// piece is an index among the pieces of the product; -1 if it is not known
	// which one it was.
	piece int
}

// piece is a stretch of text of a template, or an action in it, as it was run: what
// a named template writes for two callers are two pieces.
type piece struct {
	// file is the template's path in the tree. When written is false it is only
	// the nearest thing that has one: an archive, or the chart.
	file    string
	written bool
	// line and column are where it begins in the template, in runes from 1.
	line, column int
	// action says that it is an action: what it prints does not stand in the
	// template.
	action bool
	// caller is the piece that includes the named template which this one is in,
	// or -1; template is the name of that template.
	caller   int
	template string
	// refs are what an action prints, or takes a part of it from.
	refs []ref
}

// refKind is what a template reads.
type refKind string

// What templates read.
const (
	refValues  refKind = "Values"  // a value; the path is from the values of the whole release
	refChart   refKind = "Chart"   // an entry of a Chart.yaml; the first element is that chart's file
	refFile    refKind = "Files"   // a file of the chart; the only element is its path in the tree
	refRelease refKind = "Release" // what the release is called
)

// anyItem stands in the path of a ref for the index, or the key, of an item that
// a range went through.
const anyItem = "*"

// ref is something that a template reads.
type ref struct {
	kind refKind
	path []string
	// whole says that all below the path is printed as YAML, as toYaml does.
	whole bool
}

// option is a key of the output that a template writes only under a condition.
type option struct {
	// piece is where the key stands, and which call of its template it is in.
	piece int
	key   string
	// refs are what the conditions around it read, the outermost first.
	refs []ref
}

// tag says what a plugin of kustomize is that set a value. The line of a node
// with such a value is the negative of the tag's number, from 1.
type tag struct {
	// dir is the folder of the kustomization that asks for the plugin.
	dir string
	// kind is the kind of the plugin, such as ImageTagTransformer, and config
	// its configuration as YAML.
	kind, config string
}

func (e *encoder) runs(runs []run) {
	e.Int(len(runs))
	for _, r := range runs {
		e.Int(r.line)
		e.Int(r.column)
		e.Int(r.piece)
	}
}

func (d *decoder) runs() []run {
	var runs []run
	for range d.Count() {
		runs = append(runs, run{line: d.Int(), column: d.Int(), piece: d.Int()})
	}
	return runs
}

func (e *encoder) pieces(pieces []piece) {
	e.Int(len(pieces))
	for _, p := range pieces {
		e.Text(p.file)
		e.Bool(p.written)
		e.Int(p.line)
		e.Int(p.column)
		e.Bool(p.action)
		e.Int(p.caller)
		e.Text(p.template)
		e.refs(p.refs)
	}
}

func (d *decoder) pieces() []piece {
	var pieces []piece
	for range d.Count() {
		pieces = append(pieces, piece{file: d.String(), written: d.Bool(), line: d.Int(), column: d.Int(), action: d.Bool(),
			caller: d.Int(), template: d.String(), refs: d.refs()})
	}
	return pieces
}

func (e *encoder) refs(refs []ref) {
	e.Int(len(refs))
	for _, r := range refs {
		e.Text(string(r.kind))
		e.Texts(r.path)
		e.Bool(r.whole)
	}
}

func (d *decoder) refs() []ref {
	var refs []ref
	for range d.Count() {
		refs = append(refs, ref{kind: refKind(d.String()), path: d.Strings(), whole: d.Bool()})
	}
	return refs
}
