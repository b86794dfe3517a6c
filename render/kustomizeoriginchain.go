package render

import (
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// maxChain is how many kustomizations are named between a line and a unit.
const maxChain = 8

// lead is a kustomization that refers to a file, or to the folder of another
// kustomization.
type lead struct {
	file string // the kustomization's
	node *yaml.Node
}

// referring are the lists of a kustomization whose entries name files or folders;
// in the latter ones an entry's field does.
var (
	referring      = [...]string{"resources", "bases", "components", "patchesStrategicMerge", "generators", "transformers", "configurations", "crds"}
	referringField = [...][2]string{{"patches", "path"}, {"patchesJson6902", "path"}, {"replacements", "path"}, {"helmCharts", "valuesFile"}, {"helmCharts", "additionalValuesFiles"},
		{"configMapGenerator", "files"}, {"secretGenerator", "files"}, {"configMapGenerator", "envs"}, {"secretGenerator", "envs"},
		{"configMapGenerator", "env"}, {"secretGenerator", "env"}}
)

// leads are the kustomizations that refer to something, by what they refer to:
// files, and for another kustomization its folder.
func (k *kustomizeOrigins) leads() map[string][]lead {
	k.mu.Lock()
	found := k.lead
	k.mu.Unlock()
	if found != nil {
		return found
	}
	found = map[string][]lead{}
	for _, file := range k.tree.kustomizations() {
		root := k.tree.node(file)
		if root == nil {
			continue
		}
		add := func(n *yaml.Node) {
			if n == nil || n.Kind != yaml.ScalarNode || n.Value == "" || strings.Contains(n.Value, "\n") {
				return
			}
			ref := n.Value
			if _, named, ok := strings.Cut(ref, "="); ok && !isRemote(ref) {
				ref = named
			}
			target := join(path.Dir(file), ref)
			if isRemote(ref) {
				r, ok := parseRemote(ref)
				if !ok {
					return
				}
				target = r.mounted()
			}
			target = k.real(target)
			found[target] = append(found[target], lead{file, n})
		}
		for _, key := range referring {
			for _, n := range items(manifest.Get(root, key)) {
				add(n)
			}
		}
		for _, key := range referringField {
			for _, entry := range items(manifest.Get(root, key[0])) {
				n := manifest.Get(entry, key[1])
				add(n)
				for _, item := range items(n) {
					add(item)
				}
			}
		}
	}
	k.mu.Lock()
	k.lead = found
	k.mu.Unlock()
	return found
}

// chain are the kustomizations through which a file comes to the one that was
// built, the nearest first: the shortest way, if there are several.
func (k *kustomizeOrigins) chain(file string) []manifest.Step {
	if k.dir == "" || file == "" {
		return nil
	}
	k.mu.Lock()
	steps, ok := k.chains[file]
	k.mu.Unlock()
	if ok {
		return steps
	}
	steps = k.findChain(file)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.chains == nil {
		k.chains = map[string][]manifest.Step{}
	}
	k.chains[file] = steps
	return steps
}

// findChain is chain for a file that was not asked for before.
func (k *kustomizeOrigins) findChain(file string) []manifest.Step {
	leads := k.leads()
	type way struct {
		at    string
		steps []manifest.Step
	}
	queue := []way{{at: file}}
	if isKustomization(file) {
		queue[0].at = path.Dir(file)
	}
	seen := map[string]bool{queue[0].at: true}
	for len(queue) > 0 {
		w := queue[0]
		queue = queue[1:]
		if w.at == k.dir {
			return slices.Clip(w.steps)
		}
		for _, l := range leads[w.at] {
			dir := path.Dir(l.file)
			if seen[dir] || len(w.steps) == maxChain {
				continue
			}
			seen[dir] = true
			step := manifest.Step{Span: position(l.file, l.node), What: k.role(l.file, len(leads[dir]) > 0) + " " + dir}
			queue = append(queue, way{dir, append(w.steps[:len(w.steps):len(w.steps)], step)})
		}
	}
	return nil
}

// role is what a kustomization is to others. referred says that one refers to it.
func (k *kustomizeOrigins) role(file string, referred bool) string {
	root := k.tree.node(file)
	if kind := manifest.Get(root, "kind"); kind != nil && kind.Value == "Component" {
		return "component"
	}
	for _, key := range []string{"resources", "bases", "components"} {
		for _, n := range items(manifest.Get(root, key)) {
			target := join(path.Dir(file), n.Value)
			if r, ok := parseRemote(n.Value); isRemote(n.Value) && ok {
				target = r.mounted()
			}
			if _, ok := k.tree.kustomizationFile(k.real(target)); ok {
				return "overlay"
			}
		}
	}
	if referred {
		return "base"
	}
	return "kustomization"
}
