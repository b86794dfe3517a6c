package sops

import (
	"bytes"
	"crypto/aes"
	gcm "crypto/cipher"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

func newIdentity(t testing.TB) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func readKeys(t testing.TB, text string) *Keys {
	t.Helper()
	k, err := ReadKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// rawDocuments are the documents as the decoder gives them, merge keys and
// aliases in place.
func rawDocuments(t *testing.T, data []byte) []*yaml.Node {
	t.Helper()
	var docs []*yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		err := d.Decode(&n)
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, &n)
	}
}

func parsed(t *testing.T, data []byte) []*yaml.Node {
	t.Helper()
	docs, problems := manifest.Parse(data)
	for _, p := range problems {
		t.Fatal(p)
	}
	return docs
}

func findCiphertext(n *yaml.Node) *yaml.Node {
	for _, s := range []string{n.Value, n.HeadComment, n.LineComment, n.FootComment} {
		if strings.Contains(s, "ENC[AES256_GCM") {
			return n
		}
	}
	for _, c := range n.Content {
		if found := findCiphertext(c); found != nil {
			return found
		}
	}
	return nil
}

func TestReadKeys(t *testing.T) {
	id := newIdentity(t).String()
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		keys       int
		err        string
	}{
		{name: "as age-keygen writes it", text: "# created: 2026-01-01T00:00:00Z\n# public key: age1x\n" + id + "\n", keys: 1},
		{name: "several, CRLF, spaces", text: id + "\r\n\r\n  " + newIdentity(t).String() + " \r\n" + hybrid.String(), keys: 3},
		{name: "empty", text: "# nothing\n\n", err: "holds none"},
		{name: "plugin", text: "AGE-PLUGIN-YUBIKEY-1QQQQQQ", err: "plugin"},
		{name: "SSH", text: "-----BEGIN OPENSSH PRIVATE KEY-----\nnot-a-real-one", err: "SSH"},
		{name: "passphrase", text: "-----BEGIN AGE ENCRYPTED FILE-----\nnot-a-real-one", err: "encrypted"},
		{name: "public key", text: newIdentity(t).Recipient().String(), err: "public half"},
		{name: "damaged", text: id[:len(id)-1] + "?", err: "line 1: the age key is damaged"},
		{name: "damaged, post-quantum", text: hybrid.String() + "Q", err: "damaged"},
		{name: "something else", text: "#\nhunter2", err: "line 2: this is no age key"},
	} {
		k, err := ReadKeys([]byte(c.text))
		if c.err == "" {
			if err != nil || len(k.identities) != c.keys || len(k.recipients) != c.keys {
				t.Errorf("%s: error %v, want %d keys", c.name, err, c.keys)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want one about %q", c.name, err, c.err)
			continue
		}
		for _, secret := range []string{"hunter2", "not-a-real-one", id[20:], hybrid.String()[20:]} {
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), secret[:len(secret)-1]) {
				t.Errorf("%s: the error holds the key", c.name)
			}
		}
	}
	shown := fmt.Sprintf("%v %+v %#v", readKeys(t, id), readKeys(t, id), *readKeys(t, id))
	if strings.Contains(shown, id[20:]) {
		t.Error("a printed Keys holds a key")
	}
}

// seal encrypts a value as SOPS does.
func seal(t testing.TB, key []byte, value, additional, kind string) string {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := gcm.NewGCMWithNonceSize(block, nonceSize)
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, nonceSize)
	if _, err := rand.Read(nonce); err != nil {
		t.Fatal(err)
	}
	out := aead.Seal(nil, nonce, []byte(value), []byte(additional))
	e := base64.StdEncoding.EncodeToString
	return "ENC[AES256_GCM,data:" + e(out[:len(value)]) + ",iv:" + e(nonce) + ",tag:" + e(out[len(value):]) + ",type:" + kind + "]"
}

// wrap encrypts a data key for a recipient, indented for a sops block.
func wrap(t testing.TB, key []byte, to age.Recipient) string {
	t.Helper()
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, to)
	if err == nil {
		_, err = w.Write(key)
	}
	if err = errors.Join(err, w.Close(), a.Close()); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(strings.TrimSpace(out.String()), "\n", "\n        ")
}

