//go:build linux

package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	attacks = "../../testdata/attacks"
	// What the whole process tree may take, on any input of the corpus.
	attackTime   = 10 * time.Second
	attackMemory = 1 << 30
	// No message of a problem is longer.
	attackMessage = 2 << 10
)

// neighbourFindings are in every repository, beside the attack.
var neighbourFindings = []expectation{
	{[]string{"privileged-container"}, "neighbours/plain/pod.yaml", 11},
	{[]string{"host-pid"}, "neighbours/chart/templates/pod.yaml", 7},
	{[]string{"host-ipc"}, "neighbours/base/deployment.yaml", 13},
	{[]string{"host-network"}, "neighbours/overlay/patch.yaml", 9},
}

type attackFinding struct {
	Rule, Severity, Message, File string
	Line                          int
	Suppressed                    *struct{ Kind string }
}

type attackReport struct {
	Findings []attackFinding
	Units    []struct{ Kind, Path, Name, Status, Reason string }
}

// TestAttacks runs scantling as a process of its own on every case of
// testdata/attacks, without SCANTLING_ATTACKS=all only on the short ones. The
// variable may be the names of cases instead, as patterns with commas between.
//
// SCANTLING_ATTACK_PATIENCE is a factor to the time, for machines that are slow
// or busy: the time is there to find what hangs, not to measure. The
// repositories are left in the folder SCANTLING_ATTACK_KEEP, if it is set.
func TestAttacks(t *testing.T) {
	binary := buildScantling(t)
	// Two at a time: memory and time are promised of a machine of two cores.
	free := make(chan struct{}, 2)
	for _, a := range selectedAttacks(t) {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			if a.root && os.Geteuid() != 0 {
				t.Skip("only root can make this repository")
			}
			free <- struct{}{}
			defer func() { <-free }()
			a.run(t, binary)
		})
	}
}

// buildScantling is the program as it is released: the worker of the test binary
// would be another program, and one that is linked with C opens its libraries.
func buildScantling(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "scantling")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building scantling: %v\n%s", err, out)
	}
	return binary
}

// selectedAttacks are the cases that this run is asked for.
func selectedAttacks(t *testing.T) []*attack {
	t.Helper()
	names, err := filepath.Glob(attacks + "/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases in %s: %v", attacks, err)
	}
	which := os.Getenv("SCANTLING_ATTACKS")
	var selected []*attack
	for _, file := range names {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		a, err := parseAttack(name, data)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		asked := slices.ContainsFunc(strings.Split(which, ","), func(pattern string) bool {
			ok, err := filepath.Match(pattern, name)
			return err == nil && ok
		})
		if which == "all" || asked || which == "" && a.short {
			selected = append(selected, a)
		}
	}
	if len(selected) == 0 {
		t.Fatalf("no case is called %s", which)
	}
	return selected
}

// arena is what surrounds one run: the repository, what it must not reach, and
// traps that tell when it did.
type arena struct {
	dir, repo, outside string
	env                []string
	listener           net.Listener
	connections        atomic.Int32
}

