package render

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	"go.yaml.in/yaml/v3"
)

// remote is what a reference of a kustomization names elsewhere: a file, or a
// path in a git repository.
type remote struct {
	request store.Request
	path    string
}

// mounted is where in the tree the thing is once it is fetched.
func (r remote) mounted() string {
	if r.request.Kind == store.File {
		return join(r.request.Mount(), store.FileName)
	}
	return join(r.request.Mount(), r.path)
}

// parseRemote reads a reference as kustomize does (its repospec.go and
// fileloader.go): what has a scheme of http is a file if getting it gives one,
// else it and all other forms are git repositories. Which of the two it is can't
// be tried here, so that the reference must tell.
func parseRemote(ref string) (remote, bool) {
	if file, ok := remoteFile(ref); ok {
		return remote{request: store.Request{Kind: store.File, URL: file}}, true
	}
	ref, query, _ := strings.Cut(ref, "?")
	ref = trimPrefixFold(ref, "git::")
	host, rest, ok := gitHost(ref)
	if !ok {
		return remote{}, false
	}
	repo, inside, ok := splitRepository(rest)
	inside = path.Clean(strings.TrimPrefix(inside, "/"))
	if !ok || repo == "" || inside == ".." || strings.HasPrefix(inside, "../") {
		return remote{}, false
	}
	values, _ := url.ParseQuery(query)
	version := values.Get("ref")
	if version == "" {
		version = values.Get("version")
	}
	return remote{request: store.Request{Kind: store.Git, URL: host + repo, Version: version}, path: inside}, true
}

// remoteFile is the address of a reference that names a single file, without
// the credentials in it.
func remoteFile(ref string) (string, bool) {
	u, err := url.Parse(ref)
	if err != nil || u.Host == "" || !strings.EqualFold(u.Scheme, "http") && !strings.EqualFold(u.Scheme, "https") {
		return "", false
	}
	if strings.Contains(u.Path, "//") || strings.Contains(u.Path+"/", ".git/") || strings.Contains(u.Path, "/_git/") {
		return "", false
	}
	switch ext := path.Ext(u.Path); {
	case ext == ".yaml", ext == ".yml", ext == ".json":
	case strings.Contains(u.Path, "/releases/download/"), strings.Contains(u.Path, "/raw/"), strings.HasSuffix(u.Path, "/raw"):
	case slices.Contains([]string{"raw.githubusercontent.com", "gist.githubusercontent.com"}, u.Hostname()):
	default:
		return "", false
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	kept := url.Values{}
	for key, values := range u.Query() {
		// All others may be credentials.
		if slices.Contains([]string{"ref", "version", "raw", "inline", "at", "format", "path"}, key) {
			kept[key] = values
		}
	}
	u.RawQuery = kept.Encode()
	return u.String(), true
}

// gitHost splits a reference to a git repository behind its host. The host has
// its scheme, and of its user nothing but the "git" of ssh.
func gitHost(ref string) (host, rest string, ok bool) {
	scheme := ""
	for _, s := range []string{"ssh://", "https://", "http://"} {
		if rest := trimPrefixFold(ref, s); len(rest) < len(ref) {
			scheme, ref = s, rest
			break
		}
	}
	if scheme == "" {
		ref = replacePrefixFold(ref, "gh:", "github.com/")
	}
	authority, _, _ := strings.Cut(ref, "/")
	at := strings.LastIndexByte(authority, '@')
	ref = ref[at+1:]
	end := strings.IndexByte(ref, '/')
	if colon := strings.IndexByte(ref, ':'); scheme == "" && colon > 0 && (end < 0 || colon < end) {
		end = colon
	}
	if end <= 0 {
		return "", "", false
	}
	host, rest = ref[:end], ref[end+1:]
	switch known := strings.ToLower(host); {
	case slices.Contains([]string{"github.com", "gitlab.com", "bitbucket.org"}, known):
		// These have the same repositories under all schemes.
		return "https://" + known + "/", rest, true
	case scheme == "" && at < 0:
		return "", "", false
	case scheme == "" || scheme == "ssh://":
		return "ssh://git@" + host + "/", rest, true
	}
	return scheme + host + "/", rest, true
}

// splitRepository splits what stands behind the host into the repository and the
// path in it: where a mark says so, else behind the second element.
func splitRepository(rest string) (repo, inside string, ok bool) {
	const azure, suffix = "_git/", ".git"
	if i := strings.Index(rest, azure); i >= 0 {
		name, inside, _ := strings.Cut(rest[i+len(azure):], "/")
		return rest[:i+len(azure)] + name, inside, true
	}
	if repo, inside, ok := strings.Cut(rest, "//"); ok {
		return repo, inside, true
	}
	if i := strings.Index(rest, suffix); i >= 0 {
		return rest[:i+len(suffix)], rest[i+len(suffix):], true
	}
	elements := strings.SplitN(rest, "/", 3)
	switch len(elements) {
	case 2:
		return rest, "", true
	case 3:
		return elements[0] + "/" + elements[1], elements[2], true
	}
	return "", "", false
}

func trimPrefixFold(s, prefix string) string { return replacePrefixFold(s, prefix, "") }

func replacePrefixFold(s, prefix, by string) string {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return by + s[len(prefix):]
	}
	return s
}

