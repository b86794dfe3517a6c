package secrets

import (
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"math/rand"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/scantling-dev/scantling/lint"
)

const (
	hexLetters    = "0123456789abcdef"
	lowerLetters  = "0123456789abcdefghijklmnopqrstuvwxyz"
	upperLetters  = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	alnumLetters  = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	wordLetters   = alnumLetters + "-_"
	base64Letters = alnumLetters + "+/"
)

// randomText gives what no person would write, the same in every run, and never
// ends with what is no letter.
type randomText struct{ *rand.Rand }

func newRandomText() randomText { return randomText{rand.New(rand.NewSource(7))} }

func (r randomText) of(set string, n int) string {
	for {
		b := make([]byte, n)
		for i := range b {
			b[i] = set[r.Intn(len(set))]
		}
		if isAlnum(b[0]) && isAlnum(b[n-1]) && !isFakeToken(b) && (n < 6 || isMixed(nil, b) == isToken) && (!strings.Contains(set, "aA") || isMixedCase(nil, b) == isToken) {
			return string(b)
		}
	}
}

func base62Sum(s string) string {
	sum := crc32.ChecksumIEEE([]byte(s))
	out := ""
	for range 6 {
		out = string(alnumLetters[sum%62]) + out
		sum /= 62
	}
	return out
}

func encodeLines(data []byte) string {
	text := base64.StdEncoding.EncodeToString(data)
	var b strings.Builder
	for len(text) > 76 {
		b.WriteString(text[:76] + "\n")
		text = text[76:]
	}
	return b.String() + text + "\n"
}

