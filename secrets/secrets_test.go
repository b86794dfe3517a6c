package secrets

import (
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/lint/linttest"
	"go.yaml.in/yaml/v3"
)

func TestRules(t *testing.T) { linttest.Run(t, Rules) }

func objects(t *testing.T, name, data string) []*manifest.Object {
	t.Helper()
	docs, problems := manifest.Parse([]byte(data))
	for _, p := range problems {
		t.Fatalf("%s: %v", name, p)
	}
	var all []*manifest.Object
	for _, d := range docs {
		all = append(all, manifest.Objects(d, manifest.Origin{Span: manifest.Span{File: name}}, nil)...)
	}
	return all
}

// TestNoValueInFindings: what the examples hold as secrets never reaches a
// message, a remedy, a path or a fingerprint.
func TestNoValueInFindings(t *testing.T) {
	total := 0
	for _, r := range Rules {
		examples, _ := linttest.Examples(r)
		for _, e := range examples {
			values := []string{"hunter2", "s3cr3t", "MIIE"}
			for _, f := range e.Files {
				values = append(values, valuesIn(f.Data)...)
			}
			findings, _ := linttest.Findings(r, e)
			for _, got := range findings {
				if got.Rule == "internal" {
					t.Errorf("%s: %s: %s", r.ID, e.Name, got.Message)
				}
				total++
				for _, v := range values {
					if v = strings.TrimSpace(v); len(v) < 7 {
						continue
					}
					if strings.Contains(got.Message+got.Path+got.Fingerprint, v) || len(v) > 12 && strings.Contains(got.Fix, v) {
						t.Errorf("%s: %s: a finding tells a value: %s", r.ID, e.Name, got.Message)
					}
				}
			}
		}
	}
	if total < 200 {
		t.Errorf("only %d findings were looked at", total)
	}
}

// valuesIn are the values of a file that may be secret, as far as it is YAML.
func valuesIn(data []byte) (values []string) {
	docs, _ := manifest.Parse(data)
	for _, doc := range docs {
		walk(doc, func(w *walker, n *yaml.Node) {
			switch w.steps[0].key {
			case "data", "stringData", "binaryData":
				values = append(values, n.Value)
				if d, ok := decodeBase64(n.Value); ok {
					values = append(values, d)
				}
			case "spec":
				if w.name() == "value" || w.name() == "args" || w.name() == "url" {
					values = append(values, n.Value)
				}
			}
		})
	}
	return values
}

func TestWrittenPlaceholder(t *testing.T) {
	l, err := lint.NewLinter(Rules, lint.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	const patch = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: CHANGE_ME\n  b: hunter2\n"
	for _, o := range objects(t, "a.yaml", patch) {
		var got []string
		for _, f := range l.Written(o) {
			got = append(got, f.Rule+" "+f.Path)
		}
		if want := "secret-plaintext stringData[b]"; strings.Join(got, ", ") != want {
			t.Errorf("written: %v, want %s", got, want)
		}
	}
}

// TestOneFaultOneRule: a Secret is judged by secret-plaintext or by the sops
// rules, never by both and never by none.
func TestOneFaultOneRule(t *testing.T) {
	l, err := lint.NewLinter(Rules, lint.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	clear := strings.ReplaceAll(sopsSample, "password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]", "password: hunter2")
	for _, c := range []struct{ name, data, want string }{
		{"clear", clear, "secret-plaintext"},
		{"clear with block", clear + sopsBlock, "sops-nothing-encrypted"},
		{"clear with a false block", clear + "sops: {mac: x}\n", "secret-plaintext sops-metadata-invalid"},
		{"encrypted", sopsSample + sopsBlock, ""},
		{"encrypted without block", sopsSample, "sops-metadata-invalid"},
		{"one clear", sopsSample + "    token: hunter2\n" + sopsBlock, "sops-partially-encrypted"},
		{"one clear without block", sopsSample + "    token: hunter2\n", "secret-plaintext sops-metadata-invalid"},
		{"selector reaches nothing", strings.ReplaceAll(sopsSample+"data:\n    token: aHVudGVyMg==\n"+sopsBlock, "^(data|stringData)$", "^stringData$"), "sops-partially-encrypted"},
	} {
		var got []string
		findings := l.File(&lint.Tree{}, lint.NewFile("secret.yaml", []byte(c.data)))
		for _, o := range objects(t, "secret.yaml", c.data) {
			findings = append(findings, l.Object(o, lint.Unit{ID: "u"})...)
		}
		for _, f := range lint.Fold(findings) {
			got = append(got, f.Rule)
		}
		seen := map[string]bool{}
		for _, r := range got {
			seen[r] = true
		}
		for _, w := range strings.Fields(c.want) {
			if !seen[w] {
				t.Errorf("%s: no %s in %v", c.name, w, got)
			}
			delete(seen, w)
		}
		if len(seen) > 0 {
			t.Errorf("%s: unexpected %v", c.name, seen)
		}
	}
}
