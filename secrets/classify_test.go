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
		// What other tools encrypted or look up.
		{"ENC(G6N718UuyPE5bHyWKyuLQSm02auQPUtm)", Reference}, {"ENC(short)", Literal}, {"{cipher}AQAVhg0nCfKsLGvgGaTqdsdZ", Reference},
		{"vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZR", Reference}, {"vault:v1:", Literal}, {"ENC[PKCS7,MIIBeQYJKoZIhvcNAQcDoIIBajCCAWYCAQ]", Reference},
		{"ENC[PKCS7,hunter 2]", Literal}, {"bao:secret/data/db#password", Reference}, {">>vault:secret/data/db#password", Reference},
		{"arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-a1b2c3", Reference}, {"arn:aws:iam::123456789012:role/x", Literal},
		{"projects/p/secrets/db/versions/1", Reference}, {"projects/p/instances/db", Literal}, {"awssm://db", Reference}, {"secret://user:pw@host", Literal},
		{"azkv://vault/db", Reference}, {"ftp://vault/db", Literal},
		{"-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n", Public}, {"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n", Public},
		{"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\npassword: hunter2", Literal},
		{"-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----", Literal},
		// What pipelines fill in, and what only looks alike.
		{"#{DB_PASSWORD}#", Reference}, {"#{DB_PASSWORD}", Reference}, {"((db-password))", Reference}, {"[[ .password ]]", Reference}, {"<% password %>", Reference},
		{"<%= password %>", Reference}, {"{% password %}", Reference}, {"@DB_PASSWORD@", Reference}, {"__DB_PASSWORD__", Reference}, {"<<DB_PASSWORD>>", Reference},
		{"@hunter2@", Literal}, {"__hunter2__", Literal}, {"((hunter2!))", Literal}, {"#{hunter 2}", Literal}, {"@", Placeholder}, {"@@", Placeholder}, {"__", Placeholder},
		{"((", Placeholder}, {"@DB_PASSWORD", Literal}, {"#hunter2#", Literal}, {"[[hunter2$]]", Literal}, {"p@ssw@rd", Literal},
		{"${?DB_PASSWORD}", Reference}, {"${mariadb-password}", Reference}, {"${PASSWORD-hunter}", Literal}, {"${password-hunter2}", Literal}, {"${DB_PASSWORD:?}", Reference},
		{"${DB_PASSWORD:-}", Reference}, {"${DB_PASSWORD:-${OTHER}}", Reference}, {"${DB_PASSWORD:-${OTHER:-hunter2}}", Literal}, {"${}", Literal}, {"${1}", Literal}, {"$(A)$(B)", Reference}, {"$(A)hunter2", Literal},
		{"{{ .a }}{{ .b }}", Template}, {"{{ .a }}hunter2", Literal}, {"{{", Placeholder}, {"}}", Placeholder}, {"{{ unfinished", Literal}, {"{{- include \"a\" . -}}", Template},
		{"Bearer $(TOKEN)", Reference}, {"Bearer hunter2", Literal}, {"Basic {{ .Auth }}", Template}, {"token ${T}", Reference},
		// Invitations, and what is none.
		{"fake", Placeholder}, {"fake_password", Placeholder}, {"YourApiToken", Placeholder}, {"Your4piToken", Literal}, {"example_pw", Placeholder}, {"my_private_password", Placeholder},
		{"my_private_place", Literal}, {"interbroker-password-placeholder", Placeholder}, {"XXX_DATABASE_PASSWORD_XXX", Placeholder}, {"REDACTED", Placeholder}, {"<REDACTED>", Placeholder},
		{"<password> ", Placeholder}, {"<<<", Placeholder}, {"<a><b>", Literal}, {"changeit", Placeholder}, {"change-this-8f3k", Literal}, {"dummy-token", Placeholder}, {"dummytoken1", Literal},
		{"replace-me-please", Placeholder}, {"Replace-Me-Please7x", Literal}, {"todo: set this", Placeholder}, {"TBD", Placeholder}, {"tbdhunter", Literal}, {"hunter2 # CHANGE_ME", Literal},
		{"••••••••", Placeholder}, {"--------", Placeholder}, {"000000", Placeholder}, {"0000001", Literal}, {"user:changeme", Placeholder}, {"user:changeme2x", Literal},
		{"https://user:CHANGE_ME@git.corp/a", Placeholder}, {"https://user:${P}x@git.corp/a", Literal}, {"https://${T}@git.corp/a", Reference},
	} {
		if got := Classify(c.value); got != c.want {
			t.Errorf("Classify(%.60q) = %v, want %v", c.value, got, c.want)
		}
	}
}

