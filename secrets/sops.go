package secrets

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/secrets/sops"
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
func readCoverage(doc *yaml.Node, m *sops.Metadata) coverage {
	var c coverage
	walk(doc, func(w *walker, n *yaml.Node) {
		top := w.steps[0].key
		switch top {
		case "sops", "apiVersion", "kind", "metadata", "type":
			if sops.IsCiphertext(n.Value) && top != "sops" {
				c.ciphertext++
			}
			return
		}
		if isNull(n) || n.Value == "" {
			return
		}
		c.values++
		if sops.IsCiphertext(n.Value) {
			c.ciphertext++
			if c.encrypted == nil {
				c.encrypted = w.path()
			}
			return
		}
		if m != nil && m.Covers(w.keys()) {
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
		m := sops.Read(doc)
		if doc.Kind != yaml.MappingNode || !m.Valid() {
			return false
		}
		encrypted := 0
		clear := false
		walk(doc, func(w *walker, n *yaml.Node) {
			switch {
			case w.steps[0].key == "sops" || isNull(n) || n.Value == "":
			case sops.IsCiphertext(n.Value):
				encrypted++
			case m.Covers(w.keys()):
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
			mac = mac || own == "mac" && sops.IsCiphertext(value)
			modified = modified || own == "lastmodified" && value != ""
			continue
		}
		switch {
		case value == "" || strings.HasSuffix(name, "_unencrypted"):
		case sops.IsCiphertext(value):
			encrypted++
		default:
			return false
		}
	}
	return mac && modified && encrypted > 0
}
