package secrets

import (
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
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
	Kinds:      lint.Any,
	Written:    true,
	Check: func(p *lint.Pass) {
		switch kind := p.Object.GroupKind(); {
		case kind == secretKind, kind.Kind == "CustomResourceDefinition", kind.Kind == "SealedSecret":
			// A Secret's values are judged as such.
			return
		case manifest.Text(p.Object.Node, "$patch") == "delete", sops.Read(p.Object.Node).Valid():
			return
		}
		walk(p.Object.Node, func(w *walker, n *yaml.Node) {
			if isNull(n) || isProseField(w) {
				return
			}
			for _, at := range clearURLs(n.Value) {
				p.ReportInside(p.Rule.Severity, w.path(), at, "%s holds a URL with a credential in it", fieldText(w))
			}
		})
	},
	CheckFile: func(p *lint.TreePass) {
		if !p.File.Contains("://") || !p.File.Contains("@") || !mayCarryURLs(p.Tree, p.File.Name) {
			return
		}
		docs, _ := p.File.Documents()
		for _, doc := range docs {
			if isObject(doc) && path.Base(p.File.Name) != "kustomization.yaml" || sops.Read(doc).Valid() {
				continue
			}
			walkFrom(doc, nil, func(w *walker, n *yaml.Node) {
				if isNull(n) || isProseField(w) {
					return
				}
				for _, at := range clearURLs(n.Value) {
					p.ReportInside(p.Rule.Severity, p.File.Node(n), w.stable(), at, "%s holds a URL with a credential in it", w.stable())
				}
			})
		}
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
  settings: |
    name: x
    url = "https://app:hunter2-pw@api.corp/" # want
    # url = "https://app:hunter2-pw@old.corp/"
    other = "https://app:hunter2-pw@api.corp/b" # want
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: repo
spec:
  url: https://` + "ghp_" + `abcdefghijklmnopqrstuvwxyz0123456789@github.com/o/r # want: url holds a URL
---
apiVersion: postgres.corp/v1
kind: Database
metadata:
  name: db
spec:
  backup:
    target: sftp://app:hunter2-pw@backup.corp/db # want: target holds a URL
-- bad-files/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - https://app:hunter2-pw@git.corp/base?ref=v1 # want: resources
-- bad-files/chart/Chart.yaml --
apiVersion: v2
name: chart
version: 0.1.0
dependencies:
  - name: redis
    version: 1.2.3
    repository: https://app:hunter2-pw@charts.corp # want: dependencies[redis].repository
-- bad-files/values.yaml --
database:
  url: postgres://app:hunter2-pw@db/app # want: database.url
  replica: postgres://app:${DB_PASSWORD}@db/app
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
---
apiVersion: example.com/v1
kind: Thing
metadata:
  name: thing
spec:
  description: "Connect with postgres://app:hunter2-pw@db/app"
-- good-files/README.yaml --
url: postgres://app:hunter2-pw@db/app
-- good-files/values.yaml --
url: postgres://$(USER):$(PASSWORD)@db/app
-- good-files/kustomization.yaml --
resources:
  - https://github.com/o/r//base?ref=v1
  - ssh://git@github.com/o/r
`,
}

// fieldText names the field for a message: the key, which is nobody's secret.
func fieldText(w *walker) string {
	if len(w.steps) == 2 && isDataMap(w.steps[:1]) {
		return "ConfigMap key \"" + w.name() + "\""
	}
	return w.name()
}

// mayCarryURLs says that a file which is no object says where something is fetched
// from, or holds values.
func mayCarryURLs(tree func() *lint.Tree, name string) bool {
	switch path.Base(name) {
	case "Chart.yaml", "requirements.yaml":
		return true
	}
	if carrierFile(name) != "" {
		return true
	}
	values, _ := valuesFile(tree, name)
	return values
}

// isProseField says that the field is written for people.
func isProseField(w *walker) bool {
	switch w.name() {
	case "description", "message", "summary", "runbook_url", "help", "documentation", "doc", "NOTES":
		return true
	}
	return false
}

// clearURLs are the URLs with a literal credential in a text, the first of each
// line.
func clearURLs(v string) []lint.Inside {
	if !strings.Contains(v, "://") || !strings.Contains(v, "@") {
		return nil
	}
	var found []lint.Inside
	number := 0
	for line := range strings.Lines(v) {
		number++
		if !strings.Contains(line, "@") || strings.HasPrefix(strings.TrimSpace(line), "#") && number > 1 {
			continue
		}
		for _, u := range findURLs(line) {
			if u.clearCredentials() {
				in := lint.Inside{Key: u.scheme + "://", Word: u.scheme, Line: number}
				if !strings.Contains(strings.TrimSpace(v), "\n") {
					in = lint.Inside{}
				}
				found = append(found, in)
				break
			}
		}
		if len(found) == maxInConfigMap {
			break
		}
	}
	return found
}
