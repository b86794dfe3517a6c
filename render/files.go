package render

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// files is what a builder sees of a tree: reading alone.
type files interface {
	fs.ReadDirFS
	fs.ReadFileFS
	fs.StatFS
	Resolve(name string) (string, error)
}

// recorder is the tree as one unit reads it. It knows afterwards what was read.
type recorder struct {
	files
	limits manifest.Limits

	looks *Looks

	mu    sync.Mutex
	read  map[string][]byte
	nodes map[string]*yaml.Node
}

func newRecorder(tree files, l manifest.Limits) *recorder {
	return &recorder{files: tree, limits: l, looks: &Looks{}, read: map[string][]byte{}, nodes: map[string]*yaml.Node{}}
}

// ReadFile reads a file and remembers it.
func (r *recorder) ReadFile(name string) ([]byte, error) {
	r.looks.Note(name, Found|Read)
	data, err := r.files.ReadFile(name)
	if err == nil {
		r.record(name, data)
	}
	return data, err
}

func (r *recorder) record(name string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read[name] = data
}

// names are the files that were read, sorted.
func (r *recorder) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.read))
}

// source is a file that was read, or nil.
func (r *recorder) source(name string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read[name]
}

// kustomizations are the kustomization files that were read, by name.
func (r *recorder) kustomizations() []string {
	var found []string
	for _, name := range r.names() {
		if isKustomization(name) {
			found = append(found, name)
		}
	}
	return found
}

// node is the root of a kustomization file that was read, or nil.
func (r *recorder) node(name string) *yaml.Node {
	data := r.source(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[name]
	if !ok {
		if docs, _ := r.limits.Parse(data); len(docs) == 1 && docs[0].Kind == yaml.MappingNode {
			n = docs[0]
		}
		r.nodes[name] = n
	}
	return n
}

func isKustomization(name string) bool { return slices.Contains(kustomizationNames, path.Base(name)) }

// kustomizationFile is the kustomization file that was read in a folder.
func (r *recorder) kustomizationFile(dir string) (string, bool) {
	for _, base := range kustomizationNames {
		if name := join(dir, base); r.source(name) != nil {
			return name, true
		}
	}
	return "", false
}

// find is the first line of a file that holds some text.
func find(tree files, name, text string) manifest.Span {
	span := manifest.Span{File: name}
	data, err := tree.ReadFile(name)
	if err != nil {
		return span
	}
	for i, line := range strings.Split(string(data), "\n") {
		if at := strings.Index(line, text); at >= 0 {
			span.Line, span.Column = i+1, len([]rune(line[:at]))+1
			span.EndLine, span.EndColumn = span.Line, span.Column+len([]rune(text))
			return span
		}
	}
	return span
}
