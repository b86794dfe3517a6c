package render

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/resource"
)

// patchSource is the text of the patches of a plugin. It is read when an object
// turns out to be changed.
type patchSource struct {
	texts []string
	// read makes objects of a text, with the lines that kustomize sees.
	read func(text []byte) ([]*resource.Resource, error)

	parsed bool
	merges []*resource.Resource
	shapes []*shadow
	ops    []operation
}

// operation is one of a JSON patch that writes a value (RFC 6902).
type operation struct {
	Op    string    `yaml:"op"`
	Path  string    `yaml:"path"`
	Value yaml.Node `yaml:"value"`
}

// patch is where the plugin's patches are read from: they are in its
// configuration, or in files that it names.
func (s *step) patch() *patchSource {
	var config struct {
		Path   string   `yaml:"path"`
		Patch  string   `yaml:"patch"`
		JSONOp string   `yaml:"jsonOp"`
		Paths  []string `yaml:"paths"`
		Merges string   `yaml:"patches"`
	}
	source := &patchSource{read: s.read}
	if yaml.Unmarshal([]byte(s.tag.config), &config) != nil {
		return source
	}
	for _, text := range []string{strings.TrimSpace(config.Patch), config.JSONOp, config.Merges} {
		if text != "" {
			source.texts = append(source.texts, text)
		}
	}
	for _, name := range append(config.Paths, config.Path) {
		switch {
		case name == "":
		case strings.Contains(name, "\n"):
			source.texts = append(source.texts, name)
		default:
			if data, err := s.loader.Load(name); err == nil {
				source.texts = append(source.texts, string(data))
			}
		}
	}
	return source
}

func (p *patchSource) parse() {
	if p.parsed {
		return
	}
	p.parsed = true
	for _, text := range p.texts {
		var ops []operation
		if yaml.Unmarshal([]byte(text), &ops) == nil {
			p.ops = append(p.ops, ops...)
			continue
		}
		merges, err := p.read([]byte(text))
		if err != nil {
			continue
		}
		for _, m := range merges {
			if n := m.YNode(); n != nil {
				p.merges = append(p.merges, m)
				p.shapes = append(p.shapes, newShadow(n))
			}
		}
	}
}

// objects are the strategic merge patches that an object may have got.
func (p *patchSource) objects(r *resource.Resource) []*shadow {
	p.parse()
	if len(p.merges) == 1 {
		return p.shapes
	}
	var own []*shadow
	ids := append(r.PrevIds(), r.CurId())
	for i, m := range p.merges {
		for _, id := range ids {
			if m.GetKind() == id.Kind && m.GetName() == id.Name {
				own = append(own, p.shapes[i])
				break
			}
		}
	}
	return own
}

func (p *patchSource) operations() []operation {
	p.parse()
	return p.ops
}

// operations marks what the operations of a JSON patch wrote though it says what
// was there before.
func (c *change) operations(n *yaml.Node, ops []operation) {
	for _, op := range ops {
		if op.Op != "add" && op.Op != "replace" || op.Value.Kind == 0 {
			continue
		}
		at := pointed(n, op.Path)
		if at != nil && sameContent(at, &op.Value) {
			c.tagger.markAll(at, c.tag(nil))
		}
	}
}

// pointed is what a JSON pointer leads to (RFC 6901); "-" is the last item.
func pointed(n *yaml.Node, pointer string) *yaml.Node {
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		var next *yaml.Node
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == part {
					next = n.Content[i+1]
				}
			}
		case yaml.SequenceNode:
			i, err := strconv.Atoi(part)
			if part == "-" {
				i, err = len(n.Content)-1, nil
			}
			if err == nil && i >= 0 && i < len(n.Content) {
				next = n.Content[i]
			}
		}
		if next == nil {
			return nil
		}
		n = next
	}
	return n
}

// sameContent says that two trees say the same.
func sameContent(a, b *yaml.Node) bool {
	for b.Kind == yaml.AliasNode {
		b = b.Alias
	}
	if a.Kind != b.Kind || len(a.Content) != len(b.Content) {
		return false
	}
	switch a.Kind {
	case yaml.ScalarNode:
		return saysTheSame(a, newShadow(b))
	case yaml.MappingNode:
		e := map[string]*yaml.Node{}
		for i := 0; i+1 < len(b.Content); i += 2 {
			e[b.Content[i].Value] = b.Content[i+1]
		}
		for i := 0; i+1 < len(a.Content); i += 2 {
			if v := e[a.Content[i].Value]; v == nil || !sameContent(a.Content[i+1], v) {
				return false
			}
		}
		return true
	}
	for i := range a.Content {
		if !sameContent(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}
