package render

import (
	"encoding/base64"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// plugin is a plugin of kustomize that ran, with what configured it.
type plugin struct {
	tag
	config *yaml.Node
	// settings are where the configuration may have come from, those that go
	// over the others first.
	settings []*directives
}

// tagged is the place in a configuration from which a plugin of kustomize took
// what it set a node to.
func (k *kustomizeOrigins) tagged(doc *yaml.Node, q manifest.Query) (manifest.Origin, bool) {
	p := k.plugin(-q.Node.Line)
	if p == nil {
		return manifest.Origin{}, false
	}
	if at, ok := k.place(p, doc, q); ok {
		return at, true
	}
	for _, s := range p.settings {
		for _, key := range p.sections(s.kind) {
			if at, ok := s.spot().get(key); ok {
				return at.near()
			}
		}
	}
	return manifest.Origin{}, false
}

// plugin is the plugin of a number, from 1; nil for none.
func (k *kustomizeOrigins) plugin(number int) *plugin {
	if number < 1 || number > len(k.tags) {
		return nil
	}
	k.mu.Lock()
	p := k.plugins[number]
	k.mu.Unlock()
	if p != nil {
		return p
	}
	p = &plugin{tag: k.tags[number-1]}
	if docs, _ := k.tree.limits.Parse([]byte(p.tag.config)); len(docs) > 0 {
		p.config = docs[0]
	}
	if k.over != nil && p.dir == k.dir {
		p.settings = append(p.settings, k.over)
	}
	if file, ok := k.tree.kustomizationFile(p.dir); ok {
		if s := k.kustomization(file); s != nil {
			p.settings = append(p.settings, s)
			if manifest.Get(p.config, "apiVersion") != nil {
				p.settings = append(p.settings, k.configured(s, p)...)
			}
		}
	}
	k.mu.Lock()
	k.plugins[number] = p
	k.mu.Unlock()
	return p
}

// kustomization is a kustomization file as directives, or nil.
func (k *kustomizeOrigins) kustomization(file string) *directives {
	root := k.tree.node(file)
	if root == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.settings[file]
	if s == nil {
		s = &directives{kind: ofKustomization, root: root, file: file}
		k.settings[file] = s
	}
	return s
}

// configured are the files of a kustomization's generators and transformers that
// hold the configuration of a plugin.
func (k *kustomizeOrigins) configured(s *directives, p *plugin) []*directives {
	var found []*directives
	kind, name := foldText(p.config, "kind"), foldText(p.config, "metadata", "name")
	for _, key := range []string{"transformers", "generators", "validators"} {
		for _, entry := range s.spot().items(key) {
			if strings.Contains(entry.value.Value, "\n") {
				continue
			}
			ref := k.real(join(path.Dir(s.file), entry.value.Value))
			for _, file := range k.tree.names() {
				if file != ref && !within(file, ref) {
					continue
				}
				docs, _ := k.tree.limits.Parse(k.tree.source(file))
				for _, doc := range docs {
					if foldText(doc, "kind") == kind && foldText(doc, "metadata", "name") == name {
						found = append(found, &directives{kind: ofPlugin, root: doc, file: file})
					}
				}
			}
		}
	}
	return found
}

// sections are the fields that a kind of plugin is made of, in a kind of setting.
func (p *plugin) sections(in directivesKind) []string {
	switch p.kind {
	case "ImageTagTransformer":
		return []string{"images", "imageTag"}
	case "ReplicaCountTransformer":
		return []string{"replicas", "replica"}
	case "NamespaceTransformer":
		if in == ofFlux {
			return []string{"targetNamespace"}
		}
		return []string{"namespace", "metadata"}
	case "PrefixTransformer":
		return []string{"namePrefix", "prefix"}
	case "SuffixTransformer":
		return []string{"nameSuffix", "suffix"}
	case "LabelTransformer":
		return []string{"labels", "commonLabels"}
	case "AnnotationsTransformer":
		return []string{"commonAnnotations", "annotations"}
	case "PatchTransformer":
		return []string{"patches"}
	case "PatchStrategicMergeTransformer":
		return []string{"patchesStrategicMerge"}
	case "PatchJson6902Transformer":
		return []string{"patchesJson6902"}
	case "ReplacementTransformer":
		return []string{"replacements"}
	case "ConfigMapGenerator":
		return []string{"configMapGenerator"}
	case "SecretGenerator":
		return []string{"secretGenerator"}
	case "HelmChartInflationGenerator":
		return []string{"helmCharts", "helmChartInflationGenerator"}
	case buildMetadataKind:
		return []string{"buildMetadata"}
	case commonMetadataKind:
		return []string{"commonMetadata"}
	}
	return nil
}

// place finds the very entry of a configuration.
func (k *kustomizeOrigins) place(p *plugin, doc *yaml.Node, q manifest.Query) (manifest.Origin, bool) {
	switch p.kind {
	case "ImageTagTransformer":
		return p.image(q)
	case "ReplicaCountTransformer":
		return p.scalar(q, p.entries("replicas", "replica", "name", foldText(p.config, "replica", "name")), "count")
	case "NamespaceTransformer":
		return p.namespace(q)
	case "PrefixTransformer", "SuffixTransformer":
		return p.affix(q)
	case "LabelTransformer":
		return p.pair(q, p.labels())
	case "AnnotationsTransformer":
		return p.pair(q, p.mappings("commonAnnotations", "annotations"))
	case "PatchTransformer", "PatchJson6902Transformer", "PatchStrategicMergeTransformer":
		return k.patched6902(p, doc, q)
	case "ReplacementTransformer":
		return k.replaced(p, doc, q)
	case "ConfigMapGenerator", "SecretGenerator":
		return k.generates(p, q)
	case commonMetadataKind:
		return k.common(q)
	case nameReferenceKind:
		return manifest.Origin{}, false
	}
	return p.same(q)
}

// entries are the items of a list in a setting, or what takes its place in a
// plugin's own file, whose field has a value.
func (p *plugin) entries(list, own, name, value string) []spot {
	var found []spot
	for _, s := range p.settings {
		if s.kind == ofPlugin {
			if at, ok := s.spot().get(own); ok {
				found = append(found, at)
			}
			continue
		}
		for _, item := range s.spot().items(list) {
			if item.str(name) == value {
				found = append(found, item)
			}
		}
	}
	return found
}

// mappings are the mappings at a field of a setting, or at one of a plugin's own
// file.
func (p *plugin) mappings(key, own string) []spot {
	var found []spot
	for _, s := range p.settings {
		if s.kind == ofPlugin {
			key = own
		}
		if at, ok := s.spot().get(key); ok {
			found = append(found, at)
		}
	}
	return found
}

func (p *plugin) labels() []spot {
	found := p.mappings("commonLabels", "labels")
	for _, s := range p.settings {
		for _, entry := range s.spot().items("labels") {
			if pairs, ok := entry.get("pairs"); ok {
				found = append(found, pairs)
			}
		}
	}
	// What the plugin was told is the whole of an entry, unless two were put
	// together.
	told := fold(p.config, "labels")
	slices.SortStableFunc(found, func(a, b spot) int { return differs(a, told) - differs(b, told) })
	return found
}

func differs(s spot, told *yaml.Node) int {
	if told == nil || len(s.value.Content) != len(told.Content) {
		return 1
	}
	for i := 0; i+1 < len(told.Content); i += 2 {
		if s.str(told.Content[i].Value) != told.Content[i+1].Value {
			return 1
		}
	}
	return 0
}

// renderedText is the rendered value, if it is a scalar.
func renderedText(q manifest.Query) string {
	if q.Value != nil && q.Value.Kind == yaml.ScalarNode {
		return q.Value.Value
	}
	return ""
}

// image finds the part of an entry of images that stands in the rendered image:
// the digest or the tag rather than the name, since those are what changes.
func (p *plugin) image(q manifest.Query) (manifest.Origin, bool) {
	told := fold(p.config, "imageTag")
	name, rendered := foldText(told, "name"), renderedText(q)
	for _, part := range [...]struct{ key, before string }{{"digest", "@"}, {"newTag", ":"}, {"newName", ""}} {
		value := foldText(told, part.key)
		if value == "" || !strings.Contains(rendered, part.before+value) {
			continue
		}
		for _, entry := range p.entries("images", "imageTag", "name", name) {
			if at, ok := entry.get(part.key); ok && at.value.Value == value {
				return at.origin()
			}
		}
		for _, s := range p.settings {
			if s.kind != ofApplication {
				continue
			}
			for _, arg := range s.spot().items("images") {
				// The argument is NAME=IMAGE or IMAGE, with variables in it.
				if strings.HasPrefix(arg.value.Value, name) && strings.HasSuffix(arg.value.Value, value) || part.key == "newName" && strings.Contains(arg.value.Value, "="+value) {
					return arg.origin()
				}
			}
		}
	}
	return manifest.Origin{}, false
}

// scalar finds a field of an entry that has the rendered value.
func (p *plugin) scalar(q manifest.Query, entries []spot, field ...string) (manifest.Origin, bool) {
	for _, entry := range entries {
		if at, ok := entry.get(field...); ok && at.value.Value == renderedText(q) {
			return at.origin()
		}
	}
	return manifest.Origin{}, false
}

func (p *plugin) namespace(q manifest.Query) (manifest.Origin, bool) {
	for _, s := range p.settings {
		keys := []string{"namespace"}
		switch s.kind {
		case ofFlux:
			keys = []string{"targetNamespace"}
		case ofPlugin:
			keys = []string{"metadata", "namespace"}
		}
		if at, ok := s.spot().get(keys...); ok && at.value.Value != "" && at.value.Value == renderedText(q) {
			return at.origin()
		}
	}
	return manifest.Origin{}, false
}

// affix finds a prefix or suffix of names. The name itself is written elsewhere.
func (p *plugin) affix(q manifest.Query) (manifest.Origin, bool) {
	for _, s := range p.settings {
		for _, key := range p.sections(s.kind) {
			if at, ok := s.spot().get(key); ok && at.value.Value != "" && strings.Contains(renderedText(q), at.value.Value) {
				return at.near()
			}
		}
	}
	return manifest.Origin{}, false
}

// pair finds the entry of a label or annotation.
func (p *plugin) pair(q manifest.Query, mappings []spot) (manifest.Origin, bool) {
	if len(q.Path) == 0 {
		return manifest.Origin{}, false
	}
	key := q.Path[len(q.Path)-1]
	for _, m := range mappings {
		// Argo CD replaces its variables in what it adds.
		if at, ok := m.get(key); ok && (at.value.Value == renderedText(q) || m.kind == ofApplication && strings.Contains(at.value.Value, "$")) {
			return at.origin()
		}
	}
	for _, m := range mappings {
		if _, ok := m.get(key); ok || q.Value != nil && q.Value.Kind == yaml.MappingNode {
			return m.near()
		}
	}
	return manifest.Origin{}, false
}

// same finds the one scalar with the rendered value below the field of a setting
// that a plugin is made of.
func (p *plugin) same(q manifest.Query) (manifest.Origin, bool) {
	rendered := renderedText(q)
	if rendered == "" {
		return manifest.Origin{}, false
	}
	for _, s := range p.settings {
		var found []*yaml.Node
		in := s.root
		if keys := p.sections(s.kind); len(keys) > 0 && s.kind == ofKustomization {
			in = manifest.Get(s.root, keys[0])
		}
		if in == nil || s.where != nil || s.kind == ofKustomization && in == s.root {
			continue
		}
		walkScalars(in, func(n *yaml.Node) {
			if n.Value == rendered {
				found = append(found, n)
			}
		})
		if len(found) == 1 {
			return manifest.Origin{Span: position(s.file, found[0])}, true
		}
	}
	return manifest.Origin{}, false
}

// common is the place of a label or annotation that Flux gives to all objects of a
// build behind kustomize.
func (k *kustomizeOrigins) common(q manifest.Query) (manifest.Origin, bool) {
	if k.over == nil || k.over.kind != ofFlux || len(q.Path) != 3 || q.Path[0] != "metadata" {
		return manifest.Origin{}, false
	}
	at, ok := k.over.spot().get("commonMetadata", q.Path[1], q.Path[2])
	if !ok || at.value.Value != renderedText(q) {
		return manifest.Origin{}, false
	}
	return at.origin()
}

// encoded says that a rendered value is another as it is, or in base64 as secrets
// hold it.
func encoded(rendered, plain string) bool {
	if rendered == plain {
		return true
	}
	// kustomize wraps what is long.
	return strings.Join(strings.Fields(rendered), "") == base64.StdEncoding.EncodeToString([]byte(plain))
}
