package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/fetch"
	"github.com/scantling-dev/scantling/internal/report"
	"github.com/scantling-dev/scantling/internal/store"
	"github.com/urfave/cli/v2"
)

func fetchCommand() *cli.Command {
	return &cli.Command{
		Name:      "fetch",
		Usage:     "download the charts, repositories and artifacts that the repository deploys from elsewhere",
		ArgsUsage: "[path ...]",
		Description: `The one command that uses the network. What it downloads is kept in a cache, or
with --vendor in the repository, and .scantling.lock says what it was, so that
all other commands render it without the network.`,
		Flags: append(inputFlags(),
			&cli.StringFlag{Name: "vendor", Usage: "keep what is downloaded in the folder `DIR` of the repository; the lock remembers it", EnvVars: []string{"SCANTLING_VENDOR"}},
			&cli.BoolFlag{Name: "update", Usage: "look for newer versions in place of those in the lock", EnvVars: []string{"SCANTLING_UPDATE"}},
			&cli.BoolFlag{Name: "list", Usage: "list what is needed and whether it is there, without the network", EnvVars: []string{"SCANTLING_LIST"}},
			&cli.BoolFlag{Name: "allow-private", Usage: "also connect to loopback and private addresses, which whoever writes to the repository can then make this machine ask", EnvVars: []string{"SCANTLING_ALLOW_PRIVATE"}}),
		Action: func(c *cli.Context) error {
			// Rendering takes PATH away from the whole process; docker's helper
			// programs for credentials are looked for on it.
			path := os.Getenv("PATH")
			w, err := open(c)
			if err != nil {
				return err
			}
			defer w.close()
			return newFetching(c, w, path).run(c.Context)
		},
	}
}

// fetching is one run of the command.
type fetching struct {
	c        *cli.Context
	w        *workspace
	path     string // PATH as it was
	cacheDir string
	lock     *store.Lock
	update   bool

	tried  map[string]fetch.Result // by the request's ID
	failed int
}

func newFetching(c *cli.Context, w *workspace, path string) *fetching {
	kept := w.store.Lock()
	return &fetching{
		c: c, w: w, path: path,
		lock:   &store.Lock{Vendor: kept.Vendor, Entries: slices.Clone(kept.Entries)},
		update: c.Bool("update"),
		tried:  map[string]fetch.Result{},
	}
}

// maxRounds bounds how often what was fetched may ask for more.
const maxRounds = 10

func (f *fetching) run(ctx context.Context) error {
	var err error
	if f.cacheDir, err = store.DefaultCacheDir(); err != nil {
		return err
	}
	if err := f.chooseVendor(); err != nil {
		return err
	}
	if f.c.Bool("list") {
		n, err := f.look(ctx)
		if err != nil {
			return err
		}
		defer n.close()
		return n.print(f.c.App.Writer)
	}
	n, err := f.rounds(ctx)
	if err != nil {
		return err
	}
	defer n.close()
	if err := f.finish(n); err != nil {
		return err
	}
	if f.failed > 0 {
		return &exitError{code: exitFindings}
	}
	return nil
}

// chooseVendor is the vendor folder that the option names.
func (f *fetching) chooseVendor() error {
	if !f.c.IsSet("vendor") {
		return nil
	}
	// The option is relative to the working folder, as every path is.
	rel, err := inRepository(f.w.repo.Root(), f.c.String("vendor"))
	if err == nil {
		err = store.VendorFolder(rel)
	}
	if err != nil {
		return fmt.Errorf("--vendor: %w", err)
	}
	if rel != f.lock.Vendor {
		for i := range f.lock.Entries {
			f.lock.Entries[i].Vendored = ""
		}
	}
	f.lock.Vendor = rel
	return nil
}

// needs is what the repository asks of a store.
type needs struct {
	store   *store.Store
	missing map[string]store.Request
	kept    map[string]store.Entry
}

func (n *needs) close() { _ = n.store.Close() }

