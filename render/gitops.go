package render

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The API groups of Flux and Argo CD, whatever the version.
const (
	fluxKustomize = "kustomize.toolkit.fluxcd.io"
	fluxHelm      = "helm.toolkit.fluxcd.io"
	fluxSource    = "source.toolkit.fluxcd.io"
	fluxExtension = "source.extensions.fluxcd.io"
	fluxOperator  = "fluxcd.controlplane.io"
	argoGroup     = "argoproj.io"
)

// gitopsKinds are the kinds by which Flux and Argo CD deploy more.
var gitopsKinds = map[schema.GroupKind]Kind{
	{Group: fluxHelm, Kind: "HelmRelease"}:        HelmRelease,
	{Group: fluxKustomize, Kind: "Kustomization"}: FluxKustomization,
	{Group: fluxOperator, Kind: "FluxInstance"}:   FluxInstance,
	{Group: argoGroup, Kind: "Application"}:       Application,
	{Group: argoGroup, Kind: "ApplicationSet"}:    ApplicationSet,
}

// resourceSet is the kind of templates from which the Flux operator makes objects.
var resourceSet = schema.GroupKind{Group: fluxOperator, Kind: "ResourceSet"}

// fluxMarks are texts of which every file with an object of Flux holds one.
var fluxMarks = []string{"toolkit.fluxcd.io", fluxExtension, fluxOperator}

// val is a value of a GitOps object. Everything may be missing, or of a type
// that the API server would refuse: then it is the zero value.
type val struct{ n *yaml.Node }

func specOf(o *manifest.Object) val { return val{o.Node}.at("spec") }

func (v val) at(keys ...string) val {
	for _, k := range keys {
		v.n = manifest.Get(v.n, k)
	}
	return v
}

func (v val) ok() bool { return v.n != nil && v.n.ShortTag() != "!!null" }

func (v val) str() string {
	if !v.ok() || v.n.Kind != yaml.ScalarNode {
		return ""
	}
	return v.n.Value
}

func (v val) or(text string) string { return cmp.Or(v.str(), text) }

func (v val) is() bool { return v.str() == "true" }

func (v val) items() []val {
	var list []val
	for _, n := range items(v.n) {
		list = append(list, val{n})
	}
	return list
}

func (v val) strings() []string {
	var list []string
	for _, i := range v.items() {
		if s := i.str(); s != "" {
			list = append(list, s)
		}
	}
	return list
}

// pairs are the entries of a mapping whose values are scalars.
func (v val) pairs() map[string]string {
	m := map[string]string{}
	if v.n == nil || v.n.Kind != yaml.MappingNode {
		return m
	}
	for i := 0; i+1 < len(v.n.Content); i += 2 {
		if value := v.n.Content[i+1]; value.Kind == yaml.ScalarNode {
			m[v.n.Content[i].Value] = (val{value}).str()
		}
	}
	return m
}

// yaml is the value as text; empty for none.
func (v val) yaml() string {
	if !v.ok() {
		return ""
	}
	text, err := yaml.Marshal(v.n)
	if err != nil {
		return ""
	}
	return string(text)
}

// objectName names a GitOps object: "namespace/name".
func objectName(o *manifest.Object) string {
	if o.Namespace == "" {
		return o.Name
	}
	return o.Namespace + "/" + o.Name
}

// spanOf is where a field of an object is written.
func spanOf(o *manifest.Object, keys ...string) manifest.Span {
	return o.Near(field.NewPath(keys[0], keys[1:]...)).Span
}

// inventory holds the objects that others refer to, by the entry that led to
// them: what one cluster's objects are called says nothing of another's.
type inventory struct {
	mu      sync.Mutex
	objects map[inventoryKey][]held
	// marks are the objects of Flux itself that each entry led to; apart says of
	// two entries whether both have one of the same name.
	marks map[string]map[inventoryKey]bool
	apart map[[2]string]bool
}

type inventoryKey struct {
	kind, namespace, name string
}

type held struct {
	entry  string
	object *manifest.Object
	part   val // of an ArtifactGenerator, what makes the artifact
}

// What makes a Secret or an artifact is held as one of these, under the name of
// what it makes.
const (
	madeSecret   = "object that makes the Secret"
	madeArtifact = "ArtifactGenerator that makes the artifact"
	// patternArtifact stands for the names that a pathPattern gives.
	patternArtifact = "{}"
)

// wanted says that objects of a kind are referred to by others.
func wanted(o *manifest.Object) bool {
	switch o.GVK.Group {
	case fluxSource, fluxExtension, fluxHelm, fluxKustomize:
		return true
	case "":
		return o.GVK.Kind == "ConfigMap" || o.GVK.Kind == "Secret"
	case "external-secrets.io":
		return o.GVK.Kind == "ExternalSecret"
	case "bitnami.com":
		return o.GVK.Kind == "SealedSecret"
	}
	return false
}

