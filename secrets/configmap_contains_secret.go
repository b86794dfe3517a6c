package secrets

import (
	"path"
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
		if text(p.Object.Node, "$patch") == "delete" || sops.Read(p.Object.Node).Valid() {
			return
		}
		for _, name := range [...]string{"data", "binaryData"} {
			n := manifest.Get(p.Object.Node, name)
			if n == nil || n.Kind != yaml.MappingNode {
				continue
			}
			for i := 0; i+1 < len(n.Content); i += 2 {
				key, v := n.Content[i].Value, n.Content[i+1]
				if v.Kind != yaml.ScalarNode || isNull(v) {
					continue
				}
				value := v.Value
				if name == "binaryData" {
					decoded, ok := decodeBase64(value)
					if !ok || !isPrintable(decoded) {
						continue
					}
					value = decoded
				}
				at := field.NewPath(name).Key(key)
				if !strings.Contains(strings.TrimSpace(value), "\n") && CredentialName(key) {
					if literalCredential(value) {
						p.Report(at, "ConfigMap key %q holds a literal credential", key)
					}
					continue
				}
				if found := embeddedCredential(key, value); found != "" {
					p.Report(at, "ConfigMap key %q holds a literal for %q", key, found)
				}
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
  app.properties: | # want: ConfigMap key "app.properties" holds a literal for "spring.datasource.password"
    spring.datasource.user=app
    spring.datasource.password=hunter2-pw
  app.yaml: | # want: holds a literal for "password"
    database:
      user: app
      password: hunter2-pw
  app.json: '{"auth": {"clientSecret": "hunter2-pw"}}' # want: "clientSecret"
  app.ini: | # want
    [db]
    password = "hunter2-pw"
  .env: | # want
    export API_KEY=hunter2-pw
  templated.yaml: | # want
    host: {{ .Host }}
    password: hunter2-pw
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
  grafana.ini: |
    [security]
    admin_password = $__file{/run/secrets/admin}
    ;secret_key = SW2YcwTIb9zpOOhoPsMm
`,
}

// embeddedCredential is the name of the first literal credential in a file that
// a ConfigMap holds, or empty.
func embeddedCredential(key, value string) string {
	extension := strings.ToLower(path.Ext(key))
	switch extension {
	case ".md", ".txt", ".html", ".css", ".crt", ".pem":
		return ""
	case ".py", ".js", ".ts", ".lua", ".go", ".rb", ".php", ".groovy", ".java", ".pl", ".tpl", ".sql", ".rego", ".star":
		return credentialInLines(value, false, true)
	case ".sh", ".bash":
		return credentialInLines(value, false, false)
	case ".properties", ".env", ".ini", ".conf", ".cfg", ".cnf", ".toml":
		return credentialInLines(value, extension == ".properties", false)
	}
	trimmed := strings.TrimSpace(value)
	if !strings.Contains(trimmed, "\n") && !strings.HasPrefix(trimmed, "{") {
		return ""
	}
	structured := extension == ".yaml" || extension == ".yml" || extension == ".json" || strings.HasPrefix(trimmed, "{") || extension == ""
	if structured {
		docs, problems := manifest.Parse([]byte(value))
		found, mapping := "", false
		for _, doc := range docs {
			mapping = mapping || doc.Kind == yaml.MappingNode
			walk(doc, func(w *walker, n *yaml.Node) {
				if found == "" && !isNull(n) && !applicationTag(n) && CredentialName(w.name()) && literalCredential(n.Value) {
					found = w.name()
				}
			})
		}
		if found != "" || mapping && len(problems) == 0 {
			return found
		}
	}
	return credentialInLines(value, structured && extension != "", false)
}

// applicationTag says that the program which reads the YAML gives the value a
// meaning of its own, as in `!env_var NAME` or `!vault PATH`: it is no literal.
func applicationTag(n *yaml.Node) bool {
	return strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!")
}

// credentialInLines looks at name=value lines. In a program an unquoted value is
// code.
func credentialInLines(value string, colons, quotedOnly bool) string {
	for line := range strings.Lines(value) {
		line = strings.TrimSpace(line)
		for _, p := range findPairs(line, colons) {
			if !CredentialName(p.name) || !literalCredential(p.value) {
				continue
			}
			quoted := strings.Contains(line, `"`+p.value+`"`) || strings.Contains(line, `'`+p.value+`'`)
			if !quoted && (quotedOnly || strings.ContainsAny(p.value, "()[]{}<>$`\"'\\")) {
				continue
			}
			if strings.ContainsAny(p.value, "$`") {
				continue
			}
			return p.name
		}
	}
	return ""
}
