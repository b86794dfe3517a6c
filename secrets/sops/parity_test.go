package sops

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// sopsProgram builds the real program, once, from the tools module.
var sopsProgram = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("SCANTLING_TOOLS"); dir != "" {
		if have := filepath.Join(dir, "sops"); exec.Command(have, "--version", "--disable-version-check").Run() == nil {
			return have, nil
		}
	}
	var err error
	if sopsFolder, err = os.MkdirTemp("", "scantling-sops-"); err != nil {
		return "", err
	}
	program := filepath.Join(sopsFolder, "sops")
	cmd := exec.Command("go", "build", "-modfile=../../internal/tools/go.mod", "-o", program, "github.com/getsops/sops/v3/cmd/sops")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building sops: %w\n%s", err, out)
	}
	return program, nil
})

// sopsFolder is where sopsProgram built it, if it did.
var sopsFolder string

func TestMain(m *testing.M) {
	code := m.Run()
	if sopsFolder != "" {
		os.RemoveAll(sopsFolder)
	}
	os.Exit(code)
}

// sopsRun runs sops in a folder that holds key.txt.
func sopsRun(t *testing.T, dir string, args ...string) ([]byte, error) {
	t.Helper()
	program, err := sopsProgram()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/nonexistent", "HOME=" + dir, "SOPS_AGE_KEY_FILE=" + filepath.Join(dir, "key.txt"), "HTTPS_PROXY=http://127.0.0.1:1"}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("sops %s: %w: %s", args[0], err, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// valuesOf is a comparable form of a document: what it decodes to.
func valuesOf(t *testing.T, n *yaml.Node) string {
	t.Helper()
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	out, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// decryptAll verifies and decrypts the documents of a file.
func decryptAll(t *testing.T, k *Keys, docs []*yaml.Node) (values []string, err error) {
	t.Helper()
	if err := k.Verify(docs...); err != nil {
		return nil, err
	}
	for _, doc := range docs {
		plain, err := k.Decrypt(doc)
		if err != nil {
			return nil, err
		}
		if found := findCiphertext(plain); found != nil {
			t.Errorf("line %d of the decrypted document still holds ciphertext", found.Line)
		}
		values = append(values, valuesOf(t, plain))
	}
	return values, nil
}

const everyType = `# first comment
s: abc # beside it
empty: ""
none: null
f1: 1.20
f2: 1e3
f3: .inf
f4: 1e300
f5: 0.1
i1: 0644
i2: 0x1F
i3: 9223372036854775807
i4: -3
b1: true
b2: false
yes: yes
"12": "12"
d: 2024-01-02
dt: 2024-01-02T03:04:05.6+02:00
bin: !!binary aGVsbG8=
rawbin: !!binary /9j/4AA=
tagged: !custom text
multi: |
  line one
    indented

  line two
folded: >-
  one
  two
spaces: "  leading, trailing  "
control: "a\tb\u0001\nc"
quote: "'\"{}[]#: &*!|>%@"
emoji: "🙂 ключ"
"ключ:x": значение
"": under an empty key
"a.b/c~d": odd key
emptymap: {}
emptylist: []
between: x
# before the list
list:
  - a
  # in the list
  - 3 # inline
  - [1, true, null, "", 2.50]
  - - - deep
  - {k: v, l: {m: [n, {o: p}]}}
  # at its end
foo_unencrypted: plain # a clear value
bar_unencrypted: {n: 0x10, f: 1.50, t: 2024-01-02, b: true, s: text, l: [1, a]}
# last comment
`

const secretManifest = `apiVersion: v1
kind: Secret
metadata:
    name: db
    labels: {app: web, revision: "7"}
    generation: 12
type: Opaque
stringData:
    password: not-a-real-one
    port: "5432"
    config.yaml: |
        a: b
        # no comment of ours
data:
    token: bm90LXJlYWw=
`

const merges = `base: &base {x: 1, y: hello}
m:
  <<: *base
  z: 2
ref: *base
s: &s text
t: *s
`

func TestSOPSParity(t *testing.T) {
	if testing.Short() {
		t.Skip("builds sops")
	}
	cases := []struct {
		name   string
		file   string
		text   string
		args   []string
		raw    bool   // merge keys must not be resolved
		config string // of the creation rule
		// lenient are edits that SOPS refuses and we do not.
		lenient []string
	}{
		{name: "every type", text: everyType},
		{name: "encrypted regex", text: secretManifest, args: []string{"--encrypted-regex", "^(data|stringData)$"}},
		{name: "regex on part of a list", text: everyType, args: []string{"--encrypted-regex", "^(k|m|s|n)$"}},
		{name: "unencrypted regex", text: everyType, args: []string{"--unencrypted-regex", "^(list|f[0-9]|d)$"}},
		{name: "unencrypted suffix", text: everyType, args: []string{"--unencrypted-suffix", "1"}},
		{name: "encrypted suffix", text: everyType, args: []string{"--encrypted-suffix", "st"}},
		{name: "encrypted comment regex", text: everyType, config: "encrypted_comment_regex: list|beside"},
		{name: "unencrypted comment regex", text: everyType, config: "unencrypted_comment_regex: before the list"},
		{name: "mac of encrypted values", text: secretManifest, config: "encrypted_regex: ^(data|stringData)$\n    mac_only_encrypted: true"},
		{name: "mac of encrypted values, comments", text: everyType, config: "unencrypted_comment_regex: before the list\n    mac_only_encrypted: true",
			// Which clear values a comment was to cover is not known.
			lenient: []string{"entry added", "clear entry added"}},
		{name: "several documents", text: everyType + "---\n" + secretManifest + "---\nlast: [1, two]\n"},
		{name: "several documents, some clear", text: secretManifest + "---\nclear: 1.50\n---\nstringData: {a: b}\n", args: []string{"--encrypted-regex", "^stringData$"}},
		{name: "nothing encrypted", text: "a: b\nc: 1\n", args: []string{"--encrypted-regex", "^z$"}},
		{name: "JSON", file: "a.json", text: `{"apiVersion": "v1", "n": 1, "f": 1.5, "e": 1e3, "b": true, "z": null, "s": "a\nb\u00e9", "l": [1, {"x": "y"}, []], "o_unencrypted": {"n": 2, "f": 2.25, "s": "t"}}`},
		{name: "merge keys", text: merges, raw: true},
		{name: "one key group", text: everyType, config: "shamir_threshold: 1\n    key_groups:\n      - age: [OTHER, OURS]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			own, other := newIdentity(t), newIdentity(t)
			write(t, dir, "key.txt", []byte("# made by the test\n"+own.String()+"\n"))
			k := readKeys(t, own.String())
			file := c.file
			if file == "" {
				file = "a.yaml"
			}
			write(t, dir, file, []byte(c.text))
			args := append([]string{"encrypt"}, c.args...)
			if c.config == "" {
				args = append(args, "--age", other.Recipient().String()+","+own.Recipient().String())
			} else {
				rule := c.config
				if !strings.Contains(rule, "age:") {
					rule += "\n    age: OTHER,OURS"
				}
				config := "creation_rules:\n  - " + rule + "\n"
				config = strings.NewReplacer("OTHER", other.Recipient().String(), "OURS", own.Recipient().String()).Replace(config)
				write(t, dir, ".sops.yaml", []byte(config))
			}
			encrypted, err := sopsRun(t, dir, append(args, file)...)
			if err != nil {
				t.Fatal(err)
			}
			read := parsed
			if c.raw {
				read = rawDocuments
			}
			compareWithSOPS(t, dir, file, k, encrypted, read, "as written")
			if t.Failed() {
				return
			}
			for _, e := range edits {
				if slices.Contains(c.lenient, e.name) {
					continue
				}
				docs := rawDocuments(t, encrypted)
				e.edit(docs)
				compareWithSOPS(t, dir, file, k, encoded(t, file, docs), read, e.name)
			}
		})
	}
}

// compareWithSOPS: a file that sops refuses is refused, and one that it decrypts
// has the same values.
func compareWithSOPS(t *testing.T, dir, file string, k *Keys, encrypted []byte, read func(*testing.T, []byte) []*yaml.Node, what string) {
	t.Helper()
	name := "encrypted-" + file
	write(t, dir, name, encrypted)
	want, wantErr := sopsRun(t, dir, "decrypt", name)
	got, err := decryptAll(t, k, read(t, encrypted))
	if (err == nil) != (wantErr == nil) {
		t.Errorf("%s: error %v, sops: %v", what, err, wantErr)
		return
	}
	if err != nil {
		return
	}
	var values []string
	for _, doc := range rawDocuments(t, want) {
		values = append(values, valuesOf(t, doc))
	}
	if !slices.Equal(got, values) {
		t.Errorf("%s: values are\n%s\nand sops has\n%s", what, strings.Join(got, "---\n"), strings.Join(values, "---\n"))
	}
}

func encoded(t *testing.T, file string, docs []*yaml.Node) []byte {
	t.Helper()
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	for _, d := range docs {
		if filepath.Ext(file) == ".json" {
			styleJSON(d)
		}
		if err := e.Encode(d); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// styleJSON makes the encoder write JSON again.
func styleJSON(n *yaml.Node) {
	if n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode {
		n.Style = yaml.FlowStyle
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, c := range n.Content {
		styleJSON(c)
	}
}

// edits are what people and merges do to an encrypted file.
var edits = []struct {
	name string
	edit func(docs []*yaml.Node)
}{
	{"first entry removed", func(docs []*yaml.Node) { m := docs[0].Content[0]; m.Content = m.Content[2:] }},
	{"entry added", func(docs []*yaml.Node) {
		m := docs[0].Content[0]
		m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "added"}, &yaml.Node{Kind: yaml.ScalarNode, Value: "clear"})
	}},
	{"clear entry added", func(docs []*yaml.Node) {
		m := docs[0].Content[0]
		m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "x_unencrypted"}, &yaml.Node{Kind: yaml.ScalarNode, Value: "clear"})
	}},
	{"two entries swapped", func(docs []*yaml.Node) {
		c := docs[0].Content[0].Content
		c[0], c[1], c[2], c[3] = c[2], c[3], c[0], c[1]
	}},
	{"key renamed", func(docs []*yaml.Node) { docs[0].Content[0].Content[0].Value += "x" }},
	{"documents reversed", func(docs []*yaml.Node) { slices.Reverse(docs) }},
	{"a clear value edited", func(docs []*yaml.Node) {
		visitScalars(docs, func(n *yaml.Node) bool {
			if n.Tag != "!!str" || n.Value == "" || IsCiphertext(n.Value) {
				return false
			}
			n.Value += "x"
			return true
		})
	}},
	{"two ciphertexts swapped", func(docs []*yaml.Node) {
		var first *yaml.Node
		visitScalars(docs, func(n *yaml.Node) bool {
			if !IsCiphertext(n.Value) {
				return false
			}
			if first == nil {
				first = n
				return false
			}
			first.Value, n.Value = n.Value, first.Value
			return true
		})
	}},
	{"type changed", func(docs []*yaml.Node) {
		visitScalars(docs, func(n *yaml.Node) bool {
			changed := strings.HasSuffix(n.Value, "type:str]")
			n.Value = strings.Replace(n.Value, "type:str]", "type:int]", 1)
			return changed
		})
	}},
	{"ciphertext emptied", func(docs []*yaml.Node) {
		visitScalars(docs, func(n *yaml.Node) bool {
			hit := IsCiphertext(n.Value)
			if hit {
				n.Value = ""
			}
			return hit
		})
	}},
	{"ciphertext replaced by clear text", func(docs []*yaml.Node) {
		visitScalars(docs, func(n *yaml.Node) bool {
			hit := IsCiphertext(n.Value)
			if hit {
				n.Value = "hunter2"
			}
			return hit
		})
	}},
	{"lastmodified changed", setField("lastmodified", "2020-01-01T00:00:00Z")},
	{"mac_only_encrypted changed", func(docs []*yaml.Node) {
		value := "true"
		if isTrue(manifest.Text(manifest.Get(docs[0].Content[0], "sops"), "mac_only_encrypted")) {
			value = "false"
		}
		setField("mac_only_encrypted", value)(docs)
	}},
	{"second rule", func(docs []*yaml.Node) {
		setField("encrypted_regex", "^data$")(docs)
		setField("unencrypted_suffix", "_clear")(docs)
	}},
	{"no mac", setField("mac", "")},
	{"mac of another kind", setField("mac", "text")},
}

