package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/kustomize/api/pkg/util"
	"sigs.k8s.io/kustomize/api/types"
)

// argoSpec is an Application's source.kustomize (argoproj.io/v1alpha1).
type argoSpec struct {
	NamePrefix                string            `json:"namePrefix"`
	NameSuffix                string            `json:"nameSuffix"`
	Images                    []string          `json:"images"`
	Replicas                  []argoReplicas    `json:"replicas"`
	CommonLabels              map[string]string `json:"commonLabels"`
	ForceCommonLabels         bool              `json:"forceCommonLabels"`
	LabelWithoutSelector      bool              `json:"labelWithoutSelector"`
	LabelIncludeTemplates     bool              `json:"labelIncludeTemplates"`
	CommonAnnotations         map[string]string `json:"commonAnnotations"`
	ForceCommonAnnotations    bool              `json:"forceCommonAnnotations"`
	CommonAnnotationsEnvsubst bool              `json:"commonAnnotationsEnvsubst"`
	Namespace                 string            `json:"namespace"`
	Patches                   []types.Patch     `json:"patches"`
	Components                []string          `json:"components"`
	IgnoreMissingComponents   bool              `json:"ignoreMissingComponents"`
}

type argoReplicas struct {
	Name  string             `json:"name"`
	Count intstr.IntOrString `json:"count"`
}

// argo makes the kustomization that Argo CD builds, and serves it in place of
// the one in the folder: Argo CD runs `kustomize edit` there, command by command.
// An edit that would fail, which fails the whole in Argo CD, is reported and left
// out.
func (f *kustomizeFS) argo(dir string, argo *argoBuild) error {
	if argo.spec == "" {
		return nil
	}
	dir, err := f.real(dir)
	if err != nil {
		return f.refuse(dir, err)
	}
	var spec argoSpec
	if err := f.decode(argo.spec, "the kustomize options of the Application", argo.at, &spec); err != nil {
		return err
	}
	name, data, err := f.kustomizationIn(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // kustomize says so
	}
	if err != nil {
		return err
	}
	var k types.Kustomization
	if err := k.Unmarshal(data); err != nil {
		return invalidKustomization(name, err)
	}
	k.FixKustomization()
	e := &argoEdit{files: f, k: &k, dir: dir, argo: argo}
	e.apply(spec)
	return f.serve(name, &k)
}

// argoEdit is a kustomization that is being edited.
type argoEdit struct {
	files *kustomizeFS
	k     *types.Kustomization
	dir   string
	argo  *argoBuild
}

func (e *argoEdit) fail(format string, args ...any) {
	e.files.problem(Problem{Class: "render-failed", Message: "Argo CD can't edit the kustomization: " + oneLine(fmt.Sprintf(format, args...)), At: e.argo.at})
}

func (e *argoEdit) expand(text string) string { return expandEnv(text, e.argo.env) }

func (e *argoEdit) apply(spec argoSpec) {
	if spec.NamePrefix != "" {
		e.k.NamePrefix = spec.NamePrefix
	}
	if spec.NameSuffix != "" {
		e.k.NameSuffix = spec.NameSuffix
	}
	e.images(spec.Images)
	e.replicas(spec.Replicas)
	e.labels(spec)
	e.annotations(spec)
	if spec.Namespace != "" {
		e.k.Namespace = spec.Namespace
	}
	for i, p := range spec.Patches {
		e.patch(fmt.Sprintf("kustomize.patches[%d]", i), p)
	}
	e.components(spec)
}

// images are `kustomize edit set image`: name:tag, name@digest,
// name=newname[:tag][@digest], where a "*" keeps what the kustomization has.
func (e *argoEdit) images(args []string) {
	set := map[string]types.Image{}
	for _, arg := range args {
		arg = e.expand(arg)
		name, value, renamed := strings.Cut(arg, "=")
		if !renamed {
			value = arg
		}
		newName, tag, digest := util.SplitImageName(value)
		if newName == arg {
			e.fail("the image %s gives neither a name, a tag nor a digest", arg)
			continue
		}
		image := types.Image{Name: newName, NewTag: tag, Digest: digest}
		if renamed {
			image.Name, image.NewName = name, newName
		}
		set[image.Name] = image
	}
	if len(set) == 0 {
		return
	}
	for _, old := range e.k.Images {
		image, ok := set[old.Name]
		if !ok {
			set[old.Name] = old
			continue
		}
		set[old.Name] = preserve(image, old)
	}
	e.k.Images = nil
	for _, name := range sortedKeys(set) {
		e.k.Images = append(e.k.Images, preserve(set[name], types.Image{}))
	}
}

// preserve takes the parts of an image that are "*" from another.
func preserve(image, old types.Image) types.Image {
	keep := func(part *string, old string) {
		if *part == "*" {
			*part = old
		}
	}
	keep(&image.NewName, old.NewName)
	keep(&image.NewTag, old.NewTag)
	keep(&image.Digest, old.Digest)
	return types.Image{Name: image.Name, NewName: image.NewName, NewTag: image.NewTag, Digest: image.Digest, TagSuffix: image.TagSuffix}
}

