package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	"go.yaml.in/yaml/v3"
)

// plan is what a GitOps object has rendered.
type plan struct {
	jobs []job
	// files are manifests that are deployed as they are.
	files    []string
	problems []Problem
	// namespace is where objects go that name none; labels and annotations are
	// added to all.
	namespace           string
	labels, annotations map[string]string
	// objects are those that a controller makes of this one.
	objects []*yaml.Node
	// stand is what stands for the places in what was fetched.
	stand manifest.Span
	// missing says that an object which this one refers to is not known yet.
	missing bool
}

func (p *plan) problem(problem *Problem) { p.problems = append(p.problems, *problem) }

// note takes what is to be said of a source that was found.
func (p *plan) note(from root) {
	if from.note != nil {
		p.problem(from.note)
	}
}

// finish gives the objects the namespace of the release that they belong to, and
// the metadata that all of it gets.
func (p *plan) finish(objects []*manifest.Object) {
	for _, o := range objects {
		setMetadata(o.Node, "labels", p.labels)
		setMetadata(o.Node, "annotations", p.annotations)
		if o.Namespace == "" && !o.ClusterScoped() {
			o.Namespace = p.namespace
		}
	}
}

// fluxKustomization plans a Kustomization of Flux.
func (g *graph) fluxKustomization(u *Unit) *plan {
	o := u.object
	spec := specOf(o)
	p := &plan{stand: o.Origin.Span}
	what := "the Kustomization " + objectName(o)
	at := spanOf(o, "spec", "path")
	dir := sourcePath(spec.at("path").or("."))
	if escapes(dir) {
		p.problem(outsideSource(dir, what, at))
		return p
	}
	if problem := g.dependencyCycle(u, o); problem != nil {
		p.problem(problem)
	}
	from, problem := g.folder(u, refOf(spec.at("sourceRef"), o.Namespace), dir, spanOf(o, "spec", "sourceRef", "name"))
	if problem != nil {
		p.problem(problem)
		return p
	}
	p.note(from)
	target, problem := g.in(from, dir, what, at)
	if problem != nil {
		p.problem(problem)
		return p
	}
	build := &fluxBuild{spec: spec.yaml(), at: o.Origin.Span, ignore: from.ignore, where: objectField(o, "spec")}
	if post := spec.at("postBuild"); post.ok() {
		g.substitutions(u, p, build, post)
	}
	p.jobs = []job{{kind: Kustomize, path: target, flux: build}}
	return p
}

// maxVariables is how many variables all Kustomizations may take from ConfigMaps
// and Secrets. A thousand of them with a hundred each take a tenth.
const maxVariables = 1_000_000

// substitutions finds the variables of a Kustomization's postBuild.
func (g *graph) substitutions(u *Unit, p *plan, build *fluxBuild, post val) {
	build.vars = map[string]string{}
	for i, ref := range post.at("substituteFrom").items() {
		kind, name := ref.at("kind").str(), ref.at("name").str()
		o := g.referred(u, p, kind, u.object.Namespace, name)
		if o != nil {
			values, ok := g.entries(o)
			if !ok {
				build.unknown = true
				p.problem(tooLargeObject(o, spanOf(u.object, "spec", "postBuild", "substituteFrom", fmt.Sprint(i), "name")))
			}
			if g.variables += len(values); g.variables > maxVariables {
				build.unknown = true
				p.problem(&Problem{Class: "limit-size", At: spanOf(u.object, "spec", "postBuild", "substituteFrom", fmt.Sprint(i), "name"),
					Message: fmt.Sprintf("the Kustomizations take more than %d variables in all: those of this one were not read", maxVariables)})
				continue
			}
			for key, value := range values {
				build.vars[key] = value
			}
			build.from = append(build.from, o)
			continue
		}
		if kind == "Secret" && g.secretDeclared(u, u.object.Namespace, name) {
			build.unknown = true
			continue
		}
		if ref.at("optional").is() {
			continue
		}
		build.unknown = true
		p.problem(&Problem{Class: "not-fetched", Minor: true, At: spanOf(u.object, "spec", "postBuild", "substituteFrom", fmt.Sprint(i), "name"),
			Message: fmt.Sprintf("the %s %s that the variables of Kustomization %s come from is not in this repository: they are unknown", kind, oneLine(name), objectName(u.object)),
			Fix:     "Give the values under substitutions in .scantling.yaml to have what depends on them checked."})
	}
	for key, value := range g.r.opts.Substitutions {
		if old, ok := build.vars[key]; !ok || manifest.Unknown(old) {
			build.vars[key] = value
		}
	}
	for key, value := range post.at("substitute").pairs() {
		build.vars[key] = value
	}
	build.substitute = len(build.vars) > 0 || build.unknown || post.at("substituteStrategy").str() == "Always"
}

