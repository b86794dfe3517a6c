package secrets

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/secrets/sops"
)

// Class is what a value is, as far as its text tells.
type Class int

// The classes of values. Only a Literal is a secret in clear text; whether a
// Placeholder is a fault depends on where it stands.
const (
	// Empty is no value: "" or white space.
	Empty Class = iota
	// Ciphertext is what SOPS encrypted: one value, or a whole SOPS document.
	Ciphertext
	// Reference names a value that something else fills in, such as ${VAR}.
	Reference
	// Placeholder stands for a value that a person should have set.
	Placeholder
	// Template is a template expression.
	Template
	// Generated is a stand-in for what a chart makes up at random.
	Generated
	// Public is PEM that anyone may read: certificates, public keys and what was
	// encrypted for someone with age or PGP.
	Public
	// Literal is everything else.
	Literal
)

var classNames = [...]string{"empty", "ciphertext", "reference", "placeholder", "template", "generated", "public", "literal"}

// String is the class's name.
func (c Class) String() string {
	if c < Empty || c > Literal {
		return "unknown"
	}
	return classNames[c]
}

// GeneratedPattern is what the renderer repeats to stand for Helm's random
// functions, so that two renders are the same: randAlphaNum n gives the first n
// characters of "scantling0scantling0…". Classify knows from 3 characters on a
// value that is nothing but such text, in any case or in base64, and a longer
// value that holds more than one repetition of it.
const GeneratedPattern = "scantling0"

// GeneratedDigits is GeneratedPattern for functions that give digits only. It
// is recognised from 11 characters on: shorter prefixes are the passwords that
// people choose most, and one of those must never pass as generated.
const GeneratedDigits = "1234567890"

// maxNesting bounds how deep a value is taken apart, as the defaults of
// references can be nested without end. What is deeper counts as a literal.
const maxNesting = 4

// Classify says what a value is. A value that mixes references with other text
// is judged by its secret component: the password of a URL, the values of
// credential names in a list of pairs.
func Classify(value string) Class { return classify(value, 0) }

func classify(value string, depth int) Class {
	if sops.IsCiphertext(value) {
		return Ciphertext
	}
	v := strings.TrimSpace(value)
	switch {
	case v == "":
		return Empty
	case depth > maxNesting:
		return Literal
	case manifest.Unknown(v):
		return Reference
	case isPublicPEM(v):
		return Public
	case isGenerated(v):
		return Generated
	case isSchemeReference(v):
		return Reference
	case isPlaceholder(v):
		return Placeholder
	}
	rest, found := cutReferences(v, depth)
	if found.literal {
		return Literal
	}
	mixed := found.references+found.templates > 0
	if mixed && !hasWord(rest) {
		return found.class()
	}
	if urls := findURLs(v); len(urls) == 1 && urls[0].whole {
		if c, ok := classifyURL(urls[0], mixed, depth); ok {
			return c
		}
		if mixed {
			return found.class()
		}
	}
	if mixed {
		switch strings.ToLower(strings.TrimSpace(rest)) {
		case "bearer", "basic", "token", "bearer:", "token:":
			return found.class()
		}
		if classifyPairs(v, depth) {
			return found.class()
		}
	}
	if isSOPSDocument(v) {
		return Ciphertext
	}
	return Literal
}

// classifyURL judges a whole value that is a URL by the password in it. ok is
// false when there is none.
func classifyURL(u urlText, mixed bool, depth int) (Class, bool) {
	if !u.hasPassword {
		// A lone user may be a token: without a reference it is left to the
		// caller.
		if mixed && u.user != "" && !looksLikeToken(u.user) {
			return Reference, true
		}
		return Literal, mixed && u.user != "" && looksLikeToken(u.user)
	}
	c := classify(u.password, depth+1)
	switch c {
	case Literal, Public, Empty:
		return Literal, c != Empty
	}
	return c, true
}

// classifyPairs says that the text is a list of name=value pairs in which a
// credential is named and none has a literal value.
func classifyPairs(v string, depth int) bool {
	named := 0
	for _, p := range findPairs(v, true) {
		if !CredentialName(p.name) {
			continue
		}
		named++
		if c := classify(p.value, depth+1); c == Literal {
			return false
		}
	}
	return named > 0
}

