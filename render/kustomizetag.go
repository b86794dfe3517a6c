package render

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	_ "unsafe" // for go:linkname

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/ifc"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// transformerFactories make kustomize's transformers, as generatorFactories do
// its generators.
//
//go:linkname transformerFactories sigs.k8s.io/kustomize/api/internal/plugins/builtinhelpers.TransformerFactories
var transformerFactories map[int]func() resmap.TransformerPlugin

// transformerConfigurators make, for one kustomization, the transformers of a
// kind that its fields ask for.
//
//go:linkname transformerConfigurators sigs.k8s.io/kustomize/api/internal/target.transformerConfigurators
var transformerConfigurators map[int]transformerConfigurator

type transformerConfigurator func(*kustTarget, int, func() resmap.TransformerPlugin, *opaque) ([]resmap.Transformer, error)

// opaque is what is only passed on.
type opaque struct{}

// kustTarget is how kustomize's type of this name begins: a kustomization that is
// being built. A test asserts that it does in the pinned version.
type kustTarget struct {
	kustomization *types.Kustomization
	_             string
	loader        ifc.Loader
}

// The kinds that a tag may have besides those of kustomize's plugins.
const (
	// nameReferenceKind is what puts the new name, or the namespace, of an
	// object where others refer to it.
	nameReferenceKind = "NameReference"
	// buildMetadataKind is the field buildMetadata.
	buildMetadataKind = "BuildMetadata"
	// commonMetadataKind is the field spec.commonMetadata of a Flux
	// Kustomization; the config is that field.
	commonMetadataKind = "CommonMetadata"
)

// lastTransformer is what kustomize makes last of the transformers that a
// kustomization's own fields ask for.
const lastTransformer = "ReplacementTransformer"

// hookTags has kustomize's plugins tell what they set. It must be called before
// kustomize runs.
var hookTags = sync.OnceFunc(func() {
	for number, factory := range generatorFactories {
		if _, ok := factory().(*chartGenerator); ok {
			continue // it tells by itself
		}
		kind := pluginKind(factory())
		generatorFactories[number] = func() resmap.GeneratorPlugin {
			return &taggedGenerator{GeneratorPlugin: factory(), step: step{kind: kind}}
		}
	}
	for number, factory := range transformerFactories {
		kind := pluginKind(factory())
		transformerFactories[number] = func() resmap.TransformerPlugin {
			return &taggedTransformer{TransformerPlugin: factory(), step: step{kind: kind}}
		}
		if kind == lastTransformer {
			transformerConfigurators[number] = withWatch(transformerConfigurators[number])
		}
	}
})

// pluginKind is the kind of one of kustomize's plugins, by the name of its type.
func pluginKind(plugin any) string {
	name := fmt.Sprintf("%T", plugin)
	name = strings.TrimSuffix(name[strings.LastIndexByte(name, '.')+1:], "Plugin")
	if name == "MultiTransformer" {
		return "PrefixSuffixTransformer"
	}
	return name
}

// withWatch adds a transformer that changes nothing to those of a kustomization:
// so each object is seen at least once before kustomize takes off the annotations
// that it keeps for itself, and with them the lines of all others. Where kustomize
// is asked to list its transformers in the output, that would show.
func withWatch(configure transformerConfigurator) transformerConfigurator {
	return func(kt *kustTarget, kind int, factory func() resmap.TransformerPlugin, config *opaque) ([]resmap.Transformer, error) {
		list, err := configure(kt, kind, factory, config)
		if err != nil || slices.Contains(kt.kustomization.BuildMetadata, types.TransformerAnnotations) {
			return list, err
		}
		if t := taggerOf(kt.loader); t != nil {
			list = append(list, watch{t})
		}
		return list, nil
	}
}

type watch struct{ tagger *tagger }

func (w watch) Transform(m resmap.ResMap) error {
	w.tagger.look(m.Resources())
	return nil
}

// taggers are those of the builds that run, by what is in the buildFile of each.
var (
	taggers     sync.Map
	taggerCount atomic.Int64
)

// buildFile is where a plugin, which knows nothing but its loader, finds which
// build it is a part of. It is not in the tree.
const buildFile = "/scantling/build"

// tagger gives the nodes of one build of kustomize the line at which they were
// written or, negative, the number of the plugin that set them. The lines of the
// files are kustomize's own doing, which keeps them in copies and strategic
// merges; what it loses them of is put back here, by comparing each object before
// and after each plugin.
//
// What a plugin sets is its own even if the file says the same: who wants another
// value must edit the plugin's configuration. But a name which was only made
// longer, as prefixes, suffixes and hashes do, stays where it was written, and so
// do references to it and values with variables.
type tagger struct {
	key     string
	folder  func(root string) string
	tags    []tag
	numbers map[tag]int
	seen    map[*resource.Resource]*shadow
	// generated are the objects that generators gave; order has all, as they
	// were first seen.
	generated map[*resource.Resource]bool
	order     []*resource.Resource
	// listed finds an object among the items of the lists in the files of the
	// build; nil if there is none, or more than one. It may be nil.
	listed func(*resource.Resource) *yaml.Node
}

