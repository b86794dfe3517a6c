package store_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/store"
)

const someDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestLock(t *testing.T) {
	l := &store.Lock{Vendor: "third party/vendor"}
	for _, e := range []store.Entry{
		{Request: store.Request{Kind: store.Git, URL: "https://git.example/a/b.git", Version: "semver:>=1.0 <2"}, Resolved: "v1", Digest: someDigest},
		{Request: store.Request{Kind: store.Chart, URL: "https://charts.example/x", Name: "web", Version: "1.*"}, Resolved: "1.0.0", Digest: someDigest},
		{Request: store.Request{Kind: store.Chart, URL: "https://charts.example/x", Name: "db", Version: "~1: # \"odd\""},
			Resolved: "1.0.1", Digest: someDigest, FetchedFrom: "https://charts.example/x/db.tgz", Vendored: "charts/db-1.0.1.tgz"},
	} {
		l.Set(e)
	}
	// The same request again is the same entry.
	l.Set(store.Entry{Request: store.Request{Kind: store.Chart, URL: "https://charts.example/x/", Name: "web", Version: "1.*"}, Resolved: "1.2.0", Digest: someDigest})
	data, err := l.Format()
	if err != nil {
		t.Fatal(err)
	}
	const want = `# Written by scantling fetch: what this repository deploys from elsewhere.
# Commit it, so that every checkout is checked with the same content.
version: 1
vendor: third party/vendor
sources:
  - kind: chart
    url: https://charts.example/x
    name: db
    version: '~1: # "odd"'
    resolved: 1.0.1
    digest: ` + someDigest + `
    fetched-from: https://charts.example/x/db.tgz
    vendored: charts/db-1.0.1.tgz
  - kind: chart
    url: https://charts.example/x/
    name: web
    version: 1.*
    resolved: 1.2.0
    digest: ` + someDigest + `
  - kind: git
    url: https://git.example/a/b.git
    version: semver:>=1.0 <2
    resolved: v1
    digest: ` + someDigest + `
`
	if string(data) != want {
		t.Errorf("got\n%s\nwant\n%s", data, want)
	}
	read, err := store.ParseLock(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := read.Format()
	if err != nil || !bytes.Equal(again, data) {
		t.Errorf("read and written again: %v\n%s", err, again)
	}
	if e, ok := read.Find(store.Request{Kind: store.Git, URL: "https://git.example/a/b", Version: "semver:>=1.0 <2"}.ID()); !ok || e.Resolved != "v1" {
		t.Errorf("not found: %v", e)
	}
}

func TestVendored(t *testing.T) {
	l := &store.Lock{Vendor: "deps", Entries: []store.Entry{{Vendored: "git/h/r@1"}, {}}}
	for name, want := range map[string]bool{
		"deps/git/h/r@1": true, "deps/git/h/r@1/a/b.yaml": true, "deps/git/h/r@1.listing": true,
		"deps": false, "deps/a.yaml": false, "deps/git/h/r@12/a.yaml": false, "git/h/r@1": false, "/git/h/r@1": false,
	} {
		if l.Vendored(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	l.Vendor = ""
	if l.Vendored("git/h/r@1") || l.Vendored("/git/h/r@1") {
		t.Error("without a vendor folder something is vendored")
	}
}

func TestParseLockRefuses(t *testing.T) {
	source := func(lines ...string) string {
		return "version: 1\nsources:\n  - " + strings.Join(lines, "\n    ") + "\n"
	}
	good := []string{"kind: chart", "url: https://a.example", "name: web", "digest: " + someDigest}
	if _, err := store.ParseLock([]byte(source(good...))); err != nil {
		t.Fatal(err)
	}
	with := func(i int, line string) string {
		lines := append([]string(nil), good...)
		lines[i] = line
		return source(lines...)
	}
	for name, c := range map[string]struct{ lock, want string }{
		"nothing":            {"", "empty"},
		"no YAML":            {"version: [", "can't be parsed"},
		"no mapping":         {"[]", "not a lock's"},
		"another version":    {"version: 2\nsources: []\n", "version is 2"},
		"unknown key":        {source(append(good, "command: reboot")...), "command"},
		"key twice":          {source(append(good, "kind: git")...), "already defined"},
		"two documents":      {"version: 1\nsources: []\n---\nversion: 1\n", "more than one document"},
		"alias":              {"version: 1\nvendor: &a x\nsources: []\n", "anchor"},
		"alias bomb":         {"a: &a [x, x]\nb: &b [*a, *a]\n", "anchor"},
		"unknown kind":       {with(0, "kind: program"), "no kind of source"},
		"no URL":             {with(1, "version: x"), "url is missing"},
		"control characters": {with(2, `name: "web\e[2J"`), "can't be seen"},
		"unseen characters":  {with(2, `name: "we\u200bb"`), "can't be seen"},
		"digest a path":      {with(3, "digest: sha256:../../../../etc/passwd"), "no digest"},
		"digest short":       {with(3, "digest: sha256:0123"), "no digest"},
		"digest upper case":  {with(3, "digest: "+strings.ToUpper(someDigest)), "no digest"},
		"digest missing":     {source(good[:3]...), "no digest"},
		"vendored outside":   {source(append(good, "vendored: ../x")...), "not vendored as"},
		"vendored absolute":  {source(append(good, "vendored: /etc/x")...), "not vendored as"},
		"vendored in git":    {source(append(good, "vendored: a/.GIT/hooks/x")...), "not vendored as"},
		"vendored elsewhere": {source(append(good, "vendored: prod")...), "not vendored as"},
		"vendor outside":     {"version: 1\nvendor: ../..\nsources: []\n", "no folder"},
		"vendor git's":       {"version: 1\nvendor: .git\nsources: []\n", "no folder"},
		"vendor git's short": {"version: 1\nvendor: \"GIT~1/hooks\"\nsources: []\n", "no folder"},
		"vendor a stream":    {"version: 1\nvendor: \".git::$INDEX_ALLOCATION\"\nsources: []\n", "no folder"},
		"vendor backslash":   {"version: 1\nvendor: a\\..\\b\nsources: []\n", "no folder"},
		"the same twice":     {source(good...) + strings.SplitAfterN(source(good...), "\n", 3)[2], "listed twice"},
		"too large":          {"version: 1\nsources: []\n#" + strings.Repeat("x", 5<<20), "4 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := store.ParseLock([]byte(c.lock))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), store.LockFile) || len(err.Error()) > 400 {
				t.Errorf("the error is %q, want one that says %q", err, c.want)
			}
		})
	}
}

// FuzzParseLock: what is accepted can be written and read again, and holds no
// path or digest that leads anywhere.
func FuzzParseLock(f *testing.F) {
	f.Add([]byte("version: 1\nvendor: a\nsources:\n  - {kind: chart, url: u, digest: " + someDigest + ", name: x, vendored: charts/x-x.tgz}\n"))
	f.Add([]byte("version: 1\nsources: [{kind: git, url: u, version: '!!x', digest: sha256:00}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := store.ParseLock(data)
		if err != nil {
			return
		}
		for _, e := range l.Entries {
			if len(e.Digest) != len(someDigest) || strings.Contains(e.Vendored, "..") && strings.Contains("/"+e.Vendored+"/", "/../") {
				t.Errorf("accepted %+v", e)
			}
		}
		first, err := l.Format()
		if err != nil {
			t.Fatal(err)
		}
		again, err := store.ParseLock(first)
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if second, err := again.Format(); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%v\n%s\n%s", err, first, second)
		}
	})
}
