package manifest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// SchemaError is a field that the API server would refuse or ignore.
type SchemaError struct {
	Path    *field.Path
	Message string
	// Fields are, for a field that the type does not have, those that it has,
	// sorted; nil for any other fault.
	Fields []string
	// Below are, for a field that the type does not have, those of its fields
	// that hold an object which has it, sorted: where it may have been meant to be.
	Below []string
}

// maxSchemaErrors bounds what one object says: past the first few, more of the
// same tells a person nothing.
const maxSchemaErrors = 20

// decoder fills a k8s.io/api type from YAML nodes. The API machinery's own
// decoder stops at the first field of a wrong type and loses the object; a
// linter must still see the rest of it.
type decoder struct {
	errors  []SchemaError
	refused []SchemaError
}

func (d *decoder) fail(path *field.Path, format string, args ...any) {
	if len(d.errors) < maxSchemaErrors {
		d.errors = append(d.errors, SchemaError{Path: path, Message: fmt.Sprintf(format, args...)})
	}
}

// refuse notes what decodes, and what the API server does not take all the same.
func (d *decoder) refuse(path *field.Path, format string, args ...any) {
	if len(d.refused) < maxSchemaErrors {
		d.refused = append(d.refused, SchemaError{Path: path, Message: fmt.Sprintf(format, args...)})
	}
}

// object decodes a node into the type in which rules see a kind. What does not
// fit is judged by the kind's type in exactly the version that is written.
func (d *decoder) object(gvk schema.GroupVersionKind, n *yaml.Node) runtime.Object {
	exact := Builtin(gvk)
	if exact != nil {
		d.value(reflect.ValueOf(exact).Elem(), n, nil)
	}
	if gvk.Group == apiextensionsv1.GroupName {
		// No rule reads these by their type, which takes megabytes for a large one
		// as long as the object is kept.
		return nil
	}
	seen, ok := ruleVersion(gvk)
	if !ok || seen == gvk {
		return exact
	}
	o := Builtin(seen)
	(&decoder{}).value(reflect.ValueOf(o).Elem(), n, nil)
	return o
}

func (d *decoder) value(v reflect.Value, n *yaml.Node, path *field.Path) {
	if isNull(n) {
		// null is "not set" wherever the API has an optional field; the
		// required ones are the rules' business.
		return
	}
	if n.Kind == yaml.ScalarNode && v.Kind() != reflect.String && !settled(n.Value) {
		// Substituted before it reaches the cluster: nothing is known of it.
		return
	}
	if v.Kind() == reflect.Pointer {
		target := reflect.New(v.Type().Elem())
		before := len(d.errors)
		d.value(target.Elem(), n, path)
		if len(d.errors) == before || !target.Elem().IsZero() {
			v.Set(target)
		}
		return
	}
	if v.CanAddr() {
		if d.special(v.Addr().Interface(), n, path) {
			return
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(v, n, path)
	case reflect.Map:
		d.mapping(v, n, path)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			d.bytes(v, n, path)
			return
		}
		if n.Kind != yaml.SequenceNode {
			d.fail(path, "must be a list, not %s", describe(n))
			return
		}
		s := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		for i, c := range n.Content {
			if isNull(c) {
				d.fail(path.Index(i), "must not be null")
				continue
			}
			d.value(s.Index(i), c, path.Index(i))
		}
		v.Set(s)
	default:
		d.scalar(v, n, path)
	}
}

// settled says that a text is what the API server will see: SOPS does not put
// another one in its place either.
func settled(text string) bool { return Known(text) && !strings.HasPrefix(text, "ENC[") }

