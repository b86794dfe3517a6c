package secrets

import (
	"regexp"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// sopsKinds are the kinds whose objects people encrypt with SOPS.
var sopsKinds = []schema.GroupKind{
	secretKind,
	configMapKind,
	{Group: "cert-manager.io", Kind: "ClusterIssuer"},
	{Group: "cert-manager.io", Kind: "Issuer"},
	{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"},
	{Group: "kustomize.toolkit.fluxcd.io", Kind: "Kustomization"},
}

// sopsMetadata is the sops block of a document.
type sopsMetadata struct {
	// missing names the fields without which the document can't be decrypted
	// or verified.
	missing []string
	// selectors counts the fields that choose what is encrypted: SOPS takes
	// one at most.
	selectors int
	covers    func(path []string) bool
}

// valid says that the block is one that SOPS wrote, as far as its form tells.
func (m *sopsMetadata) valid() bool {
	return m != nil && len(m.missing) == 0
}

// recipientLists are the fields that hold the encrypted data key.
var recipientLists = [...]string{"age", "pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms", "key_groups"}

// readSOPS reads the sops block of a document by its content. It is nil when
// the document has no sops mapping.
func readSOPS(doc *yaml.Node) *sopsMetadata {
	block := manifest.Get(doc, "sops")
	if block == nil || block.Kind != yaml.MappingNode {
		return nil
	}
	m := &sopsMetadata{}
	for _, name := range [...]string{"mac", "lastmodified"} {
		if text(block, name) == "" {
			m.missing = append(m.missing, name)
		}
	}
	recipients := false
	for _, name := range recipientLists {
		if list := manifest.Get(block, name); list != nil && list.Kind == yaml.SequenceNode && len(list.Content) > 0 {
			recipients = true
		}
	}
	if !recipients && text(block, "version") == "" {
		m.missing = append(m.missing, "version")
	}
	m.covers = selector(block, &m.selectors)
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

// coverage is what was found in a document's leaves, its sops block apart.
type coverage struct {
	ciphertext int
	values     int
	// clear are the leaves that are due to be ciphertext and are not.
	clear []*field.Path
	// encrypted is the first ciphertext.
	encrypted *field.Path
}

// readCoverage looks at every leaf of an object. What names the object is left
// out: it must be clear, or this would not be a Kubernetes object.
func readCoverage(doc *yaml.Node, m *sopsMetadata) coverage {
	var c coverage
	walk(doc, func(w *walker, n *yaml.Node) {
		top := w.steps[0].key
		switch top {
		case "sops", "apiVersion", "kind", "metadata", "type":
			if isCiphertext(n.Value) && top != "sops" {
				c.ciphertext++
			}
			return
		}
		if isNull(n) || n.Value == "" {
			return
		}
		c.values++
		if isCiphertext(n.Value) {
			c.ciphertext++
			if c.encrypted == nil {
				c.encrypted = w.path()
			}
			return
		}
		if m != nil && m.covers(w.keys()) {
			c.clear = append(c.clear, w.path())
		}
	})
	return c
}

// isSOPSDocument says that the text is a whole file that SOPS encrypted: YAML,
// JSON, the JSON that wraps a binary, dotenv or INI.
func isSOPSDocument(v string) bool {
	if !strings.Contains(v, "ENC[AES256_GCM,data:") || !strings.Contains(v, "sops") {
		return false
	}
	if isSOPSLines(v) {
		return true
	}
	docs, problems := manifest.Parse([]byte(v))
	unread := slices.ContainsFunc(problems, func(e *manifest.ReadError) bool { return e.Class != manifest.DuplicateKey })
	if unread || len(docs) == 0 {
		return false
	}
	for _, doc := range docs {
		m := readSOPS(doc)
		if doc.Kind != yaml.MappingNode || !m.valid() {
			return false
		}
		encrypted := 0
		clear := false
		walk(doc, func(w *walker, n *yaml.Node) {
			switch {
			case w.steps[0].key == "sops" || isNull(n) || n.Value == "":
			case isCiphertext(n.Value):
				encrypted++
			case m.covers(w.keys()):
				clear = true
			}
		})
		if clear || encrypted == 0 {
			return false
		}
	}
	return true
}

// isSOPSLines is isSOPSDocument for the two formats of lines.
func isSOPSLines(v string) bool {
	mac, modified, encrypted, inBlock := false, false, 0, false
	for line := range strings.Lines(v) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			inBlock = line == "[sops]"
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return false
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if own, ok := strings.CutPrefix(name, "sops_"); ok || inBlock {
			if inBlock {
				own = name
			}
			mac = mac || own == "mac" && isCiphertext(value)
			modified = modified || own == "lastmodified" && value != ""
			continue
		}
		switch {
		case value == "" || strings.HasSuffix(name, "_unencrypted"):
		case isCiphertext(value):
			encrypted++
		default:
			return false
		}
	}
	return mac && modified && encrypted > 0
}
