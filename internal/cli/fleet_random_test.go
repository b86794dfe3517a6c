//go:build unix

package cli_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// fleet is the repository of testdata/gitops with a history, which random edits
// change. The same seed makes the same edits.
type fleet struct {
	t    *testing.T
	dir  string
	seed uint64
	*rand.Rand
	env []string
	// commits are the states to which an edit may go back.
	commits []string
	// log says what was done, for whoever looks for the cause of a failure.
	log []string
	// changed counts the edits, and names the files that they add.
	changed int
}

// newFleet writes the repository. SCANTLING_RANDOM_SEED repeats what another run
// did; with go test -artifacts the repository stays.
func newFleet(t *testing.T, seed uint64) *fleet {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not there")
	}
	if text := os.Getenv("SCANTLING_RANDOM_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	} else if long() {
		seed = rand.Uint64()
	}
	home := t.TempDir()
	f := &fleet{t: t, dir: filepath.Join(t.ArtifactDir(), "fleet"), seed: seed, Rand: rand.New(rand.NewPCG(seed, 0))}
	f.env = []string{
		"HOME=" + home, "XDG_CACHE_HOME=" + filepath.Join(home, "cache"), "SCANTLING_NO_CACHE=", "SCANTLING_CACHE=",
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
	}
	archives, err := filepath.Glob("../../testdata/gitops/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("there are no archives: %v", err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		check(t, err)
		for _, file := range archive.Files {
			if file.Name != "@links" {
				f.write(file.Name, string(file.Data))
				continue
			}
			for line := range strings.Lines(string(file.Data)) {
				link, target, _ := strings.Cut(strings.TrimSpace(line), " -> ")
				f.link(link, target)
			}
		}
	}
	f.git("init", "-q", "-b", "main", ".")
	f.git("config", "gc.auto", "0")
	f.git("config", "core.untrackedCache", "false")
	f.commit()
	return f
}

// long says that make random runs: longer, and from another seed each time.
func long() bool { return os.Getenv("SCANTLING_RANDOM") != "" }

// steps is how many steps a test makes: few, or as many as SCANTLING_RANDOM says.
func steps(t *testing.T, few int) int {
	t.Helper()
	switch {
	case testing.Short():
		return min(few, 2)
	case !long():
		return few
	}
	n, err := strconv.Atoi(os.Getenv("SCANTLING_RANDOM"))
	check(t, err)
	return n
}

func (f *fleet) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

func (f *fleet) write(name, text string) {
	f.t.Helper()
	check(f.t, os.MkdirAll(filepath.Dir(f.path(name)), 0o755))
	check(f.t, os.WriteFile(f.path(name), []byte(text), 0o644))
}

func (f *fleet) link(name, target string) {
	f.t.Helper()
	check(f.t, os.MkdirAll(filepath.Dir(f.path(name)), 0o755))
	check(f.t, os.Symlink(target, f.path(name)))
}

func (f *fleet) read(name string) string {
	f.t.Helper()
	data, err := os.ReadFile(f.path(name))
	check(f.t, err)
	return string(data)
}

// git runs git in the repository.
func (f *fleet) git(args ...string) string {
	f.t.Helper()
	return f.gitIn(f.dir, nil, args...)
}

func (f *fleet) gitIn(dir string, env []string, args ...string) string {
	f.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), f.env, env)
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("git %s: %v\n%s\n%s", args, err, out, f.story())
	}
	return strings.TrimSpace(string(out))
}

func (f *fleet) commit() {
	f.t.Helper()
	f.git("add", "-A")
	f.git("commit", "-q", "--allow-empty", "-m", "state "+strconv.Itoa(len(f.commits)))
	f.commits = append(f.commits, f.git("rev-parse", "HEAD"))
}

// files are the regular files of the work tree whose names end in one of the
// given ways; of all without one.
func (f *fleet) files(ends ...string) []string {
	f.t.Helper()
	return f.entries(func(name string, d fs.DirEntry) bool {
		return d.Type().IsRegular() && (len(ends) == 0 || slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(name, end) }))
	})
}

func (f *fleet) folders() []string {
	f.t.Helper()
	return f.entries(func(_ string, d fs.DirEntry) bool { return d.IsDir() })
}

func (f *fleet) links() []string {
	f.t.Helper()
	return f.entries(func(_ string, d fs.DirEntry) bool { return d.Type()&fs.ModeSymlink != 0 })
}

func (f *fleet) entries(fits func(name string, d fs.DirEntry) bool) (names []string) {
	f.t.Helper()
	err := fs.WalkDir(os.DirFS(f.dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".git":
			return fs.SkipDir
		case name != "." && fits(name, d):
			names = append(names, name)
		}
		return nil
	})
	check(f.t, err)
	return names
}

