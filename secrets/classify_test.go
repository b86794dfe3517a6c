package secrets

import (
	"encoding/base64"
	"github.com/scantling-dev/scantling/secrets/sops"
	"strings"
	"testing"
)

const cipher = "ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]"

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		value string
		want  Class
	}{
		{"", Empty}, {" \n", Empty},
		{cipher, Ciphertext},
		{strings.Replace(cipher, "p673w7dSzK0z", "", 1), Ciphertext},
		{cipher + "x", Literal}, {"x" + cipher, Literal}, {cipher + " hunter2", Literal}, {cipher + "\nhunter2", Literal},
		{strings.Replace(cipher, "str]", "text]", 1), Literal},
		{"ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]", Literal},
		{sopsSample + sopsBlock, Ciphertext},
		{strings.Replace(sopsSample, cipher, "hunter2", 1) + sopsBlock, Literal},
		{sopsSample + "    token: hunter2\n" + sopsBlock, Literal},
		{"PASSWORD=" + cipher + "\nsops_mac=" + cipher + "\nsops_lastmodified=2026-03-01T10:00:00Z\nsops_version=3.10.2\n", Ciphertext},
		{"PASSWORD=hunter2\nOTHER=" + cipher + "\nsops_mac=" + cipher + "\nsops_lastmodified=2026-03-01T10:00:00Z\n", Literal},
		{"[db]\npassword = " + cipher + "\n[sops]\nmac = " + cipher + "\nlastmodified = 2026-03-01T10:00:00Z\n", Ciphertext},
		{"${VAR}", Reference}, {"${VAR:=x}", Reference}, {"${VAR:=}", Reference}, {"${VAR:-changeme}", Reference},
		{"${VAR:=hunter2}", Literal}, {"${VAR:?must be set}", Reference}, {"${env:VAR}", Reference}, {"${VAR:0:8}", Reference},
		{"$(VAR)", Reference}, {"${A}:${B}", Reference}, {"$(cat x)", Literal},
		{"<path:a/b#k>", Reference}, {"<path:a/b#k | base64encode>", Reference}, {"<path:a#k> hunter2", Literal},
		{"vault:path#key", Reference}, {"vault:path", Literal}, {"ref+vault://a/b#/c", Reference}, {"ref+echo://hunter2", Literal},
		{"op://a/b/c", Reference}, {"secretref+vault://a", Reference}, {"%(VAR)s", Reference}, {"${{ secrets.X }}", Reference},
		{"$__file{/run/x}", Reference}, {"$__env{X}", Reference}, {"$oidc.clientSecret", Reference}, {"$secret:key", Reference},
		{"op://a/b/c\nhunter2", Literal},
		{"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", Literal}, {"$ecret", Literal}, {"pa$$word", Literal},
		{"{{ .Values.x }}", Template}, {"{{ .A }}-{{ .B }}", Template},
		{"postgres://u:${P}@h/d", Reference}, {"postgres://u:{{ .P }}@h/d", Template}, {"postgres://${U}:hunter2@h", Literal},
		{"postgres://u:changeme@h/d", Placeholder}, {"postgres://u:hunter2@h/d", Literal}, {"https://${DOMAIN}/callback", Reference},
		{"postgres://u:scantlin@h/d", Generated},
		{"user=app\npassword=${P}\n", Reference}, {"user=app\npassword=hunter2\nx=${P}\n", Literal}, {"pre-${VAR}", Literal},
		{"CHANGE_ME", Placeholder}, {"changeme", Placeholder}, {"change-me", Placeholder}, {"example", Placeholder}, {"dummy", Placeholder},
		{"TODO", Placeholder}, {"xxx", Placeholder}, {"XXXXXXXX", Placeholder}, {"***", Placeholder}, {"<your password>", Placeholder},
		{"REPLACE_WITH_TOKEN", Placeholder}, {"REPLACE_ME", Placeholder}, {"aaaaaaaa", Placeholder}, {"example-password", Placeholder},
		{"your-api-key-here", Placeholder}, {"user@example.com", Placeholder},
		{"my-example-8f3k", Literal}, {"examplehunter2", Literal}, {"not false", Literal}, {"nullable", Literal}, {"changeme8f3k", Literal},
		{"REPLACE_8f3kD", Literal}, {"password", Literal}, {"admin", Literal}, {"true", Literal},
		{"scantling0", Generated}, {"sca", Generated}, {"sc", Literal}, {"scantling0scantling0sc", Generated},
		{"SCANTLING0SC", Generated}, {"c2NhbnRsaW5nMHNj", Generated}, {"user:scantling0scantling0", Generated},
		{"scantling1", Literal}, {"12345678901", Generated}, {"123456", Literal}, {"1234567890", Literal},
		{"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", Public},
		{"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", Literal},
		{"-----BEGIN CERTIFICATE-----\nhunter 2\n-----END CERTIFICATE-----", Literal},
		{"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\nhunter2", Literal},
		{"-----BEGIN PUBLIC KEY-----\nMIIB==\n-----END PUBLIC KEY-----\n", Public},
		{"-----BEGIN CERTIFICATE-----\nMIIB", Literal},
		{strings.Repeat("${A:=", 100) + "x" + strings.Repeat("}", 100), Literal},
	} {
		if got := Classify(c.value); got != c.want {
			t.Errorf("Classify(%.60q) = %v, want %v", c.value, got, c.want)
		}
	}
}

