package check

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/render"
)

const workload = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web-%[1]d, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web-%[1]d}}
  template:
    metadata: {labels: {app: web-%[1]d}}
    spec:
      containers:
        - name: web
          image: registry.example.org/web:1.%[1]d
          ports: [{containerPort: 8080}]
          resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 64Mi}}
          securityContext: {privileged: true}
---
apiVersion: v1
kind: Service
metadata: {name: web-%[1]d, namespace: shop}
spec:
  selector: {app: web-%[1]d}
  ports: [{port: 80, targetPort: 8080}]
`

// BenchmarkLint runs the rules over one object that is already parsed.
func BenchmarkLint(b *testing.B) {
	linter, err := lint.NewLinter(Rules(), lint.Selection{})
	if err != nil {
		b.Fatal(err)
	}
	docs, _ := manifest.Parse(fmt.Appendf(nil, workload, 1))
	for b.Loop() {
		for _, d := range docs {
			for _, o := range manifest.Objects(d, manifest.Origin{}, nil) {
				linter.Object(o, lint.Unit{ID: "unit"})
			}
		}
	}
}

// BenchmarkTree checks a folder of plain manifests, all that the command does
// but for its start and the report: ns/op divided by the objects is the cost of
// one.
func BenchmarkTree(b *testing.B) {
	for _, n := range []int{1250, 5000, 20000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := b.TempDir()
			for i := range n / 2 {
				name := filepath.Join(dir, fmt.Sprintf("app-%d.yaml", i))
				if err := os.WriteFile(name, fmt.Appendf(nil, workload, i), 0o600); err != nil {
					b.Fatal(err)
				}
			}
			repo, err := source.Open(dir)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				outcome, err := Tree(context.Background(), repo.Worktree(), config.Default(), Source{}, nil)
				if err != nil {
					b.Fatal(err)
				}
				if outcome.Objects != n {
					b.Fatalf("%d objects", outcome.Objects)
				}
			}
		})
	}
}

// BenchmarkOrigins checks repositories of kustomizations and of charts, and runs
// the rules over them without asking where anything is written: origins/rules is
// how many times longer the first takes, origins/render how many times longer than
// to render and do nothing else.
func BenchmarkOrigins(b *testing.B) {
	for _, c := range []struct {
		name  string
		files map[string]string
		found bool
	}{
		{"kustomize", kustomizations(6), true},
		{"chart-without-findings", charts(6, false), false},
		{"chart-with-findings", charts(6, true), true},
	} {
		b.Run(c.name, func(b *testing.B) {
			tree := newMapTree(c.files)
			var plain, judged, whole time.Duration
			for b.Loop() {
				start := time.Now()
				renderOnly(b, tree, nil)
				rendered := time.Now()
				renderOnly(b, tree, Rules())
				linted := time.Now()
				outcome, err := Tree(context.Background(), tree, config.Default(), Source{}, nil)
				if err != nil {
					b.Fatal(err)
				}
				if found := len(outcome.Findings) > 0; found != c.found {
					b.Fatalf("%d findings: %v", len(outcome.Findings), outcome.Findings)
				}
				plain += rendered.Sub(start)
				judged += linted.Sub(rendered)
				whole += time.Since(linted)
			}
			b.ReportMetric(float64(whole)/float64(judged), "origins/rules")
			b.ReportMetric(float64(whole)/float64(plain), "origins/render")
		})
	}
}

// renderOnly renders all units, and runs rules over what they give.
func renderOnly(b *testing.B, tree source.Tree, rules []*lint.Rule) {
	b.Helper()
	linter, err := lint.NewLinter(rules, lint.Selection{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := render.New(tree, RenderOptions(config.Default(), Source{}))
	if err != nil {
		b.Fatal(err)
	}
	var mu sync.Mutex
	var joined []*manifest.Object
	_, err = r.Run(context.Background(), nil, func(res *render.Result) {
		for _, o := range res.Objects {
			linter.Object(o, lint.Unit{ID: res.Unit.ID()})
		}
		mu.Lock()
		defer mu.Unlock()
		joined = append(joined, res.Objects...)
	}, nil)
	if err != nil {
		b.Fatal(err)
	}
	linter.Cluster(&lint.Cluster{Objects: joined})
}

// kustomizations are bases with two overlays each, with patches of both kinds and
// transformers.
func kustomizations(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		dir := fmt.Sprintf("app-%d/", i)
		files[dir+"base/kustomization.yaml"] = "resources: [web.yaml]\nlabels: [{pairs: {team: shop}}]\n"
		files[dir+"base/web.yaml"] = fmt.Sprintf(workload, i)
		for _, env := range []string{"prod", "test"} {
			files[dir+env+"/kustomization.yaml"] = fmt.Sprintf(`resources: [../base]
namePrefix: %s-
images: [{name: registry.example.org/web, newTag: latest}]
configMapGenerator: [{name: settings, literals: [level=debug]}]
patches:
  - path: patch.yaml
  - target: {kind: Deployment}
    patch: |-
      - op: replace
        path: /spec/replicas
        value: 3
`, env)
			files[dir+env+"/patch.yaml"] = fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: web-%d, namespace: shop}
spec:
  template:
    spec:
      hostNetwork: true
`, i)
		}
	}
	return files
}

// charts are charts of ten templates, of which one, or none, has something wrong.
func charts(n int, wrong bool) map[string]string {
	files := map[string]string{}
	for i := range n {
		dir := fmt.Sprintf("chart-%d/", i)
		files[dir+"Chart.yaml"] = fmt.Sprintf("apiVersion: v2\nname: chart-%d\nversion: 1.0.0\n", i)
		files[dir+"values.yaml"] = fmt.Sprintf(`replicas: 2
image: {repository: registry.example.org/web, tag: 1.4.2}
hostNetwork: %v
resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 64Mi}}
security:
  runAsNonRoot: true
  readOnlyRootFilesystem: true
  allowPrivilegeEscalation: false
  seccompProfile: {type: RuntimeDefault}
  capabilities: {drop: [ALL]}
`, wrong)
		files[dir+"templates/_helpers.tpl"] = `{{- define "labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
`
		for j := range 10 {
			network := "false"
			if j == 0 {
				network = "{{ .Values.hostNetwork }}"
			}
			files[dir+fmt.Sprintf("templates/web-%d.yaml", j)] = fmt.Sprintf(chartTemplate, j, network)
		}
	}
	return files
}

const chartTemplate = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-%[1]d
  labels:
    {{- include "labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels:
      {{- include "labels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "labels" . | nindent 8 }}
    spec:
      automountServiceAccountToken: false
      hostNetwork: %[2]s
      containers:
        - name: web
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          {{- with .Values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          securityContext:
            {{- toYaml .Values.security | nindent 12 }}
`
