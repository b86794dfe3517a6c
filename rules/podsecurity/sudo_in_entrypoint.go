package podsecurity

import (
	"slices"

	"github.com/scantling-dev/scantling/lint"
)

var sudoInEntrypoint = &lint.Rule{
	ID:       "sudo-in-entrypoint",
	Title:    "container starts its program with sudo",
	Why:      "sudo works only in an image that lets its user become root, and only in a container that allows privilege escalation. Whoever breaks into the program becomes root the same way.",
	Fix:      "Let the image do what needs root when it is built, and start the program itself as the user that it shall run as.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.PodSecurity,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			line := commandLine(c)
			for i, w := range line {
				// The program itself, or what a small init program starts.
				if program(w.text) == "sudo" && (i == 0 || line[i-1].text == "--") {
					p.Report(w.path, "container %q starts its program with sudo", c.Name)
				}
			}
			if s, ok := script(line); ok && slices.ContainsFunc(shellCommands(s.text), isSudo) {
				p.Report(s.path, "container %q runs sudo in its start script", c.Name)
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
        - name: setup
          image: registry.example/setup:1.4.2
          command: [sh, -ec]
          args:
            - | # want: container "setup" runs sudo in its start script
              chmod 700 /data
              if true; then DEBUG=1 sudo -E chown web /data; fi
      containers:
        - name: web
          image: registry.example/web:1.4.2
          command:
            - /usr/bin/sudo # want: container "web" starts its program with sudo
            - web
        - name: log
          image: registry.example/log:0.9.0
          command: [tini, --]
          args:
            - sudo # want: container "log"
            - log
        - name: mail
          image: registry.example/mail:1.0.0
          args:
            - -c
            - "sleep 1 && sudo mail" # want: container "mail"
-- good.yaml --
# The word alone is no call.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      command: [bash, -c]
      args:
        - |
          # sudo is not needed here
          useradd -G sudo web
          echo "run; sudo web" 'or; sudo log' > /etc/sudoers.d/web
          cat > run.sh <<-'END'
            sudo web
            END
          exec web --sudo=false
    - name: group
      image: registry.example/group:0.9.0
      command: [usermod, -aG, sudo, web]
    - name: shell
      image: registry.example/shell:0.9.0
      command: [sh, /run.sh, sudo]
`,
}

func isSudo(c shellCommand) bool { return program(c.words[0]) == "sudo" }
