package sops

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// wrapFor encrypts a data key for the recipients of a rule, and gives the fields of the
// sops block that hold it.
func wrapFor(rule *CreationRule, keys *PublicKeys, dataKey []byte, now time.Time) (map[string]any, error) {
	if len(rule.Groups) == 0 {
		return nil, errors.New("the rule names no recipient")
	}
	for _, g := range rule.Groups {
		if err := offline(g); err != nil {
			return nil, err
		}
	}
	fields := map[string]any{}
	if rule.Threshold != 0 {
		fields["shamir_threshold"] = rule.Threshold
	}
	if len(rule.Groups) == 1 {
		group, err := wrapGroup(rule.Groups[0], keys, dataKey, now)
		for name, list := range group {
			fields[name] = list
		}
		return fields, err
	}
	threshold := rule.Threshold
	if threshold == 0 {
		threshold = len(rule.Groups)
		fields["shamir_threshold"] = threshold
	}
	shares, err := splitKey(dataKey, len(rule.Groups), threshold)
	if err != nil {
		return nil, err
	}
	var groups []any
	for i, g := range rule.Groups {
		group, err := wrapGroup(g, keys, shares[i], now)
		if err != nil {
			return nil, err
		}
		groups = append(groups, group)
	}
	fields["key_groups"] = groups
	return fields, nil
}

// offline says why a key can't be wrapped for a group without a network or a program.
func offline(g KeyGroup) error {
	switch {
	case g.Empty():
		return errors.New("a key group of the rule names no recipient")
	case len(g.KMS)+len(g.GCPKMS)+len(g.AzureKV)+len(g.HCVault)+len(g.HCKMS) > 0:
		return fmt.Errorf("the rule names a key of a key service, which no one reaches offline: %w", ErrNeedsSOPS)
	}
	for _, r := range g.Age {
		if name, plugin := AgePlugin(r); plugin {
			return fmt.Errorf("the rule names a recipient of the age plugin %s, and no program is started: %w", name, ErrNeedsSOPS)
		}
		if strings.HasPrefix(r, "ssh-") {
			return fmt.Errorf("the rule names an SSH key: %w", ErrNeedsSOPS)
		}
	}
	return nil
}

// wrapGroup encrypts a key for each of a group.
func wrapGroup(g KeyGroup, keys *PublicKeys, key []byte, now time.Time) (map[string]any, error) {
	group := map[string]any{}
	var list []any
	for _, r := range g.Age {
		enc, err := wrapAge(r, key)
		if err != nil {
			return nil, err
		}
		list = append(list, map[string]any{"recipient": r, "enc": enc})
	}
	if len(list) > 0 {
		group["age"] = list
	}
	list = nil
	for _, fingerprint := range g.PGP {
		enc, err := keys.wrap(fingerprint, key, now)
		if err != nil {
			return nil, err
		}
		list = append(list, map[string]any{"fp": fingerprint, "created_at": now.UTC().Format(time.RFC3339), "enc": enc})
	}
	if len(list) > 0 {
		group["pgp"] = list
	}
	return group, nil
}

// wrapAge encrypts a key for a recipient of age's own.
func wrapAge(recipient string, key []byte) (string, error) {
	var to age.Recipient
	var err error
	switch {
	case strings.HasPrefix(recipient, "age1pq1"):
		to, err = age.ParseHybridRecipient(recipient)
	case strings.HasPrefix(recipient, "age1"):
		to, err = age.ParseX25519Recipient(recipient)
	default:
		err = errors.ErrUnsupported
	}
	if err != nil {
		return "", errors.New("the rule names an age recipient that is none: copy it again")
	}
	var text bytes.Buffer
	armored := armor.NewWriter(&text)
	w, err := age.Encrypt(armored, to)
	if err == nil {
		err = writeAll(key, w, armored)
	}
	if err != nil {
		return "", fmt.Errorf("encrypting the data key for an age recipient: %w", err)
	}
	return text.String(), nil
}

// writeAll writes a key to what encrypts it, and ends that and what it is written to.
func writeAll(key []byte, sealed, armored io.WriteCloser) error {
	if _, err := sealed.Write(key); err != nil {
		return err
	}
	if err := sealed.Close(); err != nil {
		return err
	}
	return armored.Close()
}
