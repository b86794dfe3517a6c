package secrets

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

// shapedFormats are the credentials that are known by more than a prefix: by
// what stands in their middle, beside them, or in them.
func shapedFormats() []format {
	return []format{
		// docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html:
		// 40 characters that only the name beside them tells.
		{id: "aws-secret-key", name: "AWS secret access key", literals: []string{"secret_access_key", "SECRET_ACCESS_KEY", "SecretAccessKey", "secretAccessKey", "secret-access-key", "aws_secret_key", "AWS_SECRET_KEY"}, look: lookAWSSecret},
		// developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/api-tokens
		{id: "terraform-cloud-token", name: "HCP Terraform token", literals: []string{".atlasv1."}, look: lookTerraformToken},
		// learn.microsoft.com/purview/sit-defn-client-secret-api-key
		{id: "azure-client-secret", name: "Microsoft Entra client secret", literals: []string{"Q~"}, look: lookAzureSecret},
		// learn.microsoft.com/azure/storage/common/storage-configure-connection-string
		{id: "azure-account-key", name: "Azure account key", literals: []string{"AccountKey=", "SharedAccessKey="}, look: lookAzureKey},
		// learn.microsoft.com/azure/storage/common/storage-sas-overview
		{id: "azure-sas", name: "Azure shared access signature", literals: []string{"sig="}, below: 1, look: lookAzureSignature},
		// core.telegram.org/bots/features#botfather
		{id: "telegram-bot-token", name: "Telegram bot token", literals: []string{":AA"}, look: lookTelegramToken},
		// api.slack.com/messaging/webhooks
		{id: "slack-webhook", name: "Slack webhook", literals: []string{"hooks.slack.com/"}, below: 1, look: lookSlackWebhook},
		// discord.com/developers/docs/resources/webhook
		{id: "discord-webhook", name: "Discord webhook", literals: []string{"discord.com/api/", "discordapp.com/api/"}, below: 1, look: lookDiscordWebhook},
		// learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors
		{id: "teams-webhook", name: "Microsoft Teams webhook", literals: []string{".webhook.office.com/webhookb2/", "outlook.office.com/webhook/"}, below: 1, look: lookTeamsWebhook},
		// RFC 7519
		{id: "jwt", name: "JSON Web Token", literals: []string{"eyJ"}, below: 1, look: lookJWT},
		// RFC 7617; docs.docker.com/reference/cli/docker/login: auth is the same.
		{id: "basic-auth", name: "Basic authorization", literals: []string{"Basic ", "basic "}, look: lookBasicAuth},
		{id: "registry-auth", name: "auth", literals: []string{`"auth"`, "auth: "}, look: lookRegistryAuth},
		// RFC 7468, RFC 9580, and what OpenSSH writes.
		{id: "private-key", name: "private key", literals: []string{"-----BEGIN "}, look: lookPEM},
		{id: "putty-key", name: "PuTTY private key", literals: []string{"PuTTY-User-Key-File-"}, look: lookPuTTYKey},
		// github.com/C2SP/C2SP/blob/main/age.md
		{id: "age-key", name: "age identity", literals: []string{"AGE-SECRET-KEY-", "AGE-PLUGIN-"}, look: lookAgeKey},
	}
}

// lookNear takes a token with a short prefix only where a word of its provider's
// stands near.
func lookNear(word string) func(*textScan, *format, int, int) {
	return func(s *textScan, f *format, at, length int) {
		from := at + length
		end := f.body.end(s.data, from, f.max+1)
		if n := end - from; n < f.min || n > f.max || !boundaryBefore(s.data, at) || !boundaryAfter(s.data, end) {
			return
		}
		body := s.data[from:end]
		if at > 0 && s.data[at-1] == '.' || isMixed(nil, body) == isNone || !near(s.data, at, end, 200, word) {
			return
		}
		f.found(s, at, end, body)
	}
}

