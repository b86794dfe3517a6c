package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/scantling-dev/scantling/internal/cache"
	"github.com/scantling-dev/scantling/internal/report"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/urfave/cli/v2"
)

func cacheCommand() *cli.Command {
	return &cli.Command{
		Name:  "cache",
		Usage: "look at or empty what is kept between runs",
		Description: `What one run found is kept for the next in the folder that SCANTLING_CACHE names,
by default below the user's own folder for caches. What scantling fetch downloaded
is kept elsewhere, and not touched by this command.`,
		Subcommands: []*cli.Command{{
			Name:  "stats",
			Usage: "say where the cache is and how large",
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "json", Usage: "print JSON", EnvVars: []string{"SCANTLING_JSON"}},
			},
			Action: func(c *cli.Context) error {
				stats, err := cacheStats(c)
				if err != nil {
					return err
				}
				if c.Bool("json") {
					return printCacheJSON(c, stats)
				}
				return printCache(c, stats)
			},
		}, {
			Name:   "clear",
			Usage:  "remove what is in the cache",
			Action: clearCache,
		}},
		Action: func(*cli.Context) error {
			return errors.New("cache needs a command: stats or clear")
		},
	}
}

// userCache opens the user's cache for the commands about it.
func userCache(c *cli.Context) (*cache.Cache, error) {
	if c.NArg() > 0 {
		return nil, fmt.Errorf("%s takes no paths: there is one cache for all repositories", c.Command.HelpName)
	}
	dir, err := cache.DefaultDir()
	if err != nil {
		return nil, err
	}
	return cache.Open(dir, 0), nil
}

func cacheStats(c *cli.Context) (cache.Stats, error) {
	kept, err := userCache(c)
	if err != nil {
		return cache.Stats{}, err
	}
	defer kept.Close()
	return kept.Stats()
}

func printCache(c *cli.Context, s cache.Stats) error {
	t := tabwriter.NewWriter(c.App.Writer, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "folder\t%s\n", report.Line(s.Dir))
	if s.Refused != nil {
		fmt.Fprintf(t, "not used\t%s\n", report.Message(s.Refused.Error()))
		return t.Flush()
	}
	fmt.Fprintf(t, "size\t%s of at most %s\n", sizeText(s.Bytes), sizeText(s.MaxSize))
	fmt.Fprintf(t, "entries\t%d\n", s.Entries)
	for _, k := range s.Kinds {
		if k.Entries > 0 {
			fmt.Fprintf(t, "  %s\t%d\t%s\n", k.Kind, k.Entries, sizeText(k.Bytes))
		}
	}
	if s.Entries > 0 {
		const minute = "2006-01-02 15:04"
		fmt.Fprintf(t, "last used\t%s to %s\n", s.Oldest.Format(minute), s.Newest.Format(minute))
	}
	return t.Flush()
}

func printCacheJSON(c *cli.Context, s cache.Stats) error {
	type kind struct {
		Kind    cache.Kind `json:"kind"`
		Entries int        `json:"entries"`
		Bytes   int64      `json:"bytes"`
	}
	out := struct {
		Folder   string     `json:"folder"`
		NotUsed  string     `json:"notUsed,omitempty"`
		Entries  int        `json:"entries"`
		Bytes    int64      `json:"bytes"`
		MaxBytes int64      `json:"maxBytes"`
		Oldest   *time.Time `json:"oldest,omitempty"`
		Newest   *time.Time `json:"newest,omitempty"`
		Kinds    []kind     `json:"kinds"`
	}{Folder: s.Dir, Entries: s.Entries, Bytes: s.Bytes, MaxBytes: s.MaxSize, Kinds: []kind{}}
	if s.Refused != nil {
		out.NotUsed = s.Refused.Error()
	}
	if s.Entries > 0 {
		out.Oldest, out.Newest = new(s.Oldest.UTC()), new(s.Newest.UTC())
	}
	for _, k := range s.Kinds {
		out.Kinds = append(out.Kinds, kind(k))
	}
	return printJSON(c, out)
}

