package cli

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/rules"
	"github.com/urfave/cli/v2"
)

func migrateCommand() *cli.Command {
	return &cli.Command{
		Name:      "migrate",
		Usage:     "rewrite the ignore annotations and comments of other linters as those of scantling",
		ArgsUsage: "[path ...]",
		Description: `Rewrites what tells kube-linter, checkov, kube-score, polaris, datree and trivy to
ignore something, in the YAML files and templates of the repository, where a rule
of scantling looks for the same. Nothing else of a file changes. Scantling honours
them as they are, too.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "config", Usage: "read the configuration from `FILE` instead of .scantling.yaml at the repository's root", EnvVars: []string{"SCANTLING_CONFIG"}},
			&cli.BoolFlag{Name: "no-config", Usage: "read no configuration", EnvVars: []string{"SCANTLING_NO_CONFIG"}},
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would be rewritten, and write nothing", EnvVars: []string{"SCANTLING_DRY_RUN"}},
		},
		Action: func(c *cli.Context) error {
			w, err := open(c)
			if err != nil {
				return err
			}
			defer w.close()
			return migrate(c, w)
		},
	}
}

func migrate(c *cli.Context, w *workspace) error {
	listing, err := w.tree.Files()
	if err != nil {
		return fmt.Errorf("can't list the files of the repository: %w", err)
	}
	rewritten, left := 0, 0
	for _, f := range listing.Files {
		if !isYAML(f.Name) || f.Symlink || f.Size > w.config.Limits.YAML.FileSize || !w.concerned(f.Name) {
			continue
		}
		data, err := w.tree.ReadFile(f.Name)
		if err != nil {
			return fmt.Errorf("can't read %s: %w", f.Name, err)
		}
		changed, done := lint.Migrate(data, rules.Ours)
		for _, m := range done {
			if len(m.To) == 0 {
				left++
				fmt.Fprintf(c.App.Writer, "%s:%d: %s is left: %s\n", f.Name, m.Line, m.From, m.Left)
				continue
			}
			rewritten++
			fmt.Fprintf(c.App.Writer, "%s:%d: %s: scantling ignores %s\n", f.Name, m.Line, m.From, strings.Join(m.To, ", "))
		}
		if c.Bool("dry-run") || bytes.Equal(changed, data) {
			continue
		}
		if err := w.replace(f.Name, changed); err != nil {
			return fmt.Errorf("can't write %s: %w", f.Name, err)
		}
	}
	verb := "rewritten"
	if c.Bool("dry-run") {
		verb = "to be rewritten"
	}
	fmt.Fprintf(c.App.ErrWriter, "%d suppressions %s, %d left as they are\n", rewritten, verb, left)
	return nil
}

// isYAML says that a file is YAML, or a template of it, by its name.
func isYAML(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".tpl":
		return true
	}
	return false
}

// concerned says that a file is one of the arguments or lies in one.
func (w *workspace) concerned(name string) bool {
	for _, p := range w.paths {
		if name == p || strings.HasPrefix(name, p+"/") {
			return true
		}
	}
	return len(w.paths) == 0
}

// replace writes a file of the work tree, which keeps its mode.
func (w *workspace) replace(name string, data []byte) error {
	full := filepath.Join(w.repo.Root(), filepath.FromSlash(name))
	info, err := os.Lstat(full)
	if err != nil {
		return err
	}
	if err := writeFile(full, data); err != nil {
		return err
	}
	return os.Chmod(full, info.Mode().Perm())
}
