package cache_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/scantling-dev/scantling/internal/cache"
)

func keyOf(s string) cache.Key { return sha256.Sum256([]byte(s)) }

// file is where an entry lies.
func file(dir string, kind cache.Kind, key cache.Key) string {
	return filepath.Join(dir, string(kind), hex.EncodeToString(key[:]))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// once opens a cache for one run.
func once(dir string, maxSize int64, use func(*cache.Cache)) {
	c := cache.Open(dir, maxSize)
	defer c.Close()
	use(c)
}

// text compresses well, noise not at all.
func text(n int) []byte { return bytes.Repeat([]byte("finding privileged-container\n"), n/29+1)[:n] }

func noise(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	return data
}

func TestPutGet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "cache")
	contents := map[string][]byte{"nothing": {}, "one byte": {0}, "text": text(300_000), "noise": noise(300_000), "short": []byte("findings")}
	once(dir, 0, func(c *cache.Cache) {
		if _, ok := c.Get(cache.Runs, keyOf("text")); ok {
			t.Error("found in a cache that is not there")
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("looking makes the folder")
		}
		for name, data := range contents {
			for _, kind := range cache.Kinds() {
				check(t, c.Put(kind, keyOf(name), append([]byte(kind), data...)))
			}
		}
	})
	once(dir, 0, func(c *cache.Cache) {
		for name, data := range contents {
			for _, kind := range cache.Kinds() {
				got, ok := c.Get(kind, keyOf(name))
				if want := append([]byte(kind), data...); !ok || !bytes.Equal(got, want) {
					t.Errorf("%s %s: got %d bytes, %v; want %d", kind, name, len(got), ok, len(want))
				}
			}
		}
		if _, ok := c.Get(cache.Runs, keyOf("other")); ok {
			t.Error("found what was not put")
		}
		check(t, c.Put(cache.Runs, keyOf("text"), []byte("anew")))
		if got, _ := c.Get(cache.Runs, keyOf("text")); string(got) != "anew" {
			t.Errorf("got %q after it was replaced", got)
		}
	})
	info, err := os.Stat(file(dir, cache.Units, keyOf("text")))
	check(t, err)
	if info.Size() > 30_000 {
		t.Errorf("300,000 bytes of text take %d", info.Size())
	}
}

func TestNil(t *testing.T) {
	var c *cache.Cache
	if err := c.Put(cache.Runs, keyOf("a"), []byte("a")); err != nil {
		t.Error(err)
	}
	if _, ok := c.Get(cache.Runs, keyOf("a")); ok {
		t.Error("found in no cache")
	}
	if s, err := c.Stats(); err != nil || s.Entries != 0 {
		t.Error(s, err)
	}
	if err := c.Clear(); err != nil {
		t.Error(err)
	}
	c.Close()
}

func TestClosed(t *testing.T) {
	c := cache.Open(t.TempDir(), 0)
	c.Close()
	c.Close()
	if err := c.Put(cache.Runs, keyOf("a"), nil); err == nil {
		t.Error("put into a closed cache")
	}
	if _, ok := c.Get(cache.Runs, keyOf("a")); ok {
		t.Error("found in a closed cache")
	}
}

// TestMoved: the folder may be moved, as pipelines do that restore it.
func TestMoved(t *testing.T) {
	at := t.TempDir()
	once(at+"/a", 0, func(c *cache.Cache) { check(t, c.Put(cache.Units, keyOf("a"), text(10_000))) })
	check(t, os.Rename(at+"/a", at+"/b"))
	once(at+"/b", 0, func(c *cache.Cache) {
		if got, ok := c.Get(cache.Units, keyOf("a")); !ok || !bytes.Equal(got, text(10_000)) {
			t.Error("not found in the moved folder")
		}
	})
}

// TestDamaged changes an entry at every place: it is never taken for whole, and
// does not stay.
func TestDamaged(t *testing.T) {
	for _, kind := range []cache.Kind{cache.Runs, cache.Units} {
		t.Run(string(kind), func(t *testing.T) {
			dir, key := filepath.Join(t.TempDir(), "cache"), keyOf("a")
			c := cache.Open(dir, 0)
			defer c.Close()
			check(t, c.Put(kind, key, text(6000)))
			whole, err := os.ReadFile(file(dir, kind, key))
			check(t, err)
			try := func(what string, data []byte) {
				t.Helper()
				check(t, os.WriteFile(file(dir, kind, key), data, 0o600))
				if _, ok := c.Get(kind, key); ok {
					t.Fatalf("%s: taken for whole", what)
				}
				if _, err := os.Lstat(file(dir, kind, key)); err == nil {
					t.Fatalf("%s: not removed", what)
				}
			}
			for i := range whole {
				if i > 200 && i%11 != 0 && i < len(whole)-8 {
					continue // one place in the middle is like another
				}
				for _, bit := range []byte{1, 0x80} {
					data := bytes.Clone(whole)
					data[i] ^= bit
					try(fmt.Sprintf("bit %#x of byte %d", bit, i), data)
				}
				if i%11 == 0 {
					try(fmt.Sprintf("cut off at %d", i), whole[:i])
					zeros := bytes.Clone(whole)
					clear(zeros[i:])
					if !bytes.Equal(zeros, whole) {
						try(fmt.Sprintf("zeros from %d", i), zeros)
					}
				}
			}
			try("longer", append(bytes.Clone(whole), 0))
			check(t, c.Put(kind, key, text(6000)))
			if got, ok := c.Get(kind, key); !ok || !bytes.Equal(got, text(6000)) {
				t.Error("not found after it was put anew")
			}
		})
	}
}

