package secrets

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// clearCredential says that a field, variable or flag of this name has a literal
// credential for a value: the name is a credential's, and the value neither a
// setting nor the name of something.
func clearCredential(name, value string) bool {
	v := strings.TrimSpace(value)
	if !CredentialName(name) {
		return isHashName(name) && isHash(v)
	}
	if isConnectionName(name) {
		return clearConnection(v)
	}
	if isPasswordName(name) && isChosenNumber(v) {
		return !isGenerated(v)
	}
	return literalCredential(v) && !namesItself(name, v) && !namesObject(name, v) && !isProse(v)
}

// literalCredential says that a value under a credential's name is one, and no
// setting: outside of a Secret such names hold switches, paths and addresses,
// too. A URL with a password in it is url-embedded-credentials' to report.
func literalCredential(value string) bool {
	v := strings.TrimSpace(value)
	if Classify(v) != Literal || isSetting(v) || isInterpolated(v) {
		return false
	}
	if urls := findURLs(v); len(urls) > 0 && urls[0].whole {
		return isWebhook(v)
	}
	if pairs := findPairs(v, false); len(pairs) > 1 || len(pairs) == 1 && strings.ContainsAny(v, ";&") {
		// A connection string is judged by the password in it.
		for _, p := range pairs {
			if CredentialName(p.name) && Classify(p.value) == Literal && !isInterpolated(p.value) {
				return true
			}
		}
		return false
	}
	return true
}

// clearConnection says that a connection string holds a literal password. Many
// hold none: redis:6379. One in a URL is url-embedded-credentials' to report.
func clearConnection(v string) bool {
	if Classify(v) != Literal || strings.Contains(v, "://") {
		return false
	}
	for _, p := range findPairs(v, false) {
		if CredentialName(p.name) && Classify(p.value) == Literal && !isInterpolated(p.value) {
			return true
		}
	}
	// app:secret@tcp(db:3306)/shop, as Go's drivers write it.
	userinfo, _, ok := strings.Cut(v, "@")
	if !ok || strings.ContainsAny(userinfo, " /;=") {
		return false
	}
	_, password, ok := strings.Cut(userinfo, ":")
	return ok && literalCredential(password)
}

// isWeakDefault says that a value is one of the words that charts have for a
// password until somebody sets one.
func isWeakDefault(v string) bool {
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "admin", "administrator", "bitnami", "token", "password", "passw0rd", "p@ssw0rd", "pass", "secret", "root", "user", "test", "guest", "default", "postgres", "mysql", "redis",
		"rabbitmq", "minio", "minio123", "minioadmin", "grafana", "admin123", "password123", "changeit", "letmein", "toor", "prom-operator", "vagrant", "123456", "12345678":
		return true
	}
	return false
}

// isDocumentedDefault says that a value is plain words that say themselves what
// they are: harbor_registry_password.
func isDocumentedDefault(v string) bool {
	if strings.Trim(strings.ToLower(v), "abcdefghijklmnopqrstuvwxyz-_") != "" {
		return false
	}
	for _, w := range splitWords(v) {
		for _, suffix := range [...]string{"password", "passwd", "pwd", "pw", "pass", "secret", "token", "secure", "default", "demo", "test", "example"} {
			if strings.HasSuffix(w, suffix) {
				return true
			}
		}
	}
	return false
}

// isHash says that the text is what a password hash function gives, as crypt and
// htpasswd write it. It is no credential yet, but weak passwords can be found
// from it.
func isHash(v string) bool {
	if user, rest, ok := strings.Cut(v, ":"); ok && isIdentifier(user) {
		v = rest
	}
	for _, prefix := range [...]string{"$2a$", "$2b$", "$2y$", "$2x$", "$argon2i$", "$argon2id$", "$argon2d$", "$1$", "$5$", "$6$", "$y$", "$apr1$", "$scrypt$", "$pbkdf2", "{SSHA}", "{SHA}", "{SSHA512}", "pbkdf2_sha256$", "pbkdf2:sha256:", "SCRAM-SHA-256$"} {
		if strings.HasPrefix(v, prefix) {
			return len(v) >= len(prefix)+20 && !strings.ContainsAny(v, " \t\n")
		}
	}
	return false
}

// isChosenNumber says that the text is a number that only a password has: switches
// and limits are shorter.
func isChosenNumber(v string) bool {
	if len(v) < 6 {
		return false
	}
	for i := range len(v) {
		if !isDigit(v[i]) {
			return false
		}
	}
	return Classify(v) == Literal
}

// namesItself says that a value is the variable's own name in several words,
// perhaps with more behind it, as placeholders often are: API_KEY_VALUE.
func namesItself(name, value string) bool {
	own, words := splitWords(name), splitWords(value)
	if n := len(words); n > 0 && n < len(own) && value == strings.ToUpper(value) && slices.Equal(own[len(own)-n:], words) {
		// -cookie-secret=SECRET
		return !strings.ContainsAny(value, "0123456789")
	}
	if len(own) < 2 || len(words) < len(own) || !isLowerOrUpper(value) {
		return false
	}
	for i, w := range own {
		if words[i] != w {
			return false
		}
	}
	return strings.Trim(value, "_-. ") != "" && !strings.ContainsAny(value, "0123456789!$%&+=~^|")
}

func isLowerOrUpper(v string) bool { return v == strings.ToLower(v) || v == strings.ToUpper(v) }