// lookup finds an object that another one of the same cluster refers to: among
// those that were rendered, else as it is written. What only another entry leads
// to counts unless that one is another cluster.
func (g *graph) lookup(u *Unit, kind, namespace, name string) *manifest.Object {
	o, _ := g.search(u, kind, namespace, name)
	return o
}

// search is lookup; rendered says that the object is as the cluster gets it.
func (g *graph) search(u *Unit, kind, namespace, name string) (o *manifest.Object, rendered bool) {
	defer func() {
		if o != nil {
			u.used = append(u.used, o)
		}
	}()
	own := func(h held) bool { return h.entry == u.entry }
	if o := g.inv.find(kind, namespace, name, own); o != nil {
		return o, true
	}
	near := func(h held) bool { return within(h.object.Origin.File, u.entry) }
	if o := g.raw.find(kind, namespace, name, near); o != nil && u.entry != "" {
		return o, false
	}
	other := func(h held) bool { return !g.inv.clusters(h.entry, u.entry) }
	if o := g.inv.find(kind, namespace, name, other); o != nil {
		return o, true
	}
	theirs := map[string]bool{}
	for _, h := range g.inv.named(kind, namespace, name) {
		theirs[h.object.Origin.File] = true
	}
	return g.raw.find(kind, namespace, name, func(h held) bool {
		return !theirs[h.object.Origin.File] && !g.elsewhere(u, h.object.Origin.File)
	}), false
}

// elsewhere says that a file is of another cluster than a unit's.
func (g *graph) elsewhere(u *Unit, file string) bool {
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if g.inv.begins(dir) && g.inv.clusters(dir, u.entry) {
			return true
		}
	}
	return false
}

// referred is lookup for what a unit can't be rendered rightly without: it is
// waited for while anything may still give it.
func (g *graph) referred(u *Unit, p *plan, kind, namespace, name string) *manifest.Object {
	o, rendered := g.search(u, kind, namespace, name)
	if !rendered && (o != nil || kind != "Secret" || !g.secretDeclared(u, namespace, name)) {
		p.missing = true
	}
	return o
}

func (g *graph) secretDeclared(u *Unit, namespace, name string) bool {
	return g.lookup(u, madeSecret, namespace, name) != nil
}

// dependencyCycle says that a Kustomization or HelmRelease waits, by dependsOn,
// for itself: Flux then applies none of them.
func (g *graph) dependencyCycle(u *Unit, o *manifest.Object) *Problem {
	seen := map[string]bool{}
	var reaches func(from *manifest.Object) bool
	reaches = func(from *manifest.Object) bool {
		for _, d := range specOf(from).at("dependsOn").items() {
			namespace, name := d.at("namespace").or(from.Namespace), d.at("name").str()
			if namespace == o.Namespace && name == o.Name {
				return true
			}
			// Longer circles would take longer to find than anybody waits.
			if key := namespace + "/" + name; !seen[key] && len(seen) < 500 {
				seen[key] = true
				if next := g.lookup(u, o.GVK.Kind, namespace, name); next != nil && reaches(next) {
					return true
				}
			}
		}
		return false
	}
	if !reaches(o) {
		return nil
	}
	return &Problem{Class: "cycle", At: spanOf(o, "spec", "dependsOn"),
		Message: fmt.Sprintf("%s %s depends, through dependsOn, on itself: Flux will never apply it", o.GVK.Kind, objectName(o)),
		Fix:     "Remove one of the dependencies that close the circle."}
}

