package diff

import "strings"

// noise says that a difference decides nothing in the cluster: it follows from
// another one, or says how the object was made. What a container runs never is.
func (d *differ) noise(path []step, before, after *value) bool {
	if len(path) == 0 {
		return false
	}
	last := path[len(path)-1]
	switch {
	case last.name == "image" && !last.item:
		return false
	case path[0].name == "status":
		return true
	case path[0].name == "sops":
		return !strings.Contains(pathText(path), "recipient") && !strings.Contains(pathText(path), ".arn") && !strings.Contains(pathText(path), ".fp")
	case before != nil && after != nil && before.form == textForm && after.form == textForm && d.renamed(before.text, after.text):
		return true
	case d.kind == "CustomResourceDefinition" && last.name == "description" && inSchema(path):
		return true
	case isMetadata(last.name):
		return onlyNoise(last.name, before) && onlyNoise(last.name, after)
	case len(path) > 1 && !last.item:
		above := path[len(path)-2]
		return !above.item && isMetadata(above.name) && isNoise(last.name)
	}
	return false
}

func isMetadata(key string) bool { return key == "labels" || key == "annotations" }

// inSchema says that a path leads into the schema of a definition, and to what
// describes a field there, not to a field that is called so.
func inSchema(path []step) bool {
	for _, s := range path {
		if s.name == "openAPIV3Schema" && !s.item {
			return len(path) > 1 && path[len(path)-2].name != "properties"
		}
	}
	return false
}

// onlyNoise says that labels or annotations are such as say how an object was made.
func onlyNoise(key string, v *value) bool {
	if v == nil {
		return true
	}
	if v.form != mapForm {
		return false
	}
	for _, k := range v.keys {
		if !isNoise(k) {
			return false
		}
	}
	return true
}

// noisy are labels and annotations that charts and tools put on objects to say who
// made them of what.
var noisy = map[string]bool{
	"helm.sh/chart": true, "chart": true, "heritage": true,
	"app.kubernetes.io/version": true, "app.kubernetes.io/managed-by": true,
	"meta.helm.sh/release-name": true, "meta.helm.sh/release-namespace": true,
	"controller-gen.kubebuilder.io/version": true, "operatorframework.io/bundle-unpack-ref": true,
	"config.kubernetes.io/origin": true, "alpha.config.kubernetes.io/transformations": true,
	"kustomize.toolkit.fluxcd.io/checksum": true,
}

func isNoise(key string) bool { return noisy[key] || strings.Contains(key, "checksum") }
