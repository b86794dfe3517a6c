package sops

import "github.com/scantling-dev/scantling/internal/manifest"

// ConfigName is the name of the file that holds creation rules. SOPS reads no
// other: .sops.yml is not looked at.
const ConfigName = ".sops.yaml"

// Config is a .sops.yaml: which file is encrypted for whom.
type Config struct {
	// File is its path from the repository's root; the paths of its rules are
	// relative to its folder.
	File  string
	Rules []*CreationRule
}

// CreationRule says for whom the files that it matches are encrypted, and which of
// their values.
type CreationRule struct {
	// PathRegex matches the path of a file, relative to the configuration's
	// folder; empty for every file.
	PathRegex string
	// At is where the rule is written.
	At manifest.Span
	// Groups are the groups of recipients. More than one share the data key
	// (Shamir); with Threshold of them it can be had, 0 meaning all.
	Groups    []KeyGroup
	Threshold int
	Selector
	MACOnlyEncrypted bool
}

// Selector says which values of a document are encrypted. At most one of its
// fields is set; none means UnencryptedSuffix "_unencrypted".
type Selector struct {
	UnencryptedSuffix, EncryptedSuffix             string
	UnencryptedRegex, EncryptedRegex               string
	UnencryptedCommentRegex, EncryptedCommentRegex string
}

// KeyGroup are recipients, of whom each alone can decrypt.
type KeyGroup struct {
	// Age are recipients of age, PGP fingerprints; both without duplicates, in the
	// order of the file.
	Age, PGP []string
	// KMS, GCPKMS, AzureKV, HCVault and HCKMS are the keys of services, which
	// can't be used without a network.
	KMS, GCPKMS, AzureKV, HCVault, HCKMS []string
}

// Fault is what is wrong with a configuration, by the place where it is written.
type Fault struct {
	At manifest.Span
	// Key says which part of the file it is, such as
	// "creation_rules[0].path_regex".
	Key     string
	Message string
}
