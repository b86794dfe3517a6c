package render

import (
	"bytes"
	"fmt"
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
	data, ok := f.placed(text, at)
	if !ok {
		return types.Patch{Patch: text, Target: target}
	}
	name := fmt.Sprintf(".scantling-patch-%d.yaml", len(f.named))
	f.served[join(dir, name)] = data
	f.named[name] = label
	return types.Patch{Path: name, Target: target}
}

// placed is the text of a block scalar as it stands in a file, with its
// indentation, at the lines that the file has among all padded ones.
func (f *kustomizeFS) placed(text string, at manifest.Span) ([]byte, bool) {
	real, err := f.tree.Resolve(at.File)
	if err != nil {
		return nil, false
	}
	data, err := readLimited(f.tree, real, f.limits.YAML.FileSize)
	if err != nil {
		return nil, false
	}
	docs, problems := f.limits.YAML.Parse(data)
	if len(problems) > 0 {
		return nil, false
	}
	line := literalLine(docs, text, at.Line)
	lines := bytes.SplitAfter(data, []byte("\n"))
	end := min(line+len(strings.Split(strings.TrimSuffix(text, "\n"), "\n")), len(lines))
	if line == 0 || line >= end {
		return nil, false
	}
	block := bytes.Join(lines[line:end], nil)
	if !f.sameYAML(block, []byte(text)) {
		return nil, false
	}
	var out bytes.Buffer
	writeLines(&out, f.nextPad+line)
	out.Write(block)
	f.pads = append(f.pads, pad{f.nextPad, len(lines), real})
	f.nextPad += len(lines) + 1
	return out.Bytes(), true
}

// literalLine is the line at which a block scalar with some text is introduced:
// the first that is not above the given line; 0 for none.
func literalLine(docs []*yaml.Node, text string, from int) int {
	found := 0
	for _, doc := range docs {
		walkScalars(doc, func(n *yaml.Node) {
			if n.Style&yaml.LiteralStyle != 0 && n.Value == text && n.Line >= from && (found == 0 || n.Line < found) {
				found = n.Line
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
