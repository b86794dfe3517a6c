package manifest

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func objects(t *testing.T, text string) []*Object {
	t.Helper()
	docs, problems := Parse([]byte(text))
	for _, p := range problems {
		t.Fatal(p)
	}
	var all []*Object
	for _, d := range docs {
		all = append(all, Objects(d, Origin{Span: Span{File: "f.yaml"}, Exact: true}, nil)...)
	}
	return all
}

const deployment = `# head
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations:
    example.org/a.b: "1"
spec:
  template:
    spec:
      securityContext:
        runAsUser: 7
        seccompProfile: {type: RuntimeDefault}
      initContainers:
        - name: wait
          restartPolicy: Always
      containers:
        - name: web
          image: nginx
          command: [a, b]
          securityContext:
            privileged: "true"
            runAsUser: 0
          script: |
            x
`

func TestAt(t *testing.T) {
	o := objects(t, deployment)[0]
	for path, want := range map[string]struct{ line, column int }{
		"spec.template.spec.containers[0].image":                       {20, 18},
		"spec.template.spec.containers[0].securityContext.privileged":  {23, 25},
		"spec.template.spec.containers[0].securityContext.missing.too": {22, 11},
		"spec.template.spec.containers[0]":                             {19, 11},
		"spec.template.spec.containers[0].command[1]":                  {21, 24},
		"spec.template.spec.containers[0].script":                      {25, 11},
		"spec.template.spec.containers[9]":                             {18, 7},
		"metadata.annotations[example.org/a.b]":                        {8, 22},
	} {
		at := o.At(parsePath(path))
		if at.Line != want.line || at.Column != want.column {
			t.Errorf("%s is at %d:%d, want %d:%d", path, at.Line, at.Column, want.line, want.column)
		}
	}
	if at := o.At(nil); at.Line != 2 || at.File != "f.yaml" || !at.Exact {
		t.Errorf("the object is at %+v", at)
	}
}

// parsePath makes a field path of its text, element by element.
func parsePath(text string) *field.Path {
	var p *field.Path
	for _, e := range SplitPath(text) {
		if p == nil {
			p = field.NewPath(e)
		} else {
			p = p.Key(e)
		}
	}
	return p
}

func TestStablePath(t *testing.T) {
	o := objects(t, deployment)[0]
	path := field.NewPath("spec", "template", "spec", "containers").Index(0).Child("command").Index(1)
	if got, want := o.StablePath(path), "spec.template.spec.containers[web].command[]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLenientDecoding(t *testing.T) {
	o := objects(t, deployment)[0]
	w, ok := o.Workload()
	if !ok {
		t.Fatal("a Deployment is no workload")
	}
	c := w.Containers()
	if len(c) != 2 || c[0].Kind != Sidecar || c[1].Kind != Regular {
		t.Fatalf("containers: %+v", c)
	}
	if !c[1].Privileged() {
		t.Error(`privileged: "true" is not judged`)
	}
	if uid, path := c[1].RunAsUser(); uid == nil || *uid != 0 || !strings.Contains(path.String(), "containers[0]") {
		t.Errorf("the container's own user: %v at %v", uid, path)
	}
	if uid, path := c[0].RunAsUser(); uid == nil || *uid != 7 || path.String() != "spec.template.spec.securityContext.runAsUser" {
		t.Errorf("the inherited user: %v at %v", uid, path)
	}
	if p, _ := c[0].SeccompProfile(); p == nil || p.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the inherited profile: %v", p)
	}
	var messages []string
	for _, e := range o.SchemaErrors() {
		messages = append(messages, e.Path.String()+" "+e.Message)
	}
	all := strings.Join(messages, "\n")
	for _, want := range []string{"securityContext.privileged must be true or false", "containers[0].script unknown field"} {
		if !strings.Contains(all, want) {
			t.Errorf("schema errors lack %q:\n%s", want, all)
		}
	}
	if len(messages) != 2 {
		t.Errorf("schema errors:\n%s", all)
	}
}

