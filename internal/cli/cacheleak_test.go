//go:build unix

package cli_test

import (
	"bytes"
	"compress/flate"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/cache"
	"github.com/scantling-dev/scantling/internal/report"
)

// TestNoSecretInCache: whatever was checked, no value, no digest of one and no part
// of one is kept between runs, and nobody else may read what is.
func TestNoSecretInCache(t *testing.T) {
	r := newRedaction(t)
	dir := filepath.Join(t.TempDir(), "cache")
	env := append(r.env, "SCANTLING_CACHE="+dir)
	for _, args := range [][]string{
		{"lint", "--profile", "all"},
		{"lint", "--profile", "all", "--no-worker", "--staged"},
		{"lint", "--profile", "all", "--base", "base"},
		{"lint", "--profile", "all", "--base", "base", "--no-config"},
		{"diff", "base"},
		{"diff", "base", "--staged"},
		{"units"},
		// What is decrypted is kept least of all.
		{"lint", "--decrypt", "--profile", "all"},
		{"diff", "base", "--decrypt"},
		// What was kept is said again.
		{"lint", "--profile", "all"},
		{"lint", "--profile", "all", "--report", "json"},
	} {
		stdout, stderr, code := program(t, r.dir, env, args...)
		r.clean(strings.Join(args, " "), none, string(stdout), string(stderr))
		if code > 1 {
			t.Errorf("%s: exit code %d: %s", args, code, stderr)
		}
	}
	r.private(dir)
}

// TestNoSecretInParts: what the parts of a run hand on holds no value either.
func TestNoSecretInParts(t *testing.T) {
	r := newRedaction(t)
	name := filepath.Join(t.TempDir(), "part.json")
	for _, args := range [][]string{{"--profile", "all"}, {"--profile", "all", "--base", "base"}} {
		stdout, stderr, code := program(t, r.dir, r.env, slices.Concat([]string{"lint", "--no-cache", "--shard", "1/1", "--report", "json=" + name}, args)...)
		if code != 0 {
			t.Fatalf("%s: exit code %d: %s", args, code, stderr)
		}
		data, err := os.ReadFile(name)
		check(t, err)
		r.clean("a part", none, string(data), string(stdout), string(stderr))
		part, err := report.ReadShard(data)
		check(t, err)
		given, err := io.ReadAll(flate.NewReader(bytes.NewReader(part.Given)))
		check(t, err)
		if len(given) == 0 {
			t.Errorf("%s: nothing is handed on", args)
		}
		r.clean("what a part hands on", unmarked, string(given))
		r.digestless("what a part hands on", given)
	}
}

// unmarked says that nothing tells a value from a setting: neither its name nor its
// form. No rule reports it, and what a release deploys depends on it.
func unmarked(place string) bool { return place == "open-release-count" }

// private fails the test if a cache holds a value, or lets others read it.
func (r *redaction) private(dir string) {
	t := r.t
	t.Helper()
	kept := cache.Open(dir, 0)
	defer kept.Close()
	entries := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if want := map[bool]fs.FileMode{true: fs.ModeDir | 0o700, false: 0o600}[d.IsDir()]; info.Mode() != want {
			t.Errorf("%s has the mode %v, want %v", name, info.Mode(), want)
		}
		if d.IsDir() {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		r.clean(name, none, name, string(data))
		var key cache.Key
		if digits, err := hex.DecodeString(d.Name()); err == nil && copy(key[:], digits) == len(key) {
			entries++
			text, ok := kept.Get(cache.Kind(filepath.Base(filepath.Dir(name))), key)
			if !ok {
				t.Errorf("%s can't be read", name)
			}
			r.clean("the entry "+name, unmarked, string(text))
			r.digestless(name, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if entries == 0 {
		t.Error("nothing was kept")
	}
}

// digestless fails the test if a digest of a value is in the data as it is, which
// clean looks for in hexadecimal only: who has it can try what the value may be.
func (r *redaction) digestless(name string, data []byte) {
	r.t.Helper()
	for place, value := range r.values {
		short, long := sha1.Sum([]byte(value)), sha256.Sum256([]byte(value))
		if bytes.Contains(data, short[:8]) || bytes.Contains(data, long[:8]) {
			r.t.Errorf("%s holds a digest of @%s@", name, place)
		}
	}
}
