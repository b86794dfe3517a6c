package sops

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// MaxKeyFile is the largest file of public keys that is read.
const MaxKeyFile = 1 << 20

// maxPublicKeys bounds how many keys are kept.
const maxPublicKeys = 1000

// PublicKeys are public PGP keys, by which a data key is encrypted. The zero value has
// none.
type PublicKeys struct {
	entities openpgp.EntityList
}

// Add reads the public keys of an armored file. What is no such file is passed over: a
// repository may hold anything under the name of one.
func (k *PublicKeys) Add(data []byte) {
	if len(data) > MaxKeyFile || !bytes.Contains(data, []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----")) {
		return
	}
	defer func() {
		// The parser is fed by a stranger.
		_ = recover()
	}()
	entities, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(data))
	if err != nil || len(k.entities)+len(entities) > maxPublicKeys {
		return
	}
	k.entities = append(k.entities, entities...)
}

// wrap encrypts a key for whom a fingerprint names.
func (k *PublicKeys) wrap(fingerprint string, key []byte, now time.Time) (enc string, err error) {
	entity, err := k.find(fingerprint)
	if err != nil {
		return "", err
	}
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("the public key of %s is damaged: export it again", fingerprint)
		}
	}()
	var text bytes.Buffer
	armored, err := armor.Encode(&text, "PGP MESSAGE", nil)
	if err != nil {
		return "", fmt.Errorf("encrypting the data key for %s: %w", fingerprint, err)
	}
	config := &packet.Config{Time: func() time.Time { return now }}
	w, err := openpgp.Encrypt(armored, []*openpgp.Entity{entity}, nil, &openpgp.FileHints{IsBinary: true}, config)
	if err == nil {
		err = writeAll(key, w, armored)
	}
	if err != nil {
		return "", fmt.Errorf("the public key of %s can't be encrypted for, as it is expired, revoked or made to sign only: export it again", fingerprint)
	}
	return text.String(), nil
}

// find is the key that a fingerprint names. Less than a whole fingerprint names no one
// for sure, and the fingerprint of a subkey does not: anyone can bind another's to a key
// of his own.
func (k *PublicKeys) find(fingerprint string) (*openpgp.Entity, error) {
	id := strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(fingerprint, "0x"), "0X"))
	if len(id) < 40 {
		return nil, fmt.Errorf("the rule names the PGP key %s by less than its whole fingerprint, which could be another's: write all of it: %w", fingerprint, ErrNeedsSOPS)
	}
	want, err := hex.DecodeString(id)
	if err != nil {
		return nil, fmt.Errorf("the rule names the PGP key %s by what is no fingerprint: %w", fingerprint, ErrNeedsSOPS)
	}
	if k != nil {
		for _, e := range k.entities {
			if e.PrimaryKey != nil && bytes.Equal(e.PrimaryKey.Fingerprint, want) {
				return e, nil
			}
		}
	}
	return nil, fmt.Errorf("the public key of %s is not in the repository: put it beside the .sops.yaml, as .sops.pub.asc (gpg --export --armor %s): %w", fingerprint, fingerprint, ErrNeedsSOPS)
}
