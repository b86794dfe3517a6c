package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// mount is where kustomize sees the repository's root. It is no path of the
// disk.
const mount = "/scantling/tree"

// The stand-ins for references that are not followed: a file without resources
// and a component that changes nothing.
const (
	emptyName     = ".scantling-empty.yaml"
	componentName = ".scantling-component"
)

// firstPad is the line at which the first padded file begins. Lines below it
// are those of inline patches, which kustomize parses on their own.
const firstPad = 4096

// kustomizeFS is the repository as kustomize reads it: read only, rooted at the
// tree, and with two changes to what it serves. References that kustomize would
// fetch or run are replaced by stand-ins and reported. And every resource and
// patch is padded with empty lines, so that its documents have lines of their
// own among all files of the build: kyaml keeps the line of a node through
// copies and strategic merges, and the line then tells the file.
type kustomizeFS struct {
	tree   *recorder
	limits limits.Limits

	pads     []pad
	padded   map[string]bool   // files that are served padded
	plain    map[string]bool   // files that must be served as they are
	served   map[string][]byte // what was served
	missing  map[string]bool
	problems []Problem
	refused  *refusal
	nextPad  int
	// brought says of each thing that was fetched where it is referred to.
	brought map[string]manifest.Span
	// prepare, if there is one, changes the kustomization that is to be built
	// before kustomize reads it.
	prepare func() error
	// named is how errors name a file that is served and not in the tree.
	named map[string]string
	// charts renders the charts that the kustomizations ask for; nil for none.
	charts *inflation
	// tagger gives the nodes of what is built their places.
	tagger *tagger
	// setsSchema says that a kustomization of this build has an openapi field;
	// alone, that the build may have one.
	setsSchema, alone bool
}

// pad says that the lines from start on, lines many, are those of file.
type pad struct {
	start, lines int
	file         string
}

type refusal struct {
	name string
	err  error
}

func newKustomizeFS(tree *recorder, l limits.Limits) *kustomizeFS {
	f := &kustomizeFS{
		tree:    tree,
		limits:  l,
		padded:  map[string]bool{},
		plain:   map[string]bool{},
		served:  map[string][]byte{},
		missing: map[string]bool{},
		brought: map[string]manifest.Span{},
		named:   map[string]string{},
		nextPad: firstPad,
	}
	f.tagger = newTagger(func(root string) string {
		dir, _ := f.rel(root)
		return dir
	})
	f.tagger.listed = (&listItems{files: f}).find
	return f
}

var _ filesys.FileSystem = (*kustomizeFS)(nil)

func (f *kustomizeFS) abs(name string) string { return path.Join(mount, name) }

// rel is the tree's path of a path that kustomize asks for.
func (f *kustomizeFS) rel(name string) (string, bool) {
	name = path.Clean(filepath.ToSlash(name))
	if name == mount {
		return ".", true
	}
	return strings.CutPrefix(name, mount+"/")
}

// refuse remembers the first path that was not opened because of what it is,
// not because it does not exist.
func (f *kustomizeFS) refuse(name string, err error) error {
	if f.refused == nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
		f.refused = &refusal{name, err}
	}
	return err
}

func (f *kustomizeFS) outside(name string) error {
	shown := strings.TrimPrefix(name, mount)
	return f.refuse(shown, &fs.PathError{Op: "open", Path: shown, Err: source.ErrOutside})
}

// ReadFile serves a file of the tree.
func (f *kustomizeFS) ReadFile(name string) ([]byte, error) {
	if strings.HasPrefix(name, inflatedPath) {
		return f.inflated(name)
	}
	if name == buildFile {
		return []byte(f.tagger.key), nil
	}
	rel, ok := f.rel(name)
	if !ok {
		return nil, f.outside(name)
	}
	switch path.Base(rel) {
	case emptyName:
		return nil, nil
	case "kustomization.yaml":
		if path.Base(path.Dir(rel)) == componentName {
			return []byte("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nmetadata:\n  name: not-fetched\n"), nil
		}
	}
	if data, ok := f.served[rel]; ok {
		return data, nil
	}
	if f.missing[rel] {
		return nil, &fs.PathError{Op: "open", Path: rel, Err: fs.ErrNotExist}
	}
	data, err := f.load(rel)
	if err != nil {
		f.missing[rel] = true
		return nil, f.refuse(rel, err)
	}
	f.served[rel] = data
	return data, nil
}

