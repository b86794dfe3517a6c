package manifest_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
)

// fixtures are the objects that k8s.io/api's own tests decode, one for each kind
// and version with every field set.
func fixtures(t *testing.T) map[string][]byte {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/api").Output()
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "testdata", "HEAD", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// Besides objects there is what the API server says to webhooks and
		// clients.
		if docs, _ := manifest.Parse(text); manifest.Builtin(manifest.New(docs[0], manifest.Origin{}, nil).GVK) != nil {
			all[filepath.Base(name)] = text
		}
	}
	if len(all) < 140 {
		t.Fatalf("%d of %d fixtures are objects", len(all), len(names))
	}
	return all
}

// refused says whether the strict decoder of the API machinery finds fault.
func refused(t *testing.T, text []byte) error {
	t.Helper()
	docs, problems := manifest.Parse(text)
	if len(docs) != 1 || len(problems) > 0 {
		t.Fatalf("%d documents, %v", len(docs), problems)
	}
	gvk := manifest.New(docs[0], manifest.Origin{}, nil).GVK
	scheme := runtime.NewScheme()
	scheme.AddKnownTypeWithName(gvk, manifest.Builtin(gvk))
	s := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	_, _, err := s.Decode(text, nil, nil)
	return err
}

// TestStrictAsTheAPIMachinery holds the faults that are found in an object
// against those that the API machinery's strict decoder finds: none in the
// fixtures, and in each of them after a change either one or none for both.
func TestStrictAsTheAPIMachinery(t *testing.T) {
	const changes = 3
	all := fixtures(t)
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	found := 0
	for i, name := range names {
		compare(t, name, all[name])
		r := rand.New(rand.NewPCG(1, uint64(i)))
		for range changes {
			var doc yaml.Node
			if err := yaml.Unmarshal(all[name], &doc); err != nil {
				t.Fatal(err)
			}
			what := change(r, doc.Content[0])
			text, err := yaml.Marshal(&doc)
			if err != nil {
				t.Fatal(err)
			}
			if compare(t, name+": "+what, text) {
				found++
			}
		}
	}
	if most := len(names) * changes; found < most/4 || found > most*9/10 {
		t.Errorf("%d of %d changes are faults: the changes are no test", found, most)
	}
}

func compare(t *testing.T, name string, text []byte) bool {
	t.Helper()
	docs, _ := manifest.Parse(text)
	ours := manifest.New(docs[0], manifest.Origin{}, nil).SchemaErrors()
	theirs := refused(t, text)
	if (len(ours) > 0) != (theirs != nil) {
		t.Errorf("%s: we find %v; the API machinery: %v", name, ours, theirs)
	}
	return theirs != nil
}

// change changes one field below spec or beside it, and says which and how.
func change(r *rand.Rand, root *yaml.Node) string {
	type place struct {
		path string
		hits []manifest.Hit
	}
	var places []place
	manifest.Walk(root, func(path []string, hits []manifest.Hit) bool {
		if path[0] != "apiVersion" && path[0] != "kind" {
			places = append(places, place{manifest.JoinPath(path), slices.Clone(hits)})
		}
		return true
	})
	p := places[r.IntN(len(places))]
	hit := p.hits[len(p.hits)-1]
	v := hit.Value
	set := func(tag, value string) {
		*v = yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
	}
	how := ""
	switch n := r.IntN(10); {
	case n < 3 && hit.Key != nil:
		how, hit.Key.Value = "renamed", hit.Key.Value+"zz"
	case n == 3:
		how, *v = "an empty object", yaml.Node{Kind: yaml.MappingNode}
	case n == 4:
		how, *v = "a list", yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
	case n == 5:
		how = "a number"
		set("!!int", "3")
	case n == 6:
		how = "a text"
		set("!!str", "text")
	case n == 7:
		how = "a boolean"
		set("!!bool", "true")
	case n == 8:
		how = "a fraction"
		set("!!float", "1.5")
	default:
		how = "a large number"
		set("!!int", "3000000000")
	}
	return p.path + " " + how
}

// The version that is named is that of the types that are linked.
func TestKubeVersion(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "k8s.io/api").Output()
	if err != nil {
		t.Fatal(err)
	}
	v := manifest.KubeVersion()
	if got, want := strings.TrimSpace(string(out)), fmt.Sprintf("v0.%d.", v.Minor()); !strings.HasPrefix(got, want) {
		t.Errorf("k8s.io/api is %s, which is not of Kubernetes %s", got, v)
	}
}

func TestBuiltin(t *testing.T) {
	for _, tt := range []struct{ apiVersion, kind, typed, exact string }{
		{"v1", "Pod", "*v1.Pod", "*v1.Pod"},
		{"v1", "PodList", "*v1.PodList", "*v1.PodList"},
		{"v1", "ListOptions", "<nil>", "<nil>"},
		{"apps/v1beta1", "Deployment", "*v1.Deployment", "*v1beta1.Deployment"},
		{"extensions/v1beta1", "Ingress", "*v1beta1.Ingress", "*v1beta1.Ingress"},
		{"apps/v7", "Deployment", "*v1.Deployment", "<nil>"},
		{"autoscaling/v1", "HorizontalPodAutoscaler", "*v1.HorizontalPodAutoscaler", "*v1.HorizontalPodAutoscaler"},
		{"autoscaling/v2beta2", "HorizontalPodAutoscaler", "*v2.HorizontalPodAutoscaler", "<nil>"},
		{"autoscaling/v2beta1", "HorizontalPodAutoscaler", "<nil>", "<nil>"},
		{"resource.k8s.io/v1", "DeviceClass", "*v1.DeviceClass", "*v1.DeviceClass"},
		{"apiextensions.k8s.io/v1", "CustomResourceDefinition", "<nil>", "*v1.CustomResourceDefinition"},
		{"example.com/v1", "Pod", "<nil>", "<nil>"},
	} {
		docs, _ := manifest.Parse(fmt.Appendf(nil, "apiVersion: %s\nkind: %s\n", tt.apiVersion, tt.kind))
		o := manifest.New(docs[0], manifest.Origin{}, nil)
		if got := fmt.Sprintf("%T", o.Typed()); got != tt.typed {
			t.Errorf("%s %s is %s to rules, want %s", tt.apiVersion, tt.kind, got, tt.typed)
		}
		if got := fmt.Sprintf("%T", manifest.Builtin(o.GVK)); got != tt.exact {
			t.Errorf("%s %s is %s, want %s", tt.apiVersion, tt.kind, got, tt.exact)
		}
	}
	if got := fmt.Sprint(manifest.BuiltinVersions("Ingress")); got != "[extensions/v1beta1 networking.k8s.io/v1 networking.k8s.io/v1beta1]" {
		t.Errorf("Ingress is in %s", got)
	}
	if kinds := manifest.BuiltinKinds(schema.GroupVersion{Group: "policy", Version: "v1"}); !slices.Equal(kinds, []string{"Eviction", "PodDisruptionBudget"}) {
		t.Errorf("policy/v1 has %q", kinds)
	}
}
