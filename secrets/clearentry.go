package secrets

import (
	"slices"
	"strings"
	"time"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
)

// clearness is how much a clear value in a Secret tells.
type clearness int

const (
	// notClear is a value that something else fills in, or one that is public.
	notClear clearness = iota
	// clearSetting is what stands in a Secret beside a credential: a host, a user's
	// name, a hash.
	clearSetting
	// clearValue is everything else. In a Secret nobody can tell a weak password
	// from a word.
	clearValue
)

// severity is that of a rule for values of this clearness.
func (c clearness) severity(rule lint.Severity) lint.Severity {
	if c == clearSetting {
		return min(rule, lint.Low)
	}
	return rule
}

// clearEntry is an entry of a Secret that holds a literal.
type clearEntry struct {
	secretValue
	clearness
}

// clearEntries are the literals of a Secret. Settings in one whose credentials
// something else fills in are where they belong.
func clearEntries(secret *yaml.Node) []clearEntry {
	var entries []clearEntry
	filledIn, worst := false, notClear
	for _, v := range secretEntries(secret) {
		c := notClear
		switch v.class {
		case Literal:
			if !harmlessEntry(secret, v) {
				c = clearnessOf(v.key, v.literal())
			}
		case Reference, Template:
			c = clearnessOf(v.key, v.literal())
		}
		switch {
		case c != notClear:
			entries = append(entries, clearEntry{v, c})
			worst = max(worst, c)
		case v.class == Reference, v.class == Template, v.class == Ciphertext, v.class == Generated:
			filledIn = true
		}
	}
	if filledIn && worst == clearSetting {
		return nil
	}
	return entries
}

// harmlessEntry says that a literal in a Secret tells nothing that is not meant to
// be known.
func harmlessEntry(secret *yaml.Node, v secretValue) bool {
	return isClusterSetting(secret, v) || clearnessOf(v.key, v.literal()) == notClear
}

// literal is what the entry says: of data what the base64 says.
func (v secretValue) literal() string {
	return secretText(v.placeholder, v.encoded())
}

func (v secretValue) encoded() bool {
	return v.path != nil && strings.HasPrefix(v.path.String(), "data")
}

// secretText is what an entry of a Secret says: of its data what the base64 says.
func secretText(value string, encoded bool) string {
	if encoded {
		if decoded, ok := decodeBase64(value); ok && isPrintable(decoded) {
			return decoded
		}
	}
	return value
}

// clearnessOf judges a value that is going to be in a Secret under a key.
func clearnessOf(key, value string) clearness {
	value = strings.TrimSpace(value)
	rest, found := cutReferences(withoutComments(value), 0)
	mixed := found.references+found.templates > 0
	switch {
	case mixed && strings.Contains(value, "\n") && slices.ContainsFunc(strings.Fields(rest), isKeyMaterial):
		// Under whatever name: the names that are filled in say nothing of it.
		return clearValue
	case Classify(value) != Literal, isHarmlessText(value), !strings.Contains(value, "\n") && strings.Contains(value, GeneratedPattern):
		return notClear
	case isClearSetting(key, value), isStrongHash(value), isClearConfig(key, value):
		return clearSetting
	}
	if mixed && !found.literal && !hasClearPart(withoutComments(value)) {
		return notClear
	}
	return clearValue
}

// isStrongHash says that a text is a password's hash, of a kind that makes guessing
// slow, or a list of such hashes by user.
func isStrongHash(value string) bool {
	for line := range strings.Lines(value) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		_, hash, listed := strings.Cut(line, ":")
		if !listed || strings.HasPrefix(line, "$") {
			hash = line
		}
		if !slices.ContainsFunc([]string{"$2a$", "$2b$", "$2x$", "$2y$", "$argon2", "$6$", "$y$", "$scrypt$"}, func(prefix string) bool {
			return strings.HasPrefix(hash, prefix) && len(hash) > 20 && !strings.ContainsAny(hash, " \t")
		}) {
			return false
		}
	}
	return true
}

