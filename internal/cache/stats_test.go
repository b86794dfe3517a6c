package cache_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/scantling-dev/scantling/internal/cache"
)

func TestStats(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	s, err := cache.Open(dir, 0).Stats()
	check(t, err)
	if s.Entries != 0 || s.Refused != nil || s.Dir != dir || len(s.Kinds) != len(cache.Kinds()) {
		t.Errorf("where there is no folder: %+v", s)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("counting makes the folder")
	}
	once(dir, 0, func(c *cache.Cache) {
		check(t, c.Put(cache.Runs, keyOf("a"), noise(100)))
		check(t, c.Put(cache.Units, keyOf("a"), noise(1000)))
		check(t, c.Put(cache.Units, keyOf("b"), noise(1000)))
	})
	backdate(t, file(dir, cache.Units, keyOf("b")), 50*time.Hour)
	s, err = cache.Open(dir, 1<<30).Stats()
	check(t, err)
	if s.Entries != 3 || s.Bytes != 2100+3*20 || s.MaxSize != 1<<30 {
		t.Errorf("%+v", s)
	}
	for _, k := range s.Kinds {
		if want := map[cache.Kind]int{cache.Runs: 1, cache.Units: 2}[k.Kind]; k.Entries != want {
			t.Errorf("%d entries of kind %s, want %d", k.Entries, k.Kind, want)
		}
	}
	if age := s.Newest.Sub(s.Oldest); age < 49*time.Hour || age > 51*time.Hour {
		t.Errorf("%s to %s", s.Oldest, s.Newest)
	}
}

// TestClear removes what is the cache's, and nothing else.
func TestClear(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	check(t, cache.Open(dir, 0).Clear())
	if _, err := os.Stat(dir); err == nil {
		t.Error("clearing makes the folder")
	}
	once(dir, 0, func(c *cache.Cache) {
		for _, kind := range cache.Kinds() {
			check(t, c.Put(kind, keyOf("a"), noise(100)))
		}
	})
	key := filepath.Base(file(dir, cache.Runs, keyOf("a")))
	foreign := []string{"notes.txt", "runs/notes.txt", "runs/" + key[1:], "runs/" + key + "0", "runs/" + string(bytes.ToUpper([]byte(key))), "other/" + key, key}
	for _, name := range foreign {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		check(t, os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600))
	}
	check(t, os.WriteFile(filepath.Join(dir, "runs", ".new-HALF"), []byte("half"), 0o600))
	once(dir, 0, func(c *cache.Cache) {
		check(t, c.Clear())
		for _, kind := range cache.Kinds() {
			if _, ok := c.Get(kind, keyOf("a")); ok {
				t.Errorf("%s is not cleared", kind)
			}
		}
		s, err := c.Stats()
		check(t, err)
		if s.Entries != 0 || s.Bytes != 0 {
			t.Errorf("left: %+v", s)
		}
		check(t, c.Put(cache.Runs, keyOf("b"), []byte("b")))
		if got, ok := c.Get(cache.Runs, keyOf("b")); !ok || string(got) != "b" {
			t.Error("a cleared cache keeps nothing")
		}
	})
	for _, name := range foreign {
		if data, err := os.ReadFile(filepath.Join(dir, name)); string(data) != "mine" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "runs", ".new-HALF")); err == nil {
		t.Error("what a killed process left is still there")
	}
}
