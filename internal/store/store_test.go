package store_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/scantling-dev/scantling/internal/store"
)

// tree is a repository's tree.
type tree struct{ fstest.MapFS }

func (t tree) Resolve(name string) (string, error) {
	if _, err := t.Stat(name); err != nil {
		return "", err
	}
	return name, nil
}

func newCache(t *testing.T) (*store.Cache, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cache")
	c, err := store.OpenCache(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, dir
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var (
	chart  = store.Request{Kind: store.Chart, URL: "https://charts.example", Name: "web", Version: "1.*"}
	base   = store.Request{Kind: store.Git, URL: "https://git.example/org/base.git", Version: "main"}
	other  = store.Request{Kind: store.Git, URL: "https://git.example/org/other", Version: "main"}
	crds   = store.Request{Kind: store.File, URL: "https://files.example/v1/crds.yaml"}
	commit = strings.Repeat("0123456789", 4)
)

// fill puts a chart, two repositories and a file into a cache and returns their
// entries.
func fill(t *testing.T, c *store.Cache) map[store.Request]store.Entry {
	t.Helper()
	folder := func(files map[string]string) string {
		f := c.NewFolder()
		for name, text := range files {
			if target, ok := strings.CutPrefix(text, "-> "); ok {
				if err := f.Link(name, target); err != nil {
					t.Fatal(err)
				}
			} else if err := f.File(name, int64(len(text)), strings.NewReader(text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.File("large.bin", store.MaxFileSize+1, nil); err != nil {
			t.Fatal(err)
		}
		digest, _, err := f.Done()
		if err != nil {
			t.Fatal(err)
		}
		return digest
	}
	put := must[string](t)
	return map[store.Request]store.Entry{
		chart: {Request: chart, Resolved: "1.2.0", Digest: put(c.Put([]byte("\x1f\x8bchart")))},
		crds:  {Request: crds, Digest: put(c.Put([]byte("kind: Crd\n")))},
		base: {Request: base, Resolved: commit, Digest: folder(map[string]string{
			"kustomization.yaml": "resources: [apps]\n", "apps/web/deploy.yaml": "kind: Deployment\n", "apps/a b.yaml": "kind: A\n",
			"link": "-> apps/web", "apps/up": "-> ../kustomization.yaml", "out": "-> ../../secret", "root": "-> /etc", "loop": "-> loop",
		})},
		other: {Request: other, Resolved: commit, Digest: folder(map[string]string{"secret": "kind: Secret\n"})},
	}
}

func lockOf(t *testing.T, entries map[store.Request]store.Entry, vendor string) []byte {
	t.Helper()
	l := &store.Lock{Vendor: vendor}
	for _, e := range entries {
		l.Set(e)
	}
	return must[[]byte](t)(l.Format())
}

func TestFiles(t *testing.T) {
	c, dir := newCache(t)
	lock := lockOf(t, fill(t, c), "")
	s := must[*store.Store](t)(store.Open(tree{fstest.MapFS{store.LockFile: {Data: lock}}}, dir))
	files := must[*store.Files](t)

	for r, name := range map[store.Request]string{chart: store.ChartFile, crds: store.FileName, other: "secret"} {
		f := files(s.Files(r.ID()))
		if data, err := f.ReadFile(name); err != nil || len(data) == 0 {
			t.Errorf("%s: %q, %v", r, data, err)
		}
		if err := fstest.TestFS(noLarge{f}, name); err != nil {
			t.Error(err)
		}
	}
	f := files(s.Files(base.ID()))
	for name, want := range map[string]string{
		"kustomization.yaml":       "kustomization.yaml",
		"link":                     "apps/web",
		"link/deploy.yaml":         "apps/web/deploy.yaml",
		"link/../a b.yaml":         "apps/a b.yaml",
		"apps/up":                  "kustomization.yaml",
		"./apps//web/../../link/.": "apps/web",
		".":                        ".",
		"apps/..":                  ".",
		"":                         "invalid",
		"..":                       "leads out",
		"apps/../..":               "leads out",
		"link/../../../secret":     "leads out",
		"out":                      "leads out",
		"root/passwd":              "leads out",
		"/etc/passwd":              "leads out",
		`C:\x`:                     "leads out",
		"loop":                     "too many",
		"missing":                  "not exist",
		"kustomization.yaml/x":     "not exist",
		"apps/web/deploy.yaml/..":  "not exist",
	} {
		got, err := f.Resolve(name)
		if err != nil {
			got = err.Error()
		}
		if got != want && !strings.Contains(got, want) {
			t.Errorf("%q resolves to %q, want %q", name, got, want)
		}
	}
	if data, err := f.ReadFile("link/deploy.yaml"); err != nil || string(data) != "kind: Deployment\n" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := f.ReadFile("large.bin"); !errors.Is(err, store.ErrTooLarge) {
		t.Error(err)
	}
	if _, err := f.ReadFile("apps"); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	var names []string
	for _, e := range must[[]fs.DirEntry](t)(f.ReadDir("apps")) {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{"a b.yaml", "up", "web"}) {
		t.Error(names)
	}
	for _, id := range []string{"", ".", "..", "../../x", strings.Repeat("0", 32), strings.Repeat("z", 32), base.ID() + "/x"} {
		if _, err := s.Files(id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if used := s.Used(); len(used) != 4 || used[chart.ID()].Resolved != "1.2.0" {
		t.Errorf("used: %v", used)
	}
}

// noLarge leaves out the file that can't be read.
type noLarge struct{ *store.Files }

func (n noLarge) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := n.Files.ReadDir(name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "large.bin" }), err
}

func (n noLarge) Open(name string) (fs.File, error) {
	f, err := n.Files.Open(name)
	if d, ok := f.(fs.ReadDirFile); ok && err == nil {
		return noLargeFolder{d}, nil
	}
	return f, err
}

type noLargeFolder struct{ fs.ReadDirFile }

func (d noLargeFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	entries, err := d.ReadDirFile.ReadDir(n)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "large.bin" }), err
}

// TestTampered: whoever changes the cache or the vendor folder changes nothing
// that is linted without being noticed.
func TestTampered(t *testing.T) {
	c, dir := newCache(t)
	entries := fill(t, c)
	lock := tree{fstest.MapFS{store.LockFile: {Data: lockOf(t, entries, "")}}}
	blob := func(digest string) string { return filepath.Join(dir, "sha256", strings.TrimPrefix(digest, "sha256:")) }
	content := blob(store.Digest([]byte("kind: Deployment\n")))
	for name, c := range map[string]struct {
		request store.Request
		change  func(t *testing.T)
		file    string
	}{
		"chart":   {chart, func(t *testing.T) { write(t, blob(entries[chart].Digest), "\x1f\x8bother") }, store.ChartFile},
		"file":    {base, func(t *testing.T) { write(t, content, "kind: Other\n") }, "apps/web/deploy.yaml"},
		"removed": {base, func(t *testing.T) { remove(t, content) }, "apps/web/deploy.yaml"},
		"link": {base, func(t *testing.T) {
			remove(t, content)
			if err := os.Symlink(filepath.Join(t.TempDir(), "x"), content); err != nil {
				t.Skip(err)
			}
		}, "apps/web/deploy.yaml"},
		"listing": {other, func(t *testing.T) { write(t, blob(entries[other].Digest), "scantling folder 1\n") }, "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			path := blob(entries[c.request].Digest)
			if c.request == base {
				path = content
			}
			kept := must[[]byte](t)(os.ReadFile(path))
			defer func() {
				_ = os.Remove(path)
				write(t, path, string(kept))
			}()
			c.change(t)
			s := must[*store.Store](t)(store.Open(lock, dir))
			f, err := s.Files(c.request.ID())
			if err == nil {
				_, err = f.ReadFile(c.file)
			}
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("read: %v", err)
			}
			if err := s.Verify(c.request); err == nil {
				t.Error("verified")
			}
		})
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

// TestLookup: the lock decides; without an entry, what was last fetched.
func TestLookup(t *testing.T) {
	c, dir := newCache(t)
	entries := fill(t, c)
	old, now := entries[chart], entries[chart]
	old.Resolved, old.Digest = "1.1.0", must[string](t)(c.Put([]byte("\x1f\x8bold")))
	if err := c.Remember(now); err != nil {
		t.Fatal(err)
	}
	lost := entries[chart]
	lost.Digest = someDigest
	for name, c := range map[string]struct {
		lock map[store.Request]store.Entry
		dir  string
		want string
	}{
		"no lock":            {nil, dir, "\x1f\x8bchart"},
		"locked":             {map[store.Request]store.Entry{chart: old}, dir, "\x1f\x8bold"},
		"locked and missing": {map[store.Request]store.Entry{chart: lost}, dir, ""},
		"no cache":           {nil, "", ""},
		"cache not there":    {map[store.Request]store.Entry{chart: old}, filepath.Join(dir, "no"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{}
			if c.lock != nil {
				files[store.LockFile] = &fstest.MapFile{Data: lockOf(t, c.lock, "")}
			}
			s := must[*store.Store](t)(store.Open(tree{files}, c.dir))
			f, err := s.Files(chart.ID())
			var data []byte
			if err == nil {
				data, err = f.ReadFile(store.ChartFile)
			}
			if string(data) != c.want || c.want == "" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q, %v", data, err)
			}
		})
	}
}

func TestMounted(t *testing.T) {
	c, dir := newCache(t)
	entries := fill(t, c)
	at, elsewhere := base.Mount(), other.Mount()
	repo := tree{fstest.MapFS{
		store.LockFile:          {Data: lockOf(t, entries, "")},
		"apps/a.yaml":           {Data: []byte("kind: Own\n")},
		at + "/own.yaml":        {Data: []byte("kind: Hidden\n")},
		store.MountPoint + "/x": {Data: []byte("kind: Hidden\n")},
		"link":                  {Data: []byte(at), Mode: fs.ModeSymlink},
	}}
	m := store.NewMounted(repo, must[*store.Store](t)(store.Open(repo, dir)))
	for name, want := range map[string]string{
		"apps/a.yaml":                         "kind: Own\n",
		at + "/apps/web/deploy.yaml":          "kind: Deployment\n",
		at + "/link/deploy.yaml":              "kind: Deployment\n",
		chart.Mount() + "/" + store.ChartFile: "\x1f\x8bchart",
		at + "/own.yaml":                      "",
		store.MountPoint + "/x":               "",
		at + "/../" + other.ID() + "/secret":  "",
		at + "/../../apps/a.yaml":             "",
		"./" + at + "/kustomization.yaml":     "",
		store.MountPoint + "//x":              "",
	} {
		data, err := m.ReadFile(name)
		if string(data) != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", name, data, err)
		}
		if pe, ok := errors.AsType[*fs.PathError](err); want == "" && (!ok || pe.Path != name) {
			t.Errorf("%q: the error is %#v", name, err)
		}
	}
	for name, want := range map[string]string{
		"apps/a.yaml":                          "apps/a.yaml",
		at + "/link/deploy.yaml":               at + "/apps/web/deploy.yaml",
		at + "/apps/../link":                   at + "/apps/web",
		at:                                     at,
		store.MountPoint:                       store.MountPoint,
		at + "/..":                             "leads out",
		at + "/../" + other.ID():               "leads out",
		at + "/apps/../../../apps/a.yaml":      "leads out",
		at + "/link/../../../" + elsewhere:     "leads out",
		store.MountPoint + "/..":               "leads out",
		store.MountPoint + "/./../apps/a.yaml": "leads out",
		store.MountPoint + "/" + strings.Repeat("0", 32): "not exist",
	} {
		got, err := m.Resolve(name)
		if err != nil {
			got = err.Error()
		}
		if got != want && !(err != nil && strings.Contains(got, want)) {
			t.Errorf("%q resolves to %q, want %q", name, got, want)
		}
	}
	for _, e := range must[[]fs.DirEntry](t)(m.ReadDir(".")) {
		if e.Name() == store.MountPoint {
			t.Error("the mount point is listed")
		}
	}
	if entries, err := m.ReadDir(store.MountPoint); err != nil || len(entries) != 0 {
		t.Errorf("the mount point lists %v, %v", entries, err)
	}
	// A symlink of the repository that leads there leads nowhere.
	if got, err := store.NewMounted(leads{repo, at + "/own.yaml"}, nil).Resolve("link"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := store.NewMounted(repo, nil).Stat(at); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// leads is a tree in which all names lead to one.
type leads struct {
	tree
	to string
}

func (l leads) Resolve(string) (string, error) { return l.to, nil }

// TestConcurrent: the race detector watches.
func TestConcurrent(t *testing.T) {
	c, dir := newCache(t)
	entries := fill(t, c)
	s := must[*store.Store](t)(store.Open(tree{fstest.MapFS{store.LockFile: {Data: lockOf(t, entries, "")}}}, dir))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			f, err := s.Files(base.ID())
			if err == nil {
				_, err = f.ReadFile("link/deploy.yaml")
			}
			if err != nil {
				t.Error(err)
			}
			s.Used()
		})
	}
	wait.Wait()
}