// mountOf is the folder under which something fetched is seen, if a path lies
// in one.
func mountOf(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, store.MountPoint+"/")
	if !ok {
		return "", false
	}
	id, _, _ := strings.Cut(rest, "/")
	return join(store.MountPoint, id), true
}

// relative is the path from a folder of the tree to another path of it.
func relative(dir, target string) string {
	if dir == "." {
		return target
	}
	from, to := strings.Split(dir, "/"), strings.Split(target, "/")
	for len(from) > 0 && len(to) > 0 && from[0] == to[0] {
		from, to = from[1:], to[1:]
	}
	return path.Join(strings.Repeat("../", len(from)), path.Join(to...))
}

// follow finds what a reference of the kustomization name means: a path from the
// kustomization's folder, which leads to what was fetched if kustomize would
// fetch it. What is neither in the repository nor fetched is reported.
func (f *kustomizeFS) follow(name string, at *yaml.Node, ref string) (local string, ok bool) {
	local, problem := f.resolve(path.Dir(name), ref, position(name, at))
	if problem != nil {
		f.problem(*problem)
	}
	return local, problem == nil
}

// resolve is follow for a reference that is written at a place.
func (f *kustomizeFS) resolve(dir, ref string, at manifest.Span) (string, *Problem) {
	target := join(dir, ref)
	mount, fetched := mountOf(dir)
	switch {
	case ref == "":
	case isRemote(ref) && !f.Exists(f.abs(target)):
		return f.fetched(dir, ref, at)
	case path.IsAbs(ref), target == "..", strings.HasPrefix(target, "../"):
		return "", &Problem{Class: "outside-repo", Message: fmt.Sprintf("the path %s leads out of the repository and was not followed", oneLine(ref)), At: at}
	case fetched && target != mount && !strings.HasPrefix(target, mount+"/"):
		return "", &Problem{Class: "outside-repo", Message: fmt.Sprintf("the path %s leads out of the repository that it was fetched with and was not followed", oneLine(ref)), At: at}
	}
	return ref, nil
}

// fetched is the path from a folder to what was fetched for a remote reference.
func (f *kustomizeFS) fetched(dir, ref string, at manifest.Span) (string, *Problem) {
	p := &Problem{Class: "not-fetched", Message: "the remote reference " + oneLine(redact(ref)) + " is not in this repository: what it brings was not checked",
		Fix: "Vendor what it refers to into the repository to have it checked.", At: at}
	r, ok := parseRemote(ref)
	if !ok {
		return "", p
	}
	if f.Exists(f.abs(r.request.Mount())) {
		if id := r.request.Mount(); f.brought[id] == (manifest.Span{}) {
			f.brought[id] = f.written(at)
		}
		return relative(dir, r.mounted()), nil
	}
	p.Fix, p.Needs = fetchFix, redactRequest(r.request)
	return "", p
}

// written is a place itself or, if it is in what was fetched, that of the
// reference that brought it here.
func (f *kustomizeFS) written(at manifest.Span) manifest.Span {
	if mount, ok := mountOf(at.File); ok && f.brought[mount].File != "" {
		return f.brought[mount]
	}
	return at
}

func (f *kustomizeFS) problem(p Problem) {
	p.At = f.written(p.At)
	f.problems = append(f.problems, p)
}
