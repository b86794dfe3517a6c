package fetch_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/scantling-dev/scantling/internal/fetch"
	"github.com/scantling-dev/scantling/internal/store"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	helmregistry "helm.sh/helm/v3/pkg/registry"
	"helm.sh/helm/v3/pkg/repo"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
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

func newRegistry(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func pushChart(t *testing.T, host, name, version string) []byte {
	t.Helper()
	c, err := helmregistry.NewClient(helmregistry.ClientOptPlainHTTP(), helmregistry.ClientOptWriter(io.Discard))
	check(t, err)
	data := pack(t, name, version)
	_, err = c.Push(data, host+"/charts/"+name+":"+version)
	check(t, err)
	return data
}

func TestRegistryChart(t *testing.T) {
	alone(t)
	host, b := newRegistry(t), newBench(t)
	kept := map[string][]byte{}
	for _, v := range []string{"1.0.0", "1.2.0", "1.3.0-rc.1", "2.0.0+build.5"} {
		kept[v] = pushChart(t, host, "web", v)
	}
	request := store.Request{Kind: store.Chart, URL: "oci://" + host + "/charts", Name: "web"}
	for version, want := range map[string]string{"": "2.0.0+build.5", "1.*": "1.2.0", "1.0.0": "1.0.0", "2.0.0+build.5": "2.0.0+build.5", ">=1.3.0-0 <2": "1.3.0-rc.1"} {
		request.Version = version
		r := b.one(request)
		if r.Err != nil || r.Entry.Resolved != want || r.Entry.Digest != store.Digest(kept[want]) {
			t.Errorf("%q: %+v", version, r)
		}
		pinned := b.fetch(fetch.Source{Request: request, Pinned: &r.Entry})[0]
		if pinned.Err != nil || pinned.Entry != r.Entry {
			t.Errorf("%q pinned: %+v", version, pinned)
		}
	}
	request.Version = "7.0.0"
	refused(t, b.one(request), "does not have it")
	request.Version = "7.*"
	refused(t, b.one(request), "no version that fits")

	// A chart repository whose charts are in a registry.
	s := newSite(t)
	index := repo.NewIndexFile()
	check(t, index.MustAdd(&chart.Metadata{APIVersion: "v2", Name: "web", Version: "1.2.0"}, "x", "", ""))
	index.Entries["web"][0].URLs = []string{"oci://" + host + "/charts/web:1.2.0"}
	s.index(t, index)
	if r := b.one(s.chart("1.*")); r.Err != nil || r.Entry.Digest != store.Digest(kept["1.2.0"]) || r.Entry.FetchedFrom != "oci://"+host+"/charts/web:1.2.0" {
		t.Errorf("%+v", r)
	}
}

type entry struct {
	name, text, link string
	kind             byte
}

func packed(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, e := range entries {
		if e.kind == 0 {
			e.kind = tar.TypeReg
		}
		check(t, w.WriteHeader(&tar.Header{Name: e.name, Typeflag: e.kind, Linkname: e.link, Size: int64(len(e.text)), Mode: 0o644}))
		_, err := w.Write([]byte(e.text))
		check(t, err)
	}
	check(t, errors.Join(w.Close(), z.Close()))
	return out.Bytes()
}

// push puts an artifact of one layer into a registry.
func push(t *testing.T, host, tag, mediaType string, layer []byte) ocispec.Descriptor {
	t.Helper()
	ctx := context.Background()
	r, err := remote.NewRepository(host + "/org/app")
	check(t, err)
	r.PlainHTTP = true
	blob := func(mediaType string, data []byte) ocispec.Descriptor {
		desc := content.NewDescriptorFromBytes(mediaType, data)
		check(t, r.Push(ctx, desc, bytes.NewReader(data)))
		return desc
	}
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: blob("application/vnd.cncf.flux.config.v1+json", []byte("{}")), Layers: []ocispec.Descriptor{blob(mediaType, layer)},
	}
	data, err := json.Marshal(m)
	check(t, err)
	desc := content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, data)
	check(t, r.PushReference(ctx, desc, bytes.NewReader(data), tag))
	return desc
}

const fluxLayer = "application/vnd.cncf.flux.content.v1.tar+gzip"

