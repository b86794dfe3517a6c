// Package fetch downloads what a repository deploys from elsewhere into the
// store's cache: charts of chart repositories and registries, artifacts, git
// repositories and single files. It is the only part of scantling that uses the
// network.
//
// What is asked for, a stranger may have written. So only public addresses are
// connected to unless the caller allows others, every size and time is bounded,
// and nothing of what is downloaded is run or unpacked to a path that it names.
// Credentials are those that the user's own helm, docker and git have for a host;
// they are sent to that host alone and stand in no error and no entry.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/scantling-dev/scantling/internal/store"
)

// Source is something to download.
type Source struct {
	store.Request
	// Pinned, if it is not nil, is what the request led to before: the same
	// version is downloaded, and must have the same digest.
	Pinned *store.Entry
}

// Options say how to download.
type Options struct {
	// Cache is where what is downloaded is kept.
	Cache *store.Cache
	// AllowPrivate lets loopback, link-local and private addresses be connected
	// to. Registries on loopback are then spoken to over plain http, as docker
	// does.
	AllowPrivate bool
	// Done, if it is not nil, is called for each source as it is finished, by
	// one goroutine at a time.
	Done func(Result)
}

// Result is what became of a source.
type Result struct {
	Source Source
	// Entry is what was fetched, if Err is nil.
	Entry store.Entry
	// Size of what was fetched, unpacked, in bytes.
	Size int64
	// Insecure says that it came over http, which anyone on the way can change.
	Insecure bool
	// Err says why it could not be fetched. It may quote what a server answered.
	Err error
}

const (
	parallel      = 4
	sourceTimeout = 5 * time.Minute
)

// errChanged is the error of a source that is not what it was when it was
// locked.
var errChanged = errors.New("its content changed since it was locked, though it has the same version: if you trust that, run scantling fetch --update")

// Fetch downloads sources, several at a time, and returns what became of each,
// in their order.
func Fetch(ctx context.Context, sources []Source, o Options) []Result {
	f := newFetcher(o)
	defer f.network.close()
	results := make([]Result, len(sources))
	var wait sync.WaitGroup
	var done sync.Mutex
	slots := make(chan struct{}, parallel)
	for i, s := range sources {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			results[i] = f.source(ctx, s)
			if o.Done != nil {
				done.Lock()
				defer done.Unlock()
				o.Done(results[i])
			}
		})
	}
	wait.Wait()
	return results
}

// fetcher is what the sources of one call share.
type fetcher struct {
	Options
	network     *network
	credentials *credentialsOf

	mu      sync.Mutex
	indexes map[string]*indexOnce
}

func newFetcher(o Options) *fetcher {
	return &fetcher{Options: o, network: newNetwork(o.AllowPrivate), credentials: newCredentials(), indexes: map[string]*indexOnce{}}
}

// content is what one of the protocols gave.
type content struct {
	resolved string
	digest   string
	size     int64
	from     string
	insecure bool
}

func (f *fetcher) source(ctx context.Context, s Source) (r Result) {
	r.Source = s
	defer func() {
		// Parsers of what a server sends are not ours.
		if v := recover(); v != nil {
			r.Err = fmt.Errorf("fetching %s: the answer could not be read", said(s.Request))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	c, err := f.content(ctx, s)
	if err == nil && s.Pinned != nil && c.digest != s.Pinned.Digest {
		err = errChanged
	}
	if err == nil {
		r.Entry = store.Entry{Request: s.Request, Resolved: c.resolved, Digest: c.digest, FetchedFrom: c.from}
		r.Size, r.Insecure = c.size, c.insecure
		if s.Pinned != nil {
			// It was asked for by another name than when it was pinned.
			r.Entry.Resolved, r.Entry.FetchedFrom = s.Pinned.Resolved, s.Pinned.FetchedFrom
		} else {
			// What a lock pins may be older than what the next repository wants.
			err = f.Cache.Remember(r.Entry)
		}
	}
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("it took longer than %s", sourceTimeout)
		}
		r.Err = fmt.Errorf("fetching %s: %w", said(s.Request), plain(err))
	}
	return r
}

// said is a request without the credentials that its URL may hold against all
// advice.
func said(r store.Request) string {
	scheme, rest, ok := strings.Cut(r.URL, "://")
	host, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndex(host, "@"); ok && at >= 0 {
		r.URL = scheme + "://…@" + host[at+1:] + "/" + path
	}
	return r.String()
}

func (f *fetcher) content(ctx context.Context, s Source) (*content, error) {
	u, err := parseURL(s.URL)
	if err != nil {
		return nil, err
	}
	version := s.Version
	if s.Pinned != nil {
		version = s.Pinned.Resolved
	}
	switch {
	case s.Kind == store.Chart && u.Scheme == "oci":
		return f.registryChart(ctx, joinName(u, s.Name), version)
	case s.Kind == store.Chart && isHTTP(u):
		return f.repositoryChart(ctx, u, s.Name, version)
	case s.Kind == store.OCI && u.Scheme == "oci":
		if s.Pinned != nil {
			_, version, _ = strings.Cut(version, "@")
		}
		return f.artifact(ctx, u, version)
	case s.Kind == store.Git && isHTTP(u):
		return f.git(ctx, u, version)
	case s.Kind == store.File && isHTTP(u):
		return f.file(ctx, u)
	}
	return nil, fmt.Errorf("a %s is not fetched over %q", s.Kind, u.Scheme)
}

// parseURL reads the URL of a request. Git over ssh is asked for over https:
// where a repository can be read without an account, or by what is in netrc, both
// give the same.
func parseURL(raw string) (*url.URL, error) {
	if user, rest, ok := strings.Cut(raw, "@"); ok && !strings.Contains(raw, "://") && !strings.Contains(user, "/") {
		host, path, ok := strings.Cut(rest, ":")
		if !ok {
			return nil, errors.New("its URL can't be read")
		}
		raw = "ssh://" + host + "/" + strings.TrimPrefix(path, "/")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		// The URL may hold what its error would quote.
		return nil, errors.New("its URL can't be read")
	}
	if _, secret := u.User.Password(); secret || u.User != nil && u.Scheme != "ssh" {
		return nil, errors.New("its URL holds credentials: take them out, and keep them where helm, docker or git look for them")
	}
	if u.Scheme == "ssh" {
		u = &url.URL{Scheme: "https", Host: u.Hostname(), Path: u.Path}
	}
	return u, nil
}

func isHTTP(u *url.URL) bool { return u.Scheme == "https" || u.Scheme == "http" }

func joinName(u *url.URL, name string) *url.URL {
	if name == "" {
		return u
	}
	return u.JoinPath(name)
}

// published is a URL as an entry holds it: what is behind the path may be a
// signature.
func published(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}
