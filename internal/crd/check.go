package crd

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// position says what an object stands for.
type position int

const (
	inner    position = iota
	root              // the custom resource itself
	embedded          // a whole object within it
)

// checker holds values against schemas.
type checker struct {
	faults []manifest.SchemaError
	steps  int
	// unsure says that something depends on a text that is not known.
	unsure bool
	// open takes fields that the schema does not know, wherever they are.
	open bool
}

func (c *checker) fail(v manifest.Value, format string, args ...any) {
	if len(c.faults) < maxFaults {
		c.faults = append(c.faults, manifest.SchemaError{Path: v.Path, Message: fmt.Sprintf(format, args...)})
	}
}

// null says that a field counts as not written.
func null(v manifest.Value) bool { return !v.Written() }

// known says that a scalar is what the API server will see: no variable is left in
// it, and SOPS does not put another text in its place.
func known(v manifest.Value) bool {
	return v.Node.Kind != yaml.ScalarNode || manifest.Known(v.Node.Value) && !strings.HasPrefix(v.Node.Value, "ENC[AES256_GCM,")
}

// value holds a value against the schema at its place: types and what else it
// says, fields that it does not know included.
func (c *checker) value(v manifest.Value, n *node) {
	if c.steps--; c.steps <= 0 || n == nil {
		return
	}
	if !known(v) {
		c.unsure = true
		return
	}
	if null(v) {
		if !n.nullable && n.kind != "" {
			c.fail(v, "must not be null")
		}
		return
	}
	if !c.fits(v, n) {
		return
	}
	switch v.Node.Kind {
	case yaml.MappingNode:
		where := inner
		if n.embedded {
			where = embedded
		}
		c.object(v, n, where)
	case yaml.SequenceNode:
		c.list(v, n)
		c.says(v, n, n)
	default:
		c.says(v, n, n)
	}
}

// fits says that a value has the type that the schema asks for.
func (c *checker) fits(v manifest.Value, n *node) bool {
	what, is := "", false
	scalar := v.Scalar()
	_, text := scalar.(string)
	_, whole := scalar.(int64)
	_, fraction := scalar.(float64)
	_, truth := scalar.(bool)
	switch kind := n.kind; {
	case n.intOrString:
		what, is = "a whole number or a string", text || whole
	case kind == "object":
		what, is = "an object", v.Node.Kind == yaml.MappingNode
	case kind == "array":
		what, is = "a list", v.Node.Kind == yaml.SequenceNode
	case kind == "string":
		what, is = "a string", text
	case kind == "integer":
		what, is = "a whole number", whole
	case kind == "number":
		what, is = "a number", whole || fraction
	case kind == "boolean":
		what, is = "true or false", truth
	default:
		is = true
	}
	if is {
		return true
	}
	hint := ""
	switch {
	case n.kind == "string" && v.Node.Kind == yaml.ScalarNode:
		hint = ": put it in quotes"
	case text && (n.kind == "integer" || n.kind == "number" || n.kind == "boolean") && v.Node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		hint = ", not a string: take the quotes away"
	}
	c.fail(v, "must be %s%s", what, hint)
	return false
}

func (c *checker) object(v manifest.Value, n *node, where position) {
	if where == root && v.Node.Kind != yaml.MappingNode {
		return
	}
	for name, below := range v.Entries() {
		if where != inner && slices.Contains([]string{"apiVersion", "kind", "metadata"}, name) {
			c.meta(below, name, where)
			continue
		}
		p := n.properties[name]
		switch {
		case p != nil && null(below) && !nullable(p):
			// As if it were not written.
		case p != nil && p.node != nil:
			c.value(below, p.node())
		case p != nil:
		case n.values != nil:
			if values := n.values(); !null(below) || values.nullable {
				c.value(below, values)
			}
		case n.open, n.preserve, c.open, strings.HasPrefix(name, "$"):
		case where == root && name == "sops":
		default:
			c.unknown(below, n, where)
		}
	}
	c.says(v, n, n)
}

func nullable(p *property) bool { return p.node != nil && p.node().nullable }

func (c *checker) meta(v manifest.Value, name string, where position) {
	switch {
	case where != embedded || !v.Written():
	case name == "metadata":
		c.faults = append(c.faults, v.Faults(&metav1.ObjectMeta{})...)
	case v.Node.Kind != yaml.ScalarNode:
		c.fail(v, "must be a string")
	}
}

