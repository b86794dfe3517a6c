package sops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/yaml"
)

var encryptTime = time.Date(2026, 1, 2, 3, 4, 5, 678, time.FixedZone("east", 3600))

// ruleFor encrypts for the recipients, each in the first group.
func ruleFor(s Selector, recipients ...string) *CreationRule {
	return &CreationRule{Selector: s, Groups: []KeyGroup{{Age: recipients}}}
}

func encrypt(t *testing.T, name, text string, rule *CreationRule) (string, error) {
	t.Helper()
	out, err := Encryption{Rule: rule, Now: encryptTime}.Encrypt(name, []byte(text))
	if err != nil {
		return "", err
	}
	return string(out.Data), nil
}

// meaning is what a file says to Kubernetes; of other formats, its bytes.
func meaning(t *testing.T, name string, data []byte) string {
	t.Helper()
	switch FormatOf(name) {
	case YAML:
		var all []string
		for _, doc := range splitDocuments(data) {
			text, err := kyaml.YAMLToJSON(doc)
			if err != nil {
				t.Fatal(err)
			}
			if string(text) != "null" {
				all = append(all, string(text))
			}
		}
		return strings.Join(all, "\n")
	case JSON:
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	case INI:
		// sops writes INI with its own spaces and marks.
		return strings.NewReplacer(" ", "", "\n", "", "#", ";", ":", "=").Replace(string(data))
	}
	return string(data)
}

func splitDocuments(data []byte) [][]byte {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var docs [][]byte
	for _, part := range regexp.MustCompile(`(?m)^(---|\.\.\.)\s`).Split(string(data), -1) {
		docs = append(docs, []byte(part))
	}
	return docs
}

var ciphertext = regexp.MustCompile(`ENC\[AES256_GCM,[^\]]*\]`)

const secretWithAll = "# the database\r\napiVersion: v1\r\nkind: Secret\r\nmetadata:\r\n  name: db # its name\r\n\r\nstringData:\r\n  password: \"hunter2-not-real\" # rotated by hand\r\n  # another\r\n  token: |\r\n    first line\r\n      second # no comment\r\n\r\n    third\r\n"

