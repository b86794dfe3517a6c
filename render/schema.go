package render

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"regexp/syntax"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"helm.sh/helm/v3/pkg/chart"
)

// What a schema may cost. These bounds are no options: a schema that exceeds
// one is not used, which is said and costs no more than its check.
//
// They hold where it matters, against schemas of a few hundred bytes that take
// for ever or for gigabytes. What remains (regular expressions over long
// texts, long enumerations for each of many items, thousands of $refs to odd
// places, schemas that only a $dynamicRef reaches) is at most the product of
// the sizes of schema and values, and ends with the worker's time.
const (
	maxSchemaSize   = 5 << 20 // bytes, helm's own limit
	maxSchemaDepth  = 200
	maxSchemaNodes  = 10_000     // objects: compiling is quadratic in them
	maxSchemaIDs    = 20_000_000 // times the objects: each is looked for among all
	maxSchemaDigits = 400        // of a number, written out
	maxPatternSize  = 500_000    // instructions of all regular expressions, 40 bytes each
	maxSchemaSteps  = 200_000    // subschemas applied to a value, for a chart with its subcharts
	maxSchemaFrames = 20_000     // calls deep, while that is done
)

// schemaFile is the schema of a chart's values.
const schemaFile = "values.schema.json"

// schemaProblem is what is wrong with a chart's schema, or with the values by
// it. It holds no value of the values, which may be secret.
type schemaProblem struct {
	// Chart is the chart, after the charts that it is in, as helm names the
	// files it renders: "parent/charts/child".
	Chart string
	// File is the schema, from the chart's folder.
	File string
	// Instance is the JSON pointer, in the values of that chart, to the first
	// value that the schema refuses; empty for all of them, and where the
	// problem is not with the values.
	Instance string
	// Message is one sentence of less than 2 KB.
	Message string
}

// validateSchemas holds the values of a chart against its schema, and those of
// its subcharts against theirs, as helm does. values are those that the chart
// is rendered with: what chartutil.ToRenderValues has under "Values". Where
// helm fetches what a schema refers to, or reads it from the disk, this takes
// it from the chart or does without: then that it did is the problem, and the
// rest of the schema still holds. Each schema has at most one problem of a
// kind. The order is that of the charts' names, a chart before those in it.
func validateSchemas(c *chart.Chart, values map[string]any) []schemaProblem {
	v := &validation{left: maxSchemaSteps}
	v.chart(c, values)
	return v.problems
}

// validation is the validation of a chart with its subcharts.
type validation struct {
	left     int // steps
	problems []schemaProblem
}

func (v *validation) chart(c *chart.Chart, values map[string]any) {
	if c.Schema != nil {
		v.schema(c, values)
	}
	// The loader gives them in no order.
	subcharts := slices.SortedStableFunc(slices.Values(c.Dependencies()), func(a, b *chart.Chart) int {
		return cmp.Compare(a.Name(), b.Name())
	})
	for _, sub := range subcharts {
		raw := values[sub.Name()]
		if raw == nil {
			continue
		}
		part, ok := raw.(map[string]any)
		if !ok {
			v.add(sub, "", "helm would refuse the values of this chart: they are no mapping")
			continue
		}
		v.chart(sub, part)
	}
}

func (v *validation) add(c *chart.Chart, instance, format string, args ...any) {
	v.problems = append(v.problems, schemaProblem{Chart: c.ChartFullPath(), File: schemaFile, Instance: instance,
		Message: cut(fmt.Sprintf(format, args...), 1900)})
}

// tooCostly ends a validation, as a panic: the library has no other way out.
// It says what is wrong with the schema.
type tooCostly string

