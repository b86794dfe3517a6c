package source

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// changesOf are the changes of a history by commit, each as NAME@BLOB.
func changesOf(h *History) map[string][]string {
	all := map[string][]string{}
	for _, c := range h.Commits {
		all[c.Hash] = []string{}
		for _, change := range c.Changes {
			all[c.Hash] = append(all[c.Hash], change.Name+"@"+string(change.Digest))
		}
	}
	return all
}

// gitChanges is what the real git says of the same range, and the parents of each
// commit of it.
func gitChanges(t *testing.T, dir, base string) (changes map[string][]string, parents map[string][]string) {
	t.Helper()
	changes, parents = map[string][]string{}, map[string][]string{}
	var hashes strings.Builder
	for l := range strings.Lines(git(t, dir, "rev-list", "--parents", base+"..HEAD")) {
		ids := strings.Fields(l)
		changes[ids[0]], parents[ids[0]] = []string{}, ids[1:]
		fmt.Fprintln(&hashes, ids[0])
	}
	// With -c, a merge lists what differs from every parent.
	out, err := gitTry(t, dir, []byte(hashes.String()), nil, "diff-tree", "--stdin", "-r", "-c", "--root", "--no-renames", "--raw", "--no-abbrev")
	if err != nil {
		t.Fatal(err)
	}
	hash := ""
	for l := range strings.Lines(out) {
		about, name, ok := strings.Cut(strings.TrimSuffix(l, "\n"), "\t")
		if !ok {
			hash = about
			continue
		}
		n := strings.IndexFunc(about, func(r rune) bool { return r != ':' })
		fields := strings.Fields(about[n:])
		modes, blobs := fields[:n+1], fields[n+1:2*n+2]
		same := !strings.HasPrefix(modes[n], "100")
		for p := range n {
			same = same || blobs[p] == blobs[n] && strings.HasPrefix(modes[p], "100")
		}
		if !same {
			changes[hash] = append(changes[hash], name+"@"+blobs[n])
		}
	}
	for _, names := range changes {
		slices.Sort(names)
	}
	return changes, parents
}

func historyOf(t *testing.T, dir, base string) *History {
	t.Helper()
	h, err := open(t, dir).History(base)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// sameHistory compares with git, and checks that no commit stands before one of
// its parents.
func sameHistory(t *testing.T, dir, base string) *History {
	t.Helper()
	h := historyOf(t, dir, base)
	got := changesOf(h)
	want, parents := gitChanges(t, dir, base)
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("since %s:\n%v, want\n%v", base, got, want)
	}
	seen := map[string]bool{}
	for _, c := range h.Commits {
		if c.Err != nil {
			t.Errorf("%s: %v", c.Hash, c.Err)
		}
		for _, p := range parents[c.Hash] {
			if _, inRange := got[p]; inRange && !seen[p] {
				t.Errorf("%s stands before its parent %s", c.Hash, p)
			}
		}
		seen[c.Hash] = true
	}
	return h
}

func TestHistory(t *testing.T) {
	dir := newRepo(t, map[string]string{"a": "1", "deep/er/b": "1", "gone": "1", "kept": "1"})
	base := line(t, dir, "rev-parse", "HEAD")
	write(t, dir, map[string]string{"a": "2", "deep/er/c": "new", "link": "-> a"})
	os.Remove(filepath.Join(dir, "gone"))
	commitAll(t, dir, "subject\n\nbody é")
	git(t, dir, "mv", "deep", "moved")
	os.Chmod(filepath.Join(dir, "kept"), 0o755)
	commitAll(t, dir, "moved")
	commitAll(t, dir, "empty")
	for _, state := range []string{"loose", "packed"} {
		if state == "packed" {
			git(t, dir, "repack", "-adfq")
		}
		h := sameHistory(t, dir, base)
		if len(h.Commits) != 3 || h.Incomplete != nil {
			t.Fatalf("%s: %d commits, %v", state, len(h.Commits), h.Incomplete)
		}
		if got := h.Commits[0].Message; got != "subject\n\nbody é\n" {
			t.Errorf("message %q", got)
		}
		if data, err := h.Read(h.Commits[0].Changes[1]); string(data) != "new" || err != nil {
			t.Errorf("Read = %q, %v", data, err)
		}
		if h := sameHistory(t, dir, "HEAD"); len(h.Commits) != 0 {
			t.Errorf("%s: HEAD..HEAD has %d commits", state, len(h.Commits))
		}
	}
}

