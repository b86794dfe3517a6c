package secrets

import (
	"path"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
)

var helmValuesPlaintextSecret = &lint.Rule{
	ID:         "helm-values-plaintext-secret",
	Title:      "Chart values carry a literal credential",
	Why:        "The value stands in the repository and, wherever the chart puts it, in the release's stored values too, where everyone may read it who may read the release. It stays in the history after it is removed.",
	Fix:        "Put the value in an encrypted Secret and give the chart its name, as with existingSecret or valuesFrom, or encrypt the values file with SOPS; then replace the value, because the old one stays in the history.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Kinds:      valueCarriers,
	Written:    true,
	Supersedes: []string{"secret-plaintext", "env-var-plaintext-secret", "configmap-contains-secret", "secret-in-command-args", "url-embedded-credentials"},
	Check: func(p *lint.Pass) {
		if manifest.Text(p.Object.Node, "$patch") == "delete" || sops.Read(p.Object.Node).Valid() {
			return
		}
		if by := p.Unit.By; by != nil && by.GVK.Kind == "ApplicationSet" && p.Object.GVK.Kind == "Application" {
			// The set is where it is written.
			return
		}
		what := manifest.Text(p.Object.Node, "kind")
		walkValues(p.Object.Node, what, func(w *walker, root int, found carried) {
			p.ReportInside(found.severity(p.Rule.Severity, inUse), w.path(), found.inside, "%s carries a literal for %q", what, w.below(root, found))
		})
	},
	CheckFile: checkValuesFile,
	Examples:  helmValuesExamples,
}

// severity is that of a finding: low for a hash, for what a chart is tested with,
// and for a default that a chart comes with and everybody knows.
func (c carried) severity(s lint.Severity, from valuesOrigin) lint.Severity {
	if from == chartTest || from == chartDefault && (isWeakDefault(c.value) || isDocumentedDefault(c.value)) {
		return min(s, lint.Low)
	}
	return credentialSeverity(s, c.value)
}

// below names what was found for a message: the way to it from where the values
// begin.
func (w *walker) below(root int, found carried) string {
	name := (&walker{steps: w.steps[root:]}).stable()
	switch {
	case found.inside.Key != "" && name != "":
		return name + ": " + found.inside.Key
	case found.inside.Key != "":
		return found.inside.Key
	case found.name != "" && w.name() == "value":
		return found.name
	}
	return name
}

// walkValues calls found for the literal credentials in the values that an object,
// or a file of the given kind, carries. root is how many steps lead to them.
func walkValues(doc *yaml.Node, kind string, found func(w *walker, root int, c carried)) {
	walkFrom(doc, nil, func(w *walker, n *yaml.Node) {
		root := valuesRoot(kind, w.steps)
		if root < 0 {
			return
		}
		if root == len(w.steps) {
			// Values as a text.
			for _, in := range embeddedCredentials("values.yaml", n.Value) {
				found(w, root, carried{name: insideName(in), node: n, inside: in})
			}
			return
		}
		within := &walker{steps: w.steps[root:]}
		clearCarried(within, n, func(c carried) { found(w, root, c) })
	})
}

// valuesRoot is how many steps of the way lead to values; -1 where there are none.
func valuesRoot(kind string, steps []step) int {
	under := func(keys ...string) int {
		if len(steps) < len(keys) {
			return -1
		}
		for i, key := range keys {
			if steps[i].key != key {
				return -1
			}
		}
		return len(keys)
	}
	switch kind {
	case "HelmRelease":
		return under("spec", "values")
	case "Kustomization":
		return under("spec", "postBuild", "substitute")
	case "ResourceSet":
		return under("spec", "inputs")
	case "HelmChart", "HelmChartConfig":
		return max(under("spec", "valuesContent"), under("spec", "set"))
	case "HelmChartProxy":
		return under("spec", "valuesTemplate")
	case "Release":
		return max(under("spec", "forProvider", "values"), under("spec", "forProvider", "set"))
	case "HelmChartInflationGenerator":
		return under("valuesInline")
	case "Application", "ApplicationSet":
		for i := 0; i+1 < len(steps); i++ {
			switch above, key := steps[i].key, steps[i+1].key; {
			case above == "helm" && (key == "values" || key == "valuesObject" || key == "parameters"),
				above == "plugin" && (key == "env" || key == "parameters"):
				return i + 2
			}
		}
		return max(under("spec", "generators"), under("spec", "templatePatch"))
	case "kustomization":
		// helmCharts[0].valuesInline
		if under("helmCharts") > 0 && len(steps) > 2 && steps[2].key == "valuesInline" {
			return 3
		}
	case "fleet":
		return under("helm", "values")
	case "helmfile":
		// releases[0].values[0], releases[0].set[0]
		if under("releases") > 0 && len(steps) > 3 && (steps[2].key == "values" || steps[2].key == "set") {
			return 4
		}
	case "values":
		return 0
	}
	return -1
}