// newTagger makes a tagger; folder makes the folder of a kustomization of the root
// of its loader.
func newTagger(folder func(root string) string) *tagger {
	return &tagger{
		key:       strconv.FormatInt(taggerCount.Add(1), 10),
		folder:    folder,
		numbers:   map[tag]int{},
		seen:      map[*resource.Resource]*shadow{},
		generated: map[*resource.Resource]bool{},
	}
}

// taggerOf finds the tagger of the build that a loader belongs to; nil if it has
// none.
func taggerOf(loader ifc.Loader) *tagger {
	key, err := loader.Load(buildFile)
	if err != nil {
		return nil
	}
	t, _ := taggers.Load(string(key))
	found, _ := t.(*tagger)
	return found
}

// run builds the kustomization in a folder of a file system whose buildFile holds
// the key.
func (t *tagger) run(files filesys.FileSystem, dir string) (resmap.ResMap, error) {
	taggers.Store(t.key, t)
	defer taggers.Delete(t.key)
	options := krusty.MakeDefaultOptions()
	// Flux builds without the restriction; what leaves the repository is
	// refused by the tree.
	options.LoadRestrictions = types.LoadRestrictionsNone
	options.PluginConfig = types.DisabledPluginConfig()
	m, err := krusty.MakeKustomizer(options).Run(files, dir)
	if err != nil {
		return nil, err
	}
	t.finish(m.Resources(), t.folder(dir))
	return m, nil
}

// number is that of a tag, from 1.
func (t *tagger) number(of tag) int {
	n, ok := t.numbers[of]
	if !ok {
		t.tags = append(t.tags, of)
		n = len(t.tags)
		t.numbers[of] = n
	}
	return n
}

// mark says of a node that it is what a tag tells.
func (t *tagger) mark(n *yaml.Node, of tag) { n.Line, n.Column = -t.number(of), 0 }

// markAll does so of a tree of nodes.
func (t *tagger) markAll(n *yaml.Node, of tag) {
	t.mark(n, of)
	for _, c := range n.Content {
		t.markAll(c, of)
	}
}

// markNew does so of those that have no place.
func (t *tagger) markNew(n *yaml.Node, of tag) {
	if n == nil {
		return
	}
	if n.Line == 0 {
		t.mark(n, of)
	}
	for _, c := range n.Content {
		t.markNew(c, of)
	}
}

// markEntries does so of some entries of a mapping.
func (t *tagger) markEntries(n *yaml.Node, entries map[string]string, of tag) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if _, ok := entries[n.Content[i].Value]; ok {
			t.markNew(n.Content[i], of)
			t.markNew(n.Content[i+1], of)
		}
	}
	if n.Line == 0 && len(n.Content) == 2*len(entries) {
		t.mark(n, of)
	}
}

// step is what is known of a plugin.
type step struct {
	kind   string
	tagger *tagger
	tag    tag
	loader ifc.Loader
	read   func(text []byte) ([]*resource.Resource, error)
}

func (s *step) config(h *resmap.PluginHelpers, config []byte) {
	s.loader = h.Loader()
	if s.tagger = taggerOf(s.loader); s.tagger == nil {
		return
	}
	s.tag = tag{dir: s.tagger.folder(s.loader.Root()), kind: s.kind, config: string(config)}
	s.read = h.ResmapFactory().RF().SliceFromBytes
}

// taggedGenerator is one of kustomize's generators.
type taggedGenerator struct {
	resmap.GeneratorPlugin
	step step
}

// Config takes the configuration.
func (g *taggedGenerator) Config(h *resmap.PluginHelpers, config []byte) error {
	g.step.config(h, config)
	return g.GeneratorPlugin.Config(h, config)
}

// Generate gives the objects.
func (g *taggedGenerator) Generate() (resmap.ResMap, error) {
	m, err := g.GeneratorPlugin.Generate()
	t := g.step.tagger
	if err != nil || t == nil || m == nil {
		return m, err
	}
	for _, r := range m.Resources() {
		if n := r.YNode(); n != nil {
			t.markAll(n, g.step.tag)
			t.generated[r] = true
			t.remember(r, n)
		}
	}
	return m, nil
}

// taggedTransformer is one of kustomize's transformers.
type taggedTransformer struct {
	resmap.TransformerPlugin
	step step
}