// unknown notes a field that a schema does not have.
func (c *checker) unknown(v manifest.Value, n *node, where position) {
	if len(c.faults) >= maxFaults {
		return
	}
	names := manifest.SplitPath(v.Path.String())
	name := names[len(names)-1]
	e := manifest.SchemaError{Path: v.Path, Message: "unknown field", Fields: []string{}}
	for known, p := range n.properties {
		e.Fields = append(e.Fields, known)
		if p.node == nil || known == "status" {
			continue
		}
		if below := p.node(); below.properties[name] != nil {
			e.Below = append(e.Below, known)
		}
	}
	if where != inner {
		e.Fields = append(e.Fields, "apiVersion", "kind", "metadata")
	}
	slices.Sort(e.Fields)
	e.Fields = slices.Compact(e.Fields)
	slices.Sort(e.Below)
	c.faults = append(c.faults, e)
}

func (c *checker) list(v manifest.Value, n *node) {
	items := v.Items()
	for _, item := range items {
		if n.items != nil {
			c.value(item, n.items())
		}
	}
	if n.set {
		c.distinct(items, "the item stands in the list already", func(item manifest.Value) (string, bool) { return text(item) })
	}
	if len(n.keys) == 0 || n.items == nil {
		return
	}
	c.distinct(items, "another item has the same "+strings.Join(n.keys, " and "), func(item manifest.Value) (string, bool) {
		var all []string
		for _, key := range n.keys {
			p := n.items().properties[key]
			k, ok := text(item.Get(key))
			if !ok && (p == nil || !p.filled || item.Get(key).Written()) {
				return "", false
			}
			all = append(all, k)
		}
		return strings.Join(all, "\x00"), true
	})
}

// text is a scalar as a text that is the same for the same values; false for one
// that is not written or not known, and for anything else.
func text(v manifest.Value) (string, bool) {
	if !v.Written() || v.Node.Kind != yaml.ScalarNode || !known(v) {
		return "", false
	}
	return fmt.Sprintf("%T %[1]v", v.Scalar()), true
}

// distinct notes the items whose keys another one before them has.
func (c *checker) distinct(items []manifest.Value, message string, key func(manifest.Value) (string, bool)) {
	seen := map[string]bool{}
	for _, item := range items {
		k, ok := key(item)
		if !ok {
			continue
		}
		if seen[k] {
			c.fail(item, "%s", message)
		}
		seen[k] = true
	}
}

// says holds a value against all that a schema says of it besides the type and
// what is below it. at is the schema at the value's place, which fills in what is
// missing: n is it, or one of its alternatives.
func (c *checker) says(v manifest.Value, n, at *node) {
	switch v.Node.Kind {
	case yaml.MappingNode:
		for _, name := range n.required {
			if p := at.properties[name]; null(v.Get(name)) && (p == nil || !p.filled) {
				c.fail(manifest.Value{Path: child(v.Path, name)}, "is missing")
			}
		}
		c.within(v, n, "Properties", float64(v.Len()), "field")
	case yaml.SequenceNode:
		c.within(v, n, "Items", float64(v.Len()), "item")
		if n.unique {
			c.distinct(v.Items(), "the item stands in the list already", text)
		}
	default:
		c.scalar(v, n)
	}
	for _, other := range n.allOf {
		c.alternative(v, other(), at)
	}
	c.any(v, n, at)
}

// alternative holds a value against a part of a schema that stands for no place of
// its own: it says nothing of what is known.
func (c *checker) alternative(v manifest.Value, n, at *node) {
	if c.steps--; c.steps <= 0 {
		return
	}
	if !known(v) {
		c.unsure = true
		return
	}
	if null(v) || !c.fits(v, n) {
		return
	}
	for name, p := range n.properties {
		below, own := v.Get(name), at.properties[name]
		switch {
		case p.node == nil:
		case below.Written():
			there := &node{}
			if own != nil && own.node != nil {
				there = own.node()
			}
			c.alternative(below, p.node(), there)
		case own != nil && own.filled:
			c.unsure = true
		}
	}
	if n.items != nil {
		there := &node{}
		if at.items != nil {
			there = at.items()
		}
		for _, item := range v.Items() {
			c.alternative(item, n.items(), there)
		}
	}
	if n.values != nil {
		for name, below := range v.Entries() {
			if n.properties[name] == nil {
				c.alternative(below, n.values(), &node{})
			}
		}
	}
	c.says(v, n, at)
}

