package cli_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/repo"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
)

// fetching is a repository that deploys a chart and an artifact from elsewhere,
// and the servers that have them.
type fetching struct {
	t        *testing.T
	root     string
	charts   string // the folder of the chart repository
	cache    string
	home     string
	registry string
	servers  []*httptest.Server
}

func newFetching(t *testing.T) *fetching {
	f := &fetching{t: t, root: t.TempDir(), charts: t.TempDir(), cache: t.TempDir(), home: t.TempDir()}
	site := httptest.NewServer(http.FileServer(http.Dir(f.charts)))
	oci := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	f.servers = []*httptest.Server{site, oci}
	t.Cleanup(f.stop)
	f.registry = strings.TrimPrefix(oci.URL, "http://")
	f.publish("1.2.0", "privileged: true")
	f.push("apps/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: artifact}\nspec: {containers: [{name: a, image: a, securityContext: {privileged: true}}]}\n")
	f.write("flux.yaml", `apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: flux-system}
spec: {interval: 1h, url: "`+site.URL+`"}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: shop}
spec:
  interval: 1h
  chart:
    spec:
      chart: web
      version: 1.*
      sourceRef: {kind: HelmRepository, name: charts, namespace: flux-system}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: app, namespace: flux-system}
spec: {interval: 1h, url: "oci://`+f.registry+`/org/app", ref: {tag: v1}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: app, namespace: flux-system}
spec:
  interval: 1h
  path: ./apps
  prune: true
  targetNamespace: shop
  sourceRef: {kind: OCIRepository, name: app}
`)
	return f
}

func (f *fetching) stop() {
	for _, s := range f.servers {
		s.Close()
	}
}

func (f *fetching) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fetching) write(name, text string) {
	f.t.Helper()
	f.ok(os.WriteFile(filepath.Join(f.root, name), []byte(text), 0o600))
}

// publish puts a version of the chart into the chart repository.
func (f *fetching) publish(version, security string) {
	f.t.Helper()
	_, err := chartutil.Save(&chart.Chart{
		Metadata: &chart.Metadata{APIVersion: "v2", Name: "web", Version: version},
		Templates: []*chart.File{{Name: "templates/pod.yaml", Data: []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: chart}\nspec: {containers: [{name: a, image: a, securityContext: {" +
			security + "}}]}\n")}},
	}, f.charts)
	f.ok(err)
	index, err := repo.IndexDirectory(f.charts, "")
	f.ok(err)
	f.ok(index.WriteFile(filepath.Join(f.charts, "index.yaml"), 0o600))
}

// push puts a file into the artifact, as flux push does.
func (f *fetching) push(name, text string) {
	f.t.Helper()
	var layer bytes.Buffer
	z := gzip.NewWriter(&layer)
	w := tar.NewWriter(z)
	f.ok(w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o644}))
	_, err := io.WriteString(w, text)
	f.ok(errors.Join(err, w.Close(), z.Close()))
	r, err := remote.NewRepository(f.registry + "/org/app")
	f.ok(err)
	r.PlainHTTP = true
	blob := func(mediaType string, data []byte) ocispec.Descriptor {
		desc := content.NewDescriptorFromBytes(mediaType, data)
		f.ok(r.Push(context.Background(), desc, bytes.NewReader(data)))
		return desc
	}
	m, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: blob("application/vnd.cncf.flux.config.v1+json", []byte("{}")),
		Layers: []ocispec.Descriptor{blob("application/vnd.cncf.flux.content.v1.tar+gzip", layer.Bytes())},
	})
	f.ok(err)
	f.ok(r.PushReference(context.Background(), content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, m), bytes.NewReader(m), "v1"))
}

