package podsecurity

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/lint"
)

var runtimeSecurityAbsent = &lint.Rule{
	ID:       "runtime-security-absent",
	Title:    "repository deploys no agent that watches what runs",
	Why:      "Nothing looks at what processes do once they run. A shell in a container, a read of a token, a connection to an unknown host leave no trace, and nobody learns of a break-in.",
	Fix:      "Deploy Falco, Tetragon, Tracee or KubeArmor on all nodes. If something else watches them, such as a service of the cloud, turn this rule off; name an agent that the rule does not know in its option agents.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    cluster.Deployments,
	Joins:    lint.Workloads,
	Options: []lint.Option{{
		Name: "agents",
		Doc:  "Words in the names of further agents, their charts or images.",
	}},
	CheckAll: func(p *lint.Pass) {
		agents := slices.Clone(runtimeAgents)
		for _, a := range p.Option("agents") {
			agents = append(agents, strings.ToLower(a))
		}
		x := cluster.Of(p)
		if whole := x.Whole(); whole != nil && !x.Deploys(agents) {
			p.ReportOn(whole, p.Rule.Severity, nil, "nothing that the repository deploys to this cluster watches its containers")
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: cache
  namespace: cache
spec:
  chart:
    spec: {chart: cache, version: 1.0.0}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1 # want: watches its containers
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  path: ./apps
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: infrastructure
  namespace: flux-system
spec:
  path: ./infrastructure
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: cert-manager
  namespace: cert-manager
spec:
  chart:
    spec: {chart: cert-manager, version: 1.19.1}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: monitoring
  namespace: monitoring
spec:
  chart:
    spec: {chart: kube-prometheus-stack, version: 78.5.0}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
  namespace: argocd
spec:
  source: {chart: web, targetRevision: 1.0.0}
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: logs
  namespace: monitoring
spec:
  selector: {matchLabels: {app: logs}}
  template:
    metadata: {labels: {app: logs}}
    spec:
      containers:
        - name: logs
          image: registry.example/logs:1.0.0
-- good.yaml --
apiVersion: v1
kind: List
items:
  - {apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: a}}
  - {apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: b}}
  - {apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: c}}
  - {apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: d}}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: security
spec:
  chart:
    spec: {chart: falco, version: 7.0.0}
-- good-daemonset.yaml --
# options: agents=watchdog
apiVersion: v1
kind: List
items:
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: b}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: c}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: d}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: e}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers:
        - name: agent
          image: registry.example/watchdog:1.0.0
-- good-application.yaml --
# The repository of one application: others care for agents.
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
-- good-incomplete.yaml --
# incomplete
apiVersion: v1
kind: List
items:
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: b}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: c}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: d}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: e}}
`,
}

// runtimeAgents are words in the names of agents that watch running containers;
// "falco" is in CrowdStrike's falcon-sensor, too.
var runtimeAgents = []string{
	"falco", "tetragon", "tracee", "kubearmor",
	"aqua-enforcer", "kubescape", "microsoft-defender", "neuvector", "sensor-stackrox", "stackrox", "sysdig", "twistlock", "wazuh",
}
