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
	last := words[len(words)-1]
	if isSwitchWord(words[0]) || isSettingWord(last) {
		return false
	}
	if follows(words, "cluster", "token") {
		// What etcd tells clusters apart by.
		return false
	}
	if last == "key" && len(words) > 1 && words[len(words)-2] == "secret" {
		// secretKey is which key of a Secret to read. SECRET_KEY, as an
		// environment variable, is what Django and others sign with.
		return name == strings.ToUpper(name)
	}
	if last == "key" && len(words) > 1 && isCredentialWord("", words[len(words)-2]) {
		return false
	}
	if last == "pass" || last == "pw" && len(words) > 1 {
		return true
	}
	for i, w := range words {
		before := ""
		if i > 0 {
			before = words[i-1]
		}
		if w == "public" && follows(words, "public", "key") {
			return false
		}
		if isCredentialWord(before, w) {
			return true
		}
	}
	return false
}

// isCredentialWord says that a word, or it and the one before it, names a
// credential.
func isCredentialWord(before, w string) bool {
	switch w {
	case "password", "passwords", "passwd", "pwd", "passphrase", "token", "apikey", "credentials", "credential", "creds", "dsn",
		"accesskey", "secretkey", "privatekey", "clientsecret":
		return true
	case "secret":
		// The name of a Secret object, by convention.
		return before != "pull" && before != "tls" && before != "ssl" && before != "existing"
	case "key":
		switch before {
		case "api", "access", "private", "account", "encryption", "signing", "master":
			return true
		}
	case "string":
		return before == "connection"
	}
	// PGPASSWORD, authtoken and their like are written in one word.
	for _, suffix := range [...]string{"password", "passwd", "passphrase", "secret", "token", "apikey"} {
		if strings.HasSuffix(w, suffix) {
			return !strings.HasPrefix(w, "existing") && !strings.HasSuffix(w, "pullsecret") && !strings.HasSuffix(w, "tlssecret")
		}
	}
	return false
}

// isSwitchWord says that a name which begins with the word asks for something to
// be done or not.
func isSwitchWord(w string) bool {
	switch w {
	case "existing", "enable", "enabled", "enables", "disable", "disabled", "use", "uses", "require", "requires", "allow", "allows", "no", "skip", "has", "is",
		"create", "generate", "auto", "automount", "max", "min", "validate", "verify", "rotate", "show", "with", "without", "enforce", "ignore", "hide", "mask",
		"redact", "reset", "change", "forgot", "supports", "should", "can", "inject", "mount":
		return true
	}
	return false
}

// isSettingWord says that a name which ends with the word is that of something
// about a credential, or says where it is.
func isSettingWord(w string) bool {
	switch w {
	case "name", "names", "ref", "refs", "file", "files", "filename", "path", "paths", "dir", "directory", "url", "urls", "uri", "endpoint",
		"policy", "policies", "ttl", "expiry", "expiration", "expires", "expire", "lifetime", "length", "len", "min", "max", "size", "limit", "limits", "count", "enabled", "enable",
		"disabled", "required", "optional", "type", "types", "provider", "providers", "id", "ids", "class", "store", "audience", "audiences", "hash", "issuer", "header", "headers", "prefix", "suffix", "timeout",
		"interval", "duration", "seconds", "minutes", "hours", "days", "age", "algorithm", "method", "methods", "format", "mode", "version", "namespace",
		"mount", "volume", "field", "fields", "claim", "claims", "attribute", "attributes", "env", "rotation", "service", "host", "hostname", "port", "region", "selector", "label",
		"annotation", "annotations", "labels", "template", "source", "location", "scope", "scopes", "encoding", "budget", "connector",
		"keys", "check", "checks", "validation", "complexity", "strength", "manager", "operator", "controller", "injector", "injection", "exchange", "review", "projection",
		"request", "requests", "response", "server", "auth", "authentication", "login", "change", "reset", "hint", "prompt", "title", "description", "placeholder",
		"pattern", "regex", "chars", "characters", "alphabet", "storage", "backend", "engine", "driver", "plugin", "plugins", "image", "repository", "tag",
		"command", "cmd", "script", "stdin", "encoder", "encryptor", "encryption", "alg", "ip", "ips", "factory", "handler", "reader", "filter", "hook", "group", "groups", "role", "roles", "user", "username", "email", "domain", "domains", "address", "addr", "query", "param", "parameter",
		"parameters", "property", "column", "table", "bucket", "settings", "options", "option", "flag", "feature", "dn", "attr", "strategy", "cache", "leeway", "skew",
		"window", "period", "rate", "quota", "cost", "bits", "bytes", "vault", "sync", "renewal", "redirect", "mapping", "mappings", "list", "status", "state":
		return true
	}
	return false
}

// follows says that two words stand one behind the other.
func follows(words []string, first, second string) bool {
	for i := 1; i < len(words); i++ {
		if words[i-1] == first && words[i] == second {
			return true
		}
	}
	return false
}

// isPasswordName says that the name is a password's, where people choose numbers
// and plain words for values.
func isPasswordName(name string) bool {
	words := splitWords(name)
	if len(words) == 0 {
		return false
	}
	switch last := words[len(words)-1]; last {
	case "pwd", "pass", "pw", "passwd", "passphrase":
		return true
	default:
		return strings.HasSuffix(last, "password")
	}
}

// isConnectionName says that the name is that of a connection string, of which a
// password is only a part.
func isConnectionName(name string) bool {
	words := splitWords(name)
	for i, w := range words {
		if w == "dsn" || w == "string" && i > 0 && words[i-1] == "connection" {
			return true
		}
	}
	return false
}

// isHashName says that the name is that of a credential's hash: passwordHash,
// hashed_password.
func isHashName(name string) bool {
	words := splitWords(name)
	if n := len(words); n > 1 && (words[n-1] == "hash" || words[n-1] == "bcrypt") {
		return CredentialName(strings.Join(words[:n-1], "-"))
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
