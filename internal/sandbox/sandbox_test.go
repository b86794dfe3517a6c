package sandbox_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scantling-dev/scantling/internal/sandbox"
)

// The test's program is its own worker: what it does is its first argument.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && strings.HasPrefix(os.Args[1], "worker-") {
		os.Exit(work(strings.TrimPrefix(os.Args[1], "worker-")))
	}
	os.Exit(m.Run())
}

func work(what string) int {
	if what == "parent" {
		p, err := sandbox.Start("worker-spin")
		if err != nil {
			return 1
		}
		_, _ = bufio.NewReader(p.Out).ReadString('\n')
		fmt.Println(p.ID())
		select {}
	}
	if what == "bare" {
		fmt.Println("rights", len(os.Environ()))
		_, _ = io.Copy(io.Discard, os.Stdin)
		return 0
	}
	rights := sandbox.Enter(128<<20, 512<<20)
	fmt.Println("closed", rights.Closed, "memory", rights.Memory)
	switch what {
	case "escape":
		_, err := os.Open("/etc/passwd")
		say("open", err)
		_, err = os.Create(os.TempDir() + "/scantling-sandbox-test")
		say("create", err)
		_, err = net.Dial("tcp", "127.0.0.1:1")
		say("tcp", err)
		_, err = net.Dial("udp", "127.0.0.1:1")
		say("udp", err)
		_, err = net.Listen("tcp", "127.0.0.1:0")
		say("listen", err)
		say("exec", exec.Command("/bin/true").Run())
		say("kill", syscall.Kill(os.Getppid(), 0))
	case "live":
		// Threads, timers, memory and the collector go on.
		done := make(chan int)
		for i := range 20 {
			go func() {
				buf := make([]byte, 1<<20)
				time.Sleep(time.Millisecond)
				done <- len(buf) + i
			}()
		}
		sum := 0
		for range 20 {
			sum += <-done
		}
		runtime.GC()
		fmt.Println("sum", sum)
	case "recurse":
		fmt.Println(recurse(1))
	case "allocate":
		for keep := [][]byte{}; ; fmt.Fprint(io.Discard, len(keep)) {
			keep = append(keep, make([]byte, 1<<24))
		}
	case "huge":
		fmt.Println(len(make([]byte, 2<<30)))
	case "spin":
		for n := 0; n >= 0; n = (n + 1) % 1000 {
		}
	}
	return 0
}

func recurse(n int) int {
	var pad [128]int
	pad[n%128] = n
	if n < 0 {
		return 0
	}
	return recurse(n+1) + pad[(n+1)%128]
}

func say(what string, err error) {
	fmt.Println(what, errors.Is(err, os.ErrPermission), err == nil)
}

func start(t *testing.T, what string) (*sandbox.Process, *bufio.Reader) {
	t.Helper()
	p, err := sandbox.Start("worker-" + what)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, bufio.NewReader(p.Out)
}

func TestWorkerIsBare(t *testing.T) {
	t.Setenv("SCANTLING_TEST_SECRET", "x")
	_, out := start(t, "bare")
	line, _ := out.ReadString('\n')
	if line != "rights 1\n" && os.Getenv("GOCOVERDIR") == "" {
		t.Errorf("the worker sees an environment: %q", line)
	}
}

func TestClosed(t *testing.T) {
	_, out := start(t, "escape")
	first, _ := out.ReadString('\n')
	if !strings.Contains(first, "closed true") {
		if runtime.GOOS == "linux" && (runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64") {
			t.Fatalf("nothing is closed: %q", first)
		}
		t.Skip("this system closes nothing")
	}
	seen := 0
	for {
		line, err := out.ReadString('\n')
		if err != nil {
			break
		}
		seen++
		if !strings.HasSuffix(line, " true false\n") {
			t.Errorf("not refused: %q", line)
		}
	}
	if seen != 7 {
		t.Errorf("%d answers, want 7", seen)
	}
	if _, err := os.Lstat(os.TempDir() + "/scantling-sandbox-test"); err == nil {
		t.Error("the worker wrote a file")
	}
}

func TestLives(t *testing.T) {
	p, out := start(t, "live")
	text, _ := io.ReadAll(out)
	if want := fmt.Sprint("sum ", 20<<20+190); !strings.Contains(string(text), want) {
		t.Errorf("got %q, want %q", text, want)
	}
	if cause := p.Wait(); cause != sandbox.Ended {
		t.Errorf("cause %d", cause)
	}
}

func TestCauses(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector's own memory is beyond a worker's limit")
	}
	for what, want := range map[string]sandbox.Cause{
		"recurse": sandbox.StackOverflow, "allocate": sandbox.OutOfMemory, "huge": sandbox.OutOfMemory,
	} {
		p, out := start(t, what)
		_, _ = io.Copy(io.Discard, out)
		if got := p.Wait(); got != want {
			t.Errorf("%s: cause %d, want %d", what, got, want)
		}
	}
}

func TestKill(t *testing.T) {
	p, out := start(t, "spin")
	if _, err := out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" {
		if n, ok := p.Resident(); !ok || n < 1<<20 {
			t.Errorf("resident: %d, %t", n, ok)
		}
		before, ok := p.CPU()
		for i := 0; ok && i < 1000; i++ {
			if now, _ := p.CPU(); now > before {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if now, _ := p.CPU(); !ok || now <= before {
			t.Errorf("processor time does not grow: %v, %v", before, now)
		}
	}
	p.Kill()
	if cause := p.Wait(); cause != sandbox.Ended {
		t.Errorf("cause %d", cause)
	}
}

// A worker that spins does not outlive a program that is killed.
func TestNoOrphan(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only a worker that reads its input ends with its parent here")
	}
	p, out := start(t, "parent")
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the worker %d is not there: %v", pid, err)
	}
	p.Kill()
	p.Wait()
	for range 500 {
		if state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err != nil || strings.Contains(string(state), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the worker %d lives on", pid)
}
