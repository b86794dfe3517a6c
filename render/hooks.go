package render

import (
	"cmp"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
)

// renderedDoc is one document of what a chart gave.
type renderedDoc struct {
	// text is the index of the text that it is part of, line the number of
	// lines before it there.
	text, line int
	content    string
	kind       string
	// hook says that helm runs it as a hook, test as one of `helm test`, and
	// ignored that it names a hook which helm does not know: helm then does not
	// deploy it at all.
	hook, test, ignored bool
	// list says that it is a list of objects, which kustomize takes apart.
	list bool
}

// hookEvents are the events that helm knows hooks of; true for tests.
var hookEvents = map[string]bool{
	string(helmrelease.HookPreInstall): false, string(helmrelease.HookPostInstall): false,
	string(helmrelease.HookPreDelete): false, string(helmrelease.HookPostDelete): false,
	string(helmrelease.HookPreUpgrade): false, string(helmrelease.HookPostUpgrade): false,
	string(helmrelease.HookPreRollback): false, string(helmrelease.HookPostRollback): false,
	string(helmrelease.HookTest): true, "test-success": true,
}

// documentSeparator is what helm splits the text of a template at.
var documentSeparator = lazyRegexp(`(?:^|\s*\n)---\s*`)

// splitManifests gives the documents of a text as helm tells them apart, without
// the white space around them. The line of each counts from 0.
func splitManifests(text string) []renderedDoc {
	var docs []renderedDoc
	start, counted, line := 0, 0, 0
	add := func(to int) {
		content := strings.TrimSpace(text[start:to])
		if content == "" {
			return
		}
		from := start + strings.Index(text[start:to], content)
		line += strings.Count(text[counted:from], "\n")
		counted = from
		docs = append(docs, renderedDoc{line: line, content: content})
	}
	for _, at := range documentSeparator().FindAllStringIndex(text, -1) {
		add(at[0])
		start = at[1]
	}
	add(len(text))
	return docs
}

// head reads what helm decides by: the kind, and which hook a document is.
func (d *renderedDoc) head(l manifest.Limits) []*manifest.ReadError {
	nodes, problems := l.Parse([]byte(d.content))
	if len(nodes) == 0 {
		return problems
	}
	if kind := manifest.Get(nodes[0], "kind"); kind != nil {
		d.kind = kind.Value
		d.list = strings.HasSuffix(d.kind, "List") && manifest.Get(nodes[0], "items") != nil
	}
	annotations := manifest.Get(manifest.Get(nodes[0], "metadata"), "annotations")
	hook := manifest.Get(annotations, helmrelease.HookAnnotation)
	if hook == nil {
		return problems
	}
	d.hook = true
	for event := range strings.SplitSeq(hook.Value, ",") {
		test, known := hookEvents[strings.ToLower(strings.TrimSpace(event))]
		d.test = d.test || test
		d.ignored = d.ignored || !known
	}
	return problems
}

// dropped says that a release leaves a document out.
func (r *release) dropped(d *renderedDoc) bool {
	return d.ignored || d.hook && r.skipHooks || d.test && r.skipTests
}

// withoutDropped takes out of the texts of templates the hooks that are not
// deployed. The lines of what is left stay the same.
func (r *release) withoutDropped(texts []text, l limits.Limits) []text {
	var kept []text
	for _, t := range texts {
		if strings.Contains(t.text, helmrelease.HookAnnotation) {
			t.text = r.blank(t.text, l.YAML)
		}
		if strings.TrimSpace(t.text) != "" {
			kept = append(kept, t)
		}
	}
	return kept
}

func (r *release) blank(text string, l manifest.Limits) string {
	lines := strings.SplitAfter(text, "\n")
	left := 0
	for _, d := range splitManifests(text) {
		// What can't be parsed is kept: who parses it next says why.
		d.head(l)
		if !r.dropped(&d) {
			left++
			continue
		}
		for i := d.line; i <= d.line+strings.Count(d.content, "\n"); i++ {
			lines[i] = "\n"
		}
	}
	if left == 0 {
		return ""
	}
	return strings.Join(lines, "")
}

// installOrder sorts documents as helm installs them: by kind, the ones of a
// kind, and those of unknown kinds, in the order of their templates.
func installOrder(docs []renderedDoc) {
	slices.SortStableFunc(docs, func(a, b renderedDoc) int {
		i, j := slices.Index(releaseutil.InstallOrder, a.kind), slices.Index(releaseutil.InstallOrder, b.kind)
		switch {
		case i < 0 && j < 0:
			return cmp.Compare(a.kind, b.kind)
		case i < 0:
			return 1
		case j < 0:
			return -1
		}
		return cmp.Compare(i, j)
	})
}

// documents are those of the texts of templates that pass the gate, in the order
// in which helm installs them, hooks last. Those that do not are problems.
func (b *builder) documents(p *product, tree *recorder, texts []text) []renderedDoc {
	var manifests, hooks []renderedDoc
	for i, t := range texts {
		for _, d := range splitManifests(t.text) {
			d.text = i
			problems := d.head(b.limits.YAML)
			for _, refused := range problems {
				p.refuse(tree, t, d.line, refused)
			}
			switch {
			case d.kind == "" && len(problems) > 0:
			case d.hook:
				hooks = append(hooks, d)
			default:
				manifests = append(manifests, d)
			}
		}
	}
	installOrder(manifests)
	installOrder(hooks)
	return append(manifests, hooks...)
}

// refuse records what the gate, or the parser, says of a document that a
// template gave.
func (p *product) refuse(tree *recorder, t text, line int, refused *manifest.ReadError) {
	problem := Problem{Class: string(refused.Class), Message: "what the template gives was not read: " + refused.Message, At: t.at}
	switch refused.Class {
	case manifest.ParseError:
		problem.Class, problem.Message = "render-failed", "the template gives no valid YAML: "+refused.Message
	case manifest.DuplicateKey:
		// Helm lets the last one hold, and does so on the cluster.
		problem.Message, problem.Minor = refused.Message, true
	}
	if refused.Limit != "" {
		problem.Fix = limits.Raise(refused.Limit)
	}
	switch {
	case t.written:
		problem.At = newTemplateLines(t.file, tree.source(t.file), t.text).near(line + refused.Line)
	case problem.At.File == "":
		problem.At.File = t.file
	}
	if problem.Minor {
		p.problems = append(p.problems, problem)
		return
	}
	p.miss(problem)
}
