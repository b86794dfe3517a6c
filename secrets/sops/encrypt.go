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
	"hash"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// writtenVersion is the release of sops whose form is written.
const writtenVersion = "3.13.3"

// maxEncrypt is the largest file that is encrypted: what the rest of scantling
// reads of one manifest.
const maxEncrypt = 10 << 20

// ErrNeedsSOPS says that a file can't be encrypted here and can be with the program
// sops, which may reach a key service or start a plugin.
var ErrNeedsSOPS = errors.New("this needs the program sops")

// ErrEncrypted says that there is nothing to do: SOPS encrypted the file already.
var ErrEncrypted = errors.New("it is encrypted already")

// Encryption is how a file is encrypted.
type Encryption struct {
	// Rule is the creation rule that governs the file.
	Rule *CreationRule
	// Keys are the public PGP keys at hand.
	Keys *PublicKeys
	// Now is the time that the file's metadata say.
	Now time.Time
	// Sensitive says that a value must not stay clear, by the keys that lead to it;
	// nil for none. The data of a Secret never may.
	Sensitive func(keys []string, value string) bool
}

// Encrypted is a file that SOPS can decrypt.
type Encrypted struct {
	Data []byte
	// Values counts the values that were encrypted.
	Values int
	// Structure says that apiVersion and kind of an object are among them, so that
	// nothing but a tool that decrypts whole files can read it.
	Structure bool

	clear [][]byte
}

// Discloses says that a text holds one of the values as they were written.
func (e *Encrypted) Discloses(data []byte) bool {
	return slices.ContainsFunc(e.clear, func(value []byte) bool { return standsIn(data, value) })
}

// standsIn says that a text holds a value that is no part of a longer one.
func standsIn(data, value []byte) bool {
	for at := 0; ; at++ {
		i := bytes.Index(data[at:], value)
		if i < 0 {
			return false
		}
		at += i
		end := at + len(value)
		if (at == 0 || isBeside(data[at-1])) && (end == len(data) || isBeside(data[end])) {
			return true
		}
	}
}

func isBeside(c byte) bool { return strings.IndexByte(" \t\r\n\"'=:,[]{}", c) >= 0 }

// Encrypt gives the file as SOPS encrypts it, with all else as it was: comments that
// no rule covers, blank lines, quotes, order, indentation. The name tells the format,
// as it does for SOPS. It is an error if SOPS would not give back what the file means,
// if a value that must not stay clear would, or if nothing would be encrypted.
//
// No error holds a value.
func (e Encryption) Encrypt(name string, data []byte) (*Encrypted, error) {
	if e.Rule == nil {
		return nil, errors.New("no creation rule governs it")
	}
	if len(data) > maxEncrypt {
		return nil, fmt.Errorf("it is larger than %d MiB", maxEncrypt>>20)
	}
	format := FormatOf(path.Base(name))
	if bytes.Contains(data, []byte("ENC[AES256_GCM,")) {
		if f := ReadFile(name, data); f != nil {
			for _, d := range f.Documents {
				if d.Metadata.Valid() {
					return nil, ErrEncrypted
				}
			}
		}
		return nil, errors.New("it holds values that sops encrypted already: restore the file as it was before, or remove them")
	}
	choice, err := newChoice(e.Rule, format)
	if err != nil {
		return nil, err
	}
	s := &sealer{choice: choice, sensitive: e.Sensitive}
	if err := s.begin(); err != nil {
		return nil, err
	}
	recipients, err := wrapFor(e.Rule, e.Keys, s.key, e.Now)
	if err != nil {
		return nil, err
	}
	s.recipients, s.modified = recipients, e.Now.UTC().Format(time.RFC3339)
	var out []byte
	switch format {
	case YAML:
		out, err = s.yaml(data)
	case JSON:
		out, err = s.json(data)
	case Dotenv:
		out, err = s.dotenv(data)
	case INI:
		out, err = s.ini(data)
	default:
		out, err = s.binary(data)
	}
	if err != nil {
		return nil, err
	}
	return &Encrypted{Data: out, Values: s.values, Structure: s.structure, clear: s.clear}, nil
}

// leaf is what SOPS takes for a value or a comment of a file, in the order in which it
// goes through it.
type leaf struct {
	keys []string
	// value is a string, int, float64, bool or time.Time. Empty strings are neither
	// hidden nor authenticated.
	value     any
	isComment bool
	covered   bool
	line      int
	// at are the bytes that the value is written in; empty for what a second sight
	// of it, by an alias, gives.
	at textRange
	// quote says that the ciphertext must stand in quotes there.
	quote bool
	// mark is put before the ciphertext.
	mark string
}

func (l *leaf) empty() bool { return l.value == nil || l.value == "" }

// sealer encrypts the values of one file.
type sealer struct {
	key        []byte
	aead       gcm.AEAD
	mac        hash.Hash
	choice     *choice
	recipients map[string]any
	modified   string
	sensitive  func(keys []string, value string) bool

	values    int
	structure bool
	clear     [][]byte
}

