package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// LockFile is the file at a repository's root that says what was fetched for it.
const LockFile = ".scantling.lock"

// Entry is what was fetched for a request.
type Entry struct {
	Request
	// Resolved is the exact version or commit that the request's version led
	// to; for an artifact the tag, "@" and the manifest's digest. A single file
	// has none.
	Resolved string
	// Digest identifies the content as it is kept: of a chart or file its bytes,
	// of a folder its listing.
	Digest string
	// FetchedFrom is the URL that the content came from, without credentials
	// and query.
	FetchedFrom string
	// Vendored is where the content lies below the lock's vendor folder; empty
	// if it is kept in the cache alone.
	Vendored string
}

// Lock says what was fetched for a repository, so that another checkout, another
// machine and the base of a comparison render the same.
type Lock struct {
	// Vendor is the folder of the repository that holds what was fetched; empty
	// if only the cache does.
	Vendor  string
	Entries []Entry
}

// Find is the entry of a request's ID.
func (l *Lock) Find(id string) (Entry, bool) {
	i := l.index(id)
	if i < 0 {
		return Entry{}, false
	}
	return l.Entries[i], true
}

// Set puts an entry in place of the one with the same request.
func (l *Lock) Set(e Entry) {
	if i := l.index(e.ID()); i >= 0 {
		l.Entries[i] = e
		return
	}
	l.Entries = append(l.Entries, e)
}

// Vendored says that a path of the repository is that of vendored content, or
// lies in it: it is rendered where it is asked for, and is nothing that the
// repository deploys by itself.
func (l *Lock) Vendored(name string) bool {
	below, ok := strings.CutPrefix(name, l.Vendor+"/")
	return ok && l.Vendor != "" && slices.ContainsFunc(l.Entries, func(e Entry) bool {
		rest, ok := strings.CutPrefix(below, e.Vendored)
		return ok && e.Vendored != "" && (rest == "" || rest == listingSuffix || strings.HasPrefix(rest, "/"))
	})
}

func (l *Lock) index(id string) int {
	return slices.IndexFunc(l.Entries, func(e Entry) bool { return e.ID() == id })
}

// The file's form. Its version changes when an older scantling would misread it.
const lockVersion = 1

type lockFile struct {
	Version int          `yaml:"version"`
	Vendor  string       `yaml:"vendor,omitempty"`
	Sources []lockSource `yaml:"sources"`
}

type lockSource struct {
	Kind        Kind   `yaml:"kind"`
	URL         string `yaml:"url"`
	Name        string `yaml:"name,omitempty"`
	Version     string `yaml:"version,omitempty"`
	Resolved    string `yaml:"resolved,omitempty"`
	Digest      string `yaml:"digest"`
	FetchedFrom string `yaml:"fetched-from,omitempty"`
	Vendored    string `yaml:"vendored,omitempty"`
}

const lockHead = `# Written by scantling fetch: what this repository deploys from elsewhere.
# Commit it, so that every checkout is checked with the same content.
`

// Format writes the lock: the same content always gives the same bytes.
func (l *Lock) Format() ([]byte, error) {
	f := lockFile{Version: lockVersion, Vendor: l.Vendor, Sources: []lockSource{}}
	for _, e := range l.Entries {
		f.Sources = append(f.Sources, lockSource{Kind: e.Kind, URL: e.URL, Name: e.Name, Version: e.Version,
			Resolved: e.Resolved, Digest: e.Digest, FetchedFrom: e.FetchedFrom, Vendored: e.Vendored})
	}
	slices.SortFunc(f.Sources, func(a, b lockSource) int { return slices.Compare(a.key(), b.key()) })
	var out bytes.Buffer
	out.WriteString(lockHead)
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(f), enc.Close()); err != nil {
		return nil, fmt.Errorf("writing %s: %w", LockFile, err)
	}
	return out.Bytes(), nil
}

func (s lockSource) key() []string { return []string{string(s.Kind), s.URL, s.Name, s.Version} }

// A lock of a large repository has some hundred entries of some hundred bytes.
const (
	maxLock    = 4 << 20
	maxSources = 10000
	maxText    = 4096
)

// ParseLock reads a lock. It is strict, since a pull request may have written
// it: what scantling does not know, and a digest or path that is none, is an
// error.
func ParseLock(data []byte) (*Lock, error) {
	f, err := decodeLock(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: mend it, or delete it and run scantling fetch", LockFile, err)
	}
	return f, nil
}