// real is a path without links. In what was fetched they may not lead out of it.
func (f *kustomizeFS) real(rel string) (string, error) {
	real, err := f.tree.Resolve(rel)
	var failed *fs.PathError
	if errors.As(err, &failed) {
		// Kustomize tells it, in a worker and outside of one in the same words.
		return "", &fs.PathError{Op: "open", Path: rel, Err: failed.Err}
	}
	if err != nil {
		return "", err
	}
	from, _ := mountOf(rel)
	if to, _ := mountOf(real); from != to {
		return "", &fs.PathError{Op: "open", Path: rel, Err: source.ErrOutside}
	}
	return real, nil
}

// load reads a file as kustomize is to see it. What kustomize takes as data it
// gets as it is; all else passes the gate.
func (f *kustomizeFS) load(rel string) ([]byte, error) {
	real, err := f.real(rel)
	if err != nil {
		return nil, err
	}
	data, err := readLimited(f.tree, real, f.limits.YAML.FileSize)
	if err != nil || f.plain[rel] {
		return data, err
	}
	data, refused := f.limits.YAML.Check(data)
	if refused != nil {
		return nil, &gateError{real, refused}
	}
	switch {
	case isKustomization(rel):
		data = f.kustomization(real, data)
		if f.setsSchema && !f.alone {
			return nil, errSchema
		}
	case f.padded[rel]:
		data = f.pad(real, data)
	}
	return data, nil
}

// kustomization reads a kustomization file before kustomize does: it notes
// which files to pad and takes out what kustomize would fetch or run.
func (f *kustomizeFS) kustomization(name string, data []byte) []byte {
	docs, _ := f.limits.YAML.Parse(data)
	if len(docs) != 1 || docs[0].Kind != yaml.MappingNode {
		return data
	}
	root, dir := docs[0], path.Dir(name)
	e := &edit{data: data, root: root, limits: f.limits.YAML}

	for _, key := range []string{"resources", "bases", "components"} {
		standIn := emptyName
		if key == "components" {
			standIn = componentName
		}
		for _, n := range items(manifest.Get(root, key)) {
			local, ok := f.follow(name, n, n.Value)
			if !ok {
				e.replace(n, standIn)
				continue
			}
			f.padded[join(dir, local)] = true
			if p, ok := f.unreadable(name, n, local); ok {
				// The rest of the kustomization is built without it.
				f.problem(p)
				local = standIn
			}
			e.move(n, local)
		}
	}
	for _, key := range []string{"patchesStrategicMerge", "crds", "configurations"} {
		for _, n := range items(manifest.Get(root, key)) {
			if strings.Contains(n.Value, "\n") {
				continue
			}
			local, ok := f.follow(name, n, n.Value)
			if !ok {
				e.remove(n)
				continue
			}
			e.move(n, local)
			if key == "patchesStrategicMerge" {
				f.padded[join(dir, local)] = true
			}
		}
	}
	for _, key := range []string{"patches", "patchesJson6902", "replacements"} {
		for _, n := range items(manifest.Get(root, key)) {
			p := manifest.Get(n, "path")
			if p == nil {
				continue
			}
			local, ok := f.follow(name, p, p.Value)
			if !ok {
				e.remove(n)
				continue
			}
			e.move(p, local)
			if key != "replacements" {
				f.padded[join(dir, local)] = true
			}
		}
	}
	for _, key := range []string{"generators", "transformers", "validators"} {
		for _, n := range items(manifest.Get(root, key)) {
			local := n.Value
			if !strings.Contains(n.Value, "\n") {
				var ok bool
				if local, ok = f.follow(name, n, n.Value); !ok {
					e.replace(n, emptyName)
					continue
				}
				e.move(n, local)
			}
			if what, ok := f.foreignPlugin(dir, n, local); ok {
				f.problem(Problem{Class: "plugin-refused", Message: fmt.Sprintf("the %s %s is a program that scantling does not run: what it changes was not checked", strings.TrimSuffix(key, "s"), what),
					At: position(name, n)})
				e.replace(n, emptyName)
			}
		}
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch key.Value {
		case "helmCharts", "helmChartInflationGenerator":
			for _, n := range items(value) {
				f.helmChart(name, n)
				if f.charts == nil {
					e.remove(key)
				}
			}
		case "configMapGenerator", "secretGenerator":
			for _, n := range items(value) {
				f.generatorInputs(name, n, e)
			}
		case "openapi":
			if p := manifest.Get(value, "path"); p != nil {
				local, ok := f.follow(name, p, p.Value)
				if !ok {
					e.remove(key)
					continue
				}
				e.move(p, local)
			}
			f.setsSchema = true
		}
	}
	f.inlinePatches(name, dir, data, root, e)
	return e.bytes()
}

