//go:build linux

package cli_test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// offlineCalls are the system calls that reach for something: the network,
// other programs, files. docs/security.md gives the same list to users.
const offlineCalls = "%network,execve,execveat,open,openat,openat2,creat,unlink,unlinkat,rename,renameat,renameat2," +
	"mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat,mknod,mknodat,truncate,chmod,fchmodat,chown,fchownat,mount,ptrace"

// offlineFiles are what may be opened for reading outside of the repository, by
// the name that is asked for or by what it is; who does it, and why. For a
// process's own folder in /proc, or another's of the same run, it is self.
var offlineFiles = []string{
	// Go's runtime: the size of large pages.
	"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
	// Go's runtime: how many processors a container may use. The control
	// group's folder may lie deeper: see cgroupFile.
	"/proc/self/cgroup",
	"/proc/self/mountinfo",
	// The parent looks at how much memory its workers take.
	"/proc/self/statm",
	// The worker is the program itself.
	"/proc/self/exe",
	// What a worker has for its input and its errors.
	"/dev/null",
	// Package time: what is local.
	"/etc/localtime",
}

// cgroupFile says that a file is a control group's limit on processors.
func cgroupFile(name string) bool {
	return strings.HasPrefix(name, "/sys/fs/cgroup/") &&
		slices.Contains([]string{"cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"}, path.Base(name))
}

// TestOffline runs scantling under strace, where there is one, and in a network
// name space without any network, where that is permitted, and counts what it
// must never do: open a socket, start another program, open a file outside of
// the repository and the cache, write one that is not the cache's.
func TestOffline(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("there is no strace")
	}
	if err := exec.Command(strace, "-qq", "-o", os.DevNull, "true").Run(); err != nil {
		t.Skipf("strace may not trace here: %v", err)
	}
	binary := buildScantling(t)
	run := func(name string, a *attack, folder string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			traceOffline(t, append(noNetwork(), strace), binary, a, folder)
		})
	}
	run("sample", &attack{}, "../../testdata/sample")
	run("parity", &attack{}, "../../testdata/parity")
	run("secrets", &attack{}, secretsRepository(t))
	for _, a := range selectedAttacks(t) {
		if !a.root || os.Geteuid() == 0 {
			run(a.name, a, "")
		}
	}
}

// secretsRepository is one folder with all the repositories that the rules on
// secrets are tested with.
func secretsRepository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	archives, err := filepath.Glob("../check/testdata/secrets/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("there are no repositories", err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		check(t, err)
		for _, f := range archive.Files {
			file := filepath.Join(root, strings.TrimSuffix(filepath.Base(name), ".txtar"), f.Name)
			check(t, os.MkdirAll(filepath.Dir(file), 0o755))
			check(t, os.WriteFile(file, f.Data, 0o644))
		}
	}
	return root
}

// noNetwork is the command that runs another without a network, or nothing
// where it is not permitted.
var noNetwork = sync.OnceValue(func() []string {
	for _, command := range [][]string{{"unshare", "-n"}, {"unshare", "-r", "-n"}} {
		if exec.Command(command[0], append(command[1:], "true")...).Run() == nil {
			return command
		}
	}
	return nil
})

var offlineSlots = make(chan struct{}, 2)

