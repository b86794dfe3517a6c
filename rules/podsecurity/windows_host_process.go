package podsecurity

import "github.com/scantling-dev/scantling/lint"

var windowsHostProcess = &lint.Rule{
	ID:         "windows-host-process",
	Title:      "Windows container runs as a process of the node",
	Why:        "A HostProcess container is not contained at all: it is a program on the Windows node, with the rights of the account that it runs as.",
	Fix:        "Remove hostProcess or set it to false.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.PodSecurity,
	Frameworks: []string{"PSS:baseline", "CIS-1.12:5.2.11"},
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		// The API wants the same value for all containers of a pod, so that
		// what is written is what holds.
		if o := w.Security().WindowsOptions; o != nil && isTrue(o.HostProcess) {
			p.Report(w.SecurityPath().Child("windowsOptions", "hostProcess"), "the pod runs as processes of its Windows node")
		}
		for _, c := range w.Containers() {
			if o := c.Security().WindowsOptions; o != nil && isTrue(o.HostProcess) {
				p.Report(c.SecurityPath().Child("windowsOptions", "hostProcess"), "container %q runs as a process of its Windows node", c.Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: proxy
spec:
  selector: {matchLabels: {app: proxy}}
  template:
    metadata: {labels: {app: proxy}}
    spec:
      os: {name: windows}
      hostNetwork: true
      securityContext:
        windowsOptions:
          hostProcess: true # want: the pod runs as processes
          runAsUserName: 'NT AUTHORITY\SYSTEM'
      containers:
        - name: proxy
          image: registry.example/proxy:1.0.0
        - name: log
          image: registry.example/log:1.0.0
-- bad-container.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  os: {name: windows}
  hostNetwork: true
  containers:
    - name: agent
      image: registry.example/agent:1.0.0
      securityContext:
        windowsOptions:
          hostProcess: true # want: container "agent"
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  os: {name: windows}
  securityContext:
    windowsOptions:
      runAsUserName: ContainerUser
  containers:
    - name: web
      image: registry.example/web:1.0.0
      securityContext:
        windowsOptions:
          hostProcess: false
`,
}
