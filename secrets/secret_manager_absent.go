package secrets

import (
	"bytes"
	"path"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

var secretManagerAbsent = &lint.Rule{
	ID:         "secret-manager-absent",
	Title:      "Repository uses no secret encryption or external store",
	Why:        "Workloads need Secrets and nothing in the repository brings them, so people make them by hand: nobody knows which there are, who has them, and how to make them again.",
	Fix:        "Keep Secrets in the repository encrypted with SOPS or as SealedSecrets, or let External Secrets, a CSI driver or Vault bring them.",
	Since:      "0.1.0",
	Severity:   lint.Info,
	Category:   lint.Secrets,
	Harmless:   true,
	Frameworks: []string{"CIS-1.12:5.4.2"},
	Profile:    lint.All,
	CheckTree: func(p *lint.TreePass) {
		name, offset := "", 0
		for _, f := range p.Tree().Files {
			if !mayHoldObjects(f) {
				if isManagerFile(f) {
					return
				}
				continue
			}
			data, err := p.Tree().ReadFile(f)
			if err != nil {
				continue
			}
			if usesSecretManager(data) {
				return
			}
			if name == "" {
				if offset = neededSecret(data); offset >= 0 {
					name = f
				}
			}
		}
		if name == "" {
			return
		}
		data, err := p.Tree().ReadFile(name)
		if err != nil {
			return
		}
		p.Report(lint.NewFile(name, data).At(offset, 0), "secretKeyRef", "a workload needs a Secret, and nothing in the repository is encrypted or brings one from a store")
	},
	Examples: `
-- bad/web.yaml --
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
                secretKeyRef: # want: nothing in the repository is encrypted
                  name: db
                  key: password
-- bad/docs.md --
Use an ExternalSecret
-- good-none/web.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: none-needed
data:
  a: b
-- good-external/web.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      envFrom:
        - secretRef:
            name: db
-- good-external/store/db.yaml --
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: db
-- good-sops/web.yaml --
spec: {containers: [{env: [{valueFrom: {secretKeyRef: {name: a, key: b}}}]}]}
-- good-sops/.sops.yaml --
creation_rules:
  - age: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
`,
}

// mayHoldObjects says that a file is YAML, JSON or a chart's template.
func mayHoldObjects(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json", ".tpl":
		return path.Base(name) != ".sops.yaml"
	}
	return false
}

// isManagerFile says that a file is there only where secrets are encrypted.
func isManagerFile(name string) bool {
	switch base := path.Base(name); {
	case base == ".sops.yaml", strings.HasSuffix(base, ".agekey"), base == ".sops.pub.asc":
		return true
	}
	return strings.HasPrefix(name, ".git-crypt/")
}

// secretManagers are what stands in a repository that encrypts Secrets or has them
// brought from elsewhere.
var secretManagers = [...]string{
	"ENC[AES256_GCM,", "SealedSecret", "ExternalSecret", "SecretProviderClass", "VaultStaticSecret", "VaultDynamicSecret", "VaultSecret", "SopsSecret",
	"OnePasswordItem", "BitwardenSecret", "InfisicalSecret", "DopplerSecret", "vault.hashicorp.com/agent-inject", "vault.security.banzaicloud.io/", "avp.kubernetes.io/",
}

func usesSecretManager(data []byte) bool {
	for _, mark := range secretManagers {
		if bytes.Contains(data, []byte(mark)) {
			return true
		}
	}
	return false
}

// neededSecret is the offset at which a workload asks for a Secret; -1 for none.
func neededSecret(data []byte) int {
	if i := bytes.Index(data, []byte("secretKeyRef:")); i >= 0 {
		return i
	}
	from := bytes.Index(data, []byte("envFrom:"))
	if from < 0 {
		return -1
	}
	if i := bytes.Index(data[from:], []byte("secretRef:")); i >= 0 {
		return from + i
	}
	return -1
}
