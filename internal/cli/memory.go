package cli

import (
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/wire"
	"github.com/urfave/cli/v2"
)

// memory is what is remembered of the repository's units; nil for nothing. Trees
// that are compared share it even without a cache.
func (w *workspace) newMemory(c *cli.Context, compared bool) *check.Memory {
	if w.cache == nil && !compared || w.keys != nil {
		return nil
	}
	return check.NewMemory(w.cache, w.name(), w.identity(c))
}

// name tells the repository from others: by its remotes, so that a cache which was
// brought to another machine is of use there, else by where it lies.
func (w *workspace) name() string {
	var remotes []string
	for _, url := range w.repo.Remotes() {
		remotes = append(remotes, withoutUser(url))
	}
	if len(remotes) > 0 {
		return strings.Join(slices.Sorted(slices.Values(remotes)), "\n")
	}
	return w.repo.Root()
}

// withoutUser takes the user and the password out of a URL. A pipeline's clone may
// have a token there that is another in each job.
func withoutUser(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	host, path, _ := strings.Cut(rest, "/")
	return scheme + "://" + host[strings.LastIndex(host, "@")+1:] + "/" + path
}

// identity is all that decides about what is found besides what lies in the
// repository: the program, the configuration, the options.
func (w *workspace) identity(c *cli.Context) []byte {
	var e wire.Encoder
	e.Text(program())
	e.Bytes(w.configText)
	e.Bool(c.Bool("no-config"))
	for _, name := range []string{"profile", "limit"} {
		e.Texts(c.StringSlice(name))
	}
	e.Text(c.String("kube-version"))
	e.Text(c.Duration("render-timeout").String())
	return e.Buf
}

// program identifies this build of scantling.
func program() string {
	parts := []string{version()}
	info, ok := debug.ReadBuildInfo()
	if ok {
		parts = append(parts, info.GoVersion)
		for _, s := range info.Settings {
			if strings.HasPrefix(s.Key, "vcs.") {
				parts = append(parts, s.Key+"="+s.Value)
			}
		}
	}
	if Version == "" {
		// Two builds of somebody who develops it may have one version.
		if exe, err := os.Executable(); err == nil {
			if id, err := buildOf(exe); err == nil {
				parts = append(parts, id)
			}
		}
	}
	return strings.Join(parts, "\n")
}
