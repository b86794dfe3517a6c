package render

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"

	"helm.sh/helm/v3/pkg/chartutil"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// DefaultKubeVersion is the Kubernetes version that charts are told when the
// configuration names none: the one of the k8s.io/api that scantling is built
// with.
const DefaultKubeVersion = "1.37.0"

// lifecycle is what the generated code of k8s.io/api says of a beta type.
type (
	introduced interface{ APILifecycleIntroduced() (major, minor int) }
	removed    interface{ APILifecycleRemoved() (major, minor int) }
)

// capabilities are those of a cluster of the given version: what its API server
// serves by default, as group/version and group/version/Kind, as Helm sees them
// on a live cluster. Helm's own default would be Kubernetes 1.20 with API
// versions of all ages.
func capabilities(version string, extra []string) (*chartutil.Capabilities, error) {
	if version == "" {
		version = DefaultKubeVersion
	}
	v, err := chartutil.ParseKubeVersion(version)
	if err != nil {
		return nil, fmt.Errorf("the Kubernetes version %q is not of the form 1.34 or 1.34.2: %w", version, err)
	}
	minor, err := strconv.Atoi(v.Minor)
	if err != nil || v.Major != "1" {
		return nil, fmt.Errorf("the Kubernetes version %q is not of the form 1.34 or 1.34.2", version)
	}
	caps := chartutil.DefaultCapabilities.Copy()
	caps.KubeVersion = *v
	caps.APIVersions = append(append(chartutil.VersionSet{}, servedVersions(minor)...), extra...)
	return caps, nil
}

// capabilitiesFor are those that a release is told: the run's, but for what it
// is told itself.
func (b *builder) capabilitiesFor(r *release) (*chartutil.Capabilities, error) {
	if r.kubeVersion == "" && len(r.apiVersions) == 0 {
		return b.caps, nil
	}
	version, extra := r.kubeVersion, r.apiVersions
	if version == "" {
		version = b.caps.KubeVersion.Version
	}
	if len(extra) == 0 {
		extra = b.extraVersions()
	}
	return capabilities(version, extra)
}

// extraVersions are the API versions of the run besides those that Kubernetes
// serves itself.
func (b *builder) extraVersions() []string {
	minor, err := strconv.Atoi(b.caps.KubeVersion.Minor)
	if err != nil {
		return nil
	}
	return b.caps.APIVersions[len(servedVersions(minor)):]
}

var (
	servedLock  sync.Mutex
	servedCache = map[int][]string{}
)

// servedVersions are what a cluster of Kubernetes 1.minor serves by default:
// stable APIs, and beta APIs from before 1.24, when new ones ceased to be on by
// default (KEP-3136), until their removal.
func servedVersions(minor int) []string {
	servedLock.Lock()
	defer servedLock.Unlock()
	if cached, ok := servedCache[minor]; ok {
		return cached
	}
	set := map[string]bool{}
	for gvk := range scheme.Scheme.AllKnownTypes() {
		if gvk.Version == "__internal" || !served(gvk, minor) {
			continue
		}
		if strings.HasSuffix(gvk.Kind, "List") || strings.HasSuffix(gvk.Kind, "Options") || gvk.Kind == "WatchEvent" {
			continue
		}
		gv := gvk.GroupVersion().String()
		set[gv] = true
		set[gv+"/"+gvk.Kind] = true
	}
	// The API server's own aggregation layers are not among client-go's types.
	for gv, kind := range map[string]string{"apiextensions.k8s.io/v1": "CustomResourceDefinition", "apiregistration.k8s.io/v1": "APIService"} {
		set[gv], set[gv+"/"+kind] = true, true
	}
	versions := make([]string, 0, len(set))
	for v := range set {
		versions = append(versions, v)
	}
	sort.Strings(versions)
	servedCache[minor] = versions
	return versions
}

// ServedVersions are the API versions that charts are told of for a Kubernetes
// version; nil for what is no version.
func ServedVersions(version string) []string {
	caps, err := capabilities(version, nil)
	if err != nil {
		return nil
	}
	return caps.APIVersions
}

func served(gvk schema.GroupVersionKind, minor int) bool {
	if strings.Contains(gvk.Version, "alpha") {
		return false
	}
	o, err := scheme.Scheme.New(gvk)
	if err != nil {
		return false
	}
	beta := strings.Contains(gvk.Version, "beta")
	since := 0
	if t, ok := o.(introduced); ok {
		_, since = t.APILifecycleIntroduced()
	} else if beta {
		return false
	}
	if since > minor || beta && since >= 24 {
		return false
	}
	if t, ok := o.(removed); ok {
		if _, until := t.APILifecycleRemoved(); until > 0 && minor >= until {
			return false
		}
	}
	return true
}
