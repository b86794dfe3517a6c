package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/store"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/yaml"
)

// valuesError is why a layer of values could not be taken. It quotes none.
type valuesError struct {
	class, message, fix string
	at                  manifest.Span
	needs               store.Request
}

func (e *valuesError) Error() string { return e.message }

func (e *valuesError) problem() Problem {
	return Problem{Class: e.class, Message: e.message, Fix: e.fix, At: e.at, Needs: e.needs}
}

// values puts the values of a release together, as helm does with the files and
// settings of its command line.
func (f *chartFiles) values(r *release) (map[string]any, error) {
	if slices.ContainsFunc(r.layers, func(l layer) bool { return l.flux }) {
		return f.fluxValues(r)
	}
	return f.merged(r.layers)
}

func (f *chartFiles) merged(layers []layer) (map[string]any, error) {
	values := map[string]any{}
	for i := range layers {
		var err error
		if values, err = f.over(values, &layers[i]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// over puts one layer over values.
func (f *chartFiles) over(values map[string]any, l *layer) (map[string]any, error) {
	data, err := f.layer(l)
	if err != nil || data == nil {
		return values, err
	}
	if l.target != "" {
		return values, l.set(values, string(data))
	}
	more, err := f.parse(l, data)
	if err != nil {
		return nil, err
	}
	return mergeMaps(values, more), nil
}

// fluxValues puts values together as helm-controller does: those of valuesFrom
// in their order and the HelmRelease's own ones last. Before a targetPath is set
// the own ones are merged in, and they are merged in at the end: what was set
// then holds only where the maps were not copied in between, so the order of the
// steps and what they share is that of helm-controller, too.
func (f *chartFiles) fluxValues(r *release) (map[string]any, error) {
	var own, from []layer
	for _, l := range r.layers {
		if l.flux {
			from = append(from, l)
		} else {
			own = append(own, l)
		}
	}
	ownValues, err := f.merged(own)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	for i := range from {
		if from[i].target != "" {
			values = mergeMaps(values, ownValues)
		}
		if values, err = f.over(values, &from[i]); err != nil {
			return nil, err
		}
	}
	return mergeMaps(values, ownValues), nil
}

// mergeMaps merges b over a. Neither is changed at its top; maps that only one
// of them has are shared with the result.
func mergeMaps(a, b map[string]any) map[string]any {
	merged := make(map[string]any, len(a)+len(b))
	for k, v := range a {
		merged[k] = v
	}
	for k, v := range b {
		over, isMap := v.(map[string]any)
		if under, ok := merged[k].(map[string]any); ok && isMap {
			merged[k] = mergeMaps(under, over)
			continue
		}
		merged[k] = v
	}
	return merged
}

// layer is the text of a layer; nil for an optional one that is not there.
func (f *chartFiles) layer(l *layer) ([]byte, error) {
	if l.file == "" && l.inChart == "" {
		return append([]byte{}, l.text...), nil
	}
	var data []byte
	var err error
	if l.inChart != "" {
		data, err = f.content(l.inChart)
	} else {
		data, err = readLimited(f.tree, l.file, f.limits.YAML.FileSize)
	}
	if l.optional && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var refused *gateError
	switch {
	case errors.As(err, &refused):
		return nil, &valuesError{class: string(refused.err.Class), message: refused.err.Message, at: manifest.Span{File: refused.file}}
	case errors.Is(err, fs.ErrNotExist):
		return nil, &valuesError{class: "render-failed", message: "can't read the values: there is no file " + oneLine(l.name()), at: l.place()}
	case err != nil:
		return nil, &valuesError{class: readClass(err), message: "can't read the values of " + oneLine(l.name()) + ": " + reason(err), at: l.place()}
	}
	return append([]byte{}, data...), nil
}

// content is a file of the chart itself, by its path in it.
func (f *chartFiles) content(name string) ([]byte, error) {
	name = path.Clean(name)
	for _, b := range slices.Backward(f.files) {
		if b.Name == name {
			return b.Data, nil
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (l *layer) name() string {
	for _, name := range []string{l.file, l.inChart, l.of} {
		if name != "" {
			return name
		}
	}
	return "the release"
}

// place is where a problem of the layer is: in the file if it is one of the
// tree, else where it is asked for.
func (l *layer) place() manifest.Span {
	if l.at.File == "" {
		return manifest.Span{File: l.file}
	}
	return l.at
}

// parse reads a layer of YAML. What it does not allow is said without the text.
func (f *chartFiles) parse(l *layer, data []byte) (map[string]any, error) {
	checked, refused := f.limits.YAML.Check(data)
	if refused == nil {
		var values map[string]any
		if err := yaml.Unmarshal(checked, &values); err == nil {
			return values, nil
		}
		if _, problems := f.limits.YAML.Parse(checked); len(problems) > 0 {
			refused = problems[0]
		}
	}
	e := &valuesError{class: "render-failed", message: "can't read the values of " + oneLine(l.name()) + ": they are no mapping", at: l.place()}
	if refused != nil {
		p := refusedProblem(l.file, refused)
		e.class, e.message, e.fix = p.Class, "can't read the values of "+oneLine(l.name())+": "+p.Message, p.Fix
		if l.file != "" {
			e.at = p.At
		}
	}
	return nil, e
}

// What a path of helm's --set may ask for: each index of a list makes that many
// items, and each nests the parser's calls.
const (
	maxSetItems   = 1 << 20
	maxSetIndexes = 1000
)

// set sets a single value.
func (l *layer) set(values map[string]any, value string) error {
	fail := func(why string) error {
		return &valuesError{class: "render-failed", at: l.place(), message: fmt.Sprintf("can't set the value %s from %s: %s", oneLine(l.target), oneLine(l.of), why)}
	}
	str, scanned := l.str, l.target
	switch {
	case l.file != "", l.inChart != "", l.flux && l.literal:
		// All of it is the value, as with helm's --set-file.
		value, str = escapeSet(value), true
	case l.flux:
		value, str = fluxValue(value)
		scanned += "=" + value
	case !l.literal:
		scanned += "=" + value
	}
	if items, indexes := setCost(scanned); items > maxSetItems || indexes > maxSetIndexes {
		return fail("it asks for too many items of lists")
	}
	var err error
	switch {
	case l.literal && !l.flux:
		err = strvals.ParseLiteralInto(l.target+"="+value, values)
	case str:
		err = strvals.ParseIntoString(l.target+"="+value, values)
	default:
		err = strvals.ParseInto(l.target+"="+value, values)
	}
	if err != nil {
		// The error quotes the value.
		return fail("the path, or the value, is not one that helm's --set takes")
	}
	return nil
}

// fluxValue is a value as helm-controller hands it on for a targetPath: one in
// quotes is a string.
func fluxValue(value string) (text string, str bool) {
	for _, quote := range []string{"'", `"`} {
		if strings.HasPrefix(value, quote) && strings.HasSuffix(value, quote) {
			return strings.Trim(value, `'"`), true
		}
	}
	return value, false
}

// escapeSet lets a text be a value of helm's --set.
func escapeSet(value string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`).Replace(value)
}

// setCost is at most how many items of lists a text of helm's --set makes, and
// how many indexes it has.
func setCost(text string) (items, indexes int) {
	// A backslash between the digits changes nothing.
	text = strings.ReplaceAll(text, `\`, "")
	for {
		open := strings.IndexByte(text, '[')
		if open < 0 {
			return items, indexes
		}
		text = text[open+1:]
		end := strings.IndexAny(text, "[]")
		if end < 0 {
			return items, indexes
		}
		if n, err := strconv.Atoi(text[:end]); err == nil && n >= 0 {
			indexes++
			items = min(items+min(n, strvals.MaxIndex)+1, maxSetItems+1)
		}
	}
}

// replaceDefaults puts other files in the place of the chart's values.yaml, as
// Flux does for valuesFiles.
func (f *chartFiles) replaceDefaults(c *chart.Chart, r *release) error {
	if len(r.defaults) == 0 {
		return nil
	}
	values, err := f.merged(r.defaults)
	if err != nil {
		return err
	}
	if len(values) > 0 {
		c.Values = values
	}
	return nil
}

// options are what the release's templates see of it.
func (r *release) options() (chartutil.ReleaseOptions, error) {
	o := chartutil.ReleaseOptions{Name: r.name, Namespace: r.namespace, Revision: 1, IsInstall: true}
	if o.Name == "" {
		o.Name = releaseName
	}
	if o.Namespace == "" {
		o.Namespace = releaseNamespace
	}
	if err := chartutil.ValidateReleaseName(o.Name); err != nil {
		return o, fmt.Errorf("%q is no name for a release: helm takes lower case letters, digits, hyphens and dots, at most 53", o.Name)
	}
	return o, nil
}

// redactor hides the values of a release, wherever they come from, in errors.
func (f *chartFiles) redactor(r *release) *redactor {
	hidden := &redactor{limits: f.limits.YAML}
	for _, b := range f.files {
		hidden.open = append(hidden.open, b.Name)
		hidden.file("/"+b.Name, b.Data)
	}
	for _, l := range slices.Concat(r.defaults, r.layers) {
		hidden.open = append(hidden.open, l.name(), l.target)
		switch {
		case l.text == "":
			hidden.documents(f.tree.source(l.file))
		case l.target == "":
			hidden.documents([]byte(l.text))
		default:
			hidden.secret = append(hidden.secret, l.text)
		}
	}
	for _, post := range r.post {
		hidden.documents([]byte(post))
	}
	return hidden
}

// hide takes out of the problems whose text a library wrote what is hidden.
func (p *product) hide(hidden func() *redactor) {
	var r *redactor
	for i := range p.problems {
		problem := &p.problems[i]
		if problem.Class != "render-failed" && problem.Class != "template-recursion" && problem.Class != "archive" {
			continue
		}
		if r == nil {
			r = hidden()
		}
		text := r.text(problem.Message)
		p.reason = strings.ReplaceAll(p.reason, problem.Message, text)
		problem.Message = text
	}
}
