package render

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// valuesSource is one of the sources of a release's values, with the places of
// what it sets.
type valuesSource struct {
	// scope are the keys of the release's values under which the source's own
	// lie: those of the dependency whose values.yaml it is.
	scope []string
	root  *yaml.Node
	// target, if there is one, is the path of the one value that the source
	// sets, and text that value.
	target []string
	text   string
	// file is where the nodes stand; where, if it is not nil, finds the place
	// in another way.
	file  string
	where func(keys []string) (manifest.Origin, bool)
	// foreign says that nobody edits it in this repository.
	foreign bool
}

// setting is a value as one source sets it.
type setting struct {
	source *valuesSource
	keys   []string   // below the root of the source
	key    *yaml.Node // nil for an item of a list, and for a target
	node   *yaml.Node
}

// valuesView are the values of a release as the templates see them, the source
// that has the last word first.
type valuesView struct {
	sources []*valuesSource

	mu       sync.Mutex
	expanded map[string][][]string
}

// lookup finds the source that set the value at a path of the release's values.
func (v *valuesView) lookup(elements []string) (setting, bool) {
	for _, s := range v.sources {
		for _, keys := range s.below(elements) {
			found, ok, blocked := s.find(keys)
			if ok || blocked {
				return found, ok
			}
		}
	}
	return setting{}, false
}

// moved finds a value that no source sets under the only key that the defaults of
// the chart have.
func (v *valuesView) moved(elements []string) (setting, bool) {
	for _, s := range v.sources {
		if s.root == nil || len(s.scope) > 0 || s.root.Kind != yaml.MappingNode || len(s.root.Content) != 2 {
			continue
		}
		if found, ok, _ := s.find(append([]string{s.root.Content[0].Value}, elements...)); ok {
			return found, true
		}
	}
	return setting{}, false
}

// below are the paths in a source that a path of the release's values may be. A
// chart's own defaults may hold global values, too.
func (s *valuesSource) below(elements []string) [][]string {
	var paths [][]string
	if len(elements) >= len(s.scope) && slices.Equal(elements[:len(s.scope)], s.scope) {
		paths = append(paths, elements[len(s.scope):])
	}
	if len(s.scope) > 0 && len(elements) > 0 && elements[0] == "global" {
		paths = append(paths, elements)
	}
	return paths
}

// find follows keys. blocked says that what is set on the way is no mapping: it
// hides what other sources have below it.
func (s *valuesSource) find(keys []string) (found setting, ok, blocked bool) {
	if s.target != nil {
		if !slices.Equal(keys, s.target) {
			return setting{}, false, len(keys) > len(s.target) && slices.Equal(keys[:len(s.target)], s.target)
		}
		return setting{source: s, keys: keys, node: stringNode(s.text)}, true, false
	}
	var key *yaml.Node
	n := s.root
	if n == nil {
		return setting{}, false, false
	}
	for i, element := range keys {
		switch n.Kind {
		case yaml.MappingNode:
			key, n = child(n, element)
			if n == nil {
				return setting{}, false, false
			}
		case yaml.SequenceNode:
			index, err := strconv.Atoi(element)
			if err != nil || index < 0 || index >= len(n.Content) {
				return setting{}, false, true
			}
			key, n = nil, n.Content[index]
		default:
			return setting{}, false, i > 0
		}
	}
	return setting{source: s, keys: keys, key: key, node: n}, true, false
}

// maxItems is how many items of values a range is followed through.
const maxItems = 2000

