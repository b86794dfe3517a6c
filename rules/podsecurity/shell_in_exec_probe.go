package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

var shellInExecProbe = &lint.Rule{
	ID:       "shell-in-exec-probe",
	Title:    "probe starts a program that does not belong into the image",
	Why:      "A probe that starts curl, ps or the like keeps these tools in the image, where attackers use them to look around and to load more. Every run starts a process, and those of a Java tool such as jcmd cost more than the program that they look at.",
	Fix:      "Use a probe of type httpGet, tcpSocket or grpc, or a small program of the application's own.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Options: []lint.Option{{
		Name:    "commands",
		Doc:     "Programs that probes may not start, by name.",
		Default: []string{"curl", "jcmd", "ls", "ps", "wget"},
	}},
	Check: func(p *lint.Pass) {
		denied := p.Option("commands")
		for _, c := range p.Workload().Containers() {
			for _, probe := range []struct {
				name string
				*corev1.Probe
			}{{"livenessProbe", c.LivenessProbe}, {"readinessProbe", c.ReadinessProbe}, {"startupProbe", c.StartupProbe}} {
				if probe.Probe == nil || probe.Exec == nil {
					continue
				}
				path := c.Path.Child(probe.name, "exec", "command")
				line := make([]word, len(probe.Exec.Command))
				for i, s := range probe.Exec.Command {
					line[i] = word{s, path.Index(i)}
				}
				if at, name := starts(line, denied); name != "" {
					p.Report(at.path, "the %s of container %q starts %s", probe.name, c.Name, name)
				}
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
      initContainers:
        - name: proxy
          image: registry.example/proxy:1.4.2
          restartPolicy: Always
          startupProbe:
            exec:
              command: [wget, --spider, localhost] # want: the startupProbe of container "proxy" starts wget
      containers:
        - name: web
          image: registry.example/web:1.4.2
          livenessProbe:
            exec:
              command:
                - /usr/bin/curl # want: the livenessProbe of container "web" starts curl
                - localhost
          readinessProbe:
            exec:
              command:
                - sh
                - -c
                - test -f /ready && ps aux | grep web # want: starts ps
-- bad-options.yaml --
# options: commands=pgrep
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      livenessProbe:
        exec: {command: [pgrep, web]} # want: starts pgrep
      readinessProbe:
        exec: {command: [curl, localhost]}
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      livenessProbe:
        exec: {command: [pg_isready, -U, curl]}
      readinessProbe:
        httpGet: {path: /ready, port: 8080}
      startupProbe:
        exec: {command: [sh, -c, 'test -f "/ready; curl"']}
      lifecycle:
        preStop:
          exec: {command: [curl, localhost/stop]}
`,
}

// starts is the first of some programs that a command line starts, by itself or
// in a shell script, and the element that says so.
func starts(line []word, programs []string) (word, string) {
	if len(line) == 0 {
		return word{}, ""
	}
	if name := program(line[0].text); slices.Contains(programs, name) {
		return line[0], name
	}
	s, _ := script(line)
	for _, c := range shellCommands(s.text) {
		if name := program(c.words[0]); slices.Contains(programs, name) {
			return s, name
		}
	}
	return word{}, ""
}
