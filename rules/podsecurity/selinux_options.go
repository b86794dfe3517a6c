package podsecurity

import (
	"fmt"
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var selinuxOptions = &lint.Rule{
	ID:         "selinux-options",
	Title:      "container leaves the SELinux domain of containers",
	Why:        "On nodes with SELinux a container runs in a domain that keeps it from the files and processes of the node. Another type, such as spc_t, or another user or role takes it out of that domain, most often as far out as a privileged container.",
	Fix:        "Remove type, user and role from seLinuxOptions; level may stay. If the program needs more, set the type container_init_t, container_kvm_t or, from Kubernetes 1.31 on, container_engine_t.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "CIS-1.12:5.7.3"},
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options: []lint.Option{{
		Name: "allow",
		Doc:  "Further types that containers may have, such as those of policies that are written for one program.",
	}, exact("container_engine_t only from 1.31 on, and on Windows, too")},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if ignoresWindows(p, w) {
			return
		}
		allowed := append([]string{"", "container_t", "container_init_t", "container_kvm_t"}, p.Option("allow")...)
		if inForce(p, 31) {
			allowed = append(allowed, "container_engine_t")
		}
		report := func(who string, o *corev1.SELinuxOptions, path *field.Path) {
			if o == nil {
				return
			}
			if !slices.Contains(allowed, o.Type) && manifest.Known(o.Type) {
				p.Report(path.Child("type"), "%s has the SELinux type %q", who, o.Type)
			}
			if o.User != "" && manifest.Known(o.User) {
				p.Report(path.Child("user"), "%s has the SELinux user %q", who, o.User)
			}
			if o.Role != "" && manifest.Known(o.Role) {
				p.Report(path.Child("role"), "%s has the SELinux role %q", who, o.Role)
			}
		}
		report("the pod", w.Security().SELinuxOptions, w.SecurityPath().Child("seLinuxOptions"))
		for _, c := range w.Containers() {
			report(fmt.Sprintf("container %q", c.Name), c.Security().SELinuxOptions, c.SecurityPath().Child("seLinuxOptions"))
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      securityContext:
        seLinuxOptions:
          type: spc_t # want: the pod has the SELinux type "spc_t"
          level: s0:c123,c456
      initContainers:
        - name: install
          image: registry.example/install:3.1.0
          securityContext:
            seLinuxOptions:
              user: system_u # want: container "install" has the SELinux user "system_u"
              role: system_r # want: container "install" has the SELinux role "system_r"
              type: container_init_t
      # This one inherits the pod's.
      containers:
        - name: agent
          image: registry.example/agent:3.1.0
-- bad-exact.yaml --
# options: exact=true
# kubernetes: 1.30
apiVersion: v1
kind: Pod
metadata:
  name: builder
spec:
  os: {name: windows}
  containers:
    - name: builder
      image: registry.example/builder:5.0.0
      securityContext:
        seLinuxOptions: {type: container_engine_t} # want: container "builder"
-- good.yaml --
# kubernetes: 1.30
apiVersion: v1
kind: Pod
metadata:
  name: builder
spec:
  securityContext:
    seLinuxOptions: {level: "s0:c123,c456"}
  containers:
    - name: builder
      image: registry.example/builder:5.0.0
      securityContext:
        seLinuxOptions: {type: container_engine_t}
    - name: vm
      image: registry.example/vm:1.0.0
      securityContext:
        seLinuxOptions: {type: container_kvm_t, user: ""}
    - name: log
      image: registry.example/log:0.9.0
      securityContext:
        seLinuxOptions: {type: "${TYPE}"}
-- good-exact.yaml --
# options: exact=true
# kubernetes: 1.31
apiVersion: v1
kind: Pod
metadata:
  name: builder
spec:
  containers:
    - name: builder
      image: registry.example/builder:5.0.0
      securityContext:
        seLinuxOptions: {type: container_engine_t}
-- good-allowed.yaml --
# options: allow=nginx.process
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        seLinuxOptions: {type: nginx.process}
-- good-windows.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  os: {name: windows}
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        seLinuxOptions: {type: spc_t}
`,
}