// tokens are one or more credentials of every format, made up at random.
func tokens(t testing.TB) map[string][]string {
	r := newRandomText()
	gitHub := func(prefix string) string {
		body := r.of(alnumLetters, 30)
		return prefix + body + base62Sum(body)
	}
	routable := "glpat-" + r.of(wordLetters, 27) + ".01.0z"
	grafana := "glsa_" + r.of(alnumLetters, 32)
	sum := crc32.ChecksumIEEE([]byte(grafana))
	atlassian := "ATATT3" + r.of(wordLetters, 180) + "="
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	b64url := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	guid := func() string {
		return r.of(hexLetters, 8) + "-" + r.of(hexLetters, 4) + "-" + r.of(hexLetters, 4) + "-" + r.of(hexLetters, 4) + "-" + r.of(hexLetters, 12)
	}
	return map[string][]string{
		"aws-access-key":            {"AKIA" + r.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)},
		"aws-temporary-key":         {"ASIA" + r.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)},
		"aws-bedrock-key":           {"ABSK" + r.of(base64Letters, 128)},
		"aws-secret-key":            {"aws_secret_access_key = " + r.of(base64Letters, 40), `"SecretAccessKey": "` + r.of(base64Letters, 40) + `"`, "- name: AWS_SECRET_ACCESS_KEY\n  value: " + r.of(base64Letters, 40)},
		"github-token":              {gitHub("ghp_"), gitHub("gho_"), gitHub("ghu_"), gitHub("ghr_"), "ghr_" + r.of(alnumLetters, 76)},
		"github-app-token":          {gitHub("ghs_"), "ghs_123_" + b64url(`{"alg":"RS256"}`) + "." + b64url(`{"iss":"x"}`) + "." + r.of(wordLetters, 80)},
		"github-fine-grained-token": {"github_pat_" + r.of(alnumLetters, 22) + "_" + r.of(alnumLetters, 59)},
		"gitlab-token":              {"glpat-" + r.of(wordLetters, 20), "gldt-" + r.of(wordLetters, 20), "glrt-" + r.of(wordLetters, 20), "glcbt-64_" + r.of(wordLetters, 20), "glptt-" + r.of(hexLetters, 40), "glagent-" + r.of(wordLetters, 50), "gloas-" + r.of(hexLetters, 64), routable + fmt.Sprintf("%07s", base36(crc32.ChecksumIEEE([]byte(routable))))},
		"gitlab-registration-token": {"GR1348941" + r.of(wordLetters, 20)},
		"google-api-key":            {"AIza" + r.of(wordLetters, 35)},
		"google-oauth-secret":       {"GOCSPX-" + r.of(wordLetters, 28)},
		"gcp-service-account":       {`{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\n` + r.of(base64Letters, 64) + `\n-----END PRIVATE KEY-----\n"}`},
		"digitalocean-token":        {"dop_v1_" + r.of(hexLetters, 64), "doo_v1_" + r.of(hexLetters, 64), "dor_v1_" + r.of(hexLetters, 64)},
		"cloudflare-origin-ca-key":  {"v1.0-" + r.of(hexLetters, 24) + "-" + r.of(hexLetters, 146)},
		"databricks-token":          {"dapi" + r.of(hexLetters, 32), "dapi" + r.of(hexLetters, 32) + "-2"},
		"vault-token":               {"hvs." + r.of(wordLetters, 90), "hvb." + r.of(wordLetters, 140), "hvs." + r.of(alnumLetters, 24)},
		"vault-legacy-token":        {"VAULT_TOKEN=s." + r.of(alnumLetters, 24)},
		"docker-hub-token":          {"dckr_pat_" + r.of(wordLetters, 27), "dckr_oat_" + r.of(wordLetters, 32)},
		"npm-token":                 {gitHub("npm_")},
		"pypi-token":                {"pypi-AgEIcHlwaS5vcmc" + r.of(wordLetters, 150)},
		"rubygems-key":              {"rubygems_" + r.of(hexLetters, 48)},
		"jfrog-api-key":             {"AKCp" + r.of(alnumLetters, 69)},
		"jfrog-reference-token":     {"cmVmdGtu" + r.of(alnumLetters, 56)},
		"fly-token":                 {"fo1_" + r.of(wordLetters, 43)},
		"fly-macaroon":              {"FlyV1 fm2_" + r.of(base64Letters, 200) + "=="},
		"pulumi-token":              {"pul-" + r.of(hexLetters, 40)},
		"doppler-token":             {"dp.pt." + r.of(alnumLetters, 43), "dp.st.prd." + r.of(alnumLetters, 43)},
		"1password-service-account": {"ops_" + base64.StdEncoding.EncodeToString([]byte(`{"signInAddress":"my.1password.com","userAuth":{"method":"SRPg-4096"},"email":"a@1passwordserviceaccounts.com","srpX":"`+r.of(hexLetters, 64)+`","muk":{"alg":"A256GCM","k":"`+r.of(wordLetters, 43)+`"}}`))},
		"1password-secret-key":      {"A3-" + r.of(upperLetters, 6) + "-" + r.of(upperLetters, 6) + "-" + r.of(upperLetters, 5) + "-" + r.of(upperLetters, 5) + "-" + r.of(upperLetters, 5) + "-" + r.of(upperLetters, 5)},
		"tailscale-key":             {"tskey-auth-" + r.of(alnumLetters, 12) + "CNTRL-" + r.of(alnumLetters, 32)},
		"openshift-token":           {"sha256~" + r.of(wordLetters, 43)},
		"rancher-token":             {"token-" + r.of(lowerLetters, 5) + ":" + r.of(lowerLetters, 54), "kubeconfig-u-" + r.of(lowerLetters, 10) + ":" + r.of(lowerLetters, 54)},
		"planetscale-token":         {"pscale_tkn_" + r.of(wordLetters, 43), "pscale_pw_" + r.of(wordLetters, 43)},
		"supabase-token":            {"sbp_" + r.of(hexLetters, 40)},
		"supabase-secret-key":       {"sb_secret_" + r.of(wordLetters, 31)},
		"netlify-token":             {"nfp_" + r.of(alnumLetters, 36)},
		"heroku-token":              {"HRKU-" + r.of(wordLetters, 60)},
		"buildkite-token":           {"bkua_" + r.of(hexLetters, 40)},
		"circleci-token":            {"CCIPAT_" + r.of(alnumLetters, 22) + "_" + r.of(hexLetters, 40)},
		"slack-token":               {"xoxb-" + r.of("0123456789", 5) + "1618033-" + "9271828182845-" + r.of(alnumLetters, 24), "xoxp-271828182845-314159265358-161803398874-" + r.of(hexLetters, 32)},
		"slack-app-token":           {"xapp-1-A" + r.of(upperLetters, 10) + "-2718281828459-" + r.of(hexLetters, 64)},
		"stripe-key":                {"sk_live_" + r.of(alnumLetters, 24), "rk_live_" + r.of(alnumLetters, 99)},
		"stripe-test-key":           {"sk_test_" + r.of(alnumLetters, 24)},
		"webhook-signing-secret":    {"whsec_" + r.of(base64Letters, 32)},
		"sendgrid-key":              {"SG." + r.of(wordLetters, 22) + "." + r.of(wordLetters, 43)},
		"mailgun-key":               {"MAILGUN_API_KEY=key-" + r.of(hexLetters, 32)},
		"brevo-key":                 {"xkeysib-" + r.of(hexLetters, 64) + "-" + r.of(alnumLetters, 16)},
		"twilio-key":                {"twilio_sid: SK" + r.of(hexLetters, 32)},
		"openai-key":                {"sk-" + r.of(alnumLetters, 20) + "T3BlbkFJ" + r.of(alnumLetters, 20), "sk-proj-" + r.of(wordLetters, 74) + "T3BlbkFJ" + r.of(wordLetters, 74)},
		"anthropic-key":             {"sk-ant-api03-" + r.of(wordLetters, 93) + "AA"},
		"openrouter-key":            {"sk-or-v1-" + r.of(hexLetters, 64)},
		"huggingface-token":         {"hf_" + r.of(alnumLetters, 34)},
		"groq-key":                  {"gsk_" + r.of(alnumLetters, 52)},
		"replicate-token":           {"r8_" + r.of(alnumLetters, 37)},
		"xai-key":                   {"xai-" + r.of(alnumLetters, 80)},
		"perplexity-key":            {"pplx-" + r.of(alnumLetters, 48)},
		"grafana-token":             {grafana + fmt.Sprintf("_%02x%02x%02x%02x", byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))},
		"grafana-cloud-token":       {"glc_" + base64.StdEncoding.EncodeToString([]byte(`{"o":"271828","n":"a-b","k":"`+r.of(alnumLetters, 24)+`","m":{"r":"us"}}`))},
		"newrelic-key":              {"NRAK-" + r.of(upperLetters, 27)},
		"datadog-key":               {"DD_API_KEY=" + r.of(hexLetters, 32), "- name: DD_APP_KEY\n  value: \"" + r.of(hexLetters, 40) + `"`},
		"sentry-token":              {"sntrys_" + base64.StdEncoding.EncodeToString([]byte(`{"iat":1700000000.5,"url":"https://sentry.io","region_url":"https://us.sentry.io","org":"shop"}`)) + "_" + r.of(base64Letters, 43)},
		"sentry-user-token":         {"sntryu_" + r.of(hexLetters, 64)},
		"dynatrace-token":           {"dt0c01." + r.of(upperLetters, 24) + "." + r.of(upperLetters, 64)},
		"sonar-token":               {"squ_" + r.of(hexLetters, 40), "sqp_" + r.of(hexLetters, 40)},
		"linear-key":                {"lin_api_" + r.of(alnumLetters, 40)},
		"atlassian-token":           {atlassian + fmt.Sprintf("%08X", crc32.ChecksumIEEE([]byte(atlassian)))},
		"bitbucket-app-password":    {"ATBB" + r.of(alnumLetters, 32)},
		"notion-token":              {"ntn_" + r.of(alnumLetters, 46)},
		"postman-key":               {"PMAK-" + r.of(hexLetters, 24) + "-" + r.of(hexLetters, 34)},
		"figma-token":               {"figd_" + r.of(wordLetters, 40)},
		"contentful-token":          {"CFPAT-" + r.of(wordLetters, 43)},
		"shopify-token":             {"shpat_" + r.of(hexLetters, 32), "shpss_" + r.of(hexLetters, 32)},
		"square-secret":             {"sq0csp-" + r.of(wordLetters, 43)},
		"square-token":              {"sq0atp-" + r.of(wordLetters, 22)},
		"mapbox-secret-token":       {"sk." + b64url(`{"u":"shop","a":"`+r.of(lowerLetters, 25)+`"}`) + "." + r.of(wordLetters, 22)},
		"terraform-cloud-token":     {r.of(alnumLetters, 14) + ".atlasv1." + r.of(wordLetters, 67)},
		"azure-client-secret":       {r.of(alnumLetters, 3) + "8Q~" + r.of(alnumLetters, 34)},
		"azure-account-key":         {"AccountName=a;AccountKey=" + r.of(base64Letters, 85) + "Q==;EndpointSuffix=x"},
		"azure-sas":                 {"https://a.blob.core.windows.net/b?sv=2022-11-02&se=2026-01-01&sig=" + r.of(alnumLetters, 43) + "%3D"},
		"telegram-bot-token":        {"271828182:AA" + r.of(wordLetters, 33)},
		"slack-webhook":             {"https://hooks.slack.com/services/T" + r.of(upperLetters, 8) + "/B" + r.of(upperLetters, 10) + "/" + r.of(alnumLetters, 24)},
		"discord-webhook":           {"https://discord.com/api/webhooks/271828182845904523/" + r.of(wordLetters, 68), "https://discordapp.com/api/v10/webhooks/271828182845904523/" + r.of(wordLetters, 68)},
		"teams-webhook":             {"https://shop.webhook.office.com/webhookb2/" + guid() + "@" + guid() + "/IncomingWebhook/" + r.of(hexLetters, 32) + "/" + guid()},
		"jwt":                       {b64url(`{"alg":"HS256","typ":"JWT"}`) + "." + b64url(`{"sub":"app","iss":"shop"}`) + "." + r.of(wordLetters, 43)},
		"basic-auth":                {"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("app:"+r.of(alnumLetters, 12)))},
		"registry-auth":             {`{"auths": {"r": {"auth": "` + base64.StdEncoding.EncodeToString([]byte("app:"+r.of(alnumLetters, 12))) + `"}}}`},
		"private-key":               {"-----BEGIN RSA PRIVATE KEY-----\n" + r.of(base64Letters, 64) + "\n-----END RSA PRIVATE KEY-----"},
		"pgp-key":                   {"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n" + r.of(base64Letters, 64) + "\n-----END PGP PRIVATE KEY BLOCK-----"},
		"putty-key":                 {"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n" + r.of(base64Letters, 48)},
		"age-key":                   {identity.String(), hybrid.String()},
	}
}

