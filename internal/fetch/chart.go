package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	"helm.sh/helm/v3/pkg/repo"
)

// maxIndex is the most of a chart repository's index: the largest public ones
// have some 30 MiB.
const maxIndex = 128 << 20

// indexOnce is the index of a chart repository, downloaded once for all its
// charts.
type indexOnce struct {
	once  sync.Once
	index *repo.IndexFile
	err   error
}

func (f *fetcher) index(ctx context.Context, u *url.URL) (*repo.IndexFile, error) {
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

func (f *fetcher) loadIndex(ctx context.Context, u *url.URL) (*repo.IndexFile, error) {
	data, err := get(ctx, f.network.client(), u.JoinPath("index.yaml"), maxIndex, f.credentials.repository(u))
	if err != nil {
		return nil, err
	}
	// An alias bomb is met before helm's parser is. Of JSON, helm takes Go's.
	if !json.Valid(data) {
		text, refused := manifest.Limits{FileSize: maxIndex, AliasNodes: maxIndex / 4}.Check(data)
		if refused != nil {
			return nil, fmt.Errorf("its index.yaml: %w", refused)
		}
		data = text
	}
	file, err := os.CreateTemp("", "scantling-index-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	index, err := repo.LoadIndexFile(file.Name())
	if err != nil {
		return nil, errors.New("its index.yaml is not one of a chart repository")
	}
	return index, nil
}

// repositoryChart downloads a chart of a chart repository over HTTP. The version
// is chosen as helm does.
func (f *fetcher) repositoryChart(ctx context.Context, u *url.URL, name, version string) (*content, error) {
	index, err := f.index(ctx, u)
	if err != nil {
		return nil, err
	}
	v, err := index.Get(name, version)
	switch {
	case errors.Is(err, repo.ErrNoChartName):
		return nil, fmt.Errorf("the repository has no chart of this name%s", near(index, name))
	case err != nil:
		return nil, errors.New("the repository has no version of the chart that fits")
	case len(v.URLs) == 0:
		return nil, errors.New("the repository does not say where the chart is")
	}
	raw, err := repo.ResolveReferenceURL(u.String(), v.URLs[0])
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

// near names a chart that may have been meant.
func near(index *repo.IndexFile, name string) string {
	for other := range index.Entries {
		if strings.EqualFold(other, name) {
			return fmt.Sprintf(": it has %q", other)
		}
	}
	return ""
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
