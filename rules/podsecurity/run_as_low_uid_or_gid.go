package podsecurity

import (
	"fmt"
	"strings"

	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var runAsLowUIDOrGID = &lint.Rule{
	ID:       "run-as-low-uid-or-gid",
	Title:    "container runs with a user or group id that the node may use",
	Why:      "A container shares the numbers of users and groups with its node. If the node has a user of the same number, a process that breaks out has that user's files and processes.",
	Fix:      "Set runAsUser and runAsGroup to ids from 10000 on, which no node gives to its own users.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Options: []lint.Option{
		{Name: "threshold", Doc: "The lowest id that is high enough.", Default: []string{"10000"}, Valid: lint.Whole(1)},
		{Name: "require-explicit", Doc: "Whether a container must set runAsUser and runAsGroup, or inherit them.", Default: []string{"false"}, Valid: lint.Truth},
	},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if inUserNamespace(w) || onWindows(w) {
			return
		}
		threshold, explicit := p.Number("threshold"), p.Yes("require-explicit")
		reported := map[string]bool{}
		judge := func(container, what string, id *int64, path *field.Path) {
			switch at := path.String(); {
			case reported[at]:
			case id == nil && explicit:
				p.Report(path, "container %q sets no %s id", container, strings.ToLower(what))
			// 0 is for run-as-user-zero and run-as-root-group.
			case id != nil && *id > 0 && *id < threshold:
				reported[at] = true
				who := "the pod runs its containers"
				if at != w.SecurityPath().Child("runAs"+what).String() {
					who = fmt.Sprintf("container %q runs", container)
				}
				p.Report(path, "%s with the %s id %d, which is below %d", who, strings.ToLower(what), *id, threshold)
			}
		}
		for _, c := range w.Containers() {
			user, path := c.RunAsUser()
			judge(c.Name, "User", user, path)
			group, path := c.RunAsGroup()
			judge(c.Name, "Group", group, path)
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
        runAsUser: 1000 # want: the pod runs its containers with the user id 1000
        runAsGroup: 20000
      initContainers:
        - name: setup
          image: registry.example/setup:1.4.2
      containers:
        - name: web
          image: registry.example/web:1.4.2
        - name: log
          image: registry.example/log:0.9.0
          securityContext:
            runAsUser: 20000
            runAsGroup: 101 # want: container "log" runs with the group id 101, which is below 10000
-- bad-options.yaml --
# options: threshold=1000 require-explicit=true
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    runAsGroup: 999 # want: below 1000
  containers:
    - name: web # want: container "web" sets no user id
      image: registry.example/web:1.4.2
    - name: log
      image: registry.example/log:0.9.0
      securityContext:
        runAsUser: 1000
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
    - name: log
      image: registry.example/log:0.9.0
      securityContext:
        runAsUser: 10000
        runAsGroup: 10000
    - name: root
      image: registry.example/root:1.0.0
      securityContext:
        runAsUser: 0
        runAsGroup: 0
---
# The numbers of a user namespace are not the node's.
apiVersion: v1
kind: Pod
metadata:
  name: namespaced
spec:
  hostUsers: false
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext: {runAsUser: 1000}
`,
}
