package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// fluxSpec is what the spec of a Flux Kustomization changes in the kustomization
// at its path (kustomize.toolkit.fluxcd.io/v1, and the fields that were in
// v1beta1).
type fluxSpec struct {
	TargetNamespace         *string           `json:"targetNamespace"`
	NamePrefix              *string           `json:"namePrefix"`
	NameSuffix              *string           `json:"nameSuffix"`
	Patches                 []types.Patch     `json:"patches"`
	PatchesStrategicMerge   []json.RawMessage `json:"patchesStrategicMerge"`
	PatchesJSON6902         []fluxJSONPatch   `json:"patchesJson6902"`
	Components              []string          `json:"components"`
	IgnoreMissingComponents bool              `json:"ignoreMissingComponents"`
	Images                  []types.Image     `json:"images"`
	BuildMetadata           []string          `json:"buildMetadata"`
	CommonMetadata          commonMetadata    `json:"commonMetadata"`
}

type fluxJSONPatch struct {
	Patch  json.RawMessage `json:"patch"`
	Target *types.Selector `json:"target"`
}

type commonMetadata struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// problemError is an error that is a problem already.
type problemError struct{ problem Problem }

func (e *problemError) Error() string { return e.problem.Message }

// decode reads a part of a GitOps object, which is YAML, into a value.
func (f *kustomizeFS) decode(text, what string, at manifest.Span, into any) error {
	data, refused := f.limits.YAML.Check([]byte(text))
	if refused != nil {
		return &problemError{refusedProblem(at.File, refused)}
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		return &problemError{Problem{Class: "render-failed", Message: "can't read " + what + ": " + oneLine(err.Error()), At: at}}
	}
	return nil
}

// flux makes the kustomization that Flux builds, and serves it in place of the
// one in the folder: what kustomize-controller writes there before it builds.
func (f *kustomizeFS) flux(dir string, flux *fluxBuild) error {
	dir, err := f.real(dir)
	if err != nil {
		return f.refuse(dir, err)
	}
	var spec fluxSpec
	if err := f.decode(flux.spec, "the spec of the Flux Kustomization", flux.at, &spec); err != nil {
		return err
	}
	if flux.docs != "" {
		return f.objects(dir, flux, spec)
	}
	name, k, err := f.existing(dir)
	if errors.Is(err, fs.ErrNotExist) {
		name, k, err = join(dir, kustomizationNames[0]), f.scanned(dir, flux), nil
	}
	if err != nil {
		return err
	}
	f.applyFlux(k, dir, flux, spec)
	return f.serve(name, k)
}

// madeObjects is the file that holds the objects of a build which has its own.
const madeObjects = ".scantling-objects.yaml"

// objects serves a kustomization of a build's own objects in place of what the
// folder has, none of which is read.
func (f *kustomizeFS) objects(dir string, flux *fluxBuild, spec fluxSpec) error {
	name := kustomizationNames[0]
	for _, base := range kustomizationNames {
		if f.Exists(f.abs(join(dir, base))) {
			name = base
		}
	}
	f.served[join(dir, madeObjects)] = []byte(flux.docs)
	k := &types.Kustomization{TypeMeta: types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind}, Resources: []string{madeObjects}}
	f.applyFlux(k, dir, flux, spec)
	return f.serve(join(dir, name), k)
}

// existing is the kustomization of a folder as Flux reads it, which minds no
// unknown field, and its file; fs.ErrNotExist if there is none.
func (f *kustomizeFS) existing(dir string) (string, *types.Kustomization, error) {
	name, data, err := f.kustomizationIn(dir)
	if err != nil {
		return name, nil, err
	}
	k := &types.Kustomization{TypeMeta: types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind}}
	if err := yaml.Unmarshal(data, k); err != nil {
		return name, nil, invalidKustomization(name, err)
	}
	if len(k.Resources) == 0 {
		// So Flux does, lest kustomize calls it empty.
		k.BuildMetadata = []string{types.OriginAnnotations}
	}
	return name, k, nil
}

// kustomizationIn is the first kustomization file of a folder and what kustomize
// is to see of it; fs.ErrNotExist if there is none.
func (f *kustomizeFS) kustomizationIn(dir string) (string, []byte, error) {
	for _, base := range kustomizationNames {
		name := join(dir, base)
		if !f.Exists(f.abs(name)) || f.IsDir(f.abs(name)) {
			continue
		}
		data, err := f.ReadFile(f.abs(name))
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("reading %s: %s", name, reason(err))
		}
		return name, data, err
	}
	return "", nil, fs.ErrNotExist
}

func invalidKustomization(name string, err error) error {
	return &problemError{Problem{Class: "render-failed", Message: "can't build the kustomization: " + oneLine(err.Error()), At: manifest.Span{File: name}}}
}

