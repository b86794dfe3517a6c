// Package cli is the command line: one file per command, wiring only.
//
// What the commands print: results go to stdout, all else to stderr, one line
// each, lower case, without a full stop. Colour only on a terminal.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/render"
	"github.com/urfave/cli/v2"
)

// The exit codes.
const (
	exitClean    = 0 // nothing at or above the threshold
	exitFindings = 1
	exitUsage    = 2 // the job could not be done: usage, configuration, git
	exitNothing  = 3 // nothing to check, or under --strict something not rendered
)

// exitError ends a command with a code. Its error may be nil.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// Main runs the program and returns its exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	if len(args) == 2 && args[1] == render.WorkerCommand {
		return render.Work(os.Stdin, os.Stdout)
	}
	if os.Getenv("GOGC") == "" {
		// A run keeps most of what it makes until it ends: by default up to as much
		// again would wait to be collected. This costs a few hundredths of the time.
		debug.SetGCPercent(gcPercent)
	}
	args, debugging := debugFlag(args)
	return untilSignal(stderr, func(ctx context.Context) int {
		return run(ctx, args, stdout, stderr, debugging)
	})
}

// gcPercent is how much of the memory in use may wait to be collected.
const gcPercent = 50

// run is Main without the signals.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, debugging bool) int {
	out := &output{file: stdout}
	err := runApp(ctx, args, out, stderr)
	code := exitClean
	if err != nil {
		code = exitUsage
		var exit *exitError
		if errors.As(err, &exit) {
			code = exit.code
		}
		// What was ended by a signal fails in many ways.
		if ctx.Err() == nil {
			printError(stderr, err, debugging)
		}
	}
	if err := out.failure(); err != nil {
		printError(stderr, err, debugging)
		return exitUsage
	}
	return code
}

func runApp(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newInternalError(v)
		}
	}()
	app := newApp(stdout, stderr)
	if args, err = permute(app, args); err != nil {
		return err
	}
	return app.RunContext(ctx, args)
}

func newApp(stdout, stderr io.Writer) *cli.App {
	// -v is not the version: --verbose is more often meant.
	cli.VersionFlag = &cli.BoolFlag{Name: "version", Usage: "print the version", DisableDefaultText: true}
	app := &cli.App{
		Name:                      "scantling",
		Usage:                     "lint what a GitOps repository deploys",
		UsageText:                 "scantling [command] [options] [path ...]",
		Description:               exitHelp,
		Version:                   version(),
		Writer:                    stdout,
		ErrWriter:                 stderr,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		// The exit code is Main's to return.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   usageError,
		CommandNotFound: func(*cli.Context, string) {
			// Refused before the application runs: see permute.
		},
		Flags: []cli.Flag{
			// Main takes it out of the arguments: it stands anywhere.
			&cli.BoolFlag{Name: "debug", Usage: "print the stack of an internal error; may stand anywhere", EnvVars: []string{"SCANTLING_DEBUG"}},
		},
		Commands: []*cli.Command{
			lintCommand(), mergeCommand(), diffCommand(), renderCommand(), unitsCommand(), fetchCommand(), rulesCommand(), explainCommand(), migrateCommand(), encryptCommand(), cacheCommand(), hooksCommand(), versionCommand(),
		},
	}
	for _, c := range app.Commands {
		setUsageError(c)
	}
	return app
}

func setUsageError(c *cli.Command) {
	c.OnUsageError = usageError
	c.HideHelpCommand = true
	for _, sub := range c.Subcommands {
		setUsageError(sub)
	}
}

const exitHelp = `Without a command, scantling lints. Every option can be given as an
environment variable, SCANTLING_ and its name in capitals.

Exit codes:
  0  nothing at or above --fail-on; with --base, nothing new
  1  findings, among them what could not be checked
  2  the job could not be done: usage, configuration, git
  3  nothing was found to check, or under --strict something was not rendered`

func usageError(_ *cli.Context, err error, _ bool) error {
	return fmt.Errorf("%w (see scantling --help)", err)
}

// permute puts options before paths, since the flag parser takes everything
// behind the first path for one, and puts in the default command. What looks
// like an option and is none is refused.
func permute(app *cli.App, args []string) ([]string, error) {
	if len(args) <= 1 {
		return []string{args[0], "lint"}, nil
	}
	out, rest := []string{args[0]}, args[1:]
	commands, flags := app.Commands, app.Flags
	for len(rest) > 0 {
		c := findCommand(commands, rest[0])
		if c == nil {
			break
		}
		out = append(out, rest[0])
		rest, commands, flags = rest[1:], c.Subcommands, c.Flags
	}
	if len(out) == 1 {
		switch rest[0] {
		case "--help", "-h", "--version":
			return args, nil
		case "help":
			return append([]string{args[0]}, append(rest[1:], "--help")...), nil
		}
		if !strings.HasPrefix(rest[0], "-") {
			if _, err := os.Lstat(rest[0]); err != nil {
				return nil, fmt.Errorf("unknown command or path %q%s", rest[0], suggestion(rest[0], commandNames(app.Commands)))
			}
		}
		c := app.Command("lint")
		out, commands, flags = append(out, "lint"), nil, c.Flags
	} else if len(commands) > 0 && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return nil, fmt.Errorf("unknown command %q%s", rest[0], suggestion(rest[0], commandNames(commands)))
	}
	options, paths, err := split(flags, rest)
	if err != nil {
		return nil, err
	}
	out = append(out, options...)
	if len(paths) > 0 {
		// Behind --, a path may begin with a hyphen.
		out = append(append(out, "--"), paths...)
	}
	return out, nil
}

func findCommand(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func commandNames(commands []*cli.Command) []string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return names
}

func suggestion(word string, candidates []string) string {
	if n := config.Nearest(word, candidates); n != "" {
		return fmt.Sprintf(": did you mean %q?", n)
	}
	return ""
}

// split sorts arguments into options with their values and paths.
func split(flags []cli.Flag, args []string) (options, paths []string, err error) {
	takesValue, names := map[string]bool{"help": false, "h": false}, []string{"help"}
	for _, f := range flags {
		_, isBool := f.(*cli.BoolFlag)
		for _, n := range f.Names() {
			takesValue[n] = !isBool
			names = append(names, n)
		}
	}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return options, append(paths, args[i+1:]...), nil
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			paths = append(paths, arg)
			continue
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		value, known := takesValue[name]
		if !known {
			return nil, nil, fmt.Errorf("unknown option %s%s", strings.SplitN(arg, "=", 2)[0], suggestion(name, names))
		}
		options = append(options, arg)
		if value && !hasValue {
			if i+1 == len(args) {
				return nil, nil, fmt.Errorf("option %s needs a value", arg)
			}
			i++
			options = append(options, args[i])
		}
	}
	return options, paths, nil
}