// schema validates the values of one chart against its own schema.
func (v *validation) schema(c *chart.Chart, values map[string]any) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case tooCostly:
			v.add(c, "", "the values were not validated: the schema %s", string(p))
		default:
			// A number out of all bounds, for one.
			v.add(c, "", "helm would refuse the chart: validating its values by the schema fails inside")
		}
	}()
	files := &schemaFiles{chart: c, stub: map[string]any{}, compiled: map[string]jsonschema.Regexp{}}
	doc, err := files.parse(c.Schema)
	if err != nil {
		v.add(c, "", "the values were not validated: the schema %v", err)
		return
	}
	// The names are helm's, so that references resolve to the same.
	const root = "file:///" + schemaFile
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(files)
	compiler.UseRegexpEngine(files.pattern)
	err = compiler.AddResource(root, doc)
	var compiled *jsonschema.Schema
	if err == nil {
		compiled, err = compiler.Compile(root)
	}
	switch {
	case err == nil:
	case len(files.refused) > 0:
		// An anchor in a file that is not there, most likely, for which there
		// is no stub.
		v.add(c, "", "the values were not validated: the schema can't be used without what is not in the chart and was not fetched")
		return
	default:
		v.add(c, "", "helm would refuse the chart: its schema can't be used%s", whyUnusable(err, root, doc, files.local))
		return
	}
	files.report(v, c)
	v.count(compiled)
	if len(values) == 0 {
		values = map[string]any{}
	}
	err = compiled.Validate(values)
	if err == nil {
		return
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		v.add(c, "", "helm would refuse these values")
		return
	}
	found := violations(invalid)
	v.add(c, found[0].pointer, "helm would refuse these values: %s", listViolations(found))
}

// count makes each schema that is applied to a value count as steps, before it
// does anything that leads to another. Format is the one check that the
// library calls for every value and lets others write.
func (v *validation) count(root *jsonschema.Schema) {
	seen := map[*jsonschema.Schema]bool{}
	todo := []*jsonschema.Schema{root}
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if s == nil || seen[s] {
			continue
		}
		seen[s] = true
		todo = append(todo, subschemas(s)...)
		format := &jsonschema.Format{}
		check := func(any) error { return nil }
		if s.Format != nil {
			format.Name, check = s.Format.Name, s.Format.Validate
		}
		if format.Name == "regex" {
			check = validRegexp
		}
		// Those of the branches that fail at their type count nothing.
		cost := 1 + len(s.AllOf) + len(s.AnyOf) + len(s.OneOf)
		format.Validate = func(value any) error {
			v.step(cost)
			return check(value)
		}
		s.Format = format
	}
}

func validRegexp(value any) error {
	if s, ok := value.(string); ok {
		_, err := regexp.Compile(s)
		return err
	}
	return nil
}

func (v *validation) step(cost int) {
	const often = 512
	before := v.left
	if v.left -= cost; v.left < 0 {
		panic(tooCostly("takes more than a chart's schemas may: " + strconv.Itoa(maxSchemaSteps) + " steps"))
	}
	if v.left/often == before/often {
		return
	}
	// A chain of $refs is as many calls deep as the schema is long, and no
	// program survives the end of its stack.
	var pc [1]uintptr
	if runtime.Callers(maxSchemaFrames, pc[:]) > 0 {
		panic(tooCostly("leads from reference to reference without end"))
	}
}

// subschemas are the schemas that a schema leads to.
func subschemas(s *jsonschema.Schema) []*jsonschema.Schema {
	list := []*jsonschema.Schema{s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else, s.PropertyNames,
		s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems, s.ContentSchema}
	if s.DynamicRef != nil {
		list = append(list, s.DynamicRef.Ref)
	}
	for _, some := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf, s.PrefixItems} {
		list = append(list, some...)
	}
	for _, some := range []map[string]*jsonschema.Schema{s.Properties, s.DependentSchemas} {
		for _, sub := range some {
			list = append(list, sub)
		}
	}
	for _, sub := range s.PatternProperties {
		list = append(list, sub)
	}
	loose := []any{s.AdditionalProperties, s.Items, s.AdditionalItems}
	for _, sub := range s.Dependencies {
		loose = append(loose, sub)
	}
	for _, sub := range loose {
		switch sub := sub.(type) {
		case *jsonschema.Schema:
			list = append(list, sub)
		case []*jsonschema.Schema:
			list = append(list, sub...)
		}
	}
	return list
}

