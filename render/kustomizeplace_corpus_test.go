package render

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// TestPlacesOfRepositories asks for the place of every scalar of what the
// kustomizations give in the repositories that SCANTLING_PLACES names, separated
// by ":". Where a place is exact, the file must have the value or the key there.
func TestPlacesOfRepositories(t *testing.T) {
	names := os.Getenv("SCANTLING_PLACES")
	if names == "" {
		t.Skip("SCANTLING_PLACES is not set")
	}
	for name := range strings.SplitSeq(names, ":") {
		t.Run(path.Base(name), func(t *testing.T) {
			c := placeCount{t: t, dir: name, lines: map[string][]string{}, total: map[string]int{}, near: map[string]int{}, sample: map[string]string{}}
			_, results := rendered(t, name, Options{})
			for _, res := range results {
				if res.Unit.Kind == Helm || res.Unit.Kind == Plain || res.Unit.Kind == HelmRelease {
					continue
				}
				for _, o := range res.Objects {
					eachScalar(o.Node, nil, func(elements []string, n *yaml.Node) { c.count(o, elements, n) })
				}
			}
			c.report()
		})
	}
}

type placeCount struct {
	t      *testing.T
	dir    string
	lines  map[string][]string
	total  map[string]int
	near   map[string]int
	sample map[string]string
	shown  int
}

func (c *placeCount) count(o *manifest.Object, elements []string, n *yaml.Node) {
	at := o.At(elementPath(elements))
	c.total["all"]++
	switch {
	case at.Line == 0:
		c.total["none"]++
	case !at.Exact:
		c.total["near"]++
	default:
		c.total["exact"]++
		if !c.stands(at.Span, elements[len(elements)-1], n.Value) {
			c.total["wrong"]++
			if c.shown++; c.shown <= 20 {
				c.t.Logf("wrong: %s %s -> %s <%s>", o.ID(), manifest.JoinPath(elements), placeText(at.Span), standing(c.t, c.dir, at.Span))
			}
		}
		return
	}
	kind := "manifest"
	if isKustomization(at.File) {
		kind = "kustomization"
	}
	if n.Line < 0 {
		kind += ", tag"
	} else if n.Line == 0 {
		kind += ", no line"
	} else if n.Line <= firstPad {
		kind += ", low line"
	}
	generic := make([]string, len(elements))
	for i, e := range elements {
		if generic[i] = e; isIndex(e) {
			generic[i] = "*"
		}
	}
	key := kind + " " + o.GVK.Kind + " " + strings.Join(generic[:min(4, len(generic))], ".")
	c.near[key]++
	c.sample[key] = o.ID() + " " + manifest.JoinPath(elements) + " -> " + placeText(at.Span)
}

// stands is a check of its own: it compares the text of the line.
func (c *placeCount) stands(at manifest.Span, key, value string) bool {
	lines, ok := c.lines[at.File]
	if !ok {
		data, err := os.ReadFile(filepath.Join(c.dir, filepath.FromSlash(at.File)))
		if err != nil {
			return false
		}
		lines = strings.Split(string(data), "\n")
		c.lines[at.File] = lines
	}
	if at.Line > len(lines) || at.Column-1 > len([]rune(lines[at.Line-1])) {
		return false
	}
	text := string([]rune(lines[at.Line-1])[max(at.Column-1, 0):])
	text = strings.TrimSpace(strings.NewReplacer(`\"`, `"`, `''`, `'`).Replace(text))
	bare := strings.Trim(text, `"' `)
	first, _, _ := strings.Cut(strings.TrimSpace(value), "\n")
	short, _, _ := strings.Cut(bare, " ")
	short = strings.TrimRight(short, `,]}"'`)
	switch {
	case strings.HasPrefix(bare, key), strings.HasPrefix(bare, first), bare != "" && strings.HasPrefix(first, bare):
		return true // the key; the value; the first line of the value
	case short != "" && strings.Contains(value, short), strings.Contains(bare, "$"), strings.Contains(bare, "{{"), strings.Contains(bare, "="):
		return true // a part of it
	}
	return strings.ContainsAny(text[:min(1, len(text))], `&!"|>`)
}

func (c *placeCount) report() {
	share := func(key string) float64 { return 100 * float64(c.total[key]) / float64(max(c.total["all"], 1)) }
	c.t.Logf("%d scalars: %.2f%% exact (%d of them wrong), %.2f%% near, %.2f%% none", c.total["all"], share("exact"), c.total["wrong"], share("near"), share("none"))
	for _, key := range sortedKeys(c.near) {
		if c.near[key] >= max(c.total["all"]/2000, 3) {
			c.t.Logf("%6d %s: %s", c.near[key], key, c.sample[key])
		}
	}
	if c.total["wrong"]*1000 > c.total["exact"] {
		c.t.Errorf("%d places are not where the value is", c.total["wrong"])
	}
}
