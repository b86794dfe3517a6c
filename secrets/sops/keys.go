// Package sops reads and writes what the program sops encrypts: YAML, JSON,
// dotenv, INI and binary files. It takes only the parts of getsops/sops that
// wrap data keys for age and PGP: the rest of that module connects to a database
// that /etc/sops/audit.yaml names as soon as it is linked. It opens no socket
// and starts no program.
package sops

import (
	"bytes"
	"cmp"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

var (
	// ErrNotSOPS says that a document has no sops block: there is nothing to
	// decrypt.
	ErrNotSOPS = errors.New("the document has no sops block")
	// ErrNoKey says that a document was encrypted for other keys than those at
	// hand, or for none of age's.
	ErrNoKey = errors.New("none of the age keys decrypts the document: add the key of one of its recipients to the key file")
	// ErrMAC says that a document is not what SOPS wrote: a value was changed,
	// added, removed or moved.
	ErrMAC = errors.New("the document was changed without sops: its MAC does not match")
)

const (
	// maxRecipients bounds how many wrapped data keys of a document are tried;
	// those that name a recipient of our own come first.
	maxRecipients = 64
	// maxWrapped is the largest wrapped data key, in bytes. That of a
	// post-quantum recipient takes 2.3 KiB.
	maxWrapped  = 8 << 10
	dataKeySize = 32
	nonceSize   = 32
)

// macOnlyEncryptedSeed is what SOPS hashes before the values when
// mac_only_encrypted is set: the SHA-256 of "sops".
const macOnlyEncryptedSeed = "\x8a\x3f\xd2\xad\x54\xce\x66\x52\x7b\x10\x34\xf3\xd1\x47\xbe\x0b\x0b\x97\x5b\x3b\xf4\x4f\x72\xc6\xfd\xad\xec\x81\x76\xf2\x7d\x69"

// Keys are the age identities that SOPS documents are decrypted with. The zero
// value has none. Its methods may be called concurrently.
type Keys struct {
	identities []age.Identity
	recipients map[string]bool
}

// ReadKeys reads the text of an age key file: an identity per line, empty lines
// and those that begin with # apart. Only age's own identities are taken: SSH
// keys, identities of plugins and files under a passphrase are refused, as they
// would need a program or a person. No error holds what a line says.
func ReadKeys(data []byte) (*Keys, error) {
	k := &Keys{recipients: map[string]bool{}}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text := string(bytes.TrimSpace(line))
		if text == "" || text[0] == '#' {
			continue
		}
		if err := k.add(text); err != nil {
			return nil, fmt.Errorf("reading age keys: line %d: %w", number, err)
		}
	}
	if len(k.identities) == 0 {
		return nil, errors.New("reading age keys: the file holds none: make one with age-keygen")
	}
	return k, nil
}

func (k *Keys) add(line string) error {
	switch {
	case strings.HasPrefix(line, "AGE-SECRET-KEY-PQ-1"):
		id, err := age.ParseHybridIdentity(line)
		if err != nil {
			// The error quotes parts of the key.
			return errors.New("the age key is damaged: copy it again")
		}
		k.identities = append(k.identities, id)
		k.recipients[id.Recipient().String()] = true
	case strings.HasPrefix(line, "AGE-SECRET-KEY-1"):
		id, err := age.ParseX25519Identity(line)
		if err != nil {
			return errors.New("the age key is damaged: copy it again")
		}
		k.identities = append(k.identities, id)
		k.recipients[id.Recipient().String()] = true
	case strings.HasPrefix(line, "AGE-PLUGIN-"):
		return errors.New("the identity belongs to an age plugin, and no program is run to decrypt: use a key that begins with AGE-SECRET-KEY-")
	case strings.HasPrefix(line, "-----BEGIN AGE ENCRYPTED FILE"), strings.HasPrefix(line, "age-encryption.org/"):
		return errors.New("the key file is itself encrypted: decrypt it with age first")
	case strings.HasPrefix(line, "-----BEGIN "), strings.HasPrefix(line, "ssh-"):
		return errors.New("SSH keys are not used to decrypt: use a key that begins with AGE-SECRET-KEY-")
	case strings.HasPrefix(line, "age1"):
		return errors.New("this is the public half of an age key: use the line that begins with AGE-SECRET-KEY-")
	default:
		return errors.New("this is no age key: one begins with AGE-SECRET-KEY-")
	}
	return nil
}