func isBase64Text(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isAlnum(c) && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool { return isLetter(c) || isDigit(c) }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// hasWord says that the text holds more than punctuation.
func hasWord(s string) bool {
	for _, r := range s {
		if r >= utf8.RuneSelf || isAlnum(byte(r)) {
			return true
		}
	}
	return false
}

// isPublicPEM says that the text is PEM blocks of public things and comments.
// The bodies are looked at, too, so that nothing can hide between the fences.
func isPublicPEM(v string) bool {
	if !strings.Contains(v, "-----BEGIN ") {
		return false
	}
	label := ""
	for line := range strings.Lines(v) {
		line = strings.TrimSpace(line)
		begin, isBegin := strings.CutPrefix(line, "-----BEGIN ")
		end, isEnd := strings.CutPrefix(line, "-----END ")
		switch {
		case line == "" || (label == "" && line[0] == '#'):
		case isBegin && label == "":
			label, isBegin = strings.CutSuffix(begin, "-----")
			if !isBegin || !isPublicLabel(label) {
				return false
			}
		case isEnd && label != "":
			if end != label+"-----" {
				return false
			}
			label = ""
		case label == "" || !isBase64Text(strings.TrimRight(line, "=")):
			if strings.HasPrefix(label, "PGP ") && isArmorLine(line) {
				continue
			}
			return false
		}
	}
	return label == ""
}

func isPublicLabel(label string) bool {
	switch label {
	case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE", "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", "X509 CRL",
		"PUBLIC KEY", "RSA PUBLIC KEY", "DH PARAMETERS", "EC PARAMETERS", "PGP PUBLIC KEY BLOCK", "PGP MESSAGE", "AGE ENCRYPTED FILE":
		return true
	}
	return false
}

// isArmorLine says that a line of a PGP block is its checksum or a header.
func isArmorLine(line string) bool {
	return len(line) == 5 && line[0] == '=' && isBase64Text(line[1:]) ||
		strings.HasPrefix(line, "Version: ") || strings.HasPrefix(line, "Comment: ")
}

func isGenerated(v string) bool {
	if generatedText(v) {
		return true
	}
	if decoded, ok := decodeBase64(v); ok {
		return generatedText(decoded)
	}
	return false
}

func generatedText(v string) bool {
	return isRepetition(v, GeneratedPattern, 3) || isRepetition(v, GeneratedDigits, 11) ||
		strings.Contains(v, GeneratedPattern+GeneratedPattern[:4])
}

// isRepetition says that v is the beginning of pattern repeated for ever.
func isRepetition(v, pattern string, least int) bool {
	if len(v) < least {
		return false
	}
	for len(v) > len(pattern) {
		if !strings.EqualFold(v[:len(pattern)], pattern) {
			return false
		}
		v = v[len(pattern):]
	}
	return strings.EqualFold(v, pattern[:len(v)])
}

// decodeBase64 is what the API server reads from a value of a Secret's data.
func decodeBase64(v string) (string, bool) {
	v = strings.Join(strings.Fields(v), "")
	if len(v) == 0 || len(v)%4 != 0 {
		return "", false
	}
	b, err := base64.StdEncoding.DecodeString(v)
	return string(b), err == nil
}

// isPrintable says that decoded bytes are text.
func isPrintable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f {
			return false
		}
	}
	return true
}

// isPlaceholder says that the text is nothing but an invitation to set a value.
// It never judges by a part: a secret that holds the word "example" is one.
func isPlaceholder(v string) bool {
	if len(v) > 200 || strings.ContainsAny(v, "\n\r") {
		return isOneCharacter(v)
	}
	if isOneCharacter(v) {
		return true
	}
	switch v {
	case "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY":
		// The keys that Amazon's documentation uses throughout.
		return true
	}
	if v[0] == '<' && v[len(v)-1] == '>' && strings.IndexByte(v, '>') == len(v)-1 {
		return !strings.Contains(v[1:], "<") && !strings.HasPrefix(v, "<path:")
	}
	if inviting(v) {
		return true
	}
	words := splitWords(v)
	if len(words) > 2 && words[0] == "your" && strings.TrimLeft(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		// YourApiToken
		return true
	}
	marked := false
	for i, w := range words {
		switch w {
		case "changeme", "changeit", "changethis", "example", "dummy", "fake", "todo", "placeholder", "replaceme", "fixme", "tbd", "redacted", "xxx":
			marked = true
		case "me", "it", "this":
			if i > 0 && (words[i-1] == "change" || words[i-1] == "replace") {
				marked = true
			}
		case "a", "an", "the", "my", "your", "some", "here", "please", "change", "replace", "insert", "set", "with", "value", "real",
			"password", "passwd", "pass", "pw", "secret", "token", "key", "api", "client", "auth", "db", "database", "user", "username", "admin", "test", "https", "http", "www", "com", "org", "net":
		default:
			if !isOneCharacter(w) || w[0] != 'x' {
				return false
			}
			marked = marked || len(w) > 2
		}
	}
	// What is not a letter or a digit must be what joins words.
	return marked && strings.Trim(v, "_-. /:@*[]()<>!#") != "" && !strings.ContainsAny(v, "$%&+=~^|\\`\"'{};,?")
}

func isOneCharacter(v string) bool {
	first, size := utf8.DecodeRuneInString(v)
	return strings.TrimLeft(v, string(first)) == "" && size > 0 && first != utf8.RuneError
}

// inviting says that the text begins as an invitation does and goes on in
// plain words of one case: REPLACE_WITH_DB_PASSWORD, your-api-key-here.
func inviting(v string) bool {
	lower := strings.ToLower(v)
	if v != lower && v != strings.ToUpper(v) {
		return false
	}
	for i := range len(v) {
		if !isLetter(v[i]) && strings.IndexByte("_- .", v[i]) < 0 {
			return false
		}
	}
	words := splitWords(v)
	if last := words[len(words)-1]; len(words) > 1 && (last == "placeholder" || words[0] == "my" && isCredentialWord("", last)) {
		return true
	}
	for _, prefix := range [...]string{"xxx_", "xxx-", "replace_", "replace-", "change_me", "change-me", "changeme_", "changeme-", "your_", "your-", "your ", "todo_", "todo-", "todo ", "insert_", "insert-", "insert your "} {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	return false
}
