package secrets

import (
	"bytes"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
)

var kubeconfigInRepo = &lint.Rule{
	ID:         "kubeconfig-in-repo",
	Title:      "Kubeconfig with credentials is committed",
	Why:        "The token, password or client key opens the cluster's API to everyone who can read the repository, often as an administrator, and a client certificate can't be revoked before it expires.",
	Fix:        "Take the user's credentials out, or encrypt the file with SOPS; delete the token or rotate the cluster's client CA. For people, let an exec plugin fetch short-lived credentials.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Supersedes: append([]string{"known-credential-pattern", "private-key-in-repo", "encoded-credential", "secret-in-comment"}, plaintextRules...),
	CheckFile: func(p *lint.TreePass) {
		fixture := isFixture(p.File.Name)
		severity := p.Rule.Severity
		if fixture {
			severity = lint.Low
		}
		reportHits(p, func(h *hit) bool {
			h.severity = severity
			return h.family == kubeconfigFamily
		}, func(_ hit, name string) string {
			return inName(name) + " holds a kubeconfig with credentials in base64"
		})
		if !mayHoldKubeconfig(p.File.Data) {
			return
		}
		docs, _ := p.File.Documents()
		for _, doc := range docs {
			for _, c := range kubeconfigCredentials(doc) {
				p.ReportAs(severity, p.File.Node(c.node), "users["+c.user+"].user."+c.field, "kubeconfig holds the %s of user %q", c.field, c.user)
			}
			walk(doc, func(w *walker, n *yaml.Node) {
				if holdsKubeconfig([]byte(n.Value)) {
					p.ReportAs(severity, p.File.Node(n), w.path().String(), "%s holds a kubeconfig with credentials", w.name())
				}
			})
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Config
clusters:
  - name: prod
    cluster:
      server: https://10.0.0.1:6443
      certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t
contexts:
  - name: prod
    context: {cluster: prod, user: admin}
users:
  - name: admin
    user:
      client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t
      client-key-data: LS0tLS1CRUdJTiBS` + `U0EgUFJJVkFURSBLRVktLS0tLQpNSUlFb3dJQkFBS0NBUUVBdTFTVTFMZlZMUEhDb3pNeEgyTW80bGdPRWVQek5tMHRSZ2VMZXpWNmZmQXQwZ3Vu # want critical: kubeconfig holds the client-key-data of user "admin"
  - name: robot
    user:
      token: q3rft-Yx7.Lc4VxNb8HsDk # want: the token of user "robot"
  - name: old
    user: {username: root, password: q3rft-Yx7} # want: the password of user "old"
-- bad-json/kubeconfig.json --
{
  "kind": "Config", "apiVersion": "v1", "clusters": [], "contexts": [],
  "users": [{"name": "admin", "user": {"token": "q3rft-Yx7.Lc4VxNb8HsDk"}}] # want: the token of user "admin"
}
-- bad-embedded.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: access
data:
  kubeconfig: | # want: kubeconfig holds a kubeconfig with credentials
    apiVersion: v1
    kind: Config
    clusters: []
    users:
      - name: admin
        user:
          token: q3rft-Yx7.Lc4VxNb8HsDk
  encoded: YXBpVmVyc2lvbjogdjEKa2luZDog` + `Q29uZmlnCmNsdXN0ZXJzOiBbXQp1c2VyczoKLSBuYW1lOiBhZG1pbgogIHVzZXI6CiAgICB0b2tlbjogcTNyZnQtWXg3LkxjNFZ4TmI4SHNEawo= # want: encoded holds a kubeconfig with credentials in base64
-- good.yaml --
apiVersion: v1
kind: Config
clusters:
  - name: prod
    cluster:
      server: https://10.0.0.1:6443
      certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t
users:
  - name: exec
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: aws
        args: [eks, get-token, --cluster-name, prod]
  - name: provider
    user:
      auth-provider: {name: gcp}
  - name: files
    user:
      client-certificate: /etc/kubernetes/admin.crt
      client-key: /etc/kubernetes/admin.key
      tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
  - name: placeholder
    user:
      token: ${TOKEN}
  - name: words
    user:
      token: <your token>
      password: CHANGE_ME
---
apiVersion: kubelet.config.k8s.io/v1
kind: Config
clusters: []
users:
  - name: nobody
    user: {}
-- good-encrypted.yaml --
apiVersion: v1
kind: Config
clusters: []
users:
  - name: admin
    user:
      token: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
` + sopsBlock,
}

// mayHoldKubeconfig is a quick look at the bytes, which may be those of a text in
// a text.
func mayHoldKubeconfig(data []byte) bool {
	if !bytes.Contains(data, []byte("users")) || !bytes.Contains(data, []byte("clusters")) {
		return false
	}
	for {
		before, after, ok := bytes.Cut(data, []byte("Config"))
		if !ok {
			return false
		}
		if bytes.HasSuffix(bytes.TrimRight(before[max(0, len(before)-40):], "\\\"' :"), []byte("kind")) && (len(after) == 0 || !isAlnum(after[0])) {
			return true
		}
		data = after
	}
}

// holdsKubeconfig says that a text is a kubeconfig with a literal credential.
func holdsKubeconfig(data []byte) bool {
	if !mayHoldKubeconfig(data) {
		return false
	}
	docs, _ := manifest.Parse(data)
	for _, doc := range docs {
		if len(kubeconfigCredentials(doc)) > 0 {
			return true
		}
	}
	return false
}

// kubeconfigCredential is a literal credential of a user.
type kubeconfigCredential struct {
	user, field string
	node        *yaml.Node
}

// kubeconfigCredentials are those of the users of a kubeconfig.
func kubeconfigCredentials(doc *yaml.Node) []kubeconfigCredential {
	if manifest.Text(doc, "kind") != "Config" {
		return nil
	}
	users := manifest.Get(doc, "users")
	if users == nil || users.Kind != yaml.SequenceNode {
		return nil
	}
	var found []kubeconfigCredential
	for _, u := range users.Content {
		user := manifest.Get(u, "user")
		for _, field := range [...]string{"token", "password", "client-key-data"} {
			n := manifest.Get(user, field)
			if n == nil || n.Kind != yaml.ScalarNode || isNull(n) || Classify(n.Value) != Literal || isElided(n.Value) {
				continue
			}
			found = append(found, kubeconfigCredential{manifest.Text(u, "name"), field, n})
		}
	}
	return found
}

// isElided says that documentation left out most of a value.
func isElided(v string) bool {
	v = strings.TrimSpace(v)
	return strings.Contains(v, "...") || strings.Contains(v, "…") || v == "REDACTED" || v == "DATA+OMITTED" || strings.HasSuffix(v, "==") && len(v) < 8
}
