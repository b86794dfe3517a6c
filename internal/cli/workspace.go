package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/scantling-dev/scantling/internal/cache"
	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/internal/store"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/render"
	"github.com/scantling-dev/scantling/secrets/sops"
	"github.com/urfave/cli/v2"
)

// workspace is the repository that a command works on, and its configuration.
type workspace struct {
	repo   *source.Repository
	tree   source.Tree
	config *config.Config
	// workers render in processes of their own; nil with --no-worker.
	workers *render.Workers
	store   *store.Store
	// cache keeps what is found for the next run; nil for not.
	cache *cache.Cache
	// memory is what units gave; nil for nothing.
	memory *check.Memory
	// shard is the part of the run to do; nil for all.
	shard *check.Shard
	// configText is the configuration as it is written.
	configText []byte
	// keys decrypt; nil without --decrypt.
	keys *sops.Keys
	// ownConfig says that the configuration is the repository's own, at its root.
	ownConfig bool
	// since is the revision that --base names; empty with --base-tree, which has no
	// history.
	since string
	// watch takes what the units of the trees give that are checked; nil for nobody.
	watch *watch
	// paths are the arguments, as slash paths from the repository's root; none
	// means all.
	paths []string
}

// inputFlags are the options of every command that renders.
func inputFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "read the configuration from `FILE` instead of .scantling.yaml at the repository's root", EnvVars: []string{"SCANTLING_CONFIG"}},
		&cli.BoolFlag{Name: "no-config", Usage: "read no configuration", EnvVars: []string{"SCANTLING_NO_CONFIG"}},
		&cli.BoolFlag{Name: "no-cache", Usage: "neither use nor keep what other runs found", EnvVars: []string{"SCANTLING_NO_CACHE"}},
		&cli.BoolFlag{Name: "no-worker", Usage: "render in this process: for where no other can be started; input that is made to harm can then stop or exhaust it", EnvVars: []string{"SCANTLING_NO_WORKER"}},
		&cli.DurationFlag{Name: "render-timeout", Usage: "the processor `TIME` that rendering one unit may take (default 4s)", EnvVars: []string{"SCANTLING_RENDER_TIMEOUT"}},
		&cli.StringSliceFlag{Name: "limit", Usage: "change a limit, `NAME=VALUE`; docs/configuration.md lists them; may be repeated", EnvVars: []string{"SCANTLING_LIMIT"}},
		&cli.BoolFlag{Name: "decrypt", Usage: "read what SOPS encrypted with the age key in SOPS_AGE_KEY_FILE or SOPS_AGE_KEY, in memory only, to render what depends on it", EnvVars: []string{"SCANTLING_DECRYPT"}},
		&cli.StringFlag{Name: "kube-version", Usage: "the Kubernetes `VERSION` that charts are rendered for", EnvVars: []string{"SCANTLING_KUBE_VERSION"}},
	}
}

// open finds the repository that the arguments lie in: that of the first one,
// or of the working folder. Arguments of two repositories are refused.
func open(c *cli.Context) (*workspace, error) { return openPaths(c, c.Args().Slice()) }

