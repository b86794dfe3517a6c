package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
)

const fetchFix = "Run `scantling fetch` to have it checked."

// sourceRef names a source of Flux.
type sourceRef struct{ kind, name, namespace string }

func refOf(v val, namespace string) sourceRef {
	return sourceRef{v.at("kind").str(), v.at("name").str(), v.at("namespace").or(namespace)}
}

func (s sourceRef) String() string { return s.kind + " " + strings.TrimPrefix(s.namespace+"/"+s.name, "/") }

// root is a folder of the tree that stands for a source's root.
type root struct {
	dir string
	// ignore are the patterns of what the source leaves out.
	ignore string
	// moved says that dir is not the root but the folder that was asked for: an
	// artifact has it under another path.
	moved bool
}

// here are the URLs that are known to name this repository.
func (r *Renderer) here() []string {
	var urls []string
	for _, url := range r.opts.Remotes {
		urls = append(urls, repositoryURL(url))
	}
	return urls
}

// exists says that a folder or file is in the tree.
func (r *Renderer) exists(name string) bool {
	_, err := r.view.Stat(name)
	return err == nil
}

// kept is where in the tree is what was fetched for a request, or the problem
// that it was not.
func (r *Renderer) kept(q store.Request, what string, at manifest.Span) (string, *Problem) {
	if r.exists(q.Mount()) {
		return q.Mount(), nil
	}
	return "", &Problem{Class: "not-fetched", Message: fmt.Sprintf("%s is not in this repository: %s", what, oneLine(redactRequest(q).String())),
		Fix: fetchFix, At: at, Needs: redactRequest(q)}
}

func redactRequest(q store.Request) store.Request {
	q.URL = strings.Replace(redact(q.URL), "***@", "", 1)
	return q
}

// folder finds the folder that a Flux source and a path in it name. postpone
// says that the source may yet be found.
func (g *graph) folder(u *Unit, ref sourceRef, dir string, at manifest.Span) (root, *Problem) {
	o := g.lookup(u, ref.kind, ref.namespace, ref.name)
	if ref.kind == "ExternalArtifact" {
		return g.artifact(u, ref, dir, at)
	}
	if g.sync[ref] || o == nil && ref.name == "flux-system" {
		return root{dir: ".", ignore: ignoreOf(o)}, nil
	}
	if o == nil {
		if g.r.exists(dir) {
			// Who installs Flux may have made the source, too: then it is
			// this repository more often than not.
			return root{dir: "."}, nil
		}
		return root{}, &Problem{Class: "not-fetched", At: at,
			Message: fmt.Sprintf("the source %s is not declared in this repository, and %s is no folder of it", oneLine(ref.String()), oneLine(dir)),
			Fix:     "Declare the source in the repository, or correct its name or the path."}
	}
	spec := specOf(o)
	url := spec.at("url").str()
	switch ref.kind {
	case "GitRepository":
		if g.r.namesThis(url, dir) {
			return root{dir: ".", ignore: ignoreOf(o)}, nil
		}
		mount, p := g.r.kept(store.Request{Kind: store.Git, URL: url, Version: gitVersion(spec.at("ref"))}, "the source "+oneLine(ref.String()), at)
		return root{dir: mount, ignore: ignoreOf(o)}, p
	case "OCIRepository":
		mount, p := g.r.kept(store.Request{Kind: store.OCI, URL: url, Version: ociVersion(spec.at("ref"))}, "the source "+oneLine(ref.String()), at)
		return root{dir: mount, ignore: ignoreOf(o)}, p
	}
	return root{}, &Problem{Class: "not-fetched", At: at, Message: fmt.Sprintf("the source %s is not in this repository: what it brings was not checked", oneLine(ref.String())),
		Fix: "A source of this kind can't be fetched; keep what it brings in a git repository or an OCI artifact to have it checked."}
}

func ignoreOf(o *manifest.Object) string {
	if o == nil {
		return ""
	}
	return specOf(o).at("ignore").str()
}

// namesThis says that a URL names this repository: it is that of a remote; or a
// repository of the same name, as that of a fork is, or any where no remote is
// known, and the path is there.
func (r *Renderer) namesThis(url, dir string) bool {
	norm := repositoryURL(url)
	if norm == "" {
		return false
	}
	here := r.here()
	for _, h := range here {
		if h == norm || path.Base(h) == path.Base(norm) && r.exists(dir) {
			return true
		}
	}
	return len(here) == 0 && r.exists(dir)
}