// newArena lays out a case and its neighbours.
func newArena(t *testing.T, a *attack) *arena {
	t.Helper()
	dir := t.TempDir()
	if keep := os.Getenv("SCANTLING_ATTACK_KEEP"); keep != "" {
		dir = filepath.Join(keep, a.name)
	}
	r := &arena{dir: dir, repo: dir + "/repo", outside: dir + "/outside"}
	for _, sub := range []string{"repo", "outside/base", "outside/chart", "outside/gitdir", "programs", "home", "tmp", "out"} {
		check(t, os.MkdirAll(dir+"/"+sub, 0o755))
	}
	check(t, os.CopyFS(r.repo+"/neighbours", os.DirFS(attacks+"/neighbours")))
	for name, text := range map[string]string{
		// An empty git repository, so that a case can add to it.
		"repo/.git/HEAD":            "ref: refs/heads/main\n",
		"repo/.git/config":          "[core]\n\trepositoryformatversion = 0\n\tbare = false\n",
		"repo/.git/objects/info/.k": "",
		"repo/.git/refs/heads/.k":   "",
		// What lies beside it. None of it may ever be shown.
		"outside/pod.yaml":                "apiVersion: v1\nkind: Pod\nmetadata: {name: fake-outside}\nspec: {containers: [{name: a, image: fake-outside}]}\n",
		"outside/values.yaml":             "name: fake-outside\n",
		"outside/schema.json":             `{"type": "fake-outside"}`,
		"outside/base/kustomization.yaml": "resources: [pod.yaml]\n",
		"outside/base/pod.yaml":           "apiVersion: v1\nkind: Pod\nmetadata: {name: fake-outside}\nspec: {containers: [{name: a, image: fake-outside}]}\n",
		"outside/chart/Chart.yaml":        "apiVersion: v2\nname: fake-outside\nversion: 0.1.0\n",
		// Every program that a repository could hope for.
		"programs/git": "#!/bin/sh\necho \"$0 $*\" >>" + dir + "/started\n",
	} {
		check(t, os.MkdirAll(filepath.Dir(dir+"/"+name), 0o755))
		check(t, os.WriteFile(dir+"/"+name, []byte(text), 0o755))
	}
	for _, name := range []string{"bash", "curl", "docker", "gpg", "helm", "kubectl", "kustomize", "podman", "python3", "sh", "sops", "ssh"} {
		check(t, os.Symlink("git", dir+"/programs/"+name))
	}
	var err error
	r.listener, err = net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { r.listener.Close() })
	go func() {
		for {
			c, err := r.listener.Accept()
			if err != nil {
				return
			}
			r.connections.Add(1)
			c.Close()
		}
	}()
	proxy := "http://" + r.listener.Addr().String()
	r.env = []string{
		"PATH=" + dir + "/programs", "HOME=" + dir + "/home", "TMPDIR=" + dir + "/tmp", "SCANTLING_CACHE=" + dir + "/cache",
		"HTTP_PROXY=" + proxy, "HTTPS_PROXY=" + proxy, "ALL_PROXY=" + proxy, "http_proxy=" + proxy, "https_proxy=" + proxy,
		"KUSTOMIZE_PLUGIN_HOME=" + r.repo + "/evil/plugins", "HELM_PLUGINS=" + r.repo + "/evil/plugins",
		"SOPS_AGE_KEY_CMD=" + dir + "/programs/sh", "GIT_SSH_COMMAND=" + dir + "/programs/ssh", "GIT_EXTERNAL_DIFF=" + dir + "/programs/sh",
		"KUBECONFIG=" + r.outside + "/pod.yaml",
		"FAKE_ENVIRONMENT=fake-environment",
	}
	check(t, a.repository(r.repo, []string{
		"@LISTENER@", r.listener.Addr().String(), "@OUTSIDE@", r.outside, "@PROGRAM@", dir + "/programs/sh",
	}))
	return r
}

// run does one case.
func (a *attack) run(t *testing.T, binary string) {
	r := newArena(t, a)
	before := snapshot(t, r.repo, r.outside, r.dir+"/home", r.dir+"/tmp")
	out := map[string]string{}
	for _, name := range []string{"json", "stderr", "text", "sarif"} {
		out[name] = r.dir + "/out/" + name
	}
	args := append([]string{"lint", "--report", "json", "--report", "text=" + out["text"], "--report", "sarif=" + out["sarif"]}, a.args...)
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Env = r.repo, r.env
	// A session of its own tells which processes belong to the run, also those
	// that it leaves behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var err error
	// Files, since a pipe would stay open with a process that was left behind.
	cmd.Stdout, err = os.Create(out["json"])
	check(t, err)
	cmd.Stderr, err = os.Create(out["stderr"])
	check(t, err)
	w := watch(t, cmd)

	if n := r.connections.Load(); n > 0 {
		t.Errorf("%d connections were made", n)
	}
	if started, err := os.ReadFile(r.dir + "/started"); err == nil {
		t.Errorf("programs were started:\n%s", started)
	}
	diffSnapshots(t, before, snapshot(t, r.repo, r.outside, r.dir+"/home", r.dir+"/tmp"))
	for _, w := range w.broken {
		t.Error(w)
	}
	t.Logf("%.1f s, %d MiB", w.elapsed.Seconds(), w.peak>>20)
	if w.killed {
		return
	}
	if got := cmd.ProcessState.ExitCode(); got != a.exit {
		t.Errorf("exit code %d, want %d", got, a.exit)
	}
	text := map[string]string{}
	for name, file := range out {
		data, err := os.ReadFile(file)
		if err != nil && !(a.exit >= 2 && os.IsNotExist(err)) {
			t.Errorf("the %s report: %v", name, err)
		}
		text[name] = string(data)
		a.sane(t, name, text[name])
	}
	for _, want := range a.stderr {
		if !strings.Contains(text["stderr"], want) {
			t.Errorf("stderr does not say %q:\n%.1000s", want, text["stderr"])
		}
	}
	if a.exit == 2 || a.exit == 3 && text["json"] == "" {
		return
	}
	var report attackReport
	if err := json.Unmarshal([]byte(text["json"]), &report); err != nil {
		t.Fatalf("the JSON report: %v\nstderr: %.1000s", err, text["stderr"])
	}
	if !json.Valid([]byte(text["sarif"])) {
		t.Error("the SARIF report is no JSON")
	}
	a.judge(t, &report)
}

