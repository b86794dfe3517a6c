package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
)

// loadChart makes a chart of files, from names to contents, and gives the
// values that it is rendered with, for those of a values file.
func loadChart(t testing.TB, files map[string]string, values string) (*chart.Chart, map[string]any) {
	t.Helper()
	list := []*loader.BufferedFile{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, &loader.BufferedFile{Name: name, Data: []byte(files[name])})
	}
	if files["Chart.yaml"] == "" {
		list = append(list, &loader.BufferedFile{Name: "Chart.yaml", Data: []byte(chartYAML)})
	}
	c, err := loader.LoadFiles(list)
	if err != nil {
		t.Fatal(err)
	}
	given, err := chartutil.ReadValues([]byte(values))
	if err != nil {
		t.Fatal(err)
	}
	if err := chartutil.ProcessDependenciesWithMerge(c, given); err != nil {
		t.Fatal(err)
	}
	top, err := chartutil.ToRenderValuesWithSchemaValidation(c, given, chartutil.ReleaseOptions{Name: "r"}, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	return c, top["Values"].(chartutil.Values).AsMap()
}

// Values are valid where helm says so.
func TestSchemaVerdictLikeHelm(t *testing.T) {
	const (
		draft4    = `"$schema": "http://json-schema.org/draft-04/schema#"`
		draft6    = `"$schema": "http://json-schema.org/draft-06/schema#"`
		draft7    = `"$schema": "http://json-schema.org/draft-07/schema#"`
		draft2019 = `"$schema": "https://json-schema.org/draft/2019-09/schema"`
		draft2020 = `"$schema": "https://json-schema.org/draft/2020-12/schema"`
	)
	tests := []struct {
		name, schema string
		values       []string // valid and not, in any order
	}{
		{"empty", `{}`, []string{``, `a: 1`}},
		{"true", `true`, []string{``, `a: 1`}},
		{"false", `false`, []string{``, `a: 1`}},
		{"null", `null`, []string{``}},
		{"array", `[1]`, []string{``}},
		{"string", `"x"`, []string{``}},
		{"types", `{"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": ["string", "null"]}}}`,
			[]string{`a: 1`, `a: 1.0`, `a: 1.5`, `a: "1"`, `a: true`, `a: 123456789012345678901234567890`, `b: x`, `b: null`, `b: 1`, `{a: x, b: 1}`, `a: 1e400`}},
		{"required", `{"required": ["a"]}`, []string{``, `a: null`, `a: 1`}},
		{"default draft: arrays", `{"properties": {"a": {"prefixItems": [{"type": "string"}], "items": false}}}`, []string{`a: [x]`, `a: [1]`, `a: [x, y]`}},
		{"default draft: $ref beside others", `{"$defs": {"s": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/s", "minLength": 3}}}`, []string{`a: abc`, `a: a`, `a: 1`}},
		{"draft 4", `{` + draft4 + `, "id": "http://example.com/root", "definitions": {"s": {"type": "string"}}, "properties": {"a": {"$ref": "#/definitions/s", "minLength": 3}, "n": {"maximum": 3, "exclusiveMaximum": true}}}`,
			[]string{`a: abc`, `a: a`, `a: 1`, `n: 3`, `n: 2`}},
		{"draft 4, broken", `{` + draft4 + `, "properties": {"n": {"exclusiveMaximum": 3}}}`, []string{`n: 3`}},
		{"draft 6", `{` + draft6 + `, "properties": {"a": {"const": 1}, "n": {"exclusiveMaximum": 3}, "l": {"contains": {"type": "string"}}}, "propertyNames": {"maxLength": 6}}`,
			[]string{`a: 1`, `a: 2`, `n: 3`, `n: 2`, `l: [1]`, `l: [1, x]`, `muchlonger: 1`}},
		{"draft 7", `{` + draft7 + `, "if": {"properties": {"tls": {"const": true}}, "required": ["tls"]}, "then": {"required": ["secret"]}, "else": {"properties": {"secret": false}}}`,
			[]string{``, `tls: true`, `{tls: true, secret: x}`, `secret: x`}},
		{"draft 7, empty fragment missing", `{"$schema": "http://json-schema.org/draft-07/schema", "properties": {"a": {"items": [{"type": "string"}], "additionalItems": false}}}`, []string{`a: [x]`, `a: [x, y]`, `a: [1]`}},
		{"draft 7, https", `{"$schema": "https://json-schema.org/draft-07/schema#", "properties": {"a": {"format": "email"}}}`, []string{`a: a@example.com`, `a: nobody`}},
		{"draft 2019-09", `{` + draft2019 + `, "$defs": {"p": {"$anchor": "port", "type": "integer", "maximum": 65535}}, "properties": {"a": {"$ref": "#port"}, "t": {"$recursiveRef": "#"}}, "dependentRequired": {"a": ["b"]}, "unevaluatedProperties": {"type": "string"}}`,
			[]string{`{a: 1, b: x}`, `a: 1`, `{a: 70000, b: x}`, `c: 1`, `c: x`, `t: {a: 1}`, `t: {c: x}`}},
		{"draft 2020-12", `{` + draft2020 + `, "$id": "https://example.com/tree", "$dynamicAnchor": "node", "type": "object", "properties": {"data": true, "global": true, "children": {"type": "array", "items": {"$dynamicRef": "#node"}}}, "unevaluatedProperties": false}`,
			[]string{`data: 1`, `children: [{data: 1}]`, `children: [{daat: 1}]`, `children: [{children: [{children: [x]}]}]`}},
		{"dependentSchemas", `{"dependentSchemas": {"a": {"required": ["b"]}}}`, []string{`a: 1`, `{a: 1, b: 2}`}},
		{"dependencies", `{` + draft7 + `, "dependencies": {"a": ["b"], "c": {"required": ["d"]}}}`, []string{`a: 1`, `{a: 1, b: 2}`, `c: 1`, `{c: 1, d: 1}`}},
		{"$id and a reference to it", `{"$id": "https://example.com/s.json", "$defs": {"p": {"$id": "p.json", "type": "integer"}}, "properties": {"a": {"$ref": "p.json"}, "b": {"$ref": "https://example.com/p.json"}}}`, []string{`a: 1`, `a: x`, `b: x`}},
		{"additionalProperties", `{"properties": {"a": {}, "global": {}}, "additionalProperties": false}`, []string{`a: 1`, `b: 1`}},
		{"additionalProperties, a schema", `{"additionalProperties": {"type": "object", "additionalProperties": {"type": "string"}}}`, []string{`a: {b: c}`, `a: {b: 1}`, `a: b`}},
		{"patternProperties", `{"patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": {"type": "integer"}}`, []string{`x-a: b`, `x-a: 1`, `a: 1`, `a: b`}},
		{"pattern", `{"properties": {"a": {"pattern": "^[a-z]+$"}}}`, []string{`a: abc`, `a: ABC`, `a: 1`}},
		{"pattern that Go does not know", `{"properties": {"a": {"pattern": "^(?!x)"}}}`, []string{`a: abc`, `b: 1`}},
		{"property pattern that Go does not know", `{"patternProperties": {"^(?=x)": {}}}`, []string{``}},
		{"format regex", `{` + draft7 + `, "properties": {"a": {"format": "regex"}}}`, []string{`a: "[a-z]"`, `a: "[a-"`, `a: 1`}},
		{"formats", `{` + draft7 + `, "properties": {"a": {"format": "ipv4"}, "b": {"format": "uri"}, "c": {"format": "made-up"}}}`, []string{`a: 10.0.0.1`, `a: x`, `b: https://example.com`, `b: "%"`, `c: x`}},
		{"format is no check by default", `{"properties": {"a": {"format": "ipv4"}}}`, []string{`a: x`}},
		{"enum", `{"properties": {"a": {"enum": ["x", 1, null, {"b": [1]}]}}}`, []string{`a: x`, `a: 1`, `a: 1.0`, `a: {b: [1]}`, `a: {b: [2]}`, `a: y`}},
		{"numbers", `{"properties": {"a": {"minimum": 1, "maximum": 10, "multipleOf": 0.5}, "b": {"exclusiveMinimum": 1}}}`, []string{`a: 1`, `a: 0`, `a: 10.5`, `a: 1.25`, `b: 1`}},
		{"multiple of nothing", `{"properties": {"a": {"multipleOf": 0}}}`, []string{`a: 1`}},
		{"lengths", `{"properties": {"a": {"minLength": 2, "maxLength": 3}, "b": {"minItems": 1, "maxItems": 2, "uniqueItems": true}, "c": {"minProperties": 1, "maxProperties": 1}}}`,
			[]string{`a: a`, `a: äöü`, `a: abcd`, `b: []`, `b: [1, 1.0]`, `b: [1, 2, 3]`, `c: {}`, `c: {x: 1}`}},
		{"combinations", `{"allOf": [{"required": ["a"]}], "anyOf": [{"required": ["b"]}, {"required": ["c"]}], "oneOf": [{"required": ["d"]}, {"required": ["e"]}], "not": {"required": ["f"]}}`,
			[]string{`{a: 1, b: 1, d: 1}`, `{b: 1, d: 1}`, `{a: 1, d: 1}`, `{a: 1, b: 1}`, `{a: 1, b: 1, d: 1, e: 1}`, `{a: 1, b: 1, d: 1, f: 1}`}},
		{"recursion", `{"$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n"}}, "additionalProperties": false}}, "properties": {"t": {"$ref": "#/$defs/n"}}}`, []string{`t: {n: {n: {}}}`, `t: {n: {x: {}}}`}},
		{"itself", `{"$ref": "#"}`, []string{``}},
		{"two for ever", `{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "properties": {"x": {"$ref": "#/$defs/a"}}}`, []string{``, `x: 1`}},
		{"nowhere", `{"$ref": "#/$defs/none"}`, []string{``}},
		{"nowhere, an anchor", `{"$ref": "#none"}`, []string{``}},
		{"an odd place", `{"x": {"y": [{"type": "string"}]}, "properties": {"a": {"$ref": "#/x/y/0"}}}`, []string{`a: b`, `a: 1`}},
		{"escaped pointers", `{"$defs": {"a/b": {"type": "string"}, "c%": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/a~1b"}, "b": {"$ref": "#/$defs/c%25"}}}`, []string{`a: b`, `a: 1`, `b: 1`}},
		{"the metaschema", `{"properties": {"s": {"$ref": "http://json-schema.org/draft-07/schema#"}}}`, []string{`s: {type: string}`, `s: {type: 1}`, `s: {pattern: "["}`}},
		{"no schema by the metaschema", `{"type": "strnig"}`, []string{``}},
		{"properties that are none", `{"properties": {"a": 1}}`, []string{``}},
		{"one id twice", `{"$defs": {"a": {"$id": "https://example.com/x"}, "b": {"$id": "https://example.com/x"}}}`, []string{``}},
		{"no JSON", `{"type": "object",}`, []string{``}},
		{"JSON and more", `{} {}`, []string{``}},
		{"nothing", ` `, []string{``}},
		{"numbers of another spelling", `{"properties": {"a": {"maximum": 1E+2, "minimum": -1.5e-3}}}`, []string{`a: 100`, `a: 101`, `a: -1`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, values := range tt.values {
				c, coalesced := loadChart(t, map[string]string{schemaFile: tt.schema}, values)
				want := chartutil.ValidateAgainstSchema(c, coalesced)
				got := validateSchemas(c, coalesced)
				if (len(got) > 0) != (want != nil) {
					t.Errorf("values %q: got %v\nhelm says %v", values, got, want)
				}
				for _, p := range got {
					if p.Chart != "web" || p.File != schemaFile || p.Message == "" || len(p.Message) > 2048 || !strings.Contains(p.Message, "refuse") {
						t.Errorf("values %q: %+v", values, p)
					}
				}
			}
		})
	}
}

