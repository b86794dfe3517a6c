package render

import (
	"fmt"
	"time"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/chartutil"
)

// builder renders single units with helm and kustomize. It sees a tree and gives
// plain values, so that it can do its work in another process.
type builder struct {
	caps *chartutil.Capabilities
	// charts are the folders of the charts in the repository.
	charts []string
	limits limits.Limits
}

// settings are what a builder is made of.
type settings struct {
	kubeVersion string
	apiVersions []string
	charts      []string
	limits      limits.Limits
}

func (s *settings) builder() (*builder, error) {
	caps, err := capabilities(s.kubeVersion, s.apiVersions)
	if err != nil {
		return nil, err
	}
	return &builder{caps: caps, charts: s.charts, limits: s.limits}, nil
}

// job is one rendering as a builder is asked for it. A unit takes one or, if it
// is an Application of several sources, more.
type job struct {
	kind Kind // Kustomize, Helm or ApplicationSet
	// path is the folder of a kustomization or a chart, or the archive of a
	// packaged chart.
	path     string
	archives int64 // what the archives of the run may still unpack to
	// expect are the paths that the unit will most likely look at.
	expect []string
	// minor says that values which nobody named may not be enough for the chart.
	minor bool
	// release is how a chart is installed.
	release release
	// flux and argo are what a GitOps object changes in the kustomization that
	// it deploys; nil for none.
	flux *fluxBuild
	argo *argoBuild
	// set is the ApplicationSet whose Applications are to be made.
	set *applicationSet
	// trace are templates, by the names that helm gives them, of which is to be
	// told what wrote each part of what they give; only these are rendered then.
	trace []string
}

// release is how a chart is installed. The zero release is what `helm template
// CHART` does.
type release struct {
	name, namespace string
	// kubeVersion and apiVersions are what this release alone is told; empty
	// for what the run is told.
	kubeVersion string
	apiVersions []string
	// defaults, if there are any, take the place of the chart's values.yaml:
	// what is in one goes over what is in those before it.
	defaults []layer
	// layers are the values, the later ones over the earlier.
	layers []layer
	// skipCRDs leaves out what is in the chart's crds folder, skipHooks and
	// skipTests the templates that are hooks and tests.
	skipCRDs, skipHooks, skipTests bool
	// post are kustomizations, as YAML, that are applied to what the chart
	// gives, one after the other; of Flux's they may hold patches and images,
	// and what those were called before. The hooks are among what they are
	// applied to, unless strategy is "nohooks"; "separate" keeps the two apart.
	post     []string
	strategy string
	// at is where the release is written, for problems of its own.
	at manifest.Span
}

// layer is one source of a chart's values: a file of the tree, or text.
type layer struct {
	// file is a values file; inChart one by its path in the chart, which may be
	// packaged. optional says that it need not be there.
	file, inChart string
	optional      bool
	// text is YAML or, if target is set, one value.
	text string
	// target is the path of the one value that the layer sets, in the syntax
	// of helm's --set; as a string if str, and taken as it is if literal. With
	// flux, its type is told as helm-controller does for a targetPath.
	target             string
	str, literal, flux bool
	// of says what gave the text, for messages.
	of string
	at manifest.Span
	// where says where the value at some keys of the text was written; nil if
	// that is not known. It stays in this process.
	where func(keys []string) (manifest.Origin, bool)
}

// fluxBuild is what a Flux Kustomization does to the kustomization at its path.
type fluxBuild struct {
	// spec is the object's spec as YAML.
	spec string
	// at is where the object is written, for problems of the spec.
	at manifest.Span
	// docs, if there are any, are objects as YAML that are built in place of
	// what the folder holds.
	docs string
	// vars are the variables of its postBuild, those of substituteFrom
	// included. They are not replaced unless substitute is true.
	vars       map[string]string
	substitute bool
	// unknown says that there are more variables, whose values are not known:
	// what uses one that is not among vars and has no default gets a
	// placeholder.
	unknown bool
	// ignore are patterns, in the syntax of .gitignore, of files that the
	// source leaves out.
	ignore string
	// where says where a field of the spec was written; nil if that is not known.
	// from are the objects that variables come from, later ones over the earlier.
	// Both stay in this process.
	where func(keys []string) (manifest.Origin, bool)
	from  []*manifest.Object
}

// argoBuild is what an Application does to the kustomization at its path.
type argoBuild struct {
	// spec is the source's kustomize field as YAML; may be empty.
	spec string
	at   manifest.Span
	// env are the variables of the build environment: ARGOCD_APP_NAME and the
	// like.
	env map[string]string
	// where says where a field of the spec was written; nil if that is not known.
	// It stays in this process.
	where func(keys []string) (manifest.Origin, bool)
}

