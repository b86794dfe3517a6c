package source

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Bounds of the attributes: with more, no file is trusted to be as git stores it,
// and reading it is all that this costs.
const (
	maxAttributesFile  = 1 << 20
	maxAttributeRules  = 100
	maxAttributeTokens = 1000 // of all patterns together
)

var errManyAttributes = errors.New("more attributes than anybody writes")

// conversions tells of which files the content on the disk may be another than the
// one in git, of the same length: of those with a filter, or in an encoding. What
// else git changes when it takes a file in or gives it out (line ends, $Id$) makes
// it longer or shorter.
//
// It errs on the side of more: a later rule that takes an attribute back is passed
// over.
type conversions struct {
	rules  []attributeRule
	tokens int
	fold   bool // core.ignoreCase
}

// attributeRule is a pattern of a .gitattributes file.
type attributeRule struct {
	base string // "" or a folder with a slash at its end
	rule ignoreRule
	all  bool // below the base
}

// add reads a file of attributes that holds for what is below base.
func (c *conversions) add(base string, data []byte) error {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for line := range bytes.Lines(data) {
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			continue
		}
		pattern, rest := attributePattern(text)
		if strings.HasPrefix(pattern, "[attr]") {
			pattern = "" // what it defines may be used in any file: everywhere
		}
		if !slices.ContainsFunc(strings.Fields(rest), converts) {
			continue
		}
		r := attributeRule{base: base}
		if pattern == "" {
			r.base = ""
		}
		if c.fold {
			pattern = strings.ToLower(pattern)
		}
		// Of names without letters of a class, lower case is the same class.
		if r.rule, r.all = parseAttributePattern(pattern); c.fold && strings.Contains(pattern, "[") {
			r.all = true
		}
		c.tokens += len(r.rule.tokens)
		if c.rules = append(c.rules, r); len(c.rules) > maxAttributeRules || c.tokens > maxAttributeTokens {
			return errManyAttributes
		}
	}
	return nil
}

// converts says that an attribute, as it is assigned, may change bytes.
func converts(attribute string) bool {
	name, _, _ := strings.Cut(attribute, "=")
	return name == "filter" || name == "working-tree-encoding"
}

// attributePattern takes a line apart. A pattern in quotes is not read: it gives
// "", which stands for all.
func attributePattern(line string) (pattern, rest string) {
	if line[0] == '"' {
		return "", line
	}
	end := strings.IndexAny(line, " \t\r")
	if end < 0 {
		return line, ""
	}
	return line[:end], line[end:]
}

// parseAttributePattern reads a pattern; all says that it is taken to match
// everything.
func parseAttributePattern(p string) (r ignoreRule, all bool) {
	if p == "" || len(p) > maxName || p[0] == '!' {
		return r, true
	}
	r, ok := parseIgnoreRule(p)
	return r, !ok || r.folder
}

// of says that a file may have been converted.
func (c *conversions) of(name string) bool {
	if c.fold {
		name = strings.ToLower(name)
	}
	for i := range c.rules {
		r := &c.rules[i]
		base := r.base
		if c.fold {
			base = strings.ToLower(base)
		}
		rel, below := strings.CutPrefix(name, base)
		if !below {
			continue
		}
		if r.rule.baseName {
			rel = rel[strings.LastIndexByte(rel, '/')+1:]
		}
		if r.all || r.rule.match(rel) {
			return true
		}
	}
	return false
}

// conversions reads the attributes of a repository, of which the walk found the
// files. An error means that they are not known.
func (s *snapshot) conversions(w *worktree) (*conversions, error) {
	git := w.repo.git
	fold, err := git.attributeConfig()
	if err != nil {
		return nil, err
	}
	c := &conversions{fold: fold}
	data, err := readIn(git.shared, "info/attributes", maxAttributesFile)
	if err == nil {
		err = c.add("", data)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for dir, entries := range s.folders {
		for _, e := range entries {
			if !isAttributes(e.name) {
				continue
			}
			// A symlink is an error, which is right: not every git follows it.
			data, err := w.read(join(dir, e.name), maxAttributesFile)
			if err == nil {
				err = c.add(basePrefix(dir), data)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	// For one that is not on the disk git takes the one in the index.
	for i := range s.staged.entries {
		name := s.staged.entries[i].name
		if !isAttributes(path.Base(name)) {
			continue
		}
		if e, _ := s.entry(name); e == nil {
			c.rules = append(c.rules, attributeRule{base: basePrefix(path.Dir(name)), all: true})
		}
	}
	return c, nil
}

// attributeConfig says whether patterns match whatever the case of letters is. It is
// an error if the configuration may name attributes that are elsewhere.
func (g *gitFolder) attributeConfig() (fold bool, err error) {
	configs := []gitConfig{g.config}
	if g.configError != nil {
		return false, g.configError
	}
	if g.config["extensions.worktreeconfig"] != "" {
		own, err := readGitConfig(g.own, "config.worktree")
		if err != nil {
			return false, err
		}
		configs = append(configs, own)
	}
	for _, c := range configs {
		for key, value := range c {
			switch {
			case key == "core.attributesfile", key == "attr.tree", strings.HasPrefix(key, "include.") || strings.HasPrefix(key, "includeif."):
				return false, errors.New("there may be attributes outside of the repository")
			case key == "core.ignorecase":
				fold = fold || !slices.Contains([]string{"", "false", "no", "off", "0"}, strings.ToLower(value))
			}
		}
	}
	return fold, nil
}

func isAttributes(base string) bool {
	return len(base) == len(attributesName) && strings.EqualFold(base, attributesName)
}

const attributesName = ".gitattributes"

func basePrefix(dir string) string {
	if dir == "." {
		return ""
	}
	return dir + "/"
}
