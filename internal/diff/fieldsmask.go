package diff

import (
	"bytes"
	"strings"

	"github.com/scantling-dev/scantling/secrets"
)

// confidential says that a text may be a credential, by where it stands: at is 0 in
// the object as it was, and 1 as it is. It says so rather once too often.
func confidential(path []step, at int, text string) bool {
	var keys []string
	for _, s := range path {
		if !s.item {
			keys = append(keys, s.name)
		}
	}
	if secrets.IsClearCredential(keys, text) {
		return true
	}
	if len(path) == 0 {
		return false
	}
	last, called := path[len(path)-1], ""
	key := last.name
	switch {
	case last.item:
		// A part of a command line belongs to the flag before it.
		key = strings.TrimLeft(last.behind[at], "-")
	case key == "value" && len(path) > 1 && path[len(path)-2].item:
		called = path[len(path)-2].name
	}
	if strings.Contains(text, "\n") {
		return secrets.CredentialName(key) || secrets.CredentialName(called)
	}
	lines := [][]byte{[]byte(key + ": " + text)}
	switch {
	case called != "":
		lines = [][]byte{[]byte("name: " + called), []byte("value: " + text)}
	case key == "":
		lines = [][]byte{[]byte(text)}
	}
	return secrets.Shows(lines, len(lines)-1)
}

// masked are the lines of a text, with stars where one may hold a credential.
func (p *printer) masked(text string) []string {
	plain := splitLines(text)
	lines := make([][]byte, len(plain))
	for i, line := range plain {
		lines[i] = []byte(line)
	}
	out := make([]string, len(plain))
	manifest := strings.Contains(text, "Secret") && strings.Contains(text, "kind")
	key := false // inside of a private key
	column := -1 // of the key that holds a credential on the lines below it
	for i, line := range plain {
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		if strings.TrimSpace(line) != "" && indent <= column {
			column = -1
		}
		switch {
		case strings.Contains(line, "-----BEGIN") && strings.Contains(line, "PRIVATE KEY"):
			key = true
		case strings.Contains(line, "-----END"):
			key = false
		case key, column >= 0 && strings.TrimSpace(line) != "", secrets.Shows(lines, i):
			p.hide(Secret)
			out[i] = line[:indent] + nameIn(line) + "***"
			continue
		}
		if opens(line, manifest) {
			column = indent
		}
		out[i] = cut(line, maxValue)
	}
	return out
}

// nameIn is the key that a line begins with, if it is a plain one.
func nameIn(line string) string {
	line = strings.TrimLeft(line, " \t")
	at := strings.IndexAny(line, ":=")
	if at <= 0 || strings.Trim(strings.ToLower(line[:at]), "abcdefghijklmnopqrstuvwxyz0123456789_.-") != "" {
		return ""
	}
	if line[at] == ':' {
		return line[:at] + ": "
	}
	return line[:at] + "="
}

// opens says that the lines below one, further in, are a credential: it names one
// and has no value itself. In a manifest of a Secret all data are.
func opens(line string, manifest bool) bool {
	name, rest, ok := bytes.Cut([]byte(strings.TrimLeft(line, " \t-")), []byte(":"))
	if !ok {
		return false
	}
	if rest = bytes.TrimLeft(bytes.TrimSpace(rest), "|>+-0123456789"); len(rest) > 0 {
		return false
	}
	called := strings.Trim(string(name), "\"' ")
	return secrets.CredentialName(called) || manifest && (called == "data" || called == "stringData")
}