func TestFolderRefuses(t *testing.T) {
	c, _ := newCache(t)
	for _, name := range []string{"", ".", "..", "../x", "/x", "a/../../x", ".git/config", "a/.Git /x", `a\b`, "a\nb", "a\u200bb", "a//b", strings.Repeat("x/", 300) + "x", "\xff"} {
		f := c.NewFolder()
		err := f.File(name, 1, strings.NewReader("x"))
		if err == nil {
			_, _, err = f.Done()
		}
		if err == nil {
			t.Errorf("%q is accepted", name)
		}
		if err := c.NewFolder().Link(name, "x"); err == nil && len(name) < 100 {
			t.Errorf("%q is accepted for a symlink", name)
		}
	}
	for name, names := range map[string][]string{"twice": {"a", "a"}, "file and folder": {"a", "a/b"}, "folder and file": {"a/b", "a"}} {
		f := c.NewFolder()
		for _, n := range names {
			if err := f.File(n, 1, strings.NewReader("x")); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := f.Done(); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for _, size := range []int64{2, 4} {
		if err := c.NewFolder().File("a", size, strings.NewReader("abc")); err == nil {
			t.Errorf("3 bytes are accepted for %d", size)
		}
	}
}

func TestVendor(t *testing.T) {
	c, dir := newCache(t)
	entries := fill(t, c)
	twin := entries[chart]
	twin.URL, twin.Digest = "https://other.example", must[string](t)(c.Put([]byte("\x1f\x8btwin")))
	entries[twin.Request] = twin
	repo := t.TempDir()
	root := must[*os.Root](t)(os.OpenRoot(repo))
	defer func() { _ = root.Close() }()
	s := must[*store.Store](t)(store.Open(tree{fstest.MapFS{store.LockFile: {Data: lockOf(t, entries, "")}}}, dir))
	l := &store.Lock{Vendor: "third/party"}
	for _, r := range []store.Request{chart, twin.Request, base, crds, other} {
		e := entries[r]
		name, err := s.Vendor(root, l.Vendor, r, func(name string) bool {
			return slices.ContainsFunc(l.Entries, func(e store.Entry) bool { return e.Vendored == name })
		})
		if err != nil {
			t.Fatal(err)
		}
		e.Vendored = name
		l.Set(e)
	}
	for _, want := range []string{
		"charts/web-1.2.0.tgz", "charts/" + strings.TrimPrefix(twin.Digest, "sha256:")[:12] + "-web-1.2.0.tgz",
		"git/git.example/org/base@012345678901/apps/a b.yaml", "git/git.example/org/base@012345678901.listing", "files/files.example/v1/crds.yaml",
	} {
		if _, err := os.Stat(filepath.Join(repo, "third/party", want)); err != nil {
			t.Error(err)
		}
	}
	// Read back with no cache.
	data := must[[]byte](t)(l.Format())
	write(t, filepath.Join(repo, store.LockFile), string(data))
	s = must[*store.Store](t)(store.Open(onDisk{os.DirFS(repo).(diskFS)}, ""))
	for r := range entries {
		if err := s.Verify(r); err != nil {
			t.Errorf("%s: %v", r, err)
		}
	}
	f := must[*store.Files](t)(s.Files(base.ID()))
	if text, err := f.ReadFile("link/deploy.yaml"); err != nil || string(text) != "kind: Deployment\n" {
		t.Errorf("%q, %v", text, err)
	}
	write(t, filepath.Join(repo, "third/party/charts/web-1.2.0.tgz"), "\x1f\x8bother")
	write(t, filepath.Join(repo, "third/party/git/git.example/org/base@012345678901/kustomization.yaml"), "other")
	s = must[*store.Store](t)(store.Open(onDisk{os.DirFS(repo).(diskFS)}, dir))
	for _, r := range []store.Request{chart, base} {
		if err := s.Verify(r); !errors.Is(err, store.ErrChanged) {
			t.Errorf("changed %s: %v", r, err)
		}
	}
}

type diskFS interface {
	fs.ReadDirFS
	fs.ReadFileFS
	fs.StatFS
}

type onDisk struct{ diskFS }

func (d onDisk) Resolve(name string) (string, error) { return name, nil }

// TestVendorLinks: a pull request that puts symlinks where things are vendored
// has nothing else written to.
func TestVendorLinks(t *testing.T) {
	c, dir := newCache(t)
	entries := fill(t, c)
	s := must[*store.Store](t)(store.Open(tree{fstest.MapFS{store.LockFile: {Data: lockOf(t, entries, "")}}}, dir))
	for name, prepare := range map[string]func(repo string) error{
		"vendor folder": func(repo string) error { return os.Symlink("own", filepath.Join(repo, "vendor")) },
		"folder": func(repo string) error {
			return errors.Join(os.Mkdir(filepath.Join(repo, "vendor"), 0o755), os.Symlink("../own", filepath.Join(repo, "vendor/git")))
		},
		"entry": func(repo string) error {
			return errors.Join(os.MkdirAll(filepath.Join(repo, "vendor/git/git.example/org"), 0o755),
				os.Symlink("../../../../own", filepath.Join(repo, "vendor/git/git.example/org/base@012345678901")))
		},
		"inside": func(repo string) error {
			return errors.Join(os.MkdirAll(filepath.Join(repo, "vendor/git/git.example/org/base@012345678901"), 0o755),
				os.Symlink("../../../../../own", filepath.Join(repo, "vendor/git/git.example/org/base@012345678901/apps")))
		},
		"listing": func(repo string) error {
			return errors.Join(os.MkdirAll(filepath.Join(repo, "vendor/git/git.example/org"), 0o755),
				os.Symlink("../../../../own/mine", filepath.Join(repo, "vendor/git/git.example/org/base@012345678901.listing")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			repo := t.TempDir()
			if err := os.Mkdir(filepath.Join(repo, "own"), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(repo, "own/mine"), "mine")
			if err := prepare(repo); err != nil {
				t.Skip(err)
			}
			root := must[*os.Root](t)(os.OpenRoot(repo))
			defer func() { _ = root.Close() }()
			_, err := s.Vendor(root, "vendor", base, func(string) bool { return false })
			left := must[[]os.DirEntry](t)(os.ReadDir(filepath.Join(repo, "own")))
			if mine, _ := os.ReadFile(filepath.Join(repo, "own/mine")); len(left) != 1 || !bytes.Equal(mine, []byte("mine")) {
				t.Errorf("own now holds %v, mine %q (%v)", left, mine, err)
			}
		})
	}
	for _, folder := range []string{"", ".", "..", "../x", "/tmp", ".git", "a/.git/x", `a\b`} {
		if store.VendorFolder(folder) == nil {
			t.Errorf("%q is accepted", folder)
		}
	}
}