// schemaFiles is where a schema's references are looked up: in the chart's
// memory and nowhere else. It never fails: the answer for what it refuses is a
// schema that everything satisfies.
type schemaFiles struct {
	chart *chart.Chart
	// stub is that answer. A reference into the middle of a file must find
	// something there, so it has an entry for each pointer in the schemas.
	stub map[string]any

	local       []string // references within one file
	compiled    map[string]jsonschema.Regexp
	nodes, ids  int
	patternSize int
	refused     []string // references, without what may be a credential
	disk        []string // files that helm would look for outside the chart
	unusable    []string // files of the chart that are no usable schema
	patterns    []string // that are no regular expression of Go
}

// Load implements [jsonschema.URLLoader].
func (f *schemaFiles) Load(ref string) (any, error) {
	u, err := url.Parse(ref)
	if err == nil && u.Scheme == "file" && u.Host == "" {
		name := strings.TrimPrefix(path.Clean(u.Path), "/")
		for _, file := range f.chart.Raw {
			if file.Name != name {
				continue
			}
			f.disk = append(f.disk, name)
			doc, err := f.parse(file.Data)
			if err != nil {
				f.unusable = append(f.unusable, fmt.Sprintf("%s %v", cut(strconv.Quote(name), 200), err))
				return f.stub, nil
			}
			return doc, nil
		}
	}
	if err == nil {
		u.User, u.RawQuery, u.Fragment = nil, "", ""
		ref = u.String()
	} else {
		ref = "a URL that can't be read"
	}
	f.refused = append(f.refused, cut(strconv.Quote(ref), 200))
	return f.stub, nil
}

// pattern compiles a regular expression. One that Go doesn't know matches
// everything.
func (f *schemaFiles) pattern(expr string) (jsonschema.Regexp, error) {
	if re, ok := f.compiled[expr]; ok {
		return re, nil
	}
	var re jsonschema.Regexp = anyText(expr)
	if parsed, err := syntax.Parse(expr, syntax.Perl); err != nil {
		f.patterns = append(f.patterns, cut(strconv.Quote(expr), 200))
	} else {
		if f.patternSize += patternSize(parsed); f.patternSize > maxPatternSize {
			panic(tooCostly("holds regular expressions that are too large"))
		}
		if re, err = regexp.Compile(expr); err != nil {
			return nil, err
		}
	}
	f.compiled[expr] = re
	return re, nil
}

// patternSize is about how many instructions a regular expression compiles to:
// x{1000} is written in seven bytes and is a thousand.
func patternSize(re *syntax.Regexp) int {
	size := 1
	if re.Op == syntax.OpLiteral {
		size = len(re.Rune)
	}
	for _, sub := range re.Sub {
		size += patternSize(sub)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Min+1, re.Max)
	}
	return size
}

// anyText is a regular expression that can't be compiled.
type anyText string

func (t anyText) String() string        { return string(t) }
func (anyText) MatchString(string) bool { return true }

// parse reads a schema and refuses one that the library could not bear.
func (f *schemaFiles) parse(data []byte) (any, error) {
	if len(data) > maxSchemaSize {
		return nil, fmt.Errorf("is larger than %d MiB", maxSchemaSize>>20)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		var at *json.SyntaxError
		if errors.As(err, &at) {
			return nil, fmt.Errorf("is not JSON (line %d), so helm would refuse the chart", 1+bytes.Count(data[:min(int(at.Offset), len(data))], []byte("\n")))
		}
		return nil, errors.New("is not JSON, so helm would refuse the chart")
	}
	if err := f.walk(doc, 0); err != nil {
		return nil, err
	}
	if f.ids*f.nodes > maxSchemaIDs {
		return nil, errors.New("holds too many identifiers")
	}
	return doc, nil
}