func TestSchemaOfSubchartsLikeHelm(t *testing.T) {
	sub := func(dir, name, schema, values string) map[string]string {
		return map[string]string{
			dir + "Chart.yaml": "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n", dir + schemaFile: schema, dir + "values.yaml": values}
	}
	merge := func(all ...map[string]string) map[string]string {
		merged := map[string]string{}
		for _, m := range all {
			maps.Copy(merged, m)
		}
		return merged
	}
	stringA := `{"properties": {"a": {"type": "string"}}}`
	tests := []struct {
		name   string
		files  map[string]string
		values []string
		charts string // whose schemas refuse the last of the values
	}{
		{"defaults of the chart", map[string]string{schemaFile: stringA, "values.yaml": "a: 1"}, []string{`a: x`, `a: null`, ``}, "web"},
		{"null takes a default away", map[string]string{schemaFile: `{"required": ["a"]}`, "values.yaml": "a: 1"}, []string{``, `a: null`}, "web"},
		{"null in the defaults", map[string]string{schemaFile: stringA, "values.yaml": "a: null"}, []string{`a: x`, ``}, "web"},
		{"null in a table", map[string]string{schemaFile: `{"properties": {"t": {"required": ["a"]}}}`, "values.yaml": "t: {a: 1}"}, []string{``, `t: {a: null}`}, "web"},
		{"subchart", sub("charts/db/", "db", stringA, "a: x"), []string{``, `db: {a: y}`, `db: {a: 1}`}, "web/charts/db"},
		{"subchart's own defaults", sub("charts/db/", "db", stringA, "a: 1"), []string{`db: {a: y}`, ``}, "web/charts/db"},
		{"subchart of a subchart", merge(sub("charts/db/", "db", `{}`, ""), sub("charts/db/charts/log/", "log", stringA, "")), []string{``, `db: {log: {a: y}}`, `db: {log: {a: 1}}`}, "web/charts/db/charts/log"},
		{"all of them", merge(map[string]string{schemaFile: `{"required": ["x"]}`}, sub("charts/mq/", "mq", stringA, "a: 1"), sub("charts/db/", "db", stringA, "a: 1")), []string{``}, "web web/charts/db web/charts/mq"},
		{"global", sub("charts/db/", "db", `{"properties": {"global": {"required": ["zone"]}}}`, ""), []string{`global: {zone: a}`, `global: {area: a}`}, "web/charts/db"},
		{"global is there", sub("charts/db/", "db", `{"additionalProperties": false}`, ""), []string{``}, "web/charts/db"},
		{"parent's schema for the subchart", merge(map[string]string{schemaFile: `{"properties": {"db": {"properties": {"a": {"const": "x"}}}}}`}, sub("charts/db/", "db", `{}`, "a: x")), []string{``, `db: {a: y}`}, "web"},
		{"alias", merge(map[string]string{"Chart.yaml": chartYAML + "dependencies: [{name: db, version: 1.0.0, alias: store, repository: ''}]\n"}, sub("charts/db/", "db", stringA, "")), []string{`db: {a: 1}`, `store: {a: 1}`}, "web/charts/store"},
		{"a condition", merge(map[string]string{"Chart.yaml": chartYAML + "dependencies: [{name: db, version: 1.0.0, condition: db.enabled, repository: ''}]\n"}, sub("charts/db/", "db", stringA, "a: 1")), []string{`db: {enabled: false}`, `db: {enabled: true}`}, "web/charts/db"},
		{"import-values", merge(map[string]string{schemaFile: `{"properties": {"port": {"type": "string"}}}`, "Chart.yaml": chartYAML + "dependencies: [{name: db, version: 1.0.0, repository: '', import-values: [{child: out, parent: .}]}]\n"},
			sub("charts/db/", "db", `{}`, "out: {port: 1}")), []string{``}, "web"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i, values := range tt.values {
				c, coalesced := loadChart(t, tt.files, values)
				want := chartutil.ValidateAgainstSchema(c, coalesced)
				got := validateSchemas(c, coalesced)
				if (len(got) > 0) != (want != nil) {
					t.Errorf("values %q: got %v\nhelm says %v", values, got, want)
				}
				if i < len(tt.values)-1 {
					continue
				}
				var charts []string
				for _, p := range got {
					charts = append(charts, p.Chart)
				}
				if strings.Join(charts, " ") != tt.charts {
					t.Errorf("values %q: problems of %q, want %q", values, charts, tt.charts)
				}
			}
		})
	}
}

