package cli

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRewriteFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(name, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	want := func(text string) {
		t.Helper()
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != text {
			t.Errorf("the file holds %q, want %q", data, text)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("the mode is %v, error %v", info.Mode(), err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("the folder holds %v, error %v", entries, err)
		}
	}
	if err := rewriteFile(root, "a.yaml", []byte("another"), []byte("after")); err == nil {
		t.Error("a file that was changed since is written")
	}
	want("before")
	if err := rewriteFile(root, "a.yaml", []byte("before"), []byte("after")); err != nil {
		t.Fatal(err)
	}
	want("after")
	if err := os.Symlink("a.yaml", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := rewriteFile(root, "link", []byte("after"), []byte("through")); err == nil {
		t.Error("a link is written through, or replaced")
	}
	if err := os.Remove(filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	want("after")
}
