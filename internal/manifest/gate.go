package manifest

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// The defaults of Limits. The largest of 30,000 files in public GitOps
// repositories has 3.7 MB, nests 48 levels deep, holds 133 documents and
// expands its aliases by a factor of 2.1.
const (
	DefaultFileSize   = 10 << 20
	DefaultDepth      = 200
	DefaultAliasNodes = 1_000_000
	DefaultDocuments  = 20_000
)

// The names of the limits, as ReadError.Limit has them.
const (
	limitFileSize   = "file-size"
	limitDepth      = "depth"
	limitAliasNodes = "alias-nodes"
	limitDocuments  = "documents"
)

const (
	// What aliases expand to may be this many times the document, and a
	// constant more, in bytes.
	aliasBytesFactor = 10
	aliasBytesFree   = 1 << 20
	// The parser looks at every earlier directive for each new one.
	maxDirectives = 100
	// The parser keeps every comment of a stream, in the memory of this many
	// nodes.
	commentNodes = 4
)

// Limits is what one stream of YAML or JSON may cost. A field that is zero has
// its default.
type Limits struct {
	// FileSize is the most bytes of a stream; DefaultFileSize.
	FileSize int64
	// Depth is the most collections inside each other, aliases followed;
	// DefaultDepth.
	Depth int
	// AliasNodes is the most nodes of a document, aliases and merge keys
	// expanded, the most that all aliases of a stream add, and the most that
	// the text of a stream can hold by a count of its separators, which keeps
	// the memory for them bounded; DefaultAliasNodes. The largest real file
	// holds 160,000. What aliases expand to is limited in bytes as well, to ten
	// times what is written and 1 MiB.
	AliasNodes int
	// Documents is the most documents of a stream, empty ones counted;
	// DefaultDocuments.
	Documents int
}

func (l Limits) orDefault() Limits {
	if l.FileSize <= 0 {
		l.FileSize = DefaultFileSize
	}
	if l.Depth <= 0 {
		l.Depth = DefaultDepth
	}
	if l.AliasNodes <= 0 {
		l.AliasNodes = DefaultAliasNodes
	}
	if l.Documents <= 0 {
		l.Documents = DefaultDocuments
	}
	return l
}

// Check is the gate that a text passes before a library parses it. It returns
// the text as UTF-8, or why no parser may see it: its size, its encoding, its
// depth, what its aliases expand to, an alias inside its own node, the number
// of its documents. Other faults are the library's to report.
//
// The text is the same bytes wherever data is UTF-8 without byte order marks.
// A mark at the start of the stream or of a document is dropped, as parsers and
// editors count no column for it: lines and columns stay what they were,
// offsets in bytes do not. UTF-16 is decoded, and positions are those of the
// decoded text.
func (l Limits) Check(data []byte) ([]byte, *ReadError) {
	l = l.orDefault()
	text, refused := l.decode(data)
	if refused == nil {
		refused = invalidText(text, 0)
	}
	if refused != nil {
		return nil, refused
	}
	s := l.survey(text)
	if refused = l.refuse(s); refused != nil {
		return nil, refused
	}
	if s.harmless {
		return text, nil
	}
	_, problems := l.parse(text)
	for _, p := range problems {
		if p.Class != ParseError && p.Class != DuplicateKey {
			return nil, p
		}
	}
	return text, nil
}

// decode gives the text as UTF-8 without byte order marks, unless it is too
// large or in an encoding that can't be told. Whether the UTF-8 is valid it
// leaves to invalidText.
func (l Limits) decode(data []byte) ([]byte, *ReadError) {
	if int64(len(data)) > l.FileSize {
		return nil, l.tooLarge()
	}
	begins := func(mark string) bool { return bytes.HasPrefix(data, []byte(mark)) }
	switch {
	case begins("\xff\xfe\x00\x00"), begins("\x00\x00\xfe\xff"):
		return nil, encodingError("UTF-32")
	case begins("\xff\xfe"), begins("\xfe\xff"):
		text, refused := decodeUTF16(data)
		if refused == nil && int64(len(text)) > l.FileSize {
			// One unit of UTF-16 can take three bytes.
			refused = l.tooLarge()
		}
		return text, refused
	}
	if len(data) >= 4 {
		// YAML and JSON begin with an ASCII character, so the zeros of its
		// unit tell the encoding (RFC 4627, section 3).
		switch [4]bool{data[0] == 0, data[1] == 0, data[2] == 0, data[3] == 0} {
		case [4]bool{true, true, true, false}, [4]bool{false, true, true, true}:
			return nil, encodingError("UTF-32 without a byte order mark")
		case [4]bool{true, false, true, false}, [4]bool{false, true, false, true}:
			return nil, encodingError("UTF-16 without a byte order mark")
		}
	}
	return dropMarks(data), nil
}

