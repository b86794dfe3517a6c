package render

import (
	"bytes"
	"fmt"
	"path"
	"strconv"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	sigsyaml "sigs.k8s.io/yaml"
)

// postKustomization is what a post renderer may hold: what Flux lets it, now and
// in its older versions. Everything else that a kustomization could name is left
// out.
type postKustomization struct {
	Patches               []postPatch   `json:"patches"`
	PatchesStrategicMerge []any         `json:"patchesStrategicMerge"`
	PatchesJSON6902       []postPatch   `json:"patchesJson6902"`
	Images                []types.Image `json:"images"`
}

// postPatch is a patch as text or, in older versions, as what the text would
// say.
type postPatch struct {
	Patch  any             `json:"patch"`
	Target *types.Selector `json:"target"`
}

// postRender applies the release's post renderers to what its templates gave.
// The objects are then among the docs of the product.
func (b *builder) postRender(p *product, tree *recorder, j job, templates []text) []text {
	r := &j.release
	docs := b.documents(p, tree, templates)
	pads := newPadding()
	for i := range templates {
		templates[i].taken = true
		pads.reserve(textPad(i), templates[i].text)
	}
	stages, refused := b.postStages(r, j.path, pads)
	if refused != nil {
		p.fail(*refused)
		return nil
	}
	sets, plain := r.postSets(docs)
	for _, set := range sets {
		m, err := stages.build(set, pads)
		if err != nil {
			p.fail(Problem{Class: "render-failed", Message: "can't apply the post renderers: " + oneLine(err.Error()), At: r.place(j.path)})
			p.hide(func() *redactor { return r.postRedactor(b.limits.YAML, templates) })
			return nil
		}
		for _, resource := range m.Resources() {
			p.docs = append(p.docs, resource.YNode())
		}
	}
	for _, d := range plain {
		nodes, _ := b.limits.YAML.Parse([]byte(d.content))
		for _, n := range nodes {
			shiftLines(n, pads.line(d))
			p.docs = append(p.docs, n)
		}
	}
	p.pads, p.tags = pads.pads, stages.tagger.tags
	return templates
}

// postSets says which documents the post renderers get together, and which
// they don't get.
func (r *release) postSets(docs []renderedDoc) (sets [][]renderedDoc, plain []renderedDoc) {
	var manifests, hooks []renderedDoc
	for _, d := range docs {
		if d.hook {
			hooks = append(hooks, d)
		} else {
			manifests = append(manifests, d)
		}
	}
	switch {
	case r.strategy == "nohooks":
		return [][]renderedDoc{manifests}, hooks
	case r.strategy == "separate" && len(hooks) > 0:
		return [][]renderedDoc{manifests, hooks}, nil
	}
	return [][]renderedDoc{append(manifests, hooks...)}, nil
}

// place is where a problem of the release itself is.
func (r *release) place(chart string) manifest.Span {
	if r.at.File != "" {
		return r.at
	}
	return manifest.Span{File: chartFile(chart)}
}

func (r *release) postRedactor(l manifest.Limits, templates []text) *redactor {
	hidden := &redactor{limits: l}
	for _, t := range templates {
		hidden.documents([]byte(t.text))
	}
	for _, post := range r.post {
		hidden.documents([]byte(post))
	}
	return hidden
}

// postStages are folders of a file system in memory: a kustomization each, the
// later ones built on the earlier.
type postStages struct {
	fs    filesys.FileSystem
	count int
	// tagger names a kustomization by its folder there.
	tagger *tagger
}

const postInput = "chart.yaml"

// The files of a stage's patches, by their numbers.
const (
	patchFile      = "patch-%d.yaml"
	mergeFile      = "merge-%d.yaml"
	operationsFile = "operations-%d.yaml"
)

func stageDir(i int) string { return "/" + strconv.Itoa(i) }

