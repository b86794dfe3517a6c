package sops

import (
	"bytes"
	"strings"
	"testing"

	"filippo.io/age"
)

// FuzzEncrypt: a file is encrypted so that it can be decrypted to what it was, or it is
// refused; there is no panic, and no encrypted value is left clear.
func FuzzEncrypt(f *testing.F) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	keys, err := ReadKeys([]byte(id.String()))
	if err != nil {
		f.Fatal(err)
	}
	names := []string{"a.yaml", "a.json", "a.env", "a.ini", "a.bin"}
	selectors := []Selector{{}, {EncryptedRegex: "^(data|b)$"}, {UnencryptedRegex: "^c"}, {EncryptedSuffix: "a"}, {EncryptedCommentRegex: "x"}, {UnencryptedCommentRegex: "x"}}
	for _, c := range roundTrips {
		for i, name := range names {
			if FormatOf(c.file) == FormatOf(name) || c.file == "" && i == 0 {
				f.Add(uint8(i), uint8(0), c.text)
				f.Add(uint8(i), uint8(1), c.text)
			}
		}
	}
	f.Add(uint8(0), uint8(0), everyType)
	f.Add(uint8(0), uint8(0), merges)
	f.Fuzz(func(t *testing.T, format, selector uint8, text string) {
		name := names[int(format)%len(names)]
		rule := ruleFor(selectors[int(selector)%len(selectors)], id.Recipient().String())
		rule.MACOnlyEncrypted = selector&0x80 != 0
		out, err := Encryption{Rule: rule, Now: encryptTime}.Encrypt(name, []byte(text))
		if err != nil {
			return
		}
		if out.Values == 0 || !bytes.Contains(out.Data, []byte("ENC[")) {
			t.Fatal("nothing is encrypted")
		}
		if FormatOf(name) != YAML && FormatOf(name) != JSON && FormatOf(name) != Binary {
			return
		}
		docs := rawDocuments(t, out.Data)
		values, err := decryptAll(t, keys, docs)
		if err != nil {
			t.Fatalf("can't be decrypted: %v\n%q", err, out.Data)
		}
		if FormatOf(name) == YAML {
			if got, want := meaning(t, name, []byte(strings.Join(values, "---\n"))), meaning(t, name, []byte(text)); got != want {
				t.Errorf("decrypted to\n%s\nwant\n%s\nfrom\n%q", got, want, out.Data)
			}
		}
	})
}
