package podsecurity

import (
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

var sysctlValueInjection = &lint.Rule{
	ID:         "sysctl-value-injection",
	Title:      "sysctl value sets further kernel parameters",
	Why:        "Some versions of CRI-O take a + or = in a sysctl's value for the start of another kernel parameter, and set that one on the node. This is a known way to run commands as root on the node (CVE-2022-0811).",
	Fix:        "Remove everything from the + or = on. No sysctl that a pod may set needs these characters.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"CVE-2022-0811"},
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if onWindows(w) {
			return
		}
		for i, s := range w.Security().Sysctls {
			if strings.ContainsAny(withoutVariables(s.Value), "+=") {
				p.Report(w.SecurityPath().Child("sysctls").Index(i).Child("value"), "the value of sysctl %q sets further kernel parameters", s.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: escape
spec:
  securityContext:
    sysctls:
      - name: kernel.shm_rmid_forced
        value: "1+kernel.core_pattern=|/tmp/run #" # want: sysctl "kernel.shm_rmid_forced"
  containers:
    - name: escape
      image: registry.example/escape:1.0.0
-- bad-job.yaml --
apiVersion: batch/v1
kind: Job
metadata:
  name: tune
spec:
  template:
    spec:
      restartPolicy: Never
      securityContext:
        sysctls:
          - {name: net.core.somaxconn, value: "1024 vm.swappiness=0"} # want: net.core.somaxconn
      containers:
        - name: tune
          image: registry.example/tune:1.0.0
-- good.yaml --
# The = of a variable's default is no part of the value.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    sysctls:
      - name: net.ipv4.ip_local_port_range
        value: "32768 60999"
      - name: net.core.somaxconn
        value: "${backlog:=1024}"
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}

// withoutVariables is the text without the variables in it that nothing
// replaced.
func withoutVariables(s string) string {
	for {
		before, rest, ok := strings.Cut(s, "${")
		if !ok {
			return s
		}
		_, after, ok := strings.Cut(rest, "}")
		if !ok {
			return s
		}
		s = before + after
	}
}