// look renders the repository with what is there.
func (f *fetching) look(ctx context.Context) (*needs, error) {
	// A tree that was listed does not see what was fetched since.
	f.w.tree = f.w.repo.Worktree()
	s, err := store.New(f.w.tree, f.lock, f.cacheDir)
	if err != nil {
		return nil, err
	}
	outcome, err := check.Units(ctx, f.w.tree, f.w.config, f.w.source(s), f.w.paths)
	if err != nil {
		return nil, err
	}
	n := &needs{store: s, missing: map[string]store.Request{}}
	for _, q := range outcome.Needs() {
		n.missing[q.ID()] = q
	}
	n.kept = s.Used()
	for id := range n.kept {
		// What is there for one unit is there for all.
		delete(n.missing, id)
	}
	return n, nil
}

// rounds fetches until nothing more is asked for: a chart or a base that was
// fetched may ask for others.
func (f *fetching) rounds(ctx context.Context) (*needs, error) {
	cache, err := store.OpenCache(f.cacheDir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = cache.Close() }()
	for range maxRounds {
		n, err := f.look(ctx)
		if err != nil {
			return nil, err
		}
		todo := f.todo(n)
		if len(todo) == 0 {
			return n, nil
		}
		n.close()
		f.download(ctx, cache, todo)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("what was fetched asked for more %d times: the repository may deploy itself by another name", maxRounds)
}

// todo are the sources to fetch, in order.
func (f *fetching) todo(n *needs) []fetch.Source {
	want := maps.Clone(n.missing)
	for id, e := range n.kept {
		if f.update || n.store.Verify(e.Request) != nil {
			want[id] = e.Request
		}
	}
	var todo []fetch.Source
	for id, r := range want {
		if _, tried := f.tried[id]; tried {
			continue
		}
		s := fetch.Source{Request: r}
		if e, ok := f.lock.Find(id); ok && !f.update {
			s.Pinned = &e
		}
		todo = append(todo, s)
	}
	slices.SortFunc(todo, func(a, b fetch.Source) int { return compareRequests(a.Request, b.Request) })
	return todo
}

func compareRequests(a, b store.Request) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.URL, b.URL), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
}

func (f *fetching) download(ctx context.Context, cache *store.Cache, todo []fetch.Source) {
	fenced := os.Getenv("PATH")
	_ = os.Setenv("PATH", f.path)
	defer func() { _ = os.Setenv("PATH", fenced) }()
	fmt.Fprintf(f.c.App.ErrWriter, "scantling: fetching %d of what the repository deploys from elsewhere\n", len(todo))
	results := fetch.Fetch(ctx, todo, fetch.Options{Cache: cache, AllowPrivate: f.c.Bool("allow-private"), Done: f.progress})
	for _, r := range results {
		f.tried[r.Source.ID()] = r
		if r.Err != nil {
			f.failed++
			continue
		}
		f.lock.Set(r.Entry)
	}
}

// progress says what became of a source.
func (f *fetching) progress(r fetch.Result) {
	if r.Err != nil {
		fmt.Fprintf(f.c.App.ErrWriter, "scantling: %s\n", report.Message(r.Err.Error()))
		return
	}
	how := ""
	if r.Insecure {
		how = ", over http: anyone on the way could have changed it"
	}
	fmt.Fprintf(f.c.App.ErrWriter, "fetched %s (%s%s)\n", report.Line(exactly(r.Entry)), sizeText(r.Size), how)
}

// exactly says what a request led to.
func exactly(e store.Entry) string {
	r := e.Request
	r.Version = cmp.Or(e.Resolved, r.Version)
	return r.String()
}

