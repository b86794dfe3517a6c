package secrets

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var workloadSecretAccessInventory = &lint.Rule{
	ID:       "workload-secret-access-inventory",
	Title:    "Inventory: workload can read Secrets, ConfigMaps or PVCs",
	Why:      "Whoever takes over the workload has what it reads. It is no fault, but a record of what would be exposed.",
	Fix:      "Nothing has to be mended; take away what the workload does not need.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Secrets,
	Harmless: true,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		reads := readsOf(w)
		var parts []string
		for _, r := range [...]struct {
			what  string
			names []string
		}{{"Secrets", reads.secrets}, {"ConfigMaps", reads.configMaps}, {"volume claims", reads.claims}} {
			if names := distinct(r.names); len(names) > 0 {
				parts = append(parts, fmt.Sprintf("%s %s", r.what, strings.Join(names, ", ")))
			}
		}
		if len(parts) > 0 {
			p.Report(w.Path, "the workload can read %s", strings.Join(parts, "; "))
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec: # want: the workload can read Secrets db, tls; ConfigMaps settings; volume claims data
      containers:
        - name: web
          env:
            - name: DB_PASSWORD
              valueFrom:
                secretKeyRef: {name: db, key: password}
          envFrom:
            - configMapRef: {name: settings}
            - secretRef: {name: db}
      volumes:
        - name: data
          persistentVolumeClaim: {claimName: data}
        - name: all
          projected:
            sources:
              - secret: {name: tls}
---
apiVersion: v1
kind: Pod
metadata:
  name: pull
spec: # want: the workload can read Secrets registry
  imagePullSecrets:
    - name: registry
  containers:
    - name: web
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      env:
        - name: SECRET_NAME
          value: db
        - name: NODE
          valueFrom:
            fieldRef: {fieldPath: spec.nodeName}
  volumes:
    - name: tmp
      emptyDir: {}
    - name: token
      projected:
        sources:
          - serviceAccountToken: {path: token}
`,
}

// reads are the names of the objects that a workload reads.
type reads struct{ secrets, configMaps, claims []string }

func readsOf(w *manifest.Workload) reads {
	var r reads
	for _, s := range w.Pod.ImagePullSecrets {
		r.secrets = append(r.secrets, s.Name)
	}
	for _, c := range w.Containers() {
		for _, e := range c.Env {
			if from := e.ValueFrom; from != nil && from.SecretKeyRef != nil {
				r.secrets = append(r.secrets, from.SecretKeyRef.Name)
			} else if from != nil && from.ConfigMapKeyRef != nil {
				r.configMaps = append(r.configMaps, from.ConfigMapKeyRef.Name)
			}
		}
		for _, e := range c.EnvFrom {
			if e.SecretRef != nil {
				r.secrets = append(r.secrets, e.SecretRef.Name)
			}
			if e.ConfigMapRef != nil {
				r.configMaps = append(r.configMaps, e.ConfigMapRef.Name)
			}
		}
	}
	for i := range w.Pod.Volumes {
		r.volume(&w.Pod.Volumes[i])
	}
	return r
}

func (r *reads) volume(v *corev1.Volume) {
	switch {
	case v.Secret != nil:
		r.secrets = append(r.secrets, v.Secret.SecretName)
	case v.ConfigMap != nil:
		r.configMaps = append(r.configMaps, v.ConfigMap.Name)
	case v.PersistentVolumeClaim != nil:
		r.claims = append(r.claims, v.PersistentVolumeClaim.ClaimName)
	case v.CSI != nil && v.CSI.NodePublishSecretRef != nil:
		r.secrets = append(r.secrets, v.CSI.NodePublishSecretRef.Name)
	case v.Projected != nil:
		for _, s := range v.Projected.Sources {
			if s.Secret != nil {
				r.secrets = append(r.secrets, s.Secret.Name)
			}
			if s.ConfigMap != nil {
				r.configMaps = append(r.configMaps, s.ConfigMap.Name)
			}
		}
	}
}

// distinct are the names, sorted, each once and none that is empty.
func distinct(names []string) []string {
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	slices.Sort(names)
	return slices.Compact(names)
}