func clearCache(c *cli.Context) error {
	kept, err := userCache(c)
	if err != nil {
		return err
	}
	defer kept.Close()
	before, err := kept.Stats()
	if err != nil {
		return err
	}
	if err := kept.Clear(); err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "removed %d entries (%s) from %s\n", before.Entries, sizeText(before.Bytes), report.Line(before.Dir))
	return nil
}

// openCache opens the cache for a run over a repository; nil for none. A run is as
// good without one: that it can't be used is said, and no error.
func openCache(c *cli.Context, repo *source.Repository) *cache.Cache {
	// What was decrypted must not reach the disk in any form.
	if c.Bool("no-cache") || c.Bool("decrypt") {
		return nil
	}
	dir, err := cache.DefaultDir()
	if err != nil {
		return nil // nobody's home
	}
	if err := planted(repo, dir); err != nil {
		fmt.Fprintf(c.App.ErrWriter, "scantling: the cache %s is not used: %s\n", report.Line(dir), report.Message(err.Error()))
		return nil
	}
	return cache.Open(dir, 0)
}

// planted says why a cache's folder may hold what the repository's authors wrote.
// Pipelines may keep it in the work tree (GitLab's can keep nothing else), but then
// it must not be what a pull request checked in, nor lead through that.
func planted(repo *source.Repository, dir string) error {
	root := repo.Root()
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	var index source.Tree
	look := func(name string) error {
		if !inside(root, name) {
			return nil
		}
		if index == nil {
			if err := repo.Git(); err != nil {
				return errors.New("it lies in the folder that is checked, which is no git repository that would tell whose it is: set SCANTLING_CACHE to a folder elsewhere")
			}
			var err error
			if index, err = repo.Index(""); err != nil {
				return fmt.Errorf("it lies in the repository, and what is checked in there can't be read: %w", err)
			}
		}
		if checkedIn(index, root, name) {
			return errors.New("it is checked in, so that whoever writes to the repository could say what is found in it: remove it with git rm, or set SCANTLING_CACHE to a folder elsewhere")
		}
		return nil
	}
	volume := filepath.VolumeName(dir)
	at := volume + string(filepath.Separator)
	for element := range strings.SplitSeq(strings.Trim(dir[len(volume):], string(filepath.Separator)), string(filepath.Separator)) {
		next := filepath.Join(at, element)
		if inside(root, at) {
			if err := look(next); err != nil {
				return err
			}
		}
		if at = next; isLink(next) {
			if real, err := filepath.EvalSymlinks(next); err == nil {
				at = real
			}
		}
	}
	return look(at)
}

func isLink(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// checkedIn says that a path below the root is in the index or in a repository of
// its own, or is a file's there. Names are compared as the file system does, which
// may take README and readme for one.
func checkedIn(index source.Tree, root, name string) bool {
	rel, err := filepath.Rel(root, name)
	if err != nil || rel == "." {
		return true
	}
	folder := "."
	for element := range strings.SplitSeq(filepath.ToSlash(rel), "/") {
		disk := filepath.Join(root, filepath.FromSlash(folder), element)
		info, err := os.Lstat(disk)
		if err != nil {
			return false
		}
		if _, err := os.Lstat(filepath.Join(disk, ".git")); err == nil {
			return true
		}
		entries, err := index.ReadDir(folder)
		if err != nil {
			return true
		}
		entry := sameEntry(entries, filepath.Dir(disk), info)
		if entry == nil {
			return false
		}
		if !entry.IsDir() {
			return true
		}
		folder = path.Join(folder, entry.Name())
	}
	return true
}

// sameEntry finds the entry that is the given file on the disk.
func sameEntry(entries []fs.DirEntry, dir string, file fs.FileInfo) fs.DirEntry {
	for _, e := range entries {
		if info, err := os.Lstat(filepath.Join(dir, e.Name())); err == nil && os.SameFile(info, file) {
			return e
		}
	}
	return nil
}
