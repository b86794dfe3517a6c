package render

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// maxArtifacts is how many ArtifactGenerators may copy from what another makes.
const maxArtifacts = 10

// artifact finds the folder that an ExternalArtifact brings: an
// ArtifactGenerator copies it from other sources.
func (g *graph) artifact(u *Unit, ref sourceRef, dir string, at manifest.Span) (root, *Problem) {
	g.artifacts++
	defer func() { g.artifacts-- }()
	if g.artifacts > maxArtifacts {
		return root{}, &Problem{Class: "cycle", At: at, Message: "the " + oneLine(ref.String()) + " is made of itself, or of too many others",
			Fix: "Let the ArtifactGenerator copy from a repository."}
	}
	first := &Problem{Class: "not-fetched", At: at, Message: "no ArtifactGenerator in this repository makes the " + oneLine(ref.String()) + " with the path " + oneLine(dir),
		Fix: "Declare it in the repository, or correct its name."}
	for _, h := range g.generators(u, sourceRef{ref.kind, patternArtifact, ref.namespace}) {
		first.Message = fmt.Sprintf("the %s may be one that the ArtifactGenerator %s makes by its pathPattern, which is not followed", oneLine(ref.String()), objectName(h.object))
		first.Fix = "Name the artifact in an ArtifactGenerator without a pathPattern to have what it brings checked."
		break
	}
	made := false
	for _, h := range g.generators(u, ref) {
		found, problem := g.assembled(u, h.object, h.part, dir, at)
		if problem == nil {
			return found, nil
		}
		if !made {
			first, made = problem, true
		}
	}
	return root{}, first
}

// generators are the ArtifactGenerators of a unit's cluster that make an
// artifact, its own and those that are rendered first.
func (g *graph) generators(u *Unit, ref sourceRef) []held {
	rendered := g.inv.named(madeArtifact, ref.namespace, ref.name)
	written := g.raw.named(madeArtifact, ref.namespace, ref.name)
	var own, near, other, rest []held
	for _, h := range rendered {
		switch {
		case h.entry == u.entry:
			own = append(own, h)
		case !g.inv.clusters(h.entry, u.entry):
			other = append(other, h)
		}
	}
	for _, h := range written {
		switch {
		case within(h.object.Origin.File, u.entry):
			near = append(near, h)
		case !g.elsewhere(u, h.object.Origin.File):
			rest = append(rest, h)
		}
	}
	return slices.Concat(own, near, other, rest)
}

// part is what one copy of an ArtifactGenerator brings: what is at source of
// the source called alias becomes target.
type part struct {
	alias, source, target string
	// only is the pattern that the entries of source match; empty for all.
	only string
	// exclude are patterns of what is left out.
	exclude []string
	// strategy is Overwrite, which may be empty, Merge or Extract.
	strategy string
	of       val
}

// partOf reads a copy, as source-watcher does: a folder is copied under its own
// name, what is in it by DIR/**, and what another pattern matches under its whole
// path.
func partOf(c val) part {
	alias, source, _ := strings.Cut(strings.TrimPrefix(c.at("from").str(), "@"), "/")
	_, target, _ := strings.Cut(strings.TrimPrefix(c.at("to").str(), "@artifact"), "/")
	p := part{alias: alias, source: path.Clean(source), target: path.Clean(target), exclude: c.at("exclude").strings(), strategy: c.at("strategy").str(), of: c}
	folder, all := strings.CutSuffix(source, "/**")
	switch {
	case source == "**":
		p.source = "."
	case all && !strings.ContainsAny(folder, "*?[]"):
		p.source = path.Clean(folder)
	case strings.ContainsAny(source, "*?[]"):
		p.source, p.only = ".", p.source
	default:
		p.target = path.Join(p.target, path.Base(p.source))
	}
	return p
}

// from is the path in the source of what is at dir in the artifact; ok is false
// if the part does not bring all of dir.
func (p *part) from(dir string) (name string, ok bool) {
	rel, ok := under(dir, p.target)
	if !ok || p.strategy == "Extract" {
		return "", false
	}
	if p.only != "" {
		elements := strings.Split(rel, "/")
		n := strings.Count(p.only, "/") + 1
		if len(elements) < n {
			return "", false
		}
		if matched, err := path.Match(p.only, strings.Join(elements[:n], "/")); err != nil || !matched {
			return "", false
		}
	}
	return path.Join(p.source, rel), true
}