func (l Limits) tooLarge() *ReadError {
	return &ReadError{Class: LimitSize, Limit: limitFileSize,
		Message: fmt.Sprintf("larger than %s", size(l.FileSize))}
}

func size(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

func encodingError(what string) *ReadError {
	return &ReadError{Class: Encoding, Message: "the text is " + what + ": save it as UTF-8"}
}

func decodeUTF16(data []byte) ([]byte, *ReadError) {
	if len(data)%2 != 0 {
		return nil, &ReadError{Class: Encoding, Message: "the text is UTF-16 that ends within a character: save it as UTF-8"}
	}
	high, low := 0, 1
	if data[0] == 0xff {
		high, low = 1, 0
	}
	text := make([]byte, 0, len(data)/2+len(data)/8)
	for i := 2; i < len(data); i += 2 {
		r := rune(data[i+high])<<8 | rune(data[i+low])
		if utf16.IsSurrogate(r) {
			var second rune
			if i+2 < len(data) {
				second = rune(data[i+2+high])<<8 | rune(data[i+2+low])
			}
			if r = utf16.DecodeRune(r, second); r == utf8.RuneError {
				return nil, &ReadError{Class: Encoding, Line: 1 + bytes.Count(text, []byte{'\n'}),
					Message: "the text is UTF-16 with half a surrogate pair: save it as UTF-8"}
			}
			i += 2
		}
		text = utf8.AppendRune(text, r)
	}
	return dropMarks(text), nil
}

var byteOrderMark = []byte("\ufeff")

// dropMarks removes the byte order marks of the stream and those that stand
// where a document begins: before a separator, or on the line behind one, where
// joining files puts them.
func dropMarks(data []byte) []byte {
	for bytes.HasPrefix(data, byteOrderMark) {
		data = data[len(byteOrderMark):]
	}
	if !bytes.Contains(data, byteOrderMark) {
		return data
	}
	text := make([]byte, 0, len(data))
	begins := true
	for line := range bytes.Lines(data) {
		rest := line
		for bytes.HasPrefix(rest, byteOrderMark) {
			rest = rest[len(byteOrderMark):]
		}
		if begins || separator(rest) != 0 {
			line = rest
		}
		begins = separator(line) != 0 && len(bytes.TrimSpace(line)) == 3
		text = append(text, line...)
	}
	return text
}

// separator is '-' for a line that begins a document, '.' for one that ends
// one, and 0 for others. No text of a document can look like one: not in
// quotes, and not in a block scalar.
func separator(line []byte) byte {
	if len(line) < 3 || line[0] != '-' && line[0] != '.' || line[1] != line[0] || line[2] != line[0] {
		return 0
	}
	if len(line) > 3 && line[3] != ' ' && line[3] != '\t' && line[3] != '\n' && line[3] != '\r' {
		return 0
	}
	return line[0]
}

// invalidText reports the first thing in a text that makes it no UTF-8 text.
// lines stand before it in the stream.
func invalidText(text []byte, lines int) *ReadError {
	bad, what := bytes.IndexByte(text, 0), "the text holds a NUL byte: it is binary, or in an encoding other than UTF-8"
	if !utf8.Valid(text) {
		for i := 0; bad < 0 || i < bad; {
			r, n := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && n <= 1 {
				bad, what = i, "the text is no valid UTF-8: save it as UTF-8"
				break
			}
			i += n
		}
	}
	if bad < 0 {
		return nil
	}
	e := &ReadError{Class: Encoding, Message: what}
	e.place(text, bad, lines)
	return e
}

// survey is what a scan of a text's bytes says about it, without parsing it.
type survey struct {
	harmless   bool // within the limits whatever the text means
	odd        bool // has breaks that are no line feeds, or byte order marks
	documents  int
	excess     int // the line of the document beyond the limit
	directives int
	nodes      int // no parse gives more
}

func (l Limits) refuse(s survey) *ReadError {
	switch {
	case s.documents > l.Documents:
		return &ReadError{Class: LimitDocs, Limit: limitDocuments, Line: s.excess,
			Message: fmt.Sprintf("more than %d documents", l.Documents)}
	case s.directives > maxDirectives:
		return &ReadError{Class: LimitDocs,
			Message: fmt.Sprintf("more than %d directives: lines that begin with %%", maxDirectives)}
	case s.nodes > l.AliasNodes:
		return &ReadError{Class: LimitSize, Limit: limitAliasNodes,
			Message: fmt.Sprintf("the text can hold more than %d values", l.AliasNodes)}
	}
	return nil
}

// What a byte can mean to the scan.
const (
	byteText = iota
	byteOpen
	byteClose
	byteQuote // what begins or ends a scalar or a comment
	byteComma
	byteColon
	byteStar
	byteAmp
	byteTag
	byteOdd // may be part of a line break that is no line feed, or a byte order mark
)

var byteClass = [256]byte{
	'[': byteOpen, '{': byteOpen, ']': byteClose, '}': byteClose,
	'"': byteQuote, '\'': byteQuote, '#': byteQuote,
	',': byteComma, ':': byteColon, '?': byteColon, '*': byteStar, '&': byteAmp, '!': byteTag,
	'\r': byteOdd, 0xc2: byteOdd, 0xe2: byteOdd, 0xef: byteOdd,
}

// survey scans a text. What it calls harmless is so for any parser of YAML that
// follows the same rules of where a token can begin, as all do that descend
// from libyaml:
//
//   - Each block collection begins in a column of its own, right of those that
//     it is in, but for a list, which may stand below its key. So a document
//     nests twice as deep at most as there are columns in which one may begin:
//     those of the first characters of lines, dashes and question marks skipped.
//   - Each flow collection begins with a bracket. A bracket that closes one is
//     believed only where no quote and no comment stands between the two in the
//     same line: then either both are text or neither is. Any other may be text.
//   - Without an anchor or without an alias nothing expands.
//
// Each of these allows more than it must; what it can't prove is parsed.
func (l Limits) survey(text []byte) survey {
	// JSON needs no separators between its documents.
	s := survey{harmless: !startsJSON(text)}
	var d surveyed
	anchors, aliases, inside, commented := false, false, false, false
	for line, rest := 1, text; len(rest) > 0; line++ {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			end = len(rest)
		}
		current := rest[:end]
		rest = rest[end:]
		i := 0
		begins, indicated := false, false
		switch current[0] {
		case '-', '.':
			if mark := separator(current); mark != 0 {
				begins, inside = mark == '-', mark == '-'
				d = surveyed{}
				i = 3
			}
		case '%':
			s.directives++
			s.harmless = false
		}
		for i < len(current) {
			c := current[i]
			if c != ' ' && c != '\t' {
				if c != '-' && c != '?' && c != ':' || i+1 < len(current) && !blank(current[i+1]) {
					break
				}
				d.column(i)
				s.nodes++
				if c != '-' {
					s.nodes++
				}
				indicated = true
			}
			i++
		}
		empty := i == len(current) || blank(current[i]) || current[i] == '#'
		if begins || !inside && (indicated || !empty && current[0] != '%') {
			inside = true
			s.nodes++
			if s.documents++; s.documents == l.Documents+1 {
				s.excess = line
			}
		}
		if !empty {
			d.column(i)
		}
		comment := i < len(current) && current[i] == '#'
		if comment && !commented {
			s.nodes += commentNodes
		}
		commented = comment
		open := 0 // brackets since the last quote of this line
		tagged := false
		for ; i < len(current); i++ {
			for i < len(current) && byteClass[current[i]] == byteText {
				i++
			}
			if i == len(current) {
				break
			}
			switch byteClass[current[i]] {
			case byteOpen:
				open++
				d.deepest = max(d.deepest, d.open+open)
				s.nodes += 2
			case byteClose:
				if open > 0 && !tagged {
					open--
				}
			case byteQuote:
				d.open += open
				open = 0
				if current[i] == '#' && !comment && (i == 0 || blank(current[i-1])) {
					s.nodes += commentNodes
				}
			case byteComma:
				if d.open+open > 0 {
					s.nodes += 2
				}
			case byteColon:
				if i+1 == len(current) || blank(current[i+1]) || d.open+open > 0 {
					s.nodes += 2
				}
			case byteStar:
				aliases = aliases || namesNode(current, i)
			case byteAmp:
				anchors = anchors || namesNode(current, i)
			case byteTag:
				// Its text may hold brackets.
				tagged = tagged || tokenStart(current, i)
			case byteOdd:
				s.odd = s.odd || odd(current[i:])
			}
		}
		d.open += open
		if d.depth() > l.Depth {
			s.harmless = false
		}
	}
	if s.odd {
		return l.surveyOdd(text)
	}
	if anchors && aliases {
		s.harmless = false
	}
	return s
}