// Decrypt is a copy of a document that SOPS encrypted, YAML or JSON, with the
// values that its rules encrypt in clear, typed as SOPS types them, and without
// the sops block, encrypted comments and anchors. Every node keeps the place of
// the one that it stands for. What the rules leave clear is as it was.
//
// It fails as a whole if one value does, and as SOPS does if one that is due to
// be encrypted is not; which ones are is not known where the rule goes by
// comments. A merge key is part of the path that the values below it are bound
// to: a file in which SOPS wrote one can't be decrypted after [manifest.Parse]
// has resolved it. Bytes that are no UTF-8 become !!binary.
//
// Errors never hold a value. They are ErrNotSOPS, ErrNoKey, or say what is wrong
// with the document. The MAC is not looked at: that is Verify's.
func (k *Keys) Decrypt(doc *yaml.Node) (*yaml.Node, error) {
	d, err := k.open(doc)
	if err != nil {
		return nil, err
	}
	return d.document(doc)
}

// Verify says whether the documents are what SOPS wrote, by the MAC of the
// first: SOPS computes one over all documents of a file, and writes it to each.
// So it takes all of them, in the order of the file. Comments are not covered,
// nor are, with mac_only_encrypted, clear values. The error is ErrMAC, or one of
// those of Decrypt.
func (k *Keys) Verify(docs ...*yaml.Node) error {
	if len(docs) == 0 {
		return ErrNotSOPS
	}
	d, err := k.open(docs[0])
	if err != nil {
		return err
	}
	d.mac = sha512.New()
	if d.macOnlyEncrypted {
		d.mac.Write([]byte(macOnlyEncryptedSeed))
	}
	for _, doc := range docs {
		if _, err := d.document(doc); err != nil {
			return err
		}
	}
	written, err := d.writtenMAC()
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(written), fmt.Appendf(nil, "%X", d.mac.Sum(nil))) != 1 {
		return ErrMAC
	}
	return nil
}

// VerifyFile is Verify for a file of YAML or JSON, as a linter asks: it is nil
// for what holds nothing of SOPS, what is for other keys, and for what can't be
// told: other formats, shared keys, and files with merge keys, which are part of
// what SOPS signs and gone when the file is read.
func (k *Keys) VerifyFile(name string, data []byte) error {
	f := ReadFile(name, data)
	if f == nil || f.damaged || bytes.Contains(data, []byte("<<")) {
		return nil
	}
	var docs []*yaml.Node
	for _, d := range f.Documents {
		if d.Node == nil || d.Prefix != "" || d.Metadata == nil || len(d.Metadata.Groups) > 1 {
			return nil
		}
		docs = append(docs, d.Node)
	}
	err := k.Verify(docs...)
	if errors.Is(err, ErrNoKey) || errors.Is(err, ErrNotSOPS) {
		return nil
	}
	return err
}

// writtenMAC is the MAC that the sops block holds. It is encrypted as a value is,
// with the time of the last change in the place of the path.
func (d *decrypter) writtenMAC() (string, error) {
	modified, err := time.Parse(time.RFC3339, manifest.Text(d.block, "lastmodified"))
	mac := manifest.Text(d.block, "mac")
	if err != nil || !IsCiphertext(mac) {
		return "", fmt.Errorf("%w: the sops block has no valid mac and lastmodified", ErrMAC)
	}
	value, err := d.value(mac, []byte(modified.Format(time.RFC3339)))
	if err != nil {
		return "", fmt.Errorf("%w: mac or lastmodified of the sops block was changed", ErrMAC)
	}
	written, _ := value.(string)
	return written, nil
}

// open reads the sops block of a document and unwraps its data key.
func (k *Keys) open(doc *yaml.Node) (*decrypter, error) {
	block, err := blockOf(doc)
	if err != nil {
		return nil, err
	}
	d, err := newDecrypter(block)
	if err != nil {
		return nil, err
	}
	key, err := k.dataKey(block)
	if err != nil {
		return nil, err
	}
	return d, d.useKey(key)
}

