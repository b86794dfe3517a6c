package render

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"
	_ "unsafe" // for go:linkname

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	_ "sigs.k8s.io/kustomize/api/provenance" // holds the variable linked below
	"sigs.k8s.io/kustomize/api/resmap"
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
	// The release that the pinned kustomize/api belongs to.
	kustomizeVersion = "v5.8.2"
	openapi.Schema()
})

// kustomize builds a kustomization.
func (b *builder) kustomize(p *product, tree *recorder, j job) {
	dir := j.path
	files := newKustomizeFS(tree, b.limits)
	b.inflate(files, j)
	defer func() {
		p.texts, p.unpacked = files.charts.texts, files.charts.budget.used()
		p.charts = files.charts.releases
		p.hide(files.charts.redactor)
	}()
	switch {
	case j.flux != nil:
		files.prepare = func() error { return files.flux(dir, j.flux) }
	case j.argo != nil:
		files.prepare = func() error { return files.argo(dir, j.argo) }
	}
	m, err := files.build(dir)
	if err == nil {
		if j.flux != nil {
			files.postBuild(m, dir, j.flux)
		}
		for _, resource := range m.Resources() {
			walkScalars(resource.YNode(), refold)
			p.docs = append(p.docs, resource.YNode())
		}
		p.pads, p.tags = files.pads, files.tagger.tags
	}
	for _, problem := range files.problems {
		p.miss(problem)
	}
	if err == nil {
		if len(p.docs) == 0 && p.status == Partial {
			p.status = NotRendered
		}
		return
	}
	problem := files.explain(dir, err)
	if j.flux != nil && problem.At.File == dir {
		// The folder has no kustomization: the place is who deploys it.
		problem.At = j.flux.at
	}
	if p.status == Partial {
		// Without what was left out, patches lack their targets: that was
		// said already.
		p.status = NotRendered
		p.reason += "; without it: " + problem.Message
		return
	}
	p.fail(problem)
}

// refold makes the value of a folded scalar what it is once kustomize has written
// it: lines that stand further in than others get an empty line before them.
func refold(n *yaml.Node) {
	if n.Style&yaml.FoldedStyle == 0 || !strings.Contains(n.Value, "\n ") {
		return
	}
	if text, err := yaml.Marshal(n); err == nil {
		var value string
		if yaml.Unmarshal(text, &value) == nil {
			n.Value = value
		}
	}
}

// errSchema ends a build that sets the schema while others may run.
var errSchema = errors.New("the kustomization sets the schema of all builds")

// build runs kustomize. Only when the build turns out to set the schema is it
// done again, by itself.
func (f *kustomizeFS) build(dir string) (resmap.ResMap, error) {
	schemaLock.RLock()
	m, err := f.run(dir)
	schemaLock.RUnlock()
	if !f.setsSchema {
		return m, err
	}
	schemaLock.Lock()
	defer schemaLock.Unlock()
	// A build that fails leaves its schema behind, too.
	defer func() {
		openapi.ResetOpenAPI()
		openapi.Schema()
	}()
	again := newKustomizeFS(f.tree, f.limits)
	again.prepare, again.charts, again.alone = f.prepare, f.charts.again(), true
	*f = *again
	return f.run(dir)
}

func (f *kustomizeFS) run(dir string) (m resmap.ResMap, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("kustomize panics on this input: %v", v)
		}
	}()
	if f.prepare != nil {
		if err := f.prepare(); err != nil {
			return nil, err
		}
	}
	return f.tagger.run(f, f.abs(dir))
}

var (
	quotedPath = lazyRegexp(`(?:'|")(/scantling/tree/[^'"]*)(?:'|")`)
	barePath   = lazyRegexp(`/scantling/tree/[^\s:'"]*`)
	errorLine  = lazyRegexp(`line (\d+)`)
)

