package secrets

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// actionMark stands for one character of a template's action. It is of no
// script, and YAML takes it for a letter.
const actionMark = '\ue000'

// shownAction is what an action reads as for the classifier.
const shownAction = "{{.}}"

// templateBrackets are those of Go templates, of Jinja and of ERB.
var templateBrackets = [...][2]string{{"{{", "}}"}, {"{%", "%}"}, {"<%", "%>"}}

// markActions puts a mark in the place of every character of a template's
// actions, so that what is left can be read as YAML and stands where it stood.
// Lines of nothing but actions become blank. found says that there were any.
func markActions(text []byte) (marked []byte, found bool) {
	if bytes.ContainsRune(text, actionMark) {
		// Whoever writes the mark would hide a value behind it.
		return text, false
	}
	out := text
	for _, b := range templateBrackets {
		if bytes.Contains(out, []byte(b[0])) {
			out = markBetween(out, b[0], b[1])
		}
	}
	if !bytes.ContainsRune(out, actionMark) {
		return text, false
	}
	var lines bytes.Buffer
	for line := range bytes.Lines(out) {
		if bytes.ContainsRune(line, actionMark) && isMarksOnly(line) {
			line = []byte(lineEnd(line))
		}
		lines.Write(line)
	}
	return lines.Bytes(), true
}

// markBetween marks what stands between brackets, and the brackets.
func markBetween(text []byte, opening, closing string) []byte {
	var out bytes.Buffer
	for {
		start := bytes.Index(text, []byte(opening))
		if start < 0 {
			break
		}
		length := bytes.Index(text[start:], []byte(closing))
		if length < 0 {
			break
		}
		out.Write(text[:start])
		end := start + length + len(closing)
		markRunes(&out, text[start:end])
		text = text[end:]
	}
	out.Write(text)
	return out.Bytes()
}

func markRunes(out *bytes.Buffer, action []byte) {
	for len(action) > 0 {
		r, size := utf8.DecodeRune(action)
		if r == '\n' || r == '\r' {
			out.WriteRune(r)
		} else {
			out.WriteRune(actionMark)
		}
		action = action[size:]
	}
}

func isMarksOnly(line []byte) bool {
	return len(bytes.Trim(line, " \t\r\n"+string(actionMark))) == 0
}

func lineEnd(line []byte) string {
	return string(line[len(bytes.TrimRight(line, "\r\n")):])
}

// markVariables marks what a shell fills in: $NAME, ${NAME} and $(command).
func markVariables(text []byte) []byte {
	var out bytes.Buffer
	for i := 0; i < len(text); {
		n := 0
		if text[i] == '$' && i+1 < len(text) {
			n = variableLength(text[i:])
		}
		if n == 0 {
			out.WriteByte(text[i])
			i++
			continue
		}
		markRunes(&out, text[i:i+n])
		i += n
	}
	return out.Bytes()
}

// variableLength is the length of the variable that a text begins with, on one
// line; zero for none.
func variableLength(text []byte) int {
	closing := byte(0)
	switch text[1] {
	case '{':
		closing = '}'
	case '(':
		closing = ')'
	}
	for i := 1; i < min(len(text), maxVariable); i++ {
		switch c := text[i]; {
		case closing != 0:
			switch c {
			case closing:
				return i + 1
			case '\n':
				return 0
			}
		case !isAlnum(c) && c != '_':
			if i == 1 {
				return 0
			}
			return i
		}
	}
	if closing != 0 || len(text) > maxVariable {
		return 0
	}
	return len(text)
}

// maxVariable is longer than any variable or command that people write in a
// line.
const maxVariable = 512

// showActions writes an action in the place of its marks, as the classifier
// knows it. marked says that there were any.
func showActions(value string) (shown string, marked bool) {
	if !strings.ContainsRune(value, actionMark) {
		return value, false
	}
	var b strings.Builder
	inside := false
	for _, r := range value {
		switch {
		case r != actionMark:
			b.WriteRune(r)
		case !inside:
			b.WriteString(shownAction)
		}
		inside = r == actionMark
	}
	return b.String(), true
}
