package store

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"strings"
)

// listingSuffix is what the listing of a vendored folder is named besides the
// folder's own name.
const listingSuffix = ".listing"

// vendored is content in the repository: a file, or a folder with a listing
// beside it.
type vendored struct {
	tree Tree
	name string
}

func (v vendored) files(e Entry) (*Files, error) {
	stat, err := v.tree.Stat(v.name)
	if err != nil {
		return nil, err
	}
	return filesOf(e, v, stat.IsDir())
}

func (v vendored) whole() (int64, error) {
	stat, err := v.tree.Stat(v.name)
	if err != nil {
		return 0, err
	}
	return stat.Size(), nil
}

func (v vendored) folder() ([]byte, error) { return v.tree.ReadFile(v.name + listingSuffix) }

func (v vendored) read(it *item) ([]byte, error) {
	if stat, err := v.tree.Stat(v.name); err == nil && !stat.IsDir() {
		return v.tree.ReadFile(v.name)
	}
	return v.tree.ReadFile(v.name + "/" + it.path)
}

// VendorFolder checks the name of a folder to keep content in, from the
// repository's root.
func VendorFolder(name string) error {
	if !safePath(name) {
		return fmt.Errorf("%q is no folder of the repository", clip(name))
	}
	return nil
}

// Vendor copies what the store keeps for a request into the repository, below
// the vendor folder, and returns the name that it has there. root is the
// repository's root. taken says that a name below the folder holds something
// else.
//
// No symlink is written through: a pull request may have put one where the
// folder is to be.
func (s *Store) Vendor(root *os.Root, folder string, r Request, taken func(string) bool) (string, error) {
	if err := VendorFolder(folder); err != nil {
		return "", err
	}
	f, err := s.Files(r.ID())
	if err != nil {
		return "", fmt.Errorf("vendoring %s: %w", r, err)
	}
	e := s.found[r.ID()].entry
	name := e.vendorName()
	if taken(name) {
		name = e.vendorTwin()
	}
	if err := copyOut(root, folder+"/"+name, f); err != nil {
		return "", fmt.Errorf("vendoring %s: %w", r, err)
	}
	return name, nil
}

func copyOut(root *os.Root, name string, f *Files) error {
	if err := makeFolders(root, path.Dir(name)); err != nil {
		return err
	}
	if whole := f.whole(); whole != nil {
		data, err := f.content(whole)
		if err != nil {
			return err
		}
		return replace(root, name, data, 0o644)
	}
	// The folder is put together under another name, so that nothing that is
	// there now, symlinks above all, has a part in it.
	fresh := path.Dir(name) + "/.scantling-" + rand.Text()
	defer func() { _ = root.RemoveAll(fresh) }()
	if err := root.Mkdir(fresh, 0o755); err != nil {
		return err
	}
	for _, it := range f.listing.items {
		// A symlink is followed in the listing.
		if !it.mode.IsRegular() || it.digest == "" {
			continue
		}
		data, err := f.content(it)
		if err != nil {
			return fmt.Errorf("%s: %w", it.path, err)
		}
		if err := root.MkdirAll(path.Dir(fresh+"/"+it.path), 0o755); err != nil {
			return err
		}
		if err := root.WriteFile(fresh+"/"+it.path, data, 0o644); err != nil {
			return err
		}
	}
	if err := root.RemoveAll(name); err != nil {
		return err
	}
	return errors.Join(root.Rename(fresh, name), replace(root, name+listingSuffix, f.listing.format(), 0o644))
}

// whole is the only file of content that is a chart or a single file; nil for a
// folder.
func (f *Files) whole() *item {
	if !f.single {
		return nil
	}
	return f.listing.children["."][0]
}

// makeFolders makes a folder and those above it. None may be a symlink.
func makeFolders(root *os.Root, name string) error {
	at := ""
	for _, part := range strings.Split(name, "/") {
		at = path.Join(at, part)
		stat, err := root.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = root.Mkdir(at, 0o755)
		case err == nil && !stat.IsDir():
			err = fmt.Errorf("%s is not a folder: remove it, or name another vendor folder", at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// vendorName is a name that a person can read.
func (e Entry) vendorName() string {
	switch e.Kind {
	case Chart:
		return "charts/" + word(cmp.Or(e.Name, path.Base(e.URL))) + "-" + word(e.Resolved) + ".tgz"
	case File:
		return "files/" + place(e.URL)
	}
	version, manifest, isOCI := strings.Cut(e.Resolved, "@")
	if isOCI && version == "" {
		version = strings.TrimPrefix(manifest, digestPrefix)
	}
	if !isOCI && isHex(version) && len(version) > 12 {
		version = version[:12]
	}
	return string(e.Kind) + "/" + place(e.URL) + "@" + word(clipTo(version, 64))
}

// vendorTwin is the name of content whose vendorName something else has: a chart
// of the same name and version of another repository.
func (e Entry) vendorTwin() string {
	name := e.vendorName()
	return path.Dir(name) + "/" + strings.TrimPrefix(e.Digest, digestPrefix)[:12] + "-" + path.Base(name)
}

// place makes a path of a URL's host and path.
func place(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return word(clipTo(raw, 64))
	}
	var parts []string
	for _, p := range strings.Split(strings.TrimSuffix(u.Hostname()+"/"+u.Path, ".git"), "/") {
		if p != "" {
			parts = append(parts, word(clipTo(p, 64)))
		}
	}
	return strings.Join(parts, "/")
}

func clipTo(s string, most int) string { return s[:min(len(s), most)] }

// word keeps of a text what any file system takes for part of a plain name.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._+-", r):
			return r
		}
		return '-'
	}, s)
	if s = strings.Trim(s, ". "); s == "" || !safePath(s) {
		return "x"
	}
	return s
}
