package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
)

// gitPattern is an entry of directories or files of a git generator.
type gitPattern struct {
	path    string
	exclude bool
}

func gitPatterns(list []val) []gitPattern {
	var patterns []gitPattern
	for _, v := range list {
		patterns = append(patterns, gitPattern{v.at("path").str(), v.at("exclude").is()})
	}
	return patterns
}

// git are the folders or files that a git generator finds.
func (s *setBuild) git(g val) ([]params, error) {
	if unknownNode(g.at("repoURL").n) || unknownNode(g.at("revision").n) || unknownNode(g.at("directories").n) || unknownNode(g.at("files").n) {
		return []params{{open: true}}, nil
	}
	root, needs, err := s.repository(g)
	if err != nil {
		return nil, err
	}
	var sets []params
	if root != "" {
		prefix := g.at("pathParamPrefix").str()
		directories, files := gitPatterns(g.at("directories").items()), gitPatterns(g.at("files").items())
		switch {
		case len(directories) > 0:
			sets, err = s.gitDirectories(root, directories, prefix)
			err = atNode(g.at("directories").n, err)
		case len(files) > 0:
			sets, err = s.gitFiles(root, files, prefix)
			err = atNode(g.at("files").n, err)
		default:
			err = errors.New("a git generator names neither directories nor files")
		}
	}
	if len(sets) == 0 && err == nil && needs != (store.Request{}) {
		s.unexpanded("git", g, needs)
		return []params{{open: true}}, nil
	}
	return sets, err
}

// repository is the folder of the tree in which a generator's repository is,
// and, unless it is known to be there, what would have to be fetched.
func (s *setBuild) repository(g val) (root string, needs store.Request, err error) {
	url, revision := g.at("repoURL").str(), g.at("revision").or("HEAD")
	if url == "" {
		return "", needs, errors.New("a git generator names no repository")
	}
	name := repositoryURL(url)
	if slices.Contains(s.set.here, name) {
		return ".", needs, nil
	}
	if dir, ok := s.set.roots[name+"@"+revision]; ok {
		return dir, needs, nil
	}
	needs = redactRequest(store.Request{Kind: store.Git, URL: url, Version: strings.TrimPrefix(revision, "HEAD")})
	if _, err := s.tree.Stat(needs.Mount()); err == nil {
		return needs.Mount(), store.Request{}, nil
	}
	if slices.Contains(s.set.here, "*") {
		// It may be this one.
		return ".", needs, nil
	}
	return "", needs, nil
}

// readDir lists a folder, once.
func (s *setBuild) readDir(dir string) ([]fs.DirEntry, error) {
	if entries, ok := s.listed[dir]; ok {
		return entries, nil
	}
	entries, err := s.tree.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("can't list %s: %w", dir, err)
	}
	s.listed[dir] = entries
	return entries, nil
}

