package secrets

import "strings"

// CredentialName says that a field, variable or flag of this name holds a
// credential: one of its words, or two in a row, name one, and none of its words
// turns it into the name of something or a setting (passwordFile, token-ttl,
// existingSecret).
func CredentialName(name string) bool {
	if len(name) > 200 {
		return false
	}
	words := splitWords(name)
	if len(words) == 0 {
		return false
	}
	if follows(words, "webhook", "url") {
		return true
	}
	switch words[0] {
	case "existing", "enable", "enabled", "disable", "disabled", "use", "require", "requires", "allow", "no", "skip", "has", "is",
		"create", "generate", "auto", "max", "min", "validate", "verify", "rotate", "show", "with", "without":
		return false
	}
	last := words[len(words)-1]
	switch last {
	case "name", "names", "ref", "refs", "file", "files", "filename", "path", "paths", "dir", "directory", "url", "urls", "uri", "endpoint",
		"policy", "ttl", "expiry", "expiration", "expires", "lifetime", "length", "min", "max", "size", "limit", "count", "enabled", "enable",
		"disabled", "required", "type", "provider", "id", "class", "store", "audience", "hash", "issuer", "header", "prefix", "suffix", "timeout",
		"interval", "duration", "seconds", "minutes", "hours", "days", "age", "algorithm", "method", "format", "mode", "version", "namespace",
		"mount", "volume", "field", "claim", "attribute", "env", "rotation", "service", "host", "port", "region", "selector", "label",
		"annotation", "annotations", "labels", "template", "source", "location", "scope", "scopes", "encoding", "budget":
		return false
	case "key":
		// secretKey is which key of a Secret to read. SECRET_KEY, as an
		// environment variable, is what Django and others sign with.
		if len(words) > 1 && (words[len(words)-2] == "secret" || words[len(words)-2] == "password") {
			return name == strings.ToUpper(name)
		}
	}
	for i, w := range words {
		switch w {
		case "password", "passwd", "pwd", "passphrase", "token", "apikey", "credentials", "credential", "dsn",
			"accesskey", "privatekey", "clientsecret":
			return true
		case "secret":
			// The name of a Secret object, by convention.
			if i > 0 && (words[i-1] == "pull" || words[i-1] == "tls" || words[i-1] == "ssl" || words[i-1] == "existing") {
				continue
			}
			return true
		case "key":
			if i > 0 && (words[i-1] == "api" || words[i-1] == "access" || words[i-1] == "private") {
				return true
			}
		case "string":
			if i > 0 && words[i-1] == "connection" {
				return true
			}
		default:
			// PGPASSWORD and its like are written in one word.
			if strings.HasSuffix(w, "password") || strings.HasSuffix(w, "passwd") {
				return true
			}
		}
	}
	return false
}

func follows(words []string, first, second string) bool {
	for i := 1; i < len(words); i++ {
		if words[i-1] == first && words[i] == second {
			return true
		}
	}
	return false
}

// splitWords takes a name apart at everything that is no letter or digit and
// where lower case turns to upper. The words are in lower case and without
// trailing digits.
func splitWords(name string) []string {
	var words []string
	start := -1
	end := func(i int) {
		if start >= 0 {
			if w := strings.TrimRight(strings.ToLower(name[start:i]), "0123456789"); w != "" {
				words = append(words, w)
			} else {
				words = append(words, name[start:i])
			}
		}
		start = -1
	}
	upper := func(i int) bool { return i >= 0 && i < len(name) && 'A' <= name[i] && name[i] <= 'Z' }
	lower := func(i int) bool { return i >= 0 && i < len(name) && 'a' <= name[i] && name[i] <= 'z' }
	for i := range len(name) {
		if !isAlnum(name[i]) && name[i] < 0x80 {
			end(i)
			continue
		}
		// fooBar, foo2Bar, and the B of APIBar.
		if start >= 0 && upper(i) && (!upper(i-1) || lower(i+1)) {
			end(i)
		}
		if start < 0 {
			start = i
		}
	}
	end(len(name))
	return words
}