// unreadable says why a resource can't be read. A folder is not looked into.
func (f *kustomizeFS) unreadable(file string, n *yaml.Node, local string) (Problem, bool) {
	name := join(path.Dir(file), local)
	info, err := f.tree.Stat(name)
	if err == nil && info.IsDir() {
		return Problem{}, false
	}
	if err == nil {
		before := f.refused
		_, err = f.ReadFile(f.abs(name))
		f.refused = before
	}
	var refused *gateError
	switch {
	case err == nil, errors.Is(err, errSchema):
		return Problem{}, false
	case errors.As(err, &refused):
		return refusedProblem(refused.file, refused.err), true
	}
	return Problem{Class: readClass(err), Message: "the resource " + oneLine(redact(n.Value)) + " was left out: " + reason(err), At: position(file, n)}, true
}

// generatorInputs keeps the files that a generator takes as data unpadded, and
// takes out those that are elsewhere.
func (f *kustomizeFS) generatorInputs(name string, n *yaml.Node, e *edit) {
	dir := path.Dir(name)
	input := func(at *yaml.Node, prefix, ref string) {
		local, ok := f.follow(name, at, ref)
		if !ok {
			e.remove(at)
			return
		}
		f.plain[join(dir, local)] = true
		if local != ref {
			e.move(at, prefix+local)
		}
	}
	for _, file := range items(manifest.Get(n, "files")) {
		key, ref, named := strings.Cut(file.Value, "=")
		if !named || isRemote(key) {
			// The key is the name of the file, not of where it is kept.
			ref = file.Value
			key = path.Base(ref)
		}
		input(file, key+"=", ref)
	}
	for _, file := range items(manifest.Get(n, "envs")) {
		input(file, "", file.Value)
	}
	if env := manifest.Get(n, "env"); env != nil {
		input(env, "", env.Value)
	}
}

// foreignPlugin says that an entry of generators, transformers or validators
// configures a program of someone else's: kustomize's own have the API version
// "builtin". An entry may be a file, a folder or the configuration itself.
func (f *kustomizeFS) foreignPlugin(dir string, n *yaml.Node, local string) (string, bool) {
	data, shown := []byte(n.Value), "given inline"
	if !strings.Contains(n.Value, "\n") {
		shown = oneLine(redact(n.Value))
		name := join(dir, local)
		if f.IsDir(f.abs(name)) {
			return "", false
		}
		var err error
		if data, err = f.tree.ReadFile(name); err != nil {
			return "", false
		}
	}
	docs, _ := f.limits.YAML.Parse(data)
	for _, d := range docs {
		version, kind := manifest.Get(d, "apiVersion"), manifest.Get(d, "kind")
		if f.charts != nil && version != nil && kind != nil && version.Value == "builtin" && kind.Value == chartGeneratorKind {
			f.noteGenerator(dir, local, n, d)
			continue
		}
		// One of the built-in ones runs helm.
		if version != nil && kind != nil && (version.Value != "builtin" || kind.Value == chartGeneratorKind) {
			return oneLine(kind.Value) + " (" + shown + ")", true
		}
	}
	return "", false
}

// separatorEnd is the end of the first line behind a line break that begins with
// "---", as kyaml's pattern \n---.*\n has it; -1 for none.
func separatorEnd(text []byte) int {
	start := bytes.Index(text, []byte("\n---"))
	if start < 0 {
		return -1
	}
	end := bytes.IndexByte(text[start+1:], '\n')
	if end < 0 {
		return -1
	}
	return start + 1 + end + 1
}

// pad puts empty lines before each document of a file. The separators are found
// as kyaml's reader finds them.
func (f *kustomizeFS) pad(name string, data []byte) []byte {
	text := bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	base := f.nextPad
	lines := bytes.Count(text, []byte("\n")) + 1
	f.nextPad += lines + 1
	f.pads = append(f.pads, pad{base, lines, name})

	var out bytes.Buffer
	for rest, before := text, 0; ; {
		// A document that begins with a separator, as the first one may and one
		// behind two separators does, has it for a line of its own to kyaml:
		// the padding must stand behind it.
		lead := 0
		if bytes.HasPrefix(rest, []byte("---")) {
			lead = bytes.IndexByte(rest, '\n') + 1
		}
		from := max(lead-1, 0) // that line's end may begin the next separator
		end := separatorEnd(rest[from:])
		out.Write(rest[:lead])
		writeLines(&out, base+before)
		if end < 0 {
			out.Write(rest[lead:])
			return out.Bytes()
		}
		end += from
		out.Write(rest[lead:end])
		// What kyaml parses next begins behind the separator.
		before += bytes.Count(rest[:end], []byte("\n"))
		rest = rest[end:]
	}
}

func writeLines(out *bytes.Buffer, n int) {
	const chunk = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
	for ; n > len(chunk); n -= len(chunk) {
		out.WriteString(chunk)
	}
	out.WriteString(chunk[:n])
}

