package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var configMapContainsSecret = &lint.Rule{
	ID:         "configmap-contains-secret",
	Title:      "ConfigMap holds credential-like data",
	Why:        "The value stands in the repository, and in the cluster a ConfigMap is readable by far more accounts than a Secret and never encrypted at rest by a rule for Secrets.",
	Fix:        "Move the value to an encrypted Secret and mount it or refer to it from the configuration; then replace the value, because the old one stays in the history.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001", "NSA-CISA"},
	Kinds:      []schema.GroupKind{configMapKind},
	Written:    true,
	Check: func(p *lint.Pass) {
		if manifest.Text(p.Object.Node, "$patch") == "delete" || sops.Read(p.Object.Node).Valid() {
			return
		}
		found := 0
		for _, name := range [...]string{"data", "binaryData"} {
			n := manifest.Get(p.Object.Node, name)
			if n == nil || n.Kind != yaml.MappingNode {
				continue
			}
			for i := 0; i+1 < len(n.Content) && found < maxInConfigMap; i += 2 {
				found += checkConfigMapEntry(p, name, n.Content[i].Value, n.Content[i+1], maxInConfigMap-found)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  DB_PASSWORD: hunter2-pw # want: ConfigMap key "DB_PASSWORD" holds a literal credential
  app.properties: |
    spring.datasource.user=app
    spring.datasource.password=hunter2-pw # want: ConfigMap key "app.properties" holds a literal for "spring.datasource.password"
    mail.smtp.token: hunter2-pw # want: "mail.smtp.token"
  app.yaml: |
    database:
      user: app
      password: hunter2-pw # want: holds a literal for "password"
    users:
      - name: one
        password: hunter2-pw # want
    env:
      - {name: API_TOKEN, value: hunter2-pw} # want
  app.json: '{"auth": {"clientSecret": "hunter2-pw"}}' # want: "clientSecret"
  app.ini: |-
    [db]
    password = "hunter2-pw" # want
  app.toml: |
    [db]
    # the next is wrong
    api_key = "hunter2-key" # want: "api_key"
  .env: |
    A=b

    export API_KEY=hunter2-pw # want
  templated.yaml: |
    host: {{ .Host }}
    password: hunter2-pw # want
  secret.json: |
    {"user": "app", "token": "hunter2-pw"} # want: "token"
  init.sql: |
    CREATE DATABASE shop;
    CREATE USER app WITH PASSWORD 'hunter2-pw'; # want
    alter user root@localhost identified by 'hunter2-pw'; # want
  start.sh: |
    #!/bin/sh
    mysql -uroot -phunter2-pw < /init.sql # want: "-p"
  core-site.xml: |
    <configuration>
      <property>
        <name>fs.s3a.secret.key</name>
        <value>hunter2-pw</value>
      </property>
      <property>
        <name>javax.jdo.option.ConnectionPassword</name>
        <value>hunter2-pw</value> # want: "javax.jdo.option.ConnectionPassword"
      </property>
      <admin-password>hunter2-pw</admin-password> # want
    </configuration>
binaryData:
  app.env: UEFTU1dPUkQ9aHVudGVyMi1wdwo= # want
-- good.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  DB_PASSWORD_FILE: /run/secrets/db
  TOKEN_TTL: 1h
  existingSecret: my-secret
  PASSWORD_MIN_LENGTH: "12"
  DB_PASSWORD: ${DB_PASSWORD}
  app.properties: |
    # password=commented
    password=${DB_PASSWORD}
    password.file=/run/secrets/db
    token.ttl=1h
  app.yaml: |
    password: ""
    passwordFile: /run/x
    secretName: foo
    token: $TOKEN
    auth:
      secretKeyRef: {name: a, key: b}
  login.py: |
    password = get_password()
    token = request.token
    if password == expected: pass
  run.sh: |
    #!/bin/sh
    TOKEN=$(cat /run/token)
    PASSWORD="$1"
  readme.md: |
    The password is asked for. Set token: see below.
  secret-name: web-credentials
  password.policy: strict
  sql: |
    -- PASSWORD 'commented'
    create user app with password '${DB_PASSWORD}';
  backup.sh: |
    #!/bin/bash
    mysqldump -p"$MYSQL_PASSWORD" shop > /backup/$(date +%F).sql
    curl -H "Authorization: Bearer ${TOKEN}" https://api.corp
  site.xml: |
    <configuration>
      <property><name>token.ttl</name><value>3600</value></property>
      <password>${env.PASSWORD}</password>
    </configuration>
  application.yaml: |
    spring:
      datasource:
        password: ${DB_PASSWORD:}
      security:
        oauth2:
          client-secret: '@CLIENT_SECRET@'
    management:
      tokens:
        password-encoder: bcrypt
    auth:
      env: [{name: API_TOKEN, valueFrom: {secretKeyRef: {name: a, key: token}}}]
  dex.yaml: |
    staticClients:
      - id: argo
        secretEnv: ARGO_SECRET
    connectors:
      - config:
          clientSecret: $GITHUB_CLIENT_SECRET
  grafana.ini: |
    [security]
    admin_password = $__file{/run/secrets/admin}
    ;secret_key = SW2YcwTIb9zpOOhoPsMm
`,
}

// maxInConfigMap is how many findings there are of one ConfigMap at most: it is
// moved as a whole.
const maxInConfigMap = 20

// checkConfigMapEntry judges one key of a ConfigMap, and gives the number of
// findings.
func checkConfigMapEntry(p *lint.Pass, part, key string, v *yaml.Node, most int) int {
	if v.Kind != yaml.ScalarNode || isNull(v) {
		return 0
	}
	value := v.Value
	if part == "binaryData" {
		decoded, ok := decodeBase64(value)
		if !ok || !isPrintable(decoded) {
			return 0
		}
		value = decoded
	}
	at := field.NewPath(part).Key(key)
	trimmed := strings.TrimSpace(value)
	if whole := !strings.Contains(trimmed, "\n") && !strings.HasPrefix(trimmed, "{"); whole && clearCredential(key, value) {
		p.ReportAs(credentialSeverity(p.Rule.Severity, value), at, "ConfigMap key %q holds a literal credential", key)
		return 1
	}
	found := deployedCredentials(p, key, value)
	for i, in := range found {
		if i == most {
			return most
		}
		if part == "binaryData" {
			in.Line = 0
		}
		p.ReportInside(p.Rule.Severity, at, in, "ConfigMap key %q holds a literal for %q", key, insideName(in))
	}
	return len(found)
}

// credentialSeverity is low for what is only the hash of a credential.
func credentialSeverity(s lint.Severity, value string) lint.Severity {
	if isHash(strings.TrimSpace(value)) {
		return min(s, lint.Low)
	}
	return s
}
