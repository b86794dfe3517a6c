package render_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/render"
)

// A kustomization with a schema of its own changes that of the process, and with
// it how every later build merges lists (kubernetes-sigs/kustomize#4824): a pull
// request could make the containers of other overlays vanish. No order and no
// number of workers may let that through, nor a build that sets the schema and
// then fails.
func TestSchemaDoesNotLeak(t *testing.T) {
	files := map[string]string{}
	const schema = `{"definitions":{"io.k8s.api.apps.v1.Deployment":{"type":"object","x-kubernetes-group-version-kind":[{"group":"apps","kind":"Deployment","version":"v1"}]}}}`
	for _, dir := range []string{"a-sets", "m-sets", "z-sets"} {
		files[dir+"/kustomization.yaml"] = "openapi: {path: schema.json}\nresources: [pod.yaml]\n"
		files[dir+"/schema.json"] = schema
		files[dir+"/pod.yaml"] = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
	}
	files["b-fails/kustomization.yaml"] = "openapi: {path: schema.json}\nresources: [pod.yaml]\npatches: [{path: none.yaml}]\n"
	files["b-fails/schema.json"] = schema
	files["b-fails/pod.yaml"] = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
	for i := range 8 {
		dir := fmt.Sprintf("%c-merges", 'c'+2*i)
		files[dir+"/kustomization.yaml"] = "resources: [deployment.yaml]\npatches: [{path: patch.yaml}]\n"
		files[dir+"/deployment.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  template:\n    spec:\n      containers:\n      - name: first\n        image: one\n      - name: second\n        image: two\n"
		files[dir+"/patch.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  template:\n    spec:\n      containers:\n      - name: second\n        image: three\n"
	}
	dir := writeFiles(t, files)
	workers := render.NewWorkers(2, limits.Default())
	defer workers.Close()
	for what, all := range map[string]rendering{
		"in process":              renderAll(t, dir, nil, 1),
		"in process, in parallel": renderAll(t, dir, nil, 8),
		"by workers":              renderAll(t, dir, workers, 2),
		"by workers, again":       renderAll(t, dir, workers, 1),
	} {
		merged := 0
		for _, o := range all.objects {
			if !strings.Contains(o, "-merges") {
				continue
			}
			merged++
			if !strings.Contains(o, "name: first") || !strings.Contains(o, "image: three") {
				t.Errorf("%s: containers were lost:\n%s", what, o)
			}
		}
		if merged != 8 {
			t.Errorf("%s: %d of 8 were merged", what, merged)
		}
	}
}