// valueAfter is where the value begins that is given to a name which ends at a
// place: behind an equals sign or a colon and quotes, or on the next line of an
// environment list. It is -1 without one.
func valueAfter(data []byte, end int) int {
	i := end
	skip := func(set string) {
		for i < len(data) && i-end < 100 && strings.IndexByte(set, data[i]) >= 0 {
			i++
		}
	}
	skip("\"'\\ \t")
	if i < len(data) && (data[i] == '\n' || data[i] == '\r' || data[i] == ',') {
		skip(" \t\r\n,")
		skip(`"'`)
		if !hasPrefixAt(data, i, "value") {
			return -1
		}
		i += len("value")
		skip(`"'`)
	}
	if i >= len(data) || data[i] != ':' && data[i] != '=' {
		return -1
	}
	i++
	skip(">=\"'\\ \t")
	return i
}

// lookAWSKey takes the id of an access key. Where the secret that belongs to it is
// known to be in a Secret, as an issuer of cert-manager has it, the id alone
// opens nothing.
func lookAWSKey(s *textScan, f *format, at, length int) {
	plain := *f
	plain.look = nil
	around := s.data[max(0, at-400):min(len(s.data), at+400)]
	if bytes.Contains(around, []byte("ecretAccessKeySecretRef")) || bytes.Contains(around, []byte("ecretAccessKeyRef")) {
		plain.id, plain.name, plain.below = "aws-access-key-id", "id of an AWS access key, whose secret is elsewhere", 3
	}
	plain.find(s, at, length)
}

func lookAWSSecret(s *textScan, f *format, at, length int) {
	from := valueAfter(s.data, at+length)
	if from < 0 {
		return
	}
	end := base64Text.end(s.data, from, 41)
	body := s.data[from:end]
	if len(body) != 40 || anyHex.all(body) || isMixed(nil, body) == isNone || isMixedCase(nil, body) == isNone {
		return
	}
	f.found(s, from, end, body)
}

func lookDatadogKey(s *textScan, f *format, at, length int) {
	from := valueAfter(s.data, at+length)
	if from < 0 {
		return
	}
	end := lowerHex.end(s.data, from, 41)
	if n := end - from; n != 32 && n != 40 || !boundaryAfter(s.data, end) {
		return
	}
	f.found(s, from, end, s.data[from:end])
}

func lookTerraformToken(s *textScan, f *format, at, length int) {
	start, from := at-14, at+length
	if start < 0 || !alnums.all(s.data[start:at]) || !boundaryBefore(s.data, start) {
		return
	}
	end := words.end(s.data, from, 71)
	if n := end - from; n < 60 || n > 70 {
		return
	}
	f.found(s, start, end, s.data[from:end])
}

func lookAzureSecret(s *textScan, f *format, at, length int) {
	const body = words | dots | tildes
	start := at - 4
	if start < 0 || !isDigit(s.data[at-1]) || !body.all(s.data[start:at]) || !boundaryBefore(s.data, start) {
		return
	}
	end := body.end(s.data, at+length, 35)
	for end > at && s.data[end-1] == '.' {
		end--
	}
	if n := end - at - length; n < 31 || n > 34 || !boundaryAfter(s.data, end) {
		return
	}
	if isMixed(nil, s.data[at+length:end]) == isNone {
		return
	}
	f.found(s, start, end, s.data[at+length:end])
}

func lookAzureKey(s *textScan, f *format, at, length int) {
	from := at + length
	end := (base64Text | equalSigns).end(s.data, from, 90)
	switch end - from {
	case 44, 88:
	default:
		return
	}
	body := s.data[from:end]
	if key, err := base64.StdEncoding.DecodeString(string(body)); err != nil || len(key) != 32 && len(key) != 64 || isWellKnownKey(body) {
		return
	}
	f.found(s, from, end, body)
}

// isWellKnownKey says that it is the key of Azure's storage emulator, or that of
// the Cosmos DB one, which their documentation prints.
func isWellKnownKey(body []byte) bool {
	return bytes.HasPrefix(body, []byte("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1")) || bytes.HasPrefix(body, []byte("C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEH"))
}

