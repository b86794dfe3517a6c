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

func (s sourceRef) String() string {
	return s.kind + " " + strings.TrimPrefix(s.namespace+"/"+s.name, "/")
}

// root is a folder of the tree that stands for a source's root.
type root struct {
	dir string
	// ignore are the patterns of what the source leaves out.
	ignore string
	// moved says that dir is not the root but the folder that was asked for: an
	// artifact has it under another path.
	moved bool
	// note says what of the source is not there; nil for nothing.
	note *Problem
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

// folder finds the folder that a Flux source and a path in it name.
func (g *graph) folder(u *Unit, ref sourceRef, dir string, at manifest.Span) (root, *Problem) {
	o := g.lookup(u, ref.kind, ref.namespace, ref.name)
	switch ref.kind {
	case "ExternalArtifact":
		return g.artifact(u, ref, dir, at)
	case "HelmChart":
		return root{}, &Problem{Class: "not-fetched", At: at, Message: fmt.Sprintf("the files of the %s were not looked at", oneLine(ref.String())),
			Fix: "A chart as the source of an artifact is not followed."}
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
	if ref.kind == "GitRepository" {
		for _, include := range specOf(o).at("include").items() {
			name := include.at("repository", "name").str()
			rel, ok := under(dir, sourcePath(include.at("toPath").or(name)))
			from := sourceRef{ref.kind, name, o.Namespace}
			other := g.lookup(u, from.kind, from.namespace, name)
			if !ok || other == nil {
				continue
			}
			if dir = path.Join(sourcePath(include.at("fromPath").str()), rel); escapes(dir) {
				return root{}, outsideSource(dir, "the include of the "+oneLine(ref.String()), at)
			}
			found, problem := g.declared(from, other, dir, at)
			found.dir, found.moved = join(found.dir, dir), true
			return found, problem
		}
	}
	return g.declared(ref, o, dir, at)
}

// declared is folder for a source that is declared; what it includes is left out.
func (g *graph) declared(ref sourceRef, o *manifest.Object, dir string, at manifest.Span) (root, *Problem) {
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
