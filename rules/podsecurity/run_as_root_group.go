package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var runAsRootGroup = &lint.Rule{
	ID:         "run-as-root-group",
	Title:      "container is put into the group root",
	Why:        "The group 0 owns many files of images and nodes. A process in it may read, and often write, what it finds of these in its image and in what is mounted from the node.",
	Fix:        "Set runAsGroup, fsGroup and supplementalGroups to a group other than 0.",
	Since:      "0.1.0",
	Severity:   lint.Low,
	Category:   lint.PodSecurity,
	Frameworks: []string{"CIS-1.12:5.7.3"},
	Profile:    lint.Strict,
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		// To root itself its groups add nothing; run-as-user-zero speaks there.
		isRoot := func(c *manifest.Container) bool {
			user, _ := c.RunAsUser()
			return user != nil && *user == 0
		}
		if inUserNamespace(w) || onWindows(w) ||
			!slices.ContainsFunc(w.Containers(), func(c *manifest.Container) bool { return !isRoot(c) }) {
			return
		}
		pod := w.SecurityPath()
		if g := w.Security().FSGroup; g != nil && *g == 0 {
			p.Report(pod.Child("fsGroup"), "the pod's volumes belong to the group root, and its containers to that group")
		}
		if i := slices.Index(w.Security().SupplementalGroups, 0); i >= 0 {
			p.Report(pod.Child("supplementalGroups").Index(i), "the pod puts its containers into the group root")
		}
		reported := false
		for _, c := range w.Containers() {
			group, path := c.RunAsGroup()
			switch {
			case group == nil || *group != 0 || isRoot(c):
			case path.String() != pod.Child("runAsGroup").String():
				p.Report(path, "container %q runs in the group root", c.Name)
			case !reported:
				reported = true
				p.Report(path, "the pod runs its containers in the group root")
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
      securityContext:
        runAsUser: 1000
        fsGroup: 0 # want: the pod's volumes belong to the group root
        supplementalGroups:
          - 3000
          - 0 # want: puts its containers into the group root
      initContainers:
        - name: setup
          image: registry.example/setup:1.4.2
          securityContext:
            runAsGroup: 0 # want: container "setup" runs in the group root
      containers:
        - name: web
          image: registry.example/web:1.4.2
          securityContext:
            runAsGroup: 3000
-- bad-pod.yaml --
# One wrong line, one finding, however many containers inherit it.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    runAsGroup: 0 # want: the pod runs its containers in the group root
  containers:
    - name: web
      image: registry.example/web:1.4.2
    - name: log
      image: registry.example/log:0.9.0
    - name: own
      image: registry.example/own:0.9.0
      securityContext:
        runAsGroup: 1000
-- good.yaml --
# What is not set is up to the image.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    fsGroup: 2000
    supplementalGroups: [3000]
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
# run-as-user-zero speaks for this one.
apiVersion: v1
kind: Pod
metadata:
  name: root
spec:
  securityContext:
    runAsUser: 0
    runAsGroup: 0
    fsGroup: 0
  containers:
    - name: root
      image: registry.example/root:1.4.2
---
# The group root of a user namespace is nobody's on the node.
apiVersion: v1
kind: Pod
metadata:
  name: namespaced
spec:
  hostUsers: false
  securityContext:
    runAsGroup: 0
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}
