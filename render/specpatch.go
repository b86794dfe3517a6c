package render

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
)

// gated says that the text of a patch, which a GitOps object holds, may be
// parsed. label names the patch.
func (f *kustomizeFS) gated(text, label string, at manifest.Span) bool {
	_, refused := f.limits.YAML.Check([]byte(text))
	if refused == nil {
		return true
	}
	p := refusedProblem(at.File, refused)
	p.Message, p.At = label+": "+p.Message, at
	f.problem(p)
	return false
}

// patch is a patch that a GitOps object holds. Where its text is found in the
// object's file it becomes a file, whose lines are those of the object's.
func (f *kustomizeFS) patch(dir, label, text string, target *types.Selector, at manifest.Span) types.Patch {
	data, line, ok := f.placed(text, at)
	if !ok {
		return types.Patch{Patch: text, Target: target}
	}
	name := inlineName(line)
	f.served[join(dir, name)] = data
	f.named[name] = label
	return types.Patch{Path: name, Target: target}
}

// placed is the text of a block scalar as it stands in a file, with its
// indentation, at the lines that the file has among all padded ones, and the one
// of those that introduces it.
func (f *kustomizeFS) placed(text string, at manifest.Span) ([]byte, int, bool) {
	real, err := f.tree.Resolve(at.File)
	if err != nil {
		return nil, 0, false
	}
	data, err := readLimited(f.tree, real, f.limits.YAML.FileSize)
	if err != nil {
		return nil, 0, false
	}
	docs, problems := f.limits.YAML.Parse(data)
	if len(problems) > 0 {
		return nil, 0, false
	}
	n := f.literalNode(docs, real, text, at.Line)
	if n == nil {
		return nil, 0, false
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	block, ok := f.literal(lines, n)
	if !ok {
		return nil, 0, false
	}
	var out bytes.Buffer
	line := f.nextPad + n.Line
	writeLines(&out, line)
	out.Write(block)
	f.pads = append(f.pads, pad{f.nextPad, len(lines), real})
	f.nextPad += len(lines) + 1
	return out.Bytes(), line, true
}

// literalNode is the first block scalar with some text that is introduced at a
// line of a file or below it, and is not served yet; nil for none.
func (f *kustomizeFS) literalNode(docs []*yaml.Node, file, text string, from int) *yaml.Node {
	served := func(n *yaml.Node) bool {
		return slices.ContainsFunc(f.pads, func(p pad) bool { return p.file == file && f.named[inlineName(p.start+n.Line)] != "" })
	}
	var found *yaml.Node
	for _, doc := range docs {
		walkScalars(doc, func(n *yaml.Node) {
			if n.Style&yaml.LiteralStyle != 0 && n.Value == text && n.Line >= from && (found == nil || n.Line < found.Line) && !served(n) {
				found = n
			}
		})
	}
	return found
}

// sameYAML says that two texts hold the same values.
func (f *kustomizeFS) sameYAML(a, b []byte) bool {
	first, problems := f.limits.YAML.Parse(a)
	second, more := f.limits.YAML.Parse(b)
	return len(problems)+len(more) == 0 && slices.EqualFunc(first, second, equalNodes)
}

// plainNames replaces the names of the files that stand for patches in an error
// by what people know them by.
func (f *kustomizeFS) plainNames(text, dir string) string {
	for name, label := range f.named {
		text = strings.ReplaceAll(text, path.Join(dir, name), label)
		text = strings.ReplaceAll(text, name, label)
	}
	return text
}
