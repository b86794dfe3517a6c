package fetch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	"go.yaml.in/yaml/v3"
)

// maxIndex is the most of a chart repository's index: the largest public ones
// have some 30 MiB.
const maxIndex = 128 << 20

// index is what is needed of a chart repository's index.yaml. Helm's own package
// for it brings a client of clusters along, which every start of the program
// would pay for.
type index struct {
	Entries map[string][]*chartVersion `json:"entries" yaml:"entries"`
}

type chartVersion struct {
	Version string   `json:"version" yaml:"version"`
	Digest  string   `json:"digest" yaml:"digest"`
	URLs    []string `json:"urls" yaml:"urls"`
}

// indexOnce is the index of a chart repository, downloaded once for all its
// charts.
type indexOnce struct {
	once  sync.Once
	index *index
	err   error
}

func (f *fetcher) index(ctx context.Context, u *url.URL) (*index, error) {
	f.mu.Lock()
	i := f.indexes[u.String()]
	if i == nil {
		i = &indexOnce{}
		f.indexes[u.String()] = i
	}
	f.mu.Unlock()
	i.once.Do(func() { i.index, i.err = f.loadIndex(ctx, u) })
	return i.index, i.err
}

func (f *fetcher) loadIndex(ctx context.Context, u *url.URL) (*index, error) {
	data, err := get(ctx, f.network.client(), u.JoinPath("index.yaml"), maxIndex, f.credentials.repository(u))
	if err != nil {
		return nil, err
	}
	return parseIndex(data)
}

func parseIndex(data []byte) (*index, error) {
	var i index
	if json.Valid(data) {
		if err := json.Unmarshal(data, &i); err != nil {
			return nil, errNoIndex
		}
		return &i, nil
	}
	text, refused := manifest.Limits{FileSize: maxIndex, AliasNodes: maxIndex / 4}.Check(data)
	if refused != nil {
		return nil, fmt.Errorf("its index.yaml: %w", refused)
	}
	if err := yaml.Unmarshal(text, &i); err != nil {
		return nil, errNoIndex
	}
	return &i, nil
}

var errNoIndex = errors.New("its index.yaml is not one of a chart repository")

// find is the version of a chart that helm would take.
func (i *index) find(name, version string) (*chartVersion, error) {
	all, ok := i.Entries[name]
	if !ok {
		return nil, fmt.Errorf("the repository has no chart of this name%s", i.near(name))
	}
	var names []string
	byName := map[string]*chartVersion{}
	for _, v := range all {
		if v != nil && byName[v.Version] == nil {
			names = append(names, v.Version)
			byName[v.Version] = v
		}
	}
	chosen, err := chooseVersion(names, version)
	if err != nil {
		return nil, fmt.Errorf("of the chart, the repository has %w", err)
	}
	if len(byName[chosen].URLs) == 0 {
		return nil, errors.New("the repository does not say where the chart is")
	}
	return byName[chosen], nil
}

// near names a chart that may have been meant.
func (i *index) near(name string) string {
	for other := range i.Entries {
		if strings.EqualFold(other, name) {
			return fmt.Sprintf(": it has %q", other)
		}
	}
	return ""
}

// chooseVersion chooses among versions as helm does: the very one, else the
// newest in a range; without a range, the newest that is no pre-release. What is
// no version is passed over.
func chooseVersion(names []string, want string) (string, error) {
	constraint, err := semver.NewConstraint(cmp.Or(want, "*"))
	if err != nil {
		if slices.Contains(names, want) {
			return want, nil
		}
		return "", fmt.Errorf("no version that fits, and %.100q is no range of versions", want)
	}
	var best *semver.Version
	found := ""
	for _, name := range names {
		v, err := semver.NewVersion(name)
		switch {
		case err != nil:
			continue
		case name == want:
			return name, nil
		case constraint.Check(v) && (best == nil || v.GreaterThan(best)):
			best, found = v, name
		}
	}
	if best == nil {
		return "", errors.New("no version that fits")
	}
	return found, nil
}

// repositoryChart downloads a chart of a chart repository over HTTP. The version
// is chosen as helm does.
func (f *fetcher) repositoryChart(ctx context.Context, u *url.URL, name, version string) (*content, error) {
	index, err := f.index(ctx, u)
	if err != nil {
		return nil, err
	}
	v, err := index.find(name, version)
	if err != nil {
		return nil, err
	}
	raw, err := chartURL(u, v.URLs[0])
	if err != nil {
		return nil, errors.New("the repository gives a URL of the chart that can't be read")
	}
	at, err := parseURL(raw)
	if err != nil {
		return nil, fmt.Errorf("the chart as the repository names it: %w", err)
	}
	if at.Scheme == "oci" {
		// The repository has an index alone, its charts are in a registry.
		at.Path = strings.TrimSuffix(at.Path, ":"+tagOf(v.Version))
		return f.registryChart(ctx, at, v.Version)
	}
	if !isHTTP(at) {
		return nil, fmt.Errorf("the repository names the chart by a URL of %q", at.Scheme)
	}
	var l login
	if at.Scheme == u.Scheme && at.Host == u.Host {
		l = f.credentials.repository(u)
	}
	data, err := get(ctx, f.network.client(), at, store.MaxFileSize, l)
	if err != nil {
		return nil, err
	}
	if want := strings.TrimPrefix(v.Digest, "sha256:"); want != "" && "sha256:"+strings.ToLower(want) != store.Digest(data) {
		return nil, errors.New("what was downloaded does not have the digest that the repository's index gives")
	}
	return f.keepChart(data, &content{resolved: v.Version, from: published(at), insecure: at.Scheme == "http" || u.Scheme == "http"})
}

// chartURL is the URL of a chart as an index gives it, relative to the
// repository. What the repository's own URL asks for, the chart's does too.
func chartURL(repository *url.URL, ref string) (string, error) {
	r, err := url.Parse(ref)
	if err != nil {
		return "", err
	}
	if r.IsAbs() {
		return ref, nil
	}
	base := *repository
	base.Path = strings.TrimSuffix(base.Path, "/") + "/"
	base.RawPath = ""
	at := base.ResolveReference(r)
	at.RawQuery = repository.RawQuery
	return at.String(), nil
}

func (f *fetcher) keepChart(data []byte, c *content) (*content, error) {
	if !bytes.HasPrefix(data, []byte("\x1f\x8b")) {
		return nil, errors.New("what was downloaded is no packaged chart")
	}
	return f.keep(data, c)
}

func (f *fetcher) keep(data []byte, c *content) (*content, error) {
	var err error
	c.digest, err = f.Cache.Put(data)
	c.size = int64(len(data))
	return c, err
}

// file downloads a single file.
func (f *fetcher) file(ctx context.Context, u *url.URL) (*content, error) {
	data, err := get(ctx, f.network.client(), u, store.MaxFileSize, loginNone)
	if err != nil {
		return nil, err
	}
	return f.keep(data, &content{from: published(u), insecure: u.Scheme == "http"})
}
