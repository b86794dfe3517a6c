package fetch

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/store"
)

func TestPublic(t *testing.T) {
	for _, a := range []string{"1.1.1.1", "140.82.121.4", "2606:4700::1111", "2a00:1450::1"} {
		if !public(netip.MustParseAddr(a)) {
			t.Errorf("%s is taken for private", a)
		}
	}
	for _, a := range []string{
		"0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1", "198.18.0.1",
		"224.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fd00::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
	} {
		if public(netip.MustParseAddr(a)) {
			t.Errorf("%s is taken for public", a)
		}
	}
}

// TestRedirectToPrivate: a public host can't send us to a private one.
func TestRedirectToPrivate(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy"} {
		t.Setenv(name, "")
	}
	asked := false
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer private.Close()
	outside := httptest.NewServer(http.RedirectHandler(private.URL+"/admin?token=not-a-real-token", http.StatusFound))
	defer outside.Close()
	cache, err := store.OpenCache(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cache.Close() }()
	f := newFetcher(Options{Cache: cache})
	f.network.permits = func(a netip.AddrPort) bool { return a.String() == strings.TrimPrefix(outside.URL, "http://") }
	r := f.source(context.Background(), Source{Request: store.Request{Kind: store.File, URL: outside.URL + "/x"}})
	if r.Err == nil || !strings.Contains(r.Err.Error(), "--allow-private") || strings.Contains(r.Err.Error(), "not-a-real-token") || asked {
		t.Errorf("%v, asked: %v", r.Err, asked)
	}
	// By its address alone, when the name says nothing.
	if _, err := f.network.dial(context.Background(), "tcp", strings.TrimPrefix(private.URL, "http://")); err == nil || !strings.Contains(err.Error(), "--allow-private") {
		t.Errorf("connected: %v", err)
	}
}

// TestDowngrade: what was asked for over https is not read over http.
func TestDowngrade(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	s := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer s.Close()
	n := newNetwork(true)
	n.transport.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
	res, err := n.client().Get(s.URL)
	if err == nil {
		_ = res.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "from https to http") {
		t.Error(err)
	}
}

// TestNetrc: git's logins are for the hosts that they name, and for https.
func TestNetrc(t *testing.T) {
	name := filepath.Join(t.TempDir(), "netrc")
	text := "# mine\nmachine git.example\n  login reader password not-a-real-password\nmachine other.example login o\npassword p account a\ndefault login d password d\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NETRC", name)
	c := newCredentials()
	for raw, want := range map[string]login{
		"https://git.example/a":     {"reader", "not-a-real-password"},
		"https://other.example/":    {"o", "p"},
		"https://third.example/":    {},
		"https://git.example.evil/": {},
		"http://git.example/a":      {},
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if c.machine(u) != want {
			t.Errorf("%s: another login", raw)
		}
	}
	t.Setenv("NETRC", name+"-not")
	if got := netrc(); len(got) != 0 {
		t.Error("logins out of nothing")
	}
}

// TestMeasure: a pack that unpacks to much is refused before it is.
func TestMeasure(t *testing.T) {
	const blob, refDelta = 3, 7
	header := func(kind byte, size uint64) []byte {
		b := []byte{kind<<4 | byte(size&15)}
		for size >>= 4; size > 0; size >>= 7 {
			b[len(b)-1] |= 0x80
			b = append(b, byte(size&0x7f))
		}
		return b
	}
	zipped := func(data []byte) []byte {
		var out bytes.Buffer
		z := zlib.NewWriter(&out)
		_, _ = z.Write(data)
		_ = z.Close()
		return out.Bytes()
	}
	pack := func(objects ...[]byte) []byte {
		out := append([]byte("PACK"), 0, 0, 0, 2)
		out = binary.BigEndian.AppendUint32(out, uint32(len(objects)))
		return append(append(out, bytes.Join(objects, nil)...), make([]byte, 20)...)
	}
	object := func(kind byte, size uint64, data []byte) []byte {
		b := header(kind, size)
		if kind == refDelta {
			b = append(b, make([]byte, 20)...)
		}
		return append(b, zipped(data)...)
	}
	varint := func(n uint64) []byte { return binary.AppendUvarint(nil, n) }
	delta := append(append(varint(5), varint(maxObject+1)...), 1)
	small := append(append(varint(5), varint(7)...), 1)
	for name, c := range map[string]struct {
		pack []byte
		ok   bool
	}{
		"small":        {pack(object(blob, 5, []byte("hello")), object(refDelta, uint64(len(small)), small)), true},
		"says large":   {pack(object(blob, maxObject+1, []byte("hello"))), false},
		"is larger":    {pack(object(blob, 5, make([]byte, 1<<20))), false},
		"delta":        {pack(object(refDelta, uint64(len(delta)), delta)), false},
		"endless size": {pack(object(refDelta, 12, bytes.Repeat([]byte{0xff}, 12))), false},
		"cut short":    {pack(object(blob, 5, []byte("hello")))[:14], false},
		"no pack":      {[]byte("hello"), false},
	} {
		if err := measure(bytes.NewReader(c.pack)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