// run runs scantling in the repository, behind the words of another command.
func (f *fetching) run(before []string, args ...string) (code int, stdout, stderr string) {
	f.t.Helper()
	self, err := os.Executable()
	f.ok(err)
	// The test's own program is scantling under this name.
	name := filepath.Join(f.home, "scantling")
	if err := os.Symlink(self, name); err != nil && !errors.Is(err, os.ErrExist) {
		f.t.Skip(err)
	}
	args = append(append(slices.Clone(before), name), args...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = f.root
	cmd.Env = append(os.Environ(), "HOME="+f.home, "SCANTLING_CACHE_DIR="+f.cache, "DOCKER_CONFIG="+f.home, "HELM_REGISTRY_CONFIG="+f.home+"/none",
		"HELM_REPOSITORY_CONFIG="+f.home+"/none", "HTTP_PROXY=", "http_proxy=")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return exitCode(f.t, err), out.String(), errs.String()
}

// findings are the privileged containers that lint reports, and what it could
// not render, without any network where that can be had.
func (f *fetching) findings() (privileged []string, missing int) {
	f.t.Helper()
	var before []string
	for _, command := range [][]string{{"unshare", "-n"}, {"unshare", "-r", "-n"}} {
		if exec.Command(command[0], append(command[1:], "true")...).Run() == nil {
			before = command
			break
		}
	}
	_, stdout, stderr := f.run(before, "lint", "--report", "json")
	var report struct {
		Findings []struct {
			Rule   string
			Object struct{ Name, Namespace string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		f.t.Fatalf("%v\n%s\n%s", err, stdout, stderr)
	}
	for _, finding := range report.Findings {
		switch finding.Rule {
		case "privileged-container":
			privileged = append(privileged, finding.Object.Namespace+"/"+finding.Object.Name)
		case "not-fetched":
			missing++
		}
	}
	slices.Sort(privileged)
	return privileged, missing
}

func (f *fetching) want(privileged []string, missing int) {
	f.t.Helper()
	if got, n := f.findings(); !slices.Equal(got, privileged) || n != missing {
		f.t.Errorf("privileged: %q, not fetched: %d; want %q, %d", got, n, privileged, missing)
	}
}

// fetch runs the command and wants an exit code and words in its output.
func (f *fetching) fetch(code int, words []string, args ...string) {
	f.t.Helper()
	got, stdout, stderr := f.run(nil, append([]string{"fetch"}, args...)...)
	if got != code {
		f.t.Errorf("fetch %q: exit code %d, want %d", args, got, code)
	}
	for _, w := range words {
		if !strings.Contains(stdout+stderr, w) {
			f.t.Errorf("fetch %q does not say %q:\n%s%s", args, w, stdout, stderr)
		}
	}
}

func (f *fetching) lock() string {
	f.t.Helper()
	data, err := os.ReadFile(filepath.Join(f.root, ".scantling.lock"))
	f.ok(err)
	return string(data)
}

// TestFetch: what was fetched once is linted without the network.
func TestFetch(t *testing.T) {
	f := newFetching(t)
	both := []string{"shop/artifact", "shop/chart"}
	f.want(nil, 2)
	f.fetch(0, []string{"to fetch  chart  web 1.* of http://", "to fetch  oci    oci://"}, "--list")
	f.fetch(1, []string{"--allow-private", "0 fetched, 0 there before, 2 failed"})
	if _, err := os.Stat(filepath.Join(f.root, ".scantling.lock")); err == nil {
		t.Error("a lock was written, and nothing was fetched")
	}
	f.fetch(0, []string{"fetched web 1.2.0 of http://", "over http", "fetched oci://", "2 fetched, 0 there before, 0 failed"}, "--allow-private")
	f.want(both, 0)
	first := f.lock()

	// There is nothing to fetch, and a newer version is left alone.
	f.publish("1.3.0", "privileged: false")
	f.fetch(0, []string{"0 fetched, 2 there before, 0 failed"})
	f.fetch(0, []string{"kept   chart  web 1.* (1.2.0) of http://"}, "--list")
	if f.lock() != first {
		t.Errorf("the lock changed:\n%s\n%s", first, f.lock())
	}
	// On another machine the lock decides.
	filled := f.cache
	f.cache = t.TempDir()
	f.want(nil, 2)
	f.fetch(0, []string{"fetched web 1.2.0", "2 fetched"}, "--allow-private")
	f.want(both, 0)
	if f.lock() != first {
		t.Errorf("the lock changed:\n%s\n%s", first, f.lock())
	}
	f.fetch(0, []string{"fetched web 1.3.0", "2 fetched"}, "--allow-private", "--update", "--no-worker")
	f.want([]string{"shop/artifact"}, 0)
	if !strings.Contains(f.lock(), "resolved: 1.3.0\n") || strings.Contains(f.lock(), "1.2.0") {
		t.Errorf("the lock:\n%s", f.lock())
	}

	// A published version that changed is not taken for what it was.
	f.write(".scantling.lock", first)
	f.publish("1.2.0", "privileged: false")
	f.cache = t.TempDir()
	f.fetch(1, []string{"changed since it was locked", "1 fetched, 0 there before, 1 failed"}, "--allow-private")
	f.want([]string{"shop/artifact"}, 1)
	if f.lock() != first {
		t.Errorf("the lock changed:\n%s\n%s", first, f.lock())
	}

	// Vendored, it needs neither the network nor a cache.
	f.stop()
	f.cache = filled
	f.fetch(0, []string{"0 fetched, 2 there before, 0 failed"}, "--vendor", "third-party")
	f.cache = t.TempDir()
	f.want(both, 0)
	if _, err := os.Stat(filepath.Join(f.root, "third-party/charts/web-1.2.0.tgz")); err != nil || !strings.Contains(f.lock(), "vendored: charts/web-1.2.0.tgz\n") {
		t.Errorf("%v\n%s", err, f.lock())
	}
	f.fetch(0, []string{"0 fetched, 2 there before, 0 failed"})
	f.write("third-party/charts/web-1.2.0.tgz", "changed by hand")
	f.fetch(0, []string{"damaged  chart"}, "--list")

	f.write("flux.yaml", "")
	f.fetch(0, []string{"nothing from elsewhere"}, "--list")
}

func TestFetchUsage(t *testing.T) {
	f := newFetching(t)
	for _, dir := range []string{"..", ".", ".git", "/tmp"} {
		f.fetch(2, []string{"--vendor"}, "--vendor", dir)
	}
	f.write(".scantling.lock", "version: 1\nsources: [{kind: chart, url: x, digest: ../../x}]\n")
	f.fetch(2, []string{".scantling.lock", "is no digest"}, "--list")
}