// testDataKey is the data key of the documents that the tests make.
var testDataKey = bytes.Repeat([]byte{7}, dataKeySize)

// sealed fills a document's sops block in for a recipient, and its values:
// {{path type value}}.
func sealed(t testing.TB, text string, to *age.X25519Identity) string {
	t.Helper()
	for {
		before, rest, found := strings.Cut(text, "{{")
		if !found {
			break
		}
		inside, after, _ := strings.Cut(rest, "}}")
		parts := strings.SplitN(inside, " ", 3)
		text = before + seal(t, testDataKey, parts[2], parts[0], parts[1]) + after
	}
	const modified = "2026-01-02T03:04:05Z"
	sum := fmt.Sprintf("%X", sha512.Sum512([]byte("not the real one")))
	return text + "sops:\n  age:\n    - recipient: " + to.Recipient().String() +
		"\n      enc: |\n        " + wrap(t, testDataKey, to.Recipient()) +
		"\n  lastmodified: \"" + modified + "\"\n  mac: " + seal(t, testDataKey, sum, modified, "str") + "\n  version: 3.13.3\n"
}

func TestDecrypt(t *testing.T) {
	id := newIdentity(t)
	k := readKeys(t, id.String())
	for _, c := range []struct{ name, text, want, err string }{
		{name: "types", text: "a: {{a: str x}}\nb: {{b: int -7}}\nc: {{c: float 1.5}}\nd: {{d: bool True}}\ne: {{e: bytes z}}\nf: {{f: time 2024-01-02T03:04:05Z}}\n",
			want: "a: x\nb: -7\nc: 1.5\nd: true\ne: z\nf: 2024-01-02T03:04:05Z\n"},
		{name: "paths", text: "a:\n  b:\n    - {{a:b: str x}}\n    - - {{a:b: str v}}\n    - c: {{a:b:c: str z}}\n    - null\n    - ''\n",
			want: "a:\n    b:\n        - x\n        - - v\n        - c: z\n        - null\n        - ''\n"},
		{name: "text that looks like another type", text: "a: {{a: str 007}}\nb: {{b: str null}}\nc: {{c: str ENC[x]}}\n", want: "a: \"007\"\nb: \"null\"\nc: ENC[x]\n"},
		{name: "comment in a list", text: "a:\n  - {{a: comment hidden}}\n  - {{a: str x}}\n", want: "a:\n    - x\n"},
		{name: "comment as a value", text: "a:\n  b: {{a:b: comment hidden}}\n", err: "line 2: an encrypted comment"},
		{name: "alias", text: "a_unencrypted: &a [x]\nb_unencrypted: *a\n", want: "a_unencrypted: [x]\nb_unencrypted: [x]\n"},
		{name: "moved", text: "a: {{b: str hunter2}}\n", err: "decrypting line 1: the value can't be decrypted"},
		{name: "of another type", text: "a: 1_unencrypted\nb: {{b: int hunter2}}\n", err: "line 1: the value is due to be encrypted"},
		{name: "no integer", text: "b: {{b: int hunter2}}\n", err: "not of the type"},
		{name: "no float", text: "b: {{b: float hunter2}}\n", err: "not of the type"},
		{name: "no bool", text: "b: {{b: bool hunter2}}\n", err: "not of the type"},
		{name: "no time", text: "b: {{b: time hunter2}}\n", err: "not of the type"},
		{name: "clear text behind", text: "b: {{b: str x}} hunter2\n", err: "due to be encrypted"},
		{name: "clear number", text: "b: 12345\n", err: "due to be encrypted"},
		{name: "key that is no string", text: "1: {{1: str x}}\n", err: "the key is no string"},
		{name: "key that is no scalar", text: "? [a]\n: {{a: str x}}\n", err: "the key is no string"},
		{name: "key by alias", text: "k_unencrypted: &k a\n*k : {{a: str x}}\n", want: "k_unencrypted: a\na: x\n"},
		{name: "clear value that can't be read", text: "a_unencrypted: !!int hunter2\nb: {{b: str x}}\n", want: "a_unencrypted: !!int hunter2\nb: x\n"},
		{name: "two blocks", text: "sops: {}\na: b\n", err: "two sops blocks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := sealed(t, c.text, id)
			docs := rawDocuments(t, []byte(text))
			plain, err := k.Decrypt(docs[0])
			if c.want == "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "12345") {
					t.Fatalf("error %v, want one about %q that holds no value", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			out, err := yaml.Marshal(plain)
			if err != nil || string(out) != c.want {
				// What is compared is made up here.
				t.Errorf("error %v, the document is\n%s\nwant\n%s", err, out, c.want)
			}
		})
	}
}