// lazyRegexp compiles a pattern when it is first used: starting does no work.
func lazyRegexp(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// explain turns an error of a build into a problem at the file, and
// where kustomize says it at the line, of its cause. Kustomize nests its errors
// from the outside in: the last file that it names is the nearest to the cause.
func (f *kustomizeFS) explain(dir string, err error) Problem {
	var known *problemError
	if errors.As(err, &known) {
		return known.problem
	}
	text := f.plainNames(err.Error(), f.abs(dir))
	p := Problem{Class: "render-failed", At: manifest.Span{File: job{kind: Kustomize, path: dir}.mainFile(f.tree)}}
	var gate *gateError
	if f.refused != nil && errors.As(f.refused.err, &gate) {
		return refusedProblem(gate.file, gate.err)
	}
	if f.refused != nil {
		p.Class = readClass(f.refused.err)
		p.Message = fmt.Sprintf("can't build the kustomization: %s: %s", f.refused.name, reason(f.refused.err))
		p.At = f.mention(f.refused.name, p.At)
		return p
	}
	if strings.Contains(text, "cycle detected") {
		p.Class = "cycle"
	}
	for _, name := range append(quotedPath().FindAllString(text, -1), barePath().FindAllString(text, -1)...) {
		name = strings.Trim(name, `'"`)
		rel, ok := f.rel(name)
		if !ok {
			continue
		}
		if file, ok := f.tree.kustomizationFile(rel); ok {
			p.At.File, p.At.Line = file, 0
		} else if f.tree.source(rel) != nil {
			p.At.File, p.At.Line = rel, 0
		} else {
			// A file that does not exist is named where it is referred to.
			p.At = f.mention(rel, p.At)
		}
	}
	if m := errorLine().FindStringSubmatch(text[strings.LastIndex(text, "yaml")+1:]); m != nil && p.At.Line == 0 {
		if line := f.parseErrorLine(p.At.File); line > 0 {
			p.At.Line = line
		}
	}
	if i := strings.LastIndex(text, "recursed accumulation of path '"); i >= 0 {
		// What was accumulated on the way there differs from unit to unit.
		if _, cause, ok := strings.Cut(text[i:], "': "); ok {
			text = cause
		}
	}
	text = strings.ReplaceAll(text, f.abs(".")+"/", "")
	text = strings.ReplaceAll(text, f.abs("."), ".")
	text = strings.ReplaceAll(text, path.Dir(mount)+"/", "../")
	p.Message = "can't build the kustomization: " + oneLine(text)
	return p
}

type scrub struct {
	pattern     *regexp.Regexp
	replacement string
}

// quotesValues are the errors of the libraries that quote the text that they
// could not read, which may be a secret, or what no one can read.
var quotesValues = sync.OnceValue(func() []scrub {
	return []scrub{
		{regexp.MustCompile(`(?s)literal sources \[.*expected key=value`), "a literal is not of the form key=value"},
		{regexp.MustCompile(`(?s)unknown anchor .* referenced`), "an unknown anchor is referenced"},
		{regexp.MustCompile(`(?s)cannot unmarshal (\S+) .* into`), "cannot unmarshal $1 into"},
		// An address differs from run to run.
		{regexp.MustCompile(`&\{0x[0-9a-f]+ <nil>\}`), "a generator"},
	}
})

// oneLine makes a library's error fit a finding: one line, at most 600 bytes,
// the end kept, since that is where the cause stands.
func oneLine(s string) string {
	for _, q := range quotesValues() {
		s = q.pattern.ReplaceAllString(s, q.replacement)
	}
	s = anyURL().ReplaceAllStringFunc(s, redact)
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
	if strings.HasPrefix(ref, ".") && !strings.Contains(ref, "://") {
		// kustomize would look there first, too, and it is not there.
		return false
	}
	for _, prefix := range []string{"git@", "git::", "gh:", "github.com/", "github.com:", "bitbucket.org/", "gitlab.com/", "org-"} {
		if strings.HasPrefix(lower, prefix) {
			return prefix != "org-" || strings.Contains(lower, "@github.com")
		}
	}
	return strings.Contains(lower, "://") || strings.Contains(lower, "?ref=") || strings.Contains(lower, ".git/") ||
		strings.HasSuffix(lower, ".git") || strings.Contains(lower, "/_git/")
}

// redact takes the credentials out of a URL: those before the host, and of the
// query all but what names a version.
func redact(ref string) string {
	ref, query, _ := strings.Cut(ref, "?")
	kept := ""
	for _, part := range strings.FieldsFunc(query, func(r rune) bool { return r == '&' }) {
		if key, _, _ := strings.Cut(part, "="); key == "ref" || key == "version" {
			kept += "&" + part
		}
	}
	if kept != "" {
		return withoutUser(ref) + "?" + kept[1:]
	}
	return withoutUser(ref)
}

var anyURL = lazyRegexp(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s'"]+`)

func withoutUser(ref string) string {
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