func TestClassifyIsFast(t *testing.T) {
	for _, unit := range []string{"${", "{{", "://", "${A:=", "$(", "<path:", "password=", "ENC[AES256_GCM,data:", "-----BEGIN ", "a@b:c://"} {
		Classify(strings.Repeat(unit, 1<<16/len(unit)))
	}
}

func TestCredentialName(t *testing.T) {
	for _, name := range strings.Fields(`password DB_PASSWORD dbPassword db.password passwd MYSQL_PWD passphrase SECRET client-secret clientSecret
		TOKEN authToken apikey API_KEY apiKey access-key AWS_SECRET_ACCESS_KEY privateKey CONNECTION_STRING credentials WEBHOOK_URL SENTRY_DSN
		PGPASSWORD rootPassword PASSWORD2 GITHUB_TOKEN SECRET_KEY SECRET_KEY_BASE APIKey`) {
		if !CredentialName(name) {
			t.Errorf("CredentialName(%q) = false", name)
		}
	}
	for _, name := range strings.Fields(`secretName passwordFile TOKEN_PATH SECRETS_DIR existingSecret existingSecretPasswordKey secretKey secretKeyRef
		passwordKey TOKEN_URL tokenTTL token-expiry PASSWORD_MIN_LENGTH passwordPolicy ENABLE_TOKEN enableToken tokenType secretProvider
		AWS_ACCESS_KEY_ID client-id secretClass secretStore audience passwordHash imagePullSecret tls-secret keyboard tokenizer MAX_TOKENS monkey
		secretary compass_id author key keys name user USERNAME KEYCLOAK_HOST publicKey ALLOW_EMPTY_PASSWORD tokenAudience`) {
		if CredentialName(name) {
			t.Errorf("CredentialName(%q) = true", name)
		}
	}
	if CredentialName("") || CredentialName("--") {
		t.Error("no word is a credential")
	}
}

func FuzzClassify(f *testing.F) {
	for _, seed := range []string{"", cipher, "${A:=${B}}", "{{ x }}", "<path:a#b>", "postgres://u:${P}@h", "a=b;password=c", sopsSample + sopsBlock, "$__file{", "c2Nh", "%(a)s", "-----BEGIN CERTIFICATE-----"} {
		f.Add(seed)
		f.Add(base64.StdEncoding.EncodeToString([]byte(seed)))
	}
	f.Fuzz(func(t *testing.T, v string) {
		if len(v) > 1<<16 {
			return
		}
		c := Classify(v)
		if c != Classify(v) || c < Empty || c > Literal {
			t.Errorf("Classify(%q) is not one class", v)
		}
		if c == Ciphertext && !strings.HasSuffix(v, "]") && sops.IsCiphertext(v) {
			t.Errorf("%q passes as ciphertext", v)
		}
		CredentialName(v)
		literalCredential(v)
		embeddedCredential("a", v)
		findPrivateKey(v)
		for _, u := range findURLs(v) {
			u.clearCredentials()
		}
		shellWords(v)
	})
}
