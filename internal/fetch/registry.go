package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/scantling-dev/scantling/internal/store"
	orascontent "oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

const (
	// fluxLayer is the media type of what flux push artifact makes.
	fluxLayer = "application/vnd.cncf.flux.content.v1.tar+gzip"
	// The media types of a packaged chart, now and before helm 3.8.
	chartLayer    = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	oldChartLayer = "application/tar+gzip"

	maxManifest = 4 << 20
	maxLayer    = 256 << 20
	maxTagPages = 100
	maxTags     = 100000
)

// repository is a place in a registry.
type repository struct {
	*remote.Repository
	insecure bool
}

func (f *fetcher) repository(u *url.URL) (*repository, error) {
	r, err := remote.NewRepository(u.Host + "/" + strings.Trim(u.Path, "/"))
	if err != nil || r.Reference.Reference != "" {
		return nil, errors.New("its URL names no place in a registry")
	}
	// As docker does: a registry on this machine has no certificate.
	r.PlainHTTP = f.AllowPrivate && loopback(u.Hostname())
	r.TagListMaxPages = maxTagPages
	r.Client = &auth.Client{
		Client:     f.network.client(),
		Header:     http.Header{"User-Agent": {"scantling"}},
		Credential: f.credentials.registry,
		Cache:      auth.NewCache(),
	}
	return &repository{r, r.PlainHTTP}, nil
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// registryChart downloads a chart of a registry. The version is chosen as helm
// does.
func (f *fetcher) registryChart(ctx context.Context, u *url.URL, version string) (*content, error) {
	r, err := f.repository(u)
	if err != nil {
		return nil, err
	}
	tag, err := r.chartTag(ctx, version)
	if err != nil {
		return nil, err
	}
	_, m, err := r.manifest(ctx, tag)
	if err != nil {
		return nil, err
	}
	layer, ok := findLayer(m, chartLayer, oldChartLayer)
	if !ok {
		return nil, errors.New("what the registry has under this name is no chart")
	}
	data, err := r.layer(ctx, layer, store.MaxFileSize)
	if err != nil {
		return nil, err
	}
	resolved := strings.ReplaceAll(tag, "_", "+")
	return f.keepChart(data, &content{resolved: resolved, from: reference(u, tag), insecure: r.insecure})
}

// tagOf is a chart's version as a tag, which may hold no plus sign.
func tagOf(version string) string { return strings.ReplaceAll(version, "+", "_") }

// chartTag is the tag, or the digest, of the version or of the newest one in a
// range.
func (r *repository) chartTag(ctx context.Context, version string) (string, error) {
	if isDigest(version) {
		return version, nil
	}
	if _, err := semver.StrictNewVersion(version); err == nil {
		return tagOf(version), nil
	}
	tags, err := r.tags(ctx)
	if err != nil {
		return "", err
	}
	// What is no range may be a tag as it is.
	if slices.Contains(tags, tagOf(version)) {
		return tagOf(version), nil
	}
	var versions []string
	for _, t := range tags {
		v := strings.ReplaceAll(t, "_", "+")
		if _, err := semver.StrictNewVersion(v); err == nil {
			versions = append(versions, v)
		}
	}
	found, err := chooseVersion(versions, version)
	if err != nil {
		return "", fmt.Errorf("of the chart, the registry has %w", err)
	}
	return tagOf(found), nil
}

func (r *repository) tags(ctx context.Context) ([]string, error) {
	var all []string
	err := r.Tags(ctx, "", func(tags []string) error {
		if all = append(all, tags...); len(all) > maxTags {
			return fmt.Errorf("more than %d tags", maxTags)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing its tags: %w", answer(err))
	}
	return all, nil
}

func isDigest(version string) bool { return strings.HasPrefix(version, "sha256:") }

// reference is where something of a registry came from.
func reference(u *url.URL, tag string) string {
	if isDigest(tag) {
		return published(u) + "@" + tag
	}
	return published(u) + ":" + tag
}

// answer makes a short error of what a registry says, which may be pages.
func answer(err error) error {
	if errors.Is(err, errdef.ErrNotFound) {
		return errors.New("the registry does not have it")
	}
	if errors.Is(err, auth.ErrBasicCredentialNotFound) {
		return errWantsLogin
	}
	res, ok := errors.AsType[*errcode.ErrorResponse](err)
	if !ok {
		return plain(err)
	}
	if res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden {
		return errWantsLogin
	}
	return fmt.Errorf("the registry answers %d %s", res.StatusCode, http.StatusText(res.StatusCode))
}

var errWantsLogin = errors.New("the registry wants credentials, or has nothing there: see helm registry login and docker login")

func (r *repository) manifest(ctx context.Context, tag string) (ocispec.Descriptor, *ocispec.Manifest, error) {
	desc, body, err := r.FetchReference(ctx, tag)
	if err != nil {
		return desc, nil, fmt.Errorf("looking for %.100q: %w", tag, answer(err))
	}
	defer func() { _ = body.Close() }()
	if desc.Size > maxManifest {
		return desc, nil, errors.New("its manifest is larger than 4 MiB")
	}
	data, err := orascontent.ReadAll(body, desc)
	if err != nil {
		return desc, nil, fmt.Errorf("reading its manifest: %w", answer(err))
	}
	if isDigest(tag) && desc.Digest.String() != tag {
		return desc, nil, errors.New("its manifest does not have the digest that was asked for")
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(data, &m); err != nil || len(m.Layers) == 0 {
		return desc, nil, errors.New("its manifest names no content: it is made for several platforms, or is none")
	}
	return desc, &m, nil
}

func findLayer(m *ocispec.Manifest, types ...string) (ocispec.Descriptor, bool) {
	i := slices.IndexFunc(m.Layers, func(l ocispec.Descriptor) bool { return slices.Contains(types, l.MediaType) })
	if i < 0 {
		return ocispec.Descriptor{}, false
	}
	return m.Layers[i], true
}

// layer downloads content and verifies its digest.
func (r *repository) layer(ctx context.Context, layer ocispec.Descriptor, most int64) ([]byte, error) {
	if layer.Size > most {
		return nil, fmt.Errorf("it is larger than %d MiB", most>>20)
	}
	body, err := r.Blobs().Fetch(ctx, layer)
	if err != nil {
		return nil, fmt.Errorf("downloading its content: %w", answer(err))
	}
	defer func() { _ = body.Close() }()
	data, err := orascontent.ReadAll(body, layer)
	if err != nil {
		return nil, fmt.Errorf("downloading its content: %w", answer(err))
	}
	return data, nil
}

// artifact downloads an artifact that holds a folder, or a packaged chart: as
// Flux does, what was made by flux push, else the first layer.
func (f *fetcher) artifact(ctx context.Context, u *url.URL, version string) (*content, error) {
	r, err := f.repository(u)
	if err != nil {
		return nil, err
	}
	tag := version
	switch rng, isRange := strings.CutPrefix(version, "semver:"); {
	case isRange:
		if tag, err = r.newest(ctx, rng); err != nil {
			return nil, err
		}
	case version == "":
		tag = "latest"
	}
	desc, m, err := r.manifest(ctx, tag)
	if err != nil {
		return nil, err
	}
	resolved := "@" + desc.Digest.String()
	if !isDigest(tag) {
		resolved = tag + resolved
	}
	c := &content{resolved: resolved, from: reference(u, tag), insecure: r.insecure}
	if layer, ok := findLayer(m, chartLayer); ok {
		data, err := r.layer(ctx, layer, store.MaxFileSize)
		if err != nil {
			return nil, err
		}
		return f.keepChart(data, c)
	}
	layer, ok := findLayer(m, fluxLayer)
	if !ok {
		layer = m.Layers[0]
	}
	if !strings.HasSuffix(layer.MediaType, "tar+gzip") && !strings.HasSuffix(layer.MediaType, "tar.gzip") {
		return nil, fmt.Errorf("it holds %q, and no packed folder", layer.MediaType)
	}
	data, err := r.layer(ctx, layer, maxLayer)
	if err != nil {
		return nil, err
	}
	folder := f.Cache.NewFolder()
	if err := unpack(folder, bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("unpacking it: %w", err)
	}
	c.digest, c.size, err = folder.Done()
	return c, err
}

// newest is the tag of the newest version in a range.
func (r *repository) newest(ctx context.Context, rng string) (string, error) {
	tags, err := r.tags(ctx)
	if err != nil {
		return "", err
	}
	return newestOf(tags, rng)
}

// newestOf is the newest of those names that are versions in a range, with or
// without a v before them.
func newestOf(names []string, rng string) (string, error) {
	constraint, err := semver.NewConstraint(rng)
	if err != nil {
		return "", fmt.Errorf("%q is no range of versions", rng)
	}
	var best *semver.Version
	name := ""
	for _, n := range names {
		v, err := semver.StrictNewVersion(strings.TrimPrefix(n, "v"))
		if err == nil && constraint.Check(v) && (best == nil || v.GreaterThan(best)) {
			best, name = v, n
		}
	}
	if best == nil {
		return "", errors.New("it has no version that fits")
	}
	return name, nil
}