// postStages writes the kustomizations of the post renderers.
func (b *builder) postStages(r *release, chart string, pads *padding) (*postStages, *Problem) {
	s := &postStages{fs: filesys.MakeFsInMemory(), count: len(r.post), tagger: newTagger(func(root string) string { return root })}
	if err := s.fs.WriteFile(buildFile, []byte(s.tagger.key)); err != nil {
		return nil, &Problem{Class: "render-failed", Message: "can't apply the post renderers: " + err.Error(), At: r.place(chart)}
	}
	for i, spec := range r.post {
		fail := func(why string) *Problem {
			return &Problem{Class: "render-failed", Message: fmt.Sprintf("can't apply the post renderer %d: %s", i+1, why), At: r.place(chart)}
		}
		data, refused := b.limits.YAML.Check([]byte(spec))
		if refused != nil {
			return nil, fail(refused.Message)
		}
		var k postKustomization
		if err := sigsyaml.Unmarshal(data, &k); err != nil {
			return nil, fail("it has a field of the wrong type")
		}
		if err := b.writeStage(s, i, &k, pads); err != nil {
			return nil, fail(err.Error())
		}
	}
	return s, nil
}

// writeStage writes one kustomization. Its patches are files, so that their
// lines can be told apart.
func (b *builder) writeStage(s *postStages, i int, k *postKustomization, pads *padding) error {
	from := postInput
	if i > 0 {
		from = ".." + stageDir(i-1)
	}
	var patches, operations []types.Patch
	var merges []string
	var images []types.Image
	write := func(name string, patch any, pad string) (string, error) {
		text, ok := patch.(string)
		data := []byte(text)
		if !ok {
			var err error
			if data, err = sigsyaml.Marshal(patch); err != nil {
				return "", err
			}
		}
		data, refused := b.limits.YAML.Check(data)
		if refused != nil {
			return "", fmt.Errorf("a patch: %s", refused.Message)
		}
		if pad != "" {
			data = pads.pad(pad, data)
		}
		return name, s.fs.WriteFile(path.Join(stageDir(i), name), data)
	}
	for j, p := range k.Patches {
		name, err := write(fmt.Sprintf(patchFile, j), p.Patch, postPad(i, j))
		if err != nil {
			return err
		}
		patches = append(patches, types.Patch{Path: name, Target: p.Target})
	}
	for j, p := range k.PatchesStrategicMerge {
		name, err := write(fmt.Sprintf(mergeFile, j), p, postPad(i, len(k.Patches)+j))
		if err != nil {
			return err
		}
		merges = append(merges, name)
	}
	for j, p := range k.PatchesJSON6902 {
		name, err := write(fmt.Sprintf(operationsFile, j), p.Patch, "")
		if err != nil {
			return err
		}
		operations = append(operations, types.Patch{Path: name, Target: p.Target})
	}
	for _, image := range k.Images {
		images = append(images, types.Image{Name: image.Name, NewName: image.NewName, NewTag: image.NewTag, Digest: image.Digest})
	}
	data, err := sigsyaml.Marshal(map[string]any{
		"apiVersion": types.KustomizationVersion, "kind": types.KustomizationKind, "resources": []string{from},
		"patches": patches, "patchesStrategicMerge": merges, "patchesJson6902": operations, "images": images,
	})
	if err != nil {
		return err
	}
	return s.fs.WriteFile(path.Join(stageDir(i), "kustomization.yaml"), data)
}

// build runs the stages over some documents.
func (s *postStages) build(docs []renderedDoc, pads *padding) (m resmap.ResMap, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("kustomize panics on this input: %v", v)
		}
	}()
	if len(docs) == 0 {
		// kustomize refuses to build nothing; there is nothing to patch.
		return resmap.New(), nil
	}
	var input bytes.Buffer
	for i, d := range docs {
		// A separator before the first would be taken for a line of it.
		if i > 0 {
			input.WriteString("---\n")
		}
		if n := pads.line(d); pads.afford(n) {
			writeLines(&input, n)
		}
		input.WriteString(d.content)
		input.WriteString("\n")
	}
	if err := s.fs.WriteFile(path.Join(stageDir(0), postInput), input.Bytes()); err != nil {
		return nil, err
	}
	warmKustomize()
	// Not while another build reads the table of generators.
	hookCharts()
	schemaLock.RLock()
	defer schemaLock.RUnlock()
	return s.tagger.run(s.fs, stageDir(s.count-1))
}

// shiftLines moves the lines of a tree of nodes.
func shiftLines(n *yaml.Node, by int) {
	if n.Line > 0 {
		n.Line += by
	}
	for _, c := range n.Content {
		shiftLines(c, by)
	}
}