func TestOddObjects(t *testing.T) {
	for _, text := range []string{
		"apiVersion: apps/v1\nkind: Deployment\nspec: null\n",
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: null\nspec: []\n",
		"apiVersion: v1\nkind: Pod\nspec: {containers: [null, 3, {securityContext: x}]}\n",
		"apiVersion: v1\nkind: ReplicationController\nspec: {}\n",
		"apiVersion: [1]\nkind: {a: b}\n",
		"apiVersion: v1\nkind: List\nitems: [null, 1, {kind: Pod}]\n",
	} {
		for _, o := range objects(t, text) {
			o.SchemaErrors()
			if w, ok := o.Workload(); ok {
				for _, c := range w.Containers() {
					c.Privileged()
				}
			}
		}
	}
}

func TestLists(t *testing.T) {
	all := objects(t, `apiVersion: v1
kind: ConfigMapList
sops: {mac: x}
items:
  - metadata: {name: a}
  - apiVersion: rbac.authorization.k8s.io/v1beta1
    kind: ClusterRole
    metadata: {name: b}
    rules: [{verbs: ["*"]}]
---
- apiVersion: v1
  kind: Pod
  metadata: {generateName: c}
`)
	if len(all) != 3 || all[0].ID() != "ConfigMap a" || all[2].ID() != "Pod c" {
		t.Fatalf("got %d objects: %v", len(all), all)
	}
	if Get(all[0].Node, "sops") == nil {
		t.Error("an item of an encrypted list has lost its sops block")
	}
	role, ok := all[1].Typed().(*rbacv1.ClusterRole)
	if !ok || len(role.Rules) != 1 {
		t.Errorf("an older API version is %T", all[1].Typed())
	}
	if all[1].Origin.Line != 6 {
		t.Errorf("the second item is at line %d", all[1].Origin.Line)
	}
}

func TestParseProblems(t *testing.T) {
	deep := strings.Repeat("[", 300) + strings.Repeat("]", 300)
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 9; i++ {
		prev, next := string(rune('0'+i-1)), string(rune('0'+i))
		bomb += "a" + next + ": &a" + next + " [" + strings.Repeat("*a"+prev+",", 9) + "*a" + prev + "]\n"
	}
	for _, c := range []struct {
		name, text string
		class      ProblemClass
		line, docs int
	}{
		{"one bad document", "a: 1\n---\nb: [\n---\nc: 3\n", ParseError, 3, 2},
		{"self reference", "a: &a [*a]\n", AliasCycle, 1, 0},
		{"depth", deep, LimitDepth, 1, 0},
		{"bomb", bomb, LimitAlias, 0, 0},
	} {
		docs, problems := Parse([]byte(c.text))
		if len(docs) != c.docs || len(problems) != 1 || problems[0].Class != c.class {
			t.Errorf("%s: %d documents, problems %v", c.name, len(docs), problems)
			continue
		}
		if c.line > 0 && problems[0].Line != c.line {
			t.Errorf("%s: at line %d, want %d (%s)", c.name, problems[0].Line, c.line, problems[0].Message)
		}
	}
}

func TestParseForms(t *testing.T) {
	docs, problems := Parse([]byte("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n---\n# only a comment\n---\n{\"json\":\t[1]}\n"))
	if len(problems) > 0 || len(docs) != 2 {
		t.Fatalf("%d documents, %v", len(docs), problems)
	}
	use := Get(docs[0], "use")
	if scalar(use, "x") != "1" || scalar(use, "y") != "3" {
		t.Error("the merge key is not resolved as YAML says")
	}
	if docs, problems := Parse([]byte("{\n\t\"a\": 1\n}")); len(docs) != 1 || len(problems) > 0 {
		t.Errorf("JSON indented with tabs: %v", problems)
	}
}

func BenchmarkParseAndDecode(b *testing.B) {
	data := []byte(deployment)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		docs, _ := Parse(data)
		for _, o := range Objects(docs[0], Origin{}, nil) {
			o.Workload()
		}
	}
}