func lookAzureSignature(s *textScan, f *format, at, length int) {
	if at == 0 || s.data[at-1] != '?' && s.data[at-1] != '&' && s.data[at-1] != ';' {
		return
	}
	from := at + length
	end := from
	for end < len(s.data) && end-from < 80 && (base64Text.has(s.data[end]) || strings.IndexByte("%-_=", s.data[end]) >= 0) {
		end++
	}
	body := s.data[from:end]
	if len(body) < 43 || isMixed(nil, body) == isNone {
		return
	}
	// A version of the service stands in the same URL.
	around := s.data[max(0, at-400):min(len(s.data), end+400)]
	if !bytes.Contains(around, []byte("sv=20")) && !bytes.Contains(around, []byte("sp=%2Ftriggers")) && !bytes.Contains(around, []byte("sp=/triggers")) {
		return
	}
	f.found(s, from, end, body)
}

func lookTelegramToken(s *textScan, f *format, at, _ int) {
	start := -1
	for n := 8; n <= min(10, at) && digits.all(s.data[at-n:at]); n++ {
		if boundaryBefore(s.data, at-n) || bytes.HasSuffix(s.data[:at-n], []byte("/bot")) {
			start = at - n
		}
	}
	if start < 0 {
		return
	}
	end := words.end(s.data, at+1, 36)
	if end-at-1 != 35 {
		return
	}
	f.found(s, start, end, s.data[at+3:end])
}

func lookSlackWebhook(s *textScan, f *format, at, length int) {
	end := (words | plusSlash).end(s.data, at+length, 200)
	parts := bytes.Split(bytes.TrimRight(s.data[at+length:end], "/"), []byte("/"))
	// services/T…/B…/… or workflows/T…/A…/…/….
	if len(parts) < 4 || len(parts[1]) < 9 || parts[1][0] != 'T' || len(parts[len(parts)-1]) < 20 {
		return
	}
	f.found(s, at, end, parts[len(parts)-1])
}

func lookDiscordWebhook(s *textScan, f *format, at, length int) {
	end := (words | plusSlash).end(s.data, at+length, 200)
	parts := bytes.Split(s.data[at+length:end], []byte("/"))
	if len(parts) > 0 && len(parts[0]) > 1 && parts[0][0] == 'v' && digits.all(parts[0][1:]) {
		parts = parts[1:]
	}
	if len(parts) < 3 || string(parts[0]) != "webhooks" || len(parts[1]) < 17 || !digits.all(parts[1]) || len(parts[2]) < 60 {
		return
	}
	f.found(s, at, end, parts[2])
}

func lookTeamsWebhook(s *textScan, f *format, at, length int) {
	end := at + length
	for end < len(s.data) && end-at < 400 && ((words | dots | plusSlash).has(s.data[end]) || s.data[end] == '@') {
		end++
	}
	_, path, ok := bytes.Cut(s.data[at:end], []byte("/IncomingWebhook/"))
	if !ok {
		return
	}
	key, _, _ := bytes.Cut(path, []byte("/"))
	if len(key) != 32 || !alnums.all(key) {
		return
	}
	f.found(s, at, end, key)
}

func lookOpenAIKey(s *textScan, f *format, at, length int) {
	start := words.start(s.data, at, 200)
	end := words.end(s.data, at+length, 100)
	prefix := bytes.Index(s.data[start:at], []byte("sk-"))
	if prefix < 0 || end-at-length < 20 || at-start-prefix < 20 {
		return
	}
	start += prefix
	if !boundaryBefore(s.data, start) {
		return
	}
	f.found(s, start, end, s.data[at+length:end])
}

