package render

import (
	"fmt"
	"io"
	"log"
	"os"
	"regexp"
	"strings"
	"sync"
	_ "unsafe" // for go:linkname

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/krusty"
	_ "sigs.k8s.io/kustomize/api/provenance" // holds the variable linked below
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// schemaLock guards kustomize's OpenAPI schema, which is one per process: a
// build that sets its own (the openapi field) runs alone and the built-in
// schema is restored after it (kubernetes-sigs/kustomize#4824).
var schemaLock sync.RWMutex

// kustomizeVersion is what buildMetadata's managedByLabel names. Kustomize finds
// its version in the build information of its own program only.
//
//go:linkname kustomizeVersion sigs.k8s.io/kustomize/api/provenance.version
var kustomizeVersion string

// warmKustomize parses the built-in schema once, before builds run in parallel:
// kustomize does it lazily and without a lock.
var warmKustomize = sync.OnceFunc(func() {
	fence()
	// The release that the pinned kustomize/api belongs to.
	kustomizeVersion = "v5.8.2"
	// kustomize logs unused variables and the like; a linter speaks in
	// findings.
	log.SetOutput(io.Discard)
	// Its warnings about deprecated fields go straight to os.Stderr.
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stderr = null
	}
	openapi.Schema()
})

// kustomize builds a kustomization.
func (r *Renderer) kustomize(res *Result) {
	warmKustomize()
	files := newKustomizeFS(r.tree)
	m, err := r.build(files, res.Unit.Path)
	res.Read = files.readSet()
	for _, p := range files.problems {
		res.miss(p)
	}
	if err != nil {
		p := r.kustomizeProblem(files, res.Unit.Path, err)
		if res.Unit.Status == Partial {
			// Without what was left out, patches lack their targets: that was
			// said already.
			res.Unit.Status = NotRendered
			res.Unit.Reason += "; without it: " + p.Message
			return
		}
		res.fail(p)
		return
	}
	where := newKustomizeOrigins(files)
	for _, resource := range m.Resources() {
		node := resource.YNode()
		origin := manifest.Origin{Span: manifest.Span{File: r.mainFile(res.Unit)}}
		for _, o := range manifest.Objects(node, origin, where.locate) {
			where.anchor(o)
			res.Objects = append(res.Objects, o)
		}
	}
}

func (r *Renderer) build(files *kustomizeFS, dir string) (m resmap.ResMap, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("kustomize panics on this input: %v", v)
		}
	}()
	if r.usesOpenAPI(dir, map[string]bool{}) {
		schemaLock.Lock()
		defer schemaLock.Unlock()
		defer func() {
			openapi.ResetOpenAPI()
			openapi.Schema()
		}()
	} else {
		schemaLock.RLock()
		defer schemaLock.RUnlock()
	}
	options := krusty.MakeDefaultOptions()
	// Flux builds without the restriction; what leaves the repository is
	// refused by the tree.
	options.LoadRestrictions = types.LoadRestrictionsNone
	options.PluginConfig = types.DisabledPluginConfig()
	return krusty.MakeKustomizer(options).Run(files, files.abs(dir))
}

// usesOpenAPI says that the build of a kustomization sets the process-wide
// schema.
func (r *Renderer) usesOpenAPI(dir string, seen map[string]bool) bool {
	k := r.found.kustomizations[dir]
	if k == nil || seen[dir] {
		return false
	}
	seen[dir] = true
	if data, err := r.tree.ReadFile(k.file); err == nil && strings.Contains(string(data), "openapi") {
		return true
	}
	for _, d := range k.dirs {
		if r.usesOpenAPI(d, seen) {
			return true
		}
	}
	return false
}

var (
	quotedPath = regexp.MustCompile(`(?:'|")(/scantling/tree/[^'"]*)(?:'|")`)
	barePath   = regexp.MustCompile(`/scantling/tree/[^\s:'"]*`)
	errorLine  = regexp.MustCompile(`line (\d+)`)
)

