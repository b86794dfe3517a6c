// Fluxbuild builds a folder as Flux's kustomize-controller does, with Flux's own
// libraries, for tests to compare with.
package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/fluxcd/pkg/kustomize"
	"github.com/fluxcd/pkg/sourceignore"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: fluxbuild ROOT KUSTOMIZATION: ROOT is changed, spec.path lies in it")
		os.Exit(2)
	}
	out, err := build(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(out)
}

// build changes the files under root, as the controller changes those of the
// artifact that it has unpacked.
func build(root, file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var object unstructured.Unstructured
	if err := yaml.Unmarshal(data, &object.Object); err != nil {
		return nil, err
	}
	annotations := object.GetAnnotations()
	if err := leaveOut(root, annotations["ignore"]); err != nil {
		return nil, err
	}
	path, _, err := unstructured.NestedString(object.Object, "spec", "path")
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(root, path)
	if _, err := kustomize.NewGenerator(root, object).WriteFile(dir); err != nil {
		return nil, err
	}
	built, err := kustomize.SecureBuild(root, dir, false)
	if err != nil {
		return nil, err
	}
	_, substitutes, _ := unstructured.NestedMap(object.Object, "spec", "postBuild")
	for _, res := range built.Resources() {
		if !substitutes {
			break
		}
		// What substituteFrom names can't be had here.
		replaced, err := kustomize.SubstituteVariables(context.Background(), nil, object, res,
			kustomize.SubstituteWithDryRun(true), kustomize.SubstituteWithStrict(annotations["strict"] != ""), kustomize.SubstituteWithAlways(annotations["always"] != ""))
		if err != nil {
			return nil, err
		}
		if replaced != nil {
			if _, err := built.Replace(res); err != nil {
				return nil, err
			}
		}
	}
	return written(built, object)
}

// leaveOut removes what the source controller leaves out of an artifact.
func leaveOut(root, ignore string) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	domain := strings.Split(root, string(filepath.Separator))
	patterns, err := sourceignore.LoadIgnorePatterns(root, domain)
	if err != nil {
		return err
	}
	patterns = append(patterns, sourceignore.ReadPatterns(strings.NewReader(ignore), domain)...)
	matcher := sourceignore.NewDefaultMatcher(nil, domain)
	if len(patterns) > 0 {
		matcher = sourceignore.NewMatcher(append(sourceignore.VCSPatterns(domain), patterns...))
	}
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		if d.IsDir() || !matcher.Match(strings.Split(name, string(filepath.Separator)), false) {
			return nil
		}
		return os.Remove(name)
	})
}

// written is what was built as YAML, with the labels and annotations of
// spec.commonMetadata.
func written(built resmap.ResMap, kustomization unstructured.Unstructured) ([]byte, error) {
	labels, _, err := unstructured.NestedStringMap(kustomization.Object, "spec", "commonMetadata", "labels")
	if err != nil {
		return nil, err
	}
	annotations, _, err := unstructured.NestedStringMap(kustomization.Object, "spec", "commonMetadata", "annotations")
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, res := range built.Resources() {
		text, err := res.AsYAML()
		if err != nil {
			return nil, err
		}
		var object unstructured.Unstructured
		if err := yaml.Unmarshal(text, &object.Object); err != nil {
			return nil, err
		}
		if len(labels) > 0 {
			object.SetLabels(merged(object.GetLabels(), labels))
		}
		if len(annotations) > 0 {
			object.SetAnnotations(merged(object.GetAnnotations(), annotations))
		}
		if text, err = yaml.Marshal(object.Object); err != nil {
			return nil, err
		}
		out = append(append(out, "---\n"...), text...)
	}
	return out, nil
}

func merged(entries, over map[string]string) map[string]string {
	if entries == nil {
		return over
	}
	maps.Copy(entries, over)
	return entries
}
