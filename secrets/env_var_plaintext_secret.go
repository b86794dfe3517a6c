package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/lint"
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
	Kinds:      lint.Workloads,
	Written:    true,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			for i, e := range c.Env {
				if e.ValueFrom == nil && CredentialName(e.Name) && literalCredential(e.Value) && !namesItself(e.Name, e.Value) {
					p.Report(c.Path.Child("env").Index(i).Child("value"), "environment variable %q of container %q holds a literal credential", e.Name, c.Name)
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
`,
}

// namesItself says that a value is the variable's own name, perhaps with more
// behind it, as placeholders often are: API_KEY_VALUE.
func namesItself(name, value string) bool {
	return strings.HasPrefix(strings.ToLower(value), strings.ToLower(name))
}