// openPaths is open for arguments of which some are no paths.
func openPaths(c *cli.Context, args []string) (*workspace, error) {
	dir := "."
	if len(args) > 0 {
		dir = folderOf(args[0])
	}
	repo, err := source.Open(dir)
	if err != nil {
		return nil, err
	}
	if len(args) > 0 && !hasGit(repo) && below(".", args[0]) {
		// Without git, what a folder below is part of is not to be seen there.
		if repo, err = source.Open("."); err != nil {
			return nil, err
		}
	}
	w := &workspace{repo: repo, tree: repo.Worktree()}
	if c.Bool("staged") {
		if w.tree, err = stagedTree(repo); err != nil {
			return nil, fmt.Errorf("--staged: %w", err)
		}
	}
	for _, arg := range args {
		rel, err := inRepository(repo.Root(), arg)
		if err != nil {
			return nil, err
		}
		if _, err := w.tree.Stat(rel); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				if c.Bool("staged") {
					return nil, fmt.Errorf("%s is not staged: add it with git, or leave out --staged", arg)
				}
				return nil, fmt.Errorf("%s does not exist", arg)
			}
			return nil, fmt.Errorf("can't look at %s: %w", arg, err)
		}
		w.paths = append(w.paths, rel)
	}
	if len(args) == 0 && repo.Prefix() != "." {
		w.paths = []string{repo.Prefix()}
	}
	if len(w.paths) == 1 && w.paths[0] == "." {
		w.paths = nil
	}
	if w.config, err = w.readConfig(c); err != nil {
		return nil, err
	}
	if names := c.StringSlice("profile"); len(names) > 0 {
		if w.config.Profiles, err = profiles(names); err != nil {
			return nil, err
		}
	}
	if v := c.String("kube-version"); v != "" {
		w.config.KubeVersion = v
		for i := range w.config.Capabilities {
			w.config.Capabilities[i].KubeVersion = ""
		}
	}
	if err := setLimits(c, w.config); err != nil {
		return nil, err
	}
	if repo.MaxFiles != w.config.Limits.Files {
		repo.MaxFiles = w.config.Limits.Files
		if c.Bool("staged") {
			if w.tree, err = stagedTree(repo); err != nil {
				return nil, fmt.Errorf("--staged: %w", err)
			}
		}
	}
	if !c.Bool("no-worker") {
		w.workers = render.NewWorkers(0, w.config.Limits)
	}
	if w.store, err = openStore(w.tree); err != nil {
		return nil, err
	}
	if c.Bool("decrypt") {
		if w.keys, err = readKeys(); err != nil {
			return nil, fmt.Errorf("--decrypt: %w", err)
		}
	}
	w.cache = openCache(c, repo)
	if text := c.String("shard"); text != "" {
		if w.shard, err = parseShard(text); err != nil {
			return nil, err
		}
	}
	w.memory = w.newMemory(c, c.String("base") != "" || c.String("base-tree") != "" || w.shard != nil || c.Bool("changed") || c.Command.Name == "merge")
	return w, nil
}

// stagedTree is what a commit would take. To its hooks git names the index that it
// makes a commit of.
func stagedTree(repo *source.Repository) (source.Tree, error) {
	index, err := repo.HookIndex(os.Getenv)
	if err != nil {
		return nil, err
	}
	return repo.Index(index)
}

// readKeys reads the age keys where sops has them.
func readKeys() (*sops.Keys, error) {
	if text := os.Getenv("SOPS_AGE_KEY"); text != "" {
		keys, err := sops.ReadKeys([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("reading SOPS_AGE_KEY: %w", err)
		}
		return keys, nil
	}
	name := os.Getenv("SOPS_AGE_KEY_FILE")
	if name == "" {
		return nil, errors.New("there is no key: set SOPS_AGE_KEY_FILE to the file of an age identity")
	}
	data, err := readFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading SOPS_AGE_KEY_FILE: %w", err)
	}
	keys, err := sops.ReadKeys(data)
	if err != nil {
		return nil, fmt.Errorf("reading SOPS_AGE_KEY_FILE: %w", err)
	}
	return keys, nil
}

// openStore opens what was fetched for a tree.
func openStore(tree source.Tree) (*store.Store, error) {
	dir, err := store.DefaultCacheDir()
	if err != nil {
		// Nobody's home: there is no cache, and a vendor folder may do.
		dir = ""
	}
	return store.Open(tree, dir)
}

// source is what a tree is rendered with, from the given store.
func (w *workspace) source(s *store.Store) check.Source {
	from := check.Source{Workers: w.workers, Store: s, Remotes: w.repo.Remotes()}
	if w.keys != nil {
		from.Decrypt = w.keys.Decrypt
		from.Verify = w.keys.VerifyFile
	}
	return from
}

// setLimits changes the limits as the options say. The configuration, which a
// pull request may change, can raise them to a degree only.
func setLimits(c *cli.Context, cfg *config.Config) error {
	if d := c.Duration("render-timeout"); d > 0 {
		cfg.Limits.RenderTimeout = d
	}
	for _, option := range c.StringSlice("limit") {
		name, value, ok := strings.Cut(option, "=")
		if !ok {
			return fmt.Errorf("--limit %s: write it as NAME=VALUE, such as depth=300", option)
		}
		if err := cfg.Limits.Set(name, value); err != nil {
			return fmt.Errorf("--limit: %w", err)
		}
	}
	return nil
}

// close ends what the workspace started.
func (w *workspace) close() {
	if w.workers != nil {
		w.workers.Close()
	}
	if w.store != nil {
		_ = w.store.Close()
	}
	if w.memory != nil {
		w.memory.Save()
	}
	w.cache.Close()
}