// special decodes the types that have a JSON form of their own.
func (d *decoder) special(target any, n *yaml.Node, path *field.Path) bool {
	switch t := target.(type) {
	case *intstr.IntOrString:
		d.intOrString(t, n, path)
	case *resource.Quantity:
		if n.Kind != yaml.ScalarNode {
			d.fail(path, "must be a quantity, not %s", describe(n))
		} else if q, err := resource.ParseQuantity(n.Value); err != nil {
			d.fail(path, "must be a quantity such as 100m or 1Gi")
		} else {
			*t = q
		}
	case *apiextensionsv1.JSONSchemaPropsOrBool:
		if n.Kind == yaml.MappingNode {
			*t = apiextensionsv1.JSONSchemaPropsOrBool{Allows: true, Schema: &apiextensionsv1.JSONSchemaProps{}}
			d.value(reflect.ValueOf(t.Schema).Elem(), n, path)
		} else {
			d.value(reflect.ValueOf(&t.Allows).Elem(), n, path)
		}
	case *apiextensionsv1.JSONSchemaPropsOrArray:
		if n.Kind == yaml.SequenceNode {
			d.value(reflect.ValueOf(&t.JSONSchemas).Elem(), n, path)
		} else {
			t.Schema = &apiextensionsv1.JSONSchemaProps{}
			d.value(reflect.ValueOf(t.Schema).Elem(), n, path)
		}
	case json.Unmarshaler:
		var plain any
		if err := n.Decode(&plain); err != nil {
			d.fail(path, "can't be read")
			return true
		}
		text, err := json.Marshal(plain)
		if err == nil {
			err = t.UnmarshalJSON(text)
		}
		if err != nil {
			// The error quotes the value, which may be secret.
			d.fail(path, "has the wrong form for its type")
		}
	default:
		return false
	}
	return true
}

func (d *decoder) intOrString(t *intstr.IntOrString, n *yaml.Node, path *field.Path) {
	switch {
	case n.Kind != yaml.ScalarNode, n.ShortTag() == "!!bool", yaml11Bool(n):
		d.fail(path, "must be a number or a string, not %s", describe(n))
	case !isNumber(n):
		*t = intstr.FromString(n.Value)
	default:
		i, ok := integer(n.Value)
		if !ok || i < math.MinInt32 || i > math.MaxInt32 {
			d.fail(path, "must be a whole number of 32 bits, or a string")
			return
		}
		*t = intstr.FromInt32(int32(i))
	}
}

func (d *decoder) structure(v reflect.Value, n *yaml.Node, path *field.Path) {
	if n.Kind != yaml.MappingNode {
		d.fail(path, "must be an object, not %s", describe(n))
		return
	}
	t := structOf(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		index, ok := t.fields[name]
		if !ok {
			if clientSide(path, name) {
				continue
			}
			d.unknown(v.Type(), child(path, name), name)
			continue
		}
		d.value(v.FieldByIndex(index), n.Content[i+1], child(path, name))
	}
	for _, name := range t.required {
		name, filled := strings.CutSuffix(name, "+")
		switch value := Get(n, name); {
		case value == nil, isNull(value):
			d.refuse(child(path, name), "is missing")
		case value.Kind == yaml.ScalarNode && value.Value == "", filled && value.Kind == yaml.SequenceNode && len(value.Content) == 0:
			d.refuse(child(path, name), "is empty")
		}
	}
}

// unknown notes a field that a type does not have.
func (d *decoder) unknown(t reflect.Type, path *field.Path, name string) {
	if len(d.errors) >= maxSchemaErrors {
		return
	}
	e := SchemaError{Path: path, Message: "unknown field", Fields: []string{}}
	for known, index := range structOf(t).fields {
		e.Fields = append(e.Fields, known)
		below := t.FieldByIndex(index).Type
		if below.Kind() == reflect.Pointer {
			below = below.Elem()
		}
		if below.Kind() != reflect.Struct || known == "status" {
			continue
		}
		if _, ok := structOf(below).fields[name]; ok {
			e.Below = append(e.Below, known)
		}
	}
	slices.Sort(e.Fields)
	slices.Sort(e.Below)
	d.errors = append(d.errors, e)
}

// clientSide says that a field is not meant for the API server: kustomize's
// directives in patches, and the block that SOPS adds to an encrypted object
// and takes away again.
func clientSide(path *field.Path, name string) bool {
	return strings.HasPrefix(name, "$") || path == nil && name == "sops"
}

func child(path *field.Path, name string) *field.Path {
	if path == nil {
		return field.NewPath(name)
	}
	return path.Child(name)
}

func (d *decoder) mapping(v reflect.Value, n *yaml.Node, path *field.Path) {
	if n.Kind != yaml.MappingNode {
		d.fail(path, "must be an object, not %s", describe(n))
		return
	}
	m := reflect.MakeMapWithSize(v.Type(), len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(value, n.Content[i+1], path.Key(key))
		m.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), value)
	}
	v.Set(m)
}