func (inv *inventory) add(entry string, o *manifest.Object) {
	if !wanted(o) {
		return
	}
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if inv.objects == nil {
		inv.objects, inv.marks = map[inventoryKey][]held{}, map[string]map[inventoryKey]bool{}
	}
	key := inventoryKey{o.GVK.Kind, o.Namespace, o.Name}
	switch o.GVK.Group {
	case "":
	case "external-secrets.io":
		key = inventoryKey{madeSecret, o.Namespace, specOf(o).at("target", "name").or(o.Name)}
	case "bitnami.com":
		key.kind = madeSecret
	default:
		if inv.marks[entry] == nil {
			inv.marks[entry] = map[inventoryKey]bool{}
		}
		inv.marks[entry][key] = true
	}
	inv.apart = nil
	inv.objects[key] = append(inv.objects[key], held{entry: entry, object: o})
	if o.GVK.Kind == "ArtifactGenerator" {
		for _, a := range specOf(o).at("artifacts").items() {
			key := inventoryKey{madeArtifact, o.Namespace, a.at("name").str()}
			if specOf(o).at("pathPattern").str() != "" {
				key.name = patternArtifact
			}
			inv.objects[key] = append(inv.objects[key], held{entry, o, a})
		}
	}
}

// named are the objects of a kind and name. A namespace that a parent sets may be
// missing where it is written.
func (inv *inventory) named(kind, namespace, name string) []held {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	all, bare := inv.objects[inventoryKey{kind, namespace, name}], inv.objects[inventoryKey{kind, "", name}]
	if namespace == "" || len(bare) == 0 {
		return all
	}
	return slices.Concat(all, bare)
}

// find is the first object for which ours is true.
func (inv *inventory) find(kind, namespace, name string, ours func(held) bool) *manifest.Object {
	all := inv.named(kind, namespace, name)
	if i := slices.IndexFunc(all, ours); i >= 0 {
		return all[i].object
	}
	return nil
}

// clusters says that two entries begin two clusters: an object of Flux is in
// both. Other entries are, more often than not, parts of one: what is applied by
// hand before Flux is there, for one.
func (inv *inventory) clusters(a, b string) bool {
	if a == b {
		return false
	}
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if len(inv.marks[a]) > len(inv.marks[b]) || len(inv.marks[a]) == len(inv.marks[b]) && a > b {
		a, b = b, a
	}
	known, ok := inv.apart[[2]string{a, b}]
	if ok {
		return known
	}
	for key := range inv.marks[a] {
		if known = inv.marks[b][key]; known {
			break
		}
	}
	if inv.apart == nil {
		inv.apart = map[[2]string]bool{}
	}
	inv.apart[[2]string{a, b}] = known
	return known
}

// begins says that an entry led to objects of Flux.
func (inv *inventory) begins(entry string) bool {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	return inv.marks[entry] != nil
}

// of are the objects of a kind that one entry led to, by namespace and name.
func (inv *inventory) of(entry, kind string) []*manifest.Object {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	var keys []inventoryKey
	for k := range inv.objects {
		if k.kind == kind {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b inventoryKey) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
	})
	var list []*manifest.Object
	for _, k := range keys {
		for _, h := range inv.objects[k] {
			if h.entry == entry {
				list = append(list, h.object)
			}
		}
	}
	return list
}

// maxObject is what a ConfigMap or Secret may hold, in bytes: Kubernetes takes no
// more (https://kubernetes.io/docs/concepts/configuration/configmap/).
const maxObject = 1 << 20

// entries are what a ConfigMap or Secret holds; ok is false if that is more than
// Kubernetes takes. Each object is read once.
func (g *graph) entries(o *manifest.Object) (values map[string]string, ok bool) {
	if known, ok := g.contents[o]; ok {
		return known, known != nil
	}
	values = entries(g.decrypted(g.r.unmasked(o)))
	size := 0
	for key, value := range values {
		size += len(key) + len(value)
	}
	if size > maxObject {
		values = nil
	}
	g.contents[o] = values
	return values, values != nil
}

// entries are what a ConfigMap or Secret holds. An entry that is encrypted has
// a placeholder for a value.
func entries(o *manifest.Object) map[string]string {
	root := val{o.Node}
	if o.GVK.Kind == "ConfigMap" {
		return unlocked(root.at("data").pairs())
	}
	m := map[string]string{}
	for key, value := range root.at("data").pairs() {
		if isEncrypted(value) || manifest.Unknown(value) {
			m[key] = placeholder(key)
			continue
		}
		if text, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), "")); err == nil {
			m[key] = string(text)
		}
	}
	for key, value := range unlocked(root.at("stringData").pairs()) {
		m[key] = value
	}
	return m
}

func unlocked(m map[string]string) map[string]string {
	for key, value := range m {
		if isEncrypted(value) {
			m[key] = placeholder(key)
		}
	}
	return m
}

// isEncrypted says that SOPS encrypted a value.
func isEncrypted(value string) bool { return strings.HasPrefix(value, "ENC[AES256_GCM,") }
