package render

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
)

// argoEnv is the build environment of an Application's source.
func argoEnv(o *manifest.Object, s argoSource) map[string]string {
	spec := specOf(o)
	return map[string]string{
		"ARGOCD_APP_NAME":                   o.Name,
		"ARGOCD_APP_NAMESPACE":              spec.at("destination", "namespace").str(),
		"ARGOCD_APP_PROJECT_NAME":           spec.at("project").or("default"),
		"ARGOCD_APP_SOURCE_PATH":            s.at("path").str(),
		"ARGOCD_APP_SOURCE_REPO_URL":        redact(s.at("repoURL").str()),
		"ARGOCD_APP_SOURCE_TARGET_REVISION": s.at("targetRevision").str(),
		"ARGOCD_APP_REVISION":               placeholder("revision"),
		"ARGOCD_APP_REVISION_SHORT":         placeholder("revision"),
		"ARGOCD_APP_REVISION_SHORT_8":       placeholder("revision"),
	}
}

// expandEnv replaces $NAME and ${NAME} of the build environment as Argo CD does:
// other names become nothing, and $$ a dollar.
func expandEnv(text string, env map[string]string) string {
	return os.Expand(text, func(name string) string {
		if name == "$" {
			return "$"
		}
		return env[name]
	})
}

// argoHelm plans the chart of an Application's source.
func (g *graph) argoHelm(u *Unit, p *plan, s argoSource, refs map[string]argoRef) {
	o := u.object
	helm := s.at("helm")
	f := &argoFiles{g: g, p: p, s: s, refs: refs, env: argoEnv(o, s)}
	rel := release{
		name: helm.at("releaseName").or(o.Name), namespace: helm.at("namespace").or(p.namespace),
		kubeVersion: helm.at("kubeVersion").str(), apiVersions: helm.at("apiVersions").strings(),
		skipCRDs: helm.at("skipCrds").is(), skipTests: helm.at("skipTests").is(),
	}
	at := func(keys ...string) manifest.Span { return s.place(u, append([]string{"helm"}, keys...)...) }
	var named []argoFile
	for i, v := range helm.at("valueFiles").items() {
		if file, ok := f.find(v.str(), at("valueFiles", fmt.Sprint(i))); ok {
			named = append(named, file)
		}
	}
	rel.layers = f.values(named, helm.at("ignoreMissingValueFiles").is())
	of := "the values of Application " + objectName(o)
	if values := helm.at("valuesObject"); values.ok() {
		rel.layers = append(rel.layers, layer{text: values.yaml(), of: of, at: at("valuesObject"), where: s.where(u, "helm", "valuesObject")})
	} else if text := helm.at("values").str(); text != "" {
		rel.layers = append(rel.layers, layer{text: text, of: of, at: at("values"), where: g.r.heldText(text, s.where(u, "helm", "values")).where})
	}
	// Those that are strings come after the others, as helm has its options.
	for _, str := range []bool{false, true} {
		for i, param := range helm.at("parameters").items() {
			if param.at("forceString").is() == str {
				rel.layers = append(rel.layers, layer{target: param.at("name").str(), text: argoParameter(expandEnv(param.at("value").str(), f.env)), str: str, of: of, at: at("parameters", fmt.Sprint(i)),
					where: s.where(u, "helm", "parameters", fmt.Sprint(i), "value")})
			}
		}
	}
	for i, param := range helm.at("fileParameters").items() {
		if file, ok := f.find(param.at("path").str(), at("fileParameters", fmt.Sprint(i))); ok {
			rel.layers = append(rel.layers, file.layer(layer{target: param.at("name").str(), of: of}))
		}
	}
	p.jobs = append(p.jobs, job{kind: Helm, path: s.chart, release: rel, minor: f.lacking})
}

// argoParameter escapes the commas of a parameter's value, which helm would take
// for the end of it, unless the value is a list.
func argoParameter(value string) string {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return value
	}
	var out strings.Builder
	for i := range len(value) {
		if value[i] == ',' && (i == 0 || value[i-1] != '\\') {
			out.WriteByte('\\')
		}
		out.WriteByte(value[i])
	}
	return out.String()
}

// argoFiles finds the files that the Helm options of a source name.
type argoFiles struct {
	g    *graph
	p    *plan
	s    argoSource
	refs map[string]argoRef
	env  map[string]string
	// lacking says that there is one which is not to be had.
	lacking bool
}

// argoFile is a file that a source names.
type argoFile struct {
	// path is its path in the tree or, if the chart is packaged and inChart is
	// true, in the chart; it may be a pattern. top is the root of its repository.
	path, top string
	inChart   bool
	// text names it as it is written.
	text string
	at   manifest.Span
}

func (f argoFile) layer(l layer) layer {
	l.at = f.at
	if f.inChart {
		l.inChart = f.path
	} else {
		l.file = f.path
	}
	return l
}

// pattern says that Argo CD takes the path for a pattern.
func (f argoFile) pattern() bool { return !f.inChart && strings.ContainsAny(f.path, "*?[") }

