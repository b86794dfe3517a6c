package sops

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

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
	// Keyless are the recipients for whom it is not, although they are named.
	Keyless []string
	// Groups are the groups of recipients, without those that are empty. More than
	// one share the data key, and Threshold of them are needed; 0 means all.
	Groups    []KeyGroup
	Threshold int
	// Selectors counts the fields that choose what is encrypted: SOPS takes
	// one at most.
	Selectors int
	Selector
	// Covers says that a value is encrypted, by the keys that lead to it; list
	// indexes are none of them. Where comments decide it says no.
	Covers func(path []string) bool
	// MAC, LastModified and Version are as they are written.
	MAC, LastModified, Version string
	// MACOnlyEncrypted says that the MAC does not cover clear values.
	MACOnlyEncrypted bool
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
	return readBlock(block)
}

func readBlock(block *yaml.Node) *Metadata {
	m := &Metadata{
		MAC: manifest.Text(block, "mac"), LastModified: manifest.Text(block, "lastmodified"), Version: manifest.Text(block, "version"),
		MACOnlyEncrypted: isTrue(manifest.Text(block, "mac_only_encrypted")),
		Selector: Selector{
			UnencryptedSuffix: manifest.Text(block, "unencrypted_suffix"), EncryptedSuffix: manifest.Text(block, "encrypted_suffix"),
			UnencryptedRegex: manifest.Text(block, "unencrypted_regex"), EncryptedRegex: manifest.Text(block, "encrypted_regex"),
			UnencryptedCommentRegex: manifest.Text(block, "unencrypted_comment_regex"), EncryptedCommentRegex: manifest.Text(block, "encrypted_comment_regex"),
		},
	}
	m.Threshold, _ = strconv.Atoi(manifest.Text(block, "shamir_threshold"))
	for _, f := range [...]struct{ name, value string }{{"mac", m.MAC}, {"lastmodified", m.LastModified}, {"version", m.Version}} {
		if f.value == "" {
			m.Missing = append(m.Missing, f.name)
		}
	}
	m.readGroups(block)
	m.Covers = selector(block, &m.Selectors)
	return m
}

// readGroups reads for whom the data key is encrypted. As in SOPS, groups count only
// where there is no recipient outside of one.
func (m *Metadata) readGroups(block *yaml.Node) {
	from := []*yaml.Node{block}
	if m.group(block).Empty() {
		from = manifest.Items(block, "key_groups")
	}
	for _, n := range from {
		if g := m.group(n); !g.Empty() {
			m.Groups = append(m.Groups, g)
			m.keyless(n)
		}
	}
	m.HasRecipient = len(m.Groups) > 0
}

// namers say what the entries of each list are known by.
var namers = [...]struct {
	list string
	name func(*yaml.Node) string
	in   func(*KeyGroup) *[]string
}{
	{"age", field("recipient"), func(g *KeyGroup) *[]string { return &g.Age }},
	{"pgp", field("fp"), func(g *KeyGroup) *[]string { return &g.PGP }},
	{"kms", field("arn"), func(g *KeyGroup) *[]string { return &g.KMS }},
	{"gcp_kms", field("resource_id"), func(g *KeyGroup) *[]string { return &g.GCPKMS }},
	{"azure_kv", func(n *yaml.Node) string {
		return azureKey(manifest.Text(n, "vault_url"), manifest.Text(n, "name"), manifest.Text(n, "version"))
	}, func(g *KeyGroup) *[]string { return &g.AzureKV }},
	{"hc_vault", func(n *yaml.Node) string {
		return vaultKey(manifest.Text(n, "vault_address"), manifest.Text(n, "engine_path"), manifest.Text(n, "key_name"))
	}, func(g *KeyGroup) *[]string { return &g.HCVault }},
	{"hckms", field("key_id"), func(g *KeyGroup) *[]string { return &g.HCKMS }},
}

func field(name string) func(*yaml.Node) string {
	return func(n *yaml.Node) string { return strings.TrimSpace(manifest.Text(n, name)) }
}

func (m *Metadata) group(n *yaml.Node) KeyGroup {
	var g KeyGroup
	for _, k := range namers {
		list := k.in(&g)
		for _, entry := range manifest.Items(n, k.list) {
			if name := k.name(entry); !slices.Contains(*list, name) && len(*list) < maxNamed {
				*list = append(*list, name)
			}
		}
	}
	return g
}

// maxNamed bounds how many recipients of a kind are told apart.
const maxNamed = 1000

// keyless notes the recipients that have no data key.
func (m *Metadata) keyless(n *yaml.Node) {
	for _, k := range namers {
		for _, entry := range manifest.Items(n, k.list) {
			if manifest.Text(entry, "enc") == "" {
				m.Keyless = append(m.Keyless, k.name(entry))
			}
		}
	}
}

// Recipients are all of them.
func (m *Metadata) Recipients() []string {
	var all []string
	for i := range m.Groups {
		for _, k := range namers {
			all = append(all, *k.in(&m.Groups[i])...)
		}
	}
	return all
}

// Fault is why SOPS refuses the block, and the field that is to blame, empty for the
// block as a whole; both are empty for a sound one.
func (m *Metadata) Fault() (fault, name string) {
	_, err := time.Parse(time.RFC3339, m.LastModified)
	switch {
	case len(m.Missing) > 0:
		return "the sops block lacks " + joinAnd(m.Missing), ""
	case !IsCiphertext(m.MAC):
		return "the mac of the sops block is not one that sops wrote", "mac"
	case err != nil:
		return "the lastmodified of the sops block is no time that sops reads", "lastmodified"
	case !isVersion(m.Version):
		return "the version of the sops block is none", "version"
	case m.Selectors > 1:
		return "the sops block has more than one selector: " + joinAnd(m.Selector.Set()), m.Selector.Set()[0]
	case !m.HasRecipient:
		return "the sops block names no recipient", ""
	case len(m.Keyless) > 0:
		return "the sops block holds no data key for " + m.Keyless[0], ""
	}
	return "", ""
}

// PatternFault is the selector that can't be compiled, so that SOPS takes it for one
// that matches nothing; empty for none.
func (m *Metadata) PatternFault() string {
	for _, f := range [...]struct{ name, pattern string }{
		{"encrypted_regex", m.EncryptedRegex}, {"unencrypted_regex", m.UnencryptedRegex},
		{"encrypted_comment_regex", m.EncryptedCommentRegex}, {"unencrypted_comment_regex", m.UnencryptedCommentRegex},
	} {
		if _, err := compilePattern(f.pattern); err != nil {
			return f.name
		}
	}
	return ""
}

// isVersion says that SOPS can compare the text with its own version.
func isVersion(s string) bool {
	digits, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(s), "v"), ".")
	_, err := strconv.ParseUint(digits, 10, 32)
	return err == nil
}

func joinAnd(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
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
		value := manifest.Text(block, kind)
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