// TestHistoryOfAMerge: what a merge took from either side is not its own; what it
// made of both is.
func TestHistoryOfAMerge(t *testing.T) {
	dir := newRepo(t, map[string]string{"both": "0\n", "d/ours": "0\n", "d/theirs": "0\n"})
	git(t, dir, "branch", "base")
	git(t, dir, "checkout", "-q", "-b", "side")
	write(t, dir, map[string]string{"both": "side\n", "d/theirs": "side\n"})
	commitAll(t, dir, "side")
	git(t, dir, "checkout", "-q", "main")
	write(t, dir, map[string]string{"both": "main\n", "d/ours": "main\n"})
	commitAll(t, dir, "main")
	_, _ = gitTry(t, dir, nil, nil, "merge", "-q", "side")
	write(t, dir, map[string]string{"both": "merged\n", "d/evil": "smuggled\n"})
	commitAll(t, dir, "merge")
	h := sameHistory(t, dir, "base")
	var names []string
	for _, c := range h.Commits[2].Changes {
		names = append(names, c.Name)
	}
	if !slices.Equal(names, []string{"both", "d/evil"}) {
		t.Errorf("the merge changed %q", names)
	}
	// Of the other side, only what it does not have.
	if h := sameHistory(t, dir, "side"); len(h.Commits) != 2 {
		t.Errorf("%d commits since side", len(h.Commits))
	}
}

// TestHistoryLikeGit makes repositories at random, with merges, unrelated
// histories and wrong clocks, and asks git what is right.
func TestHistoryLikeGit(t *testing.T) {
	const commits = 40
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 7))
		dir := tempDir(t)
		git(t, dir, "init", "-q")
		var in strings.Builder
		for i := 1; i <= commits; i++ {
			fmt.Fprintf(&in, "commit refs/tags/c%d\nmark :%d\ncommitter a <a@example.org> %d +0000\ndata 1\nx\n", i, i, 1700000000+i+random.IntN(60)-30)
			if i > 1 && random.IntN(8) > 0 {
				parents := random.Perm(i - 1)
				fmt.Fprintf(&in, "from :%d\n", parents[0]+1)
				for _, p := range parents[1:min(len(parents), 1+random.IntN(3))] {
					fmt.Fprintf(&in, "merge :%d\n", p+1)
				}
			}
			for range 1 + random.IntN(4) {
				fmt.Fprintf(&in, "M 100644 inline d%d/f%d\ndata 1\n%d\n", random.IntN(3), random.IntN(3), random.IntN(4))
			}
		}
		if _, err := gitTry(t, dir, []byte(in.String()), nil, "fast-import", "--quiet"); err != nil {
			t.Fatal(err)
		}
		for range 6 {
			git(t, dir, "update-ref", "--no-deref", "HEAD", fmt.Sprintf("refs/tags/c%d", 1+random.IntN(commits)))
			sameHistory(t, dir, fmt.Sprintf("c%d", 1+random.IntN(commits)))
		}
	}
}

