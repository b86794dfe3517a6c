package secrets

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// TestWhatFluxDecrypts holds what the rules say of Flux, which decrypts with sops's
// own code, against the program.
func TestWhatFluxDecrypts(t *testing.T) {
	p := newSOPSProgram(t)
	t.Run("generators", func(t *testing.T) { testGeneratorFormats(t, p) })
	t.Run("objects", func(t *testing.T) { testPatchedObjects(t, p) })
	t.Run("comments", func(t *testing.T) { testCommentsAreGone(t, p) })
}

// sopsTypes are the stores as sops's options name them.
var sopsTypes = map[store]string{binaryStore: "binary", jsonStore: "json", yamlStore: "yaml", dotenvStore: "dotenv", iniStore: "ini"}

// testGeneratorFormats: a file that is decrypted to the format of each key.
func testGeneratorFormats(t *testing.T, p *sopsProgram) {
	for name, content := range map[string]string{
		"flat.yaml":   "user: a\npassword: not-a-real-one\n",
		"nested.yaml": "db:\n    password: not-a-real-one\n",
		"entry.yaml":  "data: not-a-real-one\n",
		"flat.json":   `{"password": "not-a-real-one"}`,
		"pairs.env":   "PASSWORD=not-a-real-one\n",
		"app.ini":     "[db]\npassword = not-a-real-one\n",
		"bytes":       "not-a-real-one",
	} {
		encrypted := p.encrypt(t, name, content)
		have, doc := readStore([]byte(encrypted))
		if want := storeOfKey(name); have != want {
			t.Errorf("%s is taken for %s", name, have)
		}
		for want, option := range sopsTypes {
			out, err := p.run(t, name, encrypted, false, "decrypt", "--input-type", sopsTypes[have], "--output-type", option, "FILE")
			wrapped := have == binaryStore && err == nil && out != content
			if fails := failsAs(want, have, name, doc); fails != (err != nil || wrapped) {
				t.Errorf("%s as %s: fails is %t, but sops gives %q, %v", name, want, fails, out, err)
			}
		}
	}
}

// testPatchedObjects: objects that an overlay changed. Flux looks at no MAC.
func testPatchedObjects(t *testing.T, p *sopsProgram) {
	secret := p.encrypt(t, "db.yaml", plainSecret, "--encrypted-regex", "^(data|stringData)$")
	for _, c := range []struct {
		name, old, new string
		fails          bool
	}{
		{"label", "labels:", "labels:\n        added: label", false},
		{"namespace", "    name: db\n", "    name: db\n    namespace: shop\n", false},
		{"empty value", "stringData:\n", "stringData:\n    added: \"\"\n", false},
		{"clear value", "stringData:\n", "stringData:\n    added: hunter2\n", true},
		{"number", "stringData:\n", "stringData:\n    added: 5432\n", true},
	} {
		patched := strings.Replace(secret, c.old, c.new, 1)
		if patched == secret {
			t.Fatalf("%s: nothing was changed in\n%s", c.name, secret)
		}
		_, err := p.run(t, "db.yaml", patched, false, "decrypt", "--ignore-mac", "FILE")
		if (err != nil) != c.fails {
			t.Errorf("%s: sops says %v", c.name, err)
		}
	}
}

// testCommentsAreGone: Flux hands objects to sops as JSON, which has no comments.
func testCommentsAreGone(t *testing.T, p *sopsProgram) {
	secret := p.encrypt(t, "db.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n    name: db\nstringData:\n    # secret\n    password: not-a-real-one\n", "--encrypted-comment-regex", "secret")
	docs, _ := manifest.Parse([]byte(secret))
	var value any
	if err := docs[0].Decode(&value); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.run(t, "db.json", string(data), false, "decrypt", "--ignore-mac", "FILE")
	if err != nil || firstCiphertext(out) == "" || strings.Contains(out, "sops") {
		t.Errorf("the ciphertext is not what is left: %v\n%s", err, out)
	}
}

// TestEachCiphertext: what holds ciphertext, in any surroundings.
func TestEachCiphertext(t *testing.T) {
	const c = "ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]"
	for _, test := range []struct {
		text  string
		count int
	}{
		{"", 0},
		{c, 1},
		{c + c, 2},
		{"a: " + c + "\nb: \"" + c + "\"\n", 2},
		{"ENC[AES256_GCM," + c, 1},
		{"ENC[AES256_GCM,data:...,type:str]", 0},
		{strings.Repeat("ENC[AES256_GCM,", 1000), 0},
		{c[:len(c)-1], 0},
	} {
		count := 0
		eachCiphertext(test.text, func(found string) bool {
			if found != c {
				t.Errorf("found %q", found)
			}
			count++
			return true
		})
		if count != test.count {
			t.Errorf("%.60q holds %d, not %d", test.text, test.count, count)
		}
	}
}