func base36(n uint32) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	out := ""
	for range 7 {
		out = string(digits[n%36]) + out
		n /= 36
	}
	return out
}

// TestFormats finds a credential of every format wherever it may stand, and none
// where a letter more makes it part of something else.
func TestFormats(t *testing.T) {
	samples := tokens(t)
	for _, table := range [][]format{tokenFormats(), shapedFormats()} {
		for _, f := range table {
			if len(samples[f.id]) == 0 {
				t.Errorf("no sample of %s", f.id)
			}
		}
	}
	around := []string{"%s", "token: %s", "token: \"%s\"", "TOKEN=%s\n", "{\"token\":\"%s\"}", "[%s]", "Use `%s`, please.", "line\\n%s\\n", "a: b # %s", "'%s',", "<t>%s</t>", "x=%%3D%s&y=1", "Bearer %s.\n"}
	for id, list := range samples {
		for _, token := range list {
			for _, form := range around {
				text := fmt.Sprintf(form, token)
				hits := scanText([]byte(text))
				if !hasHit(hits, id) {
					t.Errorf("%s is not found in %q", id, text)
				}
				for _, h := range hits {
					if h.offset < 0 || h.offset+h.length > len(text) || h.length == 0 {
						t.Errorf("%s: place %d+%d is outside of %d bytes", id, h.offset, h.length, len(text))
					}
					if h.id == id && h.family == tokenFamily && id != "google-api-key" && h.severity < lint.Low {
						t.Errorf("%s has severity %s", id, h.severity)
					}
				}
			}
			encoded := base64.StdEncoding.EncodeToString([]byte("a: 1\ntext: " + token + "\n"))
			if !hasHit(scanText([]byte("data: "+encoded)), id) && id != "basic-auth" && id != "registry-auth" {
				t.Errorf("%s is not found in base64: %s", id, token)
			}
		}
	}
}

