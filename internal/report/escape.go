package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escape makes text from the repository safe to print on one line: what would
// drive a terminal, hide or reorder text, or speak to a CI runner is written as
// an escape.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		text, size := escapeRune(s[i:])
		b.WriteString(text)
		i += size
	}
	return b.String()
}

// escapeRune is the escaped first rune of s and the bytes that it takes.
func escapeRune(s string) (string, int) {
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && size == 1:
		return fmt.Sprintf(`\x%02x`, s[0]), 1
	case r == '\n':
		return `\n`, 1
	case r == '\r':
		return `\r`, 1
	case r == '\t':
		return `\t`, 1
	case r == '#' && isRunnerCommand(s):
		return `\x23`, 1
	case unicode.IsPrint(r):
		return s[:size], size
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r), size
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r), size
	}
	return fmt.Sprintf(`\u%04x`, r), size
}

// isRunnerCommand says that s begins with "##[" or "##word[", which GitHub's
// and Azure's runners obey anywhere in a line. Commands that begin with "::"
// are obeyed only at the start of a line, where no text of the repository
// stands.
func isRunnerCommand(s string) bool {
	if !strings.HasPrefix(s, "##") {
		return false
	}
	rest := strings.TrimLeft(s[2:], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	return strings.HasPrefix(rest, "[")
}

// runeWidth is the number of columns that a printable rune takes.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0x303e, r >= 0x3041 && r <= 0xa4cf,
		r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f,
		r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff,
		r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// width is the number of columns of escaped text.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// encode writes v as JSON and a newline. Control characters that JSON allows
// raw are escaped too, since people look at JSON in terminals.
func encode(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	// Outside of strings JSON is ASCII, so what is found is in a string.
	unsafe := func(r rune) bool {
		return r >= 0x7f && r != utf8.RuneError && r <= 0xffff && !unicode.IsPrint(r)
	}
	out := b.Bytes()
	if bytes.IndexFunc(out, unsafe) >= 0 {
		var safe bytes.Buffer
		for _, r := range string(out) {
			if unsafe(r) {
				fmt.Fprintf(&safe, `\u%04x`, r)
			} else {
				safe.WriteRune(r)
			}
		}
		out = safe.Bytes()
	}
	_, err := w.Write(out)
	return err
}