var roundTrips = []struct {
	name string
	file string // a.yaml by default
	text string
	rule CreationRule
	// want is the output with each ciphertext and the sops block cut to a word; empty
	// for anything.
	want string
}{
	{name: "a Secret", text: "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  labels: {app: web, revision: \"7\"}\n  generation: 12\ntype: Opaque\nstringData:\n  password: hunter2-not-real\n  port: \"5432\"\n",
		rule: CreationRule{Selector: Selector{EncryptedRegex: "^(data|stringData)$"}},
		want: "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  labels: {app: web, revision: \"7\"}\n  generation: 12\ntype: Opaque\nstringData:\n  password: ENC\n  port: ENC\nSOPS"},
	{name: "CRLF, comments, blocks", text: secretWithAll, rule: CreationRule{Selector: Selector{EncryptedRegex: "^(data|stringData)$"}},
		want: "# the database\r\napiVersion: v1\r\nkind: Secret\r\nmetadata:\r\n  name: db # its name\r\n\r\nstringData:\r\n  password: ENC #ENC\r\n  #ENC\r\n  token: ENC\r\nSOPS"},
	{name: "everything", text: "# top\na: x # beside\nb:\n  - one\n  # inside\n  - two\n  - [1, true, \"three\", null]\n\n# foot\n",
		want: "#ENC\na: ENC #ENC\nb:\n  - ENC\n  #ENC\n  - ENC\n  - [\"ENC\", \"ENC\", \"ENC\", null]\n\n#ENC\nSOPS"},
	{name: "types", text: "s: abc\ni: 12\nm: -3\nf: 1.5\nb: true\nc: False\nt: 2024-01-02T03:04:05Z\nz: null\ne: ''\nu: \"ключ 🙂\"\nk: \"a\\tb\\u0001\\n\"\n\"q: #k\": v\n? long\n: w\n",
		rule: CreationRule{Selector: Selector{UnencryptedSuffix: "_plain"}}},
	{name: "several documents", text: "---\na: x\n---\n# second\nb: v\n\n\n---\nc: {d: z}\n...\n",
		want: "---\na: ENC\nSOPS\n---\n#ENC\nb: ENC\nSOPS\n\n\n---\nc: {d: \"ENC\"}\nSOPS\n...\n"},
	{name: "no line break at the end", text: "a: x", want: "a: ENC\nSOPS"},
	{name: "byte order mark", text: "\ufeffa: x\n", want: "\ufeffa: ENC\nSOPS"},
	{name: "flow style", text: "{a: x, b: [v, z], # c\n}\n"},
	{name: "JSON in YAML", text: `{"kind": "Secret", "apiVersion": "v1", "stringData": {"a": "x"}}`, rule: CreationRule{Selector: Selector{EncryptedRegex: "^stringData$"}}},
	{name: "block scalars", text: "a: |+\n  x\n\nb: >-\n  folded\n  text\n\n  more\nc: |2\n    indented\n   less\nd: | # why\n  v\ne: |-\n  # no comment\n  z\nf:\n- |\n a\n-  >\n  b\ng: end\n"},
	{name: "multi-line scalars", text: "a: one\n  two\n\n  three\nb: \"one\n  two\\\n  three\"\nc: 'it''s\n  two'\nd: x\n"},
	{name: "anchors without aliases", text: "a: &x v\nb: !!str 12\nc: &m\n  d: e\n"},
	{name: "aliases outside of the selector", text: "base: &base {x: 1, w: hello}\nref: *base\nsecret: abc\n", rule: CreationRule{Selector: Selector{EncryptedRegex: "^secret$"}}},
	{name: "odd values outside of the selector", text: "mode: 0644\nversion: 1.20\nhex: 0x1F\nsecret: abc\n", rule: CreationRule{Selector: Selector{EncryptedRegex: "^secret$"}},
		want: "mode: 0644\nversion: 1.20\nhex: 0x1F\nsecret: ENC\nSOPS"},
	{name: "encrypted suffix", text: "a_secret: x\nb: {c_secret: [v], d: z}\ne: w\n", rule: CreationRule{Selector: Selector{EncryptedSuffix: "_secret"}},
		want: "a_secret: ENC\nb: {c_secret: [\"ENC\"], d: z}\ne: w\nSOPS"},
	{name: "unencrypted suffix", text: "a_plain: x\nb: v\n", rule: CreationRule{Selector: Selector{UnencryptedSuffix: "_plain"}}, want: "a_plain: x\nb: ENC\nSOPS"},
	{name: "unencrypted regex", text: "# k\na: x\nb: {k: v}\n", rule: CreationRule{Selector: Selector{UnencryptedRegex: "^b$"}}, want: "#ENC\na: ENC\nb: {k: v}\nSOPS"},
	{name: "encrypted comment regex", text: "# hide: all of it\na:\n  # inner\n  b: x\nc: v # hide\nd: z\nl:\n  # hide\n  - p\n  - q\n", rule: CreationRule{Selector: Selector{EncryptedCommentRegex: "hide"}},
		want: "# hide: all of it\na:\n  #ENC\n  b: ENC\nc: ENC # hide\nd: z\nl:\n  # hide\n  - ENC\n  - q\nSOPS"},
	{name: "unencrypted comment regex", text: "a: x # clear here\n# clear\nb:\n  c: v\nd: z\n", rule: CreationRule{Selector: Selector{UnencryptedCommentRegex: "^ clear"}},
		want: "a: x # clear here\n# clear\nb:\n  c: v\nd: ENC\nSOPS"},
	{name: "MAC of encrypted values", text: "a: x\nb: 1.20\ndata: {c: d}\n", rule: CreationRule{Selector: Selector{EncryptedRegex: "^data$"}, MACOnlyEncrypted: true}},
	{name: "indented root", text: "  a: x\n  b: v\n"},
	{name: "comments sops moves", text: "a:\n  # before\n  b: 1\n  # behind\n# outside\nc: # beside the key\n  - x # v\n  # z\nd: # e\n  f: g\n"},
	{name: "JSON", file: "a.json", text: "{\n  \"a\": \"x\",\n  \"n\": [1, 2.5, true, null, \"\", {\"k\": \"\\u00e9\\ud83d\\ude42<&\"}],\n  \"o_unencrypted\": {\"big\": 9007199254740993, \"f\": 1.50}\n}\n",
		want: "{\n  \"a\": \"ENC\",\n  \"n\": [\"ENC\", \"ENC\", \"ENC\", null, \"\", {\"k\": \"ENC\"}],\n  \"o_unencrypted\": {\"big\": 9007199254740993, \"f\": 1.50},\n  SOPS\n}\n"},
	{name: "JSON in one line", file: "a.json", text: `{"kind":"Secret","apiVersion":"v1","data":{"a":"eA=="}}`, rule: CreationRule{Selector: Selector{EncryptedRegex: "^data$"}},
		want: `{"kind":"Secret","apiVersion":"v1","data":{"a":"ENC"}, SOPS}`},
	{name: "JSON with tabs and CRLF", file: "a.json", text: "{\r\n\t\"a\": \"x\"\r\n}\r\n"},
	{name: "dotenv", file: "prod.env", text: "# comment\nPASSWORD=hunter2-not-real\n\nEMPTY=\nQUOTED=\"a b\"\nexport X=y=z\nLINES=a\\nb\nA_unencrypted=clear",
		want: "#ENC\nPASSWORD=ENC\n\nEMPTY=\nQUOTED=ENC\nexport X=ENC\nLINES=ENC\nA_unencrypted=clear\nSOPS"},
	{name: "dotenv with CRLF", file: "prod.env", text: "A=x\r\nB=v\r\n"},
	{name: "INI", file: "a.ini", text: "top = 1\n\n; about the section\n[db]\n# about the password\n# in two lines\npassword = hunter2 not real\nhost: example.org\nempty =\n[other]\nkey_unencrypted = clear\n",
		want: "top = ENC\n\n; ENC\n[db]\n; ENC\npassword = ENC\nhost: ENC\nempty =\n[other]\nkey_unencrypted = clear\nSOPS"},
	{name: "INI with MAC of encrypted values", file: "a.ini", text: "[db]\npassword = x\nuser = v\n", rule: CreationRule{Selector: Selector{EncryptedRegex: "^password$"}, MACOnlyEncrypted: true}},
	{name: "binary", file: "tls.key", text: "-----BEGIN\x00\xff\nnot a key\n", rule: CreationRule{Selector: Selector{EncryptedRegex: "^nothing$"}, MACOnlyEncrypted: true}},
}

