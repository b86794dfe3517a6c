package sops

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/scantling-dev/scantling/internal/manifest"
)

// newPGP makes a key pair of a kind that every gpg knows.
func newPGP(t *testing.T, lifetime uint32) *openpgp.Entity {
	t.Helper()
	made := encryptTime.AddDate(-1, 0, 0)
	e, err := openpgp.NewEntity("test", "", "test@example.org", &packet.Config{
		Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048, KeyLifetimeSecs: lifetime, Time: func() time.Time { return made }})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func armored(t *testing.T, kind string, serialize func(*bytes.Buffer) error) []byte {
	t.Helper()
	var raw, text bytes.Buffer
	if err := serialize(&raw); err != nil {
		t.Fatal(err)
	}
	w, err := armor.Encode(&text, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(raw.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

func publicKey(t *testing.T, e *openpgp.Entity) []byte {
	return armored(t, "PGP PUBLIC KEY BLOCK", func(b *bytes.Buffer) error { return e.Serialize(b) })
}

func fingerprint(e *openpgp.Entity) string {
	return strings.ToUpper(hex.EncodeToString(e.PrimaryKey.Fingerprint))
}

func TestEncryptPGP(t *testing.T) {
	e, other := newPGP(t, 0), newPGP(t, 0)
	keys := &PublicKeys{}
	keys.Add([]byte("no key"))
	keys.Add(publicKey(t, other))
	keys.Add(publicKey(t, e))
	id := newIdentity(t)
	rule := &CreationRule{Groups: []KeyGroup{{PGP: []string{fingerprint(e)}, Age: []string{id.Recipient().String()}}}}
	out, err := Encryption{Rule: rule, Keys: keys, Now: encryptTime}.Encrypt("a.yaml", []byte("a: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	block, err := blockOf(parsed(t, out.Data)[0])
	if err != nil {
		t.Fatal(err)
	}
	entry := manifest.Items(block, "pgp")[0]
	if manifest.Text(entry, "fp") != fingerprint(e) || manifest.Text(entry, "created_at") != "2026-01-02T02:04:05Z" {
		t.Errorf("the entry is for %q, made at %q", manifest.Text(entry, "fp"), manifest.Text(entry, "created_at"))
	}
	message, err := armor.Decode(strings.NewReader(manifest.Text(entry, "enc")))
	if err != nil {
		t.Fatal(err)
	}
	details, err := openpgp.ReadMessage(message.Body, openpgp.EntityList{e}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var key bytes.Buffer
	if _, err := key.ReadFrom(details.UnverifiedBody); err != nil {
		t.Fatal(err)
	}
	want, err := readKeys(t, id.String()).dataKey(block)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(key.Bytes(), want) {
		t.Error("the PGP key and the age key give different data keys")
	}
}

// TestEncryptGnuPG: sops decrypts with gpg.
func TestEncryptGnuPG(t *testing.T) {
	if testing.Short() {
		t.Skip("builds sops")
	}
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip("there is no gpg")
	}
	e := newPGP(t, 0)
	// A path in t.TempDir() is too long for the agent's socket.
	dir, err := os.MkdirTemp("", "sops-gpg-")
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "gpg")
	gpg := func(program string, args ...string) error {
		cmd := exec.Command(program, append([]string{"--homedir", home}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Logf("%s: %s", program, out)
		}
		return err
	}
	t.Cleanup(func() {
		_ = gpg("gpgconf", "--kill", "all")
		os.RemoveAll(dir)
	})
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	private := armored(t, "PGP PRIVATE KEY BLOCK", func(b *bytes.Buffer) error { return e.SerializePrivate(b, nil) })
	write(t, dir, "private.asc", private)
	write(t, dir, "key.txt", nil)
	if err := gpg("gpg", "--batch", "--import", filepath.Join(dir, "private.asc")); err != nil {
		t.Fatal(err)
	}
	keys := &PublicKeys{}
	keys.Add(publicKey(t, e))
	for file, content := range map[string]string{"a.yaml": secretManifest, "a.env": "A=x\n", "a.ini": "[s]\na = x\n"} {
		out, err := Encryption{Rule: &CreationRule{Groups: []KeyGroup{{PGP: []string{fingerprint(e)}}}}, Keys: keys, Now: encryptTime}.Encrypt(file, []byte(content))
		if err != nil {
			t.Fatal(err)
		}
		checkRoundTrip(t, dir, file, content, string(out.Data))
	}
}

func TestEncryptPGPRefuses(t *testing.T) {
	expired := newPGP(t, 3600)
	signing := newPGP(t, 0)
	signing.Subkeys = nil
	keys := &PublicKeys{}
	keys.Add(publicKey(t, expired))
	keys.Add(publicKey(t, signing))
	keys.Add(bytes.Replace(publicKey(t, newPGP(t, 0)), []byte("\n\n"), []byte("\n\nAAAA"), 1))
	keys.Add([]byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n////\n-----END PGP PUBLIC KEY BLOCK-----\n"))
	sub := newPGP(t, 0)
	keys.Add(publicKey(t, sub))
	for name, c := range map[string]struct{ fingerprint, want string }{
		"expired":      {fingerprint(expired), "expired"},
		"signing only": {fingerprint(signing), "sign only"},
		"unknown":      {strings.Repeat("0", 40), "not in the repository"},
		"a subkey":     {hex.EncodeToString(sub.Subkeys[0].PublicKey.Fingerprint), "not in the repository"},
		"not hex":      {strings.Repeat("z", 40), "no fingerprint"},
		"short":        {fingerprint(sub)[24:], "whole fingerprint"},
	} {
		_, err := Encryption{Rule: &CreationRule{Groups: []KeyGroup{{PGP: []string{c.fingerprint}}}}, Keys: keys, Now: encryptTime}.Encrypt("a.yaml", []byte("a: x\n"))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
		if needs := name == "unknown" || name == "a subkey" || name == "short" || name == "not hex"; needs && !errors.Is(err, ErrNeedsSOPS) {
			t.Errorf("%s: the error does not say that sops may do it", name)
		}
	}
}

// TestSplitKey: any threshold of the shares give the key back, and no less.
func TestSplitKey(t *testing.T) {
	key := []byte("\x00\x01\x80\xffan ordinary key of some bytes")
	shares, err := splitKey(key, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got := interpolate(shares[4], shares[0], shares[2]); !bytes.Equal(got, key) {
		t.Errorf("three shares give %q", got)
	}
	if got := interpolate(shares[1], shares[3]); bytes.Equal(got, key) {
		t.Error("two shares give the key")
	}
	// The field is that of AES, in which these are each other's inverse.
	if got := multiply(0x53, 0xca); got != 1 {
		t.Errorf("0x53 * 0xca is %#x", got)
	}
}

// interpolate is the value at 0 of the polynomials through the shares.
func interpolate(shares ...[]byte) []byte {
	inverse := func(a byte) byte {
		for b := 1; b < 256; b++ {
			if multiply(a, byte(b)) == 1 {
				return byte(b)
			}
		}
		return 0
	}
	n := len(shares[0]) - 1
	key := make([]byte, n)
	for i, s := range shares {
		basis := byte(1)
		for j, o := range shares {
			if i != j {
				basis = multiply(basis, multiply(o[n], inverse(o[n]^s[n])))
			}
		}
		for k := range key {
			key[k] ^= multiply(s[k], basis)
		}
	}
	return key
}