// fluxInstance plans the source and the Kustomization that the Flux operator
// makes of a FluxInstance with sync.
func (g *graph) fluxInstance(u *Unit) *plan {
	o := u.object
	p := &plan{stand: o.Origin.Span}
	sync := specOf(o).at("sync")
	if !sync.ok() {
		return p
	}
	ref := instanceSource(o)
	if g.instanceHere(o) {
		g.sync[ref] = true
	}
	source := map[string]any{"interval": sync.at("interval").or("1m"), "url": sync.at("url").str()}
	switch ref.kind {
	case "Bucket":
		source = map[string]any{"interval": source["interval"], "endpoint": source["url"], "bucketName": sync.at("ref").str()}
	case "OCIRepository":
		source["ref"] = map[string]any{"tag": sync.at("ref").str()}
	default:
		source["ref"] = map[string]any{"name": sync.at("ref").str()}
	}
	var docs []string
	for _, made := range []struct {
		group, kind string
		spec        map[string]any
	}{
		{fluxSource, ref.kind, source},
		{fluxKustomize, "Kustomization", map[string]any{
			"interval": "10m0s", "path": sync.at("path").or("./"), "prune": true,
			"sourceRef": map[string]any{"kind": ref.kind, "name": ref.name},
		}},
	} {
		text, err := yaml.Marshal(map[string]any{
			"apiVersion": made.group + "/v1", "kind": made.kind,
			"metadata": map[string]any{"name": ref.name, "namespace": o.Namespace}, "spec": made.spec,
		})
		if err != nil {
			return p
		}
		docs = append(docs, string(text))
	}
	if patches := instancePatches(o); patches != "" {
		p.jobs = []job{{kind: Kustomize, path: path.Dir(o.Origin.File), flux: &fluxBuild{spec: patches, at: o.Origin.Span, docs: strings.Join(docs, "---\n")}}}
		return p
	}
	for _, text := range docs {
		nodes, _ := g.r.settings.limits.YAML.Parse([]byte(text))
		p.objects = append(p.objects, nodes...)
	}
	return p
}

// instanceSource is the source that a FluxInstance makes.
func instanceSource(o *manifest.Object) sourceRef {
	sync := specOf(o).at("sync")
	return sourceRef{sync.at("kind").or("GitRepository"), sync.at("name").or(o.Namespace), o.Namespace}
}

// instanceHere says that a FluxInstance deploys this repository: its URL says so,
// or it is written in what it deploys. An artifact's URL says nothing of where it
// was made: there, the path does.
func (g *graph) instanceHere(o *manifest.Object) bool {
	sync := specOf(o).at("sync")
	dir := sourcePath(sync.at("path").or("./"))
	if !sync.ok() || escapes(dir) {
		return false
	}
	if instanceSource(o).kind != "GitRepository" {
		return g.r.exists(dir)
	}
	return g.r.namesThis(sync.at("url").str(), dir) || dir != "." && within(o.Origin.File, dir)
}

// instancePatches are the patches of a FluxInstance that may change what the
// operator makes of sync, as a spec; empty for none. Most are for the controllers
// that it installs, and those that name their object in the patch fail without it.
func instancePatches(o *manifest.Object) string {
	var list []*yaml.Node
	for _, patch := range specOf(o).at("kustomize", "patches").items() {
		text := patch.at("target", "kind").str()
		if !patch.at("target").ok() {
			text = patch.at("patch").str()
		}
		may := patch.at("target").ok() && (text == "" || strings.ContainsAny(text, "*+?.[|("))
		for _, kind := range []string{"Kustomization", "GitRepository", "OCIRepository", "Bucket"} {
			may = may || strings.Contains(text, kind)
		}
		if may {
			list = append(list, patch.n)
		}
	}
	if len(list) == 0 {
		return ""
	}
	return val{&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{stringNode("patches"), {Kind: yaml.SequenceNode, Tag: "!!seq", Content: list}}}}.yaml()
}

// helmRelease plans a HelmRelease of Flux.
func (g *graph) helmRelease(u *Unit) *plan {
	o := u.object
	spec := specOf(o)
	p := &plan{namespace: spec.at("targetNamespace").or(o.Namespace)}
	if problem := g.dependencyCycle(u, o); problem != nil {
		p.problem(problem)
	}
	meta := spec.at("commonMetadata")
	p.labels, p.annotations = meta.at("labels").pairs(), meta.at("annotations").pairs()
	rel := release{name: fluxReleaseName(o), namespace: p.namespace}
	rel.skipCRDs = spec.at("install", "crds").str() == "Skip"
	rel.skipHooks = spec.at("install", "disableHooks").is()
	rel.skipTests = !spec.at("test", "enable").is()
	rel.strategy, rel.at = spec.at("postRenderStrategy").str(), o.Origin.Span
	chartPath, problem := g.chart(u, p, &rel)
	if problem != nil {
		p.problem(problem)
		return p
	}
	g.fluxValues(u, p, &rel)
	for _, r := range spec.at("postRenderers").items() {
		if k := r.at("kustomize"); k.ok() {
			rel.post = append(rel.post, k.yaml())
		}
	}
	p.jobs = []job{{kind: Helm, path: chartPath, release: rel}}
	return p
}