// A subchart's values that are no mapping stop helm before there is anything
// to validate; but charts come out of libraries in other ways too.
func TestSchemaOfSubchartThatIsNoMapping(t *testing.T) {
	c, _ := loadChart(t, map[string]string{"charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n"}, "")
	values := map[string]any{"db": "s3cr3t-not-real"}
	got := validateSchemas(c, values)
	if err := chartutil.ValidateAgainstSchema(c, values); err == nil || len(got) != 1 || strings.Contains(got[0].Message, "s3cr3t") {
		t.Errorf("got %v, helm says %v", got, err)
	}
}

func TestSchemaMessages(t *testing.T) {
	const secret = "s3cr3t-not-real"
	tests := []struct {
		name, schema, values string
		instance, message    string
	}{
		{"type", `{"properties": {"a": {"properties": {"b": {"type": ["string", "boolean"]}}}}}`, `a: {b: 12345}`, "/a/b", `helm would refuse these values: "/a/b" is number and not boolean or string`},
		{"required", `{"required": ["x", "y"]}`, ``, "", `helm would refuse these values: "/" lacks "x", "y"`},
		{"several", `{"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["c"]}`, `{a: 1, b: 1}`, "", `helm would refuse these values: "/" lacks "c", "/a" is number and not string, "/b" is number and not string`},
		{"many", `{"additionalProperties": {"type": "string"}}`, `{a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1}`, "/a",
			`helm would refuse these values: "/a" is number and not string, "/b" is number and not string, "/c" is number and not string, "/d" is number and not string, "/e" is number and not string and 2 more`},
		{"additional", `{"properties": {"global": {}}, "additionalProperties": false}`, `{z: ` + secret + `, x: 1}`, "", `helm would refuse these values: "/" may not have "x", "z"`},
		{"enum", `{"properties": {"a": {"enum": ["x", "y"]}}}`, `a: ` + secret, "/a", `helm would refuse these values: "/a" is none of the allowed values`},
		{"const", `{"properties": {"a": {"const": "x"}}}`, `a: ` + secret, "/a", `helm would refuse these values: "/a" is not the one allowed value`},
		{"pattern", `{"properties": {"a": {"pattern": "^x+$"}}}`, `a: ` + secret, "/a", `helm would refuse these values: "/a" does not match "^x+$"`},
		{"format", `{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"format": "date"}}}`, `a: ` + secret, "/a", `helm would refuse these values: "/a" is no valid "date"`},
		{"bounds", `{"properties": {"a": {"minimum": 1e3}, "b": {"maxLength": 3}}}`, `{a: 77, b: ` + secret + `}`, "/a", `helm would refuse these values: "/a" is less than 1000, "/b" breaks "maxLength"`},
		{"anyOf", `{"properties": {"a": {"anyOf": [{"type": "integer"}, {"const": 1}]}}}`, `a: ` + secret, "/a", `helm would refuse these values: "/a" fits none of the schemas of anyOf`},
		{"oneOf", `{"properties": {"a": {"oneOf": [{"type": "string"}, {"minLength": 1}]}}}`, `a: ` + secret, "/a", `helm would refuse these values: "/a" fits more than one schema of oneOf`},
		{"not", `{"properties": {"a": {"not": {"type": "string"}}}}`, `a: ` + secret, "/a", `helm would refuse these values: "/a" fits the schema of not`},
		{"propertyNames", `{"propertyNames": {"maxLength": 6}}`, `muchlonger: ` + secret, "", `helm would refuse these values: "/" may not have a key "muchlonger"`},
		{"dependencies", `{"dependentRequired": {"a": ["b"]}}`, `a: ` + secret, "", `helm would refuse these values: "/" lacks "b", which "a" needs`},
		{"false", `{"properties": {"a": false}}`, `a: ` + secret, "/a", `helm would refuse these values: "/a" is not allowed`},
		{"in a list, through a reference", `{"$defs": {"s": {"type": "string"}}, "properties": {"a": {"items": {"allOf": [{"$ref": "#/$defs/s"}]}}}}`, `a: [x, 1]`, "/a/1", `helm would refuse these values: "/a/1" is number and not string`},
		{"keys to escape", `{"additionalProperties": {"type": "string"}}`, `"a/b~c\e[31m": 1`, "/a~1b~0c\x1b[31m", `helm would refuse these values: "/a~1b~0c\x1b[31m" is number and not string`},
		{"long keys", `{"additionalProperties": {"type": "string"}}`, strings.Repeat("k", 500) + `: 1`, "/" + strings.Repeat("k", 500), ""},
		{"cycle", `{"$ref": "#"}`, ``, "", `helm would refuse these values: "/" can't be validated: the schema refers to itself`},
		{"no JSON", "{\n\"type\": \"" + secret + "\",\n}", ``, "", `the values were not validated: the schema is not JSON (line 3), so helm would refuse the chart`},
		{"half JSON", `{"type": `, ``, "", `the values were not validated: the schema is not JSON, so helm would refuse the chart`},
		{"no schema", `{"properties": {"a": {"type": "strnig"}}}`, ``, "", `helm would refuse the chart: its schema can't be used: "/properties/a/type" fits none of the schemas of anyOf`},
		{"nowhere", `{"properties": {"a": {"$ref": "#/$defs/none"}, "b": {"$ref": "#/$defs/b"}}, "$defs": {"b": {}}}`, ``, "", `helm would refuse the chart: its schema can't be used: it has nothing at "#/$defs/none"`},
		{"nowhere, an anchor", `{"$ref": "#none"}`, ``, "", `helm would refuse the chart: its schema can't be used`},
		{"pattern of ECMA", `{"properties": {"a": {"pattern": "^(?!x)"}}}`, `a: ` + secret, "", `helm would refuse the chart: its schema holds patterns that Go's regular expressions don't know, so they were not applied: "^(?!x)"`},
		{"a number that no schema needs", `{"properties": {"a": {"maximum": 1e999999}}}`, `a: 1`, "", `the values were not validated: the schema holds a number of more than 400 digits`},
		{"a long number", `{"properties": {"a": {"maximum": ` + strings.Repeat("1", 500) + `}}}`, `a: 1`, "", `the values were not validated: the schema holds a number of more than 400 digits`},
		{"deep", strings.Repeat(`{"not":`, 201) + `{}` + strings.Repeat(`}`, 201), ``, "", `the values were not validated: the schema nests more than 200 deep`},
		{"very deep", strings.Repeat(`[`, 20_000) + strings.Repeat(`]`, 20_000), ``, "", `the values were not validated: the schema is not JSON (line 1), so helm would refuse the chart`},
		{"many objects", `{"x": [` + strings.Repeat(`{},`, 10_000) + `{}]}`, ``, "", `the values were not validated: the schema holds more than 10000 objects`},
		{"many identifiers", `{"x": [` + strings.Repeat(`{"$id": "https://example.com/x"},`, 5000) + `{}]}`, ``, "", `the values were not validated: the schema holds too many identifiers`},
		{"large", `"` + strings.Repeat(`x`, 5<<20) + `"`, ``, "", `the values were not validated: the schema is larger than 5 MiB`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, values := loadChart(t, map[string]string{schemaFile: tt.schema}, tt.values)
			got := validateSchemas(c, values)
			if len(got) != 1 {
				t.Fatalf("got %q", got)
			}
			p := got[0]
			if tt.message != "" && p.Message != tt.message {
				t.Errorf("got  %s\nwant %s", p.Message, tt.message)
			}
			if p.Instance != tt.instance {
				t.Errorf("at %q, want %q", p.Instance, tt.instance)
			}
			if strings.Contains(p.Message, secret) || strings.ContainsRune(p.Message, 0x1b) || len(p.Message) > 2048 {
				t.Errorf("message of %d bytes: %s", len(p.Message), p.Message)
			}
		})
	}
}

