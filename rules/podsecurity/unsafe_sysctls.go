package podsecurity

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

// safeSysctls are those that Pod Security allows, and the minor version that each
// is allowed from: check_sysctls.go of k8s.io/pod-security-admission/policy.
var safeSysctls = map[string]uint{
	"kernel.shm_rmid_forced":              0,
	"net.ipv4.ip_local_port_range":        0,
	"net.ipv4.ip_local_reserved_ports":    27,
	"net.ipv4.ip_unprivileged_port_start": 0,
	"net.ipv4.ping_group_range":           0,
	"net.ipv4.tcp_fin_timeout":            29,
	"net.ipv4.tcp_keepalive_intvl":        29,
	"net.ipv4.tcp_keepalive_probes":       29,
	"net.ipv4.tcp_keepalive_time":         29,
	"net.ipv4.tcp_notsent_lowat":          37,
	"net.ipv4.tcp_rmem":                   32,
	"net.ipv4.tcp_slow_start_after_idle":  37,
	"net.ipv4.tcp_syncookies":             0,
	"net.ipv4.tcp_wmem":                   32,
}

var unsafeSysctls = &lint.Rule{
	ID:         "unsafe-sysctls",
	Title:      "pod sets a kernel parameter that is not safe",
	Why:        "Kernel parameters outside the safe set may reach beyond the pod to its node, or weaken the kernel's defences. The kubelet refuses to start a pod that sets one, unless the node allows it with --allowed-unsafe-sysctls.",
	Fix:        "Remove the sysctl from the pod, and set it for the nodes that need it with the tool that configures them. Newer versions of Kubernetes allow more sysctls.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "CIS-1.12:5.7.3"},
	Standard:   standard,
	Kinds:      lint.Workloads,
	Options: []lint.Option{{
		Name: "allow",
		Doc:  "Further sysctls that pods may set, because the nodes allow them.",
	}, exact("names count only as they are written, and on Windows, too")},
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if ignoresWindows(p, w) {
			return
		}
		allowed := map[string]bool{}
		for _, name := range p.Option("allow") {
			allowed[sysctlName(name)] = true
		}
		for i, s := range w.Security().Sysctls {
			name := s.Name
			if !p.Yes("exact") {
				name = sysctlName(name)
			}
			from, safe := safeSysctls[name]
			if safe && since(p, from) || allowed[sysctlName(name)] || !manifest.Known(name) {
				continue
			}
			path := w.SecurityPath().Child("sysctls").Index(i).Child("name")
			if safe {
				p.Report(path, "the pod sets the sysctl %q, which is allowed only from Kubernetes 1.%d on", s.Name, from)
				continue
			}
			p.Report(path, "the pod sets the sysctl %q, which is not among the safe ones", s.Name)
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
        sysctls:
          - name: net.core.somaxconn # want: the pod sets the sysctl "net.core.somaxconn", which is not among the safe ones
            value: "4096"
          - name: kernel.msgmax # want: "kernel.msgmax"
            value: "65536"
          - name: net.ipv4.tcp_syncookies
            value: "1"
      containers:
        - name: web
          image: registry.example/web:1.4.2
-- bad-version.yaml --
# kubernetes: 1.28
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    sysctls:
      - {name: net.ipv4.ip_local_reserved_ports, value: "8080"}
      - {name: net.ipv4.tcp_keepalive_time, value: "600"} # want: allowed only from Kubernetes 1.29 on
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- bad-exact.yaml --
# options: exact=true
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  os: {name: windows}
  securityContext:
    sysctls:
      - {name: net/ipv4/tcp_syncookies, value: "1"} # want: "net/ipv4/tcp_syncookies"
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
# kubernetes: 1.37
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    sysctls:
      - {name: net.ipv4.tcp_notsent_lowat, value: "16384"}
      # The kubelet takes slashes, too.
      - {name: net/ipv4/ip_unprivileged_port_start, value: "80"}
      - {name: "${SYSCTL}", value: "1"}
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-allowed.yaml --
# options: allow=net.core.somaxconn
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    sysctls:
      - {name: net.core.somaxconn, value: "4096"}
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-windows.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  os: {name: windows}
  securityContext:
    sysctls:
      - {name: kernel.msgmax, value: "65536"}
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}

// sysctlName is a sysctl's name with dots: the API takes slashes, too.
func sysctlName(name string) string { return strings.ReplaceAll(name, "/", ".") }