// chart finds the chart of a HelmRelease. It is a folder, or a packaged chart.
func (g *graph) chart(u *Unit, p *plan, rel *release) (string, *Problem) {
	o := u.object
	spec := specOf(o)
	if ref := spec.at("chartRef"); ref.ok() {
		p.stand = spanOf(o, "spec", "chartRef", "name")
		return g.chartRef(u, p, rel, refOf(ref, o.Namespace))
	}
	p.stand = spanOf(o, "spec", "chart", "spec", "chart")
	return g.chartSpec(u, p, rel, spec.at("chart", "spec"), o.Namespace)
}

// chartSpec finds the chart that a HelmRelease's chart.spec, or a HelmChart's
// spec, names.
func (g *graph) chartSpec(u *Unit, p *plan, rel *release, chart val, namespace string) (string, *Problem) {
	at := p.stand
	name, version := chart.at("chart").str(), chart.at("version").str()
	ref := refOf(chart.at("sourceRef"), namespace)
	what := "the chart " + oneLine(name)
	if name == "" {
		return "", &Problem{Class: "render-failed", At: at, Message: fmt.Sprintf("%s %s names no chart", u.object.GVK.Kind, objectName(u.object))}
	}
	var found string
	if ref.kind == "HelmRepository" {
		o := g.referred(u, p, ref.kind, ref.namespace, ref.name)
		if o == nil {
			return "", &Problem{Class: "not-fetched", At: at, Message: fmt.Sprintf("%s is of the %s, which is not declared in this repository", what, oneLine(ref.String())),
				Fix: "Declare the HelmRepository in the repository, or correct its name."}
		}
		q := store.Request{Kind: store.Chart, URL: specOf(o).at("url").str(), Name: name, Version: version}
		mount, problem := g.r.kept(q, what, at)
		if problem != nil {
			return "", problem
		}
		found = mount + "/" + store.ChartFile
	} else {
		dir := sourcePath(name)
		from, problem := g.folder(u, ref, dir, at)
		if problem != nil {
			return "", problem
		}
		p.note(from)
		if found, problem = g.in(from, dir, "HelmRelease "+objectName(u.object), at); problem != nil {
			return "", problem
		}
		if !g.r.exists(join(found, "Chart.yaml")) && !strings.HasSuffix(found, ".tgz") {
			return "", &Problem{Class: "render-failed", At: at, Message: fmt.Sprintf("there is no chart at %s: it has no Chart.yaml", oneLine(name))}
		}
		for _, file := range valuesFiles(chart) {
			// Of a git repository they are relative to its root.
			base := from.dir
			if from.moved {
				base = found
			}
			rel.defaults = append(rel.defaults, layer{file: join(base, sourcePath(file)), optional: chart.at("ignoreMissingValuesFiles").is(), at: at, of: "the values file " + file})
		}
		return found, nil
	}
	for _, file := range valuesFiles(chart) {
		rel.defaults = append(rel.defaults, layer{inChart: sourcePath(file), optional: chart.at("ignoreMissingValuesFiles").is(), at: at, of: "the values file " + file})
	}
	return found, nil
}

// valuesFiles are the files that take the place of the chart's values.yaml. The
// betas have one more field, whose file comes first.
func valuesFiles(chart val) []string {
	files := chart.at("valuesFiles").strings()
	if file := chart.at("valuesFile").str(); file != "" {
		files = append([]string{file}, files...)
	}
	return files
}

// chartRef finds the chart that a HelmRelease's chartRef names.
func (g *graph) chartRef(u *Unit, p *plan, rel *release, ref sourceRef) (string, *Problem) {
	switch ref.kind {
	case "HelmChart":
		o := g.referred(u, p, ref.kind, ref.namespace, ref.name)
		if o == nil {
			return "", &Problem{Class: "not-fetched", At: p.stand, Message: "the " + oneLine(ref.String()) + " is not declared in this repository", Fix: "Declare it in the repository, or correct its name."}
		}
		return g.chartSpec(u, p, rel, specOf(o), o.Namespace)
	case "OCIRepository":
		if !g.sync[ref] {
			o := g.referred(u, p, ref.kind, ref.namespace, ref.name)
			if o == nil {
				return "", &Problem{Class: "not-fetched", At: p.stand, Message: "the " + oneLine(ref.String()) + " is not declared in this repository", Fix: "Declare it in the repository, or correct its name."}
			}
			url := strings.TrimSuffix(specOf(o).at("url").str(), "/")
			version := strings.TrimPrefix(ociVersion(specOf(o).at("ref")), "semver:")
			q := store.Request{Kind: store.Chart, URL: strings.TrimSuffix(url, "/"+path.Base(url)), Name: path.Base(url), Version: version}
			mount, problem := g.r.kept(q, "the chart of the "+oneLine(ref.String()), p.stand)
			if problem != nil {
				return "", problem
			}
			return mount + "/" + store.ChartFile, nil
		}
	}
	from, problem := g.folder(u, ref, ".", p.stand)
	if problem != nil {
		return "", problem
	}
	p.note(from)
	return g.in(from, ".", "HelmRelease "+objectName(u.object), p.stand)
}

