package render

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// gitopsObjects collects the objects by which Flux and Argo CD deploy more.
type gitopsObjects struct {
	mu    sync.Mutex
	found map[string]*manifest.Object
}

var gitopsKinds = map[schema.GroupKind]Kind{
	{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"}:        HelmRelease,
	{Group: "kustomize.toolkit.fluxcd.io", Kind: "Kustomization"}: FluxKustomization,
	{Group: "argoproj.io", Kind: "Application"}:                   Application,
	{Group: "argoproj.io", Kind: "ApplicationSet"}:                ApplicationSet,
}

func (g *gitopsObjects) add(o *manifest.Object) {
	kind, ok := gitopsKinds[o.GroupKind()]
	if !ok {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.found == nil {
		g.found = map[string]*manifest.Object{}
	}
	key := string(kind) + "\x00" + o.Origin.File + "\x00" + o.Namespace + "\x00" + o.Name
	// Several units may hold the object: the same one is kept whatever the
	// order in which they were rendered.
	if old := g.found[key]; old == nil || o.Origin.Line < old.Origin.Line {
		g.found[key] = o
	}
}

// units makes a unit of every GitOps object, so that what it deploys is counted
// even where it was not rendered.
func (g *gitopsObjects) units(r *Renderer) []*Result {
	var results []*Result
	for _, o := range g.found {
		kind := gitopsKinds[o.GroupKind()]
		name := o.Name
		if o.Namespace != "" {
			name = o.Namespace + "/" + name
		}
		res := &Result{Unit: &Unit{Kind: kind, Path: o.Origin.File, Name: name, Status: NotRendered}}
		at := o.Origin.Span
		switch dir, local := r.deploys(o); {
		case local:
			res.Unit.Status = Partial
			res.Unit.Reason = "what lies in " + dir + " was rendered, without the patches, substitutions and values of the " + string(kind)
		case kind == HelmRelease:
			res.fail(Problem{Class: "not-fetched", Message: "the chart of HelmRelease " + name + " is not in this repository: what it deploys was not checked",
				Fix: "Vendor the chart into the repository to have it checked; following HelmReleases to fetched charts is not supported yet.", At: at})
		case strings.HasPrefix(dir, "../") || dir == "..":
			res.fail(Problem{Class: "outside-repo", Message: "the path of " + string(kind) + " " + name + " leads out of the repository and was not followed", At: at})
		default:
			res.fail(Problem{Class: "not-fetched", Message: "what " + string(kind) + " " + name + " deploys was not checked: it does not name a folder of this repository that could be rendered",
				Fix: "Check the path of its source; following it to other repositories is not supported yet.", At: at})
		}
		for _, p := range valuesElsewhere(o) {
			res.miss(p)
		}
		results = append(results, res)
	}
	slices.SortFunc(results, func(a, b *Result) int {
		return cmp.Or(cmp.Compare(a.Unit.Path, b.Unit.Path), cmp.Compare(a.Unit.Kind, b.Unit.Kind), cmp.Compare(a.Unit.Name, b.Unit.Name))
	})
	return results
}

// valuesElsewhere reports values files that a GitOps object names outside of the
// repository, or where they would have to be fetched.
func valuesElsewhere(o *manifest.Object) []Problem {
	var problems []Problem
	look := func(dir string, list *yaml.Node, at *field.Path) {
		for i, n := range items(list) {
			p := Problem{At: o.At(at.Index(i)).Span}
			target := join(dir, strings.TrimPrefix(n.Value, "/"))
			switch {
			case strings.Contains(n.Value, "://"):
				p.Class, p.Message = "not-fetched", "the values file "+oneLine(redact(n.Value))+" is not in this repository"
			case strings.HasPrefix(n.Value, "$"):
				// Of another source: its own folder is not known here.
				continue
			case target == "..", strings.HasPrefix(target, "../"):
				p.Class, p.Message = "outside-repo", "the values file "+oneLine(n.Value)+" is outside of the repository and was not read"
			default:
				continue
			}
			problems = append(problems, p)
		}
	}
	spec := manifest.Get(o.Node, "spec")
	switch gitopsKinds[o.GroupKind()] {
	case HelmRelease:
		chart := manifest.Get(manifest.Get(spec, "chart"), "spec")
		look(".", manifest.Get(chart, "valuesFiles"), field.NewPath("spec", "chart", "spec", "valuesFiles"))
	case Application:
		source := func(n *yaml.Node, at *field.Path) {
			dir := "."
			if v := manifest.Get(n, "path"); v != nil {
				dir = join(".", strings.TrimPrefix(v.Value, "/"))
			}
			look(dir, manifest.Get(manifest.Get(n, "helm"), "valueFiles"), at.Child("helm", "valueFiles"))
		}
		source(manifest.Get(spec, "source"), field.NewPath("spec", "source"))
		for i, n := range items(manifest.Get(spec, "sources")) {
			source(n, field.NewPath("spec", "sources").Index(i))
		}
	}
	return problems
}

// deploys is the folder of this repository that a GitOps object names, and
// whether something in it was rendered.
func (r *Renderer) deploys(o *manifest.Object) (dir string, ok bool) {
	spec := manifest.Get(o.Node, "spec")
	node := manifest.Get(spec, "path")
	if o.GVK.Kind == "Application" {
		node = manifest.Get(manifest.Get(spec, "source"), "path")
	}
	if node == nil || o.GVK.Kind == "ApplicationSet" {
		return "", false
	}
	dir = join(".", strings.TrimPrefix(node.Value, "/"))
	for _, u := range r.units {
		if u.Status != NotRendered && (u.Path == dir || dir == "." || strings.HasPrefix(u.Path, dir+"/")) {
			return dir, true
		}
	}
	return dir, false
}