// namesObject says that the value is the name of a Secret or of something else
// that holds the credential: plain words joined by hyphens that say so at the end,
// or of whatever kind where the name asks for an object.
func namesObject(name, v string) bool {
	segments := strings.FieldsFunc(v, func(r rune) bool { return r == '-' || r == '.' || r == '/' || r == ':' })
	object := asksForObject(name)
	says := false // one of the words says what it is
	for _, s := range segments {
		if !isNameSegment(s, object) {
			return false
		}
		switch s {
		case "not", "but", "and", "or", "is", "the":
			// A phrase.
			return false
		}
		says = says || saysObject(s)
	}
	switch len(segments) {
	case 0:
		return false
	case 1:
		// secret: hypershift, and OPERATOR_SECRET: operator
		own := splitWords(name)
		return object && strings.Trim(v, "abcdefghijklmnopqrstuvwxyz") == "" && (len(own) == 1 || slices.Contains(own, v))
	}
	return saysObject(segments[len(segments)-1]) || object && (says || strings.Trim(v, "abcdefghijklmnopqrstuvwxyz-") == "")
}

// isNameSegment says that a part of a name is a word as people make them: in lower
// case and, where numbers may be, with a short one in one place at most.
func isNameSegment(s string, numbers bool) bool {
	switch s {
	case "oauth2", "s3", "ec2", "k8s", "k3s", "x509", "v1", "v2", "h2", "db2":
		return true
	}
	turns, digits := 0, 0
	for i := range len(s) {
		digit := isDigit(s[i])
		if !digit && (s[i] < 'a' || s[i] > 'z') {
			return false
		}
		if digit {
			digits++
		}
		if i > 0 && digit != isDigit(s[i-1]) {
			turns++
		}
	}
	return digits == 0 || numbers && turns <= 2 && digits <= 3
}

// saysObject says that a word of a name tells that a credential is called so.
func saysObject(s string) bool {
	switch s {
	case "secret", "secrets", "credentials", "credential", "creds", "token", "tokens", "tls", "cert", "certs", "key", "keys", "apikey", "auth", "config", "env", "password", "passwords":
		return true
	}
	return false
}

// asksForObject says that a name may be that of a field which names an object:
// clientSecret is a credential, gitSecret is called one.
func asksForObject(name string) bool {
	words := splitWords(name)
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "credentials", "credential", "creds":
		return true
	case "secret":
		if len(words) == 1 {
			return true
		}
		switch words[len(words)-2] {
		case "client", "jwt", "cookie", "session", "shared", "webhook", "api", "app", "application", "consumer", "hmac", "signing", "auth", "oauth", "oidc", "encryption", "access", "token":
			return false
		}
		return true
	}
	return false
}

// isProse says that the text explains something in words.
func isProse(v string) bool {
	words := strings.Fields(v)
	if len(words) < 4 {
		return false
	}
	for _, w := range words {
		switch strings.ToLower(w) {
		case "the", "of", "for", "to", "is", "are", "in", "your", "must", "should", "from", "if", "with", "will", "this", "that", "and", "or", "not", "be":
			return true
		}
	}
	return false
}

// isWebhook says that the URL is itself the credential.
func isWebhook(v string) bool {
	for _, part := range [...]string{"://hooks.slack.com/services/", "://discord.com/api/webhooks/", "://discordapp.com/api/webhooks/", ".webhook.office.com/", "://outlook.office.com/webhook/"} {
		if strings.Contains(v, part) {
			return true
		}
	}
	return false
}

// isSetting says that the text is a boolean, a number, a duration or a path, or a
// word that says how a credential is dealt with.
func isSetting(v string) bool {
	switch strings.ToLower(v) {
	case "true", "false", "yes", "no", "on", "off", "null", "nil", "none", "enabled", "disabled", "enable", "disable",
		"auto", "always", "never", "optional", "required", "inherit", "include", "omit", "generated", "unset", "undefined", "n/a", "{}", "[]":
		return true
	}
	if _, err := strconv.ParseFloat(v, 64); err == nil {
		return true
	}
	if _, err := time.ParseDuration(v); err == nil {
		return true
	}
	return isQuantity(v) || isPath(v)
}

// isQuantity says that the text is a whole number and a unit: 30d, 5 min, 10Mi.
func isQuantity(v string) bool {
	digits := 0
	for digits < len(v) && isDigit(v[digits]) {
		digits++
	}
	if digits == 0 {
		return false
	}
	switch strings.ToLower(strings.TrimSpace(v[digits:])) {
	case "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute", "minutes", "h", "hr", "hour", "hours", "d", "day", "days", "w", "week", "weeks", "y", "year", "years",
		"k", "ki", "kb", "mi", "mb", "g", "gi", "gb", "%":
		return true
	}
	return false
}

// isPath says that the text is a path with more than one part. Base64 may begin
// with a slash, too, so one segment is not enough.
func isPath(v string) bool {
	v = strings.TrimPrefix(v, "file://")
	for _, prefix := range [...]string{"./", "../", "~/"} {
		if strings.HasPrefix(v, prefix) {
			v = v[len(prefix)-1:]
			break
		}
	}
	if !strings.HasPrefix(v, "/") || strings.Count(strings.TrimRight(v, "/"), "/") < 2 {
		return false
	}
	for i := range len(v) {
		if !isAlnum(v[i]) && strings.IndexByte("/._-${}()", v[i]) < 0 {
			return false
		}
	}
	return true
}
