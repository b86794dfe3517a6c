package secrets

import "strings"

// isSchemeReference says that the whole value is an address that a secret
// manager looks up.
func isSchemeReference(v string) bool {
	if strings.ContainsAny(v, "\n\r") {
		return false
	}
	if strings.HasPrefix(v, "<path:") {
		return strings.IndexByte(v, '>') == len(v)-1 && strings.Contains(v, "#")
	}
	if strings.ContainsAny(v, " \t") {
		return isPipelineToken(v)
	}
	if rest, ok := strings.CutPrefix(v, "ref+"); ok {
		scheme, path, ok := strings.Cut(rest, "://")
		// ref+echo gives back its own path: no look-up at all.
		return ok && scheme != "" && scheme != "echo" && path != ""
	}
	if rest, ok := strings.CutPrefix(v, "secretref+"); ok {
		return rest != ""
	}
	if rest, ok := strings.CutPrefix(v, "op://"); ok {
		return strings.Contains(rest, "/")
	}
	if isManagerAddress(v) || isForeignCiphertext(v) || isPipelineToken(v) {
		return true
	}
	// Argo CD: $oidc.clientSecret, $some-secret:key.
	if len(v) > 3 && v[0] == '$' && isLetter(v[1]) && strings.ContainsAny(v, ".:") {
		for i := 1; i < len(v); i++ {
			if !isAlnum(v[i]) && strings.IndexByte("._:-", v[i]) < 0 {
				return false
			}
		}
		return isAlnum(v[len(v)-1])
	}
	return false
}

// isManagerAddress says that the text is where a secret manager keeps a value, as
// the manager or the program that looks it up writes it.
func isManagerAddress(v string) bool {
	for _, prefix := range [...]string{"vault:", "bao:"} {
		// bank-vaults: >> asks for the value at run time.
		if rest, ok := strings.CutPrefix(strings.TrimPrefix(v, ">>"), prefix); ok {
			path, key, ok := strings.Cut(rest, "#")
			return ok && path != "" && key != ""
		}
	}
	if rest, ok := strings.CutPrefix(v, "arn:"); ok {
		return strings.Contains(rest, ":secretsmanager:") || strings.Contains(rest, ":ssm:") || strings.Contains(rest, ":kms:")
	}
	if rest, ok := strings.CutPrefix(v, "projects/"); ok {
		return strings.Contains(rest, "/secrets/") || strings.Contains(rest, "/cryptoKeys/")
	}
	scheme, rest, ok := strings.Cut(v, "://")
	if !ok || rest == "" || strings.Contains(rest, "@") {
		return false
	}
	switch scheme {
	case "vault", "secret", "secrets", "sm", "gcpsm", "awssm", "awsps", "ssm", "azkv", "akv", "keyvault", "env", "k8s", "kubernetes", "bw", "doppler", "infisical":
		return true
	}
	return false
}

// isForeignCiphertext says that the text is what a tool other than SOPS encrypted:
// Vault's transit engine, Jasypt, Spring's configuration server, hiera-eyaml, age
// or PGP.
func isForeignCiphertext(v string) bool {
	for _, fence := range [...][2]string{{"ENC(", ")"}, {"ENC[PKCS7,", "]"}, {"ENC[GPG,", "]"}, {"{cipher}", ""}, {"vault:v1:", ""}} {
		body, ok := strings.CutPrefix(v, fence[0])
		if !ok || !strings.HasSuffix(body, fence[1]) {
			continue
		}
		body = strings.TrimRight(strings.TrimSuffix(body, fence[1]), "=")
		return len(body) >= 16 && isBase64Text(body)
	}
	return false
}

// isPipelineToken says that the whole text is a name between marks that a deployment
// pipeline fills in: @NAME@, #{NAME}#, ((name)), [[ name ]], <% name %>, __NAME__.
func isPipelineToken(v string) bool {
	for _, fence := range [...][2]string{{"#{", "}#"}, {"#{", "}"}, {"((", "))"}, {"[[", "]]"}, {"<<", ">>"}, {"<%=", "%>"}, {"<%", "%>"}, {"{%", "%}"}, {"@", "@"}, {"__", "__"}} {
		if len(v) <= len(fence[0])+len(fence[1]) || !strings.HasPrefix(v, fence[0]) || !strings.HasSuffix(v, fence[1]) {
			continue
		}
		name := v[len(fence[0]) : len(v)-len(fence[1])]
		if len(fence[0]) > 1 && fence[0] != "__" {
			name = strings.Trim(name, " ./-")
		} else if name != strings.ToUpper(name) && strings.ContainsAny(name, "0123456789") {
			// Marks that a password may begin and end with, too.
			continue
		}
		if isIdentifier(name) {
			return true
		}
	}
	return false
}

