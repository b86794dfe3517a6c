package secrets

import "github.com/scantling-dev/scantling/lint"

var privateKeyInRepo = &lint.Rule{
	ID:         "private-key-in-repo",
	Title:      "Private key is committed",
	Why:        "Whoever has the private key is whom it stands for: the server, the user or the signer. It stays in the history of the repository after it is removed.",
	Fix:        "Make a new key, revoke the old one and everything issued to it, and keep the new one in an encrypted Secret.",
	Since:      "0.1.0",
	Severity:   lint.Critical,
	Category:   lint.Secrets,
	ByPathOnly: true,
	Frameworks: []string{"MITRE:T1552.004"},
	Supersedes: append([]string{"encoded-credential", "secret-in-comment"}, plaintextRules...),
	CheckFile: func(p *lint.TreePass) {
		fixture := isFixture(p.File.Name)
		reportHits(p, func(h *hit) bool {
			if h.family == privateKeyFamily && fixture {
				h.severity = min(h.severity, lint.Low)
			}
			return h.family == privateKeyFamily
		}, func(h hit, name string) string {
			text := inName(name) + " holds " + withArticle(h.name)
			if h.encoded {
				text += " in base64"
			}
			if h.locked {
				text += " that is protected by a passphrase only"
			}
			return text
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
    -----BEGIN RSA PRIVATE ` + `KEY-----
    MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun
    VTLw7onLRnrq0/IzW7yWR7QkrmBL7jTKEn5u+qKhbwKfBstIs+bMY2Zkp18gnTxK
    -----END RSA PRIVATE ` + `KEY-----
  locked.key: | # want medium: protected by a passphrase only
    -----BEGIN ENCRYPTED PRIVATE ` + `KEY-----
    MIIFHDBOBgkqhkiG9w0BBQ0wQTApBgkqhkiG9w0BBQwwHAQIAAAAAAAAAAACAggA
    -----END ENCRYPTED PRIVATE ` + `KEY-----
  one.json: '{"key":"-----BEGIN PRIVATE ` + `KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END PRIVATE ` + `KEY-----\n"}' # want: one.json holds a private key
  nginx.conf: |
    listen 443;
    -----BEGIN OPENSSH PRIVATE ` + `KEY----- # want: the file holds a private key
    b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
    QyNTUxOQAAACDq2Wm8LrYc4ZxNb7PsDhT5gKqQm7RtY2uWp9ZkLc4VxAAAAJhB8Zk0QfGZ
    -----END OPENSSH PRIVATE ` + `KEY-----
---
apiVersion: v1
kind: Secret
metadata:
  name: tls
data:
  tls.key: LS0tLS1CRUdJTiBQUklW` + `QVRFIEtFWS0tLS0tCk1JSUV2UUlCQURBTkJna3Foa2lHOXcwQkFRRUZBQVNDQktjd2dnU2pBZ0VBQW9JQkFRQzdWSlRVdDlVczhjS2oKLS0tLS1FTkQgUFJJVkFURSBLRVktLS0tLQo= # want: tls.key holds a private key in base64
  wrapped.key: >- # want: wrapped.key holds a private key in base64
    LS0tLS1CRUdJTiBQUklW` + `QVRFIEtFWS0tLS0tCk1JSUV2UUlCQURBTkJna3Foa2lHOXcwQkFRRUZB
    QVNDQktjd2dnU2pBZ0VBQW9JQkFRQzdWSlRVdDlVczhjS2oKLS0tLS1FTkQgUFJJVkFURSBLRVkt
    LS0tLQo=
stringData:
  comment.key: | # want
    # made by openssl
    -----BEGIN EC PRIVATE ` + `KEY-----
    MHcCAQEEIHq2Wm8LrYc4ZxNb7PsDhT5gKqQm7RtY2uWp9ZkLc4VxoAoGCCqGSM49
    AwEHoUQDQgAE
    -----END EC PRIVATE ` + `KEY-----
-- bad-file/certs/server.pem --
-----BEGIN CERTIFICATE-----
MIIBhTCCASugAwIBAgIQIRi6zePL6mKjOipn+dNuaTAKBggqhkjOPQQDAjASMRAw
-----END CERTIFICATE-----
-----BEGIN PRIVATE ` + `KEY----- # want critical: the file holds a private key
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj
-----END PRIVATE ` + `KEY-----
-- bad-fixture/pkg/server_test.go --
package pkg

const key = "-----BEGIN PRIVATE ` + `KEY-----\n" + // # want low: the file
	"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n" +
	"-----END PRIVATE ` + `KEY-----\n"
-- bad-putty/id.ppk --
PuTTY-User-` + `Key-File-2: ssh-rsa # want: a PuTTY private key
Encryption: none
Comment: someone
Private-Lines: 2
Hq2Wm8LrYc4ZxNb7PsDhT5gKqQm7RtY2uWp9ZkLc4VxNb8HsDkT6yUj3iOe1aFg7
VTLw7onLRnrq0/IzW7yWR7QkrmBL7jTKEn5u+qKhbwKfBstIs+bMY2Zkp18gnTxK
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
  elided: |
    -----BEGIN PRIVATE KEY-----
    MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj
    ...
    -----END PRIVATE KEY-----
  filled: |
    -----BEGIN PRIVATE KEY-----
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    -----END PRIVATE KEY-----
  template: |
    -----BEGIN PRIVATE KEY-----
    {{ .Values.privateKeyThatIsGivenFromOutsideAsBase64 | b64dec }}
    -----END PRIVATE KEY-----
  check.sh: |
    grep -q -e '-----BEGIN RSA PRIVATE KEY-----' /tls/tls.key || exit 1
    echo thisIsAVeryLongWordThatFollowsTheHeaderOfAKeyInAScript
-- good-code/check.go --
package check

func isKey(s string) bool { return strings.HasPrefix(s, "-----BEGIN RSA PRIVATE KEY-----") }
`,
}
