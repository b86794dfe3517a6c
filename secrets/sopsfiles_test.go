package secrets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/scantling-dev/scantling/lint"
)

// sopsProgram is the real program and the keys to run it with.
type sopsProgram struct {
	path, dir        string
	recipient, other string
}

func newSOPSProgram(t *testing.T) *sopsProgram {
	t.Helper()
	if testing.Short() {
		t.Skip("builds sops")
	}
	p := &sopsProgram{dir: t.TempDir()}
	var keys string
	for _, r := range []*string{&p.recipient, &p.other} {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		keys += id.String() + "\n"
		*r = id.Recipient().String()
	}
	if err := os.WriteFile(filepath.Join(p.dir, "key.txt"), []byte(keys), 0o600); err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("SCANTLING_TOOLS"); dir != "" {
		p.path = filepath.Join(dir, "sops")
		if exec.Command(p.path, "--version", "--disable-version-check").Run() == nil {
			return p
		}
	}
	p.path = filepath.Join(p.dir, "sops")
	build := exec.Command("go", "build", "-modfile=../internal/tools/go.mod", "-o", p.path, "github.com/getsops/sops/v3/cmd/sops")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building sops: %v\n%s", err, out)
	}
	return p
}

// run runs sops on a file of the given name and content, and is what it prints, or
// what the file holds behind it if that is wanted.
func (p *sopsProgram) run(t *testing.T, name, content string, inPlace bool, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(p.path, args...)
	for i, a := range args {
		if a == "FILE" {
			cmd.Args[i+1] = name
		}
	}
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/nonexistent", "HOME=" + p.dir, "SOPS_AGE_KEY_FILE=" + filepath.Join(p.dir, "key.txt"), "HTTPS_PROXY=http://127.0.0.1:1"}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("sops %s: %w: %s", strings.Join(args, " "), err, stderr.Bytes())
	}
	if !inPlace {
		return stdout.String(), nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), nil
}