// shorten cuts what differs from run to run, and the metadata, to words.
func shorten(out string) string {
	out = regexp.MustCompile(`(?s)(?m:^ *sops:|^sops_age__|^\[sops\]).*?\n((?:---|\.\.\.)\s|\s*$|\n)`).ReplaceAllString(out+"\n", "SOPS\n$1")
	out = regexp.MustCompile(`(?s)"sops": \{.*"version": ?"[^"]*"\s*\}`).ReplaceAllString(out, "SOPS")
	return ciphertext.ReplaceAllString(out, "ENC")
}

// TestEncrypt: the real program decrypts what was encrypted, to what it was.
func TestEncrypt(t *testing.T) {
	if testing.Short() {
		t.Skip("builds sops")
	}
	for _, c := range roundTrips {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			own, other := newIdentity(t), newIdentity(t)
			write(t, dir, "key.txt", []byte(own.String()+"\n"))
			rule := c.rule
			rule.Groups = []KeyGroup{{Age: []string{other.Recipient().String(), own.Recipient().String()}}}
			file := c.file
			if file == "" {
				file = "a.yaml"
			}
			out, err := encrypt(t, file, c.text, &rule)
			if err != nil {
				t.Fatal(err)
			}
			ours := checkRoundTrip(t, dir, file, c.text, out)
			if FormatOf(file) == YAML {
				if theirs := theirRoundTrip(t, dir, c.text, &rule); theirs != ours {
					t.Errorf("sops decrypts to\n%s\nand what it encrypted itself to\n%s", ours, theirs)
				}
			}
			// The block ends with the text, or before a marker: what is behind is kept.
			if got := shorten(out); c.want != "" && strings.TrimRight(got, "\n") != strings.TrimRight(c.want, "\n") {
				t.Errorf("encrypted is\n%q\nwant\n%q", got, c.want)
			}
			if strings.HasSuffix(c.text, "\n") != strings.HasSuffix(out, "\n") && file != "tls.key" {
				t.Error("the line break at the end is not as it was")
			}
		})
	}
}

