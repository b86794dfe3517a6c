package sops

import (
	"regexp"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// Metadata is what the sops block of a document says.
type Metadata struct {
	// Missing names the fields without which the document can't be decrypted
	// or verified.
	Missing []string
	// HasRecipient says that the data key is encrypted for someone.
	HasRecipient bool
	// Selectors counts the fields that choose what is encrypted: SOPS takes
	// one at most.
	Selectors int
	// Covers says that a value is encrypted, by the keys that lead to it; list
	// indexes are none of them.
	Covers func(path []string) bool
}

// Valid says that the block is one that SOPS wrote, as far as its form tells.
func (m *Metadata) Valid() bool {
	return m != nil && len(m.Missing) == 0
}

// recipientLists are the fields that hold the encrypted data key.
var recipientLists = [...]string{"age", "pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms", "key_groups"}

// Read reads the sops block of a document by its content. It is nil when
// the document has no sops mapping.
func Read(doc *yaml.Node) *Metadata {
	block := manifest.Get(doc, "sops")
	if block == nil || block.Kind != yaml.MappingNode {
		return nil
	}
	m := &Metadata{}
	for _, name := range [...]string{"mac", "lastmodified"} {
		if text(block, name) == "" {
			m.Missing = append(m.Missing, name)
		}
	}
	m.HasRecipient = slices.ContainsFunc(recipientLists[:], func(name string) bool { return len(items(block, name)) > 0 })
	if !m.HasRecipient && text(block, "version") == "" {
		m.Missing = append(m.Missing, "version")
	}
	m.Covers = selector(block, &m.Selectors)
	return m
}

// selector decides as SOPS does which leaves are encrypted: any element of the
// path may match, list indexes are no elements. Selectors that go by comments
// are not judged: what they cover is not known.
func selector(block *yaml.Node, count *int) func([]string) bool {
	match := func(test func(string) bool, hit bool) func([]string) bool {
		return func(path []string) bool {
			for _, element := range path {
				if test(element) {
					return hit
				}
			}
			return !hit
		}
	}
	nothing := func([]string) bool { return false }
	covers := match(func(s string) bool { return strings.HasSuffix(s, "_unencrypted") }, false)
	for _, kind := range [...]string{"unencrypted_suffix", "encrypted_suffix", "unencrypted_regex", "encrypted_regex", "unencrypted_comment_regex", "encrypted_comment_regex"} {
		value := text(block, kind)
		if value == "" {
			continue
		}
		*count++
		hit := strings.HasPrefix(kind, "encrypted")
		switch {
		case strings.HasSuffix(kind, "comment_regex"):
			covers = nothing
		case strings.HasSuffix(kind, "regex"):
			// RE2 takes time linear in the text, but the pattern comes from
			// the repository, so its size is bounded.
			re, err := regexp.Compile(value)
			if err != nil || len(value) > 4096 {
				covers = nothing
				continue
			}
			covers = match(re.MatchString, hit)
		default:
			covers = match(func(s string) bool { return strings.HasSuffix(s, value) }, hit)
		}
	}
	return covers
}

// text is a scalar's text under a key, empty for null.
func text(n *yaml.Node, key string) string {
	if v := manifest.Get(n, key); v != nil && v.Kind == yaml.ScalarNode && v.Tag != "!!null" {
		return v.Value
	}
	return ""
}
