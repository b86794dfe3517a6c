package secrets

import (
	"bytes"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// What the rules share that ask whether what is encrypted is decrypted where it is
// deployed.

var (
	fluxKustomizationKind = schema.GroupKind{Group: "kustomize.toolkit.fluxcd.io", Kind: "Kustomization"}
	fluxHelmReleaseKind   = schema.GroupKind{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"}
	argoApplicationKind   = schema.GroupKind{Group: "argoproj.io", Kind: "Application"}
)

// fluxDecryptAnnotation, set to Disabled in any case, makes Flux leave an object
// encrypted.
const fluxDecryptAnnotation = "kustomize.toolkit.fluxcd.io/decrypt"

// sealedObject is an object of which something has to be decrypted before the
// cluster gets it.
type sealedObject struct {
	object *manifest.Object
	// at is the field that SOPS wrote: the sops block, or an entry of a Secret that
	// is a whole SOPS file.
	at   *field.Path
	keys recipientKinds
}

// file is where what SOPS wrote stands.
func (s sealedObject) file() string { return s.object.Near(s.at).File }

// sealedBy says what of an object is for others to decrypt; ok is false for
// nothing.
func sealedBy(o *manifest.Object) (s sealedObject, ok bool) {
	if keepsCiphertext(o.GVK.Kind) {
		return s, false
	}
	if block := manifest.Get(o.Node, "sops"); block != nil && manifest.Text(block, "mac") != "" {
		return sealedObject{o, field.NewPath("sops"), recipientKindsOf(block)}, true
	}
	if o.GroupKind() != secretKind {
		return s, false
	}
	for key, v := range o.Value("data").Entries() {
		at := field.NewPath("data").Key(key)
		data, ok := decodeBase64(v.Text())
		switch {
		case !ok:
		case key == "sops_mac" && isFlatSOPS(o.Value("data").Node):
			return sealedObject{o, at, recipientKindsOfKeys(o.Value("data"))}, true
		case wholeStore([]byte(data)) != noStore:
			return sealedObject{o, at, recipientKindsOfText([]byte(data))}, true
		}
	}
	return s, false
}

// isFlatSOPS says that the data of a Secret are what kustomize makes of a dotenv file
// that SOPS encrypted: its metadata are entries like the others.
func isFlatSOPS(data *yaml.Node) bool {
	mac, ok := decodeBase64(manifest.Text(data, "sops_mac"))
	return ok && strings.HasPrefix(mac, ciphertextMark)
}

// carriesSealed is sealedBy for Rule.JoinsIf.
func carriesSealed(o *manifest.Object) bool {
	_, ok := sealedBy(o)
	return ok
}

// ciphertextMark is how every value that SOPS encrypted begins.
const ciphertextMark = "ENC[AES256_GCM,"

// keepsCiphertext says that objects of a kind are decrypted by an operator in the
// cluster: SopsSecret and its like.
func keepsCiphertext(kind string) bool { return strings.Contains(strings.ToLower(kind), "sops") }

func decryptionDisabled(o *manifest.Object) bool {
	return strings.EqualFold(o.Value("metadata", "annotations", fluxDecryptAnnotation).Text(), "disabled")
}

// store is one of the forms in which SOPS writes files, as Flux tells them apart.
type store int

const (
	noStore store = iota
	binaryStore
	jsonStore
	yamlStore
	dotenvStore
	iniStore
)

var storeNames = [...]string{"no", "binary", "JSON", "YAML", "dotenv", "INI"}

func (s store) String() string { return storeNames[s] }

// wholeStore is the form of a text that is all of what SOPS wrote to a file. Flux
// looks for the same marks. JSON may be the envelope of any bytes.
func wholeStore(data []byte) store {
	switch {
	case !bytes.Contains(data, []byte("ENC[")):
	case bytes.Contains(data, []byte("\"mac\": \"ENC[")):
		return jsonStore
	case bytes.Contains(data, []byte("sops_mac=ENC[")):
		return dotenvStore
	case bytes.Contains(data, []byte("mac: ENC[")):
		return yamlStore
	case bytes.Contains(data, []byte("[sops]")):
		return iniStore
	}
	return noStore
}

// recipientKinds says for what kinds of keys a data key is encrypted.
type recipientKinds struct{ age, pgp, service bool }

func (r *recipientKinds) add(list string) {
	switch list {
	case "age":
		r.age = true
	case "pgp":
		r.pgp = true
	case "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms":
		r.service = true
	}
}

// String names the kinds of keys that a person keeps.
func (r recipientKinds) String() string {
	switch {
	case r.age && r.pgp:
		return "age or PGP key"
	case r.pgp:
		return "PGP key"
	}
	return "age key"
}

func recipientKindsOf(block *yaml.Node) recipientKinds {
	var kinds recipientKinds
	if block == nil || block.Kind != yaml.MappingNode {
		return kinds
	}
	groups := []*yaml.Node{block}
	if list := manifest.Get(block, "key_groups"); list != nil && list.Kind == yaml.SequenceNode {
		groups = append(groups, list.Content...)
	}
	for _, group := range groups {
		for i := 0; group.Kind == yaml.MappingNode && i+1 < len(group.Content); i += 2 {
			if list := group.Content[i+1]; list.Kind == yaml.SequenceNode && len(list.Content) > 0 {
				kinds.add(group.Content[i].Value)
			}
		}
	}
	return kinds
}

// recipientKindsOfKeys reads the flat metadata that SOPS writes to dotenv files:
// sops_age__list_0__map_recipient.
func recipientKindsOfKeys(data manifest.Value) recipientKinds {
	var kinds recipientKinds
	for key := range data.Entries() {
		kinds.addFlat(strings.TrimPrefix(key, "sops_"))
	}
	return kinds
}

func (r *recipientKinds) addFlat(key string) {
	if list, _, ok := strings.Cut(key, "__list_"); ok {
		r.add(list)
	}
}

func recipientKindsOfText(data []byte) recipientKinds {
	var kinds recipientKinds
	switch wholeStore(data) {
	case dotenvStore, iniStore:
		for line := range bytes.Lines(data) {
			key, _, _ := bytes.Cut(line, []byte("="))
			kinds.addFlat(strings.TrimPrefix(string(bytes.TrimSpace(key)), "sops_"))
		}
	default:
		docs, _ := manifest.Parse(data)
		if len(docs) > 0 {
			kinds = recipientKindsOf(manifest.Get(docs[0], "sops"))
		}
	}
	return kinds
}

// delivery is what one GitOps object deploys that is encrypted.
type delivery struct {
	by     *manifest.Object
	sealed []sealedObject
}

type deliveriesKey struct{}

// deliveriesOf are the GitOps objects of a kind that deploy something encrypted, in
// the order of what they deploy.
func deliveriesOf(p *lint.Pass, kind schema.GroupKind) []*delivery {
	all := p.Shared(deliveriesKey{}, func() any { return findDeliveries(p) }).([]*delivery)
	var list []*delivery
	for _, d := range all {
		if d.by.GroupKind() == kind {
			list = append(list, d)
		}
	}
	return list
}

func findDeliveries(p *lint.Pass) []*delivery {
	known := map[*manifest.Object]*delivery{}
	var list []*delivery
	t := twins{p: p}
	for _, o := range p.Objects {
		unit := p.UnitOf(o)
		if unit.By == nil {
			continue
		}
		s, ok := sealedBy(o)
		if !ok {
			continue
		}
		by := t.of(unit)
		d := known[by]
		if d == nil {
			d = &delivery{by: by}
			known[by] = d
			list = append(list, d)
		}
		d.sealed = append(d.sealed, s)
	}
	return list
}

// twins finds GitOps objects among those of the cluster, by which their places are
// known. One that deploys itself was read from its file before it was rendered.
type twins struct {
	p    *lint.Pass
	byID map[string][]*manifest.Object
}

func (t *twins) of(unit lint.Unit) *manifest.Object {
	id := func(o *manifest.Object) string { return o.GroupKind().String() + "\x00" + o.ID() }
	if t.byID == nil {
		t.byID = map[string][]*manifest.Object{}
		for _, o := range t.p.Of(fluxKustomizationKind, fluxHelmReleaseKind, argoApplicationKind) {
			t.byID[id(o)] = append(t.byID[id(o)], o)
		}
	}
	var twin *manifest.Object
	for _, o := range t.byID[id(unit.By)] {
		if o == unit.By {
			return o
		}
		if twin == nil && t.p.UnitOf(o).Cluster == unit.Cluster {
			twin = o
		}
	}
	if twin == nil {
		return unit.By
	}
	return twin
}

// mentions says that every one of the words stands in a key or a value of a node.
func mentions(n *yaml.Node, words ...string) bool {
	for _, word := range words {
		if !mentionsWord(n, word) {
			return false
		}
	}
	return true
}

func mentionsWord(n *yaml.Node, word string) bool {
	if n.Kind == yaml.ScalarNode {
		return strings.Contains(n.Value, word)
	}
	for _, below := range n.Content {
		if mentionsWord(below, word) {
			return true
		}
	}
	return false
}