// judge compares a report with what the case asks for.
func (a *attack) judge(t *testing.T, report *attackReport) {
	var all []string
	for _, f := range report.Findings {
		// The rest is true of every container here.
		telling := f.Severity == "critical" || f.Severity == "high" || f.Severity == "info" || f.Rule == "schema"
		if telling && !strings.HasPrefix(f.File, "neighbours/") {
			all = append(all, fmt.Sprintf("%s %s:%d %.160q", f.Rule, f.File, f.Line, f.Message))
		}
		if len(f.Message) > attackMessage {
			t.Errorf("the message of %s has %d bytes: %.200q", f.Rule, len(f.Message), f.Message)
		}
		if f.Rule == "internal" {
			t.Errorf("an internal error: %q", f.Message)
		}
	}
	has := func(e expectation) bool { return slices.ContainsFunc(report.Findings, e.matches) }
	if !a.alone {
		for _, e := range neighbourFindings {
			if !has(e) {
				t.Errorf("the neighbours' finding is lost: %s", e)
			}
		}
	}
	for _, e := range a.expect {
		if !has(e) {
			t.Errorf("not found: %s", e)
		}
	}
	for _, e := range a.reject {
		if has(e) {
			t.Errorf("found, and should not be: %s", e)
		}
	}
	for _, want := range a.units {
		ok := false
		for _, u := range report.Units {
			ok = ok || u.Path == want.path && slices.Contains(want.status, u.Status)
		}
		if !ok {
			t.Errorf("no unit %s is %s", want.path, strings.Join(want.status, " or "))
		}
	}
	if t.Failed() {
		units := ""
		for _, u := range report.Units {
			units += fmt.Sprintf("\n%s %s %s: %.160q", u.Kind, u.Path, u.Status, u.Reason)
		}
		t.Logf("there are:\n%s%s", strings.Join(all[:min(len(all), 30)], "\n"), units)
	}
}

// trace is what a Go program says when it dies.
var trace = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`goroutine \d+ \[|panic: |fatal error: |signal SIG|\.go:\d+ \+0x`)
})

// sane looks for what no output may hold, whatever is in the repository.
func (a *attack) sane(t *testing.T, name, s string) {
	if at := trace().FindStringIndex(s); at != nil {
		t.Errorf("%s holds a trace: %.300q", name, s[at[0]:])
	}
	for _, secret := range append(a.absent, "fake-outside", "fake-environment", "root:x:0") {
		if at := strings.Index(s, secret); at >= 0 {
			t.Errorf("%s shows %q: %q", name, secret, s[max(at-100, 0):min(at+100, len(s))])
		}
	}
	if !utf8.ValidString(s) {
		t.Errorf("%s is not UTF-8", name)
	}
	for i, r := range s {
		// A source line keeps its tabs, as the line of carets below it does.
		control := r != '\n' && unicode.IsControl(r) && !(r == '\t' && name == "text")
		// The bidirectional overrides, and what some take for an end of line.
		reorders := r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029
		if control || reorders {
			t.Errorf("%s holds %U: %q", name, r, s[max(i-80, 0):min(i+80, len(s))])
			break
		}
	}
	for line := range strings.Lines(s) {
		// GitHub's runner looks behind leading blanks, and for the older form
		// anywhere.
		if strings.HasPrefix(strings.TrimLeft(line, " "), "::") || strings.Contains(line, "##[") || strings.Contains(line, "##vso[") {
			t.Errorf("%s holds a command for the runner: %.200q", name, line)
			break
		}
	}
}

