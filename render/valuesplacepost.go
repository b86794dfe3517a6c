package render

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// postPlaces finds what the post renderers of a HelmRelease wrote.
type postPlaces struct {
	r      *Renderer
	object *manifest.Object
	tags   []tag
	// stages are those of the renderers that are kustomizations.
	stages []postStage

	mu      sync.Mutex
	patches map[[2]int]*postText
}

// postStage is one post renderer.
type postStage struct {
	index string // among the renderers
	spec  *directives
}

// postText is a patch of a post renderer.
type postText struct {
	*heldText
	// keys, for a patch that is no text, are those that lead to the nodes of the
	// text that was made of it, by their lines and columns.
	keys map[[2]int]*keyPath
}

// postPlaces are those of a HelmRelease; nil for a release without post renderers.
func (r *Renderer) postPlaces(o *manifest.Object, tags []tag) *postPlaces {
	p := &postPlaces{r: r, object: o, tags: tags, patches: map[[2]int]*postText{}}
	for i, post := range specOf(o).at("postRenderers").items() {
		if k := post.at("kustomize"); k.ok() {
			index := strconv.Itoa(i)
			p.stages = append(p.stages, postStage{index, &directives{kind: ofFlux, root: k.n, where: objectField(o, "spec", "postRenderers", index, "kustomize")}})
		}
	}
	if len(p.stages) == 0 {
		return nil
	}
	return p
}

// locator finds what the plugins of the stages set; all else is found by rest.
func (p *postPlaces) locator(rest manifest.Locator) manifest.Locator {
	if p == nil {
		return rest
	}
	return func(q manifest.Query) (manifest.Origin, bool) {
		if q.Node.Line >= 0 || -q.Node.Line > len(p.tags) {
			return rest(q)
		}
		set := p.tags[-q.Node.Line-1]
		number, err := strconv.Atoi(strings.TrimPrefix(set.dir, "/"))
		if err != nil || number < 0 || number >= len(p.stages) {
			return rest(q)
		}
		at, ok := p.tagged(set, number, q)
		return p.through(number, at, ok)
	}
}

// line finds a node of a patch by its line in that.
func (p *postPlaces) line(number, patch, line int, q manifest.Query) (manifest.Origin, bool) {
	if p == nil || number >= len(p.stages) {
		return manifest.Origin{}, false
	}
	t := p.patch(number, patch)
	if t == nil {
		return manifest.Origin{}, false
	}
	at, ok := t.place(line, q.Node)
	return p.through(number, at, ok)
}

// through adds the renderer to the way of what it wrote.
func (p *postPlaces) through(number int, at manifest.Origin, ok bool) (manifest.Origin, bool) {
	if ok {
		post, _ := objectField(p.object, "spec", "postRenderers", p.stages[number].index)(nil)
		at.Via = append(at.Via, manifest.Step{Span: post.Span, What: "post renderer"})
	}
	return at, ok
}

// tagged is the place of what a plugin of a stage set.
func (p *postPlaces) tagged(set tag, number int, q manifest.Query) (manifest.Origin, bool) {
	at := &plugin{tag: set, settings: []*directives{p.stages[number].spec}}
	if docs, _ := p.r.settings.limits.YAML.Parse([]byte(set.config)); len(docs) > 0 {
		at.config = docs[0]
	}
	if set.kind == "ImageTagTransformer" {
		if found, ok := at.image(q); ok {
			return found, true
		}
	}
	files := []string{foldText(at.config, "path")}
	for _, n := range items(fold(at.config, "paths")) {
		files = append(files, n.Value)
	}
	for _, file := range files {
		if patch, ok := p.numberOf(number, file); ok {
			return p.patch(number, patch).operation(q)
		}
	}
	for _, key := range at.sections(ofFlux) {
		if s, ok := p.stages[number].spec.spot().get(key); ok {
			return s.near()
		}
	}
	return p.stages[number].spec.spot().near()
}

// numberOf is the number of the patch that a file of a stage holds.
func (p *postPlaces) numberOf(number int, file string) (int, bool) {
	for i, s := range p.stages[number].patches() {
		if s.file == path.Base(file) {
			return i, true
		}
	}
	return 0, false
}

// stagePatch is a patch of a stage, and the file that it is written to.
type stagePatch struct {
	spot
	file string
}

// patches are those of a stage, in the order in which they are numbered.
func (s postStage) patches() []stagePatch {
	var list []stagePatch
	add := func(entries []spot, name string, keys ...string) {
		for i, entry := range entries {
			at, _ := entry.get(keys...)
			list = append(list, stagePatch{at, fmt.Sprintf(name, i)})
		}
	}
	root := s.spec.spot()
	add(root.items("patches"), patchFile, "patch")
	add(root.items("patchesStrategicMerge"), mergeFile)
	add(root.items("patchesJson6902"), operationsFile, "patch")
	return list
}

// patch is a patch of a stage by its number; nil for none.
func (p *postPlaces) patch(number, patch int) *postText {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.patches[[2]int{number, patch}]
	if !ok {
		if list := p.stages[number].patches(); patch < len(list) && list[patch].value != nil {
			t = p.read(list[patch].spot)
		}
		p.patches[[2]int{number, patch}] = t
	}
	return t
}

func (p *postPlaces) read(s spot) *postText {
	field := func(keys []string) (manifest.Origin, bool) {
		return s.where(append(s.path[:len(s.path):len(s.path)], keys...))
	}
	if s.value.Kind == yaml.ScalarNode {
		return &postText{heldText: p.r.heldText(s.value.Value, field)}
	}
	t := &postText{heldText: p.r.heldText("", field), keys: map[[2]int]*keyPath{}}
	var patch any
	if sigsyaml.Unmarshal([]byte(val{s.value}.yaml()), &patch) != nil {
		return t
	}
	text, err := sigsyaml.Marshal(patch)
	if err != nil {
		return t
	}
	t.text = string(text)
	if docs, _ := p.r.settings.limits.YAML.Parse(text); len(docs) == 1 {
		keyPaths(docs[0], &keyPath{}, t.keys)
	}
	return t
}

// place is where a node is written that stands at a line of the patch.
func (t *postText) place(line int, n *yaml.Node) (manifest.Origin, bool) {
	if t.keys == nil {
		return t.line(line, n.Column, n)
	}
	if keys := t.keys[[2]int{line, n.Column}]; keys != nil {
		return t.field(keys.keys())
	}
	t.find()
	return t.near()
}

// operation is the place of the operation of a JSON patch that wrote a field.
func (t *postText) operation(q manifest.Query) (manifest.Origin, bool) {
	t.find()
	var ops []*yaml.Node
	for _, doc := range t.docs {
		ops = append(ops, items(doc)...)
	}
	for _, loose := range []bool{false, true} {
		var found []*yaml.Node
		for i := len(ops) - 1; i >= 0; i-- {
			if n := operationNode(ops[i], q, loose); n != nil {
				found = append(found, n)
			}
		}
		if len(found) == 0 {
			continue
		}
		n := found[0]
		if n.Kind == yaml.MappingNode && len(n.Content) > 0 && n.Style&yaml.FlowStyle == 0 {
			n = n.Content[0]
		}
		at, ok := t.place(n.Line, n)
		at.Exact = at.Exact && (len(found) == 1 || !loose)
		return at, ok
	}
	return t.near()
}