// withoutComments leaves out the lines of a file that are comments.
func withoutComments(value string) string {
	if !strings.Contains(value, "\n") {
		return value
	}
	var b strings.Builder
	for line := range strings.Lines(value) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// isClearSetting says that a value under this name says where a credential is good,
// or for whom.
func isClearSetting(key, value string) bool {
	if isSwitch(value) || isServerURL(value) {
		return true
	}
	words := splitWords(key)
	if len(words) == 0 || strings.ContainsAny(value, "\n\r") || CredentialName(key) {
		return false
	}
	switch words[len(words)-1] {
	case "host", "hostname", "port", "server", "address", "endpoint", "database", "dbname", "db", "schema", "bucket", "region", "zone",
		"user", "username", "email", "role", "type", "provider", "insecure", "ssl", "tls", "sslmode", "timezone", "tz", "retention",
		"project", "tenant", "namespace", "cluster", "path", "prefix", "protocol", "scheme", "domain", "realm", "issuer", "driver", "kind", "engine":
		return !isLongToken(value) && !hasClearURL(value)
	case "url", "uri", "repository", "jdbc":
		return (isHostName(value) || len(findURLs(value)) > 0) && !hasClearURL(value) && !hasInlineCredential(value) && !isLongToken(value[strings.LastIndexByte(value, '/')+1:])
	case "id":
		return len(words) > 1 && slices.Contains([]string{"client", "tenant", "subscription", "app", "application", "organization", "org", "installation", "project", "zone", "account"}, words[len(words)-2])
	case "name":
		return len(words) > 1 && slices.Contains([]string{"db", "database", "user", "bucket", "host", "first", "last", "container", "account"}, words[len(words)-2]) && !isLongToken(value)
	}
	return false
}

// isHostName says that a text is the name of a host, of several parts, and perhaps
// a port.
func isHostName(value string) bool {
	for i := range len(value) {
		if !isAlnum(value[i]) && strings.IndexByte(".-:", value[i]) < 0 {
			return false
		}
	}
	return strings.Count(value, ".") > 0
}

// isServerURL says that a value is the address of a database or a queue, without a
// credential. The address of a webhook may be one itself.
func isServerURL(value string) bool {
	urls := findURLs(value)
	return len(urls) == 1 && urls[0].whole && !strings.HasPrefix(urls[0].scheme, "http") && !hasClearURL(value) && !hasInlineCredential(value)
}

// isSwitch says that a value is one that no credential is: a boolean, a number of
// few digits, a date.
func isSwitch(value string) bool {
	if _, err := time.Parse(time.RFC3339, value); err == nil {
		return true
	}
	switch strings.ToLower(value) {
	case "true", "yes", "no", "on", "off", "null", "none", "enabled", "disabled":
		return true
	}
	return len(value) < 4 && strings.Trim(value, "0123456789") == ""
}

// isLongToken says that a word is long and mixed, as what a program makes up.
func isLongToken(word string) bool {
	digits, letters := 0, 0
	for i := range len(word) {
		switch c := word[i]; {
		case isDigit(c):
			digits++
		case isLetter(c):
			letters++
		case c == '.' || c == ':' || c == '/':
			// An address.
			return false
		}
	}
	return digits >= 3 && letters >= 3 && digits+letters >= 16
}

// isKeyMaterial says that a word is what a program makes up for a key, in base64:
// long, of capitals, small letters and digits. Hexadecimal, which is what digests
// and ids are in, is none.
func isKeyMaterial(word string) bool {
	word = strings.Trim(word, "\"',=")
	if len(word) < 40 || !isBase64Text(strings.NewReplacer("-", "", "_", "").Replace(word)) || strings.Count(word, "/") > 3 {
		return false
	}
	var upper, lower, digits int
	for i := range len(word) {
		switch c := word[i]; {
		case isDigit(c):
			digits++
		case 'A' <= c && c <= 'Z':
			upper++
		case 'a' <= c && c <= 'z':
			lower++
		}
	}
	return digits >= 3 && upper >= 3 && lower >= 3
}

// isClearConfig says that a value is a configuration file in which no credential
// stands.
func isClearConfig(key, value string) bool {
	if strings.Count(value, "\n") < 2 || strings.Contains(value, "PRIVATE KEY") || len(embeddedCredentials(key, value)) > 0 || hasClearPart(value) {
		return false
	}
	docs, errs := manifest.Parse([]byte(value))
	if len(errs) > 0 || len(docs) != 1 || docs[0].Kind != yaml.MappingNode {
		return false
	}
	clear := true
	walk(docs[0], func(_ *walker, n *yaml.Node) {
		if isWebhook(n.Value) || slices.ContainsFunc(strings.Fields(n.Value), isLongToken) {
			clear = false
		}
	})
	return clear
}