// touches says that the part brings something of dir.
func (p *part) touches(dir string) bool {
	if _, below := under(p.target, dir); below {
		return true
	}
	if p.only != "" || p.strategy == "Extract" {
		_, within := under(dir, p.target)
		return within
	}
	_, ok := p.from(dir)
	return ok
}

// fits says that two parts lie to each other in the artifact as they do in the
// source: then what one refers to in the other is found in the source, too.
func (p *part) fits(other *part) bool {
	if p.alias != other.alias || p.only != "" || other.only != "" || other.strategy == "Extract" {
		return p.alias == other.alias && p.only != "" && p.target == other.target
	}
	return path.Join(p.source, relative(p.target, other.target)) == other.source
}

// assembled finds the folder of an artifact in the source that it is copied from.
// Where several bring a part of it, the last one that brings all of it is taken.
func (g *graph) assembled(u *Unit, o *manifest.Object, a val, dir string, at manifest.Span) (root, *Problem) {
	var parts []*part
	for _, c := range a.at("copy").items() {
		p := partOf(c)
		parts = append(parts, &p)
	}
	var best *part
	var from string
	var problem *Problem
	var found root
	for i := len(parts) - 1; i >= 0 && best == nil; i-- {
		name, ok := parts[i].from(dir)
		if !ok {
			continue
		}
		var failed *Problem
		if found, failed = g.artifactSource(u, o, parts[i].alias, name, at); failed == nil && !g.r.exists(found.dir) && len(parts) > 1 {
			continue // another part may have it
		}
		if problem = failed; failed == nil {
			best, from = parts[i], name
		}
	}
	if best == nil && problem == nil {
		// What is below the folder is all that there is in it.
		for _, p := range parts {
			if _, below := under(p.target, dir); below && p.only == "" && p.strategy != "Extract" {
				best, from = p, p.source
				found, problem = g.artifactSource(u, o, p.alias, from, at)
				break
			}
		}
	}
	switch {
	case problem != nil:
		return root{}, problem
	case best == nil:
		return root{}, &Problem{Class: "not-fetched", At: at, Message: fmt.Sprintf("no copy of the ArtifactGenerator %s that is followed brings the path %s of the artifact %s", objectName(o), oneLine(dir), oneLine(a.at("name").str())),
			Fix: "Correct the path, or keep what is deployed in the repository as it is."}
	}
	found.ignore = excluded(found.ignore, best)
	for _, p := range parts {
		// What has no kustomization refers to nothing beside it.
		if p != best && (p.touches(dir) || !best.fits(p) && g.r.hasKustomization(found.dir)) {
			found.note = &Problem{Class: "not-fetched", At: at,
				Message: fmt.Sprintf("the artifact %s is put together of several folders: its path %s was read from %s alone", oneLine(a.at("name").str()), oneLine(dir), oneLine(best.of.at("from").str())),
				Fix:     "Keep what is deployed together in one folder of a source to have all of it checked."}
			break
		}
	}
	return found, nil
}

// excluded adds what a copy leaves out to the patterns of a source. A path is
// one from the source's root, or from the folder that is copied.
func excluded(ignore string, p *part) string {
	for _, pattern := range p.exclude {
		switch {
		case strings.ContainsAny(pattern, "!#\n"):
		case strings.Contains(pattern, "/"):
			ignore += "\n/" + pattern + "\n/" + path.Join(p.source, pattern)
		default:
			ignore += "\n" + pattern
		}
	}
	return ignore
}

// artifactSource is the root whose folder is the path from of a generator's
// source.
func (g *graph) artifactSource(u *Unit, o *manifest.Object, alias, from string, at manifest.Span) (root, *Problem) {
	if escapes(from) {
		return root{}, outsideSource(from, "the ArtifactGenerator "+objectName(o), at)
	}
	for _, s := range specOf(o).at("sources").items() {
		if s.at("alias").str() != alias {
			continue
		}
		found, p := g.folder(u, refOf(s, o.Namespace), from, at)
		if p != nil {
			return root{}, p
		}
		if !found.moved {
			found.dir = join(found.dir, from)
		}
		found.moved = true
		return found, nil
	}
	return root{}, &Problem{Class: "render-failed", At: at, Message: fmt.Sprintf("the ArtifactGenerator %s has no source of the alias %q", objectName(o), oneLine(alias))}
}
