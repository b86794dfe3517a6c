package render

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// inlineName is the file that stands for an inline patch. The number is that of
// the line which introduces the patch, among all padded lines.
func inlineName(line int) string { return fmt.Sprintf(".scantling-patch-%d.yaml", line) }

// servedPatch is the file and the line at which a patch is introduced that was
// served as a file of some name.
func (k *kustomizeOrigins) servedPatch(name string) (file string, line int, ok bool) {
	number, ok := strings.CutPrefix(name, ".scantling-patch-")
	if !ok {
		return "", 0, false
	}
	n, err := strconv.Atoi(strings.TrimSuffix(number, ".yaml"))
	if err != nil {
		return "", 0, false
	}
	at, ok := k.padded(n)
	return at.file, n - at.start, ok
}

// inlinePatches turns the patches that stand in a kustomization as literal blocks
// into files, whose lines are those of the kustomization.
func (f *kustomizeFS) inlinePatches(name, dir string, data []byte, root *yaml.Node, e *edit) {
	lines := bytes.SplitAfter(data, []byte("\n"))
	start := 0
	serve := func(n *yaml.Node, label string) (string, bool) {
		block, ok := f.literal(lines, n)
		if !ok {
			return "", false
		}
		if start == 0 {
			start = f.nextPad
			f.pads = append(f.pads, pad{start, len(lines), name})
			f.nextPad += len(lines) + 1
		}
		var out bytes.Buffer
		writeLines(&out, start+n.Line)
		out.Write(block)
		file := inlineName(start + n.Line)
		f.served[join(dir, file)] = out.Bytes()
		f.named[file] = label
		return file, true
	}
	for _, key := range []string{"patches", "patchesJson6902"} {
		for i, entry := range items(manifest.Get(root, key)) {
			at, text := child(entry, "patch")
			if text == nil || manifest.Get(entry, "path") != nil {
				continue
			}
			if file, ok := serve(text, fmt.Sprintf("%s[%d]", key, i)); ok {
				e.replace(at, "path")
				e.replace(text, file)
			}
		}
	}
	for i, text := range items(manifest.Get(root, "patchesStrategicMerge")) {
		if file, ok := serve(text, fmt.Sprintf("patchesStrategicMerge[%d]", i)); ok {
			e.replace(text, file)
		}
	}
}

// literal is the text of a literal block as it stands in some lines, with its
// indentation; false if that does not say the same.
func (f *kustomizeFS) literal(lines [][]byte, n *yaml.Node) ([]byte, bool) {
	if n.Kind != yaml.ScalarNode || n.Style&yaml.LiteralStyle == 0 || n.Line < 1 {
		return nil, false
	}
	end := min(n.Line+strings.Count(strings.TrimSuffix(n.Value, "\n"), "\n")+1, len(lines))
	if n.Line >= end {
		return nil, false
	}
	block := bytes.Join(lines[n.Line:end], nil)
	return block, f.sameYAML(block, []byte(n.Value))
}