// pick chooses one of some; the zero value of none.
func pick[T any](r *rand.Rand, of []T) (one T) {
	if len(of) > 0 {
		one = of[r.IntN(len(of))]
	}
	return one
}

// checkout writes what a tree of git holds to a folder beside the repository, and
// makes a repository of it as it would be after a clone: everything is tracked.
func (f *fleet) checkout(tree string) string {
	f.t.Helper()
	dir, index := filepath.Join(filepath.Dir(f.dir), "checkout"), filepath.Join(f.t.TempDir(), "index")
	check(f.t, os.RemoveAll(dir))
	check(f.t, os.Mkdir(dir, 0o755))
	f.gitIn(f.dir, []string{"GIT_INDEX_FILE=" + index}, "read-tree", tree)
	f.gitIn(f.dir, []string{"GIT_INDEX_FILE=" + index}, "checkout-index", "-a", "-f", "--prefix="+dir+"/")
	f.gitIn(dir, nil, "init", "-q", "-b", "main", ".")
	f.gitIn(dir, nil, "add", "-A", "-f")
	for _, name := range strings.Fields(f.git("remote")) {
		f.gitIn(dir, nil, "remote", "add", name, f.git("config", "remote."+name+".url"))
	}
	return dir
}

// answer is all that a run of lint says: its reports, what it prints and how it
// ends.
type answer struct {
	text, json, sarif, stderr string
	code                      int
}

// elapsed is how long a run took, in the summary of the text report.
var elapsed = regexp.MustCompile(`(?m)^(\d[\d,]* units?, (?:\d[\d,]* objects?, )?)(?:\d+ ms|\d+\.\d s|\d+ min \d+ s)`)

// lint runs scantling lint in a folder, with the environment of the fleet and
// more.
func (f *fleet) lint(dir string, env []string, args ...string) answer {
	f.t.Helper()
	return f.start(dir, env, "lint", args...)()
}

// start is lint, or merge, whose end is not waited for until the answer is asked
// for.
func (f *fleet) start(dir string, env []string, name string, args ...string) func() answer {
	f.t.Helper()
	reports := f.t.TempDir()
	text, sarif := filepath.Join(reports, "text"), filepath.Join(reports, "sarif")
	cmd := command(f.t, dir, slices.Concat([]string{name, "--report", "json", "--report", "text=" + text, "--report", "sarif=" + sarif}, args)...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = slices.Concat(os.Environ(), f.env, env), &stdout, &stderr
	check(f.t, cmd.Start())
	return func() answer {
		f.t.Helper()
		a := answer{code: exitCode(f.t, cmd.Wait()), json: stdout.String(), stderr: stderr.String()}
		// Without reports there is nothing to compare but the reason.
		if data, err := os.ReadFile(text); err == nil {
			a.text = elapsed.ReplaceAllString(string(data), "${1}DURATION")
		}
		if data, err := os.ReadFile(sarif); err == nil {
			a.sarif = string(data)
		}
		return a
	}
}

// same fails the test unless two answers are the same to the byte.
func (f *fleet) same(what string, got, want answer) {
	f.t.Helper()
	for _, part := range []struct{ name, got, want string }{
		{"the exit code", strconv.Itoa(got.code), strconv.Itoa(want.code)},
		{"stderr", got.stderr, want.stderr},
		{"the JSON report", got.json, want.json},
		{"the text report", got.text, want.text},
		{"the SARIF report", got.sarif, want.sarif},
	} {
		if part.got != part.want {
			f.t.Fatalf("%s: %s differs:\n%s\n%s", what, part.name, firstDifference(part.got, part.want), f.story())
		}
	}
}

// firstDifference shows where two texts begin to differ, and what is around.
func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	around := func(lines []string) string {
		return strings.Join(lines[min(max(0, n-12), len(lines)):min(n+12, len(lines))], "\n  ")
	}
	return fmt.Sprintf("line %d\ngot:\n  %s\nwant:\n  %s", n+1, around(a), around(b))
}

// story is how to repeat a failure, and what led to it.
func (f *fleet) story() string {
	return fmt.Sprintf("SCANTLING_RANDOM_SEED=%d repeats it (go test -artifacts keeps the repository), after:\n  %s", f.seed, strings.Join(f.log, "\n  "))
}

// note adds to the story.
func (f *fleet) note(format string, args ...any) { f.log = append(f.log, fmt.Sprintf(format, args...)) }

// fresh is a name that nothing has, in a folder, with the extension of another.
func (f *fleet) fresh(folder, like string) string {
	f.changed++
	return path.Join(folder, "new-"+strconv.Itoa(f.changed)+path.Ext(like))
}

// stamp gives a file the time of last change that it had, or another.
func (f *fleet) stamp(name string, at time.Time) {
	f.t.Helper()
	check(f.t, os.Chtimes(f.path(name), at, at))
}
