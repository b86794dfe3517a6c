package cli_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/scantling-dev/scantling/internal/cli"
)

// TestMain makes scantling a command of the scripts. It runs as a process of
// its own, since rendering takes PATH away from the whole process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"scantling": func() { os.Exit(cli.Main(os.Args, os.Stdout, os.Stderr)) },
	})
}

// TestScript runs the scripts in testdata/script, one for each behaviour.
func TestScript(t *testing.T) {
	// The default lies below HOME, and scripts have none.
	caches := t.TempDir()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, "SCANTLING_CACHE="+filepath.Join(caches, filepath.Base(env.WorkDir)),
				"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
				"GIT_AUTHOR_NAME=Test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
				"GIT_COMMITTER_NAME=Test", "GIT_COMMITTER_EMAIL=test@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
			)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits,
			"found": found,
		},
	})
}

// exits CODE PROGRAM ARG... runs a program, as a rule scantling, and compares
// its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("running %s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// found RULE [KEY=VALUE...] looks for findings in the JSON report that the last
// command wrote to stdout. A negated one wants none. RULE may be * for any.
// Keys: at=FILE or at=FILE:LINE, units=UNIT,UNIT, severity=, state=, path=,
// suppressed=KIND, and n=NUMBER for how many there must be. Without suppressed=,
// suppressed findings are passed over.
func found(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: found RULE [KEY=VALUE...]")
	}
	var report struct {
		Findings []struct {
			Rule, Severity, State, File, Path string
			Line                              int
			Units                             []string
			Suppressed                        *struct{ Kind string }
		}
	}
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &report); err != nil {
		ts.Fatalf("stdout is no JSON report: %v", err)
	}
	want, n := map[string]string{}, -1
	for _, arg := range args[1:] {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || !slices.Contains([]string{"at", "units", "severity", "state", "path", "suppressed", "n"}, key) {
			ts.Fatalf("found: what is %q?", arg)
		}
		want[key] = value
	}
	if v, ok := want["n"]; ok {
		var err error
		n, err = strconv.Atoi(v)
		ts.Check(err)
	}
	var all, matching []string
	for _, f := range report.Findings {
		at, suppressed := f.File+":"+strconv.Itoa(f.Line), ""
		if f.Suppressed != nil {
			suppressed = f.Suppressed.Kind
		}
		line := strings.Join([]string{f.Rule, f.Severity, at, f.Path, f.State, strings.Join(f.Units, ","), suppressed}, "  ")
		all = append(all, line)
		is := func(key string, values ...string) bool {
			v, ok := want[key]
			return !ok || slices.Contains(values, v)
		}
		if (args[0] == "*" || f.Rule == args[0]) && is("at", at, f.File) && is("units", strings.Join(f.Units, ",")) &&
			is("severity", f.Severity) && is("state", f.State) && is("path", f.Path) && suppressed == want["suppressed"] {
			matching = append(matching, line)
		}
	}
	switch {
	case neg && len(matching) > 0:
		ts.Fatalf("found, and should not be:\n%s", strings.Join(matching, "\n"))
	case !neg && n >= 0 && len(matching) != n, !neg && n < 0 && len(matching) == 0:
		ts.Fatalf("%d findings match %s; there are:\n%s", len(matching), strings.Join(args, " "), strings.Join(all, "\n"))
	}
}