// TestSwapped: a whole entry under another's name is none.
func TestSwapped(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	once(dir, 0, func(c *cache.Cache) {
		check(t, c.Put(cache.Units, keyOf("a"), []byte("a")))
		check(t, c.Put(cache.Files, keyOf("b"), []byte("b")))
		data, err := os.ReadFile(file(dir, cache.Units, keyOf("a")))
		check(t, err)
		for _, to := range []string{file(dir, cache.Units, keyOf("b")), file(dir, cache.Files, keyOf("a"))} {
			check(t, os.WriteFile(to, data, 0o600))
		}
		if got, ok := c.Get(cache.Units, keyOf("b")); ok {
			t.Errorf("another key's entry: %q", got)
		}
		if got, ok := c.Get(cache.Files, keyOf("a")); ok {
			t.Errorf("another kind's entry: %q", got)
		}
	})
}

func TestTooLarge(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	once(dir, 1<<20, func(c *cache.Cache) {
		if err := c.Put(cache.Runs, keyOf("a"), text(1<<18+1)); err == nil {
			t.Error("an entry larger than a quarter is kept")
		}
		check(t, c.Put(cache.Runs, keyOf("b"), text(1<<18)))
	})
	// With a smaller maximum, what is there is too large, and no memory is spent on it.
	once(dir, 1<<18, func(c *cache.Cache) {
		if _, ok := c.Get(cache.Runs, keyOf("b")); ok {
			t.Error("found what is larger than a quarter")
		}
	})
}

// TestUsed: reading tells that an entry is used, but not each time.
func TestUsed(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "cache"), keyOf("a")
	once(dir, 0, func(c *cache.Cache) {
		check(t, c.Put(cache.Runs, key, []byte("a")))
		for age, touched := range map[time.Duration]bool{2 * time.Minute: false, 48 * time.Hour: true} {
			before := time.Now().Add(-age).Truncate(time.Second)
			check(t, os.Chtimes(file(dir, cache.Runs, key), before, before))
			if _, ok := c.Get(cache.Runs, key); !ok {
				t.Fatal("not found")
			}
			info, err := os.Stat(file(dir, cache.Runs, key))
			check(t, err)
			if got := !info.ModTime().Equal(before); got != touched {
				t.Errorf("used %s before: touched %v, want %v", age, got, touched)
			}
		}
	})
}

func TestConcurrent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	once(dir, 0, func(c *cache.Cache) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for n := range 50 {
					hammer(t, c, i, n)
				}
			})
		}
		wg.Wait()
	})
}

// hammer writes one of a few entries that others write too, and reads another:
// what is found is always somebody's whole entry.
func hammer(t *testing.T, c *cache.Cache, writer, n int) {
	key := fmt.Sprint("entry ", n%5)
	data := append([]byte(key+"\n"), bytes.Repeat([]byte{byte(writer)}, 1000*(n%20))...)
	if err := c.Put(cache.Units, keyOf(key), data); err != nil {
		t.Error(err)
	}
	key = fmt.Sprint("entry ", (n+writer)%5)
	got, ok := c.Get(cache.Units, keyOf(key))
	if !ok {
		return // not written yet
	}
	head, rest, _ := bytes.Cut(got, []byte("\n"))
	if string(head) != key || len(rest)%1000 != 0 || len(rest) > 0 && bytes.Count(rest, rest[:1]) != len(rest) {
		t.Errorf("%s holds %d bytes of another: %.40q", key, len(got), got)
	}
}

func TestDefaultDir(t *testing.T) {
	home := t.TempDir()
	for _, test := range []struct{ own, shared, want string }{
		{"", "", filepath.Join(home, "scantling", "lint")},
		{"", "/shared", "/shared/lint"},
		{"/own", "/shared", "/own"},
	} {
		t.Setenv("XDG_CACHE_HOME", home)
		t.Setenv("SCANTLING_CACHE", test.own)
		t.Setenv("SCANTLING_CACHE_DIR", test.shared)
		got, err := cache.DefaultDir()
		if want := test.want; test.own+test.shared != "" {
			want, _ = filepath.Abs(want)
			if err != nil || got != want {
				t.Errorf("%+v: got %s, %v", test, got, err)
			}
		} else if base, baseErr := os.UserCacheDir(); baseErr == nil && got != filepath.Join(base, "scantling", "lint") {
			t.Errorf("%+v: got %s, %v", test, got, err)
		}
	}
	t.Setenv("SCANTLING_CACHE", "beside")
	if got, err := cache.DefaultDir(); err != nil || !filepath.IsAbs(got) || filepath.Base(got) != "beside" {
		t.Errorf("a relative folder: got %s, %v", got, err)
	}
}
