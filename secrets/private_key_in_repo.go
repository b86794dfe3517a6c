package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var privateKeyInRepo = &lint.Rule{
	ID:         "private-key-in-repo",
	Title:      "Private key is committed",
	Why:        "Whoever has the private key is whom it stands for: the server, the user or the signer. It stays in the history of the repository after it is removed.",
	Fix:        "Make a new key, revoke the old one and everything issued to it, and keep the new one in an encrypted Secret.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.004"},
	Kinds:      append([]schema.GroupKind{secretKind}, carrierKinds...),
	Written:    true,
	Check: func(p *lint.Pass) {
		if text(p.Object.Node, "$patch") == "delete" {
			return
		}
		encodedMap := ""
		switch p.Object.GroupKind() {
		case secretKind:
			encodedMap = "data"
		case configMapKind:
			encodedMap = "binaryData"
		}
		severity := p.Rule.Severity
		if isFixture(p.Object.Origin.File) {
			severity = lint.Low
		}
		walk(p.Object.Node, func(w *walker, n *yaml.Node) {
			value := n.Value
			if len(value) < 64 {
				return
			}
			if encodedMap != "" && w.steps[0].key == encodedMap {
				if decoded, ok := decodeBase64(value); ok {
					value = decoded
				}
			}
			switch found, encrypted := findPrivateKey(value); {
			case found && encrypted:
				p.ReportAs(min(severity, lint.Medium), w.path(), "%s holds a private key that is protected by a passphrase only", w.name())
			case found:
				p.ReportAs(severity, w.path(), "%s holds a private key", w.name())
			}
		})
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: tls
data:
  tls.key: | # want: tls.key holds a private key
    -----BEGIN RSA PRIVATE KEY-----
    MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun
    VTLw7onLRnrq0/IzW7yWR7QkrmBL7jTKEn5u+qKhbwKfBstIs+bMY2Zkp18gnTxK
    -----END RSA PRIVATE KEY-----
  locked.key: | # want: protected by a passphrase only
    -----BEGIN ENCRYPTED PRIVATE KEY-----
    MIIFHDBOBgkqhkiG9w0BBQ0wQTApBgkqhkiG9w0BBQwwHAQIAAAAAAAAAAACAggA
    -----END ENCRYPTED PRIVATE KEY-----
  account.json: '{"type":"service_account","private_key":"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END PRIVATE KEY-----\n"}' # want
---
apiVersion: v1
kind: Secret
metadata:
  name: tls
data:
  tls.key: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JSUV2UUlCQURBTkJna3Foa2lHOXcwQkFRRUZBQVNDQktjd2dnU2pBZ0VBQW9JQkFRQzdWSlRVdDlVczhjS2oKLS0tLS1FTkQgUFJJVkFURSBLRVktLS0tLQo= # want
-- good.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: tls
data:
  tls.crt: |
    -----BEGIN CERTIFICATE-----
    MIIBhTCCASugAwIBAgIQIRi6zePL6mKjOipn+dNuaTAKBggqhkjOPQQDAjASMRAw
    -----END CERTIFICATE-----
  tls.pub: |
    -----BEGIN PUBLIC KEY-----
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo
    -----END PUBLIC KEY-----
  help: |
    Paste the key between -----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----.
  placeholder: |
    -----BEGIN PRIVATE KEY-----
    ${TLS_KEY_WITHOUT_THE_LINES_AROUND_IT_AS_ONE_LONG_LINE}
    -----END PRIVATE KEY-----
`,
}

// isFixture says that a file is made for tests by the folder it is in.
func isFixture(file string) bool {
	for part := range strings.SplitSeq(file, "/") {
		switch part {
		case "testdata", "fixtures", "__fixtures__", "test-fixtures":
			return true
		}
	}
	return false
}

// findPrivateKey looks for a PEM or PGP block of a private key with something
// in it. One key in clear outweighs any number of encrypted ones.
func findPrivateKey(v string) (found, encrypted bool) {
	if !strings.Contains(v, "PRIVATE KEY") {
		return false, false
	}
	// In JSON a line's end is written \n.
	v = strings.ReplaceAll(strings.ReplaceAll(v, `\r`, ""), `\n`, "\n")
	for {
		_, rest, ok := strings.Cut(v, "-----BEGIN ")
		if !ok {
			return found, found
		}
		v = rest
		label, body, ok := strings.Cut(rest, "-----")
		if !ok || len(label) > 40 || !strings.HasSuffix(strings.TrimSuffix(label, " BLOCK"), "PRIVATE KEY") {
			continue
		}
		body, _, _ = strings.Cut(body, "-----")
		text := keyBody(body)
		if len(text) < 40 {
			continue
		}
		found = true
		// An OpenSSH key names its cipher right at the start.
		locked := strings.HasPrefix(label, "ENCRYPTED") || strings.Contains(body, "4,ENCRYPTED") ||
			label == "OPENSSH PRIVATE KEY" && !strings.HasPrefix(text, "b3BlbnNzaC1rZXktdjEAAAAABG5vbm")
		if !locked {
			return true, false
		}
	}
}

// keyBody is the base64 of a PEM block, without its headers.
func keyBody(body string) string {
	var b strings.Builder
	for _, line := range strings.Fields(body) {
		if isBase64Text(strings.TrimRight(line, "=")) {
			b.WriteString(line)
		}
	}
	return b.String()
}