// carrierFile says what a file that is no object carries values as: the kind that
// valuesRoot knows, or empty.
func carrierFile(name string) string {
	switch path.Base(name) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return "kustomization"
	case "fleet.yaml", "fleet.yml":
		return "fleet"
	case "helmfile.yaml", "helmfile.yml":
		return "helmfile"
	}
	return ""
}

// checkValuesFile judges the files of values, and what else carries values and is
// no object.
func checkValuesFile(p *lint.TreePass) {
	kind, from := carrierFile(p.File.Name), inUse
	if kind == "" {
		var values bool
		if values, from = valuesFile(p.Tree, p.File.Name); !values {
			return
		}
		kind = "values"
	}
	p.Nothing("values as "+kind, func() bool { return searchValues(p, kind, from) == 0 })
}

// searchValues reports the literals in a file of values, and says how many there
// are, which follows from the file alone.
func searchValues(p *lint.TreePass, kind string, from valuesOrigin) (literals int) {
	docs, problems := p.File.Documents()
	for _, doc := range docs {
		if kind == "values" && isObject(doc) || sops.Read(doc).Valid() {
			continue
		}
		walkValues(doc, kind, func(w *walker, root int, found carried) {
			literals++
			p.ReportInside(found.severity(p.Rule.Severity, from), p.File.Node(found.node), w.stable(), found.inside, "values hold a literal for %q", w.below(root, found))
		})
	}
	if len(docs) == 0 && len(problems) > 0 && kind == "values" {
		// A template of values.
		for _, in := range credentialsInLines(string(p.File.Data), lineSyntax{colons: true}) {
			literals++
			p.ReportInside(p.Rule.Severity, manifest.Span{File: p.File.Name, Line: 1, Column: 1}, in.Key, in, "values hold a literal for %q", insideName(in))
		}
	}
	return literals
}