// gitVersion is the revision that a GitRepository asks for, by the precedence
// that Flux gives its fields.
func gitVersion(ref val) string {
	for _, key := range []string{"commit", "name"} {
		if v := ref.at(key).str(); v != "" {
			return v
		}
	}
	if v := ref.at("semver").str(); v != "" {
		return "semver:" + v
	}
	if v := ref.at("tag").str(); v != "" {
		return v
	}
	return ref.at("branch").or("master")
}

// ociVersion is the version that an OCIRepository asks for.
func ociVersion(ref val) string {
	if v := ref.at("digest").str(); v != "" {
		return v
	}
	if v := ref.at("semver").str(); v != "" {
		return "semver:" + v
	}
	return ref.at("tag").or("latest")
}

// artifact finds the folder that an ExternalArtifact brings: an
// ArtifactGenerator copies it from other sources. Where a folder is put
// together of several, the first that holds the path is taken.
func (g *graph) artifact(u *Unit, ref sourceRef, dir string, at manifest.Span) (root, *Problem) {
	generators := append(g.inv.all("ArtifactGenerator"), g.raw.all("ArtifactGenerator")...)
	for _, o := range generators {
		if o.Namespace != "" && o.Namespace != ref.namespace {
			continue
		}
		for _, a := range specOf(o).at("artifacts").items() {
			if a.at("name").str() != ref.name {
				continue
			}
			for _, c := range a.at("copy").items() {
				from, to := c.at("from").str(), c.at("to").str()
				alias, source, _ := strings.Cut(strings.TrimPrefix(from, "@"), "/")
				_, target, _ := strings.Cut(strings.TrimPrefix(to, "@artifact"), "/")
				if source, ok := strings.CutSuffix(source, "**"); ok {
					if rel, ok := under(dir, path.Clean(target)); ok {
						return g.artifactSource(u, o, alias, path.Join(source, rel), dir, at)
					}
				} else if rel, ok := under(dir, path.Join(path.Clean(target), path.Base(source))); ok {
					return g.artifactSource(u, o, alias, path.Join(source, rel), dir, at)
				}
			}
		}
	}
	return root{}, &Problem{Class: "not-fetched", At: at, Message: "no ArtifactGenerator in this repository makes the " + oneLine(ref.String()) + " with the path " + oneLine(dir),
		Fix: "Declare it in the repository, or correct its name."}
}

// artifactSource is the root for which dir, joined to it, is the folder from of
// a generator's source.
func (g *graph) artifactSource(u *Unit, o *manifest.Object, alias, from, dir string, at manifest.Span) (root, *Problem) {
	for _, s := range specOf(o).at("sources").items() {
		if s.at("alias").str() != alias {
			continue
		}
		found, p := g.folder(u, refOf(s, o.Namespace), from, at)
		if p != nil {
			return root{}, p
		}
		found.moved = true
		found.dir = join(found.dir, from)
		return found, nil
	}
	return root{}, &Problem{Class: "render-failed", At: at, Message: fmt.Sprintf("the ArtifactGenerator %s has no source of the alias %q", objectName(o), oneLine(alias))}
}

// under is the rest of a path under a folder.
func under(name, dir string) (string, bool) {
	name, dir = path.Clean(name), path.Clean(dir)
	switch {
	case dir == ".":
		return name, true
	case name == dir:
		return ".", true
	}
	return strings.CutPrefix(name, dir+"/")
}

// in is the folder that a path names in a source, or the problem with it.
func (g *graph) in(from root, dir, what string, at manifest.Span) (string, *Problem) {
	target := join(from.dir, dir)
	if from.moved {
		target = from.dir
	}
	if escapes(target) || from.dir != "." && !within(target, from.dir) {
		return "", outsideSource(dir, what, at)
	}
	if _, err := g.r.view.Stat(target); err != nil {
		p := &Problem{Class: readClass(err), At: at, Message: fmt.Sprintf("the path %s of %s: %s", oneLine(dir), what, reason(err))}
		if errors.Is(err, fs.ErrNotExist) {
			p.Message = fmt.Sprintf("the path %s of %s does not exist", oneLine(dir), what)
		}
		return "", p
	}
	return target, nil
}

// escapes says that a clean path leads upwards out of where it begins.
func escapes(name string) bool { return name == ".." || strings.HasPrefix(name, "../") }

func outsideSource(dir, what string, at manifest.Span) *Problem {
	return &Problem{Class: "outside-repo", At: at, Message: fmt.Sprintf("the path %s of %s leads out of its source and was not followed", oneLine(dir), what)}
}

// sourcePath is a path in a source as GitOps objects write it, from its root.
func sourcePath(text string) string {
	return path.Clean(strings.TrimLeft(strings.TrimPrefix(text, "./"), "/"))
}