// replicas are `kustomize edit set replicas`.
func (e *argoEdit) replicas(list []argoReplicas) {
	set := map[string]types.Replica{}
	for _, r := range list {
		count, err := int64(r.Count.IntVal), error(nil)
		if r.Count.Type == intstr.String {
			count, err = strconv.ParseInt(r.Count.StrVal, 10, 64)
		}
		if err != nil || strings.Contains(r.Name, "=") {
			e.fail("the count of replicas of %s is no number", r.Name)
			continue
		}
		set[r.Name] = types.Replica{Name: r.Name, Count: count}
	}
	if len(set) == 0 {
		return
	}
	for _, old := range e.k.Replicas {
		if _, ok := set[old.Name]; !ok {
			set[old.Name] = old
		}
	}
	e.k.Replicas = nil
	for _, name := range sortedKeys(set) {
		e.k.Replicas = append(e.k.Replicas, set[name])
	}
}

// labels are `kustomize edit add label`.
func (e *argoEdit) labels(spec argoSpec) {
	if len(spec.CommonLabels) == 0 {
		return
	}
	if spec.LabelIncludeTemplates && !spec.LabelWithoutSelector {
		e.fail("labelIncludeTemplates needs labelWithoutSelector")
		return
	}
	//lint:ignore SA1019 what the program writes
	into := &e.k.CommonLabels
	if spec.LabelWithoutSelector {
		i := slices.IndexFunc(e.k.Labels, func(l types.Label) bool {
			return !l.IncludeSelectors && l.IncludeTemplates == spec.LabelIncludeTemplates
		})
		if i < 0 {
			i = len(e.k.Labels)
			e.k.Labels = append(e.k.Labels, types.Label{IncludeTemplates: spec.LabelIncludeTemplates})
		}
		into = &e.k.Labels[i].Pairs
	}
	expanded := map[string]string{}
	for key, value := range spec.CommonLabels {
		expanded[key] = e.expand(value)
	}
	e.add("label", "forceCommonLabels", into, expanded, spec.ForceCommonLabels)
}

// annotations are `kustomize edit add annotation`.
func (e *argoEdit) annotations(spec argoSpec) {
	entries := spec.CommonAnnotations
	if spec.CommonAnnotationsEnvsubst {
		entries = map[string]string{}
		for key, value := range spec.CommonAnnotations {
			entries[key] = e.expand(value)
		}
	}
	e.add("annotation", "forceCommonAnnotations", &e.k.CommonAnnotations, entries, spec.ForceCommonAnnotations)
}

// add adds entries as the arguments "key:value" of kustomize do.
func (e *argoEdit) add(what, option string, into *map[string]string, entries map[string]string, force bool) {
	for _, arg := range sortedKeys(entries) {
		key, value, _ := strings.Cut(arg+":"+entries[arg], ":")
		if key == "" {
			e.fail("a %s has no name", what)
			continue
		}
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		if _, ok := (*into)[key]; ok && !force {
			e.fail("the %s %s is in the kustomization already; %s would replace it", what, key, option)
			continue
		}
		if *into == nil {
			*into = map[string]string{}
		}
		(*into)[key] = value
	}
}

// patch appends a patch to those of the kustomization.
func (e *argoEdit) patch(label string, p types.Patch) {
	f := e.files
	switch {
	case p.Path != "":
		local, problem := f.resolve(e.dir, p.Path, e.argo.at)
		if problem != nil {
			f.problem(*problem)
			return
		}
		p.Path = local
		f.padded[join(e.dir, local)] = true
	case !f.gated(p.Patch, label, e.argo.at):
		return
	default:
		options := p.Options
		p = f.patch(e.dir, label, p.Patch, p.Target, e.argo.at)
		p.Options = options
	}
	e.k.Patches = append(e.k.Patches, p)
}

// components are `kustomize edit add component`, whose arguments may be patterns.
func (e *argoEdit) components(spec argoSpec) {
	f := e.files
	for _, ref := range spec.Components {
		local, problem := f.resolve(e.dir, ref, e.argo.at)
		if problem != nil {
			if !spec.IgnoreMissingComponents || !isRemote(ref) {
				f.problem(*problem)
			}
			continue
		}
		found := []string{local}
		if !f.Exists(f.abs(join(e.dir, local))) {
			found, _ = f.Glob(f.abs(join(e.dir, local)))
			for i, name := range found {
				rel, _ := f.rel(name)
				found[i] = relative(e.dir, rel)
			}
			if len(found) == 0 && !spec.IgnoreMissingComponents {
				e.fail("the component %s does not exist", ref)
			}
		}
		for _, c := range found {
			if !slices.Contains(e.k.Components, c) && !isKustomization(path.Join(e.dir, c)) {
				e.k.Components = append(e.k.Components, c)
			}
		}
	}
}
