package check

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/lint"
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
	linter, err := lint.NewLinter(Rules(), nil)
	if err != nil {
		b.Fatal(err)
	}
	docs, _ := manifest.Parse(fmt.Appendf(nil, workload, 1))
	for b.Loop() {
		for _, d := range docs {
			for _, o := range manifest.Objects(d, manifest.Origin{}, nil) {
				linter.Object(o, "unit")
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
