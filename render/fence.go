package render

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
)

// errOffline is what any attempt to use the network fails with.
var errOffline = errors.New("scantling does not use the network")

type offline struct{}

func (offline) RoundTrip(*http.Request) (*http.Response, error) { return nil, errOffline }

// fence closes, for the whole process, the doors that kustomize and helm leave
// open: kustomize fetches http(s) references with the default client and git
// references by running git. Both are met before they get there; this is the
// second line.
var fence = sync.OnceFunc(func() {
	http.DefaultTransport = offline{}
	http.DefaultClient = &http.Client{Transport: offline{}}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errOffline }}
	// Nothing is found on an empty PATH, so nothing can be run by name.
	_ = os.Setenv("PATH", "/nonexistent")
})

// muteLibraries silences what helm and kustomize print on their own: a linter
// speaks in findings.
var muteLibraries = sync.OnceFunc(func() {
	// kustomize logs unused variables and the like.
	log.SetOutput(io.Discard)
	// Its warnings about deprecated fields go straight to os.Stderr.
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stderr = null
	}
})
