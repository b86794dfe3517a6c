//go:build unix

package perf

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestMemory runs the command that the environment holds, for TestReport.
func TestMemory(t *testing.T) {
	args := strings.Split(os.Getenv(memoryOf), "\n")
	if args[0] == "" {
		t.Skip(memoryOf + " holds no command")
	}
	cmd := exec.Command(args[0], args[1:]...)
	_ = cmd.Run() // its findings fail it
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		t.Fatal("this system does not tell the peak memory of a process")
	}
	peak := float64(usage.Maxrss) / (1 << 10)
	if runtime.GOOS == "darwin" {
		peak /= 1 << 10 // in bytes there
	}
	fmt.Printf("\n%s%d %f\n", memoryPeak, cmd.ProcessState.ExitCode(), peak)
}