func traceOffline(t *testing.T, command []string, binary string, a *attack, folder string) {
	offlineSlots <- struct{}{}
	defer func() { <-offlineSlots }()
	r := newArena(t, a)
	if folder != "" {
		check(t, os.CopyFS(r.repo, os.DirFS(folder)))
	}
	log := r.dir + "/trace"
	args := slices.Concat(command[1:], []string{
		"-f", "-y", "-qq", "-e", "signal=none", "-e", "trace=" + offlineCalls, "-o", log,
		binary, "lint", "--report", "json",
	}, a.args)
	cmd := exec.Command(command[0], args...)
	// The tools need their own environment; scantling gets the arena's.
	cmd.Args = slices.Insert(cmd.Args, len(args)-len(a.args)-3, "env", "-i")
	cmd.Args = slices.Insert(cmd.Args, slices.Index(cmd.Args, "env")+2, r.env...)
	cmd.Dir = r.repo
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	check(t, cmd.Start())
	session := newSession(cmd.Process.Pid)
	// Time is measured elsewhere: under strace all is slower.
	timer := time.AfterFunc(time.Duration(float64(6*attackTime)*patience(t)), session.kill)
	err := cmd.Wait()
	if !timer.Stop() {
		t.Error("killed: it did not end under strace")
	}
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	session.kill()
	data, err := os.ReadFile(log)
	check(t, err)
	calls, pids := systemCalls(string(data))
	o := offline{repo: r.repo, binary: binary, pids: pids, store: r.dir + "/home/.cache/scantling/store", cache: r.dir + "/cache"}
	if a.opens != "" {
		o.beside = r.dir + "/" + a.opens
	}
	for _, call := range calls {
		o.call(call)
	}
	slices.Sort(o.broken)
	if o.inside == 0 {
		t.Errorf("strace saw no file opened in the repository:\n%.500s", data)
	}
	for _, b := range slices.Compact(o.broken) {
		t.Error(b)
	}
	t.Logf("%d opens in the repository, %d starts of itself", o.inside, o.starts)
}

// systemCalls are the calls of a log of strace, those put together that were
// interrupted by another thread's, and the processes and threads that made them.
func systemCalls(log string) (calls []string, pids map[string]bool) {
	pids = map[string]bool{}
	unfinished := map[string]string{}
	for line := range strings.Lines(log) {
		pid, call, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		pids[pid] = true
		call = strings.TrimLeft(call, " ")
		begin, ok := strings.CutSuffix(call, " <unfinished ...>")
		if !ok {
			begin, ok = strings.CutSuffix(call, " <detached ...>")
		}
		if ok {
			unfinished[pid] = begin
			continue
		}
		if rest, ok := strings.CutPrefix(call, "<... "); ok {
			if _, rest, ok = strings.Cut(rest, " resumed>"); ok {
				call = unfinished[pid] + rest
				delete(unfinished, pid)
			}
		}
		calls = append(calls, call)
	}
	// A process that was killed finishes nothing, but has tried.
	for _, call := range unfinished {
		calls = append(calls, call)
	}
	return calls, pids
}

var (
	openCall = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^openat2?\((?:AT_FDCWD|\d+)<([^>]*)>, "((?:[^"\\]|\\.)*)", ([^)]*)`)
	})
	openedFile = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\) += \d+<([^>]*)>`)
	})
	execCall = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^execve\("((?:[^"\\]|\\.)*)"`)
	})
	// What makes, moves and removes files, with up to two names.
	fileCall = sync.OnceValue(func() *regexp.Regexp {
		const name = `(?:AT_FDCWD|\d+)<([^>]*)>, "((?:[^"\\]|\\.)*)"`
		return regexp.MustCompile(`^(?:mkdirat|unlinkat|renameat2?)\(` + name + `(?:, ` + name + `)?[,)]`)
	})
)

// offline judges system calls.
type offline struct {
	store, beside  string
	cache          string
	repo, binary   string
	pids           map[string]bool
	started        bool
	inside, starts int
	broken         []string
}

func (o *offline) fail(what, call string) {
	o.broken = append(o.broken, fmt.Sprintf("%s: %.300s", what, call))
}

func (o *offline) call(call string) {
	name, _, _ := strings.Cut(call, "(")
	if name == "execve" {
		m := execCall().FindStringSubmatch(call)
		// Until the program begins, it is env's search for it.
		switch {
		case m != nil && (m[1] == o.binary || m[1] == "/proc/self/exe"):
			o.started = true
			o.starts++
		case o.started || m == nil:
			o.fail("starts a program", call)
		}
		return
	}
	if !o.started {
		return
	}
	switch name {
	case "openat", "openat2":
		o.open(call)
	case "???":
		// Killed before the kernel said what it was about.
	case "socketpair":
		// Has no address: it reaches nobody but a child.
	default:
		if !strings.HasPrefix(call, "+++") && !strings.HasPrefix(call, "---") && !o.caches(call) {
			o.fail("must not be called", call)
		}
	}
}

