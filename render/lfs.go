package render

import (
	"path"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
)

// pointer is the problem of a file of which there is only what Git LFS has git keep.
// Read as YAML that is a text and no object, so that nothing else would say it.
func pointer(name string) Problem {
	return Problem{
		Class:   "not-fetched",
		Message: "the file is a Git LFS pointer: its content is not in the repository and was not checked; git lfs pull gets it into the work tree",
		Fix:     "Run git lfs pull and check the work tree, without --staged: a commit and what is staged have the pointer alone.",
		At:      manifest.Span{File: name},
	}
}

// missPointers records the pointers among the files that were read for a product. Of
// a chart all files are read, and icons are nothing to check.
func (p *product) missPointers(tree *recorder) {
	for _, name := range tree.names() {
		if (isInput(name) || path.Ext(name) == ".tpl") && !isFetched(name) && source.IsLFSPointer(tree.source(name)) {
			p.miss(pointer(name))
		}
	}
}
