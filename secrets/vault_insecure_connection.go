package secrets

import (
	"net/url"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var vaultInsecureConnection = &lint.Rule{
	ID:       "vault-insecure-connection",
	Title:    "Vault is reached without TLS verification",
	Why:      "Whoever can answer in Vault's place, or listen on the way, gets the token and every secret that is read with it.",
	Fix:      "Give Vault's address with https and the certificate authority that signed its certificate, and turn verification on.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.Secrets,
	Harmless: true,
	Kinds: append([]schema.GroupKind{
		{Group: "external-secrets.io", Kind: "SecretStore"},
		{Group: "external-secrets.io", Kind: "ClusterSecretStore"},
		{Group: "generators.external-secrets.io", Kind: "VaultDynamicSecret"},
		{Group: "secrets.hashicorp.com", Kind: "VaultConnection"},
		{Group: "secrets-store.csi.x-k8s.io", Kind: "SecretProviderClass"},
		{Group: "cert-manager.io", Kind: "Issuer"},
		{Group: "cert-manager.io", Kind: "ClusterIssuer"},
	}, lint.Workloads...),
	Check: func(p *lint.Pass) {
		check := vaultCheck{p}
		if w, ok := p.Object.Workload(); ok {
			check.workload(w)
			return
		}
		o := p.Object
		switch o.GVK.Kind {
		case "SecretStore", "ClusterSecretStore":
			check.address(o.Value("spec", "provider", "vault", "server"))
		case "VaultDynamicSecret":
			check.address(o.Value("spec", "provider", "server"))
		case "VaultConnection":
			check.address(o.Value("spec", "address"))
			check.skips(o.Value("spec", "skipTLSVerify"))
		case "SecretProviderClass":
			if o.Value("spec", "provider").Text() == "vault" || o.Value("spec", "provider").Text() == "openbao" {
				check.address(o.Value("spec", "parameters", "vaultAddress"))
				check.skips(o.Value("spec", "parameters", "vaultSkipTLSVerify"))
			}
		case "Issuer", "ClusterIssuer":
			check.address(o.Value("spec", "vault", "server"))
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
    metadata:
      annotations:
        vault.hashicorp.com/agent-inject: "true"
        vault.hashicorp.com/tls-skip-verify: "true" # want: without verifying its certificate
        vault.hashicorp.com/service: http://vault.vault.svc:8200 # want: without TLS
        vault.security.banzaicloud.io/vault-skip-verify: "true" # want
    spec:
      containers:
        - name: web
          env:
            - name: VAULT_ADDR
              value: http://vault.vault:8200 # want: Vault is reached at an address without TLS
            - name: VAULT_SKIP_VERIFY
              value: "1" # want: Vault is reached without verifying its certificate
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata:
  name: vault
spec:
  provider:
    vault:
      server: http://vault.corp:8200 # want
---
apiVersion: secrets.hashicorp.com/v1beta1
kind: VaultConnection
metadata:
  name: vault
spec:
  address: HTTP://vault.corp:8200 # want
  skipTLSVerify: true # want
---
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: vault
spec:
  provider: vault
  parameters:
    vaultAddress: http://vault.corp:8200 # want
    vaultSkipTLSVerify: "true" # want
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata:
  name: vault
spec:
  vault:
    server: http://vault.corp:8200 # want
    path: pki/sign/web
    auth: {}
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    metadata:
      annotations:
        vault.hashicorp.com/tls-skip-verify: "false"
        vault.hashicorp.com/service: https://vault.vault.svc:8200
    spec:
      containers:
        - name: web
          env:
            - name: VAULT_ADDR
              value: http://127.0.0.1:8200
            - name: VAULT_AGENT_ADDR
              value: http://vault-agent
            - name: VAULT_SKIP_VERIFY
              value: "false"
            - name: OTHER_ADDR
              value: http://other.corp
        - name: agent
          env:
            - name: VAULT_ADDR
              value: http://localhost:8100
        - name: later
          env:
            - name: VAULT_ADDR
              value: ${VAULT_ADDR}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata:
  name: vault
spec:
  provider:
    vault:
      server: https://vault.corp:8200
---
apiVersion: secrets.hashicorp.com/v1beta1
kind: VaultConnection
metadata:
  name: vault
spec:
  address: https://vault.corp:8200
  skipTLSVerify: false
---
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: aws
spec:
  provider: aws
  parameters:
    vaultAddress: http://not.vault
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata:
  name: acme
spec:
  acme:
    server: http://pebble.corp
    privateKeySecretRef: {name: acme}
    solvers: []
`,
}

// vaultCheck reports how Vault is reached.
type vaultCheck struct{ *lint.Pass }

func (c vaultCheck) workload(w *manifest.Workload) {
	for _, container := range w.Containers() {
		for i, e := range container.Env {
			value := manifest.Value{Path: container.Path.Child("env").Index(i).Child("value")}
			switch e.Name {
			case "VAULT_ADDR", "BAO_ADDR":
				c.reportAddress(e.Value, value.Path)
			case "VAULT_SKIP_VERIFY", "BAO_SKIP_VERIFY":
				c.reportSkip(e.Value, value.Path)
			}
		}
	}
	annotations := c.Object.ValueAt(w.MetaPath.Child("annotations"))
	for name, value := range annotations.Entries() {
		value = annotations.Key(name)
		switch name {
		case "vault.hashicorp.com/tls-skip-verify", "vault.security.banzaicloud.io/vault-skip-verify":
			c.skips(value)
		case "vault.hashicorp.com/service", "vault.security.banzaicloud.io/vault-addr":
			c.address(value)
		}
	}
}

func (c vaultCheck) address(v manifest.Value) { c.reportAddress(v.Text(), v.Path) }
func (c vaultCheck) skips(v manifest.Value)   { c.reportSkip(v.Text(), v.Path) }

func (c vaultCheck) reportAddress(address string, path *field.Path) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || !strings.EqualFold(u.Scheme, "http") || isLoopback(u.Hostname()) || Classify(u.Host) == Reference {
		return
	}
	c.Report(path, "Vault is reached at an address without TLS")
}

func (c vaultCheck) reportSkip(value string, path *field.Path) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "true", "1", "t":
		c.Report(path, "Vault is reached without verifying its certificate")
	}
}

func isLoopback(host string) bool {
	return host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1"
}
