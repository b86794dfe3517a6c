package secrets

import (
	"bytes"
	"strings"
)

// maxShown is how much of a line is looked at: no more of it is shown.
const maxShown = 64 << 10

// Shows says that line n of a text, from 0, holds what may be a credential, so that
// it is not to be shown as it is. It knows nothing of what the text is, and says so
// rather once too often.
func Shows(lines [][]byte, n int) bool {
	line := string(lines[n][:min(len(lines[n]), maxShown)])
	if len(scanText([]byte(line))) > 0 {
		return true
	}
	for _, u := range findURLs(line) {
		if u.user != "" && u.hasPassword && u.password != "" && Classify(u.password) == Literal {
			return true
		}
	}
	return shownPair(line) >= 0 || shownValue(lines, n)
}

// shownPair is where on a line the name of a credential ends that has a value behind
// it, in whatever syntax; negative for nowhere.
func shownPair(line string) int {
	for i := 1; i < len(line); i++ {
		if line[i] != ':' && line[i] != '=' {
			continue
		}
		name := strings.TrimRight(line[:i], "\"' \t")
		name = name[strings.LastIndexFunc(name, func(r rune) bool { return !isNameRune(r) })+1:]
		switch {
		case name == "":
		case CredentialName(name):
			if shownLiteral(line[i+1:]) {
				return i
			}
		case name == "name" && strings.Contains(line, "value"):
			// {name: PASSWORD, value: x}
			if called := shownWord(line[i+1:]); CredentialName(called) {
				return i
			}
		}
	}
	return -1
}

// shownWord is the first word of what stands behind a name.
func shownWord(text string) string {
	text = strings.TrimLeft(text, " \t\"'[{(=")
	if end := strings.IndexAny(text, " \t\"',]})&;"); end >= 0 {
		return text[:end]
	}
	return text
}

func isNameRune(r rune) bool {
	return r < 0x80 && (isAlnum(byte(r)) || strings.ContainsRune("_.-/", r))
}

// shownLiteral says that what stands behind a name is a value, and no mapping.
func shownLiteral(text string) bool {
	if Classify(strings.Trim(text, " \t\r\"',")) != Literal {
		return false
	}
	switch value := shownWord(text); strings.ToLower(value) {
	case "true", "false", "null", "none":
		return false
	default:
		return len(value) > 2 && !strings.HasSuffix(value, ":") && Classify(value) == Literal
	}
}

// shownValue says that a line is the value of a variable that is called like a
// credential on the line above or below.
func shownValue(lines [][]byte, n int) bool {
	key, value, _ := bytes.Cut(bytes.TrimLeft(lines[n], " \t-"), []byte(":"))
	if string(key) != "value" && string(key) != "default" || len(bytes.TrimSpace(value)) == 0 {
		return false
	}
	for _, beside := range []int{n - 1, n + 1} {
		if beside < 0 || beside >= len(lines) {
			continue
		}
		key, name, _ := bytes.Cut(bytes.TrimLeft(lines[beside], " \t-"), []byte(":"))
		if string(key) == "name" && CredentialName(strings.Trim(string(name), " \t\r\"'")) {
			return true
		}
	}
	return false
}
