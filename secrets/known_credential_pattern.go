package secrets

import "github.com/scantling-dev/scantling/lint"

var knownCredentialPattern = &lint.Rule{
	ID:         "known-credential-pattern",
	Title:      "Value matches a provider credential format",
	Why:        "The text has the form that a provider gives its tokens, so that it is one with near certainty. Everyone who can read the repository can use it, and so can those who look for such tokens in public ones within minutes.",
	Fix:        "Revoke the credential at its provider and make a new one; keep that in an encrypted Secret. To remove the line is not enough: it stays in the history.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001", "NSA-CISA"},
	Supersedes: append([]string{"encoded-credential", "private-key-in-repo", "secret-in-comment"}, plaintextRules...),
	CheckFile: func(p *lint.TreePass) {
		fixture := isFixture(p.File.Name)
		reportHits(p, func(h *hit) bool {
			if h.family == tokenFamily && fixture {
				h.severity = min(h.severity, lint.Medium)
			}
			return h.family == tokenFamily
		}, func(h hit, name string) string {
			if h.encoded {
				return inName(name) + " holds " + withArticle(h.name) + " in base64"
			}
			return inName(name) + " holds " + withArticle(h.name)
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  GITHUB_TOKEN: gh` + `p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17 # want critical: GITHUB_TOKEN holds a GitHub token
  checksum-wrong: gh` + `p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18 # want high: GitHub token
  quoted: "AKI` + `AQ3EGRN7TVWXZ2LPM" # want critical: an AWS access key
  slack: xox` + `b-2718281828459-3141592653589-Qm7RtY2uWp9ZkLc4VxNb8HsD # want
  webhook: https://hooks.slack.com` + `/services/T8Q2MZK4L/B7XW3NP9R/hT5gKq2vWm8LrYc4ZxNb7PsD # want high: Slack webhook
  app.properties: |
    github=x
    token=gl` + `pat-Zk4vQm7RtY2uWp9LcXNb # want: token holds a GitLab token
  encoded: R0lUSFVCX1RPS0VOPWdo` + `cF96UVdCdVRTT29SaTRBOXNwSGNWWTVuY25zRGt4a0owbUxxMTcK # want: GitHub token in base64
  connection: AccountName=a;AccountKey` + `=Hq2vWm8LrYc4ZxNb7PsDhT5gKqQm7RtY2uWp9ZkLc4VxNb8HsDkT6yUj3iOe1aFgHq2vWm8LrYc4ZxNb7PsDhQ==;EndpointSuffix=core.windows.net # want: Azure account key
-- bad-secret.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: tokens
stringData:
  config.ini: | # want: config.ini holds an npm token
    [registry]
    token = np` + `m_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17
data:
  token: Z2hw` + `X3pRV0J1VFNPb1JpNEE5c3BIY1ZZNW5jbnNEa3hrSjBtTHExNw== # want: token holds a GitHub token in base64
-- bad-script/deploy.sh --
#!/bin/sh
export AWS_ACCESS_KEY_ID=AKI` + `AQ3EGRN7TVWXZ2LPM # want: AWS_ACCESS_KEY_ID holds an AWS access key
export AWS_SECRET_ACCESS_KEY=Hq` + `2vWm8LrYc4ZxNb7PsDhT5gKq/Qm7RtY2uWp9Zk # want: AWS secret access key
curl -H "Authorization: Bearer $TOKEN" https://api.github.com # gh` + `p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17 # want: the file holds a GitHub token
-- bad-doc/README.md --
Call it with sk` + `_live_4eC39HqLyjWDarjtT1zdp7dcXv2Nbz, as told. # want critical: Stripe secret key
Before, sk` + `_test_4eC39HqLyjWDarjtT1zdp7dcXv2Nbz was enough. # want low: Stripe test key
-- bad-issuer.yaml --
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata:
  name: letsencrypt
spec:
  acme:
    solvers:
      - dns01:
          route53:
            accessKeyID: AKI` + `AQ3EGRN7TVWXZ2LPM # want low: an id of an AWS access key, whose secret is elsewhere
            secretAccessKeySecretRef: {name: route53, key: secret-access-key}
-- bad-embedded/values.yaml --
extraManifests:
  - |
    apiVersion: v1
    kind: Secret
    metadata:
      name: embedded
    stringData:
      token: gh` + `p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17 # want: token holds a GitHub token
      config: | # want: config holds a GitHub token
        token=gh` + `p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17
-- bad-fixture/testdata/token.txt --
gh` + `p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17 # want medium
-- bad-account/key.json --
{
  "type": "service_account",
  "private_key_id": "0f1e2d3c",
  "private_key": "-----BEGIN PRIVATE ` + `KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END PRIVATE ` + `KEY-----\n", # want: Google Cloud service account key
  "client_email": "a@b.iam.gserviceaccount.com"
}
-- good.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  documented: AKIAIOSFODNN7EXAMPLE
  filled: gh` + `p_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
  counted: gl` + `pat-12345678901234567890
  named: gl` + `pat-your-token-goes-here
  words: sk` + `_live_thisisnotarealkeybutwords
  short: gh` + `p_abc
  longer: XAKI` + `AQ3EGRN7TVWXZ2LPM7
  prefix: my_gh` + `p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17x
  public: pk` + `_live_4eC39HqLyjWDarjtT1zdp7dcXv2Nbz
  dsn: https://0f1e2d3c4b5a69788796a5b4c3d2e1f0@sentry.io/42
  digest: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  task-sk-ant: risk-ant-colony
  key: cache-key-d41d8cd98f00b204e9800998ecf8427e
  sealed: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEqAgBy3i4OJSWK+PiTySYZZA9rO43cGDEq
  anon: ey` + `JhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJzdXBhYmFzZSIsInJvbGUiOiJhbm9uIn0.Qm7RtY2uWp9ZkLc4VxNb8HsDkT6yUj3iOe1aFgHq2vW
  uuid: 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0
  service: s.abcdefghijklmnopqrstuvwx
  sid: S` + `K0f1e2d3c4b5a69788796a5b4c3d2e1f0
  reference: ${GITHUB_TOKEN}
`,
}

// plaintextRules are those that report a literal by its name and place. What
// tells of which provider it is says more. The rules on Secrets are not among
// them: that the file is not encrypted is a fault of its own, mended by another
// edit than to revoke the credential.
var plaintextRules = []string{
	"configmap-contains-secret", "env-var-plaintext-secret", "helm-values-plaintext-secret",
	"secret-in-command-args", "url-embedded-credentials",
}
