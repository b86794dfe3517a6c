package perf

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// growth is what a repository of some size costs.
type growth struct {
	// Times is how many times the smallest one it is.
	Times, Units, Objects int
	Cold, Warm            float64 // seconds
	// Memory is the peak of the largest process, Whole that of a run in one
	// process; in MiB.
	Memory, Whole float64
}

// growth measures repositories of one kind that are 1, 4 and 16 times as large.
func (b *bench) growth(t *testing.T) []growth {
	var list []growth
	for _, times := range []int{1, 4, 16} {
		c := &checkout{dir: filepath.Join(b.dir, fmt.Sprintf("growth-%d", times))}
		grow(t, c.dir, 80*times)
		b.run(t, c.dir, "git", "init", "-q")
		b.run(t, c.dir, "git", "add", "-A")
		b.run(t, c.dir, "git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "commit", "-qm", "as it is")
		g := growth{Times: times}
		g.Units, g.Objects = b.size(t, c)
		g.Cold = b.cold(t, c)
		g.Memory = b.memory(t, b.lint(c, 1, "--no-cache"))
		g.Whole = b.memory(t, b.lint(c, 1, "--no-cache", "--no-worker"))
		b.time(t, b.lint(c, 1))
		g.Warm = b.time(t, b.lint(c, 7))
		t.Logf("%+v", g)
		list = append(list, g)
	}
	return list
}

// size is how many units a repository has, and how many objects they give.
func (b *bench) size(t *testing.T, c *checkout) (units, objects int) {
	t.Helper()
	var listed struct{ Units []struct{ Objects int } }
	if err := json.Unmarshal([]byte(b.run(t, c.dir, "scantling", "units", "--format", "json")), &listed); err != nil {
		t.Fatal(err)
	}
	for _, u := range listed.Units {
		objects += u.Objects
	}
	return len(listed.Units), objects
}

// growthTable compares each size with the smallest.
func growthTable(list []growth) string {
	var b strings.Builder
	b.WriteString("| units | objects | cold | to the smallest | warm | to the smallest | largest process | to the smallest | in one process | to the smallest | linear or better |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n")
	first := list[0]
	for _, g := range list {
		ratios := []float64{g.Cold / first.Cold, g.Warm / first.Warm, g.Memory / first.Memory, g.Whole / first.Whole}
		linear := true
		for _, r := range ratios {
			linear = linear && r <= float64(g.Times)
		}
		fmt.Fprintf(&b, "| %d | %d | %s | %s× | %s | %s× | %.0f MiB | %s× | %.0f MiB | %s× | %s |\n", g.Units, g.Objects,
			seconds(g.Cold), number(ratios[0]), seconds(g.Warm), number(ratios[1]), g.Memory, number(ratios[2]), g.Whole, number(ratios[3]), met(linear))
	}
	return b.String()
}

// grow writes a repository of n applications: each a base with two overlays, in a
// namespace with nine others, and for one in ten a chart.
func grow(t *testing.T, dir string, n int) {
	t.Helper()
	for i := range n {
		app := filepath.Join(dir, fmt.Sprintf("team-%d", i/10), fmt.Sprintf("app-%d", i))
		write(t, filepath.Join(app, "base", "kustomization.yaml"), "resources: [web.yaml]\nlabels: [{pairs: {team: shop}}]\n")
		write(t, filepath.Join(app, "base", "web.yaml"), fmt.Sprintf(web, i))
		for _, env := range []string{"prod", "test"} {
			overlay := fmt.Sprintf("resources: [../../base]\nnamespace: team-%d-%s\nimages: [{name: registry.example.org/web, newTag: 1.%d.0}]\npatches: [{path: patch.yaml}]\n", i/10, env, i)
			write(t, filepath.Join(app, "overlays", env, "kustomization.yaml"), overlay)
			write(t, filepath.Join(app, "overlays", env, "patch.yaml"), fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web-%d}\nspec: {replicas: 3}\n", i))
		}
		if i%10 == 0 {
			chart := filepath.Join(app, "chart")
			write(t, filepath.Join(chart, "Chart.yaml"), fmt.Sprintf("apiVersion: v2\nname: cache-%d\nversion: 1.0.0\n", i))
			write(t, filepath.Join(chart, "values.yaml"), "replicas: 2\ntag: 1.4.2\n")
			write(t, filepath.Join(chart, "templates", "deployment.yaml"), cacheTemplate)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const web = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%[1]d
spec:
  replicas: 2
  selector:
    matchLabels: {app: web-%[1]d}
  template:
    metadata:
      labels: {app: web-%[1]d}
    spec:
      serviceAccountName: web-%[1]d
      containers:
        - name: web
          image: registry.example.org/web:1.0.0
          ports: [{name: http, containerPort: 8080}]
          envFrom: [{configMapRef: {name: web-%[1]d}}]
          resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 64Mi}}
---
apiVersion: v1
kind: Service
metadata:
  name: web-%[1]d
spec:
  selector: {app: web-%[1]d}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web-%[1]d
data:
  MODE: fast
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web-%[1]d
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web-%[1]d
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {app: web-%[1]d}
`

const cacheTemplate = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-{{ .Chart.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {app: {{ .Chart.Name }}}
  template:
    metadata:
      labels: {app: {{ .Chart.Name }}}
    spec:
      containers:
        - name: cache
          image: registry.example.org/cache:{{ .Values.tag }}
`