// TestDecryptedText: a decrypted string is the same string after it was written
// and read again.
func TestDecryptedText(t *testing.T) {
	for _, want := range []string{
		"x", "007", "null", "yes", "1:20", "~", "=", "<<", "\n", "\n\n x\n", " x ", "x\n  y\n\n", "\tx", "x\t\ny", "x\r\ny\r\n", "\x00", "a\u0001\nb",
		"a\u0085b\nc", "a\u2028b\nc", "\ufeffx\ny", "\x7f", "🙂\n🙂", "\xff\xfe", "# x", "a: b", "- a\n- b\n", "|\n", "\\", "'\"", "%x", "---\n", "...", "!x", "&x",
	} {
		n, err := clearScalar(&yaml.Node{Kind: yaml.ScalarNode}, want)
		if err != nil {
			t.Errorf("%q: %v", want, err)
			continue
		}
		out, err := yaml.Marshal(map[string]*yaml.Node{"a": n})
		var back map[string]any
		if err == nil {
			err = yaml.Unmarshal(out, &back)
		}
		if err != nil || back["a"] != want {
			t.Errorf("%q is written as\n%s\nwhich reads as %q (error %v)", want, out, back["a"], err)
		}
	}
}

// TestDecryptKeepsPlaces: what replaces a value stands where the value stood,
// and the document that was read is untouched.
func TestDecryptKeepsPlaces(t *testing.T) {
	id := newIdentity(t)
	text := sealed(t, "# {{: comment x}}\n# clear\na: {{a: str x}} # {{: comment y}}\nb:\n  - {{b: str |\n  z}}\n", id)
	text = strings.ReplaceAll(text, "# ENC[", "#ENC[")
	doc := parsed(t, []byte(text))[0]
	before, err := yaml.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := readKeys(t, id.String()).Decrypt(doc)
	if err != nil {
		t.Fatal(err)
	}
	a, b := manifest.Get(plain, "a"), manifest.Get(plain, "b").Content[0]
	if a.Line != 3 || a.Column != 4 || b.Line != 5 || b.Column != 5 {
		t.Errorf("values at %d:%d and %d:%d, want 3:4 and 5:5", a.Line, a.Column, b.Line, b.Column)
	}
	if findCiphertext(plain) != nil {
		t.Error("an encrypted comment is left")
	}
	if after, err := yaml.Marshal(doc); err != nil || !bytes.Equal(before, after) {
		t.Errorf("error %v: the encrypted document was changed", err)
	}
}

