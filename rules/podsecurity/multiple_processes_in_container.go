package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var multipleProcessesInContainer = &lint.Rule{
	ID:       "multiple-processes-in-container",
	Title:    "container starts several applications",
	Why:      "Kubernetes watches one process of a container. When another one fails nothing restarts it, its logs mix with the others', and all of them share one user, one set of rights and one memory limit.",
	Fix:      "Give each application a container of its own, in the same pod if they belong together.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			// A script that prepares something may do two things at once.
			if c.Kind == manifest.Init || c.Kind == manifest.Ephemeral {
				continue
			}
			line := commandLine(c)
			if at, name := starts(line, supervisors); name != "" {
				p.Report(at.path, "container %q starts its applications with %s", c.Name, name)
				continue
			}
			if s, ok := script(line); ok && startsSeveral(shellCommands(s.text)) {
				p.Report(s.path, "the start script of container %q keeps several programs running", c.Name)
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
      containers:
        - name: web
          image: registry.example/web:1.4.2
          command: [/usr/bin/supervisord, -n] # want: container "web" starts its applications with supervisord
        - name: shop
          image: registry.example/shop:1.4.2
          command: ["sh", "-c"]
          args:
            - php-fpm & exec nginx # want: container "shop" keeps several programs running
        - name: mail
          image: registry.example/mail:1.4.2
          command:
            - bash
            - -c
            - | # want: container "mail"
              smtpd 2>&1 &
              imapd &
              wait -n
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  initContainers:
    - name: fetch
      image: registry.example/fetch:1.4.2
      command: [sh, -c, 'fetch a & fetch b & wait']
  containers:
    # One program, and a shell that passes signals on to it.
    - name: web
      image: registry.example/web:1.4.2
      command:
        - sh
        - -c
        - |
          trap 'kill $child' TERM
          web --a="b & c" > /dev/null 2>&1 && true &
          child=$!
          wait $child
    # A program that is set up while it runs.
    - name: cache
      image: registry.example/cache:1.4.2
      command: [sh, -c, 'cache-server & sleep 5; cache-cli set a b; wait']
    - name: log
      image: registry.example/log:0.9.0
      command: [sh, -c, 'cd /data; a=$((1 & 3)); log &> /dev/null || exit 1']
    - name: nothing
      image: registry.example/nothing:0.9.0
      args: [supervisord.conf]
`,
}

// supervisors are programs whose purpose is to run others.
var supervisors = []string{"circusd", "monit", "runsvdir", "s6-svscan", "supervisord"}

// waits are commands that run no program of their own: what ends a script that
// waits for one in the background.
var waits = []string{":", "cat", "echo", "exit", "false", "fg", "kill", "return", "sleep", "tail", "true", "wait"}

// startsSeveral says that a script keeps two programs running: it leaves two in
// the background, or one and goes on to run another.
func startsSeveral(commands []shellCommand) bool {
	background := 0
	for _, c := range commands {
		if c.background && !slices.Contains(waits, program(c.words[0])) {
			background++
		}
	}
	if background != 1 {
		return background > 1
	}
	last := commands[len(commands)-1]
	return !last.background && !slices.Contains(waits, program(last.words[0]))
}
