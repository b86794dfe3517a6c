package render

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// hidden are texts that were decrypted, which nothing may print.
type hidden struct {
	mu    sync.Mutex
	texts map[string]bool
}

// leastHidden is how long, in bytes, a text must be to be hidden: shorter ones
// stand everywhere, and hiding them would show them.
const leastHidden = 4

func (h *hidden) add(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.texts == nil {
		h.texts = map[string]bool{}
	}
	for _, t := range append(strings.Split(text, "\n"), text) {
		if t = strings.TrimSpace(t); len(t) >= leastHidden {
			h.texts[t] = true
		}
	}
}

// addScalars hides a text and, if it is YAML, the values in it.
func (h *hidden) addScalars(text string, l manifest.Limits) {
	docs, problems := l.Parse([]byte(text))
	structured := false
	for _, doc := range docs {
		if doc.Kind == yaml.ScalarNode {
			continue
		}
		structured = true
		walkScalars(doc, func(n *yaml.Node) {
			h.add(n.Value)
		})
	}
	if !structured || len(problems) > 0 {
		h.add(text)
	}
}

// Holds says that a text holds something that was decrypted.
func (r *Renderer) Holds(text string) bool {
	r.clear.mu.Lock()
	defer r.clear.mu.Unlock()
	for t := range r.clear.texts {
		if strings.Contains(text, t) {
			return true
		}
	}
	return false
}

// Hide puts stars in the place of what was decrypted.
func (r *Renderer) Hide(text string) string {
	r.clear.mu.Lock()
	defer r.clear.mu.Unlock()
	if len(r.clear.texts) == 0 {
		return text
	}
	// The longest first: one may be a part of another.
	texts := sortedKeys(r.clear.texts)
	slices.SortStableFunc(texts, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, t := range texts {
		text = strings.ReplaceAll(text, t, "***")
	}
	return text
}

// decrypted is a ConfigMap or Secret in clear, if SOPS encrypted it and there is a
// key; else the object itself.
func (g *graph) decrypted(o *manifest.Object) *manifest.Object {
	if g.r.opts.Decrypt == nil || manifest.Get(o.Node, "sops") == nil {
		return o
	}
	node, err := g.r.opts.Decrypt(o.Node)
	if err != nil {
		// The values stay placeholders.
		return o
	}
	plain := manifest.New(node, o.Origin, nowhere)
	for _, value := range entries(plain) {
		g.r.clear.addScalars(value, g.r.settings.limits.YAML)
	}
	return plain
}
