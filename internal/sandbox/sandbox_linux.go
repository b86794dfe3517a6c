package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

const workingFolder = "/"

// program is the running program, even if its file was replaced meanwhile.
func program() (string, error) { return "/proc/self/exe", nil }

// attributes let the kernel kill the worker when its parent dies.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

func adopt(*os.Process) {}

// CPU is the processor time that the worker has used, of all its threads.
func (p *Process) CPU() (time.Duration, bool) {
	// The clock of another process: clock_getcpuclockid(3).
	const cpuClockSched = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^p.cmd.Process.Pid<<3|cpuClockSched), &ts); err != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}

// Resident is how much memory the worker occupies, in bytes.
func (p *Process) Resident() (int64, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0, false
	}
	return pages * int64(os.Getpagesize()), true
}

// limitMemory lets the kernel refuse what is more than some bytes of data, and
// a core file.
func limitMemory(hard int64) error {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	limit := &unix.Rlimit{Cur: uint64(hard), Max: uint64(hard)}
	if err := unix.Setrlimit(unix.RLIMIT_DATA, limit); err != nil {
		return fmt.Errorf("setting RLIMIT_DATA: %w", err)
	}
	return nil
}

// allowed are the system calls that are left: those by which the Go runtime, and
// libc in a build with cgo, handle memory, threads, clocks and signals, and those
// that use a file that is open already. None opens, connects or executes.
var allowed = []string{
	"read", "readv", "pread64", "write", "writev", "close", "fstat", "lseek", "fcntl", "poll", "ppoll",
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "pipe2",
	"mmap", "mmap2", "munmap", "mprotect", "mremap", "madvise", "mincore", "brk", "membarrier",
	"futex", "futex_time64", "clone", "clone3", "set_robust_list", "set_tid_address", "rseq", "exit", "exit_group",
	"sched_yield", "sched_getaffinity", "gettid", "getpid", "tgkill", "tkill", "prctl", "arch_prctl",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
	"nanosleep", "clock_nanosleep", "clock_nanosleep_time64", "clock_gettime", "clock_gettime64", "clock_getres", "gettimeofday", "time",
	"setitimer", "timer_create", "timer_settime", "timer_settime64", "timer_delete",
	"getrandom", "getrlimit", "prlimit64", "uname", "sysinfo",
}

// seal puts a filter on all threads of the process that refuses every other
// system call (seccomp(2)).
func seal() error {
	info, err := arch.GetInfo("")
	if err != nil {
		return fmt.Errorf("no system call filter for this processor: %w", err)
	}
	var names []string
	for _, name := range allowed {
		if _, ok := info.SyscallNames[name]; ok {
			names = append(names, name)
		}
	}
	// The flag that lets a process without privileges set a filter is the
	// thread's that sets it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{
			DefaultAction: seccomp.ActionErrno,
			Syscalls:      []seccomp.SyscallGroup{{Action: seccomp.ActionAllow, Names: names}},
		},
	})
}