// fluxValues are the values of a HelmRelease: those of valuesFrom in their
// order, and its own.
func (g *graph) fluxValues(u *Unit, p *plan, rel *release) {
	o := u.object
	spec := specOf(o)
	size := 0
	for i, ref := range spec.at("valuesFrom").items() {
		kind, name, key, target := ref.at("kind").str(), ref.at("name").str(), ref.at("valuesKey").or("values.yaml"), ref.at("targetPath").str()
		at := spanOf(o, "spec", "valuesFrom", fmt.Sprint(i), "name")
		of := fmt.Sprintf("%s %s of %s", key, kind, name)
		from := g.referred(u, p, kind, o.Namespace, name)
		text, found := "", false
		if from != nil {
			values, ok := g.entries(from)
			if text, found = values[key]; !ok {
				p.problem(tooLargeObject(from, at))
				continue
			}
		}
		if size += len(text); size > maxValues {
			p.problem(&Problem{Class: "limit-size", At: at, Message: fmt.Sprintf("the values of HelmRelease %s are larger than %d MiB: the rest was left out", objectName(o), maxValues>>20)})
			break
		}
		if found && target == "" && manifest.Unknown(text) && text == placeholder(key) {
			// All of it is encrypted.
			continue
		}
		if !found && kind == "Secret" && g.secretDeclared(u, o.Namespace, name) {
			text, found = placeholder(name+"-"+key), target != ""
			if !found {
				continue
			}
		}
		if !found {
			if ref.at("optional").is() {
				continue
			}
			p.problem(&Problem{Class: "not-fetched", Minor: true, At: at,
				Message: fmt.Sprintf("the values that HelmRelease %s takes from the key %s of %s %s are not in this repository: they are unknown", objectName(o), oneLine(key), kind, oneLine(name)),
				Fix:     "What depends on them was rendered without."})
			if target == "" {
				continue
			}
			text = placeholder(name + "-" + key)
		}
		rel.layers = append(rel.layers, layer{text: text, target: target, literal: ref.at("literal").is(), flux: true, of: of, at: at,
			where: g.entryPlace(from, key, text, target != "")})
	}
	if values := spec.at("values"); values.ok() {
		rel.layers = append(rel.layers, layer{text: values.yaml(), of: "the values of HelmRelease " + objectName(o), at: spanOf(o, "spec", "values"),
			where: objectField(o, "spec", "values")})
	}
}

// entryPlace finds the values that an entry of a ConfigMap gives, all of them or a
// single one. Of a Secret, whose lines are to be shown to nobody, there is none.
func (g *graph) entryPlace(from *manifest.Object, key, text string, single bool) fieldPlace {
	if from == nil || from.GVK.Kind != "ConfigMap" {
		return nil
	}
	field := objectField(from, "data", key)
	if single {
		return field
	}
	return g.r.heldText(text, field).where
}

// maxValues is what the values of one release may come to, in bytes.
const maxValues = 8 << 20

// tooLargeObject says that a ConfigMap or Secret can't be on a cluster.
func tooLargeObject(o *manifest.Object, at manifest.Span) *Problem {
	return &Problem{Class: "limit-size", At: at, Message: fmt.Sprintf("%s is larger than %d MiB, more than the API server takes: it was not read", o.ID(), maxObject>>20)}
}

// fluxReleaseName is the name that helm-controller gives to a release: its own
// or that of the object, after the target namespace; shortened to what Helm
// takes.
func fluxReleaseName(o *manifest.Object) string {
	spec := specOf(o)
	if name := spec.at("releaseName").str(); name != "" {
		return name
	}
	name := o.Name
	if ns := spec.at("targetNamespace").str(); ns != "" {
		name = ns + "-" + name
	}
	const most = 53
	if len(name) > most {
		sum := sha256.Sum256([]byte(name))
		name = name[:most-13] + "-" + hex.EncodeToString(sum[:])[:12]
	}
	return name
}
