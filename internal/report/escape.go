package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// The most that text from the repository may take of a report, in bytes: names
// that are longer are no names.
const (
	maxMessage = 2 << 10
	maxPath    = 4 << 10
)

// maxLine is the most characters of untrusted text in one line of a text
// report.
const maxLine = 400

// Escape makes text from the repository safe to print on one line: what would
// drive a terminal, hide or reorder text, or speak to a CI runner is written as
// an escape, and so is what is not UTF-8.
func Escape(s string) string {
	if isSafe(s) {
		return s
	}
	var b strings.Builder
	if at := strings.Index(s, "::"); at >= 0 && strings.Trim(s[:at], " ") == "" {
		b.WriteString(s[:at] + `\x3a`)
		s = s[at+1:]
	}
	for i := 0; i < len(s); {
		text, size := escapeRune(s[i:])
		b.WriteString(text)
		i += size
	}
	return b.String()
}

// Message is a message as reports show it: escaped, and of at most 2 KiB.
func Message(s string) string {
	return clip(Escape(clip(s, maxMessage)), maxMessage)
}

// Line is text as one line of a text report shows it: escaped, and of at most
// 400 characters.
func Line(s string) string { return brief(s, maxLine) }

// brief is text escaped, and of at most n characters.
func brief(s string, n int) string { return shorten(Escape(clip(s, maxPath)), n) }

// isSafe says that Escape would change nothing.
func isSafe(s string) bool {
	if !utf8.ValidString(s) || strings.Contains(s, "##") || strings.HasPrefix(strings.TrimLeft(s, " "), "::") {
		return false
	}
	for _, r := range s {
		if !visible(r) {
			return false
		}
	}
	return true
}

// visible says that a rune shows and does nothing else. Some letters and marks
// of Unicode are blank.
func visible(r rune) bool {
	switch {
	case r >= ' ' && r < 0x7f:
		return true
	case r == 0xfe0e, r == 0xfe0f:
		// They choose between the forms of the symbol before them.
		return true
	case r == 0x2800, unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r), unicode.Is(unicode.Variation_Selector, r):
		return false
	}
	return unicode.IsPrint(r)
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
	case visible(r):
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
// are obeyed only at the start of a line, blanks not counted.
func isRunnerCommand(s string) bool {
	if !strings.HasPrefix(s, "##") {
		return false
	}
	rest := strings.TrimLeft(s[2:], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	return strings.HasPrefix(rest, "[")
}

// clip cuts text off behind its first n bytes, at a whole rune.
func clip(s string, n int) string {
	const mark = "…"
	if len(s) <= n {
		return s
	}
	n -= len(mark)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + mark
}

// shorten leaves n characters of text, with a mark for what went.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	count := 0
	for i := range s {
		if count++; count == n && utf8.RuneCountInString(s[i:]) > 1 {
			return s[:i] + "…"
		}
	}
	return s
}

// shortenPath leaves n characters of a path: its end tells more than its middle.
func shortenPath(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	head := n / 3
	return string(runes[:head]) + "…" + string(runes[len(runes)-(n-head-1):])
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

// encode writes v as JSON and a newline. What JSON allows raw and a terminal, a
// CI runner or a page of HTML would obey is escaped too: people look at JSON
// there.
func encode(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	// Outside of strings JSON holds none of these, so what is found is in one.
	unsafe := func(r rune) bool { return r == '<' || r == '#' || r >= 0x7f && !visible(r) }
	out := b.Bytes()
	if text := string(out); strings.IndexFunc(text, unsafe) >= 0 {
		var safe bytes.Buffer
		for i, r := range text {
			switch {
			case !unsafe(r), r == '#' && !isRunnerCommand(text[i:]):
				safe.WriteRune(r)
			case r > 0xffff:
				high, low := utf16.EncodeRune(r)
				fmt.Fprintf(&safe, `\u%04x\u%04x`, high, low)
			default:
				fmt.Fprintf(&safe, `\u%04x`, r)
			}
		}
		out = safe.Bytes()
	}
	_, err := w.Write(out)
	return err
}
