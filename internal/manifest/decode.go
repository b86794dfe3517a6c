package manifest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
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
}

// maxSchemaErrors bounds what one object says: past the first few, more of the
// same tells a person nothing.
const maxSchemaErrors = 20

// decoder fills a k8s.io/api type from YAML nodes. The API machinery's own
// decoder stops at the first field of a wrong type and loses the object; a
// linter must still see the rest of it.
type decoder struct {
	errors []SchemaError
}

func (d *decoder) fail(path *field.Path, format string, args ...any) {
	if len(d.errors) < maxSchemaErrors {
		d.errors = append(d.errors, SchemaError{path, fmt.Sprintf(format, args...)})
	}
}

func (d *decoder) object(gvk schema.GroupVersionKind, n *yaml.Node) runtime.Object {
	construct := types[gvk.GroupKind()]
	if v, ok := versionedTypes[gvk]; ok {
		construct = v
	}
	if construct == nil {
		return nil
	}
	o := construct()
	d.value(reflect.ValueOf(o).Elem(), n, nil)
	return o
}

func (d *decoder) value(v reflect.Value, n *yaml.Node, path *field.Path) {
	if isNull(n) {
		// null is "not set" wherever the API has an optional field; the
		// required ones are the rules' business.
		return
	}
	if n.Kind == yaml.ScalarNode && v.Kind() != reflect.String && !Known(n.Value) {
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

// special decodes the types that have a JSON form of their own.
func (d *decoder) special(target any, n *yaml.Node, path *field.Path) bool {
	switch t := target.(type) {
	case *intstr.IntOrString:
		if n.Kind != yaml.ScalarNode {
			d.fail(path, "must be a number or a string, not %s", describe(n))
		} else if i, ok := integer(n.Value); ok && n.ShortTag() != "!!str" && i >= math.MinInt32 && i <= math.MaxInt32 {
			*t = intstr.FromInt32(int32(i))
		} else {
			*t = intstr.FromString(n.Value)
		}
	case *resource.Quantity:
		if n.Kind != yaml.ScalarNode {
			d.fail(path, "must be a quantity, not %s", describe(n))
		} else if q, err := resource.ParseQuantity(n.Value); err != nil {
			d.fail(path, "must be a quantity such as 100m or 1Gi")
		} else {
			*t = q
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

func (d *decoder) structure(v reflect.Value, n *yaml.Node, path *field.Path) {
	if n.Kind != yaml.MappingNode {
		d.fail(path, "must be an object, not %s", describe(n))
		return
	}
	fields := fieldsOf(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		index, ok := fields[name]
		if !ok {
			if clientSide(path, name) {
				continue
			}
			d.fail(child(path, name), "unknown field")
			continue
		}
		d.value(v.FieldByIndex(index), n.Content[i+1], child(path, name))
	}
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
	if n.Kind != yaml.ScalarNode {
		d.fail(path, "must be base64 text, not %s", describe(n))
		return
	}
	if strings.HasPrefix(n.Value, "ENC[") {
		// SOPS puts the base64 back when it decrypts.
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
		d.fail(path, "must be a %s, not %s", v.Kind(), describe(n))
		return
	}
	switch v.Kind() {
	case reflect.String:
		if tag := n.ShortTag(); tag == "!!int" || tag == "!!float" || tag == "!!bool" || yaml11Bool(n) {
			d.fail(path, "must be a string: put it in quotes")
		}
		v.SetString(n.Value)
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

// yaml11Bool says that the API server's YAML reader takes an unquoted yes, no,
// on, off, y or n for a boolean, as YAML 1.1 did.
func yaml11Bool(n *yaml.Node) bool {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 {
		return false
	}
	_, ok := truth(n.Value)
	return ok && n.ShortTag() == "!!str"
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
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a boolean"
	}
	return "a string"
}

var fieldCache sync.Map // reflect.Type -> map[string][]int

// fieldsOf maps the JSON names of a struct to field indexes, inlined structs
// included.
func fieldsOf(t reflect.Type) map[string][]int {
	if cached, ok := fieldCache.Load(t); ok {
		return cached.(map[string][]int)
	}
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		if _, ok := fields[name]; !ok {
			fields[name] = f.Index
		}
	}
	fieldCache.Store(t, fields)
	return fields
}
