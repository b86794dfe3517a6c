package podsecurity

import (
	"maps"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var apparmorUnconfined = &lint.Rule{
	ID:         "apparmor-unconfined",
	Title:      "AppArmor is turned off",
	Why:        "The container runtime's AppArmor profile keeps a container from mounting file systems and from writing to the kernel's settings. Without it one barrier less stands between the container and the node.",
	Fix:        "Remove the setting, or set appArmorProfile.type to RuntimeDefault.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline"},
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options:    []lint.Option{exact("any profile but RuntimeDefault and Localhost is wrong, on Windows, too")},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if ignoresWindows(p, w) {
			return
		}
		off := func(a *corev1.AppArmorProfile) bool {
			if a == nil || !p.Yes("exact") {
				return a != nil && a.Type == corev1.AppArmorProfileTypeUnconfined
			}
			return a.Type != corev1.AppArmorProfileTypeRuntimeDefault && a.Type != corev1.AppArmorProfileTypeLocalhost && manifest.Known(string(a.Type))
		}
		if off(w.Security().AppArmorProfile) {
			p.Report(w.SecurityPath().Child("appArmorProfile", "type"), "the pod turns AppArmor off")
		}
		for _, c := range w.Containers() {
			if off(c.Security().AppArmorProfile) {
				p.Report(c.SecurityPath().Child("appArmorProfile", "type"), "container %q turns AppArmor off", c.Name)
			}
		}
		// The way before Kubernetes 1.30, still read where the field is unset.
		for _, key := range slices.Sorted(maps.Keys(w.Meta.Annotations)) {
			container, ok := strings.CutPrefix(key, corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix)
			profile := w.Meta.Annotations[key]
			if !ok || profile == "" || profile == corev1.DeprecatedAppArmorBetaProfileRuntimeDefault ||
				strings.HasPrefix(profile, corev1.DeprecatedAppArmorBetaProfileNamePrefix) || !manifest.Known(profile) {
				continue
			}
			p.Report(w.MetaPath.Child("annotations").Key(key), "container %q has the AppArmor profile %q, which protects nothing", container, profile)
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
      securityContext:
        appArmorProfile:
          type: Unconfined # want: the pod turns AppArmor off
      initContainers:
        - name: setup
          image: registry.example/setup:1.4.2
          securityContext:
            appArmorProfile:
              type: Unconfined # want: container "setup" turns AppArmor off
      containers:
        - name: web
          image: registry.example/web:1.4.2
-- bad-annotation.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata:
          annotations:
            container.apparmor.security.beta.kubernetes.io/report: unconfined # want: container "report"
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
-- bad-exact.yaml --
# options: exact=true
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  os: {name: windows}
  securityContext:
    appArmorProfile:
      type: runtime/default # want: the pod turns AppArmor off
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        appArmorProfile: # want: container "web"
          localhostProfile: web
    - name: log
      image: registry.example/log:0.9.0
      securityContext:
        appArmorProfile: {type: "${PROFILE}"}
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    container.apparmor.security.beta.kubernetes.io/web: runtime/default
    container.apparmor.security.beta.kubernetes.io/log: localhost/log
    example.com/apparmor: unconfined
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
    - name: log
      image: registry.example/log:0.9.0
    - name: own
      image: registry.example/own:0.9.0
      securityContext:
        appArmorProfile: {type: Localhost, localhostProfile: own}
-- good-windows.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  os: {name: windows}
  securityContext:
    appArmorProfile: {type: Unconfined}
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}
