package secrets

import (
	"bytes"
	"path"
	"strings"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

var secretInComment = &lint.Rule{
	ID:         "secret-in-comment",
	Title:      "Comment holds a credential",
	Why:        "A comment is as readable as the rest of the file, and nothing encrypts it: what was commented out for a moment, or noted beside its ciphertext, is a password in clear text.",
	Fix:        "Delete the comment and replace the value, because the old one stays in the history. In a file that SOPS encrypts, encrypted_comment_regex encrypts comments, too.",
	Since:      "0.1.0",
	Severity:   lint.Medium,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	CheckFile: func(p *lint.TreePass) {
		if !isYAMLName(p.File.Name) && !strings.Contains(path.Base(p.File.Name), ".env") || bytes.IndexByte(p.File.Data, '#') < 0 {
			return
		}
		encrypted := sops.MayHold(p.File.Data)
		if !encrypted && isChartValues(p.File.Name, p.Tree) {
			return
		}
		seen := map[string]bool{}
		for offset := 0; offset < len(p.File.Data); {
			line := p.File.Data[offset:]
			if end := bytes.IndexByte(line, '\n'); end >= 0 {
				line = line[:end]
			}
			start := offset
			offset += len(line) + 1
			if len(line) > 1000 {
				continue
			}
			at := commentStart(line)
			if at < 0 {
				continue
			}
			name, value := commentedPair(string(line[at+1:]))
			if name == "" || !isTellingValue(value, encrypted) {
				continue
			}
			if isElsewhere(p.File.Data, name, value, start) || seen[name+"\x00"+value] {
				continue
			}
			seen[name+"\x00"+value] = true
			from := at + 1 + strings.LastIndex(string(line[at+1:]), value)
			p.Report(p.File.At(start+from, len(value)), "comment "+name, "a comment holds a literal for %q", name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  user: app
  # password: Tr0ub4dor&3 # want: a comment holds a literal for "password"
  host: db # DB_PASSWORD=q3rfT7Yx0Lc # want: a comment holds a literal for "DB_PASSWORD"
  # - apiToken: "q3rfT7Yx0Lc4VxNb8" # want: "apiToken"
-- bad-sops.yaml --
` + sopsSample + `    # password: hunter2-pw # want: a comment holds a literal for "password"
` + sopsBlock + `
-- bad-values/values.yaml --
auth:
  # password: q3rfT7Yx0Lc # want
-- bad-env/prod.env --
#DB_PASSWORD=q3rfT7Yx0Lc # want: "DB_PASSWORD"
DB_PASSWORD=${DB_PASSWORD}
-- good.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
data:
  # password: see the vault
  # password: changeme
  # adminPassword: admin
  # existingSecret: my-secret-1
  # token: the token to use
  # passwordKey: password1
  # existingSecretPasswordKey: Db0Password
  # secretName: chart-tls-2024x
  # password: {{ .Values.password }}
  # password: ${DB_PASSWORD}
  # tokenFile: /run/secrets/token1
  # tokenSecret: production-token-secret
  # token: string
  # clientSecret: <client-secret>
  # password: xxxxxxxx
  # accessToken: eyJ...
  # @param auth.password Password of the user admin1234
  # password: "" ## generated
  # credentials: [a1b2c3d4e5]
  # password: SuperSecretPassword
  # authToken: my-auth-token-1
  # see https://example.com/a?token=abc123DEF456 for more
  # secret: db-credentials-v2
  # passwordPolicy: Min8Chars1Digit
  color: "#password: Tr0ub4dor&3"
  note: a#password:Tr0ub4dor&3
-- good-chart/Chart.yaml --
name: chart
-- good-chart/values.yaml --
auth:
  # password: q3rfT7Yx0Lc
-- good-sops.yaml --
` + sopsSample + `    #ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:comment]
    # password: from the vault, see the wiki
    # password: changeme
` + sopsBlock,
}

// isChartValues says that a file is the values.yaml of a chart: its comments are
// the chart's documentation.
func isChartValues(name string, tree func() *lint.Tree) bool {
	if base := path.Base(name); base != "values.yaml" && base != "values.yml" {
		return false
	}
	t := tree()
	return len(t.Files) == 0 || t.Has(path.Join(path.Dir(name), "Chart.yaml"))
}

// commentStart is where the # of a line's comment stands, -1 for none.
func commentStart(line []byte) int {
	single, double := false, false
	for i, c := range line {
		switch {
		case c == '\'' && !double:
			single = !single
		case c == '"' && !single:
			double = !double
		case c == '#' && !single && !double && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			return i
		}
	}
	return -1
}

// commentedPair reads a comment that is nothing but a name and one value.
func commentedPair(comment string) (name, value string) {
	comment = strings.TrimSpace(strings.TrimLeft(comment, "# \t"))
	comment = strings.TrimPrefix(strings.TrimPrefix(comment, "- "), "export ")
	n := 0
	for n < len(comment) && (isAlnum(comment[n]) || strings.IndexByte("_.-", comment[n]) >= 0) {
		n++
	}
	if n == 0 || n == len(comment) || comment[n] != ':' && comment[n] != '=' || comment[n] == ':' && n+1 < len(comment) && comment[n+1] != ' ' {
		return "", ""
	}
	name, value = comment[:n], strings.TrimSpace(comment[n+1:])
	if at := strings.Index(value, " #"); at >= 0 {
		value = strings.TrimSpace(value[:at])
	}
	if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		value = value[1 : len(value)-1]
	}
	if value == "" || strings.ContainsAny(value, " \t") || !CredentialName(name) || !literalCredential(value) {
		return "", ""
	}
	return name, value
}

// isTellingValue says that a commented value looks like a real one rather than
// an example: comments in charts show what a field may hold by the thousand.
// Beside ciphertext hardly anyone writes examples.
func isTellingValue(v string, encrypted bool) bool {
	if strings.ContainsAny(v, "{}[]<>()$`|,;") || strings.Contains(v, "://") || strings.Contains(v, "...") || isFakeToken([]byte(v)) {
		return false
	}
	if v[0] == '/' || v[0] == '.' || v[0] == '*' || v[0] == '&' || v[0] == '!' {
		return false
	}
	var lower, upper, digit, special bool
	turns := 0 // between letters and digits
	for i := range len(v) {
		switch c := v[i]; {
		case isDigit(c):
			digit = true
			if i > 0 && isLetter(v[i-1]) {
				turns++
			}
		case 'a' <= c && c <= 'z':
			lower = true
			if i > 0 && isDigit(v[i-1]) {
				turns++
			}
		case isLetter(c):
			upper = true
			if i > 0 && isDigit(v[i-1]) {
				turns++
			}
		case strings.IndexByte("!@%^&*?+=#~", c) >= 0:
			special = true
		}
	}
	for _, w := range splitWords(v) {
		switch w {
		case "password", "passwd", "pass", "admin", "test", "user", "default", "my", "name":
			return false
		}
	}
	if encrypted {
		return len(v) >= 6 && (digit && (lower || upper) || special)
	}
	return len(v) >= 8 && digit && (lower && upper && turns >= 2 || special && (lower || upper) || turns >= 4 && len(v) >= 10)
}

// isElsewhere says that the same value stands as a value in the same file: that
// is where it is reported.
func isElsewhere(data []byte, name, value string, comment int) bool {
	for from := 0; ; {
		at := bytes.Index(data[from:], []byte(value))
		if at < 0 {
			return false
		}
		at += from
		from = at + len(value)
		start := lineStart(data, at)
		if start != comment && commentStart(data[start:at]) < 0 {
			return true
		}
	}
}