func blockOf(doc *yaml.Node) (*yaml.Node, error) {
	root := rootOf(doc)
	if root == nil {
		return nil, ErrNotSOPS
	}
	var block *yaml.Node
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "sops" || root.Content[i].Kind != yaml.ScalarNode {
			continue
		}
		if block != nil {
			return nil, errors.New("the document has two sops blocks: remove the one that sops did not write")
		}
		block = root.Content[i+1]
	}
	if block == nil || block.Kind != yaml.MappingNode {
		return nil, ErrNotSOPS
	}
	return block, nil
}

// rootOf is the mapping that a document consists of, or nil.
func rootOf(doc *yaml.Node) *yaml.Node {
	if doc != nil && doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		doc = doc.Content[0]
	}
	if doc == nil || doc.Kind != yaml.MappingNode {
		return nil
	}
	return doc
}

// dataKey unwraps the key that the values of a document are encrypted with.
func (k *Keys) dataKey(block *yaml.Node) ([]byte, error) {
	recipients, err := ageRecipients(block)
	if err != nil {
		return nil, err
	}
	type wrapped struct {
		foreign int
		enc     string
	}
	var all []wrapped
	for _, r := range recipients {
		enc := manifest.Text(r, "enc")
		if enc == "" || len(enc) > maxWrapped {
			continue
		}
		w := wrapped{foreign: 1, enc: enc}
		if k.recipients[strings.TrimSpace(manifest.Text(r, "recipient"))] {
			w.foreign = 0
		}
		all = append(all, w)
	}
	// Whom a key is for is not authenticated, so it only says what to try first.
	slices.SortStableFunc(all, func(a, b wrapped) int { return cmp.Compare(a.foreign, b.foreign) })
	for _, w := range all[:min(len(all), maxRecipients)] {
		if key := k.unwrap(w.enc); key != nil {
			return key, nil
		}
	}
	return nil, ErrNoKey
}

// ageRecipients are the entries of age that a document's data key is wrapped
// for. As in SOPS, key groups count only where there is no recipient outside of
// one, and more than one of them hold shares of the key.
func ageRecipients(block *yaml.Node) ([]*yaml.Node, error) {
	from := block
	ungrouped := slices.ContainsFunc(recipientLists[:], func(name string) bool {
		return name != "key_groups" && len(manifest.Items(block, name)) > 0
	})
	if groups := manifest.Items(block, "key_groups"); !ungrouped && len(groups) > 0 {
		if len(groups) > 1 {
			return nil, errors.New("the document's key is shared between key groups (shamir_threshold), which is not supported: decrypt it with sops")
		}
		from = groups[0]
	}
	return manifest.Items(from, "age"), nil
}

// unwrap is nil if no identity fits. Why it does not is of no use to anyone: a
// document has an entry for each of its recipients.
func (k *Keys) unwrap(enc string) []byte {
	if len(k.identities) == 0 {
		return nil
	}
	// Decrypt sorts its identities in place.
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(enc)), slices.Clone(k.identities)...)
	if err != nil {
		return nil
	}
	key, err := io.ReadAll(io.LimitReader(r, dataKeySize+1))
	if err != nil || len(key) != dataKeySize {
		return nil
	}
	return key
}

// newDecrypter reads what the sops block says about which values are encrypted.
func newDecrypter(block *yaml.Node) (*decrypter, error) {
	d := &decrypter{block: block, known: map[string]bool{}, macOnlyEncrypted: isTrue(manifest.Text(block, "mac_only_encrypted"))}
	selectors := 0
	d.covers = selector(block, &selectors)
	if selectors > 1 {
		return nil, errors.New("the sops block has more than one rule for what is encrypted, and sops takes one: remove what was added")
	}
	for _, name := range [...]string{"encrypted_regex", "unencrypted_regex"} {
		pattern := manifest.Text(block, name)
		if _, err := regexp.Compile(pattern); err != nil || len(pattern) > maxPattern {
			return nil, fmt.Errorf("the %s of the sops block can't be read as a regular expression", name)
		}
	}
	d.byForm = manifest.Text(block, "encrypted_comment_regex") != "" || manifest.Text(block, "unencrypted_comment_regex") != ""
	d.byDefault = d.covers(nil)
	return d, nil
}

// maxPattern is what selector takes.
const maxPattern = 4096

func isTrue(s string) bool {
	v, err := strconv.ParseBool(s)
	return err == nil && v
}
