package secrets

import "strings"

// urlText is a URL found in a text, as far as it can carry credentials.
type urlText struct {
	scheme, user, password, host string
	hasPassword                  bool
	// whole says that the URL is all of the text.
	whole bool
}

// findURLs finds the URLs of a text. Unlike net/url it reads what holds
// references, as in postgres://app:${PASSWORD}@db.
func findURLs(v string) []urlText {
	var urls []urlText
	for from := 0; ; {
		i := strings.Index(v[from:], "://")
		if i < 0 {
			return urls
		}
		i += from
		start := i
		for start > from && (isAlnum(v[start-1]) || strings.IndexByte("+.-", v[start-1]) >= 0) {
			start--
		}
		end := authorityEnd(v, i+3)
		from = end
		if start == i {
			continue
		}
		u := urlText{scheme: strings.ToLower(v[start:i]), host: v[i+3 : end]}
		u.whole = start == 0 && !strings.ContainsAny(v[end:], "\n\r") && len(findSpace(v[end:])) == 0
		if at := strings.LastIndexByte(u.host, '@'); at >= 0 {
			u.user, u.password, u.hasPassword = strings.Cut(u.host[:at], ":")
			u.host = u.host[at+1:]
			if k := passwordColon(v[i+3 : i+3+at]); k >= 0 {
				u.user, u.password = v[i+3:i+3+k], v[i+3+k+1:i+3+at]
			}
		}
		urls = append(urls, u)
	}
}

// findSpace is the white space outside references that a text holds.
func findSpace(v string) string {
	for i := 0; i < len(v); {
		if n, _, _ := referenceAt(v[i:]); n > 0 {
			i += n
			continue
		}
		if v[i] == ' ' || v[i] == '\t' {
			return v[i : i+1]
		}
		i++
	}
	return ""
}

// passwordColon is the colon between user and password, which is none inside
// of a reference.
func passwordColon(userinfo string) int {
	for i := 0; i < len(userinfo); {
		if n, _, _ := referenceAt(userinfo[i:]); n > 0 {
			i += n
			continue
		}
		if userinfo[i] == ':' {
			return i
		}
		i++
	}
	return -1
}

// authorityEnd is where the part of a URL ends that names user and host.
func authorityEnd(v string, from int) int {
	for i := from; i < len(v); {
		if n, _, _ := referenceAt(v[i:]); n > 0 {
			i += n
			continue
		}
		if strings.IndexByte("/?# \t\r\n\"'`,;|\\", v[i]) >= 0 {
			return i
		}
		i++
	}
	return len(v)
}

// clearCredentials says that the URL carries a literal password, or a literal
// token for a user.
func (u urlText) clearCredentials() bool {
	if u.user == "" && !u.hasPassword {
		return false
	}
	host := strings.ToLower(u.host)
	if strings.HasPrefix(host, "example.") || strings.Contains(host, ".example.") || strings.HasSuffix(host, ".example") {
		return false
	}
	if u.hasPassword && u.password != "" {
		return !isInterpolated(u.password) && Classify(u.password) == Literal
	}
	// Git hosts take a token for a user.
	return strings.HasPrefix(u.scheme, "http") && isGitHost(host) && looksLikeToken(u.user) && Classify(u.user) == Literal
}

func isGitHost(host string) bool {
	for _, part := range [...]string{"github", "gitlab", "bitbucket", "gitea", "codeberg", "forgejo", "dev.azure.com", "visualstudio.com"} {
		if strings.Contains(host, part) {
			return true
		}
	}
	return strings.HasPrefix(host, "git.")
}

// looksLikeToken says that a user name is too long and mixed for a person's.
func looksLikeToken(user string) bool {
	for _, prefix := range [...]string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glcbt-"} {
		if strings.HasPrefix(user, prefix) {
			return true
		}
	}
	digits := 0
	for i := range len(user) {
		if isDigit(user[i]) {
			digits++
		} else if !isAlnum(user[i]) && user[i] != '_' && user[i] != '-' {
			return false
		}
	}
	return len(user) >= 20 && digits >= 3
}

// isInterpolated says that a shell or a format string fills the whole value in:
// $PASSWORD, `cat file`, %s, {password}.
func isInterpolated(v string) bool {
	v = strings.Trim(v, `"'`)
	if len(v) < 2 {
		return false
	}
	switch {
	case v[0] == '$' && (isLetter(v[1]) || v[1] == '_' || v[1] == '$'):
		return isIdentifier(strings.TrimLeft(v, "$"))
	case strings.HasPrefix(v, "$(") || v[0] == '`':
		return true
	case v[0] == '%':
		return len(v) == 2 && isLetter(v[1]) || v[len(v)-1] == '%' && isIdentifier(v[1:len(v)-1])
	case v[0] == '{' && v[len(v)-1] == '}':
		return len(v) == 2 || strings.Trim(v[1:len(v)-1], "0123456789!rs:") == "" || isIdentifier(v[1:len(v)-1])
	}
	return false
}

// pair is a name and its value in a text.
type pair struct{ name, value string }

// findPairs finds name=value pairs, and with colons name: value, too: one or
// several in a line, set apart by white space, ; or &. Comments and values that
// are more than one word are left out unless they are quoted.
func findPairs(v string, colons bool) []pair {
	var pairs []pair
	for line := range strings.Lines(v) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' || strings.HasPrefix(line, "//") {
			continue
		}
		pairs = appendPairs(pairs, line, colons)
	}
	return pairs
}

func appendPairs(pairs []pair, line string, colons bool) []pair {
	for i := 0; i < len(line); {
		start := i
		for i < len(line) && (isAlnum(line[i]) || strings.IndexByte("_.-", line[i]) >= 0) {
			i++
		}
		name := line[start:i]
		next := i
		// The name of a JSON or TOML member may be quoted.
		if next < len(line) && (line[next] == '"' || line[next] == '\'') && start > 0 && line[start-1] == line[next] {
			next++
		}
		for next < len(line) && line[next] == ' ' {
			next++
		}
		if name == "" || next >= len(line) || line[next] != '=' && (!colons || line[next] != ':') {
			i = max(i, start+1)
			continue
		}
		if next+1 < len(line) && line[next] == '=' && (line[next+1] == '=' || line[next+1] == '~') {
			// A comparison.
			i = next + 2
			continue
		}
		next++
		for next < len(line) && line[next] == ' ' {
			next++
		}
		value, length := pairValue(line[next:])
		pairs = append(pairs, pair{strings.TrimLeft(name, "-"), value})
		i = next + length
	}
	return pairs
}

// pairValue reads a value, quoted or up to the next separator.
func pairValue(v string) (value string, length int) {
	if v == "" {
		return "", 0
	}
	if v[0] == '"' || v[0] == '\'' {
		if end := strings.IndexByte(v[1:], v[0]); end >= 0 {
			return v[1 : end+1], end + 2
		}
	}
	i := 0
	for i < len(v) {
		if n, _, _ := referenceAt(v[i:]); n > 0 {
			i += n
			continue
		}
		if strings.IndexByte(" \t;&,", v[i]) >= 0 {
			break
		}
		i++
	}
	return v[:i], i
}
