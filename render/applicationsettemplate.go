package render

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/template"
	"text/template/parse"

	"github.com/Masterminds/sprig/v3"
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// params is one set of parameters that a generator gives.
type params struct {
	// known are their values. The older templates have flat names and see only
	// text, Go templates have what the generator found.
	known map[string]any
	// open says that there are more parameters, whose values need a live
	// system: they are placeholders.
	open bool
}

func (p params) empty() bool { return len(p.known) == 0 && !p.open }

// templates replaces parameters in the texts of an ApplicationSet.
type templates struct {
	limits    manifest.Limits
	namespace string
	// goTemplate tells Go templates from the older {{name}}.
	goTemplate bool
	options    []string
	// left is how many bytes may still be made of most.
	left, most int64
	parsed     map[templateKey]*parsedTemplate
}

type templateKey struct {
	text string
	// strict makes a missing key an error, whatever the options say.
	strict bool
}

type parsedTemplate struct {
	*template.Template
	// mentions are the parameters that it names.
	mentions *shape
	err      error
}

var templateOptions = []string{"missingkey=default", "missingkey=invalid", "missingkey=zero", "missingkey=error"}

func newTemplates(l manifest.Limits, size int64, goTemplate bool, options []string) (templates, error) {
	for _, o := range options {
		if !slices.Contains(templateOptions, o) {
			return templates{}, fmt.Errorf("there is no goTemplateOptions %q: use %s", o, strings.Join(templateOptions, ", "))
		}
	}
	return templates{limits: l, goTemplate: goTemplate, options: options, left: size, most: size,
		parsed: map[templateKey]*parsedTemplate{}}, nil
}

// spend counts text that was made.
func (t *templates) spend(n int) error {
	if t.left -= int64(n); t.left < 0 {
		return sizeError(t.most)
	}
	return nil
}

// render is a copy of a node in which every text, keys included, has its
// parameters replaced. Entries without a value are left out.
func (t *templates) render(n *yaml.Node, ps params) (*yaml.Node, error) {
	c := *n
	if err := t.spend(1); err != nil {
		return nil, err
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if n.ShortTag() != "!!str" {
			return &c, t.spend(len(n.Value))
		}
		text, err := t.replace(n.Value, ps, false)
		if err != nil {
			return nil, atNode(n, err)
		}
		if text != n.Value {
			c.Value, c.Tag = text, "!!str"
			c.Style &^= yaml.LiteralStyle | yaml.FoldedStyle
		}
		return &c, t.spend(len(text))
	case yaml.MappingNode:
		c.Content = make([]*yaml.Node, 0, len(n.Content))
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i+1].ShortTag() == "!!null" {
				continue
			}
			key, err := t.render(n.Content[i], ps)
			if err != nil {
				return nil, err
			}
			value, err := t.render(n.Content[i+1], ps)
			if err != nil {
				return nil, err
			}
			c.Content = append(c.Content, key, value)
		}
	default:
		c.Content = make([]*yaml.Node, len(n.Content))
		for i := range n.Content {
			var err error
			if c.Content[i], err = t.render(n.Content[i], ps); err != nil {
				return nil, err
			}
		}
	}
	return &c, nil
}

// replace replaces the parameters in a text. strict makes one that is missing an
// error of Go templates.
func (t *templates) replace(text string, ps params, strict bool) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	if !t.goTemplate {
		return replaceTags(text, ps)
	}
	return t.execute(text, ps, strict)
}

var taggedLine = lazyRegexp(`\{\{.*\}\}`)

// replaceTags replaces each {{name}}. A name that is no parameter stays as it
// is.
func replaceTags(text string, ps params) (string, error) {
	if !taggedLine().MatchString(text) {
		return text, nil
	}
	var out strings.Builder
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "{{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		tag, after, found := strings.Cut(after, "}}")
		if !found {
			return "", errors.New("a template has {{ without }}")
		}
		rest = after
		name := strings.TrimSpace(tag)
		value, known := ps.known[name]
		switch s, isText := value.(string); {
		case name != "" && isText:
			out.WriteString(s)
		case name != "" && !known && ps.open:
			out.WriteString(placeholder(name))
		default:
			out.WriteString("{{" + tag + "}}")
		}
	}
}

// execute renders a Go template.
func (t *templates) execute(text string, ps params, strict bool) (string, error) {
	p := t.parse(templateKey{text, strict || ps.open})
	if p.err != nil {
		return "", p.err
	}
	data := ps.known
	if ps.open {
		if p.mentions == nil {
			p.mentions = mentioned(p.Template)
		}
		data = complete(ps.known, p.mentions)
	}
	out := &bounded{left: t.left}
	err := p.Execute(out, data)
	switch {
	case out.left < 0:
		return "", sizeError(t.most)
	case err != nil && ps.open:
		// It does with values that are not known what can't be done with
		// placeholders.
		return placeholder("template"), nil
	case err != nil:
		return "", fmt.Errorf("can't render a template: %s", withoutValues(err.Error(), text, data))
	}
	return out.String(), nil
}

// withoutValues takes out of an error what it quotes of the parameters, any of which
// may be secret, unless the template says it itself.
func withoutValues(message, text string, data any) string {
	r := &redactor{open: []string{text}}
	var take func(v any, depth int)
	take = func(v any, depth int) {
		switch v := v.(type) {
		case string:
			r.secret = append(r.secret, v)
		case map[string]any:
			for _, item := range v {
				if depth < maxParameterDepth {
					take(item, depth+1)
				}
			}
		case []any:
			for _, item := range v {
				if depth < maxParameterDepth {
					take(item, depth+1)
				}
			}
		}
	}
	take(data, 0)
	return r.text(message)
}