func TestDecryptKeys(t *testing.T) {
	id, other := newIdentity(t), newIdentity(t)
	own := readKeys(t, id.String())
	document := func(block string) *yaml.Node {
		return rawDocuments(t, []byte("a: "+seal(t, testDataKey, "x", "a:", "str")+"\n"+block))[0]
	}
	entry := func(name string, key []byte, to *age.X25519Identity) string {
		return "    - recipient: " + name + "\n      enc: |\n        " + wrap(t, key, to.Recipient()) + "\n"
	}
	named, mine := id.Recipient().String(), entry(id.Recipient().String(), testDataKey, id)
	foreign := entry(other.Recipient().String(), testDataKey, other)
	groups := func(lists ...string) string {
		s := "  key_groups:\n"
		for _, l := range lists {
			s += "  - age:\n" + l
		}
		return s
	}
	for _, c := range []struct {
		name  string
		keys  *Keys
		block string
		want  error // nil: decrypts
		says  string
	}{
		{name: "among others", keys: own, block: "sops:\n  age:\n" + foreign + mine},
		{name: "under another name", keys: own, block: "sops:\n  age:\n" + foreign + entry("age1somebody", testDataKey, id)},
		{name: "named ones first", keys: own, block: "sops:\n  age:\n" + strings.Repeat(foreign, maxRecipients) + mine},
		{name: "too many", keys: own, block: "sops:\n  age:\n" + strings.Repeat(foreign, maxRecipients) + entry("age1somebody", testDataKey, id), want: ErrNoKey},
		{name: "of somebody else", keys: own, block: "sops:\n  age:\n" + foreign, want: ErrNoKey},
		{name: "no keys", keys: &Keys{}, block: "sops:\n  age:\n" + mine, want: ErrNoKey},
		{name: "PGP only", keys: own, block: "sops:\n  pgp:\n    - {fp: ABC, enc: x}\n" + groups(mine), want: ErrNoKey},
		{name: "no recipients", keys: own, block: "sops: {}\n", want: ErrNoKey},
		{name: "damaged", keys: own, block: "sops:\n  age: [{recipient: " + named + ", enc: x}, null, 1, {enc: [1]}]\n", want: ErrNoKey},
		{name: "short key", keys: own, block: "sops:\n  age:\n" + entry(named, testDataKey[:16], id), want: ErrNoKey},
		{name: "long key", keys: own, block: "sops:\n  age:\n" + entry(named, append(testDataKey, 1), id), want: ErrNoKey},
		{name: "large entry", keys: own, block: "sops:\n  age:\n" + strings.Replace(mine, "enc: |\n", "enc: |\n"+strings.Repeat("\n", maxWrapped), 1), want: ErrNoKey},
		{name: "one group", keys: own, block: "sops:\n" + groups(mine)},
		{name: "two groups", keys: own, block: "sops:\n  shamir_threshold: 1\n" + groups(mine, mine), says: "key groups"},
		{name: "another data key", keys: own, block: "sops:\n  age:\n" + entry(named, bytes.Repeat([]byte{9}, dataKeySize), id), says: "can't be decrypted"},
		{name: "two rules", keys: own, block: "sops:\n  encrypted_regex: a\n  encrypted_suffix: a\n  age:\n" + mine, says: "more than one rule"},
		{name: "bad pattern", keys: own, block: "sops:\n  encrypted_regex: '('\n  age:\n" + mine, says: "encrypted_regex"},
		{name: "large pattern", keys: own, block: "sops:\n  unencrypted_regex: " + strings.Repeat("x", maxPattern+1) + "\n  age:\n" + mine, says: "unencrypted_regex"},
		{name: "no block", keys: own, want: ErrNotSOPS},
		{name: "block of text", keys: own, block: "sops: yes\n", want: ErrNotSOPS},
		{name: "mac missing", keys: own, block: "sops:\n  age:\n" + mine},
	} {
		doc := document(c.block)
		_, err := c.keys.Decrypt(doc)
		verify := c.keys.Verify(doc)
		switch {
		case c.says != "":
			if err == nil || !strings.Contains(err.Error(), c.says) || verify == nil {
				t.Errorf("%s: errors %v, %v, want one about %q", c.name, err, verify, c.says)
			}
		case !errors.Is(err, c.want):
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		case c.want == nil && !errors.Is(verify, ErrMAC):
			t.Errorf("%s: verifying a document without a MAC: %v", c.name, verify)
		case c.want != nil && !errors.Is(verify, c.want):
			t.Errorf("%s: verifying: error %v, want %v", c.name, verify, c.want)
		}
	}
	for _, doc := range []*yaml.Node{nil, {}, {Kind: yaml.DocumentNode}, {Kind: yaml.SequenceNode}, {Kind: yaml.ScalarNode, Value: "x"}} {
		if _, err := own.Decrypt(doc); !errors.Is(err, ErrNotSOPS) {
			t.Errorf("error %v of what is no mapping", err)
		}
	}
	if err := own.Verify(); !errors.Is(err, ErrNotSOPS) {
		t.Errorf("verifying nothing: %v", err)
	}
}