func sizeText(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// finish puts what is kept into the vendor folder and writes the lock.
func (f *fetching) finish(n *needs) error {
	before := f.w.store.Lock()
	for id, e := range n.kept {
		if _, ok := f.lock.Find(id); !ok {
			f.lock.Set(e)
		}
	}
	if len(f.w.paths) == 0 && f.failed == 0 && len(n.missing) == 0 {
		f.lock.Entries = slices.DeleteFunc(f.lock.Entries, func(e store.Entry) bool {
			_, used := n.kept[e.ID()]
			return !used
		})
	}
	if err := f.vendor(n); err != nil {
		return err
	}
	if err := f.writeLock(before); err != nil {
		return err
	}
	f.leftovers(before)
	fetched := len(f.tried) - f.failed
	if len(n.kept)+len(f.tried) == 0 {
		fmt.Fprintln(f.c.App.Writer, "the repository deploys nothing from elsewhere")
		return nil
	}
	fmt.Fprintf(f.c.App.Writer, "%d fetched, %d there before, %d failed\n", fetched, f.unfetched(n), f.failed)
	return nil
}

// unfetched is how much was there and had not to be fetched.
func (f *fetching) unfetched(n *needs) int {
	count := 0
	for id := range n.kept {
		if _, tried := f.tried[id]; !tried {
			count++
		}
	}
	return count
}

// vendor copies what the lock names and the vendor folder does not have.
func (f *fetching) vendor(n *needs) error {
	if f.lock.Vendor == "" {
		return nil
	}
	root, err := os.OpenRoot(f.w.repo.Root())
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	slices.SortFunc(f.lock.Entries, func(a, b store.Entry) int { return compareRequests(a.Request, b.Request) })
	for i, e := range f.lock.Entries {
		if _, used := n.kept[e.ID()]; !used || e.Vendored != "" {
			continue
		}
		name, err := n.store.Vendor(root, f.lock.Vendor, e.Request, func(name string) bool {
			return slices.ContainsFunc(f.lock.Entries, func(o store.Entry) bool {
				return o.Vendored == name && o.Digest != e.Digest
			})
		})
		if err != nil {
			return err
		}
		f.lock.Entries[i].Vendored = name
	}
	return nil
}

// writeLock writes the lock if it says something else than before.
func (f *fetching) writeLock(before *store.Lock) error {
	data, err := f.lock.Format()
	if err != nil {
		return err
	}
	old, err := before.Format()
	if err != nil {
		return err
	}
	name, err := reportFile(f.w.repo.Root(), filepath.Join(f.w.repo.Root(), store.LockFile))
	if err != nil {
		return fmt.Errorf("writing %s: %w", store.LockFile, err)
	}
	if bytes.Equal(data, old) {
		return nil
	}
	if err := writeFile(name, data); err != nil {
		return fmt.Errorf("writing %s: %w", store.LockFile, err)
	}
	return nil
}

// leftovers names what was vendored before and is needed no more. It is not
// removed: the lock, which says where it is, may be a stranger's.
func (f *fetching) leftovers(before *store.Lock) {
	now := map[string]bool{}
	for _, e := range f.lock.Entries {
		now[f.lock.Vendor+"/"+e.Vendored] = true
	}
	for _, e := range before.Entries {
		if name := before.Vendor + "/" + e.Vendored; e.Vendored != "" && !now[name] {
			fmt.Fprintf(f.c.App.ErrWriter, "scantling: %s is no longer needed: remove it\n", report.Line(name))
		}
	}
}

// print lists what is needed.
func (n *needs) print(out io.Writer) error {
	type line struct {
		store.Request
		state string
	}
	var lines []line
	for _, r := range n.missing {
		lines = append(lines, line{r, "to fetch"})
	}
	for _, e := range n.kept {
		state := "kept"
		if err := n.store.Verify(e.Request); errors.Is(err, store.ErrChanged) {
			state = "damaged"
		}
		r := e.Request
		if e.Resolved != "" && e.Resolved != r.Version {
			r.Version = fmt.Sprintf("%s (%s)", r.Version, e.Resolved)
		}
		lines = append(lines, line{r, state})
	}
	if len(lines) == 0 {
		_, err := fmt.Fprintln(out, "the repository deploys nothing from elsewhere")
		return err
	}
	slices.SortFunc(lines, func(a, b line) int { return compareRequests(a.Request, b.Request) })
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "STATE\tKIND\tSOURCE")
	for _, l := range lines {
		fmt.Fprintf(t, "%s\t%s\t%s\n", l.state, l.Kind, report.Line(l.String()))
	}
	return t.Flush()
}
