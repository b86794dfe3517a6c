package manifest

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestValue(t *testing.T) {
	docs, problems := Parse([]byte(`
apiVersion: example.org/v1
kind: Boat
metadata: {name: ketch, annotations: {example.org/a.b: x}}
spec:
  hull: steel
  masts: 2
  sails: [main, 3, {jib: true}, null]
  crew: null
  engine: {on: false, power: "${POWER}"}
  selector: {matchLabels: {app: boat}, matchExpressions: text}
`))
	if len(problems) > 0 || len(docs) != 1 {
		t.Fatal(problems)
	}
	o := New(docs[0], Origin{}, nil)
	spec := o.Value("spec")
	if got := spec.Get("hull"); got.Text() != "steel" || got.Path.String() != "spec.hull" || !got.Written() || !got.Known() {
		t.Errorf("hull is %q at %s", got.Text(), got.Path)
	}
	if n, ok := spec.Get("masts").Int(); n != 2 || !ok {
		t.Errorf("masts is %d, %v", n, ok)
	}
	if got := spec.Get("sails"); got.Len() != 4 || !slices.Equal(got.Texts(), []string{"main", "3"}) || !got.Items()[2].Get("jib").True() || got.Items()[2].Path.String() != "spec.sails[2]" {
		t.Errorf("sails is %v", got.Texts())
	}
	if got := spec.Get("crew"); got.Written() || got.Text() != "" {
		t.Error("null counts as written")
	}
	if got := spec.Get("hull", "x", "y"); got.Node != nil || got.Path.String() != "spec.hull.x.y" || got.Items() != nil || got.Len() != 0 || !got.Known() {
		t.Errorf("what is not written is at %s", got.Path)
	}
	if !spec.Get("engine", "on").False() || spec.Get("engine").Known() || spec.Known() || !spec.Get("sails").Known() {
		t.Error("what is filled in later is not told from what is known")
	}
	if got := o.Value("metadata", "annotations").Key("example.org/a.b"); got.Text() != "x" || got.Path.String() != "metadata.annotations[example.org/a.b]" {
		t.Errorf("the annotation is %q at %s", got.Text(), got.Path)
	}
	var keys []string
	for key := range spec.Get("engine").Entries() {
		keys = append(keys, key)
	}
	if !slices.Equal(keys, []string{"on", "power"}) {
		t.Errorf("engine has %q", keys)
	}
	var selector metav1.LabelSelector
	if spec.Get("selector").Decode(&selector); selector.MatchLabels["app"] != "boat" || selector.MatchExpressions != nil {
		t.Errorf("the selector is %+v", selector)
	}
	if got := o.ValueAt(field.NewPath("spec", "sails").Index(0)); got.Text() != "main" {
		t.Errorf("at the path stands %q", got.Text())
	}
	if got := o.ValueAt(field.NewPath("spec", "sails").Index(9)); got.Node != nil || got.Path.String() != "spec.sails[9]" {
		t.Errorf("at a path that is not written stands %v", got.Node)
	}
}