// TestDecryptBounds: a node that Parse did not measure ends in an error.
func TestDecryptBounds(t *testing.T) {
	id := newIdentity(t)
	k := readKeys(t, id.String())
	root := func() *yaml.Node { return rawDocuments(t, []byte(sealed(t, "", id)))[0].Content[0] }
	key := func() *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "a_unencrypted"} }

	cycle := root()
	cycle.Content = append(cycle.Content, key(), &yaml.Node{Kind: yaml.AliasNode, Alias: cycle})
	wide := root()
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for range 40 {
		n = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n, n}}
	}
	wide.Content = append(wide.Content, key(), n)
	hole := root()
	hole.Content = append(hole.Content, key(), &yaml.Node{Kind: yaml.AliasNode})
	odd := root()
	odd.Content = append(odd.Content, key(), &yaml.Node{Kind: yaml.DocumentNode})
	for name, doc := range map[string]*yaml.Node{"cycle": cycle, "wide": wide, "alias to nothing": hole, "odd node": odd} {
		if _, err := k.Decrypt(doc); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestVerifyIsConcurrent(t *testing.T) {
	id := newIdentity(t)
	k := readKeys(t, newIdentity(t).String()+"\n"+id.String())
	doc := parsed(t, []byte(sealed(t, "a: {{a: str x}}\n", id)))[0]
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := k.Verify(doc); !errors.Is(err, ErrMAC) {
				t.Errorf("error %v of a document whose MAC is another's", err)
			}
		})
	}
	wg.Wait()
}

// FuzzDecrypt: no document makes it panic, and whatever is decrypted can be
// written. Where the data key is not that of the test, because the wrapped one
// was changed, the values are read with it all the same.
func FuzzDecrypt(f *testing.F) {
	id := newIdentity(f)
	k := readKeys(f, id.String())
	for _, text := range []string{
		"a: {{a: str x}}\nb: {{b: int 7}}\nc: {{c: float 1.5}}\nd: {{d: bool True}}\ne: {{e: bytes y}}\nf: {{f: time 2024-01-02T03:04:05Z}}\n",
		"a:\n  b:\n    - {{a:b: str x}}\n    - - {{a:b: comment y}}\n    - null\n    - ''\nx_unencrypted: [1, 0x10, 1.5, 2024-01-02, !!binary aGk=, true, .nan, 18446744073709551615, !x y]\n",
		"# {{: comment x}}\na: &a {b: '{{a:b: str x}}'}\nc_unencrypted: *a\nd: {<<: *a}\n",
	} {
		f.Add([]byte(sealed(f, text, id)))
		f.Add([]byte(strings.Replace(sealed(f, text, id), "version:", "mac_only_encrypted: true\n  encrypted_regex: ^[a-d]\n  version:", 1)))
		f.Add([]byte(strings.Replace(sealed(f, text, id), "version:", "encrypted_comment_regex: x\n  shamir_threshold: 2\n  version:", 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, _ := manifest.Parse(data)
		k.Verify(docs...)
		for _, doc := range docs {
			k.Decrypt(doc)
			block, err := blockOf(doc)
			if err != nil {
				continue
			}
			d, err := newDecrypter(block)
			if err != nil {
				continue
			}
			if err := d.useKey(testDataKey); err != nil {
				t.Fatal(err)
			}
			d.mac = sha512.New()
			d.writtenMAC()
			plain, err := d.document(doc)
			if err != nil {
				continue
			}
			if manifest.Get(plain, "sops") != nil {
				t.Error("the sops block is left")
			}
			if _, err := yaml.Marshal(plain); err != nil {
				t.Errorf("the decrypted document can't be written: %v", err)
			}
		}
	})
}
