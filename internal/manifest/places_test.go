package manifest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestPlaces(t *testing.T) {
	docs, problems := Parse([]byte("apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {a.b/c: x}}\nspec:\n  containers:\n    - name: a\n      args:\n        - one\n        - two\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	o := New(docs[0], Origin{Span: Span{File: "f.yaml"}}, nil)
	var got []string
	for path, at := range o.Places() {
		got = append(got, fmt.Sprintf("%s %d:%d %v", strings.Join(path, "|"), at.Line, at.Column, at.Exact))
		if want := o.At(field.NewPath(JoinPath(path))); !reflect.DeepEqual(at, want) {
			t.Errorf("%v is at %+v, At says %+v", path, at, want)
		}
	}
	want := []string{
		"apiVersion 1:13 true", "kind 2:7 true", "metadata 3:1 true", "metadata|name 3:18 true", "metadata|labels 3:21 true",
		"metadata|labels|a.b/c 3:37 true", "spec 4:1 true", "spec|containers 5:3 true", "spec|containers|0 6:7 true",
		"spec|containers|0|name 6:13 true", "spec|containers|0|args 7:7 true", "spec|containers|0|args|0 8:11 true", "spec|containers|0|args|1 9:11 true",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	for range o.Places() {
		break
	}
}