func (f *schemaFiles) walk(value any, depth int) error {
	if depth > maxSchemaDepth {
		return fmt.Errorf("nests more than %d deep", maxSchemaDepth)
	}
	switch value := value.(type) {
	case json.Number:
		mantissa, exponent, _ := strings.Cut(strings.ToLower(value.String()), "e")
		n, err := strconv.Atoi(cmp.Or(exponent, "0"))
		if err != nil || len(mantissa)+max(n, -n) > maxSchemaDigits {
			return fmt.Errorf("holds a number of more than %d digits", maxSchemaDigits)
		}
	case []any:
		for _, item := range value {
			if err := f.walk(item, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		if f.nodes++; f.nodes > maxSchemaNodes {
			return fmt.Errorf("holds more than %d objects", maxSchemaNodes)
		}
		for key, item := range value {
			if text, ok := item.(string); ok {
				switch key {
				case "$ref", "$dynamicRef":
					f.stand(text)
				case "$id", "id":
					f.ids++
				}
			}
			if err := f.walk(item, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// stand makes the stub have something at the place that a reference names.
func (f *schemaFiles) stand(ref string) {
	if strings.HasPrefix(ref, "#") {
		f.local = append(f.local, ref)
		return
	}
	const deepest = 20 // the stub must not outgrow the schemas
	tokens := pointerTokens(ref)
	at := f.stub
	for _, token := range tokens[:min(len(tokens), deepest)] {
		next, ok := at[token].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[token] = next
		}
		at = next
	}
}

// report adds what was found out about the files on the way.
func (f *schemaFiles) report(v *validation, c *chart.Chart) {
	if len(f.refused) > 0 {
		v.add(c, "", "the schema refers to what is not in the chart, which was neither fetched nor applied: %s", listSome(f.refused))
	}
	if len(f.disk) > 0 {
		v.add(c, "", "the schema refers to other files of the chart, which helm looks for at the root of the disk and not in the chart: %s", listSome(f.disk))
	}
	if len(f.unusable) > 0 {
		v.add(c, "", "the schema refers to files that can't be used, so they were not applied: %s", listSome(f.unusable))
	}
	if len(f.patterns) > 0 {
		v.add(c, "", "helm would refuse the chart: its schema holds patterns that Go's regular expressions don't know, so they were not applied: %s", listSome(f.patterns))
	}
}

// listSome lists texts in order, the first few of them.
func listSome(texts []string) string {
	const most = 5
	texts = slices.Compact(slices.Sorted(slices.Values(texts)))
	if n := len(texts) - most; n > 0 {
		return strings.Join(texts[:most], ", ") + " and " + strconv.Itoa(n) + " more"
	}
	return strings.Join(texts, ", ")
}

// violation is one place that a schema refuses, and why.
type violation struct{ pointer, why string }

// violations are the places that an error names, in order; there is one at
// least.
func violations(err *jsonschema.ValidationError) []violation {
	var found []violation
	todo := []*jsonschema.ValidationError{err}
	for len(todo) > 0 {
		e := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		switch e.ErrorKind.(type) {
		case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
			if len(e.Causes) > 0 {
				todo = append(todo, e.Causes...)
				continue
			}
		}
		if k, ok := e.ErrorKind.(*kind.PropertyNames); ok {
			// Its location shares memory with others', and is theirs by now.
			found = append(found, violation{"", "may not have a key " + cut(strconv.Quote(k.Property), 100)})
			continue
		}
		pointer := strings.Builder{}
		for _, token := range e.InstanceLocation {
			pointer.WriteByte('/')
			pointer.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(token))
		}
		found = append(found, violation{pointer.String(), violationText(e.ErrorKind)})
	}
	slices.SortFunc(found, func(a, b violation) int {
		return cmp.Or(cmp.Compare(a.pointer, b.pointer), cmp.Compare(a.why, b.why))
	})
	return slices.Compact(found)
}

func listViolations(found []violation) string {
	texts := make([]string, len(found))
	for i, f := range found {
		texts[i] = cut(strconv.Quote(cmp.Or(f.pointer, "/")), 200) + " " + f.why
	}
	return listSome(texts)
}

// violationText says what is wrong without the value that is: the schema's
// words may be printed, the values' may not.
func violationText(k jsonschema.ErrorKind) string {
	number := func(n interface{ Float64() (float64, bool) }) string {
		f, _ := n.Float64()
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	names := func(list []string) string {
		quoted := make([]string, len(list))
		for i, name := range list {
			quoted[i] = cut(strconv.Quote(name), 100)
		}
		return listSome(quoted)
	}
	switch k := k.(type) {
	case *kind.Type:
		return fmt.Sprintf("is %s and not %s", k.Got, strings.Join(k.Want, " or "))
	case *kind.Required:
		return "lacks " + names(k.Missing)
	case *kind.Dependency:
		return fmt.Sprintf("lacks %s, which %s needs", names(k.Missing), names([]string{k.Prop}))
	case *kind.DependentRequired:
		return fmt.Sprintf("lacks %s, which %s needs", names(k.Missing), names([]string{k.Prop}))
	case *kind.AdditionalProperties:
		return "may not have " + names(k.Properties)
	case *kind.Enum:
		return "is none of the allowed values"
	case *kind.Const:
		return "is not the one allowed value"
	case *kind.Pattern:
		return "does not match " + cut(strconv.Quote(k.Want), 200)
	case *kind.Format:
		return "is no valid " + cut(strconv.Quote(k.Want), 100)
	case *kind.Minimum:
		return "is less than " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "is not more than " + number(k.Want)
	case *kind.Maximum:
		return "is more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "is not less than " + number(k.Want)
	case *kind.MultipleOf:
		return "is no multiple of " + number(k.Want)
	case *kind.FalseSchema:
		return "is not allowed"
	case *kind.AnyOf:
		return "fits none of the schemas of anyOf"
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			return "fits more than one schema of oneOf"
		}
		return "fits none of the schemas of oneOf"
	case *kind.RefCycle:
		return "can't be validated: the schema refers to itself"
	case *kind.InvalidJsonValue:
		return "is no value of JSON"
	case *kind.Not:
		return "fits the schema of not"
	case nil:
		return "is not allowed"
	}
	return "breaks " + cut(strconv.Quote(strings.Join(k.KeywordPath(), " ")), 100)
}

// whyUnusable says why a schema can't be compiled, as far as that is certain:
// of several reasons the library gives any.
func whyUnusable(err error, root string, doc any, refs []string) string {
	var invalid *jsonschema.SchemaValidationError
	var at *jsonschema.ValidationError
	if errors.As(err, &invalid) && invalid.URL == root+"#" && errors.As(invalid.Err, &at) {
		return ": " + listViolations(violations(at))
	}
	var dangling []string
	for _, ref := range refs {
		if !leadsSomewhere(doc, ref) {
			dangling = append(dangling, cut(strconv.Quote(ref), 200))
		}
	}
	if len(dangling) > 0 {
		return ": it has nothing at " + listSome(dangling)
	}
	return ""
}

// leadsSomewhere says that there is something in a document at a reference,
// "#/a/b".
func leadsSomewhere(doc any, ref string) bool {
	for _, token := range pointerTokens(ref) {
		switch at := doc.(type) {
		case map[string]any:
			next, ok := at[token]
			if !ok {
				return false
			}
			doc = next
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(at) {
				return false
			}
			doc = at[i]
		default:
			return false
		}
	}
	return true
}

// pointerTokens are the steps of the JSON pointer that a reference ends in;
// none for an anchor.
func pointerTokens(ref string) []string {
	_, fragment, _ := strings.Cut(ref, "#")
	fragment, err := url.PathUnescape(fragment)
	if err != nil || !strings.HasPrefix(fragment, "/") {
		return nil
	}
	tokens := strings.Split(fragment[1:], "/")
	for i, t := range tokens {
		tokens[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(t)
	}
	return tokens
}

// cut shortens a text to at most so many bytes.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-len("…")], "") + "…"
}
