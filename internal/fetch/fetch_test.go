package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/scantling-dev/scantling/internal/fetch"
	"github.com/scantling-dev/scantling/internal/store"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/repo"
)

// alone takes the user's own settings and proxies away.
func alone(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", home)
	t.Setenv("NETRC", filepath.Join(home, "netrc"))
	t.Setenv("DOCKER_CONFIG", filepath.Join(home, "docker"))
	t.Setenv("HELM_REPOSITORY_CONFIG", filepath.Join(home, "repositories.yaml"))
	t.Setenv("HELM_REGISTRY_CONFIG", filepath.Join(home, "registry.json"))
	return home
}

type tree struct{ fstest.MapFS }

func (t tree) Resolve(name string) (string, error) { return name, nil }

// bench is a cache and what is fetched into it.
type bench struct {
	t     *testing.T
	dir   string
	cache *store.Cache
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	c, err := store.OpenCache(dir)
	check(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return &bench{t, dir, c}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) fetch(sources ...fetch.Source) []fetch.Result {
	return fetch.Fetch(context.Background(), sources, fetch.Options{Cache: b.cache, AllowPrivate: true})
}

func (b *bench) one(r store.Request) fetch.Result { return b.fetch(fetch.Source{Request: r})[0] }

// read is a file of what is kept for a request.
func (b *bench) read(r store.Request, name string) string {
	b.t.Helper()
	s, err := store.Open(tree{}, b.dir)
	check(b.t, err)
	defer func() { _ = s.Close() }()
	f, err := s.Files(r.ID())
	if err != nil {
		return err.Error()
	}
	data, err := f.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// refused wants an error that says something, and keeps the secret.
func refused(t *testing.T, r fetch.Result, want string) {
	t.Helper()
	if r.Err == nil {
		t.Error("fetched")
		return
	}
	if text := r.Err.Error(); !strings.Contains(text, want) || strings.Contains(text, secret) || len(text) > 600 {
		t.Errorf("the error is %q, want one that says %q", strings.ReplaceAll(text, secret, "(the secret)"), want)
	}
}

// secret looks like a password, and must stand in no error.
const secret = "not-a-real-password-5f2c"

func pack(t *testing.T, name, version string) []byte {
	t.Helper()
	c := &chart.Chart{
		Metadata:  &chart.Metadata{APIVersion: "v2", Name: name, Version: version},
		Templates: []*chart.File{{Name: "templates/cm.yaml", Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")}},
	}
	file, err := chartutil.Save(c, t.TempDir())
	check(t, err)
	data, err := os.ReadFile(file)
	check(t, err)
	return data
}

// site is a web server with files, all or some of which want a password.
type site struct {
	*httptest.Server
	mu       sync.Mutex
	files    map[string][]byte
	redirect map[string]string
	failing  int // how often to fail before answering
	locked   bool
	asked    []string // the paths that were asked for with credentials
}

func newSite(t *testing.T) *site {
	s := &site{files: map[string][]byte{}, redirect: map[string]string{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, password, ok := r.BasicAuth()
	if r.Header.Get("Authorization") != "" {
		s.asked = append(s.asked, r.URL.Path)
	}
	if s.failing > 0 {
		s.failing--
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	if to, ok := s.redirect[r.URL.Path]; ok {
		http.Redirect(w, r, to, http.StatusFound)
		return
	}
	if s.locked && (!ok || user != "reader" || password != secret) {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	data, ok := s.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(data)
}

// addCharts puts charts and their index on a site.
func (s *site) addCharts(t *testing.T, name string, versions ...string) {
	index := repo.NewIndexFile()
	for _, v := range versions {
		data := pack(t, name, v)
		file := name + "-" + v + ".tgz"
		s.files["/charts/"+file] = data
		check(t, index.MustAdd(&chart.Metadata{APIVersion: "v2", Name: name, Version: v}, file, "", strings.TrimPrefix(store.Digest(data), "sha256:")))
	}
	s.index(t, index)
}

func (s *site) index(t *testing.T, index *repo.IndexFile) {
	file := filepath.Join(t.TempDir(), "index.yaml")
	check(t, index.WriteFile(file, 0o600))
	data, err := os.ReadFile(file)
	check(t, err)
	s.files["/charts/index.yaml"] = data
}

func (s *site) chart(version string) store.Request {
	return store.Request{Kind: store.Chart, URL: s.URL + "/charts/", Name: "web", Version: version}
}

func TestRepositoryChart(t *testing.T) {
	alone(t)
	s, b := newSite(t), newBench(t)
	s.addCharts(t, "web", "1.0.0", "1.2.0", "1.3.0-rc.1", "2.0.0+build.5")
	for version, want := range map[string]string{"": "2.0.0+build.5", "1.*": "1.2.0", "~1.0": "1.0.0", "1.0.0": "1.0.0", ">=1.3.0-0 <2": "1.3.0-rc.1", "2.0.0+build.5": "2.0.0+build.5"} {
		r := b.one(s.chart(version))
		if r.Err != nil {
			t.Errorf("%q: %v", version, r.Err)
			continue
		}
		data := s.files["/charts/web-"+want+".tgz"]
		if r.Entry.Resolved != want || r.Entry.Digest != store.Digest(data) || r.Entry.FetchedFrom != s.URL+"/charts/web-"+want+".tgz" || !r.Insecure || r.Size != int64(len(data)) {
			t.Errorf("%q: %+v", version, r)
		}
		if b.read(s.chart(version), store.ChartFile) != string(data) {
			t.Errorf("%q: kept otherwise", version)
		}
	}
	refused(t, b.one(s.chart("9.*")), "no version that fits")
	other := s.chart("")
	other.Name = "WEB"
	refused(t, b.one(other), `it has "web"`)
	refused(t, b.one(store.Request{Kind: store.Chart, URL: s.URL + "/nothing", Name: "web"}), "404")

	s.files["/charts/web-1.2.0.tgz"] = append(pack(t, "web", "1.2.0"), 0)
	refused(t, b.one(s.chart("1.2.0")), "does not have the digest")
	index := repo.NewIndexFile()
	check(t, index.MustAdd(&chart.Metadata{APIVersion: "v2", Name: "web", Version: "1.0.0"}, "login.html", "", ""))
	s.index(t, index)
	s.files["/charts/login.html"] = []byte("<html>log in")
	refused(t, b.one(s.chart("1.0.0")), "no packaged chart")
	s.files["/charts/index.yaml"] = []byte("a: &a [x,x,x,x,x,x,x,x,x,x]\n" + strings.Repeat("b: &a [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n", 40))
	refused(t, b.one(s.chart("1.0.0")), "index.yaml")
	s.files["/charts/index.yaml"] = []byte("<html>log in")
	refused(t, b.one(s.chart("1.0.0")), "index.yaml")
}

// TestPinned: what a lock names is downloaded, and nothing else.
func TestPinned(t *testing.T) {
	alone(t)
	s, b := newSite(t), newBench(t)
	s.addCharts(t, "web", "1.0.0")
	entry := b.one(s.chart("1.*")).Entry
	s.addCharts(t, "web", "1.0.0", "1.1.0")
	// Packed again, with another time in it.
	again := fetch.Source{Request: s.chart("1.*"), Pinned: &entry}
	entry.Digest = store.Digest(s.files["/charts/web-1.0.0.tgz"])
	if r := b.fetch(again)[0]; r.Err != nil || r.Entry != entry {
		t.Errorf("%+v, want %+v", r, entry)
	}
	if r := b.one(s.chart("1.*")); r.Err != nil || r.Entry.Resolved != "1.1.0" {
		t.Errorf("%+v", r)
	}
	entry.Digest = store.Digest([]byte("published before"))
	refused(t, b.fetch(again)[0], "changed since it was locked")
}

func TestCredentials(t *testing.T) {
	home := alone(t)
	s, elsewhere, b := newSite(t), newSite(t), newBench(t)
	s.locked = true
	s.addCharts(t, "web", "1.0.0")
	refused(t, b.one(s.chart("1.0.0")), "wants credentials")
	withUser := s.chart("1.0.0")
	withUser.URL = strings.Replace(withUser.URL, "http://", "http://reader:"+secret+"@", 1)
	refused(t, b.one(withUser), "holds credentials")

	f := repo.NewFile()
	f.Update(&repo.Entry{Name: "mine", URL: s.URL + "/charts", Username: "reader", Password: secret})
	check(t, f.WriteFile(filepath.Join(home, "repositories.yaml"), 0o600))
	r := b.one(s.chart("1.0.0"))
	check(t, r.Err)
	if text := fmt.Sprintf("%+v", r.Entry); strings.Contains(text, secret) || strings.Contains(text, "reader") {
		t.Errorf("the entry tells credentials: %s", text)
	}

	// A redirect, and an index, that lead to another host take none along.
	elsewhere.files = s.files
	s.redirect["/charts/web-1.0.0.tgz"] = elsewhere.URL + "/charts/web-1.0.0.tgz?signature=" + secret
	r = b.one(s.chart("1.0.0"))
	check(t, r.Err)
	if strings.Contains(r.Entry.FetchedFrom, "signature") {
		t.Error(r.Entry.FetchedFrom)
	}
	delete(elsewhere.files, "/charts/web-1.0.0.tgz")
	refused(t, b.one(s.chart("1.0.0")), "404")
	index := repo.NewIndexFile()
	check(t, index.MustAdd(&chart.Metadata{APIVersion: "v2", Name: "web", Version: "1.0.0"}, elsewhere.URL+"/charts/web.tgz", "", ""))
	index.Entries["web"][0].URLs = []string{elsewhere.URL + "/charts/web.tgz"}
	s.index(t, index)
	elsewhere.files["/charts/web.tgz"] = pack(t, "web", "1.0.0")
	check(t, b.one(s.chart("1.0.0")).Err)
	if len(elsewhere.asked) > 0 {
		t.Errorf("another host got credentials, for %q", elsewhere.asked)
	}
	index.Entries["web"][0].URLs = []string{strings.Replace(elsewhere.URL, "http://", "http://reader:"+secret+"@", 1) + "/charts/web.tgz"}
	s.index(t, index)
	refused(t, b.one(s.chart("1.0.0")), "holds credentials")
}

func TestFile(t *testing.T) {
	alone(t)
	s, b := newSite(t), newBench(t)
	s.files["/crds.yaml"] = []byte("kind: CustomResourceDefinition\n")
	request := store.Request{Kind: store.File, URL: s.URL + "/crds.yaml?ref=" + secret}
	r := b.one(request)
	check(t, r.Err)
	if r.Entry.FetchedFrom != s.URL+"/crds.yaml" || b.read(request, store.FileName) != "kind: CustomResourceDefinition\n" {
		t.Errorf("%+v", r)
	}
	s.files["/crds.yaml"] = []byte("kind: Other\n")
	if r := b.fetch(fetch.Source{Request: request, Pinned: &r.Entry})[0]; r.Err == nil || !strings.Contains(r.Err.Error(), "changed since it was locked") {
		t.Errorf("%+v", r)
	}
	// A server that is busy is asked again.
	s.failing = 1
	check(t, b.one(request).Err)
	s.files["/large"] = make([]byte, store.MaxFileSize+1)
	refused(t, b.one(store.Request{Kind: store.File, URL: s.URL + "/large"}), "larger than 64 MiB")
	s.redirect["/loop"] = s.URL + "/loop"
	refused(t, b.one(store.Request{Kind: store.File, URL: s.URL + "/loop"}), "redirects too often")
	s.redirect["/file"] = "file:///etc/passwd"
	refused(t, b.one(store.Request{Kind: store.File, URL: s.URL + "/file"}), "no http")
	for _, url := range []string{"file:///etc/passwd", "/etc/passwd", "ftp://127.0.0.1/x", "ext::sh", "", "http://", "https://u:" + secret + "@%zz/x"} {
		refused(t, b.one(store.Request{Kind: store.File, URL: url}), "")
	}
}

// TestPrivate: without leave, nothing on this machine or beside it is asked.
func TestPrivate(t *testing.T) {
	alone(t)
	s, b := newSite(t), newBench(t)
	s.addCharts(t, "web", "1.0.0")
	host := strings.TrimPrefix(s.URL, "http://")
	port := host[strings.LastIndex(host, ":"):]
	var sources []fetch.Source
	for _, r := range []store.Request{
		s.chart("1.0.0"),
		{Kind: store.File, URL: s.URL + "/charts/index.yaml"},
		{Kind: store.File, URL: "http://localhost" + port + "/charts/index.yaml"},
		{Kind: store.File, URL: "http://[::ffff:127.0.0.1]" + port + "/charts/index.yaml"},
		{Kind: store.File, URL: "http://169.254.169.254/latest/meta-data"},
		{Kind: store.Git, URL: s.URL + "/git/repo.git"},
		{Kind: store.Git, URL: "git@127.0.0.1:org/repo.git"},
		{Kind: store.OCI, URL: "oci://" + host + "/org/app", Version: "1.0.0"},
		{Kind: store.Chart, URL: "oci://" + host + "/org", Name: "web", Version: "1.0.0"},
	} {
		sources = append(sources, fetch.Source{Request: r})
	}
	for _, r := range fetch.Fetch(context.Background(), sources, fetch.Options{Cache: b.cache}) {
		refused(t, r, "--allow-private")
	}
}

// TestParallel: the results are in the order of the sources, and each is told
// once.
func TestParallel(t *testing.T) {
	alone(t)
	s, b := newSite(t), newBench(t)
	var sources []fetch.Source
	for i := range 20 {
		if i%3 > 0 {
			s.files[fmt.Sprintf("/%d", i)] = fmt.Appendf(nil, "%d", i)
		}
		sources = append(sources, fetch.Source{Request: store.Request{Kind: store.File, URL: fmt.Sprintf("%s/%d", s.URL, i)}})
	}
	told := map[string]int{}
	results := fetch.Fetch(context.Background(), sources, fetch.Options{Cache: b.cache, AllowPrivate: true, Done: func(r fetch.Result) { told[r.Source.URL]++ }})
	for i, r := range results {
		if r.Source != sources[i] || (r.Err == nil) != (i%3 > 0) || told[r.Source.URL] != 1 {
			t.Errorf("%d: %+v, told %d times", i, r, told[r.Source.URL])
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, r := range fetch.Fetch(ctx, sources[1:2], fetch.Options{Cache: b.cache, AllowPrivate: true}) {
		if !errors.Is(r.Err, context.Canceled) {
			t.Error(r.Err)
		}
	}
}