// Config takes the configuration.
func (p *taggedTransformer) Config(h *resmap.PluginHelpers, config []byte) error {
	p.step.config(h, config)
	return p.TransformerPlugin.Config(h, config)
}

// Transform changes objects.
func (p *taggedTransformer) Transform(m resmap.ResMap) error {
	t := p.step.tagger
	if t == nil {
		return p.TransformerPlugin.Transform(m)
	}
	t.look(m.Resources())
	if err := p.TransformerPlugin.Transform(m); err != nil {
		return err
	}
	var c *change
	t.settle(m.Resources(), func(*resource.Resource) *change {
		if c == nil {
			c = p.step.change()
		}
		return c
	})
	return nil
}

// change is how the plugin changes objects.
func (s *step) change() *change {
	c := &change{tagger: s.tagger, tag: func([]string) tag { return s.tag }}
	switch s.kind {
	case "PatchTransformer", "PatchStrategicMergeTransformer", "PatchJson6902Transformer":
		// They set names anew, with the same value, and make objects anew.
		c.restores = true
		c.patch = s.patch()
	case "PrefixTransformer", "SuffixTransformer", "PrefixSuffixTransformer", "HashTransformer":
		c.keeps = strings.Contains
	}
	return c
}

// look takes note of objects. What changed since they were last seen was
// kustomize's doing: it merges what generators give, and annotates.
func (t *tagger) look(resources []*resource.Resource) {
	var present map[*resource.Resource]bool
	t.settle(resources, func(r *resource.Resource) *change {
		c := &change{tagger: t, restores: true}
		if t.generated[r] {
			if present == nil {
				present = map[*resource.Resource]bool{}
				for _, r := range resources {
					present[r] = true
				}
			}
			c.merged = t.merged(r, present)
		}
		return c
	})
}

// merged are the objects that a generated one was merged into. They are no longer
// present.
func (t *tagger) merged(r *resource.Resource, present map[*resource.Resource]bool) []*shadow {
	var into []*shadow
	for _, other := range t.order {
		s := t.seen[other]
		if s == nil || present[other] || other == r || other.GetKind() != r.GetKind() {
			continue
		}
		for _, id := range append(other.PrevIds(), other.CurId()) {
			if id.Name == r.GetName() {
				into = append(into, s)
				break
			}
		}
	}
	return into
}

// settle gives places to the nodes of objects that changed since they were last
// seen.
func (t *tagger) settle(resources []*resource.Resource, how func(*resource.Resource) *change) {
	for _, r := range resources {
		n, was := r.YNode(), t.seen[r]
		switch {
		case n == nil:
			delete(t.seen, r)
		case was == nil:
			t.first(r, n)
			t.remember(r, n)
		case !was.same(n):
			how(r).object(r, n, was)
			t.remember(r, n)
		}
	}
}

// first puts places to an object that is seen for the first time if it has none: the
// items of a list are made anew.
func (t *tagger) first(r *resource.Resource, n *yaml.Node) {
	if n.Line >= firstPad || n.Line < 0 {
		return
	}
	unplace(n)
	if t.listed == nil {
		return
	}
	if item := t.listed(r); item != nil {
		c := change{tagger: t, restores: true}
		c.node(n, sides{was: newShadow(item)})
	}
}

func (t *tagger) remember(r *resource.Resource, n *yaml.Node) {
	if t.seen[r] == nil {
		t.order = append(t.order, r)
	}
	t.seen[r] = newShadow(n)
}

// finish gives places to what kustomize does to all objects in the end: names with
// hashes, references to them, variables, and its own annotations taken off.
func (t *tagger) finish(resources []*resource.Resource, dir string) {
	made := func(path []string) tag {
		if len(path) >= 2 && path[0] == "metadata" && (path[1] == "labels" || path[1] == "annotations") {
			return tag{dir: dir, kind: buildMetadataKind}
		}
		return tag{dir: dir, kind: nameReferenceKind}
	}
	keeps := func(now, was string) bool { return strings.Contains(now, was) || strings.Contains(was, "$(") }
	t.settle(resources, func(*resource.Resource) *change {
		return &change{tagger: t, tag: made, restores: true, keeps: keeps}
	})
	for _, r := range resources {
		t.markMetadata(r.YNode(), tag{dir: dir, kind: buildMetadataKind})
	}
}

// markMetadata marks the annotations that tell where an object is from.
func (t *tagger) markMetadata(n *yaml.Node, of tag) {
	annotations := manifest.Get(manifest.Get(n, "metadata"), "annotations")
	for _, key := range []string{"config.kubernetes.io/origin", "alpha.config.kubernetes.io/transformations"} {
		if manifest.Get(annotations, key) != nil {
			t.markEntries(annotations, map[string]string{key: ""}, of)
		}
	}
}