// surveyOdd is survey for a text that is rare enough to be parsed: it only
// counts, each thing that may be a line break taken for one.
func (l Limits) surveyOdd(text []byte) survey {
	for _, mark := range [...]string{"\r\n", "\r", "\u0085", "\u2028", "\u2029"} {
		text = bytes.ReplaceAll(text, []byte(mark), []byte{'\n'})
	}
	// The parser may skip a character at the start of a line behind a mark, so
	// any dash may begin an item.
	marks := bytes.Count(text, byteOrderMark)
	if marks > 0 {
		text = bytes.ReplaceAll(text, byteOrderMark, nil)
	}
	s := l.survey(text)
	if marks > 0 {
		s.nodes += bytes.Count(text, []byte{'-'}) + 2*bytes.Count(text, []byte{'?'})
	}
	s.harmless = false
	return s
}

func startsJSON(text []byte) bool {
	start := bytes.TrimLeft(text, " \t\r\n")
	return len(start) > 0 && start[0] == '{'
}

// surveyed is what the scan knows of the document that it is in.
type surveyed struct {
	columns [4]uint64 // where a block collection may begin
	count   int       // of the columns
	open    int       // brackets that may be open
	deepest int       // the most that may have been
}

func (d *surveyed) column(n int) {
	if n >= 64*len(d.columns) {
		d.count++
		return
	}
	if bit := uint64(1) << (n % 64); d.columns[n/64]&bit == 0 {
		d.columns[n/64] |= bit
		d.count++
	}
}

