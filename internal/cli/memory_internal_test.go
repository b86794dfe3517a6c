package cli

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestBuildOf: a program is the same whenever it was built, and another if what
// the linker says of it differs, or if the linker says nothing.
func TestBuildOf(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want, err := buildOf(exe)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	build := func(data []byte) string {
		t.Helper()
		written++
		name := filepath.Join(t.TempDir(), "scantling")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 1, written, 0, 0, 0, 0, time.UTC)
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
		id, err := buildOf(name)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	if got := build(data); got != want {
		t.Errorf("a copy is %q, the program %q", got, want)
	}
	data[len(data)-1] ^= 1 // the linker would have said it
	if got := build(data); got != want {
		t.Error("more than the head is read")
	}
	data[5000] ^= 1
	if got := build(data); got == want {
		t.Error("another head is taken for the same program")
	}
	if got := build(data[:len(data)-1]); got == want {
		t.Error("a shorter file is taken for the same program")
	}
	first := build([]byte("no program"))
	if build([]byte("no program")) == first {
		t.Error("without what the linker says, two builds are taken for one")
	}
	if _, err := buildOf(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there is a build")
	}
}

func TestWithoutUser(t *testing.T) {
	for url, want := range map[string]string{
		"https://gitlab-ci-token:s3cr3t@gitlab.com/org/fleet.git": "https://gitlab.com/org/fleet.git",
		"https://gitlab.com/org/fleet.git":                        "https://gitlab.com/org/fleet.git",
		"https://user:p@ss@host:8443/a@b":                         "https://host:8443/a@b",
		"git@github.com:org/fleet.git":                            "git@github.com:org/fleet.git",
		"../fleet":                                                "../fleet",
	} {
		if got := withoutUser(url); got != want {
			t.Errorf("%s: got %s, want %s", url, got, want)
		}
	}
}
