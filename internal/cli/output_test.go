//go:build unix

package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	sigs "sigs.k8s.io/yaml"
)

// hostileTexts are obeyed by, or fool, terminals, CI runners and readers.
var hostileTexts = map[string]string{
	"escape":        "a\x1b[31mred\x1b[0m\x1b[2J",
	"hyperlink":     "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
	"controls":      "\x01\x08\x0b\x0c\x7f",
	"c1":            "\u0085\u009b31m\u009c",
	"bidi":          "user\u202e\u2066// admin\u2069",
	"zero-width":    "ad\u200bm\u200cin\u2060",
	"separators":    "one\u2028two\u2029three",
	"lines":         "one\ntwo\r\n::error::three\r  ::four",
	"command":       "::error file=a.yaml::boo",
	"blanks":        "   ::error::boo",
	"old-command":   "x ##[error]boo",
	"azure-command": "##vso[task.setvariable variable=a]b",
	"markup":        "[docs](http://evil.example) </script><img src=x onerror=alert(1)>",
	"tags":          "x\U000e0041\U000e0100y",
	"long":          strings.Repeat("long \u202e ", 1000),
}

// hostileRepository writes a repository in which every text that can be shown is
// one of hostileTexts.
func hostileRepository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range hostileTexts {
		// Of Go's escapes, YAML has those that are met here.
		quoted := strconv.QuoteToASCII
		q := quoted(text)
		// YAML has no longer key.
		key := quoted(strings.ToValidUTF8(text[:min(len(text), 300)], ""))
		file := strings.ReplaceAll(text, "/", "_")
		file = strings.ToValidUTF8(file[:min(len(file), 150)], "")
		pod := fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: %s, labels: {%s: %s}, annotations: {a: %s}}, spec: {%s: 1, containers: [{name: %s, image: %s, args: [%s], securityContext: {privileged: true}}]}}\n",
			q, q, key, q, q, key, q, q, q)
		write(name+"/"+file+".yaml", pod)
		write(name+"/other.yaml", "kind: "+q+"\napiVersion: "+q+"\nmetadata: {name: "+q+"}\ndata: {"+key+": "+q+"}\n")
		write(name+"/broken.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  "+key+": "+q+": "+q+"\n")
		write(name+"/ignored.yaml", "# scantling:ignore-file "+strings.ReplaceAll(text, "\n", " ")+" -- "+strings.ReplaceAll(text, "\n", " ")+"\n"+pod)
		write(name+"/secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: "+q+"}\nstringData: {"+key+": hidden-value-0123}\n")
		write(name+"-kustomization/kustomization.yaml", "resources: ["+q+"]\nnamePrefix: "+q+"\n"+key+": "+q+"\n")
		write(name+"-generator/kustomization.yaml", "configMapGenerator:\n- name: a\n  literals: ["+quoted("a="+text)+"]\n- name: "+q+"\n  files: ["+q+"]\n")
		write(name+"-chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 0.1.0\ndependencies: [{name: "+q+", version: 1.0.0, repository: "+quoted("https://"+text)+"}]\n")
		write(name+"-chart/values.yaml", "text: "+q+"\n")
		write(name+"-chart/templates/"+file+".yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Values.text | quote }}\nspec: {hostNetwork: true, containers: [{name: a, image: a, securityContext: {privileged: true}}]}\n")
		write(name+"-fails/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 0.1.0\n")
		write(name+"-fails/templates/"+file+".yaml", "{{ fail "+q+" }}\n")
		write(name+"-flux/release.yaml", "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: "+q+", namespace: "+q+"}\nspec: {chart: {spec: {chart: "+q+", sourceRef: {kind: "+q+", name: "+q+"}}}}\n")
	}
	// File names need not be UTF-8.
	write("bytes/a\xff\xfe\xed\xa0\x80.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a, securityContext: {privileged: true}}]}\n")
	write("bytes/broken\xff.yaml", "a: b: c\napiVersion: \xff\n")
	return root
}