// folderOf is a path itself if it is a folder, else the nearest folder above it
// that there is.
func folderOf(name string) string {
	for {
		info, err := statFile(name)
		above := filepath.Dir(name)
		if err == nil && info.IsDir() || above == name {
			return name
		}
		name = above
	}
}

func hasGit(repo *source.Repository) bool {
	_, err := statFile(filepath.Join(repo.Root(), ".git"))
	return err == nil
}

// below says that a path is a folder or lies in it.
func below(dir, name string) bool {
	root, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	_, err = inRepository(root, name)
	return err == nil
}

func inRepository(root, arg string) (string, error) {
	abs, err := filepath.Abs(arg)
	if err != nil {
		return "", fmt.Errorf("can't tell where %s is: %w", arg, err)
	}
	// The root has its symbolic links resolved; so must the folder that leads
	// to the argument.
	if dir, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil && abs != filepath.Dir(abs) {
		abs = filepath.Join(dir, filepath.Base(abs))
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	rel, err := filepath.Rel(root, abs)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", fmt.Errorf("%s is not in the repository %s: run scantling once for each repository", arg, root)
	}
	return path.Clean(filepath.ToSlash(rel)), nil
}

func (w *workspace) readConfig(c *cli.Context) (*config.Config, error) {
	rules := check.Rules()
	if c.Bool("no-config") {
		return config.Default(), nil
	}
	if name := c.String("config"); name != "" {
		data, err := w.readConfigFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading the configuration: %w", err)
		}
		w.configText = data
		return config.Parse(data, rules)
	}
	w.ownConfig = true
	data, err := w.tree.ReadFile(config.File)
	if errors.Is(err, fs.ErrNotExist) {
		return config.Default(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	w.configText = data
	return config.Parse(data, rules)
}

// configOf is the configuration that a tree of the past had. What can't be read had
// no effect.
func (w *workspace) configOf(tree source.Tree) *config.Config {
	if !w.ownConfig {
		return w.config
	}
	data, err := tree.ReadFile(config.File)
	if err != nil {
		return config.Default()
	}
	c, err := config.Parse(data, check.Rules())
	if err != nil {
		return config.Default()
	}
	return c
}

// readConfigFile reads the file that --config names: in the repository as all of
// it is read, so that a link which a pull request put there leads nowhere.
func (w *workspace) readConfigFile(name string) ([]byte, error) {
	if rel, err := inRepository(w.repo.Root(), name); err == nil {
		return w.tree.ReadFile(rel)
	}
	return readFile(name)
}

// check runs the rules over a tree: the workspace's own, or a base that it is
// compared with, which is rendered with what its own lock says. base is the one
// that the tree will be compared with; nil for none.
func (w *workspace) check(ctx context.Context, tree, base source.Tree) (*check.Outcome, error) {
	kept := w.store
	if tree != w.tree {
		var err error
		if kept, err = openStore(tree); err != nil {
			return nil, err
		}
		defer func() { _ = kept.Close() }()
	}
	from := w.source(kept)
	if from.Base = base; base != nil && w.since != "" {
		from.History = func() (*source.History, error) { return w.repo.History(w.since) }
	}
	from.Memory, from.Shard = w.memory, w.shard
	if base != nil {
		head, _ := w.repo.MergeBase("HEAD")
		from.HistoryID = head + " " + w.since
	}
	if w.watch == nil {
		return check.Tree(ctx, tree, w.config, from, w.paths)
	}
	from.Rendered = w.watch.rendered(tree)
	outcome, err := check.Tree(ctx, tree, w.config, from, w.paths)
	if err != nil {
		return nil, err
	}
	w.watch.checked(tree, outcome)
	return outcome, nil
}

// failOn is the severity from which findings fail the run; nil for none.
func failOn(c *cli.Context, configured *lint.Severity) (*lint.Severity, error) {
	switch name := c.String("fail-on"); name {
	case "":
		return configured, nil
	case "none":
		return nil, nil
	default:
		s, err := lint.ParseSeverity(name)
		if err != nil {
			return nil, fmt.Errorf("--fail-on: %w, or none%s", err, suggestion(name, append(lint.SeverityNames(), "none")))
		}
		return &s, nil
	}
}

// profiles reads the names that --profile was given.
func profiles(names []string) ([]lint.Profile, error) {
	var all []lint.Profile
	for _, name := range names {
		p, err := lint.ParseProfile(name)
		if err != nil {
			return nil, fmt.Errorf("--profile: %w", err)
		}
		all = append(all, p)
	}
	return all, nil
}
