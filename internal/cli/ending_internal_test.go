package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// panicking is a stdout that panics.
type panicking struct{ with any }

func (p panicking) Write([]byte) (int, error) {
	if p.with == nil {
		var none []byte
		_ = none[len(none)]
	}
	panic(p.with)
}

// TestInternalError: a panic ends in one line, which holds nothing that the
// panic was told; the stack is for --debug.
func TestInternalError(t *testing.T) {
	for _, c := range []struct {
		with any
		want string
	}{
		{nil, "runtime error: index out of range [0] with length 0"},
		{"hidden-value-0123", "a panic of type string"},
		{errors.New("hidden-value-0123"), "a panic of type *errors.errorString"},
		{fmt.Errorf("reading: %w", errors.New("hidden-value-0123")), "a panic of type *fmt.wrapError"},
	} {
		for _, debugging := range []bool{false, true} {
			var stderr bytes.Buffer
			code := run(context.Background(), []string{"scantling", "version"}, panicking{c.with}, &stderr, debugging)
			said := stderr.String()
			if code != exitUsage || !strings.HasPrefix(said, "scantling: internal error: "+c.want+": please report it") {
				t.Errorf("exit code %d, stderr %q", code, said)
			}
			if strings.Contains(said, "hidden") {
				t.Errorf("what the panic said is shown: %q", said)
			}
			if lines := strings.Count(said, "\n"); debugging != (lines > 1) || debugging != strings.Contains(said, "panicking.Write") {
				t.Errorf("debugging %v, and stderr has %d lines: %q", debugging, lines, said)
			}
		}
	}
}

func TestPrintError(t *testing.T) {
	var many []error
	for i := range maxErrors + 3 {
		many = append(many, fmt.Errorf("error %d", i))
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("one"), `^scantling: one\n$`},
		{&exitError{code: exitFindings}, `^$`},
		{errors.New("name\n::error::a\x1b[2J"), `^scantling: name\\n::error::a\\x1b\[2J\n$`},
		{errors.Join(errors.New("one"), errors.New("two\nthree")), `^scantling: one\nscantling: two\\nthree\n$`},
		{&exitError{exitUsage, errors.Join(errors.New("one"), errors.New("two"))}, `^scantling: one\nscantling: two\n$`},
		{fmt.Errorf("both: %w", errors.Join(errors.New("one"), errors.New("two"))), `^scantling: both: one\\ntwo\n$`},
		{errors.Join(many...), `(?s)^scantling: error 0\n.*scantling: error 49\nscantling: and 3 more\n$`},
		{errors.New(strings.Repeat("é", 5000)), `^scantling: .{1000}.{21,23}…\n$`},
	} {
		var b bytes.Buffer
		printError(&b, c.err, false)
		if !regexp.MustCompile(c.want).MatchString(b.String()) {
			t.Errorf("%q is printed as %q", c.err, b.String())
		}
	}
}

func TestDebugFlag(t *testing.T) {
	t.Setenv("SCANTLING_DEBUG", "")
	for args, want := range map[string]string{
		"scantling lint":               "false scantling lint",
		"scantling --debug lint a":     "true scantling lint a",
		"scantling lint a --debug":     "true scantling lint a",
		"scantling lint -- --debug":    "false scantling lint -- --debug",
		"scantling lint --debug -- -a": "true scantling lint -- -a",
		"--debug":                      "false --debug",
	} {
		rest, debugging := debugFlag(strings.Fields(args))
		if got := fmt.Sprint(debugging, " ", strings.Join(rest, " ")); got != want {
			t.Errorf("%s: %s, want %s", args, got, want)
		}
	}
	t.Setenv("SCANTLING_DEBUG", "1")
	if _, debugging := debugFlag([]string{"scantling"}); !debugging {
		t.Error("SCANTLING_DEBUG=1 is not heeded")
	}
}
