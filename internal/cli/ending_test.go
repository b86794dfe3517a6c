//go:build unix

package cli_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// faulty is a repository with a finding.
func faulty(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a, securityContext: {privileged: true}}]}\n"
	if err := os.WriteFile(filepath.Join(root, "pod.yaml"), []byte(pod), 0o666); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestSignal(t *testing.T) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			root := faulty(t)
			// Reading its configuration from a pipe, the program waits.
			pipe := filepath.Join(t.TempDir(), "configuration")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := command(t, root, "lint", "--config", pipe)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// This returns when the other end is opened.
			f, err := os.OpenFile(pipe, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			code := exitCode(t, cmd.Wait())
			if code != 2 || stdout.Len() > 0 || stderr.String() != "scantling: ended by a signal: "+s.String()+"\n" {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout.Bytes(), stderr.Bytes())
			}
		})
	}
}

// TestClosedPipe: a reader that goes away changes neither the exit code nor what
// else is written, and nothing is said about it.
func TestClosedPipe(t *testing.T) {
	root := faulty(t)
	for _, c := range []struct {
		args string
		code int
	}{
		{"lint", 1},
		{"lint --report json", 1},
		{"lint --report sarif --report json=out.json", 1},
		{"lint --fail-on none", 0},
		{"units", 0},
		{"render", 0},
		{"rules", 0},
		{"explain privileged-container", 0},
		{"version", 0},
		{"--help", 0},
		{"--version", 0},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		cmd := command(t, root, strings.Fields(c.args)...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = w, &stderr
		code := exitCode(t, cmd.Run())
		if code != c.code || stderr.Len() > 0 {
			t.Errorf("%s: exit code %d, want %d; stderr %q", c.args, code, c.code, stderr.Bytes())
		}
		// Nor does it matter where what is said goes.
		cmd = command(t, root, strings.Fields(c.args)...)
		cmd.Stdout, cmd.Stderr = w, w
		if code := exitCode(t, cmd.Run()); code != c.code {
			t.Errorf("%s: exit code %d without stderr, want %d", c.args, code, c.code)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(filepath.Join(root, "out.json"))
	if err != nil || !json.Valid(data) {
		t.Errorf("the report to a file: %v, %q", err, data)
	}
}

// TestFullDisk: what can't be written is an error, once, and the other reports
// are still written.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = full.Close() }()
	root := faulty(t)
	for _, args := range []string{
		"lint", "lint --report json", "lint --report sarif --report json=out.json", "lint --fail-on none", "lint --report text=/dev/full",
		"units", "render", "rules", "rules --json", "explain privileged-container", "version", "--help", "--version",
	} {
		cmd := command(t, root, strings.Fields(args)...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &stderr
		code := exitCode(t, cmd.Run())
		if said := stderr.String(); code != 2 || !strings.HasPrefix(said, "scantling: ") || strings.Count(said, "\n") != 1 || !strings.Contains(said, "no space left") {
			t.Errorf("%s: exit code %d, stderr %q", args, code, said)
		}
	}
	data, err := os.ReadFile(filepath.Join(root, "out.json"))
	if err != nil || !json.Valid(data) {
		t.Errorf("the report to a file: %v, %q", err, data)
	}
}

// TestReportFile: a report is not written through what a pull request may have
// put into the repository.
func TestReportFile(t *testing.T) {
	root, outside := faulty(t), t.TempDir()
	target := filepath.Join(outside, "target")
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "reports"), 0o777); err != nil {
		t.Fatal(err)
	}
	link(target, filepath.Join(root, "link.json"))
	link("pod.yaml", filepath.Join(root, "inner.json"))
	link("nowhere", filepath.Join(root, "dangling.json"))
	link(outside, filepath.Join(root, "folder"))
	link("reports", filepath.Join(root, "inner"))
	link(root, filepath.Join(outside, "repository"))
	link(filepath.Join(outside, "real.json"), filepath.Join(outside, "mine.json"))
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{target, filepath.Join(outside, "real.json"), filepath.Join(root, "reports", "old.json")} {
		if err := os.WriteFile(name, []byte("as it was"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		file    string
		refusal string // empty if the report is written
		written string // where; empty for file
	}{
		{"out.json", "", ""},
		{"reports/out.json", "", ""},
		{"reports/old.json", "", ""},
		{"./reports/../again.json", "", ""},
		{filepath.Join(outside, "out.json"), "", ""},
		{filepath.Join(outside, "mine.json"), "", filepath.Join(outside, "real.json")},
		{filepath.Join(outside, "repository", "through.json"), "", ""},
		{"link.json", "symbolic link", ""},
		{"inner.json", "symbolic link", ""},
		{"dangling.json", "symbolic link", ""},
		{"folder/out.json", "symbolic link", ""},
		{"inner/out.json", "symbolic link", ""},
		{filepath.Join(outside, "repository", "link.json"), "symbolic link", ""},
		{"pipe", "special file", ""},
		{"nowhere/out.json", "no such file", ""},
		{"reports", "is a directory", ""},
		{"pod.yaml/out.json", "not a directory", ""},
	} {
		_, stderr, code := program(t, root, nil, "lint", "--report", "json="+c.file)
		if c.refusal != "" {
			if code != 2 || !strings.Contains(string(stderr), c.refusal) {
				t.Errorf("%s: exit code %d, stderr %q", c.file, code, stderr)
			}
			continue
		}
		if c.written == "" {
			c.written = c.file
		}
		if !filepath.IsAbs(c.written) {
			c.written = filepath.Join(root, c.written)
		}
		data, err := os.ReadFile(c.written)
		if code != 1 || err != nil || !json.Valid(data) {
			t.Errorf("%s: exit code %d, stderr %q: %v", c.file, code, stderr, err)
			continue
		}
		info, err := os.Stat(c.written)
		if err != nil {
			t.Fatal(err)
		}
		mask := syscall.Umask(0)
		syscall.Umask(mask)
		if want := os.FileMode(0o644 &^ mask); info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", c.file, info.Mode(), want)
		}
	}
	for name, want := range map[string]string{target: "as it was", filepath.Join(root, "pod.yaml"): "apiVersion"} {
		if data, err := os.ReadFile(name); err != nil || !strings.HasPrefix(string(data), want) {
			t.Errorf("%s was overwritten: %v, %q", name, err, data)
		}
	}
	for _, dir := range []string{root, outside, filepath.Join(root, "reports")} {
		if left, err := filepath.Glob(filepath.Join(dir, ".scantling-*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

// TestReportStream: a pipe or a device takes a report as it is.
func TestReportStream(t *testing.T) {
	root := faulty(t)
	for _, name := range []string{"/dev/stdout", "/dev/fd/1", "/dev/stderr"} {
		if _, err := os.Lstat(name); err != nil {
			t.Skip(err)
		}
		stdout, stderr, code := program(t, root, nil, "lint", "--report", "json="+name)
		out := stdout
		if name == "/dev/stderr" {
			out = stderr
		}
		if code != 1 || !json.Valid(out) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", name, code, stdout, stderr)
		}
	}
	if info, err := os.Stat("/dev/null"); err != nil || info.Mode().IsRegular() {
		t.Skip("no /dev/null")
	}
	if _, stderr, code := program(t, root, nil, "lint", "--report", "json=/dev/null"); code != 1 || len(stderr) > 0 {
		t.Errorf("/dev/null: exit code %d, stderr %q", code, stderr)
	}
	if info, err := os.Stat("/dev/null"); err != nil || info.Mode().IsRegular() {
		t.Error("/dev/null was replaced by a file")
	}
}

// TestBareEnvironment: nothing needs a home, a folder for temporary files, or a
// folder that can be written to.
func TestBareEnvironment(t *testing.T) {
	root := faulty(t)
	if err := os.Chmod(root, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(root, 0o755) })
	for args, want := range map[string]int{"lint": 1, "lint --report json": 1, "units": 0, "render": 0} {
		cmd := command(t, root, strings.Fields(args)...)
		var stderr bytes.Buffer
		cmd.Env, cmd.Stdout, cmd.Stderr = []string{"TMPDIR=/nonexistent"}, io.Discard, &stderr
		if code := exitCode(t, cmd.Run()); code != want || stderr.Len() > 0 {
			t.Errorf("%s: exit code %d, want %d; stderr %q", args, code, want, stderr.Bytes())
		}
	}
}