// depth is the most that the document can nest so far. A list may stand in the
// column of the mapping that it is in, and an entry of a flow list may be a
// mapping without brackets, so each counts twice.
func (d *surveyed) depth() int { return 2 * (d.count + d.deepest) }

// odd says that a parser may see a line break that is no line feed, or a byte
// order mark that it counts no column for, at the start of text.
func odd(text []byte) bool {
	if text[0] == '\r' {
		return len(text) == 1 || text[1] != '\n'
	}
	for _, mark := range [...]string{"\u0085", "\u2028", "\u2029", "\ufeff"} {
		if len(text) >= len(mark) && string(text[:len(mark)]) == mark {
			return true
		}
	}
	return false
}

// namesNode says that an anchor or an alias may stand at i.
func namesNode(line []byte, i int) bool {
	if i+1 == len(line) || !tokenStart(line, i) {
		return false
	}
	c := line[i+1]
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c >= utf8.RuneSelf
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// tokenStart says that a token may begin at i: it is not within a word.
func tokenStart(line []byte, i int) bool {
	if i == 0 {
		return true
	}
	switch c := line[i-1]; {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return false
	default:
		return c != '_' && c != '.' && c != '/' && c != '\\' && c != '"' && c != '\'' && c != '*' && c != '&'
	}
}
