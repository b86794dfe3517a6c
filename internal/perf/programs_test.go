package perf

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// bench holds the programs that are measured.
type bench struct {
	// dir takes what the measurements write; bin is the folder of the programs that
	// were built for them.
	dir, bin string
	env      []string
	// paths are where the programs are. They are looked up before anything is
	// rendered in this process, which takes the PATH away.
	paths map[string]string
}

// newBench builds scantling, kustomize and helm. What can't be built from here is
// taken from the PATH.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir(), paths: map[string]string{}}
	b.bin = filepath.Join(b.dir, "bin")
	for _, name := range []string{"cp", "git", "go", "hyperfine", "sh", "kube-linter", "trivy"} {
		if found, err := exec.LookPath(name); err == nil {
			b.paths[name] = found
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b.paths["perf"] = self
	if !b.has("hyperfine") {
		t.Fatal("hyperfine measures the times: install it, as with apt-get install hyperfine")
	}
	for name, build := range map[string][]string{
		"scantling": {"../.."},
		"kustomize": {"-modfile=../tools/go.mod", "sigs.k8s.io/kustomize/kustomize/v5"},
		"helm":      {"-modfile=../tools/go.mod", "helm.sh/helm/v3/cmd/helm"},
	} {
		b.paths[name] = filepath.Join(b.bin, name)
		args := append([]string{"build", "-o", b.paths[name]}, build...)
		if out, err := exec.Command(b.paths["go"], args...).CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	for _, v := range os.Environ() {
		// What is set for the person who measures is not to be measured.
		if !strings.HasPrefix(v, "SCANTLING_") && !strings.HasPrefix(v, "GIT_") && !strings.HasPrefix(v, "PATH=") {
			b.env = append(b.env, v)
		}
	}
	b.env = append(b.env,
		"PATH="+b.bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"SCANTLING_CACHE_DIR="+filepath.Join(b.dir, "fetched"),
		"SCANTLING_CACHE="+b.cache(),
		"HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1")
	return b
}

// has says that there is a program.
func (b *bench) has(name string) bool { return b.paths[name] != "" }

// cache is the folder that scantling keeps its cache in.
func (b *bench) cache() string { return filepath.Join(b.dir, "cache") }

// command is a program that is run to its end.
func (b *bench) command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(b.paths[name], args...)
	cmd.Dir, cmd.Env = dir, b.env
	return cmd
}

// run runs a program, in dir, and gives what it prints.
func (b *bench) run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := b.command(dir, name, args...).Output()
	if err != nil {
		t.Fatalf("%s %s in %s: %v", name, strings.Join(args, " "), dir, err)
	}
	return string(out)
}

// timed is a command that is timed.
type timed struct {
	dir  string
	args []string
	runs int
	// prepare is a shell script that runs before each run, outside of the time.
	prepare string
	// exits are the exit codes of a command that did its work.
	exits []int
}

// lint is a run of scantling lint, which fails because of what it finds.
func (b *bench) lint(c *checkout, runs int, args ...string) timed {
	return timed{dir: c.dir, args: append([]string{"scantling", "lint", "--no-config"}, args...), runs: runs, exits: []int{0, 1, 3}}
}

// time is the median time of a command, in seconds, by hyperfine.
func (b *bench) time(t *testing.T, c timed) float64 {
	t.Helper()
	export := filepath.Join(b.dir, "times.json")
	args := []string{"--shell=none", "--ignore-failure", "--style=none", "--runs", strconv.Itoa(c.runs), "--export-json", export}
	if c.runs > 1 {
		args = append(args, "--warmup", "1")
	}
	if c.prepare != "" {
		script := filepath.Join(b.dir, "prepare.sh")
		if err := os.WriteFile(script, []byte("set -e\n"+c.prepare), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--prepare", "sh "+quote(script))
	}
	line := make([]string, len(c.args))
	for i, a := range c.args {
		line[i] = quote(a)
	}
	line[0] = quote(b.paths[c.args[0]])
	cmd := b.command(c.dir, "hyperfine", append(args, strings.Join(line, " "))...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("hyperfine %s: %v\n%s", strings.Join(c.args, " "), err, out)
	}
	data, err := os.ReadFile(export)
	if err != nil {
		t.Fatal(err)
	}
	var exported struct {
		Results []struct {
			Median float64 `json:"median"`
			Exits  []int   `json:"exit_codes"`
		} `json:"results"`
	}
	if err := json.Unmarshal(data, &exported); err != nil || len(exported.Results) != 1 {
		t.Fatalf("what hyperfine exported: %v\n%s", err, data)
	}
	result := exported.Results[0]
	for _, code := range result.Exits {
		if c.exits != nil && !slices.Contains(c.exits, code) {
			t.Fatalf("%s ended with exit code %d", strings.Join(c.args, " "), code)
		}
	}
	t.Logf("%8.3f s  %s", result.Median, strings.Join(c.args, " "))
	return result.Median
}

// quote writes an argument as a shell reads it.
func quote(arg string) string { return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'" }

// memory is the peak memory in MiB of a command: that of the largest of the
// processes that it is made of. A small process starts it, since to the system a
// process has had what the one that started it has.
func (b *bench) memory(t *testing.T, c timed) float64 {
	t.Helper()
	cmd := b.command(c.dir, "perf", "-test.run=^TestMemory$", "-test.v")
	cmd.Env = append(slices.Clone(b.env), memoryOf+"="+b.paths[c.args[0]]+"\n"+strings.Join(c.args[1:], "\n"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(c.args, " "), err, out)
	}
	var exit int
	var mebibytes float64
	_, text, _ := strings.Cut(string(out), memoryPeak)
	if _, err := fmt.Sscan(text, &exit, &mebibytes); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(c.args, " "), err, out)
	}
	if !slices.Contains(c.exits, exit) {
		t.Fatalf("%s ended with exit code %d", strings.Join(c.args, " "), exit)
	}
	return mebibytes
}

const (
	memoryOf   = "SCANTLING_BENCH_MEMORY"
	memoryPeak = "exit code and peak: "
)

// versions are those of the programs, as they give them.
func (b *bench) versions(t *testing.T) []string {
	t.Helper()
	list := []string{
		"scantling " + lastWord(b.run(t, ".", "scantling", "version")) + ", built with " + runtime.Version(),
		"kustomize " + strings.TrimSpace(b.run(t, ".", "kustomize", "version")),
		"helm " + strings.TrimSpace(b.run(t, ".", "helm", "version", "--short")),
	}
	if b.has("kube-linter") {
		list = append(list, "kube-linter "+strings.TrimSpace(b.run(t, ".", "kube-linter", "version")))
	}
	if b.has("trivy") {
		list = append(list, "trivy "+lastWord(b.run(t, ".", "trivy", "--version")))
	}
	return append(list, strings.TrimSpace(b.run(t, ".", "git", "--version")), strings.TrimSpace(b.run(t, ".", "hyperfine", "--version")))
}

// lastWord is the last word of the first line.
func lastWord(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	words := strings.Fields(line)
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// machine says what kind of machine this is.
func machine(t *testing.T) string {
	t.Helper()
	text := fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib float64
		if _, err := fmt.Sscanf(string(data), "MemTotal: %f kB", &kib); err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf(", %.0f GiB of memory", kib/(1<<20))
	}
	return text
}
