// Package sandbox starts this program a second time, as a worker that can be
// killed, and takes from the worker what it does not need: memory without end,
// and where the system can do so, files, sockets and programs.
//
// A Go process can't survive some inputs (a stack overflow and an exhausted
// memory end it, a loop without a call can't be stopped), so what reads them
// must be a process of its own.
package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

// MaxStack is the largest stack, in bytes, of a goroutine in a worker. The
// runtime's default of 1 GB is more than a worker may use in all.
const MaxStack = 64 << 20

// Process is a worker.
type Process struct {
	// In and Out are the worker's standard input and output.
	In  io.WriteCloser
	Out io.Reader

	cmd    *exec.Cmd
	stderr head
	ended  chan struct{}
	once   sync.Once
}

// Start starts this program again with one argument. The worker has an empty
// environment, no open files but its standard streams, and ends with the
// process that started it.
func Start(argument string) (*Process, error) {
	self, err := program()
	if err != nil {
		return nil, fmt.Errorf("finding this program to start it again: %w", err)
	}
	p := &Process{
		cmd:   &exec.Cmd{Path: self, Args: []string{os.Args[0], argument}, Env: environment(), Dir: workingFolder, SysProcAttr: attributes()},
		ended: make(chan struct{}),
	}
	p.cmd.Stderr = &p.stderr
	// What the worker wrote before it died is all there is to wait for.
	p.cmd.WaitDelay = time.Second
	if p.In, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("making a pipe to the worker: %w", err)
	}
	if p.Out, err = p.cmd.StdoutPipe(); err != nil {
		return nil, fmt.Errorf("making a pipe from the worker: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting this program again: %w", err)
	}
	adopt(p.cmd.Process)
	return p, nil
}

// environment is the worker's: nothing of the caller's, but for where the
// coverage of an instrumented build goes.
func environment() []string {
	env := []string{"GOTRACEBACK=none"}
	if dir := os.Getenv("GOCOVERDIR"); dir != "" {
		env = append(env, "GOCOVERDIR="+dir)
	}
	return env
}

// ID is the worker's process id.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Kill ends the worker at once.
func (p *Process) Kill() { _ = p.cmd.Process.Kill() }

// Close ends an idle worker and waits for its end.
func (p *Process) Close() {
	_ = p.In.Close()
	p.Kill()
	p.Wait()
}

// Cause is why a worker died.
type Cause int

// The causes of a worker's end.
const (
	// Ended: it was killed, or it ended by itself.
	Ended Cause = iota
	// StackOverflow: a goroutine's stack grew beyond MaxStack.
	StackOverflow
	// OutOfMemory: the system refused it more memory.
	OutOfMemory
)

// Wait waits for the worker's end and says what ended it. Its output must have
// been read, or be of no more use.
func (p *Process) Wait() Cause {
	p.once.Do(func() {
		_ = p.cmd.Wait()
		close(p.ended)
	})
	<-p.ended
	text := p.stderr.String()
	switch {
	case strings.Contains(text, "stack exceeds") || strings.Contains(text, "stack overflow"):
		return StackOverflow
	case containsAny(text, "out of memory", "cannot allocate", "cannot map pages", "newosproc", "OS thread", "pthread_create"), p.cmd.ProcessState != nil && p.cmd.ProcessState.ExitCode() == memoryExit:
		return OutOfMemory
	}
	return Ended
}

// head keeps the beginning of what is written to it: the runtime says there
// what ended a process.
type head struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if room := 4096 - h.buf.Len(); room > 0 {
		h.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.buf.String()
}

// Rights say what a worker gave up.
type Rights struct {
	// Closed says that the worker can open no file or socket and start no
	// program: the kernel refuses.
	Closed bool
	// Memory says that the kernel limits the worker's memory.
	Memory bool
	// Problem is why not all was given up; empty when it was.
	Problem string
}

// Enter is called by a worker before it reads anything that a stranger wrote.
// It limits the stack, lets the collector aim at soft bytes of memory and the
// system refuse more than hard bytes, and gives up all rights that the system
// lets a process give up. There is no way back.
func Enter(soft, hard int64) Rights {
	debug.SetMaxStack(MaxStack)
	debug.SetMemoryLimit(soft)
	var rights Rights
	var problems []error
	if err := limitMemory(hard); err != nil {
		problems = append(problems, fmt.Errorf("memory is limited by the program only: %w", err))
	} else {
		rights.Memory = true
	}
	if err := seal(); err != nil {
		problems = append(problems, fmt.Errorf("files, sockets and programs are closed by the program only: %w", err))
	} else {
		rights.Closed = true
	}
	if err := errors.Join(problems...); err != nil {
		rights.Problem = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return rights
}

// memoryExit is the exit code of a worker that watches its own memory, where
// the system does not.
const memoryExit = 9

func containsAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(text, p) })
}