func (s *sealer) begin() error {
	s.key = make([]byte, dataKeySize)
	// It never fails.
	_, _ = rand.Read(s.key)
	block, err := aes.NewCipher(s.key)
	if err != nil {
		return fmt.Errorf("making a data key: %w", err)
	}
	if s.aead, err = gcm.NewGCMWithNonceSize(block, nonceSize); err != nil {
		return fmt.Errorf("making a data key: %w", err)
	}
	s.mac = newMAC(s.choice.macOnlyEncrypted)
	return nil
}

func newMAC(onlyEncrypted bool) hash.Hash {
	mac := sha512.New()
	if onlyEncrypted {
		mac.Write([]byte(macOnlyEncryptedSeed))
	}
	return mac
}

// take looks at a value, in the order of the file: adds it to the MAC and refuses it if
// it must not stay clear.
func (s *sealer) take(l *leaf) error {
	if l.isComment || l.empty() {
		return nil
	}
	data, ok := macBytes(l.value)
	if !ok {
		return refusal(l.line, "sops can't encrypt a value of this type: put it in quotes")
	}
	if !s.choice.macOnlyEncrypted || l.covered {
		s.mac.Write(data)
	}
	if l.covered {
		s.values++
		return nil
	}
	if text, ok := l.value.(string); ok && s.sensitive != nil && s.sensitive(l.keys, text) {
		return refusal(l.line, "the rule would leave %s clear: let its selector cover the key", keyPath(l.keys))
	}
	return nil
}

// seal is the ciphertext of a value.
func (s *sealer) seal(value any, isComment bool, additional string) (string, error) {
	plain, ok := macBytes(value)
	kind := typeName(value)
	if isComment {
		kind = "comment"
	}
	if !ok || kind == "" {
		return "", errors.New("sops has no form for a value of this type: put it in quotes")
	}
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce)
	sealed := s.aead.Seal(nil, nonce, plain, []byte(additional))
	end := len(sealed) - s.aead.Overhead()
	encode := base64.StdEncoding.EncodeToString
	return "ENC[AES256_GCM,data:" + encode(sealed[:end]) + ",iv:" + encode(nonce) + ",tag:" + encode(sealed[end:]) + ",type:" + kind + "]", nil
}

// sealLeaf is the ciphertext of a leaf, bound to the keys that lead to it.
func (s *sealer) sealLeaf(l *leaf) (string, error) {
	text, err := s.seal(l.value, l.isComment, additionalData(l.keys))
	if err != nil {
		return "", refusal(l.line, "%w", err)
	}
	return text, nil
}

// additionalData is what a ciphertext is bound to: the keys, each with a colon.
func additionalData(keys []string) string { return strings.Join(keys, ":") + ":" }

func typeName(value any) string {
	switch value.(type) {
	case string:
		return "str"
	case int:
		return "int"
	case float64:
		return "float"
	case bool:
		return "bool"
	case time.Time:
		return "time"
	}
	return ""
}

// metadata are the fields of the sops block, for when all values are in the MAC.
func (s *sealer) metadata() (map[string]any, error) {
	if s.values == 0 {
		return nil, errors.New("there is nothing that the rule encrypts in it: let its selector cover the keys of the secret values")
	}
	mac, err := s.seal(fmt.Sprintf("%X", s.mac.Sum(nil)), false, s.modified)
	if err != nil {
		return nil, err
	}
	block := map[string]any{"lastmodified": s.modified, "mac": mac, "version": writtenVersion}
	for name, value := range s.recipients {
		block[name] = value
	}
	if s.choice.field != "" {
		block[s.choice.field] = s.choice.pattern
	}
	if s.choice.macOnlyEncrypted {
		block["mac_only_encrypted"] = true
	}
	return block, nil
}

// remember keeps how an encrypted value was written.
func (s *sealer) remember(written []byte) {
	if written = bytes.Trim(written, " \t\r\n\"'"); len(written) > 0 {
		s.clear = append(s.clear, written)
	}
}

// binary makes the JSON that SOPS puts other files into, as one value. No selector
// applies to it.
func (s *sealer) binary(data []byte) ([]byte, error) {
	l := &leaf{keys: []string{"data"}, value: string(data), covered: true}
	if err := s.take(l); err != nil {
		return nil, err
	}
	s.remember(data)
	if s.values == 0 {
		return nil, errors.New("it is empty: there is nothing to encrypt")
	}
	text, err := s.sealLeaf(l)
	if err != nil {
		return nil, err
	}
	block, err := s.metadata()
	if err != nil {
		return nil, err
	}
	written, err := jsonBlock(block, "\t", "\t", "\n")
	if err != nil {
		return nil, err
	}
	out := "{\n\t\"data\": " + strconv.Quote(text) + ",\n\t\"sops\": " + written + "\n}\n"
	return []byte(out), s.verify([]byte(out), JSON, []*leaf{l})
}

// refusal is why a line can't be encrypted.
func refusal(line int, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if line == 0 {
		return err
	}
	return fmt.Errorf("line %d: %w", line, err)
}

// keyPath is a path for people.
func keyPath(keys []string) string { return strings.Join(keys, ".") }

func validText(data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("it is not UTF-8, which sops would damage: save it as UTF-8")
	}
	return nil
}
