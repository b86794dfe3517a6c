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
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/scantling-dev/scantling/internal/fetch"
	"github.com/scantling-dev/scantling/internal/store"
	"helm.sh/helm/v3/pkg/chart"
	helmregistry "helm.sh/helm/v3/pkg/registry"
	"helm.sh/helm/v3/pkg/repo"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
)

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
