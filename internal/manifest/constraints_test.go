package manifest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is what the Go sources of one version of an API group say of its types.
type source struct {
	required map[string][]string // by type: fields that are neither omitempty nor +optional
	values   map[string][]string // by type: the values of its constants
}

// sourceOf reads the sources of a package of a module.
func sourceOf(t *testing.T, dir string) source {
	t.Helper()
	s := source{map[string][]string{}, map[string][]string{}}
	names, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, name := range names {
		if strings.Contains(name, "zz_generated") || strings.Contains(name, ".pb.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if st, ok := spec.Type.(*ast.StructType); ok {
						s.required[spec.Name.Name] = requiredIn(st)
					}
				case *ast.ValueSpec:
					s.constant(spec)
				}
			}
		}
	}
	return s
}

func requiredIn(st *ast.StructType) []string {
	var names []string
	for _, f := range st.Fields.List {
		if f.Tag == nil {
			continue
		}
		text, _ := strconv.Unquote(f.Tag.Value)
		name, options, _ := strings.Cut(reflect.StructTag(text).Get("json"), ",")
		optional := strings.Contains(options, "omitempty") || strings.Contains(f.Doc.Text(), "+optional") || strings.Contains(f.Comment.Text(), "+optional")
		if name == "" || name == "-" || optional && !strings.Contains(f.Doc.Text(), "+required") && !strings.Contains(f.Doc.Text(), "+k8s:required") {
			continue
		}
		names = append(names, name)
	}
	return names
}

// constant notes the constants `Name Type = "value"` and `Name = Type("value")`.
func (s source) constant(spec *ast.ValueSpec) {
	if len(spec.Values) != 1 {
		return
	}
	of, value := spec.Type, spec.Values[0]
	if call, ok := value.(*ast.CallExpr); ok && len(call.Args) == 1 {
		of, value = call.Fun, call.Args[0]
	}
	name, ok := of.(*ast.Ident)
	literal, isLiteral := value.(*ast.BasicLit)
	if ok && isLiteral && literal.Kind == token.STRING {
		if text, _ := strconv.Unquote(literal.Value); text != "" {
			s.values[name.Name] = append(s.values[name.Name], text)
		}
	}
}

// sources are those of the packages that the tables name.
func sources(t *testing.T) map[string]source {
	t.Helper()
	dirs := map[string]string{}
	for _, module := range []string{"k8s.io/api", "k8s.io/apimachinery", "k8s.io/apiextensions-apiserver"} {
		out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
		if err != nil {
			t.Fatal(err)
		}
		dirs[module] = strings.TrimSpace(string(out))
	}
	all := map[string]source{}
	for name := range maps.Keys(requiredOf()) {
		pkg, _, _ := strings.Cut(name, ".")
		if _, ok := all[pkg]; ok {
			continue
		}
		dir := filepath.Join(dirs["k8s.io/api"], pkg)
		switch pkg {
		case "meta/v1":
			dir = filepath.Join(dirs["k8s.io/apimachinery"], "pkg/apis", pkg)
		case "apiextensions/v1":
			dir = filepath.Join(dirs["k8s.io/apiextensions-apiserver"], "pkg/apis", pkg)
		}
		all[pkg] = sourceOf(t, dir)
	}
	all["policy/v1"] = sourceOf(t, filepath.Join(dirs["k8s.io/api"], "policy/v1"))
	return all
}

// notRequired are fields that the API server does not ask for although they are
// marked as if it did, and why.
var notRequired = map[string]string{
	"core/v1.HTTPHeader value":                                 "may be empty",
	"core/v1.Sysctl value":                                     "may be empty",
	"core/v1.ISCSIVolumeSource lun":                            "0 is the number of a LUN",
	"core/v1.ISCSIPersistentVolumeSource lun":                  "0 is the number of a LUN",
	"apiextensions/v1.CustomResourceDefinitionVersion served":  "false when it is missing",
	"apiextensions/v1.CustomResourceDefinitionVersion storage": "false when it is missing",
	"flowcontrol/v1.PriorityLevelConfigurationSpec limited":    "belongs to one type only",
	"flowcontrol/v1.LimitResponse queuing":                     "belongs to one type only",
}

// asked are fields that the API server asks for although they are not marked so.
var asked = []string{
	"core/v1.Container image", "core/v1.EphemeralContainer image",
	"core/v1.Pod spec", "core/v1.Service spec", "core/v1.ReplicationController spec",
	"core/v1.PersistentVolume spec", "core/v1.PersistentVolumeClaim spec", "batch/v1.Job spec",
	"core/v1.EphemeralContainer name", // inlined there
}

// TestRequiredAsInTheSources: of each type in the table, the fields are those that
// k8s.io/api marks as required, but for exceptions that are named.
func TestRequiredAsInTheSources(t *testing.T) {
	all := sources(t)
	for name, fields := range requiredOf() {
		pkg, typ, _ := strings.Cut(name, ".")
		marked, ok := all[pkg].required[typ]
		if !ok {
			t.Errorf("%s is no type", name)
			continue
		}
		for _, f := range fields {
			if f = strings.TrimSuffix(f, "+"); !slices.Contains(marked, f) && !slices.Contains(asked, name+" "+f) {
				t.Errorf("%s %s is not marked as required", name, f)
			}
		}
		for _, f := range marked {
			if _, ok := notRequired[name+" "+f]; !ok && !slices.Contains(fields, f) && !slices.Contains(fields, f+"+") {
				t.Errorf("%s lacks %s", name, f)
			}
		}
	}
}

// TestEnumerationsAsInTheSources: the values of each type in the table are the
// constants that k8s.io/api has for it.
func TestEnumerationsAsInTheSources(t *testing.T) {
	// What is a constant and is refused all the same.
	refused := map[string][]string{"admissionregistration/v1.SideEffectClass": {"Unknown", "Some"}}
	// Constants that are made of those of another package.
	made := map[string][]string{"discovery/v1.AddressType": {"IPv4", "IPv6"}}
	all := sources(t)
	for name, values := range enumerationsOf() {
		pkg, typ, _ := strings.Cut(name, ".")
		want := slices.Concat(values, refused[name])
		got := slices.Concat(all[pkg].values[typ], made[name])
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s takes %q, the table has %q", name, got, want)
		}
	}
}
