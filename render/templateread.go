package render

import (
	"slices"
	"text/template/parse"
)

// Reading templates without running them: which values an action prints, and
// which keys a template would write but for a condition. What is found are
// candidates: whoever uses them compares them with what was rendered.

// What may be spent, in nodes looked at: for one question, and by a reader in
// all. All questions about the largest public chart, with its dependencies, take
// less than half of it. maxReadDepth is how deep pipelines are followed through
// variables and named templates, which nest themselves as deep as a chart likes;
// one that includes itself is followed maxRecursion times.
const (
	maxReadSteps  = 2_000_000
	maxCallSteps  = 500_000
	callCost      = 10
	maxReadDepth  = 200
	maxRecursion  = 3
	maxReadRefs   = 64
	maxReadParts  = 256
	maxReadOption = 4000
)

// chartScope is what a template's chart is to the release.
type chartScope struct {
	// values are the keys of the release's values that are the chart's own: none
	// for the chart itself, the alias for a dependency.
	values []string
	// chart is the path in the tree of its Chart.yaml, "" if it has none.
	chart string
	// file gives the path in the tree of a file of the chart, as .Files has it.
	file func(name string) (path string, ok bool)
}

// templateFrame is a template as it is called.
type templateFrame struct {
	tree *parse.Tree
	// file is the file template that is the outermost caller.
	file string
	// caller is nil for a file template; call is the ActionNode or TemplateNode
	// in the caller that calls this template.
	caller *templateFrame
	call   parse.Node
}

// templateReader reads the templates of a chart and its dependencies. It is not
// safe for concurrent use.
type templateReader struct {
	trees map[string]*parse.Tree
	scope func(file string) chartScope

	symbols *symbols
	indexes map[*parse.Tree]*treeIndex
	calls   map[callKey]*call
	frames  map[*templateFrame]*call
	texts   map[string]*parse.Tree
	// active says how often each template is being read.
	active map[*parse.Tree]int
	found  map[collectKey][]readSource

	// steps and left are what may still be spent by the reader and on the
	// question that it is asked.
	steps, left, depth int
}

type callKey struct {
	tree *parse.Tree
	dot  *symbol
}

// newTemplateReader reads the templates that are in force, by name: file
// templates by the name that helm gives them, and named ones. scope says what
// the chart of a file template is.
func newTemplateReader(trees map[string]*parse.Tree, scope func(file string) chartScope) *templateReader {
	return &templateReader{
		trees: trees, scope: scope, symbols: newSymbols(),
		indexes: map[*parse.Tree]*treeIndex{}, calls: map[callKey]*call{}, frames: map[*templateFrame]*call{}, texts: map[string]*parse.Tree{}, active: map[*parse.Tree]int{},
		found: map[collectKey][]readSource{},
		steps: maxReadSteps,
	}
}

// refs are what an action, or a TemplateNode, prints, best first: what is
// printed itself before what is printed in its stead.
func (r *templateReader) refs(f *templateFrame, n parse.Node) []ref {
	r.begin()
	c := r.framed(f)
	refs := r.collect(c.printed(n), false)
	if r.left <= 0 {
		return nil
	}
	return refs
}

func (r *templateReader) begin() {
	r.left, r.depth = min(maxCallSteps, r.steps), 0
}

// spend takes n steps, and says whether there were any left.
func (r *templateReader) spend(n int) bool {
	if r.left <= 0 {
		return false
	}
	r.left -= n
	r.steps -= n
	return r.left > 0
}

// framed is the call that a frame stands for.
func (r *templateReader) framed(f *templateFrame) *call {
	if c := r.frames[f]; c != nil {
		return c
	}
	dot := unknown
	if f.caller == nil {
		dot = r.symbols.root(r.scope(f.file))
	} else if r.spend(1) {
		dot = r.framed(f.caller).argument(f.call, f.tree)
	}
	c := r.call(f.tree, dot)
	if r.left > 0 {
		r.frames[f] = c
	}
	return c
}

// call is a template with what it is called with, which is all that decides
// what it prints.
func (r *templateReader) call(tree *parse.Tree, dot *symbol) *call {
	dot = r.symbols.same(dot)
	key := callKey{tree, dot}
	c := r.calls[key]
	if c == nil {
		r.spend(callCost)
		index := r.indexes[tree]
		if index == nil {
			index = newTreeIndex(tree)
			r.indexes[tree] = index
		}
		c = &call{r: r, index: index, tree: tree, dot: dot}
		r.calls[key] = c
	}
	return c
}

// collectKey is a question: what a value prints, or with reads also what decided
// which value it is.
type collectKey struct {
	s     *symbol
	reads bool
}

// readSource is a symbol with a path that something is made of.
type readSource struct {
	s     *symbol
	whole bool
}

// collect gives the refs of a value, in order and without repetition.
func (r *templateReader) collect(s *symbol, reads bool) []ref {
	var refs []ref
	for _, found := range r.sources(s, reads) {
		refs = append(refs, ref{kind: found.s.ref.kind, path: found.s.ref.path, whole: found.whole})
	}
	return refs
}

// sources finds for each symbol once what it is made of: many are parts of many
// others.
func (r *templateReader) sources(s *symbol, reads bool) []readSource {
	switch s.kind {
	case symbolPath, symbolValues:
		return []readSource{{s, false}}
	case symbolUnknown, symbolText:
		return nil
	}
	key := collectKey{s, reads}
	if found, ok := r.found[key]; ok {
		return found
	}
	var found []readSource
	for _, part := range s.parts {
		if !r.spend(1) {
			return nil
		}
		found = r.addSources(found, part, reads, s.kind == symbolWhole)
	}
	if reads {
		for _, cond := range s.conds {
			if !r.spend(1) {
				return nil
			}
			found = r.addSources(found, cond, reads, false)
		}
	}
	if r.left > 0 {
		r.found[key] = found
	}
	return found
}

func (r *templateReader) addSources(found []readSource, s *symbol, reads, whole bool) []readSource {
	for _, more := range r.sources(s, reads) {
		i := slices.IndexFunc(found, func(known readSource) bool { return known.s == more.s })
		switch {
		case i >= 0:
			found[i].whole = found[i].whole || more.whole || whole
		case len(found) < maxReadRefs:
			found = append(found, readSource{more.s, more.whole || whole})
		}
	}
	return found
}