// lookRancherToken takes the name of a token, a colon and 54 characters.
func lookRancherToken(s *textScan, f *format, at, length int) {
	if !boundaryBefore(s.data, at) {
		return
	}
	colon := (lowers | digits | dashes).end(s.data, at+length, 40)
	if n := colon - at - length; n < 5 || colon >= len(s.data) || s.data[colon] != ':' {
		return
	}
	end := (lowers | digits).end(s.data, colon+1, 55)
	body := s.data[colon+1 : end]
	if len(body) != 54 || isMixed(nil, body) == isNone {
		return
	}
	f.found(s, at, end, body)
}

// maxJWT bounds a segment of a JSON Web Token.
const maxJWT = 16 << 10

// lookJWT takes three segments of which two are JSON. A key that is made to be
// read by browsers is none, nor is the one that everybody's documentation shows.
func lookJWT(s *textScan, f *format, at, _ int) {
	if !boundaryBefore(s.data, at) {
		return
	}
	var segments [3][]byte
	i := at
	for n := range segments {
		end := words.end(s.data, i, maxJWT)
		segments[n] = s.data[i:end]
		i = end
		if n < 2 {
			if i >= len(s.data) || s.data[i] != '.' {
				return
			}
			i++
		}
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	var claims struct {
		Role    any `json:"role"`
		Issuer  any `json:"iss"`
		Subject any `json:"sub"`
		Name    any `json:"name"`
	}
	if len(segments[2]) < 20 || !segment(segments[0], &header) || header.Algorithm == "" || !segment(segments[1], &claims) {
		return
	}
	issuer, _ := claims.Issuer.(string)
	name, _ := claims.Name.(string)
	switch {
	case claims.Role == "anon", issuer == "supabase-demo", strings.EqualFold(name, "John Doe"), claims.Subject == "1234567890":
		return
	}
	below := f.below
	if strings.HasPrefix(issuer, "kubernetes") || strings.Contains(issuer, ".svc") {
		// A service account's.
		below = 0
	}
	s.add(hit{family: tokenFamily, id: f.id, name: f.name, offset: at, length: i - at, severity: lint.Critical - lint.Severity(below)})
}

// segment decodes a part of a JSON Web Token.
func segment(b []byte, into any) bool {
	data, err := base64.RawURLEncoding.DecodeString(string(b))
	return err == nil && json.Unmarshal(data, into) == nil
}

// lookBasicAuth takes the value of an Authorization header.
func lookBasicAuth(s *textScan, f *format, at, length int) {
	if !boundaryBefore(s.data, at) {
		return
	}
	s.userAndPassword(f, at+length)
}

// lookRegistryAuth takes the auth of a registry, as Docker's configuration has
// it.
func lookRegistryAuth(s *textScan, f *format, at, length int) {
	if s.data[at] != '"' && !boundaryBefore(s.data, at) {
		return
	}
	i := at + length
	for i < len(s.data) && i-at < 40 && strings.IndexByte(" \t:\"'\\", s.data[i]) >= 0 {
		i++
	}
	s.userAndPassword(f, i)
}

// userAndPassword adds the base64 at a place if it is a user's name, a colon and
// a literal password.
func (s *textScan) userAndPassword(f *format, from int) {
	end := (base64Text | equalSigns).end(s.data, from, 4096)
	if end-from < 8 || hasPrefixAt(s.data, end, "...") {
		return
	}
	decoded, ok := decodeBase64(string(s.data[from:end]))
	if !ok || !isPrintable(decoded) || strings.ContainsAny(decoded, "\r\n") {
		return
	}
	user, password, ok := strings.Cut(decoded, ":")
	if !ok || user == "" || strings.ContainsAny(user, " \t") || isGenericPassword(password) || !literalCredential(password) {
		return
	}
	s.add(hit{family: encodedFamily, id: f.id, name: f.name, offset: from, length: end - from, severity: lint.High, encoded: true})
}

// isGenericPassword says that a password is the word that documentation writes
// in the place of one.
func isGenericPassword(v string) bool {
	switch strings.ToLower(v) {
	case "", "pass", "passwd", "password", "pwd", "secret", "token", "test", "open sesame", "changeme", "admin":
		return true
	}
	return false
}
