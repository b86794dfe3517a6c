package fetch_test

import (
	"fmt"
	"io"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/fetch"
	"github.com/scantling-dev/scantling/internal/store"
)

// gitSite serves a repository over http with git's own program.
func gitSite(t *testing.T) (url, dir string) {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git")
	}
	path, err := exec.Command(git, "--exec-path").Output()
	check(t, err)
	backend := filepath.Join(strings.TrimSpace(string(path)), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Skip("there is no git-http-backend")
	}
	root := t.TempDir()
	s := httptest.NewServer(&cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + root}, Stderr: io.Discard})
	t.Cleanup(s.Close)
	return s.URL + "/repo", filepath.Join(root, "repo")
}

func runGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestGit(t *testing.T) {
	alone(t)
	url, dir := gitSite(t)
	b := newBench(t)
	check(t, os.MkdirAll(filepath.Join(dir, "apps/web"), 0o755))
	runGit(t, dir, "init", "-q")
	var commits []string
	for i, tag := range []string{"v1.0.0", "v1.1.0", ""} {
		check(t, os.WriteFile(filepath.Join(dir, "apps/web/a.yaml"), fmt.Appendf(nil, "%skind: V%d\n", strings.Repeat("# the same\n", 500), i), 0o644))
		if i == 0 {
			check(t, os.Symlink("apps/web", filepath.Join(dir, "link")))
			check(t, os.Symlink("../../etc", filepath.Join(dir, "out")))
		}
		runGit(t, dir, "add", ".")
		runGit(t, dir, "commit", "-q", "-m", "x")
		commits = append(commits, runGit(t, dir, "rev-parse", "HEAD"))
		if tag != "" {
			runGit(t, dir, "tag", "-a", "-m", "x", tag)
		}
	}
	runGit(t, dir, "branch", "old", commits[1])
	runGit(t, dir, "repack", "-adfq")
	at := func(version string) store.Request { return store.Request{Kind: store.Git, URL: url, Version: version} }
	for version, want := range map[string]int{
		"": 2, "main": 2, "refs/heads/main": 2, "old": 1, "v1.0.0": 0, "refs/tags/v1.1.0": 1, "semver:1.0.x": 0, "semver:>=1.0.0": 1,
		commits[2]: 2, commits[1]: 1, commits[0]: 0,
	} {
		r := b.one(at(version))
		if r.Err != nil || r.Entry.Resolved != commits[want] || r.Entry.FetchedFrom != url {
			t.Errorf("%q: %+v", version, r)
			continue
		}
		if got := b.read(at(version), "link/a.yaml"); !strings.HasSuffix(got, fmt.Sprintf("kind: V%d\n", want)) {
			t.Errorf("%q: %q", version, got)
		}
		pinned := b.fetch(fetch.Source{Request: at(version), Pinned: &r.Entry})[0]
		if pinned.Err != nil || pinned.Entry != r.Entry {
			t.Errorf("%q pinned: %+v", version, pinned)
		}
	}
	if got := b.read(at("main"), "out/passwd"); !strings.Contains(got, store.ErrOutside.Error()) {
		t.Error(got)
	}
	// The parent of a branch, which no reference names any more, by its hash.
	runGit(t, dir, "commit", "-q", "--allow-empty", "-m", "x")
	if r := b.one(at(commits[2])); r.Err != nil || r.Entry.Resolved != commits[2] {
		t.Errorf("%+v", r)
	}
	runGit(t, dir, "config", "uploadpack.allowReachableSHA1InWant", "true")
	if r := b.one(at(commits[2])); r.Err != nil || r.Entry.Resolved != commits[2] {
		t.Errorf("%+v", r)
	}
	refused(t, b.one(at("nothing")), `no branch or tag "nothing"`)
	refused(t, b.one(at(commits[0][:10])), "all its 40 digits")
	refused(t, b.one(at(strings.Repeat("12345678", 5))), "")
	refused(t, b.one(at("semver:>=7")), "no version that fits")
	refused(t, b.one(store.Request{Kind: store.Git, URL: url + "-not"}), "")

	check(t, os.WriteFile(filepath.Join(dir, "bad\x1bname"), nil, 0o644))
	runGit(t, dir, "add", ".")
	runGit(t, dir, "commit", "-q", "-m", "x")
	refused(t, b.one(at("main")), "control character")
}
