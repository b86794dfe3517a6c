package check

import (
	"bytes"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// maxPassage is how many lines are held against those of another version.
const maxPassage = 200

// linesOf are the lines of a text with their indentation, but without the blanks
// at their ends.
func linesOf(data []byte) [][]byte {
	lines := bytes.Split(data, []byte("\n"))
	for i, l := range lines {
		lines[i] = bytes.TrimRight(l, " \t\r")
	}
	return lines
}

func indent(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " \t")) }

// passage are the lines that a place is about: its own, up to its end, or where
// the value stands below its key, those that are indented deeper.
func passage(lines [][]byte, at manifest.Span) [][]byte {
	if at.Line < 1 || at.Line > len(lines) {
		return nil
	}
	first := at.Line - 1
	last := first
	switch head := lines[first]; {
	case at.EndLine > at.Line:
		last = min(at.EndLine, len(lines)) - 1
	case opensBlock(head):
		for last+1 < len(lines) && (len(lines[last+1]) == 0 || indent(lines[last+1]) > indent(head)) {
			last++
		}
	case bytes.Contains(head, []byte("-----BEGIN ")):
		for last+1 < len(lines) && !bytes.Contains(lines[last], []byte("-----END ")) {
			last++
		}
	}
	last = min(last, first+maxPassage-1)
	var text [][]byte
	for _, l := range lines[first : last+1] {
		text = append(text, bytes.TrimLeft(l, " \t"))
	}
	return text
}

// opensBlock says that what a line's key holds stands on the lines below it.
func opensBlock(line []byte) bool {
	head := strings.TrimRight(string(line), "+-0123456789")
	return strings.HasSuffix(head, "|") || strings.HasSuffix(head, ">") || strings.HasSuffix(string(line), ":")
}

// telling says that lines hold enough to be known again: not only a key, or one
// bracket.
func telling(lines [][]byte) bool {
	return len(lines) > 1 || len(lines) == 1 && len(lines[0]) >= 6 && !opensBlock(lines[0])
}

// contains says that a text has some lines, one behind the other.
func contains(text, lines [][]byte) bool {
	for i := range text {
		if i+len(lines) > len(text) {
			return false
		}
		if slices.EqualFunc(text[i:i+len(lines)], lines, func(a, b []byte) bool { return bytes.Equal(bytes.TrimLeft(a, " \t"), b) }) {
			return true
		}
	}
	return false
}