func TestArtifact(t *testing.T) {
	alone(t)
	host, b := newRegistry(t), newBench(t)
	at := func(version string) store.Request {
		return store.Request{Kind: store.OCI, URL: "oci://" + host + "/org/app", Version: version}
	}
	first := push(t, host, "v1.0.0", fluxLayer, packed(t, entry{name: "./", kind: tar.TypeDir}, entry{name: "./apps/", kind: tar.TypeDir},
		entry{name: "./apps/a.yaml", text: "kind: A\n"}, entry{name: "link", kind: tar.TypeSymlink, link: "apps"}))
	second := push(t, host, "1.1.0", "application/vnd.oci.image.layer.v1.tar+gzip", packed(t, entry{name: "apps/a.yaml", text: "kind: B\n"}))
	push(t, host, "latest", fluxLayer, packed(t, entry{name: "apps/a.yaml", text: "kind: L\n"}))
	for version, want := range map[string]struct{ resolved, text string }{
		"v1.0.0":              {"v1.0.0@" + first.Digest.String(), "kind: A\n"},
		"semver:>=1.0.0":      {"1.1.0@" + second.Digest.String(), "kind: B\n"},
		"semver:1.0.x":        {"v1.0.0@" + first.Digest.String(), "kind: A\n"},
		first.Digest.String(): {"@" + first.Digest.String(), "kind: A\n"},
	} {
		r := b.one(at(version))
		if r.Err != nil || r.Entry.Resolved != want.resolved || b.read(at(version), "apps/a.yaml") != want.text {
			t.Errorf("%s: %+v", version, r)
		}
	}
	if r := b.one(at("")); r.Err != nil || b.read(at(""), "apps/a.yaml") != "kind: L\n" {
		t.Errorf("%+v", r)
	}
	if got := b.read(at("v1.0.0"), "link/a.yaml"); got != "kind: A\n" {
		t.Error(got)
	}
	// A tag that moved: what is pinned is still there.
	pinned := b.one(at("v1.0.0")).Entry
	push(t, host, "v1.0.0", fluxLayer, packed(t, entry{name: "apps/a.yaml", text: "kind: Moved\n"}))
	if r := b.fetch(fetch.Source{Request: at("v1.0.0"), Pinned: &pinned})[0]; r.Err != nil || r.Entry != pinned {
		t.Errorf("%+v", r)
	}

	// An artifact that is a chart is kept as one.
	data := pushChart(t, host, "web", "1.0.0")
	asArtifact := store.Request{Kind: store.OCI, URL: "oci://" + host + "/charts/web", Version: "1.0.0"}
	if r := b.one(asArtifact); r.Err != nil || b.read(asArtifact, store.ChartFile) != string(data) {
		t.Errorf("%+v", r)
	}
	refused(t, b.one(at("9")), "does not have it")
	refused(t, b.one(at("semver:9.x")), "no version that fits")
	refused(t, b.one(at("semver:what")), "no range")
	refused(t, b.one(at(store.Digest(nil))), "does not have it")
}

func TestHostileArtifacts(t *testing.T) {
	alone(t)
	host, b := newRegistry(t), newBench(t)
	a := entry{name: "a", text: "x"}
	for i, c := range []struct {
		what  string
		layer []byte
		want  string
	}{
		{"parent", packed(t, entry{name: "../evil", text: "x"}), "leads out"},
		{"parent inside", packed(t, entry{name: "a/../../evil", text: "x"}), "leads out"},
		{"absolute", packed(t, entry{name: "/etc/evil", text: "x"}), "leads out"},
		{"symlink out", packed(t, entry{name: "l", kind: tar.TypeSymlink, link: "../../etc"}), "leads out"},
		{"absolute symlink", packed(t, entry{name: "l", kind: tar.TypeSymlink, link: "/etc"}), "leads out"},
		{"below a symlink", packed(t, entry{name: "l", kind: tar.TypeSymlink, link: "a"}, entry{name: "l/x", text: "x"}), "file and a folder"},
		{"hard link", packed(t, a, entry{name: "h", kind: tar.TypeLink, link: "a"}), "neither"},
		{"device", packed(t, entry{name: "d", kind: tar.TypeChar}), "neither"},
		{"git's own", packed(t, entry{name: ".git/config", text: "x"}), "not kept"},
		{"twice", packed(t, a, a), "twice"},
		{"control characters", packed(t, entry{name: "a\x1b[2Jb", text: "x"}), "not kept"},
		{"cut short", packed(t, a)[:20], "no whole tar"},
		{"no gzip", []byte("hello"), "not packed with gzip"},
	} {
		tag := fmt.Sprintf("t%d", i)
		push(t, host, tag, fluxLayer, c.layer)
		t.Run(c.what, func(t *testing.T) {
			request := store.Request{Kind: store.OCI, URL: "oci://" + host + "/org/app", Version: tag}
			refused(t, b.one(request), c.want)
			if got := b.read(request, "a"); got != fs.ErrNotExist.Error() {
				t.Errorf("something is kept: %q", got)
			}
		})
	}
	push(t, host, "json", "application/json", []byte("{}"))
	refused(t, b.one(store.Request{Kind: store.OCI, URL: "oci://" + host + "/org/app", Version: "json"}), "no packed folder")
}

// TestRegistryLogin: docker's login is used for its registry.
func TestRegistryLogin(t *testing.T) {
	home := alone(t)
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); r.Method == http.MethodGet && (user != "reader" || password != secret) {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	host, b := strings.TrimPrefix(s.URL, "http://"), newBench(t)
	desc := push(t, host, "1.0.0", fluxLayer, packed(t, entry{name: "a", text: "x"}))
	request := store.Request{Kind: store.OCI, URL: "oci://" + host + "/org/app", Version: desc.Digest.String()}
	refused(t, b.one(request), "wants credentials")
	check(t, os.Mkdir(filepath.Join(home, "docker"), 0o700))
	login, err := json.Marshal(map[string]any{"auths": map[string]any{host: map[string]any{"username": "reader", "password": secret}}})
	check(t, err)
	check(t, os.WriteFile(filepath.Join(home, "docker/config.json"), login, 0o600))
	if r := b.one(request); r.Err != nil || b.read(request, "a") != "x" {
		t.Errorf("%+v", r)
	}
}

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