// applicationSet is an ApplicationSet whose Applications are to be made.
type applicationSet struct {
	// object is the whole ApplicationSet as YAML.
	object string
	at     manifest.Span
	// clusters are the clusters that are known, as YAML: a list of name,
	// server, labels, annotations and project.
	clusters string
	// here are the URLs that name this repository, normalised by repositoryURL; roots says which
	// other repositories are to be had: the folder of the tree by normalised URL and revision.
	here  []string
	roots map[string]string
}

// product is what building a unit gave.
type product struct {
	status   Status
	reason   string
	killed   bool // it ended its worker
	problems []Problem
	// read are the files that were read.
	read []string
	// looks are all that was looked at.
	looks []Look
	// docs are the objects of a kustomization, with lines among the padded
	// files. What a chart gave has pads, too: textPad and postPad name them.
	docs []*yaml.Node
	pads []pad
	// texts are what a chart's templates gave.
	texts []text
	// charts are the releases of a kustomization's charts, as the texts name
	// them.
	charts []chartRelease
	// tags are the plugins that set values of the docs.
	tags []tag
	// pieces are what the runs of the texts name, and options what those
	// templates could write besides; both of a job that is to trace.
	pieces  []piece
	options []option
	// unpacked is how many bytes came out of archives.
	unpacked int64
}

// text is what one template gave, or a CRD of a chart.
type text struct {
	// file is the template's path in the tree. When written is false it is
	// only the nearest thing that has one: an archive, or the chart.
	file    string
	written bool
	text    string
	// taken says that a kustomization was built with it: its objects are among
	// the docs of the product, and their lines in a pad.
	taken bool
	// at is where the chart is asked for, if that is the place of what was not
	// written in this repository.
	at manifest.Span
	// template is the name that helm gives the template, chart the number of the
	// release among those of the product, from 1; 0 for the one of the job.
	template string
	chart    int
	// runs are in order; nil if it was not asked for them.
	runs []run
}

// chartRelease is a chart and how it is installed.
type chartRelease struct {
	path    string
	release release
}

// fail records a problem that cost the whole unit.
func (p *product) fail(problem Problem) {
	p.problems = append(p.problems, problem)
	p.status, p.reason = NotRendered, problem.Message
}

// miss records a problem that cost a part of the unit.
func (p *product) miss(problem Problem) {
	p.problems = append(p.problems, problem)
	if p.status == Rendered {
		p.status, p.reason = Partial, problem.Message
	}
}

// Dates, which templates print in the local zone, are the same everywhere. The
// zone is read by any goroutine that asks for the time, so it is set before
// there is a second one.
func init() { time.Local = time.UTC }

// warm does what the first job of a kind needs, before its time is counted.
func warm(kind Kind) {
	fence()
	muteLibraries()
	switch kind {
	case Kustomize:
		warmKustomize()
	case Helm:
		stillHelm()
	}
}

// build renders one unit. It never fails: what could not be rendered is among
// the problems.
func (b *builder) build(tree *recorder, j job) (p *product) {
	p = &product{status: Rendered}
	defer func() {
		if v := recover(); v != nil {
			// The libraries panic on some malformed input.
			p = &product{problems: p.problems}
			p.fail(Problem{Class: "render-failed", Message: fmt.Sprintf("can't render %s %s: the input makes the renderer panic", j.kind, j.path),
				At: manifest.Span{File: j.mainFile(tree)}})
		}
		p.redact(tree)
	}()
	warm(j.kind)
	switch j.kind {
	case Kustomize:
		b.kustomize(p, tree, j)
	case Helm:
		b.helm(p, tree, j)
	case ApplicationSet:
		b.applicationSet(p, tree, j)
	}
	if size := p.size(); size > b.limits.RenderedSize {
		p = &product{problems: p.problems}
		p.fail(Problem{Class: "limit-size", Message: fmt.Sprintf("what was rendered is larger than %d MiB", b.limits.RenderedSize>>20),
			Fix: limits.Raise("rendered-size"), At: manifest.Span{File: j.mainFile(tree)}})
	}
	return p
}

// mainFile is the file that stands for a unit as a whole.
func (j job) mainFile(tree *recorder) string {
	switch j.kind {
	case Kustomize:
		if name, ok := tree.kustomizationFile(j.path); ok {
			return name
		}
	case Helm:
		return chartFile(j.path)
	}
	return j.path
}

// size is how many bytes of text were rendered.
func (p *product) size() int64 {
	var n int64
	for _, t := range p.texts {
		n += int64(len(t.text))
	}
	var walk func(*yaml.Node)
	walk = func(node *yaml.Node) {
		// A node of no text takes a line, too.
		n += int64(len(node.Value)) + 4
		for _, c := range node.Content {
			walk(c)
		}
	}
	for _, doc := range p.docs {
		walk(doc)
	}
	return n
}