// theirRoundTrip is what sops decrypts to of what it encrypted, comments and all.
func theirRoundTrip(t *testing.T, dir, text string, rule *CreationRule) string {
	t.Helper()
	config := map[string]any{"age": strings.Join(rule.Groups[0].Age, ","), "mac_only_encrypted": rule.MACOnlyEncrypted}
	for _, name := range rule.Set() {
		s := rule.Selector
		config[name] = s.UnencryptedSuffix + s.EncryptedSuffix + s.UnencryptedRegex + s.EncryptedRegex + s.UnencryptedCommentRegex + s.EncryptedCommentRegex
	}
	written, err := yaml.Marshal(map[string]any{"creation_rules": []any{config}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, ConfigName, written)
	write(t, dir, "their.yaml", []byte(text))
	if _, err := sopsRun(t, dir, "encrypt", "--in-place", "their.yaml"); err != nil {
		t.Fatal(err)
	}
	out, err := sopsRun(t, dir, "decrypt", "their.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// checkRoundTrip: sops decrypts the file, without a warning, to the same data. It gives
// the text that sops makes.
func checkRoundTrip(t *testing.T, dir, file, text, out string) string {
	t.Helper()
	write(t, dir, file, []byte(out))
	program, err := sopsProgram()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "decrypt", file)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "SOPS_AGE_KEY_FILE=" + filepath.Join(dir, "key.txt"), "GNUPGHOME=" + filepath.Join(dir, "gpg")}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("sops: %v: %s\n%s", err, stderr.Bytes(), out)
	}
	if bytes.Contains(stderr.Bytes(), []byte("unencrypted comment")) {
		t.Errorf("sops warns: %s\n%s", stderr.Bytes(), out)
	}
	if ciphertext.Match(stdout.Bytes()) {
		t.Errorf("sops leaves ciphertext:\n%s", stdout.Bytes())
	}
	want := text
	if FormatOf(file) == Dotenv {
		// sops drops empty lines, and ends the last one.
		want = strings.ReplaceAll(strings.TrimSuffix(text, "\n")+"\n", "\n\n", "\n")
	}
	if got, want := meaning(t, file, stdout.Bytes()), meaning(t, file, []byte(want)); got != want {
		t.Errorf("sops decrypts to\n%s\nwant\n%s\nfrom\n%s", got, want, out)
	}
	return stdout.String()
}

