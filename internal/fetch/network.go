package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"oras.land/oras-go/v2/registry/remote/retry"
)

// maxDownload is the most that one source may download: 512 MiB.
const maxDownload = 512 << 20

const maxRedirects = 5

var (
	errPrivate  = errors.New("it leads to an address that is not public: if that is meant, run scantling fetch --allow-private")
	errDownload = errors.New("it is larger than 512 MiB")
)

// network is a transport of its own: the program's default one is closed.
type network struct {
	permits   func(netip.AddrPort) bool
	transport *http.Transport
	proxies   sync.Map // the addresses of proxies that the environment names
}

func newNetwork(allowPrivate bool) *network {
	n := &network{permits: func(to netip.AddrPort) bool { return allowPrivate || public(to.Addr()) }}
	n.transport = &http.Transport{
		Proxy:                 n.proxy,
		DialContext:           n.dial,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConnsPerHost:   parallel,
		// Bounds what a header takes of the memory.
		MaxResponseHeaderBytes: 1 << 20,
	}
	return n
}

func (n *network) close() { n.transport.CloseIdleConnections() }

func (n *network) proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err != nil {
		// The variable may hold credentials.
		return nil, errors.New("the environment names a proxy whose URL can't be read")
	}
	if u != nil {
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		n.proxies.Store(net.JoinHostPort(u.Hostname(), port), nil)
	}
	return u, nil
}

// dial connects to public addresses only. The address is checked that the name
// was resolved to and that is connected to, so that no second answer of a name
// server comes between. The user's own proxy may be anywhere.
func (n *network) dial(ctx context.Context, kind, address string) (net.Conn, error) {
	// The program's default resolver is closed.
	d := net.Dialer{Timeout: 15 * time.Second, Resolver: &net.Resolver{}}
	if _, proxy := n.proxies.Load(address); !proxy {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !n.permits(to) {
				return errPrivate
			}
			return nil
		}
	}
	return d.DialContext(ctx, kind, address)
}

// The networks that nobody reaches over the internet, and those that stand for
// another address (IANA's registries of special purpose addresses).
var reserved = sync.OnceValue(func() []netip.Prefix {
	var all []netip.Prefix
	for _, p := range strings.Fields(`0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12
		192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3
		::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/9 ff00::/8`) {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
})

func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range reserved() {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsValid()
}

// client makes requests for one source, whose downloads it counts. What a busy
// server refuses is tried again.
func (n *network) client() *http.Client {
	m := &meter{network: n}
	m.left.Store(maxDownload)
	return &http.Client{Transport: retry.NewTransport(m), CheckRedirect: n.redirect}
}

// redirect follows a few redirects, never from https to http, and takes
// credentials along to the same origin only: Go itself would also take them to
// its subdomains.
func (n *network) redirect(r *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return errors.New("it redirects too often")
	case r.URL.Scheme == "http" && via[len(via)-1].URL.Scheme == "https":
		return errors.New("it redirects from https to http")
	case !isHTTP(r.URL):
		return errors.New("it redirects to what is no http")
	}
	if r.URL.Scheme != first.Scheme || r.URL.Host != first.Host {
		r.Header.Del("Authorization")
		r.Header.Del("Cookie")
	}
	r.Header.Del("Referer")
	return nil
}

// meter bounds what is downloaded, and refuses hosts that are private by their
// name, which a proxy would resolve.
type meter struct {
	network *network
	left    atomic.Int64
}

func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	if !m.network.permitsName(r.URL) {
		return nil, errPrivate
	}
	res, err := m.network.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &metered{res.Body, m}
	return res, nil
}

// permitsName looks at what can be known of a host by its name alone.
func (n *network) permitsName(u *url.URL) bool {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		host = "127.0.0.1"
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return true
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		port = 0
	}
	return n.permits(netip.AddrPortFrom(a, uint16(port)))
}

type metered struct {
	io.ReadCloser
	meter *meter
}

func (b *metered) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.meter.left.Add(-int64(n)) < 0 {
		return 0, errDownload
	}
	return n, err
}

// plain takes out of an error what package http puts in of a request: after a
// redirect its URL may hold a signature.
func plain(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		host := ""
		if u, err := url.Parse(ue.URL); err == nil {
			host = u.Host + ": "
		}
		inner := ue.Err
		if errors.Is(inner, errPrivate) {
			inner = errPrivate
		}
		return fmt.Errorf("%s%w", host, inner)
	}
	return err
}

// get downloads a URL with at most so many bytes. user and password are sent if
// they are not empty.
func get(ctx context.Context, client *http.Client, u *url.URL, most int64, login login) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errors.New("its URL can't be read")
	}
	r.Header.Set("User-Agent", "scantling")
	if login != loginNone {
		r.SetBasicAuth(login.user, login.password)
	}
	res, err := client.Do(r)
	if err != nil {
		return nil, plain(err)
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("%s wants credentials, or others (%d)", u.Host, res.StatusCode)
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s%s: the answer is %d %s", u.Host, u.EscapedPath(), res.StatusCode, http.StatusText(res.StatusCode))
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("downloading from %s: %w", u.Host, err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s%s is larger than %d MiB", u.Host, u.EscapedPath(), most>>20)
	}
	return data, nil
}