// maxReference bounds the length of one reference or template expression. None
// that people write is longer; without it a text of nothing but openings would
// cost the square of its length.
const maxReference = 1024

// cut says what cutReferences took out of a text.
type cut struct {
	references, templates int
	// literal says that a reference carries a literal default.
	literal bool
}

func (c cut) class() Class {
	if c.references > 0 {
		return Reference
	}
	return Template
}

// cutReferences takes the references and template expressions out of a text.
func cutReferences(v string, depth int) (rest string, found cut) {
	var b strings.Builder
	for i := 0; i < len(v); {
		n, template, fallback := referenceAt(v[i:])
		if n == 0 {
			b.WriteByte(v[i])
			i++
			continue
		}
		i += n
		if template {
			found.templates++
			continue
		}
		found.references++
		if fallback != "" && classify(fallback, depth+1) == Literal {
			found.literal = true
		}
	}
	return b.String(), found
}

// referenceAt is the length of the reference or template expression that the
// text begins with, zero without one, and the default value that it carries.
func referenceAt(v string) (n int, template bool, fallback string) {
	v = v[:min(len(v), maxReference)]
	switch v[0] {
	case '{':
		if strings.HasPrefix(v, "{{") {
			if end := strings.Index(v, "}}"); end > 0 {
				return end + 2, true, ""
			}
		}
	case '%':
		if strings.HasPrefix(v, "%(") {
			if end := strings.IndexByte(v, ')'); end > 2 && strings.HasPrefix(v[end:], ")s") && isIdentifier(v[2:end]) {
				return end + 2, false, ""
			}
		}
	case '<':
		if strings.HasPrefix(v, "<path:") {
			if end := strings.IndexAny(v, ">\n"); end > 0 && v[end] == '>' {
				return end + 1, false, ""
			}
		}
	case '$':
		switch {
		case strings.HasPrefix(v, "${{"):
			if end := strings.Index(v, "}}"); end > 0 {
				return end + 2, false, ""
			}
		case strings.HasPrefix(v, "$__file{"), strings.HasPrefix(v, "$__env{"), strings.HasPrefix(v, "$__vault{"):
			if end := strings.IndexAny(v, "}\n"); v[max(end, 0)] == '}' {
				return end + 1, false, ""
			}
		case strings.HasPrefix(v, "$("):
			if end := strings.IndexByte(v, ')'); end > 2 && isIdentifier(v[2:end]) {
				return end + 1, false, ""
			}
		case strings.HasPrefix(v, "${"):
			return braceReference(v)
		}
	}
	return 0, false, ""
}

// braceReference reads ${NAME} with whatever operator follows the name.
func braceReference(v string) (n int, template bool, fallback string) {
	level, end := 0, -1
	for i := 1; i < len(v); i++ {
		if v[i] == '{' {
			level++
		} else if v[i] == '}' {
			if level--; level == 0 {
				end = i
				break
			}
		}
	}
	if end < 0 {
		return 0, false, ""
	}
	body := strings.TrimLeft(v[2:end], "#!?")
	name := 0
	for name < len(body) && (isAlnum(body[name]) || body[name] == '_' || body[name] == '.') {
		name++
	}
	if name == 0 || isDigit(body[0]) {
		return 0, false, ""
	}
	rest := body[name:]
	switch {
	case rest == "":
	case strings.HasPrefix(rest, ":=") || strings.HasPrefix(rest, ":-"):
		fallback = rest[2:]
	case rest[0] == '-' && strings.Trim(body, "abcdefghijklmnopqrstuvwxyz-.") == "":
		// A name of Spring's: ${mariadb-password}.
	case rest[0] == '=' || rest[0] == '-':
		fallback = rest[1:]
	case strings.HasPrefix(rest, ":+") || strings.HasPrefix(rest, ":?"):
	case rest[0] == ':':
		// ${env:NAME} looks a value up, ${NAME:3} cuts one, and Spring's
		// ${name:default} carries one.
		switch strings.ToLower(body[:name]) {
		case "env", "file", "vault", "secret", "ssm", "sm", "sys", "git":
		default:
			if !isDigit(append([]byte(rest[1:]), 0)[0]) {
				fallback = rest[1:]
			}
		}
	}
	return end + 1, false, strings.Trim(fallback, `"'`)
}

func isIdentifier(s string) bool {
	if s == "" || isDigit(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && strings.IndexByte("_.-", s[i]) < 0 {
			return false
		}
	}
	return true
}