func TestEncryptRefuses(t *testing.T) {
	id := newIdentity(t)
	recipient := id.Recipient().String()
	data := Selector{EncryptedRegex: "^(data|stringData)$"}
	cases := []struct {
		name, file, text string
		rule             *CreationRule
		want             string // of the error
	}{
		{"octal", "a.yaml", "a: 0644\n", nil, "line 1: sops would give the value back in another form"},
		{"float", "a.yaml", "x: y\na: 1.20\n", nil, "line 2: sops would give"},
		{"hexadecimal", "a.yaml", "a: 0x1F\n", nil, "another form"},
		{"date", "a.yaml", "a: 2024-01-02\n", nil, "put it in quotes"},
		{"date outside of the selector", "a.yaml", "stringData: {a: b}\nd: 2024-01-02\n", &CreationRule{Selector: data}, "line 2: sops would give the value of d back as something else"},
		{"boolean of YAML 1.1", "a.yaml", "a: b\nc: yes\n", nil, "line 2: sops would give the value of c back"},
		{"binary tag", "a.yaml", "a: !!binary aGVsbG8=\n", nil, "tag"},
		{"custom tag", "a.yaml", "a: !custom text\n", nil, "tag"},
		{"alias", "a.yaml", "a: &x secret\nb: *x\n", nil, "line 1: the value is written once and used again by an alias"},
		{"merge", "a.yaml", "a: &x {b: secret}\nc:\n  <<: *x\n", nil, "merge key"},
		{"merge outside of the selector", "a.yaml", "data: {a: b}\nx: &x {b: c}\nd:\n  <<: *x\n", &CreationRule{Selector: data}, "line 4: sops would write the merge key"},
		{"clear alias of an encrypted value", "a.yaml", "data: &x {b: secret}\nc: *x\n", &CreationRule{Selector: data}, "alias"},
		{"only a comment", "a.yaml", "# nothing\n", nil, "empty"},
		{"empty document", "a.yaml", "a: b\n---\n", nil, "document is empty"},
		{"comment-only document", "a.yaml", "---\n# only\n---\na: b\n", nil, "document is empty"},
		{"empty file", "a.yaml", "", nil, "empty"},
		{"large number", "a.yaml", "a: 18446744073709551615\n", nil, "number of this size"},
		{"large clear number", "a.yaml", "data: {a: b}\nn: 18446744073709551615\n", &CreationRule{Selector: data}, "number of this size"},
		{"number as a key", "a.yaml", "1: a\n", nil, "key is no string"},
		{"boolean as a key", "a.yaml", "data: {a: b}\nx: {true: a}\n", &CreationRule{Selector: data}, "line 2: the key is no string"},
		{"duplicate key", "a.yaml", "a: b\na: c\n", nil, "line 2"},
		{"list", "a.yaml", "- a\n", nil, "list"},
		{"scalar", "a.yaml", "just text\n", nil, "single value"},
		{"template", "a.yaml", "{{ if .Values.x }}\na: b\n{{ end }}\n", nil, "template"},
		{"template value", "a.yaml", "a: {{ .Values.x }}\n", nil, "template"},
		{"not YAML", "a.yaml", "a: [b\n", nil, "can't parse"},
		{"sops block", "a.yaml", "a: b\nsops: {mac: x}\n", nil, "sops"},
		{"nothing matches", "a.yaml", "a: b\n", &CreationRule{Selector: data}, "nothing that the rule encrypts"},
		{"Secret left clear", "a.yaml", "apiVersion: v1\nkind: Secret\ndata: {a: eA==}\nstringData: {b: x}\n", &CreationRule{Selector: Selector{EncryptedRegex: "^data$"}}, "line 4: the rule would leave stringData.b of a Secret clear"},
		{"Secret in a list left clear", "a.yaml", "kind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  data: {a: eA==}\n- x: {token: y}\n", &CreationRule{Selector: Selector{EncryptedRegex: "^token$"}}, "line 5: the rule would leave items.data.a of a Secret clear"},
		{"UTF-16", "a.yaml", "\xff\xfea\x00:\x00", nil, "UTF-8"},
		{"Latin-1", "a.yaml", "a: \xe9\n", nil, "UTF-8"},
		{"block at the end without a break", "a.yaml", "data: {a: b}\nc: |\n  d", &CreationRule{Selector: data}, "line 2"},
		{"two selectors", "a.yaml", "a: b\n", &CreationRule{Selector: Selector{EncryptedRegex: "a", EncryptedSuffix: "b"}}, "more than one selector"},
		{"comment regex that matches ciphertext", "a.yaml", "# c\na: b\n", &CreationRule{Selector: Selector{UnencryptedCommentRegex: "AES256"}}, "unencrypted_comment_regex"},
		{"no rule", "a.yaml", "a: b\n", &CreationRule{}, "names no recipient"},
		{"KMS", "a.yaml", "a: b\n", &CreationRule{Groups: []KeyGroup{{KMS: []string{"arn:aws:kms:eu-west-1:1:key/x"}}}}, "program sops"},
		{"KMS in another group", "a.yaml", "a: b\n", &CreationRule{Groups: []KeyGroup{{Age: []string{recipient}}, {HCVault: []string{"https://vault"}}}}, "program sops"},
		{"plugin", "a.yaml", "a: b\n", &CreationRule{Groups: []KeyGroup{{Age: []string{"age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"}}}}, "plugin yubikey"},
		{"SSH", "a.yaml", "a: b\n", &CreationRule{Groups: []KeyGroup{{Age: []string{"ssh-ed25519 AAAA"}}}}, "SSH"},
		{"damaged recipient", "a.yaml", "a: b\n", &CreationRule{Groups: []KeyGroup{{Age: []string{recipient[:len(recipient)-1]}}}}, "age recipient that is none"},
		{"PGP without its key", "a.yaml", "a: b\n", &CreationRule{Groups: []KeyGroup{{PGP: []string{strings.Repeat("AB", 20)}}}}, "is not in the repository"},
		{"short PGP", "a.yaml", "a: b\n", &CreationRule{Groups: []KeyGroup{{PGP: []string{"ABABABAB"}}}}, "whole fingerprint"},
		{"threshold of one", "a.yaml", "a: b\n", &CreationRule{Threshold: 1, Groups: []KeyGroup{{Age: []string{recipient}}, {Age: []string{recipient}}}}, "shamir_threshold is 1"},
		{"threshold too high", "a.yaml", "a: b\n", &CreationRule{Threshold: 3, Groups: []KeyGroup{{Age: []string{recipient}}, {Age: []string{recipient}}}}, "only 2 key groups"},
		{"JSON list", "a.json", "[1]", nil, "one object"},
		{"two JSON objects", "a.json", "{\"a\": \"b\"}{\"c\": \"d\"}", nil, "one object"},
		{"JSON float", "a.json", `{"a": 1.0}`, nil, "another form"},
		{"large JSON number", "a.json", `{"data": "x", "n": 18446744073709551615}`, &CreationRule{Selector: data}, "round"},
		{"duplicate key in JSON", "a.json", `{"a": "b", "a": "c"}`, nil, "twice"},
		{"half a pair in JSON", "a.json", `{"a": "\ud83d"}`, nil, "half of a character"},
		{"JSON Secret left clear", "a.json", `{"kind": "Secret", "apiVersion": "v1", "data": {"a": "eA=="}, "token": "x"}`, &CreationRule{Selector: Selector{EncryptedRegex: "^token$"}}, "Secret clear"},
		{"dotenv without =", "a.env", "A=b\nnothing\n", nil, "line 2"},
		{"dotenv with blank CRLF lines", "a.env", "A=b\r\n\r\n", nil, "LF line ends"},
		{"dotenv with metadata", "a.env", "A=b\nsops_mac=x\n", nil, "line 2"},
		{"dotenv and a rule for manifests", "a.env", "A=b\n", &CreationRule{Selector: data}, "nothing that the rule encrypts"},
		{"INI quotes", "a.ini", "[a]\nb = \"c\"\n", nil, "line 2"},
		{"INI comment sign", "a.ini", "[a]\nb = c#d\n", nil, "line 2"},
		{"INI duplicate", "a.ini", "[a]\nb = c\nb = d\n", nil, "twice"},
		{"INI same section", "a.ini", "[a]\nb = c\n[a]\nd = e\n", nil, "another section"},
		{"INI continued", "a.ini", "[a]\nb = c\\\nd\n", nil, "backslash"},
		{"empty binary file", "a.bin", "", nil, "empty"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rule := c.rule
			if rule == nil {
				rule = &CreationRule{}
			}
			if rule.Groups == nil && c.name != "no rule" {
				rule.Groups = []KeyGroup{{Age: []string{recipient}}}
			}
			_, err := encrypt(t, c.file, c.text, rule)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestEncryptTwice(t *testing.T) {
	rule := ruleFor(Selector{}, newIdentity(t).Recipient().String())
	for _, file := range []string{"a.yaml", "a.json", "a.txt"} {
		out, err := encrypt(t, file, `{"a": "b"}`, rule)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := encrypt(t, file, out, rule); err == nil || FormatOf(file) != Binary && !errors.Is(err, ErrEncrypted) {
			t.Errorf("%s is encrypted twice: %v", file, err)
		}
	}
	out, err := encrypt(t, "a.yaml", "a: b\n", rule)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encrypt(t, "a.yaml", strings.Replace(out, "sops:", "other:", 1), rule); err == nil || errors.Is(err, ErrEncrypted) {
		t.Errorf("a file with ciphertext and no block: error %v", err)
	}
}

// TestEncryptErrorsQuoteNothing: no refusal holds a value.
func TestEncryptErrorsQuoteNothing(t *testing.T) {
	const secret = "kraken42tide"
	rule := ruleFor(Selector{}, newIdentity(t).Recipient().String())
	for _, c := range []struct{ file, text string }{
		{"a.yaml", "a: *" + secret + "\n"},
		{"a.yaml", "a: &x " + secret + "\nb: *x\n"},
		{"a.yaml", "a: [" + secret + "\n"},
		{"a.yaml", "a: !" + secret + " x\n"},
		{"a.yaml", "a: \"" + secret + "\\q\"\n"},
		{"a.yaml", "a: !!int " + secret + "\n"},
		{"a.yaml", secret},
		{"a.yaml", "a: b\n" + secret + "\n"},
		{"a.json", `{"a": "` + secret + "\n\"}"},
		{"a.json", `{"a": ` + secret + `}`},
		{"a.json", `"` + secret + `"`},
		{"a.env", "A=b\n" + secret + "\n"},
		{"a.ini", "[a]\n" + secret + "\n"},
		{"a.ini", "[a]\nb = \"" + secret + "\"\n"},
		{"a.yaml", "a: ENC[AES256_GCM," + secret + "\n"},
	} {
		_, err := encrypt(t, c.file, c.text, rule)
		if err == nil {
			t.Errorf("%q is encrypted", c.text)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the error holds the value: %v", err)
		}
	}
}

func TestEncryptSensitive(t *testing.T) {
	e := Encryption{
		Rule: ruleFor(Selector{EncryptedRegex: "^data$"}, newIdentity(t).Recipient().String()), Now: encryptTime,
		Sensitive: func(keys []string, value string) bool { return slices.Contains(keys, "password") && value != "" },
	}
	if _, err := e.Encrypt("a.yaml", []byte("data: {a: b}\nx: {password: hunter2}\n")); err == nil || err.Error() != "line 2: the rule would leave x.password clear: let its selector cover the key" {
		t.Errorf("error %v", err)
	}
	out, err := e.Encrypt("a.yaml", []byte("data:\n  password: hunter2-not-real\n  b: |\n    line\n"))
	if err != nil {
		t.Fatal(err)
	}
	if out.Values != 2 || out.Structure {
		t.Errorf("%d values, structure %v", out.Values, out.Structure)
	}
	for text, want := range map[string]bool{"x: hunter2-not-real": true, "    line": true, "x: hunter3": false, "x: hunter2-not-real-but-longer": false, "A=hunter2-not-real\n": true, string(out.Data): false} {
		if got := out.Discloses([]byte(text)); got != want {
			t.Errorf("Discloses(%q) is %v", text, got)
		}
	}
}

func TestEncryptMetadata(t *testing.T) {
	id := newIdentity(t)
	rule := ruleFor(Selector{EncryptedRegex: "^data$"}, id.Recipient().String())
	rule.MACOnlyEncrypted = true
	out, err := encrypt(t, "a.yaml", "data:\n  x: v\n", rule)
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(out, "sops:\n")
	block = regexp.MustCompile(`(?m)^        [A-Za-z0-9+/=]+\n`).ReplaceAllString(ciphertext.ReplaceAllString(block, "ENC"), "")
	want := "  age:\n    - enc: |\n        -----BEGIN AGE ENCRYPTED FILE-----\n"
	if !strings.HasPrefix(block, want) {
		t.Errorf("the block begins with\n%s", block)
	}
	_, rest, _ := strings.Cut(block, "-----END AGE ENCRYPTED FILE-----\n")
	want = fmt.Sprintf("      recipient: %s\n  encrypted_regex: ^data$\n  lastmodified: \"2026-01-02T02:04:05Z\"\n  mac: ENC\n  mac_only_encrypted: true\n  version: 3.13.3\n", id.Recipient())
	if rest != want {
		t.Errorf("the block ends with\n%s\nwant\n%s", rest, want)
	}
	k := readKeys(t, id.String())
	if err := k.Verify(parsed(t, []byte(out))...); err != nil {
		t.Error(err)
	}
}

func TestEncryptKeyGroups(t *testing.T) {
	if testing.Short() {
		t.Skip("builds sops")
	}
	var ids []*age.X25519Identity
	rule := &CreationRule{Threshold: 2}
	for range 3 {
		id := newIdentity(t)
		ids = append(ids, id)
		rule.Groups = append(rule.Groups, KeyGroup{Age: []string{id.Recipient().String()}})
	}
	for _, file := range []string{"a.yaml", "a.json", "a.env", "a.ini"} {
		text := map[string]string{"a.yaml": "a: x\n", "a.json": `{"a": "x"}`, "a.env": "A=x\n", "a.ini": "[s]\na = x\n"}[file]
		out, err := encrypt(t, file, text, rule)
		if err != nil {
			t.Fatal(err)
		}
		for _, pair := range [][]int{{0, 1}, {0, 2}, {1, 2}, {2}} {
			dir := t.TempDir()
			keys := ""
			for _, i := range pair {
				keys += ids[i].String() + "\n"
			}
			write(t, dir, "key.txt", []byte(keys))
			if len(pair) == 2 {
				checkRoundTrip(t, dir, file, text, out)
				continue
			}
			write(t, dir, file, []byte(out))
			if _, err := sopsRun(t, dir, "decrypt", file); err == nil {
				t.Errorf("%s: one of three key groups decrypts the file", file)
			}
		}
	}
}

func TestEncryptPostQuantum(t *testing.T) {
	if testing.Short() {
		t.Skip("builds sops")
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "key.txt", []byte(id.String()+"\n"))
	out, err := encrypt(t, "a.yaml", secretManifest, ruleFor(Selector{EncryptedRegex: "^(data|stringData)$"}, id.Recipient().String()))
	if err != nil {
		t.Fatal(err)
	}
	checkRoundTrip(t, dir, "a.yaml", secretManifest, out)
}
