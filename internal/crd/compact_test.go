package crd_test

import (
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/crd"
	"go.yaml.in/yaml/v3"
)

func TestCompact(t *testing.T) {
	const text = `
metadata: {annotations: {description: stays}}
spec:
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        description: goes
        properties:
          description: # a field of this name
            type: string
            description: goes
            default: {description: stays}
          items:
            items: {description: goes, type: object, properties: {description: {type: string}}}
`
	const want = `
metadata: {annotations: {description: stays}}
spec:
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        properties:
          description:
            type: string
            default: {description: stays}
          items:
            items: {type: object, properties: {description: {type: string}}}
`
	parse := func(text string) *yaml.Node {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil {
			t.Fatal(err)
		}
		return n.Content[0]
	}
	print := func(n *yaml.Node) string {
		out, err := yaml.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	before := print(parse(text))
	node := parse(text)
	if got := print(crd.Compact(node)); got != print(parse(want)) {
		t.Errorf("got %s", got)
	}
	if print(node) != before || !strings.Contains(before, "goes") {
		t.Error("the definition itself was changed")
	}
}
