package secrets

import (
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
)

var envVarPlaintextSecret = &lint.Rule{
	ID:         "env-var-plaintext-secret",
	Title:      "Environment variable holds a literal credential",
	Why:        "The value stands in the repository and in the workload, where everyone may read it who may look at pods; the rights on Secrets and encryption at rest don't protect it.",
	Fix:        "Put the value in an encrypted Secret and refer to it with valueFrom.secretKeyRef; then replace the value, because the old one stays in the history.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001", "NSA-CISA"},
	Kinds:      lint.Any,
	Written:    true,
	Check: func(p *lint.Pass) {
		if w, ok := p.Object.Workload(); ok {
			for _, c := range w.Containers() {
				for i, e := range c.Env {
					if e.ValueFrom == nil && clearCredential(e.Name, e.Value) {
						p.ReportAs(credentialSeverity(p.Rule.Severity, e.Value), c.Path.Child("env").Index(i).Child("value"),
							"environment variable %q of container %q holds a literal credential", e.Name, c.Name)
					}
				}
			}
			return
		}
		if !mayCarryEnvironment(p) {
			return
		}
		walk(p.Object.Node, func(w *walker, n *yaml.Node) {
			if name := variableOf(w); name != "" && !isNull(n) && clearCredential(name, n.Value) {
				p.ReportAs(credentialSeverity(p.Rule.Severity, n.Value), w.path(), "environment variable %q holds a literal credential", name)
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      initContainers:
        - name: migrate
          env:
            - name: PGPASSWORD
              value: hunter2-pw # want: environment variable "PGPASSWORD" of container "migrate"
      containers:
        - name: web
          env:
            - name: DB_PASSWORD
              value: hunter2-pw # want: environment variable "DB_PASSWORD" of container "web"
            - name: apiKey
              value: "not-false-but-secret" # want
            - name: SECRET_KEY
              value: 8f3kd9-signing # want
            - {name: CONNECTION_STRING, value: "Server=db;User=app;Password=hunter2-pw"} # want
            - name: SLACK_WEBHOOK_URL
              value: https://hooks.slack.com/services/T000/B000/abcdef # want
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: job
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - name: job
              env:
                - name: AUTH_TOKEN
                  value: | # want
                    abc-def-ghi
---
apiVersion: tekton.dev/v1
kind: Task
metadata:
  name: build
spec:
  steps:
    - name: push
      image: registry.corp/push:1.2
      env:
        - name: REGISTRY_PASSWORD
          value: hunter2-pw # want: environment variable "REGISTRY_PASSWORD"
        - name: ADMIN_PASS
          value: "12345678" # want
---
apiVersion: v1
kind: Pod
metadata:
  name: hashed
spec:
  ephemeralContainers:
    - name: debug
      env:
        - name: DB_PASSWORD
          value: hunter2-pw # want high
  containers:
    - name: web
      env:
        - name: ADMIN_PASSWORD_HASH
          value: $2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy # want low
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: web
          env:
            - name: DB_PASSWORD
              valueFrom:
                secretKeyRef:
                  name: db
                  key: password
            - name: OTHER_PASSWORD
              value: $(DB_PASSWORD)
            - name: EMPTY_PASSWORD
              value: ""
            - name: DB_PASSWORD_FILE
              value: /run/secrets/db
            - name: TOKEN_PATH
              value: token
            - name: SECRETS_DIR
              value: secrets
            - name: GOOGLE_APPLICATION_CREDENTIALS
              value: /var/run/google/key.json
            - name: EXISTING_SECRET
              value: my-secret
            - name: SECRET_NAME
              value: my-secret
            - name: ALLOW_EMPTY_PASSWORD
              value: "yes"
            - name: REQUIRE_TOKEN
              value: always
            - name: TOKEN_TTL
              value: 1h
            - name: SESSION_TOKEN
              value: "3600"
            - name: REFRESH_TOKEN
              value: 10m
            - name: MAX_TOKENS
              value: "4096"
            - name: TOKEN_URL
              value: https://login.corp/token
            - name: AUTH_SECRET
              value: https://vault.corp/secret
            - name: KEYBOARD
              value: de
            - name: DB_DSN
              value: host=db user=app dbname=shop
            - name: WEBHOOK_URL
              value: http://bot.chat.svc/hook
            - name: TEMPLATE_PASSWORD
              value: "{{ .Values.password }}"
            - name: SAMPLE_PASSWORD
              value: changeme
            - name: DB_PASSWORD_KEY
              value: db-password
            - name: DATABASE_SECRET
              value: database-credentials
            - name: GIT_TOKEN
              value: git-access-token
            - name: TOKEN_HEADER
              value: X-Auth-Token
            - name: PASSWORD_HASH
              value: bcrypt
            - name: SSH_PUBLIC_KEY
              value: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI app@corp
            - name: API_TOKEN
              value: "@API_TOKEN@"
            - name: ACCESS_TOKEN
              value: arn:aws:secretsmanager:eu-west-1:123456789012:secret:app
---
apiVersion: tekton.dev/v1
kind: Task
metadata:
  name: build
spec:
  params:
    - name: password
      value: not-a-variable
  steps:
    - name: push
      env:
        - name: REGISTRY_PASSWORD
          value: $(params.password)
`,
}

// mayCarryEnvironment says that the object is a custom one that may hold lists of
// containers or of variables. What a chart's values make of theirs is
// helm-values-plaintext-secret's to judge.
func mayCarryEnvironment(p *lint.Pass) bool {
	switch p.Object.GVK.Group {
	case "", "apps", "batch", "rbac.authorization.k8s.io", "apiextensions.k8s.io", "policy", "networking.k8s.io", "autoscaling":
		return false
	}
	return !slices.Contains(valueCarriers, p.Object.GroupKind())
}

// variableOf is the name of the environment variable whose value a walk stands at:
// env[2].value.
func variableOf(w *walker) string {
	n := len(w.steps)
	if n < 3 || w.steps[n-1].key != "value" || w.steps[n-2].index < 0 || w.steps[n-3].key != "env" {
		return ""
	}
	return manifest.Text(w.steps[n-1].in, "name")
}