// serve lets kustomize see a kustomization in place of a file.
func (f *kustomizeFS) serve(name string, k *types.Kustomization) error {
	data, err := yaml.Marshal(k)
	if err != nil {
		return fmt.Errorf("writing the kustomization of %s anew: %w", path.Dir(name), err)
	}
	f.served[name] = data
	return nil
}

// scanned is the kustomization that Flux makes for a folder without one: of all
// manifests in it and below, and of folders below that have a kustomization.
func (f *kustomizeFS) scanned(dir string, flux *fluxBuild) *types.Kustomization {
	k := &types.Kustomization{TypeMeta: types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind}}
	s := &fluxScan{files: f, dir: dir, root: "."}
	if mount, ok := mountOf(dir); ok {
		s.root = mount
	}
	s.strong = parseFluxIgnore(s.root, flux.ignore)
	s.folder(dir, s.inherited())
	if k.Resources = s.resources; len(k.Resources) == 0 {
		k.Namespace = "_placeholder"
	}
	return k
}

// fluxScan looks for the manifests of a folder.
type fluxScan struct {
	files     *kustomizeFS
	dir, root string      // root is that of the source
	strong    fluxIgnored // what the source itself says
	resources []string
}

// inherited are the patterns of the folders above the one that is scanned.
func (s *fluxScan) inherited() fluxIgnored {
	var patterns fluxIgnored
	rest := ""
	if s.dir != s.root {
		rest = strings.TrimPrefix(s.dir, strings.TrimPrefix(s.root+"/", "./"))
	}
	for folder := s.root; rest != ""; {
		patterns = append(patterns, s.patterns(folder)...)
		var next string
		next, rest, _ = strings.Cut(rest, "/")
		folder = join(folder, next)
	}
	return patterns
}

func (s *fluxScan) patterns(folder string) fluxIgnored {
	name := join(folder, sourceIgnore)
	if info, err := s.files.tree.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	data, err := readLimited(s.files.tree, name, s.files.limits.YAML.FileSize)
	if err != nil {
		return nil
	}
	return parseFluxIgnore(folder, string(data))
}

// folder adds what is in a folder. ignored are the patterns of the folders
// above.
func (s *fluxScan) folder(folder string, ignored fluxIgnored) {
	entries, err := s.files.tree.ReadDir(folder)
	if err != nil {
		s.files.problem(Problem{Class: readClass(err), Message: "the folder " + folder + " can't be listed: " + reason(err), At: manifest.Span{File: folder}})
		return
	}
	ignored = append(ignored[:len(ignored):len(ignored)], s.patterns(folder)...)
	all := append(ignored[:len(ignored):len(ignored)], s.strong...)
	if folder != s.dir && s.holdsKustomization(folder, entries, all) {
		s.add(folder)
		return
	}
	for _, e := range entries {
		name := join(folder, e.Name())
		switch ext := path.Ext(name); {
		case e.IsDir():
			if name != store.MountPoint && e.Name() != ".git" {
				s.folder(name, ignored)
			}
		case !e.Type().IsRegular(), ext != ".yaml" && ext != ".yml", leavesOut(all, s.root, name):
			// A source holds no links.
		default:
			s.manifest(name)
		}
	}
}

func (s *fluxScan) holdsKustomization(folder string, entries []fs.DirEntry, ignored fluxIgnored) bool {
	for _, e := range entries {
		if name := join(folder, e.Name()); isKustomization(name) && e.Type().IsRegular() && !leavesOut(ignored, s.root, name) {
			return true
		}
	}
	return false
}

func (s *fluxScan) add(name string) {
	s.resources = append(s.resources, "./"+relative(s.dir, name))
}

// manifest adds a file if Flux takes it; Flux would build nothing if it does
// not.
func (s *fluxScan) manifest(name string) {
	f := s.files
	f.padded[name] = true
	if p, ok := f.unreadable(name, stringNode(name), path.Base(name)); ok {
		f.problem(p)
		return
	}
	if why := refusedManifest(f.served[name]); why != "" {
		if _, problems := f.limits.YAML.Parse(f.tree.source(name)); len(problems) > 0 {
			f.problem(refusedProblem(name, problems[0]))
			return
		}
		f.problem(Problem{Class: "render-failed", Message: "Flux builds nothing of the folder " + s.dir + " since " + name + " is no manifest: " + why,
			Fix: "Move the file out of the folder, name it in .sourceignore, or write a kustomization.yaml that lists the manifests.", At: manifest.Span{File: name}})
		return
	}
	s.add(name)
}