// maxParameterDepth is far beyond what parameters hold of mappings and lists.
const maxParameterDepth = 100

// maxParsed is how many templates are kept: each has the table of functions.
const maxParsed = 1000

// parse parses a template, once.
func (t *templates) parse(key templateKey) *parsedTemplate {
	if p := t.parsed[key]; p != nil {
		return p
	}
	if len(t.parsed) == maxParsed {
		clear(t.parsed)
	}
	p := &parsedTemplate{}
	t.parsed[key] = p
	options := t.options
	if key.strict {
		options = []string{"missingkey=error"}
	}
	p.Template, p.err = template.New("base").Funcs(setFunctions()).Funcs(t.yamlFunctions()).Option(options...).Parse(key.text)
	switch {
	case p.err != nil:
		p.err = fmt.Errorf("can't parse a template: %w", p.err)
	case callsItself(p.Template):
		p.err = &setError{Problem: Problem{Class: "template-recursion", Message: "a template calls itself"}}
	}
	return p
}

// callsItself says that a template leads back to itself. One that would stop
// can't be told from one that would not.
func callsItself(t *template.Template) bool {
	calls := map[string][]string{}
	for _, one := range t.Templates() {
		if one.Tree == nil {
			continue
		}
		eachNode(one.Root, func(n parse.Node) {
			if call, ok := n.(*parse.TemplateNode); ok {
				calls[one.Name()] = append(calls[one.Name()], call.Name)
			}
		})
	}
	const open, done = 1, 2
	state := map[string]int{}
	var cyclic func(name string) bool
	cyclic = func(name string) bool {
		switch state[name] {
		case open:
			return true
		case done:
			return false
		}
		state[name] = open
		if slices.ContainsFunc(calls[name], cyclic) {
			return true
		}
		state[name] = done
		return false
	}
	return slices.ContainsFunc(slices.Collect(maps.Keys(calls)), cyclic)
}

// eachNode calls f for each node that can hold a call of a template.
func eachNode(n parse.Node, f func(parse.Node)) {
	f(n)
	branch := func(b *parse.BranchNode) {
		eachNode(b.List, f)
		if b.ElseList != nil {
			eachNode(b.ElseList, f)
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		for _, c := range n.Nodes {
			eachNode(c, f)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	}
}

// bounded takes so many bytes and no more.
type bounded struct {
	bytes.Buffer
	left int64
}

var errTextTooLarge = errors.New("the text is too large")

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errTextTooLarge
	}
	return b.Buffer.Write(p)
}

// setFunctions are the functions of Go templates in an ApplicationSet: sprig's
// without those that ask the system, and with results that are the same each
// time.
var setFunctions = sync.OnceValue(func() template.FuncMap {
	stillHelm()
	functions := sprig.GenericFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(functions, name)
	}
	functions["normalize"] = normalize
	functions["slugify"] = slugify
	return functions
})

// yamlFunctions are those that read and write YAML.
func (t *templates) yamlFunctions() template.FuncMap {
	return template.FuncMap{
		"toYaml": func(v any) (string, error) {
			text, err := sigsyaml.Marshal(v)
			return strings.TrimSuffix(string(text), "\n"), err
		},
		"fromYaml": func(text string) (map[string]any, error) {
			m := map[string]any{}
			return m, unmarshal(t.limits, []byte(text), &m)
		},
		"fromYamlArray": func(text string) ([]any, error) {
			list := []any{}
			return list, unmarshal(t.limits, []byte(text), &list)
		},
	}
}

// unmarshal reads YAML as Argo CD does, behind the gate.
func unmarshal(l manifest.Limits, data []byte, into any) error {
	data, refused := l.Check(data)
	if refused != nil {
		return refused
	}
	return sigsyaml.Unmarshal(data, into)
}

var notInName = lazyRegexp(`[^-a-z0-9.]`)

// normalize makes a text a valid name of a Kubernetes object.
func normalize(name string) string {
	name = notInName().ReplaceAllString(strings.ToLower(name), "-")
	return strings.Trim(name[:min(len(name), 253)], "-.")
}

// slugify makes a text a part of a URL. Its last argument is the text; those
// before it are the most characters, and whether to cut between words only.
func slugify(args ...any) (string, error) {
	if len(args) == 0 {
		return slug("", 50, true), nil
	}
	most, whole := 50, true
	name, ok := args[len(args)-1].(string)
	if ok && len(args) > 1 {
		most, ok = args[0].(int)
	}
	if ok && len(args) > 2 {
		whole, ok = args[1].(bool)
	}
	if !ok || most < 0 {
		return "", errors.New("slugify takes the most characters, whether to cut between words, and a text")
	}
	return slug(normalize(name), most, whole), nil
}

var dashes = lazyRegexp(`[^a-z0-9]+`)

// slug shortens a name that is normalised already.
func slug(name string, most int, whole bool) string {
	if !whole && len(name) >= most {
		name = name[:most]
	}
	name = strings.Trim(dashes().ReplaceAllString(name, "-"), "-")
	if most == 0 || !whole || len(name) <= most {
		return name
	}
	if i := strings.LastIndex(name[:most+1], "-"); i >= 0 {
		return name[:i]
	}
	return name[:most]
}