func decodeLock(data []byte) (*Lock, error) {
	if len(data) > maxLock {
		return nil, errors.New("larger than 4 MiB")
	}
	if err := plainYAML(data); err != nil {
		return nil, err
	}
	var f lockFile
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		return nil, errors.New("its YAML is not a lock's: " + clip(firstLine(err)))
	}
	if f.Version != lockVersion {
		return nil, fmt.Errorf("its version is %d, and this scantling knows %d", f.Version, lockVersion)
	}
	if f.Vendor != "" && !safePath(f.Vendor) {
		return nil, fmt.Errorf("the vendor folder %q is no folder of the repository", clip(f.Vendor))
	}
	if len(f.Sources) > maxSources {
		return nil, fmt.Errorf("more than %d sources", maxSources)
	}
	l, seen := &Lock{Vendor: f.Vendor}, map[string]bool{}
	for i, s := range f.Sources {
		e, err := s.entry()
		if err != nil {
			return nil, fmt.Errorf("source %d: %w", i+1, err)
		}
		id := e.ID()
		if seen[id] {
			return nil, fmt.Errorf("source %d: %s is listed twice", i+1, clip(e.String()))
		}
		seen[id] = true
		l.Entries = append(l.Entries, e)
	}
	return l, nil
}

// plainYAML refuses anchors, aliases and more than one document: a lock has
// none, and a decoder would expand them.
func plainYAML(data []byte) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var n yaml.Node
	if err := d.Decode(&n); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("it is empty")
		}
		return errors.New("its YAML can't be parsed: " + clip(firstLine(err)))
	}
	if !isPlain(&n) {
		return errors.New("it holds an anchor or alias")
	}
	if err := d.Decode(&n); !errors.Is(err, io.EOF) {
		return errors.New("it holds more than one document")
	}
	return nil
}

func isPlain(n *yaml.Node) bool {
	return n.Anchor == "" && n.Kind != yaml.AliasNode && !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return !isPlain(c) })
}

func firstLine(err error) string {
	lines := strings.Split(err.Error(), "\n")
	if len(lines) > 1 && strings.HasSuffix(lines[0], ":") {
		return strings.TrimSpace(lines[1])
	}
	return lines[0]
}

func (s lockSource) entry() (Entry, error) {
	for _, text := range []string{s.URL, s.Name, s.Version, s.Resolved, s.FetchedFrom, s.Vendored} {
		if err := checkText(text); err != nil {
			return Entry{}, err
		}
	}
	switch s.Kind {
	case Chart, Git, OCI, File:
	default:
		return Entry{}, fmt.Errorf("%q is no kind of source", clip(string(s.Kind)))
	}
	if s.URL == "" {
		return Entry{}, errors.New("its url is missing")
	}
	if _, err := digits(s.Digest); err != nil {
		return Entry{}, err
	}
	e := Entry{Request: Request{Kind: s.Kind, URL: s.URL, Name: s.Name, Version: s.Version},
		Resolved: s.Resolved, Digest: s.Digest, FetchedFrom: s.FetchedFrom, Vendored: s.Vendored}
	// A stranger's lock must not take any folder of the repository for vendored.
	if s.Vendored != "" && s.Vendored != e.vendorName() && s.Vendored != e.vendorTwin() {
		return Entry{}, fmt.Errorf("what it names is not vendored as %q", clip(s.Vendored))
	}
	return e, nil
}

func checkText(s string) error {
	switch {
	case len(s) > maxText:
		return fmt.Errorf("%q is longer than %d bytes", clip(s), maxText)
	case !utf8.ValidString(s), strings.ContainsFunc(s, unseen):
		return fmt.Errorf("%q holds characters that can't be seen", clip(s))
	}
	return nil
}

// unseen are control characters and those that some file systems ignore in a
// name.
func unseen(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// safePath says that a slash path may be written below a folder: it stays there,
// it means the same on every system, and no component of it is git's folder.
func safePath(name string) bool {
	if !fs.ValidPath(name) || name == "." || len(name) > maxText || checkText(name) != nil || strings.Contains(name, `\`) {
		return false
	}
	for _, part := range strings.Split(name, "/") {
		// On NTFS a colon begins a stream of the file, and dots at the end are
		// dropped.
		part, _, _ = strings.Cut(part, ":")
		switch strings.ToLower(strings.TrimRight(part, ". ")) {
		case "", ".git", "git~1":
			return false
		}
	}
	return path.Clean(name) == name
}
