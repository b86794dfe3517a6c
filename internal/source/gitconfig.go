package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

const maxConfig = 4 << 20

// gitConfig is what a git configuration file says: the last value of each key,
// written section.key or section.subsection.key, in lower case except for the
// subsection. A key without a value has the value "true".
//
// Few keys are looked at: what form the repository has, and where its work tree
// is. Files that it includes are not read, and nothing that it names is run or
// opened.
type gitConfig map[string]string

func readGitConfig(dir *os.Root, name string) (gitConfig, error) {
	data, err := readIn(dir, name, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the git configuration: %w", err)
	}
	config, err := parseGitConfig(data)
	if err != nil {
		return nil, fmt.Errorf("read the git configuration %s: %w; `git config --edit` mends it", name, err)
	}
	return config, nil
}

// parseGitConfig reads what git's config.c reads.
func parseGitConfig(data []byte) (gitConfig, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	p := configParser{data: data, rest: data}
	config := gitConfig{}
	section := ""
	for {
		switch c := p.next(); {
		case p.ended:
			return config, nil
		case isBlank(c):
		case c == '#' || c == ';':
			p.skipLine()
		case c == '[':
			var ok bool
			if section, ok = p.section(); !ok {
				return nil, p.fail("a section's name")
			}
		case isLetter(c):
			key, c := p.name(c)
			for c == ' ' || c == '\t' {
				c = p.next()
			}
			value := "true"
			if c != '\n' {
				var ok bool
				if c != '=' {
					return nil, p.fail("a key")
				}
				if value, ok = p.value(); !ok {
					return nil, p.fail("a value")
				}
			}
			config[section+key] = value
		default:
			return nil, p.fail("a key")
		}
	}
}

type configParser struct {
	data, rest []byte
	ended      bool
}

func (p *configParser) fail(what string) error {
	last := max(0, len(p.data)-len(p.rest)-1) // the byte that it is about
	return fmt.Errorf("%s in line %d is not written as git wants it", what, 1+bytes.Count(p.data[:last], []byte("\n")))
}

// next gives a byte, with line ends made one, and at the end another line end.
func (p *configParser) next() byte {
	if len(p.rest) == 0 {
		p.ended = true
		return '\n'
	}
	if bytes.HasPrefix(p.rest, []byte("\r\n")) {
		p.rest = p.rest[1:]
	}
	c := p.rest[0]
	p.rest = p.rest[1:]
	return c
}

func (p *configParser) skipLine() {
	for p.next() != '\n' {
	}
}

// section reads the rest of [name] or [name "subsection"] and gives what the
// keys below begin with.
func (p *configParser) section() (string, bool) {
	name, c := p.name('.')
	name = name[1:]
	if c == ']' {
		return name + ".", true
	}
	for isBlank(c) {
		if c == '\n' {
			return "", false
		}
		c = p.next()
	}
	if c != '"' {
		return "", false
	}
	sub := []byte(name + ".")
	for c = p.next(); c != '"'; c = p.next() {
		if c == '\\' {
			c = p.next()
		}
		if c == '\n' {
			return "", false
		}
		sub = append(sub, c)
	}
	return string(sub) + ".", p.next() == ']'
}

// name reads on from the first byte of a name, and gives the one after it. Only
// a section's may have dots.
func (p *configParser) name(first byte) (string, byte) {
	name := []byte{lower(first)}
	for {
		c := p.next()
		if !isLetter(c) && (c < '0' || c > '9') && c != '-' && (c != '.' || first != '.') {
			return string(name), c
		}
		name = append(name, lower(c))
	}
}

func (p *configParser) value() (string, bool) {
	var value []byte
	quoted, blanks := false, 0
	for {
		c := p.next()
		switch {
		case c == '\n':
			return string(value), !quoted
		case isBlank(c) && !quoted:
			if len(value) > 0 {
				blanks++
			}
			continue
		case (c == '#' || c == ';') && !quoted:
			p.skipLine()
			return string(value), true
		}
		value = append(value, strings.Repeat(" ", blanks)...)
		blanks = 0
		switch c {
		case '"':
			quoted = !quoted
			continue
		case '\\':
			c = p.next()
			i := strings.IndexByte("tbn\\\"\n", c)
			if i < 0 {
				return "", false
			}
			if c == '\n' {
				continue
			}
			c = "\t\b\n\\\""[i]
		}
		value = append(value, c)
	}
}

func isBlank(c byte) bool  { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
func lower(c byte) byte    { return bytes.ToLower([]byte{c})[0] }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// objectFormat is the name of the hash that objects are called by.
func (c gitConfig) objectFormat() string {
	if f := c["extensions.objectformat"]; f != "" {
		return strings.ToLower(f)
	}
	return "sha1"
}

// unreadable says why commits of the repository can't be read, if so. What it
// demands of a program that reads it are its extensions.
func (c gitConfig) unreadable() error {
	version := c["core.repositoryformatversion"]
	if version != "" && version != "0" && version != "1" {
		return fmt.Errorf("the git repository has format version %q, and only 0 and 1 can be read", version)
	}
	for _, key := range slices.Sorted(maps.Keys(c)) {
		name, ok := strings.CutPrefix(key, "extensions.")
		if !ok {
			continue
		}
		switch value := strings.ToLower(c[key]); name {
		case "worktreeconfig", "partialclone", "preciousobjects", "relativeworktrees", "noop", "noop-v1":
			// None changes how objects and references are stored.
		case "objectformat":
			if value != "sha1" {
				return fmt.Errorf("the git repository names its objects by %s (extensions.objectFormat), and only SHA-1 can be read: run this in a clone that was made with SHA-1, or on the work tree alone, without --staged and without a base", value)
			}
		case "refstorage":
			if value != "files" {
				return fmt.Errorf("the git repository keeps its references in a %s (extensions.refStorage), which cannot be read; `git refs migrate --ref-format=files` makes them readable", value)
			}
		default:
			if version == "1" { // in version 0, git passes over what it does not know
				return fmt.Errorf("the git repository uses extensions.%s, which is not supported: run this in a fresh clone, or on the work tree alone, without --staged and without a base", name)
			}
		}
	}
	return nil
}