// References are followed within the chart and nowhere else, and what stands
// beside them holds.
func TestSchemaReferences(t *testing.T) {
	const wrong = `; helm would refuse these values: "/b" is number and not string`
	refused := func(what string) string {
		return `the schema refers to what is not in the chart, which was neither fetched nor applied: ` + what + wrong
	}
	served := func(what string) string {
		return `the schema refers to other files of the chart, which helm looks for at the root of the disk and not in the chart: ` + what
	}
	tests := []struct {
		name, ref string
		want      string
	}{
		{"http", `http://example.com/s.json`, refused(`"http://example.com/s.json"`)},
		{"https", `https://example.com/s.json#/definitions/io.k8s.api.core.v1.Pod`, refused(`"https://example.com/s.json"`)},
		{"a place under a keyword", `https://example.com/s.json#/properties/a/additionalProperties`, refused(`"https://example.com/s.json"`)},
		{"credentials", `https://user:not-real@example.com/s.json?token=not-real`, refused(`"https://example.com/s.json"`)},
		{"no host", `//example.com/s.json`, refused(`"file://example.com/s.json"`)},
		{"file", `file:///etc/passwd`, refused(`"file:///etc/passwd"`)},
		{"file of a host", `file://example.com/schemas/a.json`, refused(`"file://example.com/schemas/a.json"`)},
		{"device", `file:///dev/zero#/x`, refused(`"file:///dev/zero"`)},
		{"absolute", `/etc/passwd`, refused(`"file:///etc/passwd"`)},
		{"parent", `../../etc/passwd`, refused(`"file:///etc/passwd"`)},
		{"urn", `urn:example:x`, refused(`"urn:example:x"`)},
		{"another scheme", `ftp://example.com/s.json`, refused(`"ftp://example.com/s.json"`)},
		{"data", `data:application/json,{}`, refused(`"data:application/json,{}"`)},
		{"not in the chart", `schemas/none.json`, refused(`"file:///schemas/none.json"`)},
		{"in the chart", `schemas/a.json`, served("schemas/a.json") + `; helm would refuse these values: "/a" is string and not integer, "/b" is number and not string`},
		{"in the chart, a part", `schemas/a.json#/$defs/n`, served("schemas/a.json") + `; helm would refuse these values: "/a" is string and not integer, "/b" is number and not string`},
		{"in the chart, from there on", `schemas/b.json`, served("schemas/a.json, schemas/b.json") + `; helm would refuse these values: "/a" is string and not integer, "/b" is number and not string`},
		{"in the chart, in the template folder", `templates/t.json`, served("templates/t.json") + wrong},
		{"in the chart, from there away", `schemas/away.json`, refused(`"https://example.com/deep.json"`) + served("schemas/away.json")},
		{"in the chart, no JSON", `values.yaml`, served("values.yaml") + `; the schema refers to files that can't be used, so they were not applied: "values.yaml" is not JSON (line 1), so helm would refuse the chart` + wrong},
		{"an anchor elsewhere", `https://example.com/s.json#name`, `the values were not validated: the schema can't be used without what is not in the chart and was not fetched`},
		{"a metaschema", `http://json-schema.org/draft-05/schema#`, refused(`"http://json-schema.org/draft-05/schema"`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, values := loadChart(t, map[string]string{
				schemaFile:             fmt.Sprintf(`{"properties": {"a": {"$ref": %q}, "b": {"type": "string"}}}`, tt.ref),
				"schemas/a.json":       `{"type": "integer", "$defs": {"n": {"type": "integer"}}}`,
				"schemas/b.json":       `{"$ref": "a.json"}`,
				"schemas/away.json":    `{"$ref": "https://example.com/deep.json#/a/b"}`,
				"schemas/deep.json":    `false`,
				"templates/t.json":     `{}`,
				"values.yaml":          "a: x\n",
				"etc/shadow":           `false`,
				"charts/db/x.json":     `false`,
				"charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
			}, "b: 1\n")
			var messages []string
			for _, p := range validateSchemas(c, values) {
				messages = append(messages, p.Message)
			}
			got := strings.Join(messages, "; ")
			want := tt.want
			if tt.name == "in the chart, from there away" {
				want = strings.Replace(want, wrong, "; ", 1) + wrong
			}
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// The schema of schemas may not come from elsewhere either.
func TestSchemaOfUnknownDialect(t *testing.T) {
	for _, schema := range []string{
		`{"$schema": "https://example.com/my-schema", "properties": {"b": {"type": "string"}}}`,
		`{"$schema": "file:///etc/passwd", "properties": {"b": {"type": "string"}}}`,
	} {
		c, values := loadChart(t, map[string]string{schemaFile: schema}, "b: 1")
		got := validateSchemas(c, values)
		if len(got) != 2 || !strings.Contains(got[0].Message, "neither fetched") || !strings.Contains(got[1].Message, `"/b" is number`) {
			t.Errorf("%s: got %q", schema, got)
		}
	}
}

// ladder is a schema of so many rungs, each of which leads twice to the next.
func ladder(rungs int, rung, last string) string {
	var b strings.Builder
	b.WriteString(`{"$ref": "#/$defs/0", "$defs": {`)
	for i := range rungs {
		fmt.Fprintf(&b, `"%d": `, i)
		b.WriteString(strings.ReplaceAll(rung, "NEXT", fmt.Sprintf("#/$defs/%d", i+1)))
		b.WriteString(",\n")
	}
	fmt.Fprintf(&b, `"%d": %s}}`, rungs, last)
	return b.String()
}

// What would take for ever, or the whole stack, ends soon.
func TestSchemaThatNeverEnds(t *testing.T) {
	// As the render worker has it, and a tenth of it left for the test.
	defer debug.SetMaxStack(debug.SetMaxStack(58 << 20))
	// A chain leads once from rung to rung; it ends, but deep down.
	chain := func(rung string) string { return ladder(3600, rung, `{}`) }
	var manyPatterns strings.Builder
	manyPatterns.WriteString(`{"$defs": {"": {}`)
	for i := range 600 {
		fmt.Fprintf(&manyPatterns, `, "%d": {"pattern": "(%d|x{100}){9}"}`, i, i)
	}
	manyPatterns.WriteString(`}}`)
	tests := map[string]string{
		"allOf":        ladder(40, `{"allOf": [{"$ref": "NEXT"}, {"$ref": "NEXT"}]}`, `{}`),
		"allOf, false": ladder(40, `{"allOf": [{"$ref": "NEXT"}, {"$ref": "NEXT"}]}`, `false`),
		"anyOf":        ladder(40, `{"anyOf": [{"$ref": "NEXT"}, {"$ref": "NEXT"}]}`, `{"required": ["x"]}`),
		"oneOf":        ladder(40, `{"oneOf": [{"$ref": "NEXT"}, {"$ref": "NEXT"}]}`, `{"required": ["x"]}`),
		"not":          ladder(40, `{"not": {"not": {"allOf": [{"$ref": "NEXT"}, {"$ref": "NEXT"}]}}}`, `{}`),
		"if":           ladder(40, `{"if": {"$ref": "NEXT"}, "else": {"$ref": "NEXT"}}`, `false`),
		"dependencies": ladder(40, `{"dependentSchemas": {"a": {"$ref": "NEXT"}, "b": {"$ref": "NEXT"}}}`, `{"required": ["x"]}`),
		"draft 7":      strings.Replace(ladder(40, `{"not": {"dependencies": {"a": {"$ref": "NEXT"}, "b": {"$ref": "NEXT"}}}}`, `{"required": ["x"]}`), `{`, `{"$schema": "http://json-schema.org/draft-07/schema#", `, 1),
		"chain":        chain(`{"allOf": [{"$ref": "NEXT"}]}`),
		"other chain":  chain(`{"dependentSchemas": {"a": {"$ref": "NEXT"}}}`),
		"a pattern":    `{"patternProperties": {"` + strings.Repeat("x{999}", 1000) + `": {}}}`,
		"patterns":     manyPatterns.String(),
	}
	for name, schema := range tests {
		t.Run(name, func(t *testing.T) {
			c, values := loadChart(t, map[string]string{schemaFile: schema, "values.yaml": "{a: 1, b: 2}"}, "")
			// A tenth of the steps shows as much, in a tenth of the time.
			v := &validation{left: maxSchemaSteps / 10}
			v.chart(c, values)
			if len(v.problems) != 1 || !strings.Contains(v.problems[0].Message, "not validated") {
				t.Errorf("got %q", v.problems)
			}
		})
	}
}

// One chart's endless schema does not hide what is wrong with another's
// values, unless it comes first.
func TestSchemaSharesSteps(t *testing.T) {
	endless := ladder(40, `{"allOf": [{"$ref": "NEXT"}, {"$ref": "NEXT"}]}`, `{}`)
	c, values := loadChart(t, map[string]string{
		"charts/a/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n", "charts/a/" + schemaFile: `{"required": ["x"]}`,
		"charts/b/Chart.yaml": "apiVersion: v2\nname: b\nversion: 1.0.0\n", "charts/b/" + schemaFile: endless,
		"charts/c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "charts/c/" + schemaFile: `{"required": ["x"]}`,
	}, "")
	var got []string
	for _, p := range validateSchemas(c, values) {
		got = append(got, p.Chart+": "+strings.Fields(p.Message)[1])
	}
	if want := "web/charts/a: would; web/charts/b: values; web/charts/c: values"; strings.Join(got, "; ") != want {
		t.Errorf("got %q, want %q", strings.Join(got, "; "), want)
	}
}

// What a library panics on is what helm refuses.
func TestSchemaPanics(t *testing.T) {
	c, _ := loadChart(t, map[string]string{schemaFile: `{"properties": {"a": {"maximum": 1}}}`}, "")
	values := map[string]any{"a": json.Number("1e9999999")}
	want := chartutil.ValidateAgainstSchema(c, values)
	got := validateSchemas(c, values)
	if want == nil || len(got) != 1 || !strings.Contains(got[0].Message, "helm would refuse") {
		t.Errorf("got %v, helm says %v", got, want)
	}
}

func FuzzSchema(f *testing.F) {
	f.Add(`{"type": "object", "required": ["a"]}`, `{}`, "a: 1\n")
	f.Add(`{"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"s": {"type": "string"}}, "properties": {"a": {"$ref": "#/definitions/s"}}}`, `{}`, "a: [1, {b: c}]\n")
	f.Add(`{"$ref": "other.json#/a/b"}`, `{"a": {"b": {"$ref": "values.schema.json"}}}`, "{}\n")
	f.Add(`{"$id": "https://example.com/x", "$dynamicAnchor": "n", "properties": {"a": {"$dynamicRef": "#n"}}, "unevaluatedProperties": false}`, `true`, "a: {a: {b: 1}}\n")
	f.Add(`{"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": true, "patternProperties": {"^(?!x)": {"$recursiveRef": "#"}}}`, `[]`, "x: {y: null}\n")
	f.Add(`{"properties": {"a": {"multipleOf": 1e-300, "enum": [1e300, "x"]}}, "propertyNames": {"format": "regex"}}`, `1`, "a: 1.5e300\n")
	f.Add(ladder(30, `{"anyOf": [{"$ref": "NEXT"}, {"$ref": "NEXT"}]}`, `false`), `{`, "")
	f.Fuzz(func(t *testing.T, schema, other, values string) {
		given, err := chartutil.ReadValues([]byte(values))
		if err != nil {
			t.Skip()
		}
		c, err := loader.LoadFiles([]*loader.BufferedFile{
			{Name: "Chart.yaml", Data: []byte(chartYAML)}, {Name: schemaFile, Data: []byte(schema)}, {Name: "other.json", Data: []byte(other)}})
		if err != nil {
			t.Skip()
		}
		// Few steps, so that many inputs are tried.
		validate := func() []schemaProblem {
			v := &validation{left: 5000}
			v.chart(c, given)
			return v.problems
		}
		got := validate()
		for _, p := range got {
			if p.Chart != "web" || p.Message == "" || len(p.Message) > 2048 || strings.ContainsAny(p.Message, "\n\x1b") {
				t.Fatalf("%+v", p)
			}
		}
		// Which branch of a schema comes first is random, so at the limit the
		// answer may be too.
		endless := func(p schemaProblem) bool { return strings.Contains(p.Message, "steps") }
		if again := validate(); fmt.Sprint(got) != fmt.Sprint(again) && !slices.ContainsFunc(slices.Concat(got, again), endless) {
			t.Fatalf("two validations differ:\n%q\n%q", got, again)
		}
	})
}
