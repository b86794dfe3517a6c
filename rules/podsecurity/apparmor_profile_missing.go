package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"
)

var apparmorProfileMissing = &lint.Rule{
	ID:         "apparmor-profile-missing",
	Title:      "no AppArmor profile is declared",
	Why:        "Nodes with AppArmor give a container the runtime's own profile, nodes without it none at all, and the pod runs there all the same. A pod that asks for a profile runs only where it is protected.",
	Fix:        "Set appArmorProfile.type to RuntimeDefault in the pod's securityContext, if the nodes have AppArmor.",
	Since:      "0.1.0",
	Severity:   lint.Info,
	Category:   lint.PodSecurity,
	Frameworks: []string{"NSA-CISA"},
	Profile:    lint.All,
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if onWindows(w) {
			return
		}
		all := w.Containers()
		without := slices.DeleteFunc(slices.Clone(all), func(c *manifest.Container) bool {
			if profile, _ := c.AppArmorProfile(); profile != nil || c.Privileged() {
				// AppArmor does not hold a privileged container back.
				return true
			}
			return w.Meta.Annotations[corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix+c.Name] != ""
		})
		field := p.KubeVersion(p.Object).AtLeast(version.MajorMinor(1, 30))
		if len(without) == len(all) && field {
			p.Report(w.SecurityPath().Child("appArmorProfile"), "the pod declares no AppArmor profile")
			return
		}
		for _, c := range without {
			if field {
				p.Report(c.SecurityPath().Child("appArmorProfile"), "container %q has no AppArmor profile", c.Name)
			} else {
				p.Report(w.MetaPath.Child("annotations").Key(corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix+c.Name),
					"container %q has no AppArmor profile, which Kubernetes before 1.30 reads from an annotation", c.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      securityContext: # want: the pod declares no AppArmor profile
        runAsNonRoot: true
      initContainers:
        - name: setup
          image: registry.example/setup:1.4.2
      containers:
        - name: web
          image: registry.example/web:1.4.2
-- bad-container.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    container.apparmor.security.beta.kubernetes.io/log: runtime/default
spec:
  initContainers:
    - name: setup # want: container "setup" has no AppArmor profile
      image: registry.example/setup:1.4.2
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        appArmorProfile: {type: RuntimeDefault}
    - name: log
      image: registry.example/log:0.9.0
-- bad-annotation.yaml --
# kubernetes: 1.29
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: # want: container "web" has no AppArmor profile, which Kubernetes before 1.30
    container.apparmor.security.beta.kubernetes.io/log: localhost/log
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
    - name: log
      image: registry.example/log:0.9.0
-- good.yaml --
# apparmor-unconfined speaks for a profile that is none.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    appArmorProfile: {type: RuntimeDefault}
  containers:
    - name: web
      image: registry.example/web:1.4.2
    - name: log
      image: registry.example/log:0.9.0
      securityContext:
        appArmorProfile: {type: Unconfined}
---
apiVersion: v1
kind: Pod
metadata:
  name: windows
spec:
  os: {name: windows}
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
# privileged-container speaks for this one.
apiVersion: v1
kind: Pod
metadata:
  name: privileged
  annotations:
    container.apparmor.security.beta.kubernetes.io/web: runtime/default
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
    - name: agent
      image: registry.example/agent:1.4.2
      securityContext: {privileged: true}
`,
}