// caches says that a call makes, moves or removes files of the cache alone.
func (o *offline) caches(call string) bool {
	m := fileCall().FindStringSubmatch(call)
	if m == nil {
		return false
	}
	return o.inCache(fileAt(m[1], m[2])) && (m[4] == "" || o.inCache(fileAt(m[3], m[4])))
}

func (o *offline) inCache(file string) bool {
	return o.cache != "" && (file == o.cache || strings.HasPrefix(file, o.cache+"/"))
}

// fileAt is the file that a folder and a name in strace's writing mean.
func fileAt(dir, name string) string {
	if dir, name = unescape(dir), unescape(name); path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(dir, name)
}

func (o *offline) open(call string) {
	m := openCall().FindStringSubmatch(call)
	if m == nil {
		o.fail("not understood", call)
		return
	}
	file, name, flags := fileAt(m[1], m[2]), unescape(m[2]), m[3]
	// Where there is a file, it counts what it is: strace asked the kernel.
	if opened := openedFile().FindStringSubmatch(call); opened != nil {
		file = cmp.Or(unescape(opened[1]), file)
	}
	// The kernel names who asked for /proc/self.
	if pid, rest, ok := strings.Cut(strings.TrimPrefix(file, "/proc/"), "/"); ok && o.pids[pid] {
		file = "/proc/self/" + rest
	}
	writes := writeFlags().MatchString(flags)
	switch {
	case o.inCache(file):
	case writes && file != os.DevNull:
		o.fail("opens for writing", call)
	case file == o.repo || strings.HasPrefix(file, o.repo+"/"):
		o.inside++
	case file == o.binary:
	case o.beside != "" && (file == o.beside || strings.HasPrefix(file, o.beside+"/")):
	case o.store != "" && (file == o.store || strings.HasPrefix(file, o.store+"/")):
		// What scantling fetch left there.
	case !cgroupFile(file) && !slices.Contains(offlineFiles, file) && !slices.Contains(offlineFiles, name):
		o.fail("opens outside of the repository", call)
	}
}

var writeFlags = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\bO_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)\b`)
})

// unescape reads a name as strace writes it, which is C's way with octal.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if at := strings.IndexByte("ntrvf", s[i]); at >= 0 {
			b.WriteByte("\n\t\r\v\f"[at])
			continue
		}
		end := i
		for end < len(s) && end < i+3 && s[end] >= '0' && s[end] <= '7' {
			end++
		}
		if end == i {
			b.WriteByte(s[i])
			continue
		}
		n, err := strconv.ParseUint(s[i:end], 8, 8)
		if err != nil {
			b.WriteString(s[i:end])
		}
		b.WriteByte(byte(n))
		i = end - 1
	}
	return b.String()
}

// TestOfflineJudge: what must never be called is seen in a log of strace.
func TestOfflineJudge(t *testing.T) {
	const start = `7 execve("/bin/env", ["env"], 0x1) = 0
