package render

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
)

// errOffline is what any attempt to use the network fails with.
var errOffline = errors.New("scantling does not use the network")

type refuse struct{}

func (refuse) RoundTrip(*http.Request) (*http.Response, error) { return nil, errOffline }

// fence closes, for the whole process, the doors that kustomize and helm leave
// open: kustomize fetches http(s) references with the default client and git
// references by running git. Both are met before they get there; this is the
// second line.
var fence = sync.OnceFunc(func() {
	http.DefaultTransport = refuse{}
	http.DefaultClient = &http.Client{Transport: refuse{}}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errOffline }}
	// Nothing is found on an empty PATH, so nothing can be run by name.
	_ = os.Setenv("PATH", "/nonexistent")
})
