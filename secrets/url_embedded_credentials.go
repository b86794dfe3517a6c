package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
)

var urlEmbeddedCredentials = &lint.Rule{
	ID:         "url-embedded-credentials",
	Title:      "URL carries user information",
	Why:        "The password or token in the URL stands in the repository, and programs write URLs to logs, error texts and status fields without a thought.",
	Fix:        "Take the credential out of the URL and give it by an encrypted Secret, through secretRef or a variable; then replace it, because the old one stays in the history.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Kinds:      carrierKinds,
	Written:    true,
	Check: func(p *lint.Pass) {
		if text(p.Object.Node, "$patch") == "delete" {
			return
		}
		walk(p.Object.Node, func(w *walker, n *yaml.Node) {
			if !strings.Contains(n.Value, "://") {
				return
			}
			for _, u := range findURLs(n.Value) {
				if u.clearCredentials() {
					p.Report(w.path(), "%s holds a URL with a credential in it", fieldText(w))
					return
				}
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      args:
        - --db=postgres://app:hunter2-pw@db:5432/app?sslmode=disable # want: args holds a URL
      env:
        - name: REDIS_URL
          value: redis://:hunter2-pw@redis:6379/0 # want: value holds a URL
        - name: MIXED
          value: amqp://${USER}:hunter2-pw@mq/ # want
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  mongo.url: mongodb://app:hunter2-pw@a:27017,b:27017/db # want: "mongo.url"
  settings: | # want
    name: x
    url = "https://app:hunter2-pw@api.corp/"
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: repo
spec:
  url: https://ghp_abcdefghijklmnopqrstuvwxyz0123456789@github.com/o/r # want: url holds a URL
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      args:
        - --db=postgres://app:$(DB_PASSWORD)@db:5432/app
        - --listen=http://0.0.0.0:8080
      env:
        - name: A
          value: postgres://app:${DB_PASSWORD}@db/app
        - name: B
          value: postgres://app@db/app
        - name: C
          value: https://user:pass@example.com/
        - name: D
          value: postgres://app:{{ .Values.password }}@db/app
        - name: E
          value: https://corp/path/@scope/pkg:1@2
        - name: F
          value: https://medium.com/@someone
        - name: G
          value: postgres://app:%s@db/app
        - name: H
          value: https://8f3d1f1c2b7a4d3f9e6b@sentry.corp/42
        - name: I
          value: postgres://app:<password>@db/app
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: repo
spec:
  url: ssh://git@github.com/o/r
`,
}

// fieldText names the field for a message: the key, which is nobody's secret.
func fieldText(w *walker) string {
	if len(w.steps) == 2 && isDataMap(w.steps[:1]) {
		return "ConfigMap key \"" + w.name() + "\""
	}
	return w.name()
}
