package render

import (
	"path"
	"strings"
)

// fluxIgnored are the patterns of what a source of Flux leaves out, the weakest
// first. They look like those of git and mean something else: Flux matches them
// as its package sourceignore does, where a pattern that matches a folder also
// matches all below it, and one of several elements matches a path of which it
// is the beginning.
type fluxIgnored []fluxPattern

type fluxPattern struct {
	domain     string   // the folder of the file that the pattern is in
	elements   []string // between slashes
	keep       bool     // begins with "!"
	folderOnly bool     // ends in a slash
	whole      bool     // holds a slash
}

const sourceIgnore = ".sourceignore"

// The patterns that hold always, and those that hold where no other does.
var (
	fluxVCS     = []string{".git/", ".gitignore", ".gitmodules", ".gitattributes"}
	fluxDefault = []string{
		"*.jpg", "*.jpeg", "*.gif", "*.png", "*.wmv", "*.flv", "*.tar.gz", "*.zip",
		".github/", ".circleci/", ".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml",
		"cloudbuild.yaml", "codeship-services.yml", "codeship-steps.yml",
		"**/.goreleaser.yml", "**/.sops.yaml", "**/.flux.yaml",
	}
)

// parseFluxIgnore reads the patterns of a file in a folder.
func parseFluxIgnore(domain, text string) fluxIgnored {
	var patterns fluxIgnored
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		p := fluxPattern{domain: domain}
		line, p.keep = strings.CutPrefix(line, "!")
		if !strings.HasSuffix(line, `\ `) {
			line = strings.TrimRight(line, " ")
		}
		line, p.folderOnly = strings.CutSuffix(line, "/")
		p.whole = strings.Contains(line, "/")
		p.elements = strings.Split(line, "/")
		patterns = append(patterns, p)
	}
	return patterns
}

// leavesOut says that a file is not in the source. own are the patterns of the
// source, in the order of their strength.
func leavesOut(own fluxIgnored, root, name string) bool {
	weak := parseFluxIgnore(root, strings.Join(fluxVCS, "\n"))
	if len(own) == 0 {
		weak = append(weak, parseFluxIgnore(root, strings.Join(fluxDefault, "\n"))...)
	}
	all := append(weak, own...)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].matches(name) {
			return !all[i].keep
		}
	}
	return false
}

// matches says that a pattern matches a file or a folder that it lies in.
func (p fluxPattern) matches(name string) bool {
	if p.domain != "." {
		var ok bool
		if name, ok = strings.CutPrefix(name, p.domain+"/"); !ok {
			return false
		}
	}
	elements := strings.Split(name, "/")
	if p.whole {
		return p.matchesWhole(elements)
	}
	i := first(p.elements[0], elements)
	return i >= 0 && !(p.folderOnly && i == len(elements)-1)
}

func (p fluxPattern) matchesWhole(elements []string) bool {
	matched, anywhere := false, false
	for i, want := range p.elements {
		switch {
		case want == "":
			anywhere = false
			continue
		case want == "**" && i == len(p.elements)-1:
			return matched && !(p.folderOnly && len(elements) == 0)
		case want == "**":
			anywhere = true
			continue
		case strings.Contains(want, "**"):
			return false
		}
		at := first(want, elements)
		if at < 0 || at > 0 && !anywhere {
			return false
		}
		elements = elements[at+1:]
		matched, anywhere = true, false
	}
	return matched && !(p.folderOnly && len(elements) == 0)
}

// first is the index of the first element that a pattern matches, or -1.
func first(pattern string, elements []string) int {
	for i, e := range elements {
		switch ok, err := path.Match(pattern, e); {
		case err != nil:
			return -1
		case ok:
			return i
		}
	}
	return -1
}