func hasHit(hits []hit, id string) bool {
	for _, h := range hits {
		if h.id == id {
			return true
		}
	}
	return false
}

// TestNoFormats: what looks like a credential at a glance and is none.
func TestNoFormats(t *testing.T) {
	r := newRandomText()
	for name, text := range map[string]string{
		"documentation's key":   "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		"key in a longer word":  "XAKIA" + r.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
		"longer than a key":     "AKIA" + r.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 17),
		"one character":         "ghp_" + strings.Repeat("x", 36),
		"counted":               "glpat-" + "12345678901234567890",
		"alphabet":              "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
		"words":                 "sk_live_" + "thiskeyisonlyanexampleofsomekind",
		"too short":             "ghp_" + r.of(alnumLetters, 20),
		"public Stripe key":     "pk_live_" + r.of(alnumLetters, 24),
		"public Mapbox token":   "pk.eyJ1Ijoic2hvcCJ9." + r.of(wordLetters, 22),
		"git commit":            "secret_access_key: " + r.of(hexLetters, 40),
		"digest":                "sha256:" + r.of(hexLetters, 64),
		"image":                 "ghcr.io/a/b@sha256:" + r.of(hexLetters, 64),
		"integrity":             "sha512-" + r.of(base64Letters, 86) + "==",
		"ciphertext":            "ENC[AES256_GCM,data:" + r.of(base64Letters, 120) + "=,iv:" + r.of(base64Letters, 43) + "=,tag:" + r.of(base64Letters, 22) + "==,type:str]",
		"sealed":                "AgB" + r.of(base64Letters, 400),
		"cache key":             "cache-key-" + r.of(hexLetters, 32),
		"key of something else": "key-" + r.of(hexLetters, 32),
		"s. of something else":  "metrics.s." + r.of(alnumLetters, 24),
		"template":              "AWS_SECRET_ACCESS_KEY: {{ .Values.secret }}",
		"reference":             "aws_secret_access_key = ${AWS_SECRET_ACCESS_KEY}",
		"name":                  "secretAccessKey: my-secret-access-key-in-some-namespace-ab",
		"token without payload": "eyJhbGciOiJIUzI1NiJ9.",
		"no JSON":               "eyJhbGciOi.eyJhbGciOi." + r.of(wordLetters, 43),
		"known JWT":             "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
		"emulator":              "AccountKey=" + "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
		"webhook's form":        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
		"fingerprint":           "ab:12345678:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88",
		"recipient":             "age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw",
		"certificate":           "-----BEGIN CERTIFICATE-----\n" + r.of(base64Letters, 64) + "\n-----END CERTIFICATE-----",
		"public key":            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + r.of(base64Letters, 64) + "\n-----END PGP PUBLIC KEY BLOCK-----",
		"empty block":           "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
		"sentence":              "between -----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY----- stands " + r.of(base64Letters, 64),
		"variable's name":       "DD_API_KEY: secretKeyRef",
		"basic scheme":          "Basic authentication",
		"documented header":     "Authorization: Basic dXNlcjpwYXNz",
		"picture":               "data:image/png;base64," + r.of(base64Letters, 400),
		"class":                 "ThisIsTheNameOfSomeJavaClassThatIsQuiteLongIndeedFactory",
		"path":                  "github.com/some/where/very/deep/in/a/tree/of/folders/and/files",
	} {
		for _, h := range scanText([]byte(text)) {
			t.Errorf("%s: found %s in %q", name, h.name, text)
		}
	}
}

