package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/scantling-dev/scantling"

type goPackage struct {
	ImportPath, Name string
	Imports          []string
	Standard         bool
}

func (p *goPackage) ours() bool {
	return p.ImportPath == module || strings.HasPrefix(p.ImportPath, module+"/")
}

// short is the path within the module; "." for the root.
func short(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

// packages are those that the program is made of, without tests.
func packages(t *testing.T) []*goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Name,Imports,Standard", "./...")
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var all []*goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &goPackage{}
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// under says that a package is one of the given ones or lies below one.
func under(name string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return name == d || strings.HasPrefix(name, d+"/") })
}

// TestForeignImports: the large libraries are each behind one package of ours.
func TestForeignImports(t *testing.T) {
	walls := []struct {
		what    []string
		allowed []string
	}{
		{[]string{"sigs.k8s.io/kustomize", "k8s.io/client-go"}, []string{"render"}},
		{[]string{"helm.sh/helm"}, []string{"render", "internal/fetch"}},
		{[]string{"github.com/go-git", "oras.land/oras-go"}, []string{"internal/fetch"}},
		{[]string{"github.com/getsops/sops", "filippo.io/age", "github.com/ProtonMail/go-crypto"}, []string{"secrets"}},
		{[]string{"github.com/urfave/cli"}, []string{"internal/cli"}},
		// render makes http's client unable to connect.
		{[]string{"net", "net/http"}, []string{"render", "internal/fetch"}},
		{[]string{"os/exec", "github.com/elastic/go-seccomp-bpf"}, []string{"internal/sandbox"}},
		{[]string{"plugin"}, nil},
	}
	for _, p := range packages(t) {
		if !p.ours() {
			continue
		}
		for _, imp := range p.Imports {
			for _, w := range walls {
				// Of the standard library, net/url is not net.
				this := slices.Contains(w.what, imp) || strings.Contains(w.what[0], ".") && under(imp, w.what...)
				if this && !under(short(p.ImportPath), w.allowed...) {
					t.Errorf("%s imports %s, which only these may: %q", p.ImportPath, imp, w.allowed)
				}
			}
			// The rest of sops opens a socket when it is linked.
			if sops := "github.com/getsops/sops"; under(imp, sops) && !strings.HasSuffix(imp, "/age") && !strings.HasSuffix(imp, "/pgp") {
				t.Errorf("%s imports %s: of sops, only age and pgp may be linked", p.ImportPath, imp)
			}
		}
	}
}

// TestOwnImports: imports go one way. A package that is not listed may import
// what it likes of ours, except the command line.
func TestOwnImports(t *testing.T) {
	allowed := map[string][]string{
		"internal/manifest": {},
		"internal/source":   {},
		"internal/sandbox":  {},
		"internal/cache":    {},
		"internal/store":    {},
		"internal/fetch":    {"internal/store", "internal/manifest"},
		"internal/limits":   {"internal/manifest"},
		"internal/wire":     {"internal/manifest"},
		"lint":              {"internal/manifest", "internal/wire"},
		"internal/report":   {"lint", "internal/diff", "internal/manifest"},
		"internal/diff":     {"lint", "secrets", "internal/manifest"},
		"internal/config":   {"lint", "internal/manifest", "internal/limits"},
		"internal/cluster":  {"lint", "internal/manifest"},
		"internal/netpol":   {"lint", "internal/manifest"},
		"internal/crd":      {"internal/manifest"},
		"rules":             {"rules", "lint", "internal/manifest", "internal/cluster", "internal/netpol", "internal/crd"},
		"secrets":           {"secrets/sops", "lint", "internal/manifest"},
		"render":            {"internal/manifest", "internal/source", "internal/store", "internal/limits", "internal/sandbox", "internal/wire"},
		"hooks":             {"internal/source"},
	}
	seen := map[string]bool{}
	for _, p := range packages(t) {
		if !p.ours() {
			continue
		}
		name := short(p.ImportPath)
		top := name
		for known := range allowed {
			// A package for tests lies below what it tests: lint/linttest.
			if name == known || known == "rules" && under(name, "rules") {
				top = known
			}
		}
		list, walled := allowed[top]
		seen[top] = true
		for _, imp := range p.Imports {
			if imp != module && !strings.HasPrefix(imp, module+"/") {
				continue
			}
			imp = short(imp)
			if walled && !slices.Contains(list, imp) && !(top == "rules" && under(imp, "rules")) {
				t.Errorf("%s imports %s of ours; it may import %v", name, imp, list)
			}
			if imp == "internal/cli" && name != "." {
				t.Errorf("%s imports internal/cli, which only main may", name)
			}
			if imp == "internal/fetch" && name != "internal/cli" {
				t.Errorf("%s imports internal/fetch, which uses the network and which only internal/cli may", name)
			}
			if strings.HasSuffix(imp, "test") {
				t.Errorf("%s imports %s, which is for tests", name, imp)
			}
		}
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("there is no package %s: mend the list of this test", name)
		}
	}
}

// TestMainPackage: main.go only starts the command line, and there is no other
// program.
func TestMainPackage(t *testing.T) {
	for _, p := range packages(t) {
		if p.ours() && p.Name == "main" && p.ImportPath != module && !under(short(p.ImportPath), "internal/tools") {
			t.Errorf("%s is a second main package", p.ImportPath)
		}
	}
	data, err := os.ReadFile("../../main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(data, []byte("\n")); n >= 20 {
		t.Errorf("main.go has %d lines, want fewer than 20", n)
	}
}
