package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
)

var pdbUnhealthyEvictionPolicy = &lint.Rule{
	ID:       "pdb-unhealthy-eviction-policy",
	Title:    "pods that are not ready may block the draining of a node",
	Why:      "Unless unhealthyPodEvictionPolicy is AlwaysAllow, a PodDisruptionBudget protects pods that run but are not ready, too, as long as its application is disrupted. Pods that crash again and again then keep their node from being drained until somebody mends or deletes them.",
	Fix:      "Set unhealthyPodEvictionPolicy to AlwaysAllow.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    []schema.GroupKind{kindPDB},
	Check: func(p *lint.Pass) {
		// https://kubernetes.io/docs/tasks/run-application/configure-pdb/#unhealthy-pod-eviction-policy:
		// on by default since 1.27, and policy/v1 has come to stay since 1.21.
		if p.Object.GVK.Version != "v1" || p.KubeVersion(p.Object).LessThan(version.MajorMinor(1, 27)) {
			return
		}
		v := p.Object.Value("spec", "unhealthyPodEvictionPolicy")
		if text := v.Text(); text == "" || text == "IfHealthyBudget" {
			p.Report(v.Path, "pods that are not ready are evicted only while enough others are")
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web
spec: # want: pods that are not ready
  maxUnavailable: 1
  selector: {matchLabels: {app: web}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: api
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: IfHealthyBudget # want: only while enough others are
  selector: {matchLabels: {app: api}}
-- good.yaml --
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector: {matchLabels: {app: web}}
-- good-version.yaml --
# kubernetes: 1.26
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: web}}
`,
}