// refusedManifest says why kustomize does not take a file for manifests; empty
// if it does. What it quotes of the file is left out.
func refusedManifest(data []byte) (why string) {
	defer func() {
		if recover() != nil {
			why = "kustomize panics on it"
		}
	}()
	_, err := provider.NewDefaultDepProvider().GetResourceFactory().SliceFromBytes(data)
	switch {
	case err == nil:
		return ""
	case strings.Contains(err.Error(), "missing Resource metadata"), strings.Contains(err.Error(), "missing metadata"):
		return "an object has no metadata.name"
	case strings.Contains(err.Error(), "missing kind"):
		return "an object has no kind"
	}
	return "it does not hold objects alone"
}

// applyFlux changes a kustomization as the spec says.
func (f *kustomizeFS) applyFlux(k *types.Kustomization, dir string, flux *fluxBuild, spec fluxSpec) {
	for field, value := range map[*string]*string{&k.Namespace: spec.TargetNamespace, &k.NamePrefix: spec.NamePrefix, &k.NameSuffix: spec.NameSuffix} {
		if value != nil {
			*field = *value
		}
	}
	for i, p := range spec.Patches {
		label := fmt.Sprintf("spec.patches[%d]", i)
		if f.gated(p.Patch, label, flux.at) {
			k.Patches = append(k.Patches, f.patch(dir, label, p.Patch, p.Target, flux.at))
		}
	}
	for _, c := range spec.Components {
		if f.fluxComponent(dir, c, spec.IgnoreMissingComponents, flux.at) {
			k.Components = append(k.Components, c)
		}
	}
	for _, p := range spec.PatchesStrategicMerge {
		//lint:ignore SA1019 deprecated, still deployed
		k.PatchesStrategicMerge = append(k.PatchesStrategicMerge, types.PatchStrategicMerge(p))
	}
	for _, p := range spec.PatchesJSON6902 {
		//lint:ignore SA1019 deprecated, still deployed
		k.PatchesJson6902 = append(k.PatchesJson6902, types.Patch{Patch: string(p.Patch), Target: p.Target})
	}
	k.Images = fluxImages(k.Images, spec.Images)
	if len(spec.BuildMetadata) > 0 {
		k.BuildMetadata = spec.BuildMetadata
	}
}

// fluxImages merges the images of a Flux Kustomization into those of the
// kustomization. A tag and a digest are one thing: who sets one clears the other.
func fluxImages(images, over []types.Image) []types.Image {
	for _, o := range over {
		i := 0
		for i < len(images) && images[i].Name != o.Name {
			i++
		}
		if i == len(images) {
			images = append(images, types.Image{Name: o.Name, NewName: o.NewName, NewTag: o.NewTag, Digest: o.Digest})
			continue
		}
		if o.NewName != "" {
			images[i].NewName = o.NewName
		}
		if o.NewTag != "" || o.Digest != "" {
			images[i].NewTag, images[i].Digest = o.NewTag, o.Digest
		}
	}
	return images
}

// fluxComponent says that a component of the spec can be used. Flux builds
// nothing if one can't.
func (f *kustomizeFS) fluxComponent(dir, ref string, ignoreMissing bool, at manifest.Span) bool {
	if path.IsAbs(ref) || isRemote(ref) {
		f.problem(Problem{Class: "render-failed", Message: "Flux refuses the component " + oneLine(redact(ref)) + ": its path must be local and relative", At: at})
		return false
	}
	if _, p := f.resolve(dir, ref, at); p != nil {
		f.problem(*p)
		return false
	}
	exists := f.Exists(f.abs(join(dir, ref)))
	if !exists && !ignoreMissing {
		f.problem(Problem{Class: "render-failed", Message: "the component " + oneLine(ref) + " of the Flux Kustomization does not exist", At: at})
	}
	return exists
}

// postBuild does to what was built what kustomize-controller does after the
// build.
func (f *kustomizeFS) postBuild(m resmap.ResMap, dir string, flux *fluxBuild) {
	var spec fluxSpec
	if f.decode(flux.spec, "", flux.at, &spec) != nil {
		return // said before the build
	}
	if flux.substitute {
		f.substitute(m.Resources(), flux)
	}
	common := tag{dir: dir, kind: commonMetadataKind}
	if config, err := yaml.Marshal(spec.CommonMetadata); err == nil {
		common.config = string(config)
	}
	for _, r := range m.Resources() {
		setMetadata(r.YNode(), "labels", spec.CommonMetadata.Labels)
		setMetadata(r.YNode(), "annotations", spec.CommonMetadata.Annotations)
		meta := manifest.Get(r.YNode(), "metadata")
		f.tagger.markEntries(manifest.Get(meta, "labels"), spec.CommonMetadata.Labels, common)
		f.tagger.markEntries(manifest.Get(meta, "annotations"), spec.CommonMetadata.Annotations, common)
	}
}
