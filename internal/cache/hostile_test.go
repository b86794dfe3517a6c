//go:build unix

package cache_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/scantling-dev/scantling/internal/cache"
)

// TestPrivate: nobody else reads what is kept, whatever the umask.
func TestPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	once(dir, 0, func(c *cache.Cache) { check(t, c.Put(cache.Runs, keyOf("a"), []byte("a"))) })
	names := 0
	check(t, filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		check(t, err)
		info, err := e.Info()
		check(t, err)
		names++
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %04o, want %04o", name, info.Mode().Perm(), want)
		}
		if strings.Contains(name, ".new-") {
			t.Errorf("%s is left", name)
		}
		return nil
	}))
	if names != 6 { // the folder, the kind's, the entry, the journal, two marks
		t.Errorf("%d names in the cache", names)
	}
}

// TestUnusable: a folder that can't be used is a cache that keeps nothing.
func TestUnusable(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"a file": func(t *testing.T, dir string) { check(t, os.WriteFile(dir, nil, 0o600)) },
		"below a file": func(t *testing.T, dir string) {
			check(t, os.Remove(filepath.Dir(dir)))
			check(t, os.WriteFile(filepath.Dir(dir), nil, 0o600))
		},
		"link to nowhere": func(t *testing.T, dir string) { check(t, os.Symlink("nowhere", dir)) },
		"link to itself":  func(t *testing.T, dir string) { check(t, os.Symlink(dir, dir)) },
		"for the group": func(t *testing.T, dir string) {
			check(t, os.Mkdir(dir, 0o700))
			check(t, os.Chmod(dir, 0o770))
		},
		"for all": func(t *testing.T, dir string) {
			check(t, os.Mkdir(dir, 0o700))
			check(t, os.Chmod(dir, 0o777|os.ModeSticky))
		},
		"another's": func(t *testing.T, dir string) {
			if os.Geteuid() != 0 {
				t.Skip("only the superuser can give a folder away")
			}
			check(t, os.Mkdir(dir, 0o700))
			check(t, os.Chown(dir, 12345, 12345))
		},
		"read-only": func(t *testing.T, dir string) {
			if os.Geteuid() == 0 {
				t.Skip("the superuser writes everywhere")
			}
			check(t, os.Mkdir(dir, 0o500))
		},
		"kind is a file": func(t *testing.T, dir string) {
			check(t, os.Mkdir(dir, 0o700))
			check(t, os.WriteFile(filepath.Join(dir, "runs"), nil, 0o600))
		},
		"kind leads out": func(t *testing.T, dir string) {
			check(t, os.Mkdir(dir, 0o700))
			check(t, os.Symlink(t.TempDir(), filepath.Join(dir, "runs")))
		},
		"entry is a folder": func(t *testing.T, dir string) {
			check(t, os.Mkdir(dir, 0o700))
			check(t, os.MkdirAll(filepath.Join(file(dir, cache.Runs, keyOf("a")), "sub"), 0o700))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "above", "cache")
			check(t, os.MkdirAll(filepath.Dir(dir), 0o700))
			spoil(t, dir)
			once(dir, 0, func(c *cache.Cache) {
				if _, ok := c.Get(cache.Runs, keyOf("a")); ok {
					t.Error("found")
				}
				for range 2 {
					if err := c.Put(cache.Runs, keyOf("a"), []byte("a")); err == nil {
						t.Error("kept")
					}
				}
				if _, ok := c.Get(cache.Runs, keyOf("a")); ok {
					t.Error("found")
				}
				_, _ = c.Stats()
				_ = c.Clear()
			})
		})
	}
}

// TestRefused: why a folder is not believed can be asked for, and what lies in it
// is neither read nor removed.
func TestRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	once(dir, 0, func(c *cache.Cache) { check(t, c.Put(cache.Runs, keyOf("a"), []byte("a"))) })
	check(t, os.Chmod(dir, 0o777))
	once(dir, 0, func(c *cache.Cache) {
		if _, ok := c.Get(cache.Runs, keyOf("a")); ok {
			t.Error("found where anybody may write")
		}
		if s, err := c.Stats(); err != nil || s.Refused == nil || s.Entries != 0 {
			t.Errorf("%+v, %v", s, err)
		}
		if c.Clear() == nil {
			t.Error("cleared")
		}
	})
	check(t, os.Chmod(dir, 0o700))
	once(dir, 0, func(c *cache.Cache) {
		if _, ok := c.Get(cache.Runs, keyOf("a")); !ok {
			t.Error("not found where only the user may write")
		}
	})
}

// TestReadable: what can't be written to can be read.
func TestReadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("the superuser writes everywhere")
	}
	dir := filepath.Join(t.TempDir(), "cache")
	once(dir, 0, func(c *cache.Cache) { check(t, c.Put(cache.Runs, keyOf("a"), []byte("a"))) })
	for _, name := range []string{filepath.Join(dir, "runs"), dir} {
		check(t, os.Chmod(name, 0o500))
		t.Cleanup(func() { _ = os.Chmod(name, 0o700) })
	}
	once(dir, 0, func(c *cache.Cache) {
		if c.Put(cache.Runs, keyOf("b"), []byte("b")) == nil {
			t.Error("kept in a read-only folder")
		}
		if got, ok := c.Get(cache.Runs, keyOf("a")); !ok || string(got) != "a" {
			t.Error("not found in a read-only folder")
		}
	})
}

// TestPlantedFiles: links and special files in the place of entries are neither
// followed nor waited for.
func TestPlantedFiles(t *testing.T) {
	dir, outside := filepath.Join(t.TempDir(), "cache"), filepath.Join(t.TempDir(), "outside")
	once(dir, 0, func(c *cache.Cache) { check(t, c.Put(cache.Runs, keyOf("a"), []byte("a"))) })
	entry := file(dir, cache.Runs, keyOf("a"))
	check(t, os.Rename(entry, outside))
	for name, plant := range map[string]func() error{
		"link": func() error { return os.Symlink(outside, entry) },
		"pipe": func() error { return syscall.Mkfifo(entry, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			check(t, plant())
			once(dir, 0, func(c *cache.Cache) {
				if _, ok := c.Get(cache.Runs, keyOf("a")); ok {
					t.Error("followed")
				}
				if s, err := c.Stats(); err != nil || s.Entries != 0 {
					t.Errorf("%+v, %v", s, err)
				}
			})
			if _, err := os.Lstat(entry); err == nil {
				t.Error("it stays")
			}
		})
	}
	// A folder of a kind that leads out is neither listed nor cleared.
	other := filepath.Join(t.TempDir(), "other")
	check(t, os.Mkdir(other, 0o700))
	check(t, os.Rename(outside, filepath.Join(other, filepath.Base(entry))))
	check(t, os.Remove(filepath.Join(dir, "runs")))
	check(t, os.Symlink(other, filepath.Join(dir, "runs")))
	once(dir, 0, func(c *cache.Cache) {
		if _, ok := c.Get(cache.Runs, keyOf("a")); ok {
			t.Error("followed")
		}
		if c.Clear() == nil {
			t.Error("a link in the place of a folder is no error")
		}
	})
	if _, err := os.Stat(filepath.Join(other, filepath.Base(entry))); err != nil {
		t.Error("removed outside of the cache")
	}
}