func (d *decoder) bytes(v reflect.Value, n *yaml.Node, path *field.Path) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!bool" || yaml11Bool(n) || isNumber(n) {
		d.fail(path, "must be base64 text, not %s", describe(n))
		return
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
	if err != nil {
		d.fail(path, "must be base64")
		return
	}
	v.SetBytes(decoded)
}

func (d *decoder) scalar(v reflect.Value, n *yaml.Node, path *field.Path) {
	if n.Kind != yaml.ScalarNode {
		d.fail(path, "must be %s, not %s", wanted(v.Kind()), describe(n))
		return
	}
	switch v.Kind() {
	case reflect.String:
		if isNumber(n) || n.ShortTag() == "!!bool" || yaml11Bool(n) {
			d.fail(path, "must be a string: put it in quotes")
		}
		v.SetString(n.Value)
		if values := enumeration(v.Type()); values != nil && n.Value != "" && !slices.Contains(values, n.Value) && settled(n.Value) {
			d.refuse(path, "must be one of %s", strings.Join(values, ", "))
		}
	case reflect.Bool:
		b, ok := truth(n.Value)
		if !ok || (n.ShortTag() != "!!bool" && !yaml11Bool(n)) {
			d.fail(path, "must be true or false, not %s", describe(n))
		}
		v.SetBool(ok && b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		i, ok := integer(n.Value)
		if !ok {
			d.fail(path, "must be a whole number")
			return
		}
		if n.ShortTag() == "!!str" {
			d.fail(path, "must be a number, not a string: take the quotes away")
		}
		if v.OverflowInt(i) {
			d.fail(path, "is too large")
			return
		}
		v.SetInt(i)
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64)
		if err != nil {
			d.fail(path, "must be a number")
			return
		}
		v.SetFloat(f)
	default:
		// No other kind occurs in k8s.io/api.
	}
}

// wanted names the scalars of a kind for an error.
func wanted(kind reflect.Kind) string {
	switch kind {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	}
	return "a number"
}

// integer reads a whole number as the API server's YAML reader does: with
// underscores between digits, in octal after a 0, as a float that is whole.
func integer(s string) (int64, bool) {
	s = strings.ReplaceAll(s, "_", "")
	if i, err := strconv.ParseInt(s, 0, 64); err == nil {
		return i, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < math.MinInt64 || f >= math.MaxInt64 || f != math.Trunc(f) {
		return 0, false
	}
	return int64(f), true
}

func isNumber(n *yaml.Node) bool { return n.ShortTag() == "!!int" || n.ShortTag() == "!!float" }

// yaml11Bool says that the API server's YAML reader takes an unquoted yes, no,
// on, off, y or n for a boolean, as YAML 1.1 did. Of true and false the tag says
// what they are: what a transformer made a text is written in quotes.
func yaml11Bool(n *yaml.Node) bool {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 {
		return false
	}
	_, ok := truth(n.Value)
	return ok && n.ShortTag() == "!!str" && !strings.EqualFold(n.Value, "true") && !strings.EqualFold(n.Value, "false")
}

func truth(s string) (value, ok bool) {
	switch s {
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y":
		return true, true
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N":
		return false, true
	}
	return false, false
}

// describe names a node's kind for an error. It never quotes the value, which
// may be secret.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "an object"
	case yaml.SequenceNode:
		return "a list"
	}
	switch {
	case isNumber(n):
		return "a number"
	case n.ShortTag() == "!!bool", yaml11Bool(n):
		return "a boolean"
	}
	return "a string"
}

var structCache sync.Map // reflect.Type -> *structType

// structType is what decoding needs to know of a struct.
type structType struct {
	// fields are the indexes of the fields by their JSON names, inlined structs
	// included.
	fields map[string][]int
	// required are the names of those that must be there; with a + after the
	// name, not empty.
	required []string
}

func structOf(t reflect.Type) *structType {
	if cached, ok := structCache.Load(t); ok {
		return cached.(*structType)
	}
	s := &structType{fields: map[string][]int{}, required: requiredOf()[typeName(t)]}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		if _, ok := s.fields[name]; !ok {
			s.fields[name] = f.Index
		}
	}
	structCache.Store(t, s)
	return s
}