// gitDirectories are the folders that match a pattern and none that excludes, in
// the order of a walk. Hidden ones, and what is in them, are left out.
func (s *setBuild) gitDirectories(root string, patterns []gitPattern, prefix string) ([]params, error) {
	for _, p := range patterns {
		if _, err := path.Match(p.path, ""); err != nil {
			return nil, fmt.Errorf("the pattern %q of a git generator can't be read, and matches nothing", p.path)
		}
	}
	var sets []params
	var walk func(dir string) error
	walk = func(dir string) error {
		entries, err := s.readDir(join(root, dir))
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := join(dir, e.Name())
			if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			if included(patterns, name) {
				known := map[string]any{}
				s.pathParams(known, prefix, name, "")
				sets = append(sets, params{known: known})
			}
			if leadsToMatch(patterns, name) {
				if err := walk(name); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return sets, walk(".")
}

func included(patterns []gitPattern, name string) bool {
	include := false
	for _, p := range patterns {
		if ok, _ := path.Match(p.path, name); ok && p.exclude {
			return false
		} else if ok {
			include = true
		}
	}
	return include
}

// leadsToMatch says that something below a folder may match.
func leadsToMatch(patterns []gitPattern, dir string) bool {
	depth := strings.Count(dir, "/") + 1
	return slices.ContainsFunc(patterns, func(p gitPattern) bool {
		if p.exclude {
			return false
		}
		if strings.ContainsAny(p.path, `[\`) {
			// A class may match a slash.
			return true
		}
		segments := strings.Split(p.path, "/")
		if len(segments) <= depth {
			return false
		}
		ok, _ := path.Match(strings.Join(segments[:depth], "/"), dir)
		return ok
	})
}

// pathParams adds the parameters that tell a folder and, unless it is empty, a
// file in it.
func (s *setBuild) pathParams(known map[string]any, prefix, dir, file string) {
	parts := map[string]any{"path": dir, "basename": path.Base(dir), "basenameNormalized": normalize(path.Base(dir))}
	if file != "" {
		parts["filename"], parts["filenameNormalized"] = file, normalize(file)
	}
	segments := strings.Split(dir, "/")
	if s.templates.goTemplate {
		parts["segments"] = segments
		if prefix != "" {
			known[prefix] = map[string]any{"path": parts}
		} else {
			known["path"] = parts
		}
		return
	}
	name := "path"
	if prefix != "" {
		name = prefix + ".path"
	}
	for key, value := range parts {
		if key != "path" {
			known[name+"."+key] = value
		}
	}
	known[name] = dir
	for i, segment := range segments {
		known[name+"["+strconv.Itoa(i)+"]"] = segment
	}
}

// gitFiles are what stands in the files that match a pattern and none that
// excludes, by their paths.
func (s *setBuild) gitFiles(root string, patterns []gitPattern, prefix string) ([]params, error) {
	matched := map[string]bool{}
	for _, exclude := range []bool{false, true} {
		for _, p := range patterns {
			if p.exclude != exclude {
				continue
			}
			spec, err := newPathspec(p.path)
			if err != nil {
				return nil, err
			}
			if exclude {
				for name := range matched {
					if spec.matches(name) {
						delete(matched, name)
					}
				}
				continue
			}
			if err := s.matchFiles(root, spec, matched); err != nil {
				return nil, err
			}
		}
	}
	var sets []params
	for _, name := range sortedKeys(matched) {
		objects, err := s.paramsFile(join(root, name))
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			known := object
			if !s.templates.goTemplate {
				known = map[string]any{}
				flatten(known, "", object)
				for key, v := range known {
					known[key] = fmt.Sprint(v)
				}
				delete(known, "")
			} else if known == nil {
				known = map[string]any{}
			}
			s.pathParams(known, prefix, path.Dir(name), path.Base(name))
			sets = append(sets, params{known: known})
		}
		if s.made+len(sets) > maxParams {
			return nil, tooMany("sets of parameters", maxParams)
		}
	}
	return sets, nil
}

// matchFiles adds the files that match a pattern.
func (s *setBuild) matchFiles(root string, spec pathspec, matched map[string]bool) error {
	var walk func(dir string) error
	walk = func(dir string) error {
		entries, err := s.readDir(join(root, dir))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := join(dir, e.Name())
			switch {
			case name == ".git", name == store.MountPoint:
			case e.IsDir():
				if err := walk(name); err != nil {
					return err
				}
			case spec.matches(name):
				matched[name] = true
			}
		}
		return nil
	}
	if info, err := s.tree.Stat(join(root, spec.dir)); err != nil || !info.IsDir() {
		return nil
	}
	return walk(spec.dir)
}

// paramsFile reads a file of parameters: one mapping, or a list of them.
func (s *setBuild) paramsFile(name string) ([]map[string]any, error) {
	refuse := func(p Problem) error { return &setError{Problem: p} }
	data, err := s.tree.ReadFile(name)
	if err != nil {
		return nil, refuse(Problem{Class: "render-failed", Message: fmt.Sprintf("can't read the parameters in %s: %v", name, err), At: manifest.Span{File: name}})
	}
	data, refused := s.tree.limits.Check(data)
	if refused != nil {
		return nil, refuse(refusedProblem(name, refused))
	}
	one := map[string]any{}
	if unmarshal(s.tree.limits, data, &one) == nil {
		return []map[string]any{one}, nil
	}
	var list []map[string]any
	if err := unmarshal(s.tree.limits, data, &list); err != nil {
		return nil, refuse(Problem{Class: "render-failed", Message: fmt.Sprintf("%s is neither a mapping of parameters nor a list of such: %v", name, err),
			At: manifest.Span{File: name, Line: lineIn(err)}})
	}
	return list, nil
}
