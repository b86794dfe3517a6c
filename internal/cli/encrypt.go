package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/scantling-dev/scantling/internal/report"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets"
	"github.com/scantling-dev/scantling/secrets/sops"
	"github.com/urfave/cli/v2"
)

func encryptCommand() *cli.Command {
	return &cli.Command{
		Name:      "encrypt",
		Usage:     "encrypt files in place as sops does, by the rules of .sops.yaml",
		ArgsUsage: "FILE ...",
		Description: `Encrypts each file by the creation rule of the nearest .sops.yaml that governs it,
for age and PGP recipients, without a network and without any other program. What is
not encrypted stays as it is, byte for byte. A file is left alone, and the exit code
is 1, if it can't be encrypted here, or if sops would give back something else than
what is written.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would be encrypted, and write nothing", EnvVars: []string{"SCANTLING_DRY_RUN"}},
		},
		Action: func(c *cli.Context) error {
			args := c.Args().Slice()
			if len(args) == 0 {
				return errors.New("encrypt: name the files to encrypt")
			}
			repo, err := repositoryOf(args[0])
			if err != nil {
				return err
			}
			e, err := newEncrypter(repo)
			if err != nil {
				return err
			}
			defer e.close()
			var names []string
			for _, arg := range args {
				name, err := inRepository(repo.Root(), arg)
				if err != nil {
					e.refused = append(e.refused, err)
				} else if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
			e.prepareAll(names)
			e.finish(c, c.App.Writer, c.Bool("dry-run"))
			if len(e.refused) > 0 {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
}

// repositoryOf is the repository that a file lies in.
func repositoryOf(arg string) (*source.Repository, error) {
	repo, err := source.Open(folderOf(arg))
	if err == nil && !hasGit(repo) && below(".", arg) {
		// Without git, what a folder is part of is not to be seen there.
		return source.Open(".")
	}
	return repo, err
}

// encrypter encrypts files of a repository: all are prepared before one is written.
type encrypter struct {
	repo *source.Repository
	tree source.Tree
	// head is the commit that is checked out; nil for none.
	head source.Tree
	root *os.Root
	now  time.Time

	prepared []*preparedFile
	refused  []error
}

// preparedFile is a file that can be encrypted.
type preparedFile struct {
	name   string
	before []byte
	after  *sops.Encrypted
	rule   string
	notes  []string
}

func newEncrypter(repo *source.Repository) (*encrypter, error) {
	root, err := os.OpenRoot(repo.Root())
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	e := &encrypter{repo: repo, tree: repo.Worktree(), root: root, now: time.Now()}
	if repo.Git() == nil {
		// Before the first commit there is none.
		e.head, _ = repo.Commit("HEAD")
	}
	return e, nil
}

func (e *encrypter) close() { _ = e.root.Close() }

// prepareAll encrypts files in memory.
func (e *encrypter) prepareAll(names []string) {
	for _, name := range names {
		p, err := e.prepare(name)
		if errors.Is(err, sops.ErrNeedsSOPS) {
			err = fmt.Errorf("%w: sops encrypt --in-place %s", err, shellWord(name))
		}
		if err != nil {
			e.refused = append(e.refused, fmt.Errorf("%s is not encrypted: %w", name, err))
			continue
		}
		e.prepared = append(e.prepared, p)
	}
}

func (e *encrypter) prepare(name string) (*preparedFile, error) {
	if err := e.plainFile(name); err != nil {
		return nil, err
	}
	data, err := e.tree.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("it can't be read: %w", err)
	}
	config, rule, err := e.ruleFor(name)
	if err != nil {
		return nil, err
	}
	p := &preparedFile{name: name, before: data, rule: rule.Key + " of " + config.File}
	var committed []byte
	if e.head != nil {
		// A file that is new has none.
		committed, _ = e.head.ReadFile(name)
	}
	staged, err := e.repo.Staged(name)
	if err != nil {
		return nil, err
	}
	if staged != nil && !staged.Is(data) && (committed == nil || !staged.Is(committed)) {
		return nil, errors.New("what is staged of it differs from what is in the work tree, and would stay clear: stage all of it or nothing")
	}
	keys, err := e.publicKeys(rule)
	if err != nil {
		return nil, err
	}
	p.after, err = sops.Encryption{Rule: rule, Keys: keys, Now: e.now, Sensitive: secrets.IsClearCredential}.Encrypt(name, data)
	if err != nil {
		return nil, err
	}
	if p.after.Structure {
		p.notes = append(p.notes, "apiVersion and kind are encrypted, too, so only a tool that decrypts whole files, such as ksops, can read it: set encrypted_regex in the rule if Flux is to")
	}
	switch {
	case committed != nil && p.after.Discloses(committed):
		p.notes = append(p.notes, "rotate the values: in the history they stay clear")
	case staged != nil && staged.Is(data):
		p.notes = append(p.notes, "the clear values are staged: run git add "+shellWord(name)+" before you commit")
	}
	return p, nil
}

// plainFile refuses what is no file of its own, and files that stop to work once they are
// encrypted.
func (e *encrypter) plainFile(name string) error {
	info, err := e.tree.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no such file")
	case err != nil:
		return fmt.Errorf("it can't be looked at: %w", err)
	case info.Mode()&fs.ModeSymlink != 0:
		return errors.New("it is a symbolic link: name the file that it leads to")
	case info.IsDir():
		return errors.New("it is a folder: name its files")
	case !info.Mode().IsRegular():
		return errors.New("it is a special file")
	}
	if real, err := e.tree.Resolve(name); err != nil || real != name {
		return errors.New("a symbolic link leads to it: name the file by its own path")
	}
	switch path.Base(name) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return errors.New("kustomize reads it and can't decrypt it: move the secret values into a file of their own")
	case "Chart.yaml", "Chart.lock":
		return errors.New("helm reads it and can't decrypt it")
	case sops.ConfigName, ".scantling.yaml":
		return errors.New("it is a configuration, and must stay readable")
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, err := e.root.Lstat(filepath.FromSlash(path.Join(dir, ".git"))); err == nil {
			return fmt.Errorf("it is part of another repository, %s: run scantling in there", dir)
		}
		if path.Base(dir) != "templates" {
			continue
		}
		if _, err := e.tree.Lstat(path.Join(path.Dir(dir), "Chart.yaml")); err == nil {
			return errors.New("it is a template of a chart, which helm can't decrypt: move the secret values into a file of values")
		}
	}
	return nil
}

// ruleFor is the creation rule that sops takes for a file.
func (e *encrypter) ruleFor(name string) (*sops.Config, *sops.CreationRule, error) {
	config, _ := sops.Governing(e.tree.ReadFile, name)
	if config == nil {
		return nil, nil, errors.New("there is no .sops.yaml in its folder or above: write one that says who may decrypt it")
	}
	rule, err := config.Match(name)
	if err != nil {
		return nil, nil, err
	}
	if rule == nil {
		return nil, nil, fmt.Errorf("no creation rule of %s matches it: add one", config.File)
	}
	return config, rule, nil
}

// publicKeys reads the PGP keys of the repository, if the rule names any. Which of them is
// meant the rule says by its fingerprint.
func (e *encrypter) publicKeys(rule *sops.CreationRule) (*sops.PublicKeys, error) {
	keys := &sops.PublicKeys{}
	if !slices.ContainsFunc(rule.Groups, func(g sops.KeyGroup) bool { return len(g.PGP) > 0 }) {
		return keys, nil
	}
	listing, err := e.tree.Files()
	if err != nil {
		return nil, fmt.Errorf("looking for public keys: %w", err)
	}
	for _, f := range listing.Files {
		if path.Ext(f.Name) != ".asc" || f.Symlink || f.Size > sops.MaxKeyFile {
			continue
		}
		// What can't be read is not a key, which is said if it is missed.
		if data, err := e.tree.ReadFile(f.Name); err == nil {
			keys.Add(data)
		}
	}
	return keys, nil
}

// finish writes what was prepared and says what became of every file.
func (e *encrypter) finish(c *cli.Context, out io.Writer, dryRun bool) {
	verb := "is encrypted"
	if dryRun {
		verb = "would be encrypted"
	}
	var written []*preparedFile
	for _, p := range e.prepared {
		if !dryRun {
			if err := rewriteFile(e.root, filepath.FromSlash(p.name), p.before, p.after.Data); err != nil {
				e.refused = append(e.refused, fmt.Errorf("%s is not encrypted: %w", p.name, err))
				continue
			}
		}
		written = append(written, p)
		values := "1 value"
		if p.after.Values != 1 {
			values = fmt.Sprintf("%d values", p.after.Values)
		}
		line := fmt.Sprintf("%s %s: %s, by %s", p.name, verb, values, p.rule)
		fmt.Fprintln(out, report.Message(strings.Join(append([]string{line}, p.notes...), "; ")))
	}
	e.prepared = written
	for _, err := range e.refused {
		fmt.Fprintf(c.App.ErrWriter, "scantling: %s\n", report.Message(err.Error()))
	}
}

// shellWord is a name as one word of a command.
func shellWord(name string) string {
	plain := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./@+=", r))
	}
	if !strings.ContainsFunc(name, plain) && !strings.HasPrefix(name, "-") {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// isFixable says that encrypting the file that a finding is about is its remedy.
func isFixable(f *lint.Finding) bool {
	if f.Suppressed != nil || f.State == lint.Unchanged || f.State == lint.Fixed || f.Origin.File == "" {
		return false
	}
	switch f.Rule {
	case "secret-plaintext", "secret-generator-plaintext", "sops-unencrypted-file", "helm-values-plaintext-secret":
		return true
	}
	return false
}

// fix encrypts the files of findings, and says whether any was changed. A rule for all
// files says nothing of values, which most tools read as they are.
func (w *workspace) fix(c *cli.Context, findings []lint.Finding) (bool, error) {
	e, err := newEncrypter(w.repo)
	if err != nil {
		return false, err
	}
	defer e.close()
	values := map[string]bool{}
	var names []string
	for i := range findings {
		f := &findings[i]
		if !isFixable(f) {
			continue
		}
		if !slices.Contains(names, f.Origin.File) {
			names = append(names, f.Origin.File)
		}
		values[f.Origin.File] = values[f.Origin.File] || f.Rule == "helm-values-plaintext-secret"
	}
	e.prepareAll(names)
	e.prepared = slices.DeleteFunc(e.prepared, func(p *preparedFile) bool {
		err := e.unfit(p, values[p.name])
		if err != nil {
			e.refused = append(e.refused, fmt.Errorf("%s is not encrypted: %w", p.name, err))
		}
		return err != nil
	})
	e.finish(c, c.App.ErrWriter, false)
	return len(e.prepared) > 0, nil
}

// unfit says why a file is not encrypted unasked.
func (e *encrypter) unfit(p *preparedFile, values bool) error {
	_, rule, err := e.ruleFor(p.name)
	switch {
	case err != nil:
		return err
	case values && rule.PathRegex == "":
		return errors.New("no creation rule names it, and most tools read values as they are: run scantling encrypt if yours decrypts them")
	case p.after.Structure:
		return errors.New("the rule would encrypt apiVersion and kind, too: set its encrypted_regex to ^(data|stringData)$, or run scantling encrypt if a tool decrypts the whole file")
	}
	return nil
}
