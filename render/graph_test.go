package render

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/internal/store"
)

// TestGraph renders whole repositories, testdata/graph/*.txtar, and compares
// what was found, where it leads and what it gives with the file "want": a line
// for each unit, a line with "!" for each problem, and a line with "=" for each
// entry of a ConfigMap whose name begins with "probe".
func TestGraph(t *testing.T) {
	golden(t, "graph", func(t *testing.T, archive *txtar.Archive) string {
		kept := func(f txtar.File) bool { return strings.HasPrefix(f.Name, "kept/") }
		dir := unpack(t, &txtar.Archive{Files: slices.DeleteFunc(slices.Clone(archive.Files), kept)})
		opts := graphOptions(t, string(archive.Comment))
		opts.Store = graphStore(t, archive)
		got := describeGraph(t, dir, opts)
		for range 3 {
			// The order in which units end decides nothing.
			opts.Parallel = 8
			if again := describeGraph(t, dir, opts); again != got {
				t.Fatalf("the same repository gave another result:\n%s", again)
			}
		}
		return got
	})
}

// graphStore keeps what lines of "kept: KIND URL VERSION FOLDER" of a case's
// comment say was fetched: the files below kept/FOLDER.
func graphStore(t *testing.T, archive *txtar.Archive) *store.Store {
	cacheDir := t.TempDir()
	cache, err := store.OpenCache(cacheDir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cache.Close() }()
	lock := &store.Lock{}
	for line := range strings.Lines(string(archive.Comment)) {
		words := strings.Fields(line)
		if len(words) != 5 || words[0] != "kept:" {
			continue
		}
		folder := cache.NewFolder()
		for _, f := range archive.Files {
			if name, ok := strings.CutPrefix(f.Name, "kept/"+words[4]+"/"); ok {
				if err := folder.File(name, int64(len(f.Data)), bytes.NewReader(f.Data)); err != nil {
					t.Fatal(err)
				}
			}
		}
		digest, _, err := folder.Done()
		if err != nil {
			t.Fatal(err)
		}
		lock.Set(store.Entry{Request: store.Request{Kind: store.Kind(words[1]), URL: words[2], Version: words[3]}, Resolved: "v1", Digest: digest})
	}
	kept, err := store.New(nil, lock, cacheDir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	return kept
}

// graphOptions reads options from a case's comment: lines of "remote URL" and
// "cluster NAME SERVER KEY=LABEL".
func graphOptions(t *testing.T, comment string) Options {
	var opts Options
	for _, line := range strings.Split(comment, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 2 && words[0] == "remote:":
			opts.Remotes = append(opts.Remotes, words[1])
		case len(words) == 4 && words[0] == "cluster:":
			key, value, ok := strings.Cut(words[3], "=")
			if !ok {
				t.Fatalf("%q: a label is KEY=VALUE", line)
			}
			opts.Clusters = append(opts.Clusters, Cluster{Name: words[1], Server: words[2], Labels: map[string]string{key: value}})
		}
	}
	return opts
}

func describeGraph(t *testing.T, dir string, opts Options) string {
	repo, err := source.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(repo.Worktree(), opts)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	lines := map[string][]string{}
	graph, err := r.Run(context.Background(), nil, func(res *Result) {
		mu.Lock()
		defer mu.Unlock()
		id := string(res.Unit.Kind) + res.Unit.ID()
		for _, p := range res.Problems {
			needs := ""
			if p.Needs.Kind != "" {
				needs = " [" + p.Needs.String() + "]"
			}
			lines[id] = append(lines[id], fmt.Sprintf("  ! %s %s:%d %s%s", p.Class, p.At.File, p.At.Line, p.Message, needs))
		}
		for _, o := range res.Objects {
			if strings.HasPrefix(o.Name, "probe") {
				data := val{o.Node}.at("data").pairs()
				for _, key := range sortedKeys(data) {
					lines[id] = append(lines[id], fmt.Sprintf("  = %s %s %s:%d", o.ID(), key+"="+data[key], o.Origin.File, o.Origin.Line))
				}
			}
		}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, u := range graph.Units {
		fmt.Fprintf(&out, "%s %s %d %s", u.Kind, u.Status, u.Objects, u.ID())
		if u.Parent != nil {
			fmt.Fprintf(&out, " <- %s", u.Parent.ID())
		}
		out.WriteByte('\n')
		list := lines[string(u.Kind)+u.ID()]
		slices.Sort(list)
		for _, l := range list {
			out.WriteString(l + "\n")
		}
	}
	return out.String()
}