// encrypt encrypts under a rule that says what the arguments say: not all that a rule
// can say has an argument.
func (p *sopsProgram) encrypt(t *testing.T, name, content string, args ...string) string {
	t.Helper()
	rules := filepath.Join(p.dir, "rules.yaml")
	rule, options := map[string]any{"age": p.recipient}, []string{"--config", rules, "encrypt"}
	for i := 0; i < len(args); i++ {
		switch option := strings.ReplaceAll(strings.TrimPrefix(args[i], "--"), "-", "_"); option {
		case "mac_only_encrypted":
			rule[option] = true
		case "input_type", "output_type":
			options = append(options, args[i], args[i+1])
			i++
		default:
			rule[option] = args[i+1]
			i++
		}
	}
	config, err := json.Marshal(map[string]any{"creation_rules": []any{rule}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rules, config, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := p.run(t, name, content, false, append(options, "FILE")...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	plainSecret = `# a database
apiVersion: v1
kind: Secret
metadata:
    name: db
    labels: {app: web}
type: Opaque
stringData:
    password: not-a-real-one
    port: "5432"
    empty: ""
data:
    token: bm90LXJlYWw=
`
	plainValues = `# of a chart
replicas: 3
ratio: 0.5
enabled: true
auth:
    adminPassword: s3cr3t-pw-7
    existingSecret: db # not one
    users: [{name: a, password: pw-of-a-1}, {name: b, password: pw-of-b-2}]
nothing: null
empty: ""
list: [same, same]
`
	plainEnv = "# of the shop\nPASSWORD=hunter2-pw\nHOST=db\n\nEMPTY=\nLINES=a\\nb\nURL=postgres://u:p@h/d?a=b\n"
	plainINI = "; of the shop\ntop = 1\n[db]\n# who\nuser = shop\npassword = hunter2-pw\n[web]\nport: 80\nquoted = \"a b\"\n"
)

// sealedFiles are files as sops writes them.
var sealedFiles = []struct {
	name, file, plain string
	args              []string
}{
	{"secret", "secret.yaml", plainSecret, []string{"--encrypted-regex", "^(data|stringData)$"}},
	{"secret as JSON", "secret.json", `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"a": "aHVudGVyMg=="}, "n": [1, 2.5, true, null, ""]}`, []string{"--encrypted-regex", "^(data|stringData|n)$"}},
	{"values", "values.yaml", plainValues, nil},
	{"values as JSON", "values.json", `{"a": 1, "b": {"c": ["x", {"password": "hunter2-pw"}]}, "e": {}, "l": []}`, nil},
	{"unencrypted suffix", "values.yaml", "password: hunter2-pw\nhost_clear: db\nmap_clear: {a: [1, x]}\n", []string{"--unencrypted-suffix", "_clear"}},
	{"encrypted suffix", "values.yaml", "password_enc: hunter2-pw\nhost: db\nmap_enc: {a: [1, x]}\n", []string{"--encrypted-suffix", "_enc"}},
	{"unencrypted regex", "secret.yaml", plainSecret, []string{"--unencrypted-regex", "^(apiVersion|kind|metadata|type)$"}},
	{"encrypted comment regex", "values.yaml", "host: db\n# sops:enc\npassword: hunter2-pw\nport: 80\nmap:\n    # sops:enc\n    # really\n    a: x\n    b: y # sops:enc\n    c: z\n# sops:enc\nall:\n    - one\n    - k: [two]\nlast: 1\nflow: {a: 1}\n", []string{"--encrypted-comment-regex", "sops:enc"}},
	{"unencrypted comment regex", "values.yaml", "# sops:clear\nhost: db\npassword: hunter2-pw\nlist:\n    # sops:clear\n    - a\n    - b\n    - c # sops:clear\nmap: # sops:clear\n    a: b\nother: x\n", []string{"--unencrypted-comment-regex", "sops:clear"}},
	{"comment regex in dotenv", "app.env", "# sops:enc\nPASSWORD=hunter2-pw\nHOST=db\n", []string{"--encrypted-comment-regex", "sops:enc"}},
	{"comment regex in INI", "app.ini", "[a]\n# sops:enc\nhost = db\npassword = of-the-next-key\n", []string{"--encrypted-comment-regex", "sops:enc"}},
	{"documents", "all.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n" + plainSecret + "---\n" + strings.Replace(plainSecret, "name: db", "name: other", 1), []string{"--encrypted-regex", "^(data|stringData)$"}},
	{"list", "list.yaml", "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Secret\n    metadata: {name: a}\n    stringData: {a: x}\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: b}\n    data: {a: x}\n", []string{"--encrypted-regex", "^(data|stringData)$"}},
	{"MAC of encrypted values only", "values.yaml", plainValues, []string{"--mac-only-encrypted", "--encrypted-regex", "(?i)password"}},
	{"dotenv", "app.env", plainEnv, nil},
	{"dotenv of another name", ".env.enc", plainEnv, []string{"--input-type", "dotenv", "--output-type", "dotenv"}},
	{"INI", "app.ini", plainINI, nil},
	{"binary", "config.toml", "password = \"hunter2-pw\"\n", nil},
	{"YAML of another name", "values.yaml.enc", plainValues, []string{"--input-type", "yaml", "--output-type", "yaml"}},
	{"YAML in a binary", "values.yaml.bin.enc", plainValues, nil},
	{"odd keys", "values.yaml", "\"a.b/c\": x\n\"\": y\n\"d e\": [[1], [{f: z}]]\n\"ключ\": значение\nmulti: |\n    a: b\n\n    c\n", nil},
	{"two recipients", "secret.yaml", plainSecret, []string{"--age", "OTHER", "--encrypted-regex", "^(data|stringData)$"}},
	{"empty values only", "values.yaml", "a: \"\"\nb: null\nc: {}\nd: []\n", nil},
	{"everything but structure", "secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n", []string{"--encrypted-regex", "^(data|stringData)$"}},
	{"comments only", "values.yaml", "# nothing here\n---\na: b\n", nil},
	{"flow style", "values.yaml", "{a: 1, b: {c: [x, y]}}\n", nil},
}

// sopsFindings are the rules on SOPS, and those of plaintext, that report on a tree,
// each with what it says, the better of two on one line.
func sopsFindings(t *testing.T, head, base map[string]string) []string {
	t.Helper()
	var selected []*lint.Rule
	for _, r := range Rules {
		switch r.ID {
		case "sops-creation-rules-missing", "sops-encrypted-regex-incomplete", "sops-unencrypted-file", "sops-config-invalid":
			continue
		}
		if strings.HasPrefix(r.ID, "sops-") || r == secretPlaintext || r == secretDecryptedInChange || r == decryptedFileCommitted {
			selected = append(selected, r)
		}
	}
	l, err := lint.NewLinter(selected, lint.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	tree := memoryTree(head)
	if base != nil {
		tree.Base = memoryTree(base)
	}
	var findings []lint.Finding
	for _, name := range tree.Files {
		findings = append(findings, l.File(tree, lint.NewFile(name, []byte(head[name])))...)
	}
	findings = lint.Fold(append(findings, l.Tree(tree)...))
	var got []string
	for _, f := range findings {
		if !slices.ContainsFunc(findings, func(g lint.Finding) bool {
			return g.Origin.File == f.Origin.File && g.Origin.Line == f.Origin.Line && supersedes(g.Rule, f.Rule)
		}) {
			got = append(got, fmt.Sprintf("%s %s:%d %s", f.Rule, f.Origin.File, f.Origin.Line, f.Message))
		}
	}
	return got
}

func supersedes(better, worse string) bool {
	return slices.ContainsFunc(Rules, func(r *lint.Rule) bool { return r.ID == better && slices.Contains(r.Supersedes, worse) })
}

func memoryTree(files map[string]string) *lint.Tree {
	return &lint.Tree{
		Files: slices.Sorted(maps.Keys(files)),
		ReadFile: func(name string) ([]byte, error) {
			if text, ok := files[name]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		},
	}
}

// TestSOPSFiles judges what the real program wrote, as it is and as people spoil it.
func TestSOPSFiles(t *testing.T) {
	p := newSOPSProgram(t)
	t.Run("sealed", func(t *testing.T) { testSealedFiles(t, p) })
	t.Run("changed by sops", func(t *testing.T) { testChangedBySOPS(t, p) })
	t.Run("tampered", func(t *testing.T) { testTamperedFiles(t, p) })
	t.Run("tampered since the base", func(t *testing.T) { testTamperedSinceBase(t, p) })
}

// testSealedFiles: what sops wrote gives no finding, alone, beside others, moved, and
// after sops changed it.
func testSealedFiles(t *testing.T, p *sopsProgram) {
	for _, c := range sealedFiles {
		t.Run(c.name, func(t *testing.T) {
			args := slices.Clone(c.args)
			for i := range args {
				if args[i] == "OTHER" {
					args[i] = p.recipient + "," + p.other
				}
			}
			sealed := p.encrypt(t, c.file, c.plain, args...)
			again := p.encrypt(t, c.file, c.plain, args...)
			quiet := func(what string, head, base map[string]string) {
				if got := sopsFindings(t, head, base); len(got) > 0 {
					t.Errorf("%s: %s\n%s", what, strings.Join(got, "\n"), sealed)
				}
			}
			quiet("alone", map[string]string{c.file: sealed}, nil)
			quiet("new", map[string]string{c.file: sealed}, map[string]string{})
			quiet("encrypted in the change", map[string]string{c.file: sealed}, map[string]string{c.file: c.plain})
			quiet("unchanged", map[string]string{c.file: sealed}, map[string]string{c.file: sealed})
			quiet("encrypted anew", map[string]string{c.file: again}, map[string]string{c.file: sealed})
			quiet("moved", map[string]string{"there/" + c.file: sealed}, map[string]string{c.file: sealed})
			quiet("deleted", map[string]string{"README.md": "# nothing\n"}, map[string]string{c.file: sealed})
			quiet("two of a kind", map[string]string{c.file: sealed, "sub/" + c.file: again}, map[string]string{c.file: sealed})
			if strings.HasSuffix(c.file, ".yaml") {
				windows := strings.ReplaceAll(sealed, "\n", "\r\n")
				quiet("with the line ends of Windows", map[string]string{c.file: windows}, map[string]string{c.file: sealed})
			}
			types := c.args
			if !slices.Contains(types, "--input-type") {
				types = nil
			}
			rotated, err := p.run(t, c.file, sealed, true, append(slices.Clone(types), "rotate", "--in-place", "FILE")...)
			if err == nil {
				quiet("rotated", map[string]string{c.file: rotated}, map[string]string{c.file: sealed})
			} else if types == nil {
				t.Error(err)
			}
		})
	}
}

// testChangedBySOPS: what sops itself changes is no fault.
func testChangedBySOPS(t *testing.T, p *sopsProgram) {
	sealed := p.encrypt(t, "values.yaml", plainValues)
	for _, args := range [][]string{
		{"set", "FILE", `["auth"]["adminPassword"]`, `"another"`},
		{"set", "FILE", `["new"]`, `{"a": ["b", "b"]}`},
		{"unset", "FILE", `["auth"]["users"]`},
		{"rotate", "--in-place", "--add-age", p.other, "FILE"},
		{"edit", "FILE"},
	} {
		changed, err := p.run(t, "values.yaml", sealed, true, args...)
		if args[0] == "edit" {
			// There is no editor, so nothing is changed.
			changed, err = sealed, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := sopsFindings(t, map[string]string{"values.yaml": changed}, map[string]string{"values.yaml": sealed}); len(got) > 0 {
			t.Errorf("%s: %s\n%s", args, strings.Join(got, "\n"), changed)
		}
		if _, err := p.run(t, "values.yaml", changed, false, "decrypt", "FILE"); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// replaced is a text with the first match of an expression replaced.
func replaced(t *testing.T, text, pattern, by string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	at := re.FindStringSubmatchIndex(text)
	if at == nil {
		t.Fatalf("nothing matches %s in\n%s", pattern, text)
	}
	return text[:at[0]] + string(re.ExpandString(nil, by, text, at)) + text[at[1]:]
}

// testTamperedFiles: each fault gives exactly one finding, and what the program sops
// refuses is a fault.
func testTamperedFiles(t *testing.T, p *sopsProgram) {
	regex := []string{"--encrypted-regex", "^(data|stringData)$"}
	secret := p.encrypt(t, "secret.yaml", plainSecret, regex...)
	values := p.encrypt(t, "values.yaml", plainValues)
	object := p.encrypt(t, "values.json", `{"a": "one", "n": 5, "b": {"c": ["x"]}}`)
	env := p.encrypt(t, "app.env", plainEnv)
	ini := p.encrypt(t, "app.ini", plainINI)
	docs := p.encrypt(t, "all.yaml", plainSecret+"---\n"+strings.Replace(plainSecret, "name: db", "name: other", 1), regex...)
	macOnly := p.encrypt(t, "values.yaml", plainValues, "--mac-only-encrypted", "--encrypted-regex", "(?i)password")
	narrow := p.encrypt(t, "secret.yaml", plainSecret, "--encrypted-regex", "^data$")
	nothing := p.encrypt(t, "app.env", plainEnv, regex...)
	whole := p.encrypt(t, "secret.yaml", plainSecret)
	const any = `ENC\[[^]]*\]`
	for _, c := range []struct {
		name, file, base string
		edit             func(s string) string
		want             string
		refused          bool // by the program sops
	}{
		{"block removed", "secret.yaml", secret, func(s string) string { return s[:strings.Index(s, "sops:\n")] }, "sops-metadata-invalid", true},
		{"mac removed", "secret.yaml", secret, func(s string) string { return replaced(t, s, `    mac: .*\n`, "") }, "sops-metadata-invalid", true},
		{"mac emptied", "values.yaml", values, func(s string) string { return replaced(t, s, `    mac: .*\n`, "    mac: \"\"\n") }, "sops-metadata-invalid", true},
		{"mac replaced", "values.yaml", values, func(s string) string { return replaced(t, s, `    mac: .*\n`, "    mac: none\n") }, "sops-metadata-invalid", true},
		{"time removed", "app.env", env, func(s string) string { return replaced(t, s, `sops_lastmodified=.*\n`, "") }, "sops-metadata-invalid", true},
		{"time replaced", "app.ini", ini, func(s string) string { return replaced(t, s, `lastmodified( +)= .*`, "lastmodified = today") }, "sops-metadata-invalid", true},
		{"version removed", "values.json", object, func(s string) string { return replaced(t, s, `,\s+"version": ".*"`, "") }, "sops-metadata-invalid", true},
		{"version replaced", "values.json", object, func(s string) string { return replaced(t, s, `"version": ".*"`, `"version": "new"`) }, "sops-metadata-invalid", true},
		{"two selectors", "secret.yaml", secret, func(s string) string { return s + "    unencrypted_suffix: _clear\n" }, "sops-metadata-invalid", true},
		{"selector broken", "secret.yaml", secret, func(s string) string { return replaced(t, s, `encrypted_regex: .*`, "encrypted_regex: ((") }, "sops-metadata-invalid", true},
		{"selector narrowed", "secret.yaml", secret, func(s string) string { return replaced(t, s, `encrypted_regex: .*`, "encrypted_regex: ^data$") }, "sops-metadata-invalid", true},
		{"selector lost", "secret.yaml", secret, func(s string) string { return replaced(t, s, `    encrypted_regex: .*\n`, "") }, "sops-metadata-invalid", true},
		{"nobody's", "values.json", object, func(s string) string { return replaced(t, s, `(?s)"age": \[.*?\],`, `"age": [],`) }, "sops-metadata-invalid", true},
		{"data key removed", "values.json", object, func(s string) string { return replaced(t, s, `"enc": ".*",`, `"enc": "",`) }, "sops-metadata-invalid", true},
		{"lines of Windows in dotenv", "app.env", env, func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }, "sops-metadata-invalid", true},
		{"block no mapping", "values.yaml", values, func(s string) string { return s[:strings.Index(s, "sops:\n")] + "sops: true\n" }, "sops-metadata-invalid", true},

		{"value cleared", "secret.yaml", secret, func(s string) string { return replaced(t, s, `password: `+any, "password: hunter2") }, "sops-partially-encrypted", true},
		{"integer cleared", "values.yaml", values, func(s string) string { return replaced(t, s, `replicas: `+any, "replicas: 3") }, "sops-partially-encrypted", true},
		{"value cleared in JSON", "values.json", object, func(s string) string { return replaced(t, s, `"n": "[^"]*"`, `"n": 5`) }, "sops-partially-encrypted", true},
		{"value cleared in dotenv", "app.env", env, func(s string) string { return replaced(t, s, `HOST=.*`, "HOST=db") }, "sops-partially-encrypted", true},
		{"value cleared in INI", "app.ini", ini, func(s string) string { return replaced(t, s, `user( +)= .*`, "user = shop") }, "sops-partially-encrypted", true},
		{"value added", "secret.yaml", secret, func(s string) string { return replaced(t, s, `stringData:\n`, "stringData:\n    new: hunter2\n") }, "sops-partially-encrypted", true},
		{"value added in flow style", "values.yaml", values, func(s string) string { return "new: {a: [hunter2]}\n" + s }, "sops-partially-encrypted", true},
		{"text behind a ciphertext", "secret.yaml", secret, func(s string) string { return replaced(t, s, `(password: `+any+`)`, "$1 hunter2") }, "sops-partially-encrypted", false},
		{"selector too narrow", "secret.yaml", narrow, func(s string) string { return s }, "sops-partially-encrypted", false},
		{"credential under a narrow selector", "values.yaml", macOnly, func(s string) string { return "apiToken: 8f3d1f1c2b7a4d3f\n" + s }, "sops-partially-encrypted", false},

		{"nothing encrypted", "app.env", nothing, func(s string) string { return s }, "sops-nothing-encrypted", false},
		{"structure encrypted", "secret.yaml", whole, func(s string) string { return s }, "sops-encrypts-structural-fields", false},

		{"copied", "secret.yaml", secret, func(s string) string { return replaced(t, s, `(    password: )(`+any+`)`, "    copy: $2\n$1$2") }, "sops-ciphertext-copied", true},
		{"copied in dotenv", "app.env", env, func(s string) string { return replaced(t, s, `(PASSWORD=)(.*)`, "$1$2\nCOPY=$2") }, "sops-ciphertext-copied", true},
		{"document without block", "all.yaml", docs, func(s string) string { return s[:strings.LastIndex(s, "sops:\n")] }, "sops-document-without-metadata", false},
		{"first document without block", "all.yaml", docs, func(s string) string { return replaced(t, s, `(?s)sops:\n.*?---\n`, "---\n") }, "sops-document-without-metadata", true},
		{"clear Secret appended", "secret.yaml", secret, func(s string) string {
			return s + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\nstringData: {a: hunter2}\n"
		}, "secret-plaintext", true},
		{"settings appended", "secret.yaml", secret, func(s string) string {
			return s + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {a: b}\n"
		}, "sops-document-without-metadata", true},
		{"comment changed", "secret.yaml", secret, func(s string) string { return replaced(t, s, `# a database`, "# the database") }, "", false},
		{"clear entry beside", "values.yaml", macOnly, func(s string) string { return "more: 1\n" + s }, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := c.edit(c.base)
			oneRule(t, sopsFindings(t, map[string]string{c.file: changed}, nil), c.want, changed)
			_, err := p.run(t, c.file, changed, false, "decrypt", "FILE")
			if refused := err != nil; refused != c.refused {
				t.Errorf("sops refuses it: %v, want %v: %v\n%s", refused, c.refused, err, changed)
			}
		})
	}
}

// oneRule checks that findings are of one rule, or that there are none.
func oneRule(t *testing.T, got []string, want, text string) {
	t.Helper()
	rules := map[string]bool{}
	for _, f := range got {
		rule, _, _ := strings.Cut(f, " ")
		rules[rule] = true
	}
	if want == "" && len(got) == 0 || len(rules) == 1 && rules[want] {
		return
	}
	t.Errorf("findings %q, want those of %q\n%s", got, want, text)
}

// testTamperedSinceBase: what only the base can tell.
func testTamperedSinceBase(t *testing.T, p *sopsProgram) {
	regex := []string{"--encrypted-regex", "^(data|stringData)$"}
	secret := p.encrypt(t, "secret.yaml", plainSecret, regex...)
	values := p.encrypt(t, "values.yaml", plainValues)
	env := p.encrypt(t, "app.env", plainEnv)
	ini := p.encrypt(t, "app.ini", plainINI)
	docs := p.encrypt(t, "all.yaml", plainSecret+"---\n"+strings.Replace(plainSecret, "name: db", "name: other", 1), regex...)
	macOnly := p.encrypt(t, "values.yaml", plainValues, "--mac-only-encrypted", "--encrypted-regex", "(?i)password")
	binary := p.encrypt(t, "config.toml", "password = \"hunter2-pw\"\n")
	one, err := p.run(t, "values.yaml", values, true, "set", "FILE", `["auth"]["adminPassword"]`, `"of one side"`)
	if err != nil {
		t.Fatal(err)
	}
	other, err := p.run(t, "values.yaml", values, true, "set", "FILE", `["replicas"]`, `7`)
	if err != nil {
		t.Fatal(err)
	}
	merged := replaced(t, one, `replicas: .*`, strings.ReplaceAll(regexp.MustCompile(`replicas: .*`).FindString(other), "$", "$$"))
	const any = `ENC\[[^]]*\]`
	for _, c := range []struct {
		name       string
		head, base map[string]string
		want       string
	}{
		{"decrypted", map[string]string{"secret.yaml": plainSecret}, map[string]string{"secret.yaml": secret}, "secret-decrypted-in-change"},
		{"decrypted values", map[string]string{"values.yaml": plainValues}, map[string]string{"values.yaml": values}, "secret-decrypted-in-change"},
		{"decrypted dotenv", map[string]string{"app.env": plainEnv}, map[string]string{"app.env": env}, "secret-decrypted-in-change"},
		{"decrypted INI", map[string]string{"app.ini": plainINI}, map[string]string{"app.ini": ini}, "secret-decrypted-in-change"},
		{"decrypted binary", map[string]string{"config.toml": "password = \"hunter2-pw\"\n"}, map[string]string{"config.toml": binary}, "secret-decrypted-in-change"},
		{"decrypted and renamed", map[string]string{"a/secret.yaml": plainSecret}, map[string]string{"a/secret.sops.yaml": secret}, "secret-decrypted-in-change"},
		{"one value decrypted", map[string]string{"secret.yaml": replaced(t, secret, `password: `+any, "password: hunter2")}, map[string]string{"secret.yaml": secret}, "secret-decrypted-in-change"},
		{"became a reference", map[string]string{"secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: \"${PW}\"}\n"}, map[string]string{"secret.yaml": secret}, ""},
		{"became a plain document", map[string]string{"secret.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {host: db}\n"}, map[string]string{"secret.yaml": secret}, ""},
		{"copy beside", map[string]string{"a/secret.sops.yaml": secret, "a/secret.yaml": strings.Replace(plainSecret, "    port: \"5432\"\ndata:\n    token: bm90LXJlYWw=\n", "", 1)}, nil, "decrypted-file-committed secret-plaintext"},
		{"copy of helm-secrets", map[string]string{"secrets.yaml": values, "secrets.yaml.dec": plainValues}, nil, "decrypted-file-committed"},
		{"merge of two edits", map[string]string{"values.yaml": merged}, map[string]string{"values.yaml": one}, "sops-edited-without-sops"},
		{"edits of one side", map[string]string{"values.yaml": one}, map[string]string{"values.yaml": values}, ""},
		{"edits of both, one on the other", map[string]string{"values.yaml": other}, map[string]string{"values.yaml": one}, ""},
		{"clear value changed", map[string]string{"secret.yaml": replaced(t, secret, `app: web`, "app: shop")}, map[string]string{"secret.yaml": secret}, "sops-edited-without-sops"},
		{"clear value changed outside of the MAC", map[string]string{"values.yaml": replaced(t, macOnly, `replicas: 3`, "replicas: 4")}, map[string]string{"values.yaml": macOnly}, ""},
		{"value removed", map[string]string{"app.env": replaced(t, env, `HOST=.*\n`, "")}, map[string]string{"app.env": env}, "sops-edited-without-sops"},
		{"items swapped", map[string]string{"values.yaml": replaced(t, values, `(?s)(    - ENC\[[^]]*\])\n(    - ENC\[[^]]*\])`, "$2\n$1")}, map[string]string{"values.yaml": values}, "sops-edited-without-sops"},
		{"document removed", map[string]string{"all.yaml": docs[:strings.Index(docs, "\n---\n")+1]}, map[string]string{"all.yaml": docs}, "sops-edited-without-sops"},
		{"selector and MAC kept, time changed", map[string]string{"values.yaml": replaced(t, values, `lastmodified: "20`, `lastmodified: "19`)}, map[string]string{"values.yaml": values}, "sops-edited-without-sops"},
		{"key renamed", map[string]string{"values.yaml": replaced(t, values, `adminPassword:`, "rootPassword:")}, map[string]string{"values.yaml": values}, "sops-ciphertext-copied"},
		{"key renamed and file moved", map[string]string{"b/values.yaml": replaced(t, values, `adminPassword:`, "rootPassword:")}, map[string]string{"values.yaml": values}, "sops-ciphertext-copied"},
		{"formatted", map[string]string{"values.yaml": "\n" + strings.ReplaceAll(values, "    ", "  ")}, map[string]string{"values.yaml": values}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Join(slices.Sorted(maps.Values(c.head)), "\n")
			got := sopsFindings(t, c.head, c.base)
			if rules := strings.Fields(c.want); len(rules) == 2 {
				// One finding for the file, and one for each other value in it.
				oneRule(t, slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, rules[1]+" ") }), rules[0], text)
				return
			}
			oneRule(t, got, c.want, text)
		})
	}
}