// kustomizeProblem turns an error of a build into a problem at the file, and
// where kustomize says it at the line, of its cause. Kustomize nests its errors
// from the outside in: the last file that it names is the nearest to the cause.
func (r *Renderer) kustomizeProblem(files *kustomizeFS, dir string, err error) Problem {
	text := err.Error()
	p := Problem{Class: "render-failed", At: manifest.Span{File: r.found.kustomizations[dir].file}}
	if files.refused != nil {
		p.Class = readClass(files.refused.err)
		p.Message = fmt.Sprintf("can't build the kustomization: %s: %s", files.refused.name, reason(files.refused.err))
		p.At = files.mention(files.refused.name, p.At)
		return p
	}
	if strings.Contains(text, "cycle detected") {
		p.Class = "cycle"
	}
	for _, name := range append(quotedPath.FindAllString(text, -1), barePath.FindAllString(text, -1)...) {
		name = strings.Trim(name, `'"`)
		rel, ok := files.rel(name)
		if !ok {
			continue
		}
		if k := r.found.kustomizations[rel]; k != nil {
			p.At.File, p.At.Line = k.file, 0
		} else if data, ok := files.sources[rel]; ok && data != nil {
			p.At.File, p.At.Line = rel, 0
		} else {
			// A file that does not exist is named where it is referred to.
			p.At = files.mention(rel, p.At)
		}
	}
	if m := errorLine.FindStringSubmatch(text[strings.LastIndex(text, "yaml")+1:]); m != nil && p.At.Line == 0 {
		if line := files.parseErrorLine(p.At.File); line > 0 {
			p.At.Line = line
		}
	}
	if i := strings.LastIndex(text, "recursed accumulation of path '"); i >= 0 {
		// What was accumulated on the way there differs from unit to unit.
		if _, cause, ok := strings.Cut(text[i:], "': "); ok {
			text = cause
		}
	}
	text = strings.ReplaceAll(text, files.abs(".")+"/", "")
	text = strings.ReplaceAll(text, files.abs("."), ".")
	p.Message = "can't build the kustomization: " + oneLine(text)
	return p
}

type scrub struct {
	pattern     *regexp.Regexp
	replacement string
}

// quotesValues are the errors of the libraries that quote the text that they
// could not read, which may be a secret.
var quotesValues = sync.OnceValue(func() []scrub {
	return []scrub{
		{regexp.MustCompile(`(?s)literal sources \[.*expected key=value`), "a literal is not of the form key=value"},
		{regexp.MustCompile(`(?s)unknown anchor .* referenced`), "an unknown anchor is referenced"},
		{regexp.MustCompile(`(?s)cannot unmarshal (\S+) .* into`), "cannot unmarshal $1 into"},
	}
})

// oneLine makes a library's error fit a finding: one line, at most 600 bytes,
// the end kept, since that is where the cause stands.
func oneLine(s string) string {
	for _, q := range quotesValues() {
		s = q.pattern.ReplaceAllString(s, q.replacement)
	}
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 600 {
		s = "… " + strings.ToValidUTF8(s[len(s)-600:], "")
	}
	return s
}

// isRemote says that kustomize would fetch a reference: a URL, or the short
// forms of git repositories that it knows.
func isRemote(ref string) bool {
	lower := strings.ToLower(ref)
	for _, prefix := range []string{"git@", "git::", "gh:", "github.com/", "github.com:", "bitbucket.org/", "gitlab.com/", "org-"} {
		if strings.HasPrefix(lower, prefix) {
			return prefix != "org-" || strings.Contains(lower, "@github.com")
		}
	}
	return strings.Contains(lower, "://") || strings.Contains(lower, "?ref=") || strings.Contains(lower, ".git/") ||
		strings.HasSuffix(lower, ".git") || strings.Contains(lower, "/_git/")
}

// redact takes the credentials out of a URL.
func redact(ref string) string {
	scheme, rest, ok := strings.Cut(ref, "://")
	if !ok {
		return ref
	}
	host, tail, _ := strings.Cut(rest, "/")
	if _, after, found := strings.Cut(host, "@"); found {
		return scheme + "://***@" + after + "/" + tail
	}
	return ref
}

// position is the span of a scalar in a file.
func position(file string, n *yaml.Node) manifest.Span { return manifest.NodeSpan(file, n) }