// mention is where a kustomization that was read refers to a path, for errors
// about that path.
func (f *kustomizeFS) mention(target string, otherwise manifest.Span) manifest.Span {
	for _, name := range f.tree.kustomizations() {
		root := f.tree.node(name)
		if root == nil {
			continue
		}
		var found *yaml.Node
		walkScalars(root, func(n *yaml.Node) {
			if found == nil && n.Line > 0 && (join(path.Dir(name), n.Value) == target || strings.TrimPrefix(path.Join("/", path.Dir(name), n.Value), "/") == strings.TrimPrefix(target, "/")) {
				found = n
			}
		})
		if found != nil {
			return position(name, found)
		}
	}
	return otherwise
}

func walkScalars(n *yaml.Node, visit func(*yaml.Node)) {
	if n.Kind == yaml.ScalarNode {
		visit(n)
	}
	for _, c := range n.Content {
		walkScalars(c, visit)
	}
}

// parseErrorLine is the line at which a file that was read can't be parsed.
func (f *kustomizeFS) parseErrorLine(name string) int {
	_, problems := f.limits.YAML.Parse(f.tree.source(name))
	for _, p := range problems {
		if p.Class == manifest.ParseError {
			return p.Line
		}
	}
	return 0
}

// IsDir says that a path is a folder of the tree.
func (f *kustomizeFS) IsDir(name string) bool {
	rel, ok := f.rel(name)
	if !ok {
		return false
	}
	if path.Base(rel) == componentName {
		return true
	}
	info, err := f.tree.Stat(rel)
	if err != nil {
		_ = f.refuse(rel, err)
	}
	return err == nil && info.IsDir()
}

// Exists says that a path is in the tree.
func (f *kustomizeFS) Exists(name string) bool {
	rel, ok := f.rel(name)
	if !ok {
		return false
	}
	switch path.Base(rel) {
	case componentName, emptyName:
		return true
	}
	_, err := f.tree.Stat(rel)
	return err == nil
}

// CleanedAbs resolves a path to a folder and a file in it.
func (f *kustomizeFS) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	rel, ok := f.rel(name)
	if !ok {
		return "", "", f.outside(name)
	}
	switch path.Base(rel) {
	case componentName:
		return filesys.ConfirmedDir(f.abs(rel)), "", nil
	case emptyName:
		return filesys.ConfirmedDir(f.abs(path.Dir(rel))), emptyName, nil
	}
	real, err := f.real(rel)
	if err != nil {
		return "", "", f.refuse(rel, err)
	}
	if f.padded[rel] {
		f.padded[real] = true
	}
	if f.plain[rel] {
		f.plain[real] = true
	}
	info, err := f.tree.Stat(real)
	if err != nil {
		return "", "", f.refuse(rel, err)
	}
	if info.IsDir() {
		return filesys.ConfirmedDir(f.abs(real)), "", nil
	}
	return filesys.ConfirmedDir(f.abs(path.Dir(real))), path.Base(real), nil
}

// Glob lists the paths that match a pattern.
func (f *kustomizeFS) Glob(pattern string) ([]string, error) {
	rel, ok := f.rel(pattern)
	if !ok {
		return nil, f.outside(pattern)
	}
	names, err := fs.Glob(f.tree, rel)
	for i := range names {
		names[i] = f.abs(names[i])
	}
	return names, err
}

// ReadDir lists a folder.
func (f *kustomizeFS) ReadDir(name string) ([]string, error) {
	rel, ok := f.rel(name)
	if !ok {
		return nil, f.outside(name)
	}
	entries, err := f.tree.ReadDir(rel)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

// Walk visits a folder and all below it.
func (f *kustomizeFS) Walk(name string, visit filepath.WalkFunc) error {
	rel, ok := f.rel(name)
	if !ok {
		return f.outside(name)
	}
	return fs.WalkDir(f.tree, rel, func(p string, d fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil {
			info, err = d.Info()
		}
		return visit(f.abs(p), info, err)
	})
}

var errReadOnly = errors.New("the repository is read only")

// Open is not offered: kustomize reads whole files.
func (f *kustomizeFS) Open(string) (filesys.File, error) { return nil, errReadOnly }

// Create is refused, as every change is.
func (f *kustomizeFS) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir is refused.
func (f *kustomizeFS) Mkdir(string) error { return errReadOnly }

// MkdirAll is refused.
func (f *kustomizeFS) MkdirAll(string) error { return errReadOnly }

// RemoveAll does nothing: kustomize calls it to clean up after itself.
func (f *kustomizeFS) RemoveAll(string) error { return nil }

// WriteFile is refused.
func (f *kustomizeFS) WriteFile(string, []byte) error { return errReadOnly }