// TestHistoryThatIsNotHere: what can't be read is said, with what to do, and the
// rest is read.
func TestHistoryThatIsNotHere(t *testing.T) {
	origin := newRepo(t, map[string]string{"a": "0"})
	git(t, origin, "branch", "base")
	for i := range 4 {
		write(t, origin, map[string]string{"a": fmt.Sprint("change ", i), "d/b": fmt.Sprint(i)})
		commitAll(t, origin, fmt.Sprint(i))
	}

	t.Run("shallow", func(t *testing.T) {
		dir := filepath.Join(tempDir(t), "clone")
		git(t, origin, "clone", "-q", "--depth=2", "--no-single-branch", "file://"+origin, dir)
		h := historyOf(t, dir, "origin/base")
		if len(h.Commits) != 2 || h.Commits[0].Err == nil || h.Commits[1].Err != nil || len(h.Commits[1].Changes) != 2 {
			t.Fatalf("%+v", h.Commits)
		}
		if got := h.Commits[0].Err.Error(); !strings.Contains(got, "git fetch --unshallow") || !strings.Contains(got, "fetch-depth: 0") {
			t.Errorf("error %q does not say what to do", got)
		}
	})
	t.Run("folder gone", func(t *testing.T) {
		dir := filepath.Join(tempDir(t), "clone")
		git(t, origin, "clone", "-q", "--no-hardlinks", "--no-local", origin, dir)
		pack, _ := filepath.Glob(filepath.Join(dir, ".git/objects/pack/*.pack"))
		data, err := os.ReadFile(pack[0])
		if err != nil {
			t.Fatal(err)
		}
		files, _ := filepath.Glob(filepath.Join(dir, ".git/objects/pack/*"))
		for _, f := range files {
			os.Remove(f)
		}
		if _, err := gitTry(t, dir, data, nil, "unpack-objects", "-q"); err != nil {
			t.Fatal(err)
		}
		id := line(t, dir, "rev-parse", "HEAD~1:d")
		if err := os.Remove(filepath.Join(dir, ".git/objects", id[:2], id[2:])); err != nil {
			t.Fatal(err)
		}
		h := historyOf(t, dir, "origin/base")
		if len(h.Commits) != 4 {
			t.Fatalf("%d commits", len(h.Commits))
		}
		for i, wrong := range []bool{false, false, true, true} {
			if err := h.Commits[i].Err; (err != nil) != wrong || wrong && !strings.Contains(err.Error(), id) {
				t.Errorf("commit %d: %v", i, err)
			}
			if len(h.Commits[i].Changes) == 0 {
				t.Errorf("commit %d: nothing of it was read", i)
			}
		}
	})
	t.Run("commit gone", func(t *testing.T) {
		dir := filepath.Join(tempDir(t), "clone")
		git(t, origin, "clone", "-q", "--no-hardlinks", origin, dir)
		id := line(t, dir, "rev-parse", "HEAD~1")
		if err := os.Remove(filepath.Join(dir, ".git/objects", id[:2], id[2:])); err != nil {
			t.Fatal(err)
		}
		h := historyOf(t, dir, "origin/base")
		if len(h.Commits) != 1 || h.Commits[0].Err == nil || !strings.Contains(h.Commits[0].Err.Error(), id) {
			t.Errorf("%+v", h.Commits)
		}
	})
	t.Run("no such base", func(t *testing.T) {
		if _, err := open(t, origin).History("nowhere"); err == nil || !strings.Contains(err.Error(), "nowhere") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("no git", func(t *testing.T) {
		if _, err := open(t, tempDir(t)).History("main"); err == nil {
			t.Error("no error")
		}
	})
}

// TestHistoryIsBounded: a few objects name more files than can be looked at.
func TestHistoryIsBounded(t *testing.T) {
	dir := newRepo(t, map[string]string{"a": "0"})
	base := line(t, dir, "rev-parse", "HEAD")
	blob, err := gitTry(t, dir, []byte("x"), nil, "hash-object", "-w", "--stdin")
	if err != nil {
		t.Fatal(err)
	}
	entry, id := "100644 blob", strings.TrimSpace(blob)
	for range 12 {
		var list strings.Builder
		for i := range 10 {
			fmt.Fprintf(&list, "%s %s\t%d\n", entry, id, i)
		}
		tree, err := gitTry(t, dir, []byte(list.String()), nil, "mktree")
		if err != nil {
			t.Fatal(err)
		}
		entry, id = "040000 tree", strings.TrimSpace(tree)
	}
	bomb := line(t, dir, "commit-tree", "-m", "bomb", "-p", base, id)
	git(t, dir, "update-ref", "HEAD", bomb)
	h := historyOf(t, dir, base)
	if len(h.Commits) != 1 || h.Commits[0].Err == nil || !strings.Contains(h.Commits[0].Err.Error(), "too many files") {
		t.Errorf("%v", h.Commits[0].Err)
	}
}