func setField(name, value string) func(docs []*yaml.Node) {
	return func(docs []*yaml.Node) {
		block := manifest.Get(docs[0].Content[0], "sops")
		if n := manifest.Get(block, name); n != nil {
			n.Value, n.Style = value, yaml.DoubleQuotedStyle
			return
		}
		block.Content = append(block.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value})
	}
}

// visitScalars visits the values of the first document until one is taken.
func visitScalars(docs []*yaml.Node, take func(*yaml.Node) bool) {
	var visit func(n *yaml.Node) bool
	visit = func(n *yaml.Node) bool {
		if n.Kind == yaml.ScalarNode {
			return take(n)
		}
		for i, c := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 0 {
				continue
			}
			if visit(c) {
				return true
			}
		}
		return false
	}
	root := docs[0].Content[0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "sops" && visit(root.Content[i+1]) {
			return
		}
	}
}

func TestSOPSKeyGroups(t *testing.T) {
	if testing.Short() {
		t.Skip("builds sops")
	}
	dir := t.TempDir()
	own, other := newIdentity(t), newIdentity(t)
	write(t, dir, "key.txt", []byte(own.String()+"\n"+other.String()+"\n"))
	write(t, dir, "a.yaml", []byte(secretManifest))
	write(t, dir, ".sops.yaml", []byte(fmt.Sprintf("creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n      - age: [%s]\n      - age: [%s]\n", own.Recipient(), other.Recipient())))
	encrypted, err := sopsRun(t, dir, "encrypt", "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	k := readKeys(t, own.String()+"\n"+other.String())
	if _, err := k.Decrypt(parsed(t, encrypted)[0]); err == nil || !strings.Contains(err.Error(), "key groups") {
		t.Errorf("error %v, want one about key groups", err)
	}
}

func TestSOPSPostQuantum(t *testing.T) {
	if testing.Short() {
		t.Skip("builds sops")
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "key.txt", []byte(id.String()+"\n"))
	write(t, dir, "a.yaml", []byte(secretManifest))
	encrypted, err := sopsRun(t, dir, "encrypt", "--age", id.Recipient().String(), "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	compareWithSOPS(t, dir, "a.yaml", readKeys(t, id.String()), encrypted, parsed, "post-quantum recipient")
}