// TestHostileOutput: nothing that a repository holds does more in the output
// than be read.
func TestHostileOutput(t *testing.T) {
	root := hostileRepository(t)
	schema, err := jsonschema.NewCompiler().Compile("../report/testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	isJSON := func(t *testing.T, out []byte) {
		var report struct{ Findings []struct{ Message string } }
		if err := json.Unmarshal(out, &report); err != nil {
			t.Fatal(err)
		}
		if len(report.Findings) < 10*len(hostileTexts) {
			t.Errorf("only %d findings", len(report.Findings))
		}
		for _, f := range report.Findings {
			// People are shown what jq -r prints.
			harmless(t, "a message", f.Message)
			if len(f.Message) > 2048 {
				t.Errorf("a message of %d bytes", len(f.Message))
			}
		}
	}
	isSARIF := func(t *testing.T, out []byte) {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Error(err)
		}
		var log struct {
			Runs []struct {
				Results []struct{ Message struct{ Text string } }
			}
		}
		if err := json.Unmarshal(out, &log); err != nil {
			t.Fatal(err)
		}
		for _, r := range log.Runs[0].Results {
			if harmless(t, "a message", r.Message.Text); strings.Contains(r.Message.Text, "](") {
				t.Errorf("a link in %q", r.Message.Text)
			}
		}
	}
	isYAML := func(t *testing.T, out []byte) {
		d := yaml.NewDecoder(bytes.NewReader(out))
		for {
			var doc map[string]any
			if err := d.Decode(&doc); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %q", err, out)
			}
		}
	}
	for _, c := range []struct {
		args  []string
		check func(*testing.T, []byte)
	}{
		{[]string{"lint"}, shortLines},
		{[]string{"lint", "--report", "json"}, isJSON},
		{[]string{"lint", "--report", "sarif"}, isSARIF},
		{[]string{"units"}, shortLines},
		{[]string{"units", "--all"}, shortLines},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			stdout, stderr, _ := program(t, root, nil, c.args...)
			harmless(t, "stdout", string(stdout))
			harmless(t, "stderr", string(stderr))
			c.check(t, stdout)
		})
	}
	for name, text := range hostileTexts {
		t.Run("render "+name, func(t *testing.T) {
			for _, dir := range []string{name, name + "-chart"} {
				stdout, stderr, _ := program(t, root, nil, "render", dir)
				harmless(t, "stdout", string(stdout))
				harmless(t, "stderr", string(stderr))
				isYAML(t, stdout)
				if !slices.Contains(podNames(t, stdout), text) {
					t.Errorf("no Pod in %s is named %q in %q", dir, text, stdout)
				}
			}
		})
	}
	for _, name := range []string{"escape", "lines", "blanks", "old-command", "long"} {
		text := hostileTexts[name]
		t.Run("errors "+name, func(t *testing.T) {
			configuration := filepath.Join(t.TempDir(), "c.yaml")
			q := strconv.QuoteToASCII(text)
			if err := os.WriteFile(configuration, []byte("? "+q+"\n: 1\nrules: {? "+q+" : high}\nexclude: ["+q+", /]\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{
				{text}, {"lint", "--" + text}, {"lint", "--report", text}, {"lint", "--report", "json=" + text + "/a/b"}, {"lint", "--base", text},
				{"lint", "--fail-on", text}, {"lint", "--config", text}, {"lint", "--kube-version", text}, {"lint", "--strict=" + text},
				{"lint", "--config", configuration}, {"render", text}, {"render", name + "-fails"}, {"render", name + "-kustomization"}, {"render", name + "-generator"},
				{"render", "--values", text, name + "-chart"}, {"explain", text}, {"hooks", text}, {"rules", text}, {"hooks", "run", text},
			} {
				stdout, stderr, code := program(t, root, nil, args...)
				harmless(t, "stdout", string(stdout))
				harmless(t, "stderr", string(stderr))
				shortLines(t, stdout)
				if code >= 126 || code == 2 && len(stderr) == 0 {
					t.Errorf("exit code %d with %q on stderr", code, stderr)
				}
			}
		})
	}
}

// podNames are the names of the Pods in YAML, as the API server reads it.
func podNames(t *testing.T, out []byte) []string {
	t.Helper()
	var names []string
	for _, doc := range strings.Split(string(out), "\n---\n") {
		var o struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if err := sigs.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatal(err)
		}
		if o.Kind == "Pod" {
			names = append(names, o.Metadata.Name)
		}
	}
	return names
}

func shortLines(t *testing.T, out []byte) {
	t.Helper()
	for _, l := range strings.Split(string(out), "\n") {
		// Our own words stand beside 400 characters of the repository's.
		if n := utf8.RuneCountInString(l); n > 1000 {
			t.Errorf("a line of %d characters: %q", n, l)
		}
	}
}

// harmless wants valid UTF-8 without characters that drive a terminal, and no
// line that speaks to a CI runner.
func harmless(t *testing.T, name, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Errorf("%s is not valid UTF-8: %q", name, out)
	}
	for _, l := range strings.Split(out, "\n") {
		if strings.HasPrefix(strings.TrimSpace(l), "::") || strings.Contains(l, "##[") || strings.Contains(l, "##vso[") {
			t.Errorf("%s has a command for the runner: %q", name, l)
		}
		if i := strings.IndexFunc(l, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%s has %q in %q", name, l[i:], l)
		}
	}
}

// program runs scantling in a process of its own and gives what it wrote and
// its exit code.
func program(t *testing.T, dir string, env []string, args ...string) (stdout, stderr []byte, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := command(t, dir, args...)
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	code = exitCode(t, cmd.Run())
	return out.Bytes(), errs.Bytes(), code
}

// command is scantling, not yet started: TestMain makes this very program be it
// when it is called so.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &exec.Cmd{Path: self, Args: append([]string{"scantling"}, args...), Dir: dir}
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