func TestClassifyIsFast(t *testing.T) {
	for _, unit := range []string{"${", "{{", "://", "${A:=", "$(", "<path:", "password=", "ENC[AES256_GCM,data:", "-----BEGIN ", "a@b:c://",
		"{% ", "<<", "a: |\n ", "<a>", "sh -c '", "--password ", "-", "\"", "$(", "password '"} {
		text := strings.Repeat(unit, 1<<16/len(unit))
		Classify(text)
		clearCredential("password", text)
		embeddedCredentials("app.yaml", text)
		embeddedCredentials("start.sh", text)
		clearFlags(scriptWords(nil, text, nil, 0))
		clearURLs(text)
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
		if len(v) > 1<<12 {
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
		clearCredential("dbPassword", v)
		CredentialName(v)
		for _, key := range [...]string{"a", "a.sh", "a.sql", "a.xml", "a.properties"} {
			for _, in := range embeddedCredentials(key, v) {
				if in.Line < 1 || in.Line > strings.Count(v, "\n")+1 {
					t.Errorf("%s: line %d of %q", key, in.Line, v)
				}
			}
		}
		clearFlags(scriptWords(nil, v, nil, 0))
		clearURLs(v)
		scanText([]byte(v))
		for _, u := range findURLs(v) {
			u.clearCredentials()
		}
		shellWords(v)
	})
}

func TestClearCredential(t *testing.T) {
	for _, c := range []struct{ name, value string }{
		{"password", "hunter2-pw"}, {"password", "password"}, {"password", "123456"}, {"DB_PASSWORD", "00112233"}, {"adminPassword", "Hunter Two"}, {"token", "abc-def-ghi"},
		{"clientSecret", "my-own-phrase"}, {"jwt-secret", "supersecret"}, {"secret", "8f3kd9X"}, {"SECRET_KEY", "8f3k-signing"}, {"apiKey", "not-false-but-secret"},
		{"dsn", "app:hunter2@tcp(db:3306)/shop"}, {"connectionString", "Server=db;User=app;Password=hunter2-pw"}, {"AccountKey", "aHVudGVyMg=="}, {"encryptionKey", "0123456789abcdef0123456789abcdeg"},
		{"SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/" + "T000/B000/abcdef"}, {"passwordHash", "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"},
		{"smtp_pass", "hunter2"}, {"db_pw", "hunter2"}, {"authtoken", "hunter2"}, {"secretkey", "hunter2"}, {"password", "always-hunter2"}, {"MYSQL_ROOT_PASSWORD", "db_password1"},
	} {
		if !clearCredential(c.name, c.value) {
			t.Errorf("clearCredential(%q, %q) = false", c.name, c.value)
		}
	}
	for _, c := range []struct{ name, value string }{
		{"password", ""}, {"password", "true"}, {"password", "none"}, {"token", "3600"}, {"token", "1h"}, {"token", "30 days"}, {"token", "always"}, {"password", "${P}"},
		{"secret", "hypershift"}, {"secret", "ibm-s390x-ssh-key-wdc06"}, {"OPERATOR_SECRET", "operator"}, {"credentials", "gcp-sa"}, {"databaseSecret", "database-credentials"},
		{"s3_credentials_secret", "s3-credentials"}, {"client_secret", "oauth2-proxy-client-secret"}, {"token", "vault-token"}, {"DB_PASSWORD", "db-password"}, {"API_KEY", "API_KEY_VALUE"},
		{"cookie-secret", "SECRET"}, {"apikeyKey", "TMDB_API_KEY"}, {"initialClusterToken", "etcd-cluster-k8s"}, {"tsigSecretAlg", "hmac-sha256"}, {"masterKeyIps", "0.0.0.0/0"},
		{"auth-htpasswd-encryption", "bcrypt"}, {"connectionString", "redis-cart:6379"}, {"CONNECTION_STRING", "projects/p/instances/i/databases/d"}, {"dsn", "host=db user=app"}, {"dsn", "app@tcp(db:3306)/shop"},
		{"SENTRY_DSN", "https://8f3d1f1c2b7a4d3f@sentry.corp/42"}, {"password", "The password of the user, which must be set"}, {"passwordHash", "bcrypt"}, {"token", "/run/secrets/token"},
		{"publicKey", "8f3kd9X"}, {"PASSWORD_KEY", "password1x"}, {"secretName", "hunter2"}, {"tokens", "hunter2"}, {"TOKEN", "%TOKEN%"}, {"password", "{password}"}, {"password", "%s"},
	} {
		if clearCredential(c.name, c.value) {
			t.Errorf("clearCredential(%q, %q) = true", c.name, c.value)
		}
	}
}