// any judges anyOf, oneOf and not.
func (c *checker) any(v manifest.Value, n, at *node) {
	matches := func(all []func() *node) (count int, sure bool) {
		sure = true
		for _, other := range all {
			try := &checker{steps: c.steps}
			try.alternative(v, other(), at)
			c.steps = try.steps
			if len(try.faults) == 0 {
				count++
			}
			sure = sure && !try.unsure
		}
		c.unsure = c.unsure || !sure
		return count, sure && c.steps > 0
	}
	if count, sure := matches(n.anyOf); sure && len(n.anyOf) > 0 && count == 0 {
		c.fail(v, "is none of the alternatives that its schema has")
	}
	switch count, sure := matches(n.oneOf); {
	case !sure || len(n.oneOf) == 0:
	case count == 0:
		c.fail(v, "is none of the alternatives that its schema has%s", alternatives(n.oneOf))
	case count > 1:
		c.fail(v, "is more than one of the alternatives that its schema has, of which only one may hold%s", alternatives(n.oneOf))
	}
	if n.not != nil {
		if count, sure := matches([]func() *node{n.not}); sure && count > 0 {
			c.fail(v, "is what its schema excludes")
		}
	}
}

// alternatives names the fields that tell alternatives apart, if it is that.
func alternatives(all []func() *node) string {
	var names []string
	for _, other := range all {
		n := other()
		if len(n.required) != 1 {
			return ""
		}
		names = append(names, n.required[0])
	}
	return ": " + strings.Join(names, ", ")
}

// within judges how many there are of something.
func (c *checker) within(v manifest.Value, n *node, of string, count float64, what string) {
	if least, ok := n.limits["min"+of]; ok && count < least {
		c.fail(v, "must have at least %v %s", least, plural(least, what))
	}
	if most, ok := n.limits["max"+of]; ok && count > most {
		c.fail(v, "must have at most %v %s", most, plural(most, what))
	}
}

func plural(n float64, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}

func (c *checker) scalar(v manifest.Value, n *node) {
	scalar := v.Scalar()
	if n.enum != nil && !slices.ContainsFunc(n.enum, func(e any) bool { return e == scalar || number(e) == number(scalar) }) {
		c.fail(v, "must be one of %s", listed(n.enum))
	}
	if s, ok := scalar.(string); ok {
		c.within(v, n, "Length", float64(utf8.RuneCountInString(s)), "character")
		if n.pattern != nil {
			if p := n.pattern(); p != nil && !p.MatchString(s) {
				c.fail(v, "must match the pattern %s", p)
			}
		}
		if what := wrongFormat(n.format, s); what != "" {
			c.fail(v, "must be %s", what)
		}
		return
	}
	f := number(scalar)
	if math.IsNaN(f) {
		return
	}
	if least, ok := n.limits["minimum"]; ok && (f < least || f == least && n.exclusiveMinimum) {
		c.fail(v, "must be %s %v", map[bool]string{false: "at least", true: "more than"}[n.exclusiveMinimum], least)
	}
	if most, ok := n.limits["maximum"]; ok && (f > most || f == most && n.exclusiveMaximum) {
		c.fail(v, "must be %s %v", map[bool]string{false: "at most", true: "less than"}[n.exclusiveMaximum], most)
	}
	if unit, ok := n.limits["multipleOf"]; ok && unit > 0 && math.Mod(f, unit) != 0 {
		c.fail(v, "must be a multiple of %v", unit)
	}
	if n.format == "int32" && (f < math.MinInt32 || f > math.MaxInt32) {
		c.fail(v, "must be a number of 32 bits")
	}
}

// number is a number; NaN for anything else.
func number(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return math.NaN()
}

// listed are the values of an enumeration, of which a long one is cut.
func listed(values []any) string {
	const most = 12
	var names []string
	for i, v := range values {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(values)-most))
			break
		}
		names = append(names, fmt.Sprint(v))
	}
	return strings.Join(names, ", ")
}

// wrongFormat says what a text must be that is not of a format; "" for one that
// is, and for a format that is not judged here.
func wrongFormat(format, s string) string {
	switch format {
	case "byte":
		if _, err := base64.StdEncoding.DecodeString(s); err != nil || s == "" {
			return "base64"
		}
	case "date-time":
		if _, err := time.Parse(time.RFC3339, strings.ToUpper(s)); err != nil {
			return "a time such as 2006-01-02T15:04:05Z"
		}
	case "date":
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return "a date such as 2006-01-02"
		}
	case "ipv4":
		if a, err := netip.ParseAddr(s); err != nil || !a.Is4() {
			return "an IPv4 address"
		}
	case "ipv6":
		if a, err := netip.ParseAddr(s); err != nil || !a.Is6() {
			return "an IPv6 address"
		}
	case "cidr":
		if _, err := netip.ParsePrefix(s); err != nil {
			return "a network such as 10.0.0.0/8"
		}
	}
	return ""
}