// expand puts the indexes, or the keys, of the items in the place of the anyItem
// of a path, in the order in which a range goes through them.
func (v *valuesView) expand(elements []string) [][]string {
	if !slices.Contains(elements, anyItem) {
		return [][]string{elements}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	name := strings.Join(elements, "\x00")
	paths, ok := v.expanded[name]
	if !ok {
		if v.expanded == nil {
			v.expanded = map[string][][]string{}
		}
		paths = v.paths(elements)
		v.expanded[name] = paths
	}
	return paths
}

func (v *valuesView) paths(elements []string) [][]string {
	paths := [][]string{nil}
	for _, element := range elements {
		var next [][]string
		for _, p := range paths {
			items := []string{element}
			if element == anyItem {
				items = v.items(p)
			}
			for _, item := range items {
				next = append(next, append(slices.Clip(p), item))
			}
			if len(next) > maxItems {
				return nil
			}
		}
		paths = next
	}
	return paths
}

// items are the indexes of the list at a path or, of a mapping, the keys.
func (v *valuesView) items(elements []string) []string {
	keys := map[string]bool{}
	for _, s := range v.sources {
		for _, below := range s.below(elements) {
			found, ok, blocked := s.find(below)
			switch {
			case blocked:
				return sortedKeys(keys)
			case !ok:
			case found.node.Kind == yaml.SequenceNode:
				if len(keys) > 0 {
					return sortedKeys(keys)
				}
				var list []string
				for i := range found.node.Content {
					list = append(list, strconv.Itoa(i))
				}
				return list
			case found.node.Kind == yaml.MappingNode:
				for i := 0; i+1 < len(found.node.Content); i += 2 {
					keys[found.node.Content[i].Value] = true
				}
			default:
				return sortedKeys(keys)
			}
		}
	}
	return sortedKeys(keys)
}

// empty says that a template takes the value for none, as `default` does.
func (s setting) empty() bool {
	switch n := s.node; n.Kind {
	case yaml.ScalarNode:
		return n.ShortTag() == "!!null" || n.Value == "" || n.Value == "false" && n.ShortTag() == "!!bool" || n.Value == "0" && n.ShortTag() == "!!int"
	default:
		return len(n.Content) == 0
	}
}

// place is where the setting is written: the value if it is a scalar, else the
// key. exact says that it stands there.
func (s setting) place() (at manifest.Origin, exact bool) {
	if s.source.where != nil {
		at, ok := s.source.where(s.keys)
		return at, ok && at.Exact
	}
	n := s.placed()
	if n.Line == 0 {
		return manifest.Origin{Span: manifest.Span{File: s.source.file}}, false
	}
	return manifest.Origin{Span: manifest.NodeSpan(s.source.file, n)}, true
}

// setKey writes a path of values as helm's --set takes it.
func setKey(elements []string) string {
	var b strings.Builder
	for i, element := range elements {
		if _, err := strconv.Atoi(element); err == nil && i > 0 {
			b.WriteString("[" + element + "]")
			continue
		}
		if element == anyItem {
			// Which one is not known.
			break
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strings.NewReplacer(`\`, `\\`, `.`, `\.`, `,`, `\,`, `=`, `\=`, `[`, `\[`, `]`, `\]`).Replace(element))
	}
	return b.String()
}

// setPath takes a path of helm's --set apart.
func setPath(text string) []string {
	var elements []string
	var part strings.Builder
	flush := func() {
		if part.Len() > 0 {
			elements = append(elements, part.String())
			part.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			part.WriteByte(text[i])
		case c == '.', c == '[', c == ']':
			flush()
		default:
			part.WriteByte(c)
		}
	}
	flush()
	return elements
}

// releaseValues are the sources of a release's values: of the release itself, of
// the chart, and of the dependencies whose folders are known by the keys of
// their values.
func (c *chartPlaces) releaseValues(number int) *valuesView {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.values[number]; ok {
		return v
	}
	v := &valuesView{}
	dir, rel := c.chart(number)
	for i := range slices.Backward(rel.layers) {
		v.sources = append(v.sources, c.layerSources(number, dir, &rel.layers[i])...)
	}
	if len(rel.defaults) > 0 {
		for i := range slices.Backward(rel.defaults) {
			v.sources = append(v.sources, c.layerSources(number, dir, &rel.defaults[i])...)
		}
	} else if !isArchive(dir) {
		v.add(c.fileSource(join(dir, "values.yaml"), nil))
	}
	for _, sub := range c.dependencies(number) {
		v.add(c.fileSource(join(sub.dir, "values.yaml"), sub.scope))
	}
	c.values[number] = v
	return v
}

func (v *valuesView) add(s *valuesSource) {
	if s != nil {
		v.sources = append(v.sources, s)
	}
}

// dependency is the folder of a chart that another depends on.
type dependencyChart struct {
	scope []string
	dir   string
}

// dependencies are the dependencies of a release's chart which gave something,
// those of the chart itself before those of these.
func (c *chartPlaces) dependencies(number int) []dependencyChart {
	var list []dependencyChart
	seen := map[string]bool{}
	for _, t := range c.b.product.texts {
		if t.chart != number || !t.written {
			continue
		}
		scope, dir, ok := dependencyOf(t.template, t.file)
		// The parents of a chart may themselves give nothing.
		for ok && len(scope) > 0 && !seen[strings.Join(scope, "\x00")] {
			seen[strings.Join(scope, "\x00")] = true
			list = append(list, dependencyChart{scope, dir})
			scope = scope[:len(scope)-1]
			up := path.Dir(path.Dir(dir))
			ok = path.Base(path.Dir(dir)) == "charts"
			dir = up
		}
	}
	slices.SortStableFunc(list, func(a, b dependencyChart) int { return len(a.scope) - len(b.scope) })
	return list
}

// dependencyOf tells from the name that helm gives a template, and its file, whose
// template it is: the keys of that chart's values, and its folder.
func dependencyOf(template, file string) (scope []string, dir string, ok bool) {
	parts := strings.Split(template, "/")
	i := 1
	for ; i+1 < len(parts) && parts[i] == "charts"; i += 2 {
		scope = append(scope, parts[i+1])
	}
	if i >= len(parts) {
		return nil, "", false
	}
	dir, ok = strings.CutSuffix(file, "/"+strings.Join(parts[i:], "/"))
	return scope, dir, ok
}

// fileSource is a values file of the tree as a source; nil if there is none.
func (c *chartPlaces) fileSource(name string, scope []string) *valuesSource {
	root := c.parsed(name)
	if root == nil {
		return nil
	}
	_, foreign := c.owner(name)
	return &valuesSource{scope: scope, root: root, file: name, foreign: foreign}
}

// layerSources are what a layer of a release's values is made of, the source with
// the last word first. What a packed chart holds has no place.
func (c *chartPlaces) layerSources(number int, dir string, l *layer) []*valuesSource {
	switch {
	case l.inChart != "":
		return nil
	case l.target != "":
		return c.targetSources(l)
	case l.file != "":
		if s := c.fileSource(l.file, nil); s != nil {
			return []*valuesSource{s}
		}
		return nil
	case l.where == nil && number > 0:
		if list, ok := c.inlineSources(dir, l); ok {
			return list
		}
	}
	docs, _ := c.limits().Parse([]byte(l.text))
	if len(docs) != 1 {
		return nil
	}
	s := &valuesSource{root: docs[0], where: l.where}
	if s.where == nil {
		// What it says hides what others say, wherever it was written.
		s.where = func([]string) (manifest.Origin, bool) { return manifest.Origin{Span: l.at}, false }
	}
	return []*valuesSource{s}
}

// targetSources are those of a layer that sets one value.
func (c *chartPlaces) targetSources(l *layer) []*valuesSource {
	s := &valuesSource{target: setPath(l.target), text: l.text}
	switch {
	case len(s.target) == 0:
		return nil
	case l.file != "":
		s.text = string(c.read(l.file))
		s.where = func([]string) (manifest.Origin, bool) {
			return manifest.Origin{Span: manifest.Span{File: l.file, Line: 1, Column: 1, EndLine: 1, EndColumn: 1}}, false
		}
	case l.where != nil:
		s.where = func([]string) (manifest.Origin, bool) { return l.where(nil) }
	default:
		s.where = func([]string) (manifest.Origin, bool) { return manifest.Origin{Span: l.at}, false }
	}
	return []*valuesSource{s}
}

// inlineSources are the sources of a layer that an entry of helmCharts of a
// kustomization gave: its inline values and the file that they are merged with.
func (c *chartPlaces) inlineSources(dir string, l *layer) (list []*valuesSource, ok bool) {
	entry := c.chartEntry(l.at)
	if entry == nil {
		return nil, false
	}
	if n := manifest.Get(entry, "valuesInline"); n != nil {
		list = append(list, &valuesSource{root: n, file: l.at.File})
	}
	name := join(dir, "values.yaml")
	if n := manifest.Get(entry, "valuesFile"); n != nil {
		name = join(path.Dir(l.at.File), n.Value)
	}
	merge := val{entry}.at("valuesMerge").str()
	if merge == "replace" {
		return list, true
	}
	if s := c.fileSource(name, nil); s != nil {
		list = append(list, s)
	}
	if merge == "merge" {
		slices.Reverse(list)
	}
	return list, true
}