// TestChecksums: a wrong checksum makes a finding milder by one step and hides
// nothing.
func TestChecksums(t *testing.T) {
	samples := tokens(t)
	for _, id := range [...]string{"github-token", "npm-token", "grafana-token", "atlassian-token", "age-key"} {
		token := samples[id][0]
		if got := scanText([]byte(token)); len(got) != 1 || got[0].severity != lint.Critical {
			t.Errorf("%s: %+v", id, got)
		}
		last := "0"
		switch {
		case strings.HasSuffix(token, "0"):
			last = "1"
		case id == "age-key" && strings.HasSuffix(token, "Q"):
			last = "P"
		case id == "age-key":
			last = "Q"
		}
		if got := scanText([]byte(token[:len(token)-1] + last)); len(got) != 1 || got[0].severity != lint.High {
			t.Errorf("%s with a wrong checksum: %+v", id, got)
		}
	}
}

func TestInMessage(t *testing.T) {
	token := tokens(t)["github-token"][0]
	got := InMessage("Rotate " + token + "\n\nIt was " + token + " before.\n")
	if len(got) != 1 || got[0] != "GitHub token" {
		t.Errorf("%q", got)
	}
	if got := InMessage("Rename the token field to GITHUB_TOKEN"); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

// TestElide: nothing that is found is left, and text without a credential is the
// same.
func TestElide(t *testing.T) {
	for id, list := range tokens(t) {
		for _, token := range list {
			text := "a: 1\n" + token + "\nb: 2\n"
			got := Elide(text)
			if len(scanText([]byte(got))) > 0 || got == text || !strings.HasPrefix(got, "a: 1\n") {
				t.Errorf("%s: %q is left of %q", id, got, text)
			}
		}
	}
	if plain := string(manifests(10 << 10)); Elide(plain) != plain {
		t.Error("a text without credentials is changed")
	}
}

func TestBlockHeaders(t *testing.T) {
	const text = `a: 1
data:
  key: |
    first
    second: >-
      third

  list:
    - |-
      item
  other: x
`
	for word, want := range map[string]string{"first": "3 true", "third": "5 3 true", "item": "9 true", "other": " false", "a: 1": " false"} {
		headers, first := blockHeaders([]byte(text), strings.Index(text, word))
		got := ""
		for _, h := range headers {
			got += fmt.Sprint(1+strings.Count(text[:h], "\n"), " ")
		}
		if len(headers) == 0 {
			got = " "
		}
		if got += fmt.Sprint(first); got != want {
			t.Errorf("%s: lines of headers %q, want %q", word, got, want)
		}
	}
}

func TestInSecret(t *testing.T) {
	const text = `kind: ConfigMap
data:
  one: 1
  manifest: |
    kind: Secret
    stringData:
      two: 2
      file: |
        three: 3
  after: 4
---
kind: "Secret" # of an application
data: {five: 5}
---
{"kind":"SecretStore","six":6}
---
extra:
  - |
    stringData:
      seven: 7
    kind: Secret
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
spec:
  valuesFrom:
    - kind: Secret
      name: values
  values:
    data:
      eight: 8
---
kind: List
items:
  - kind: ConfigMap
    data:
      nine: 9
  - kind: Secret
    data:
      ten: 10
  - data: {eleven: 11}
    kind: Secret
`
	for word, want := range map[string]bool{"1": false, "two": true, "three": true, "after": false, "five": true, "six": false, "seven": true, "eight": false, "nine": false, "ten": true, "eleven": true} {
		if got := inSecret([]byte(text), strings.Index(text, word)); got != want {
			t.Errorf("%s: %t", word, got)
		}
	}
}

// TestKeyIsNoValue: what names a finding is the key of the line, never what
// stands in the place of a value.
func TestKeyIsNoValue(t *testing.T) {
	token := tokens(t)["github-token"][0]
	for line, want := range map[string]string{
		"GITHUB_TOKEN: " + token:                    "GITHUB_TOKEN",
		"  - \"token\": \"" + token:                 "token",
		"export GH=" + token:                        "GH",
		"url: https://hunter2:" + token + "@github": "url",
		"hunter2:" + token:                          "",
		"- name: GH\n  value: " + token:             "GH",
		"- name: \"GH\"\n  value: \"" + token:       "GH",
		"- name: GH\n  values: " + token:            "values",
		token + " " + token:                         "",
		"# token = " + token:                        "",
	} {
		hits := scanText([]byte(line))
		if len(hits) == 0 {
			t.Fatalf("nothing found in %q", line)
		}
		if got := keyBefore([]byte(line), hits[len(hits)-1].offset, hits); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func FuzzScanText(f *testing.F) {
	for _, list := range tokens(f) {
		for _, token := range list {
			f.Add([]byte(token))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, h := range scanText(data) {
			if h.offset < 0 || h.length <= 0 || h.offset+h.length > len(data) {
				t.Errorf("%s at %d+%d of %d bytes", h.id, h.offset, h.length, len(data))
			}
			blockHeaders(data, h.offset)
			inSecret(data, h.offset)
			keyBefore(data, h.offset, nil)
		}
		for line := range strings.Lines(string(data)) {
			if at := commentStart([]byte(line)); at >= 0 {
				if name, value := commentedPair(line[at+1:]); name != "" {
					isTellingValue(value, true)
				}
			}
		}
	})
}

// TestSupersedes: of two rules that both left the other the finding none would
// be left.
func TestSupersedes(t *testing.T) {
	by := map[string]*lint.Rule{}
	for _, r := range Rules {
		by[r.ID] = r
	}
	var follow func(r *lint.Rule, seen []string)
	follow = func(r *lint.Rule, seen []string) {
		for _, id := range r.Supersedes {
			switch {
			case id == seen[0]:
				t.Errorf("%s supersedes itself by way of %v", id, seen)
			case by[id] != nil && len(seen) < 8:
				follow(by[id], append(seen, id))
			}
		}
	}
	for _, r := range Rules {
		follow(r, []string{r.ID})
	}
}