// find tells which file a text means: one of the folder of the source; with a
// slash before it, of its repository; with $NAME, of the source of that name; or
// one from elsewhere. What is wrong with it was reported if ok is false.
func (f *argoFiles) find(text string, at manifest.Span) (file argoFile, ok bool) {
	file = argoFile{text: text, at: at, top: f.s.root}
	first, rest, _ := strings.Cut(text, "/")
	ref, known := f.refs[first]
	var name string
	switch byRef := strings.HasPrefix(text, "$") && (known || f.s.several); {
	case byRef && !known:
		f.p.problem(&Problem{Class: "render-failed", At: at, Message: fmt.Sprintf("the values file %s is of a source that the Application does not have", oneLine(text)),
			Fix: "Correct the ref of the source, or the name of the file."})
		return file, false
	case byRef && ref.root == "":
		f.lacking = true
		return file, false
	case byRef:
		file.top, name = ref.root, join(ref.root, expandEnv(rest, f.env))
	default:
		text = expandEnv(text, f.env)
		switch {
		case strings.Contains(text, "://"):
			return f.remote(file, text)
		case f.s.dir == "":
			// The chart is packaged, and so are its files.
			file.path, file.inChart = path.Clean(strings.TrimLeft(text, "/")), true
			return file, true
		case strings.HasPrefix(text, "/"):
			name = join(f.s.root, strings.TrimLeft(text, "/"))
		default:
			name = join(f.s.dir, text)
		}
	}
	file.path = name
	switch {
	case manifest.Unknown(name):
		f.lacking = true
		f.p.problem(notKnown("the values file "+oneLine(text), at))
		return file, false
	case escapes(name), file.top != "." && !within(name, file.top):
		f.p.problem(&Problem{Class: "outside-repo", At: at, Message: "the values file " + oneLine(text) + " is outside of the repository and was not read"})
		return file, false
	}
	return file, true
}

// remote is a file of values from elsewhere.
func (f *argoFiles) remote(file argoFile, url string) (argoFile, bool) {
	if manifest.Unknown(url) {
		f.lacking = true
		f.p.problem(notKnown("the values file "+oneLine(redact(url)), file.at))
		return file, false
	}
	mount, problem := f.g.r.kept(store.Request{Kind: store.File, URL: url}, "the values file", file.at)
	if problem != nil {
		f.lacking = true
		f.p.problem(problem)
		return file, false
	}
	file.path, file.top = mount+"/"+store.FileName, mount
	return file, true
}

// values are the layers of value files. A file that several entries name is read
// once: for the first of them, or, where it is named by itself, too, for that.
func (f *argoFiles) values(named []argoFile, ignoreMissing bool) []layer {
	explicit, seen := map[string]bool{}, map[string]bool{}
	for _, file := range named {
		explicit[file.path] = explicit[file.path] || !file.pattern()
	}
	var layers []layer
	add := func(file argoFile) {
		if !seen[file.path] {
			seen[file.path] = true
			layers = append(layers, file.layer(layer{optional: ignoreMissing, of: "the values file " + oneLine(file.text)}))
		}
	}
	for _, file := range named {
		if !file.pattern() {
			add(file)
			continue
		}
		found, ok := f.match(file)
		if ok && len(found) == 0 && !ignoreMissing {
			f.p.problem(&Problem{Class: "render-failed", At: file.at, Message: "no file matches the pattern of values files " + oneLine(file.text) + ", and Argo CD takes that for an error",
				Fix: "Correct the pattern, or set ignoreMissingValueFiles."})
		}
		for _, name := range found {
			if !explicit[name] {
				one := file
				one.path = name
				add(one)
			}
		}
	}
	return layers
}

// maxGlobs is how many patterns are held against all files of the repository.
const maxGlobs = 500

// match are the files that match a pattern, in the order in which Argo CD finds
// them: those of a folder before those of the folders in it.
func (f *argoFiles) match(file argoFile) (found []string, ok bool) {
	if f.g.globs++; f.g.globs > maxGlobs {
		f.p.problem(&Problem{Class: "limit-size", At: file.at, Message: fmt.Sprintf("more than %d patterns of value files: the files of this one were not looked for", maxGlobs)})
		return nil, false
	}
	take := func(name string) {
		if match(file.path, name) {
			found = append(found, name)
		}
	}
	if isFetched(file.path) {
		names, _ := f.g.r.filesBelow(plainPrefix(file.path), true) // of a folder that is not there, none
		for _, name := range names {
			take(name)
		}
	} else {
		for _, one := range f.g.r.found.files {
			take(one.Name)
		}
	}
	slices.SortStableFunc(found, filesFirst)
	return found, true
}

// filesFirst compares paths so that the files of a folder come before the folders
// in it.
func filesFirst(a, b string) int {
	for {
		x, restA, inA := strings.Cut(a, "/")
		y, restB, inB := strings.Cut(b, "/")
		switch {
		case inA != inB && inA:
			return 1
		case inA != inB:
			return -1
		case x != y || !inA:
			return cmp.Compare(x, y)
		}
		a, b = restA, restB
	}
}
