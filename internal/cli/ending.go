package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/scantling-dev/scantling/internal/report"
)

// output is stdout. It remembers the first error and takes what comes behind it
// for written: that a reader went away, or that the disk is full, must not
// change what is found, nor keep the other reports from being written.
type output struct {
	file io.Writer
	mu   sync.Mutex
	err  error
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		_, o.err = o.file.Write(p)
	}
	return len(p), nil
}

// failure is what went wrong in writing; nil if nothing did, or if the reader
// went away, who knows that.
func (o *output) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil || errors.Is(o.err, syscall.EPIPE) {
		return nil
	}
	return fmt.Errorf("can't write the output: %w", o.err)
}

// untilSignal runs f and gives its exit code, or ends it at Ctrl-C or SIGTERM. A
// second signal kills the process.
func untilSignal(stderr io.Writer, f func(context.Context) int) int {
	// Go ends a process that writes to a closed pipe, unless it is told of it.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		// A shell lets what it runs in the background ignore Ctrl-C.
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	defer signal.Stop(signals)
	done := make(chan int, 1)
	go func() { done <- f(ctx) }()
	select {
	case code := <-done:
		return code
	case s := <-signals:
		signal.Stop(signals)
		cancel()
		// What can end in order does: a report that is half written is
		// removed. The rest is not waited for.
		select {
		case <-done:
		case <-time.After(200 * time.Millisecond):
		}
		fmt.Fprintf(stderr, "scantling: ended by a signal: %s\n", s)
		return exitUsage
	}
}

// internalError is a panic that was recovered. What the code panicked with is
// told only where it can hold nothing of the repository, which may be secret.
type internalError struct {
	what  string
	stack []byte
}

func newInternalError(v any) *internalError {
	what := fmt.Sprintf("a panic of type %T", v)
	if e, ok := v.(runtime.Error); ok {
		what = e.Error()
	}
	return &internalError{what, debug.Stack()}
}

func (e *internalError) Error() string {
	return "internal error: " + e.what + ": please report it at https://github.com/scantling-dev/scantling/issues, with the stack that --debug prints"
}

// debugFlag takes --debug out of the arguments, wherever among the options it
// stands, and says whether it, or SCANTLING_DEBUG, was given.
func debugFlag(args []string) (rest []string, debugging bool) {
	debugging, _ = strconv.ParseBool(os.Getenv("SCANTLING_DEBUG"))
	end := slices.Index(args, "--")
	if end < 0 {
		end = len(args)
	}
	for i, arg := range args {
		if i > 0 && i < end && (arg == "--debug" || arg == "-debug") {
			debugging = true
			continue
		}
		rest = append(rest, arg)
	}
	return rest, debugging
}

// maxErrors is how many errors of one cause, such as the configuration, are
// printed.
const maxErrors = 50

// printError prints an error, each of several joined ones on a line of its own,
// and the stack of an internal one if debugging.
func printError(w io.Writer, err error, debugging bool) {
	errs := []error{err}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		if all := joined.Unwrap(); errors.Join(all...).Error() == err.Error() {
			errs = all
		}
	}
	for i, e := range errs {
		if i == maxErrors {
			fmt.Fprintf(w, "scantling: and %d more\n", len(errs)-i)
			break
		}
		if text := strings.TrimRight(e.Error(), "\n"); text != "" {
			fmt.Fprintf(w, "scantling: %s\n", report.Message(text))
		}
	}
	var internal *internalError
	if debugging && errors.As(err, &internal) {
		for line := range strings.Lines(string(internal.stack)) {
			line = strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "    ")
			fmt.Fprintf(w, "  %s\n", report.Escape(line))
		}
	}
}