// helmValuesExamples are those of helm-values-plaintext-secret.
const helmValuesExamples = `
-- bad-release.yaml --
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: web
spec:
  values:
    auth:
      username: app
      password: hunter2-pw # want high: HelmRelease carries a literal for "auth.password"
    users:
      - name: one
        password: hunter2-pw # want: "users[one].password"
    extraEnv:
      - name: API_TOKEN
        value: hunter2-pw # want: carries a literal for "API_TOKEN"
    env:
      DB_PASSWORD: hunter2-pw # want: "env.DB_PASSWORD"
    extraArgs:
      - --admin-password=hunter2-pw # want
      - --token
      - hunter2-pw # want
    config: |
      [security]
      user = app
      admin_password = hunter2-pw # want: "config: admin_password"
    s3:
      accessKey: app
      secretKey: hunter2-pw # want: "s3.secretKey"
    adminPassword:
      value: hunter2-pw # want: "adminPassword"
    pin:
      password: "123456" # want
-- bad-argo.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
spec:
  source:
    repoURL: https://charts.corp
    chart: web
    targetRevision: 1.2.3
    helm:
      parameters:
        - name: auth.password
          value: hunter2-pw # want: Application carries a literal for "auth.password"
      values: |
        auth:
          user: app
          password: hunter2-pw # want: "auth.password"
        nested: |
          a = b
          token = hunter2-pw # want: "nested/token"
      valuesObject:
        redis:
          password: hunter2-pw # want: "redis.password"
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: two
spec:
  sources:
    - repoURL: https://charts.corp
      chart: web
      targetRevision: 1.2.3
      helm:
        valuesObject:
          password: hunter2-pw # want
    - repoURL: https://git.corp/a
      path: .
      plugin:
        env:
          - name: VAULT_TOKEN
            value: hunter2-pw # want: "VAULT_TOKEN"
-- bad-set.yaml --
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: web
spec:
  generators:
    - list:
        elements:
          - cluster: a
            adminPassword: hunter2-pw # want
  template:
    metadata:
      name: "{{cluster}}"
    spec:
      source:
        repoURL: https://charts.corp
        helm:
          values: |
            password: "{{adminPassword}}"
            other:
              token: hunter2-pw # want
-- bad-substitute.yaml --
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
spec:
  postBuild:
    substitute:
      DOMAIN: corp.test
      DB_PASSWORD: hunter2-pw # want: Kustomization carries a literal for "DB_PASSWORD"
-- bad-values/apps/values-prod.yaml --
database:
  user: app
  password: hunter2-pw # want high: values hold a literal for "database.password"
-- bad-chart/chart/Chart.yaml --
apiVersion: v2
name: chart
version: 0.1.0
-- bad-chart/chart/values.yaml --
admin:
  password: admin # want low: "admin.password"
  token: hunter2-pw # want high
-- bad-chart/chart/templates/values.yaml --
password: hunter2-pw
-- bad-used/settings/web.yaml --
auth:
  password: admin # want high
-- bad-used/@readers --
settings/web.yaml helm apps/web
-- bad-named/apps/web.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
spec:
  sources:
    - repoURL: https://charts.corp
      chart: web
      helm:
        valueFiles:
          - $own/settings/prod/web.yaml
          - secrets://settings/prod/clear.yaml
    - repoURL: https://git.corp/own
      ref: own
-- bad-named/settings/prod/web.yaml --
redis:
  password: hunter2-pw # want: "redis.password"
-- bad-named/settings/prod/clear.yaml --
redis:
  token: hunter2-pw # want: "redis.token"
-- bad-named/settings/prod/other.yaml --
redis:
  password: hunter2-pw
-- bad-helmfile/helmfile.yaml --
releases:
  - name: web
    chart: corp/web
    values:
      - web/config.yaml
      - auth:
          password: hunter2-pw # want: "auth.password"
    set:
      - name: auth.token
        value: hunter2-pw # want: "auth.token"
-- bad-helmfile/web/config.yaml --
auth:
  clientSecret: hunter2-pw # want: "auth.clientSecret"
-- bad-inline/kustomization.yaml --
helmCharts:
  - name: web
    repo: https://charts.corp
    valuesInline:
      auth:
        password: hunter2-pw # want: "auth.password"
configMapGenerator:
  - name: x
    literals: [password=none]
-- good-release.yaml --
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: web
spec:
  valuesFrom:
    - kind: Secret
      name: web
      valuesKey: password
      targetPath: auth.password
  values:
    auth:
      existingSecret: web-auth
      existingSecretPasswordKey: password
      secretKeys:
        adminPasswordKey: admin-password
        userPassword: user-password
      password: ""
      adminPassword: ${ADMIN_PASSWORD}
      token: null
      usePasswordFiles: true
      tokenTTL: 1h
      passwordSecret: web-credentials
      credentials: gcp-service-account
      apiKey: <path:secret/data/web#key>
      clientSecret: op://vault/web/secret
      sharedSecret: CHANGE_ME
      tokenAudience: web.corp
    extraEnv:
      - name: DB_PASSWORD
        valueFrom:
          secretKeyRef:
            name: db
            key: password
      - name: TOKEN_FILE
        value: /run/secrets/token
      - name: WITHOUT_VALUE
    secretKeyRef:
      name: db
      token: db-token
    podAnnotations:
      vault.hashicorp.com/agent-inject-secret-password: internal/data/db
    imagePullSecrets:
      - name: registry
    ingress:
      tls:
        - secretName: web-tls
    oidc:
      tokenUrl: https://login.corp/token
      clientSecret: $oidc.clientSecret
    description:
      password: The password of the user, which must not be empty
    extraArgs:
      - --token-file=/run/token
      - --password=$(PASSWORD)
      - --enable-token-auth
    config: |
      [security]
      admin_password = ${ADMIN_PASSWORD}
      ;secret_key = SW2YcwTIb9zpOOhoPsMm
-- good-argo.yaml --
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
  annotations:
    token: not-in-values-1
spec:
  source:
    repoURL: https://charts.corp
    helm:
      parameters:
        - name: auth.existingSecret
          value: web-auth
        - name: auth.password
          value: $ARGOCD_ENV_PASSWORD
        - name: passwordMinLength
          value: "12"
      values: |
        auth:
          existingSecret: web-auth
          password: <path:secret/data/web#password>
-- good-values/docs/notes.yaml --
password: hunter2-pw
-- good-values/app/values.yaml --
auth:
  password: ""
  secretName: web
other:
  password: changeme
-- good-values/app/values.schema.json --
{"properties": {"password": {"type": "string", "default": "hunter2-pw"}}}
-- good-values/app/secret-values.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: not-values
stringData:
  password: hunter2-pw
`
