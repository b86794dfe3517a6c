package cache_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/scantling-dev/scantling/internal/cache"
)

// sizeOf is what the files below a folder take.
func sizeOf(t *testing.T, dir string) (size int64) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		check(t, err)
		if info, err := e.Info(); err == nil && !e.IsDir() {
			size += info.Size()
		}
		return nil
	}))
	return size
}

func backdate(t *testing.T, name string, age time.Duration) {
	t.Helper()
	at := time.Now().Add(-age)
	check(t, os.Chtimes(name, at, at))
}

// TestTrim: however many runs there are, the cache stays below its maximum, and
// what goes is what was not used for longest.
func TestTrim(t *testing.T) {
	const most = 1 << 20
	dir := filepath.Join(t.TempDir(), "cache")
	for run := range 100 {
		once(dir, most, func(c *cache.Cache) {
			check(t, c.Put(cache.Units, keyOf(fmt.Sprint(run)), noise(30_000)))
			if _, ok := c.Get(cache.Units, keyOf(fmt.Sprint(run))); !ok {
				t.Fatalf("run %d finds not what it put", run)
			}
		})
		backdate(t, file(dir, cache.Units, keyOf(fmt.Sprint(run))), time.Duration(1000-run)*time.Minute)
		// The first is used all the time.
		if _, err := os.Stat(file(dir, cache.Units, keyOf("0"))); err != nil {
			t.Fatalf("what is in use is gone after run %d", run)
		}
		backdate(t, file(dir, cache.Units, keyOf("0")), time.Minute)
		if size := sizeOf(t, dir); size > most {
			t.Fatalf("%d bytes after run %d", size, run)
		}
	}
	left := 0
	for run := 1; run < 100; run++ {
		if _, err := os.Stat(file(dir, cache.Units, keyOf(fmt.Sprint(run)))); err == nil {
			left++
		} else if left > 0 {
			t.Errorf("run %d's entry is gone, and an older one is not", run)
		}
	}
	if left < 20 || left > 33 {
		t.Errorf("%d entries are left of those that fit: about 30", left)
	}
}

// TestTrimSmall: many small entries count as the blocks that they take.
func TestTrimSmall(t *testing.T) {
	const most = 1 << 20
	dir := filepath.Join(t.TempDir(), "cache")
	once(dir, most, func(c *cache.Cache) {
		for n := range 1000 {
			check(t, c.Put(cache.Files, keyOf(fmt.Sprint(n)), nil))
		}
	})
	once(dir, most, func(c *cache.Cache) {
		s, err := c.Stats()
		check(t, err)
		if s.Entries > most/4096 || s.Entries < most/4096/2 {
			t.Errorf("%d entries are left", s.Entries)
		}
	})
}

// TestTrimRare: a run that wrote little does not list the whole cache. That shows
// in what killed processes left, which is removed when it is listed.
func TestTrimRare(t *testing.T) {
	const most = 1 << 20
	dir := filepath.Join(t.TempDir(), "cache")
	once(dir, most, func(c *cache.Cache) { check(t, c.Put(cache.Units, keyOf("a"), noise(5000))) })
	old, young := filepath.Join(dir, "units", ".new-OLD"), filepath.Join(dir, "units", ".new-YOUNG")
	for _, name := range []string{old, young} {
		check(t, os.WriteFile(name, []byte("half"), 0o600))
	}
	backdate(t, old, 3*time.Hour)
	once(dir, most, func(c *cache.Cache) { check(t, c.Put(cache.Units, keyOf("b"), noise(5000))) })
	if _, err := os.Stat(old); err != nil {
		t.Error("all was listed after 5,000 bytes")
	}
	once(dir, most, func(c *cache.Cache) { check(t, c.Put(cache.Units, keyOf("c"), noise(200_000))) })
	if _, err := os.Stat(old); err == nil {
		t.Error("what a killed process left is still there")
	}
	if _, err := os.Stat(young); err != nil {
		t.Error("a file that may be being written is removed")
	}
	for _, key := range []string{"a", "b", "c"} {
		if _, err := os.Stat(file(dir, cache.Units, keyOf(key))); err != nil {
			t.Errorf("%s is gone, and there was room", key)
		}
	}
}

// TestJournal: whatever becomes of the journal, the cache stays below its maximum.
func TestJournal(t *testing.T) {
	const most = 1 << 20
	for name, spoil := range map[string]func(journal string) error{
		"none":      os.Remove,
		"no number": func(j string) error { return os.WriteFile(j, []byte("many\n"), 0o600) },
		"negative":  func(j string) error { return os.WriteFile(j, []byte("-99999999\n"), 0o600) },
		"overflow": func(j string) error {
			return os.WriteFile(j, []byte(strings.Repeat("140737488355327\n", 5_000)), 0o600)
		},
		"empty":  func(j string) error { return os.WriteFile(j, nil, 0o600) },
		"no end": func(j string) error { return os.WriteFile(j, []byte("12"), 0o600) },
		"folder": func(j string) error { _ = os.Remove(j); _ = os.Mkdir(j, 0o700); return nil },
		"link":   func(j string) error { _ = os.Remove(j); return os.Symlink("/etc/passwd", j) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			for run := range 40 {
				once(dir, most, func(c *cache.Cache) {
					check(t, c.Put(cache.Units, keyOf(fmt.Sprint(run)), noise(100_000)))
				})
				check(t, spoil(filepath.Join(dir, "written")))
				if size := sizeOf(t, dir); size > 3*most {
					t.Fatalf("%d bytes after run %d", size, run)
				}
			}
			for run := range 5 {
				once(dir, most, func(c *cache.Cache) {
					check(t, c.Put(cache.Units, keyOf(fmt.Sprint("later ", run)), noise(100_000)))
				})
			}
			s, err := cache.Open(dir, most).Stats()
			check(t, err)
			if s.Bytes > most || s.Entries == 0 {
				t.Errorf("%d entries of %d bytes are left", s.Entries, s.Bytes)
			}
		})
	}
}
