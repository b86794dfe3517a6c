package cli

import (
	"fmt"

	"github.com/scantling-dev/scantling/hooks"
	"github.com/urfave/cli/v2"
)

func hooksCommand() *cli.Command {
	return &cli.Command{
		Name:  "hooks",
		Usage: "run as a hook",
		Subcommands: []*cli.Command{{
			Name:      "run",
			Usage:     "check the units that the given files belong to, as pre-commit calls it",
			ArgsUsage: "[file ...]",
			Flags:     lintFlags(),
			Action: func(c *cli.Context) error {
				w, err := open(c)
				if err != nil {
					return err
				}
				defer w.close()
				w.paths = hooks.Paths(w.paths)
				err = runLint(c, w)
				// A commit that touches nothing to render is fine.
				if exit, ok := err.(*exitError); ok && exit.code == exitNothing && !c.Bool("strict") {
					return nil
				}
				return err
			},
		}},
		Action: func(*cli.Context) error {
			return fmt.Errorf("hooks needs a command: run")
		},
	}
}