7 openat(AT_FDCWD</repo>, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3</etc/ld.so.cache>
7 execve("/bin/scantling", ["scantling"], 0x1) = 0
`
	for name, test := range map[string]struct{ log, broken string }{
		"inside":       {`7 openat(5</repo>, "apps", O_RDONLY|O_NOFOLLOW) = 8</repo/apps>`, ""},
		"own folder":   {`8 openat(AT_FDCWD</>, "/proc/self/cgroup", O_RDONLY) = 3</proc/8/cgroup>`, ""},
		"worker":       {`8 execve("/proc/self/exe", ["scantling"], 0x1) = 0`, ""},
		"time zone":    {`8 openat(AT_FDCWD</>, "/etc/localtime", O_RDONLY) = 3</usr/share/zoneinfo/Etc/UTC>`, ""},
		"null":         {`8 openat(AT_FDCWD</>, "/dev/null", O_RDWR) = 3</dev/null>`, ""},
		"end":          {`8 +++ exited with 0 +++`, ""},
		"socket":       {`8 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3`, "must not be called"},
		"unix socket":  {`8 connect(3<UNIX>, {sa_family=AF_UNIX, sun_path="/run/nscd/socket"}, 110) = -1 ENOENT`, "must not be called"},
		"refused":      {`8 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = -1 EPERM (Operation not permitted)`, "must not be called"},
		"killed":       {`8 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP <unfinished ...>`, "must not be called"},
		"unknown":      {`8 ???( <detached ...>`, ""},
		"detached":     {`8 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP <detached ...>`, "must not be called"},
		"program":      {`8 execve("/usr/bin/git", ["git"], 0x1) = -1 ENOENT`, "starts a program"},
		"outside":      {`8 openat(AT_FDCWD</repo>, "/etc/passwd", O_RDONLY) = 3</etc/passwd>`, "outside"},
		"beside":       {`8 openat(AT_FDCWD</repo>, "../repository/a", O_RDONLY) = 3</repository/a>`, "outside"},
		"not there":    {`8 openat(AT_FDCWD</repo>, "../.gitconfig", O_RDONLY) = -1 ENOENT`, "outside"},
		"through link": {`8 openat(5</repo>, "link.yaml", O_RDONLY) = 8</outside/pod.yaml>`, "outside"},
		"foreign":      {`8 openat(AT_FDCWD</>, "/proc/1/cgroup", O_RDONLY) = 3</proc/1/cgroup>`, "outside"},
		"write":        {`8 openat(5</repo>, "a", O_WRONLY|O_CREAT|O_TRUNC, 0644) = 8</repo/a>`, "writing"},
		"remove":       {`8 unlinkat(5</repo>, "a", 0) = 0`, "must not be called"},
		"own cache":    {`8 mkdirat(AT_FDCWD</repo>, "/cache/lint", 0700) = 0`, ""},
		"own entry":    {`8 openat(5</cache/lint/runs>, ".new-A", O_WRONLY|O_CREAT|O_EXCL, 0600) = 9</cache/lint/runs/.new-A>`, ""},
		"entry's name": {`8 renameat(5</cache/lint/runs>, ".new-A", 5</cache/lint/runs>, "00") = 0`, ""},
		"out of cache": {`8 renameat(5</cache/lint>, "00", 6</repo>, "00") = 0`, "must not be called"},
		"up the cache": {`8 unlinkat(5</cache/lint>, "../b", 0) = 0`, "must not be called"},
		"beside cache": {`8 openat(5</cache/lint2>, "a", O_WRONLY|O_CREAT, 0600) = 9</cache/lint2/a>`, "writing"},
		"interrupted":  {"8 openat(5</repo>, \"a\", O_RDWR <unfinished ...>\n7 +++ exited with 0 +++\n8 <... openat resumed>) = 8</repo/a>", "writing"},
		"escaped":      {`8 openat(AT_FDCWD</repo>, "/etc/pass\167d", O_RDONLY) = 3</etc/pass\167d>`, "outside"},
	} {
		calls, pids := systemCalls(start + test.log)
		o := offline{repo: "/repo", binary: "/bin/scantling", cache: "/cache/lint", pids: pids}
		for _, call := range calls {
			o.call(call)
		}
		switch got := strings.Join(o.broken, "\n"); {
		case test.broken == "" && got != "":
			t.Errorf("%s: %s", name, got)
		case test.broken != "" && !strings.Contains(got, test.broken):
			t.Errorf("%s: got %q, want %q", name, got, test.broken)
		}
	}
}
