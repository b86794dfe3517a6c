package render

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
)

// plain reads the manifests of one folder, several files at a time.
func (r *Renderer) plain(ctx context.Context, res *Result, tree *recorder) {
	parts := make([]Result, len(res.Unit.files))
	r.each(ctx, len(parts), func(i int) { parts[i] = r.manifestFile(tree, res.Unit.files[i]) })
	for _, p := range res.Unit.problems {
		res.miss(p)
	}
	for _, part := range parts {
		res.Objects = append(res.Objects, part.Objects...)
		for _, p := range part.Problems {
			res.miss(p)
		}
		res.others = append(res.others, part.others...)
	}
	if len(res.Objects) == 0 && len(res.Problems) > 0 {
		res.Unit.Status = NotRendered
	}
}

// manifestFile reads one file of a folder. A file that holds no object is none
// of the unit's.
func (r *Renderer) manifestFile(tree files, name string) (res Result) {
	data, err := r.readManifest(tree, name)
	if err != nil {
		res.Problems = append(res.Problems, *err)
		return res
	}
	if source.IsLFSPointer(data) {
		res.Problems = append(res.Problems, pointer(name))
		return res
	}
	if mayHoldObjects(data) {
		docs, problems := r.settings.limits.YAML.Parse(data)
		for _, p := range problems {
			res.Problems = append(res.Problems, refusedProblem(name, p))
		}
		for _, doc := range docs {
			res.Objects = append(res.Objects, manifest.Objects(doc, manifest.Origin{Span: manifest.Span{File: name}, Exact: true}, nil)...)
		}
	}
	if len(res.Objects) == 0 && len(res.Problems) == 0 {
		res.others = append(res.others, name)
	}
	return res
}

// noteOthers notes the files that hold no Kubernetes object.
func (r *Renderer) noteOthers(names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		r.found.note(name, "holds no Kubernetes object")
	}
}

// readManifest reads a file within the size limit.
func (r *Renderer) readManifest(tree files, name string) ([]byte, *Problem) {
	data, err := readLimited(tree, name, r.settings.limits.YAML.FileSize)
	var refused *gateError
	if errors.As(err, &refused) {
		p := refusedProblem(name, refused.err)
		return nil, &p
	}
	if err != nil {
		return nil, &Problem{Class: readClass(err), Message: "can't read the file: " + reason(err), At: manifest.Span{File: name}}
	}
	return data, nil
}

// readLimited reads a file unless it is larger than a limit.
func readLimited(tree files, name string, limit int64) ([]byte, error) {
	info, err := tree.Stat(name)
	if err != nil {
		return nil, err
	}
	// The size of a folder says nothing, and is not the same everywhere.
	if info.Size() > limit && !info.IsDir() {
		return nil, &gateError{name, &manifest.ReadError{Class: manifest.LimitSize, Limit: "file-size", Message: "the file is larger than " + mebibytes(limit) + " and was not read"}}
	}
	return tree.ReadFile(name)
}

// readClass is the problem class of an error of the tree.
func readClass(err error) string {
	switch {
	case errors.Is(err, source.ErrOutside):
		return "outside-repo"
	case errors.Is(err, source.ErrSpecial):
		return "special-file"
	case errors.Is(err, source.ErrTooLarge):
		return "limit-size"
	case errors.Is(err, source.ErrLoop):
		return "cycle"
	}
	return "render-failed"
}

func reason(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// writtenObjects hands on the Secrets of a file that a unit took in or that is the
// input of one, as they are written, and what stands beside them.
func (r *Renderer) writtenObjects(name string, yield func(*manifest.Object)) {
	// Only Secrets are judged as written: the look for the word spares parsing
	// everything a second time.
	for _, o := range r.objectsIn(name, func(data []byte) bool { return bytes.Contains(data, []byte("Secret")) }) {
		yield(o)
	}
}

// objectsIn are the objects of a file as they are written, if a quick look at its
// bytes wants them. What can't be read is reported where the file is rendered.
func (r *Renderer) objectsIn(name string, want func(data []byte) bool) []*manifest.Object {
	data, problem := r.readManifest(r.tree, name)
	if problem != nil || !mayHoldObjects(data) || !want(data) {
		return nil
	}
	var objects []*manifest.Object
	docs, _ := r.settings.limits.YAML.Parse(data)
	for _, doc := range docs {
		objects = append(objects, manifest.Objects(doc, manifest.Origin{Span: manifest.Span{File: name}, Exact: true}, nil)...)
	}
	return objects
}

// Deployed renders what the GitOps objects that are written in a file deploy, in
// the order of their units. It gives nothing for a file without such objects.
func (r *Renderer) Deployed(ctx context.Context, name string) ([]*Result, error) {
	data, problem := r.readManifest(r.tree, name)
	if problem != nil || !leads(data) {
		return nil, nil
	}
	var mu sync.Mutex
	var results []*Result
	_, err := r.Run(ctx, func(u *Unit) bool { return u.object != nil && u.Path == name }, func(res *Result) {
		mu.Lock()
		defer mu.Unlock()
		results = append(results, res)
	}, nil)
	slices.SortStableFunc(results, func(a, b *Result) int { return cmp.Compare(a.Unit.ID(), b.Unit.ID()) })
	return results, err
}

// PathUnit makes the unit that a folder or file of the tree is on its own, root
// or not.
func (r *Renderer) PathUnit(name string) (*Unit, error) {
	if err := r.discover(false); err != nil {
		return nil, err
	}
	found := r.found
	if resolved, err := r.tree.Resolve(name); err == nil {
		name = resolved
	}
	info, err := r.tree.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("can't render %s: %w", name, err)
	}
	if !info.IsDir() {
		if k := found.kustomizations[path.Dir(name)]; k != nil && k.file == name {
			return &Unit{Kind: Kustomize, Path: k.dir}, nil
		}
		if path.Base(name) == "Chart.yaml" {
			return &Unit{Kind: Helm, Path: path.Dir(name)}, nil
		}
		return &Unit{Kind: Plain, Path: path.Dir(name), files: []string{name}}, nil
	}
	if found.kustomizations[name] != nil {
		return &Unit{Kind: Kustomize, Path: name}, nil
	}
	if _, err := r.tree.Stat(join(name, "Chart.yaml")); err == nil {
		return &Unit{Kind: Helm, Path: name}, nil
	}
	u := &Unit{Kind: Plain, Path: name}
	for _, f := range found.candidates {
		if path.Dir(f.Name) == name {
			u.files = append(u.files, f.Name)
		}
	}
	if len(u.files) == 0 {
		return nil, fmt.Errorf("nothing to render in %s: it holds no kustomization, chart or manifest", name)
	}
	return u, nil
}