// watched is what was seen of a run.
type watched struct {
	elapsed time.Duration
	peak    int64 // bytes resident in all processes at one moment
	killed  bool
	broken  []string
}

// watch runs a program, and ends it and all that it started when it breaks the
// promises about time and memory.
func watch(t *testing.T, cmd *exec.Cmd) watched {
	t.Helper()
	limit := time.Duration(float64(attackTime) * patience(t))
	start := time.Now()
	check(t, cmd.Start())
	session := newSession(cmd.Process.Pid)
	defer session.kill()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var w watched
	kill := func(why string) {
		w.killed = true
		w.broken = append(w.broken, why)
		session.kill()
		<-done
	}
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		select {
		case <-done:
			w.elapsed = time.Since(start)
			// The system may take a moment to clear up after a killed worker.
			for range 100 {
				if len(session.members()) == 0 {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			if left := session.members(); len(left) > 0 {
				w.broken = append(w.broken, fmt.Sprintf("%d processes were left behind", len(left)))
			}
			if w.peak > attackMemory && !w.killed {
				w.broken = append(w.broken, fmt.Sprintf("took %d MiB", w.peak>>20))
			}
			return w
		case <-tick.C:
			sum := int64(0)
			for _, rss := range session.members() {
				sum += rss
			}
			w.peak = max(w.peak, sum)
			w.elapsed = time.Since(start)
			switch {
			case w.peak > attackMemory+attackMemory/4:
				kill(fmt.Sprintf("killed after %.1f s: more than %d MiB", w.elapsed.Seconds(), attackMemory>>20))
				return w
			case w.elapsed > limit:
				kill(fmt.Sprintf("killed after %.1f s", w.elapsed.Seconds()))
				return w
			}
		}
	}
}

func patience(t *testing.T) float64 {
	t.Helper()
	v := os.Getenv("SCANTLING_ATTACK_PATIENCE")
	if v == "" {
		return 1
	}
	factor, err := strconv.ParseFloat(v, 64)
	if err != nil || factor < 1 {
		t.Fatalf("SCANTLING_ATTACK_PATIENCE=%s is no factor of 1 or more", v)
	}
	return factor
}

// session finds the processes of a session. Most of the system's are foreign:
// they are looked at once in a while only.
type session struct {
	id      int
	foreign map[string]bool
	looks   int
}

func newSession(id int) *session { return &session{id: id} }

// members are the processes that live, and their resident bytes.
func (s *session) members() map[int]int64 {
	if s.looks%50 == 0 {
		s.foreign = map[string]bool{}
	}
	s.looks++
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	names, _ := proc.Readdirnames(-1)
	proc.Close()
	members := map[int]int64{}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || s.foreign[name] {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue // gone
		}
		// pid (name) state ppid pgrp session ... rss is the 24th; the name may
		// hold anything.
		f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(f) < 22 || f[3] != strconv.Itoa(s.id) {
			s.foreign[name] = true
			continue
		}
		if f[0] == "Z" {
			continue
		}
		pages, _ := strconv.ParseInt(f[21], 10, 64)
		members[pid] = pages * int64(os.Getpagesize())
	}
	return members
}

func (s *session) kill() {
	for range 50 {
		all := s.members()
		if len(all) == 0 {
			return
		}
		for pid := range all {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// snapshot is what folders hold, so that a change is seen.
func snapshot(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, dir := range dirs {
		check(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			all[name] = fmt.Sprint(info.Mode(), info.Size(), info.ModTime())
			return nil
		}))
	}
	return all
}

func diffSnapshots(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name, now := range after {
		if was, ok := before[name]; was != now {
			t.Errorf("%s was changed or made (there before: %t)", name, ok)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			t.Errorf("%s was removed", name)
		}
	}
}
