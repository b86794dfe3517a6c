package secrets

import (
	"bytes"
	"cmp"
	"slices"
	"sync"

	"github.com/scantling-dev/scantling/lint"
)

// family is which rule a pattern's hit belongs to.
type family int

const (
	tokenFamily family = iota
	privateKeyFamily
	decryptionKeyFamily
	encodedFamily
	kubeconfigFamily
)

// hit is a credential that a pattern found in a text. It says where, and of what
// kind, and holds nothing of the credential.
type hit struct {
	family family
	// id is the kind in the form of a key, name as a person calls it; of a
	// credential pair in base64 the pair's name.
	id, name       string
	offset, length int
	severity       lint.Severity
	// encoded says that the credential stands in base64.
	encoded bool
	// locked says that a private key is under a passphrase.
	locked bool
}

const (
	// maxHits is how many credentials are told of one file: whoever has mended
	// those sees the rest.
	maxHits = 500
	// maxDecoded is how much of a base64 text is decoded.
	maxDecoded = 64 << 10
	// maxDecodings is how often base64 in base64 is decoded.
	maxDecodings = 2
)

type hitsKey struct{}

// hitsOf are the credentials in a file, looked for once for all rules.
func hitsOf(f *lint.File) []hit {
	return f.Shared(hitsKey{}, func() any { return scanText(f.Data) }).([]hit)
}

// scanText finds credentials by their form in any text, sorted by place.
func scanText(data []byte) []hit {
	s := &textScan{data: data}
	s.literals()
	s.base64()
	slices.SortStableFunc(s.hits, func(a, b hit) int { return cmp.Compare(a.offset, b.offset) })
	return s.hits
}

// textScan is a walk through a text.
type textScan struct {
	data  []byte
	depth int // of base64
	hits  []hit
}

func (s *textScan) add(h hit) {
	if len(s.hits) < maxHits {
		s.hits = append(s.hits, h)
	}
}

// literals goes over the text once and looks at what stands around each literal
// that some format has.
func (s *textScan) literals() {
	index := formats()
	data := s.data
	if len(data) < 2 {
		return
	}
	pair := uint16(data[0]) << 8
	for i := 1; i < len(data); i++ {
		pair = pair>>8 | uint16(data[i])<<8
		bucket := index.buckets[pair]
		if bucket == 0 {
			continue
		}
		for _, l := range index.literals[bucket-1] {
			at := i - 1 - l.anchor
			if at < 0 || !hasPrefixAt(data, at, l.text) {
				continue
			}
			l.format.find(s, at, len(l.text))
			if len(s.hits) >= maxHits {
				return
			}
		}
	}
}

func hasPrefixAt(data []byte, at int, text string) bool {
	return len(data)-at >= len(text) && string(data[at:at+len(text)]) == text
}

// literalIndex finds the formats' literals by two bytes of theirs that stand
// next to each other: those that are rarest in other texts.
type literalIndex struct {
	// buckets are places in literals, from 1, by first byte and second.
	buckets  [1 << 16]uint8
	literals [][]literal
}

type literal struct {
	text   string
	anchor int // where in the text the two bytes stand
	format *format
}

// formats is the index of all formats, built when the first text is scanned.
var formats = sync.OnceValue(func() *literalIndex {
	index := &literalIndex{}
	for _, table := range [][]format{tokenFormats(), shapedFormats()} {
		for i := range table {
			for _, text := range table[i].literals {
				index.add(literal{text, rarestPair(text), &table[i]})
			}
		}
	}
	return index
})

func (x *literalIndex) add(l literal) {
	pair := uint16(l.text[l.anchor]) | uint16(l.text[l.anchor+1])<<8
	if x.buckets[pair] == 0 {
		x.literals = append(x.literals, nil)
		x.buckets[pair] = uint8(len(x.literals))
	}
	bucket := x.buckets[pair] - 1
	x.literals[bucket] = append(x.literals[bucket], l)
}

// rarestPair is where the two neighbours begin that are least to be expected in
// a manifest: capitals, underscores and digits rather than small letters.
func rarestPair(text string) int {
	weight := func(c byte) int {
		switch {
		case 'a' <= c && c <= 'z':
			return 1
		case c == ' ' || c == '-' || c == '"' || c == ':' || c == '.' || c == '/':
			return 0
		case isDigit(c):
			return 2
		case 'A' <= c && c <= 'Z':
			return 3
		}
		return 4
	}
	best, most := 0, -1
	for i := 0; i+1 < len(text); i++ {
		w := weight(text[i]) + weight(text[i+1])
		if text[i] == text[i+1] {
			w--
		}
		if w > most {
			best, most = i, w
		}
	}
	return best
}

// format is one way in which credentials are written.
type format struct {
	// id and name are those of its hits.
	id, name string
	// literals are texts one of which every credential of the format has: it
	// begins with it, unless there is a look.
	literals []string
	// body is what may follow the literal, min and max how much of it.
	body     charset
	min, max int
	// below is how many steps a finding is milder than critical.
	below int
	// check looks at the whole token, and at its body.
	check func(token, body []byte) verdict
	// look finds the credential around the literal at a place, where the literal
	// is not just its beginning.
	look func(s *textScan, f *format, at, length int)
}

// verdict is what a closer look at a token gives.
type verdict int

const (
	isNone verdict = iota
	// isDoubtful is a token whose checksum is wrong: one step milder.
	isDoubtful
	isToken
)

// find adds the credential that has a literal of the format at a place.
func (f *format) find(s *textScan, at, length int) {
	if f.look != nil {
		f.look(s, f, at, length)
		return
	}
	if !boundaryBefore(s.data, at) {
		return
	}
	from := at + length
	end := f.body.end(s.data, from, f.max+1)
	for end > from && s.data[end-1] == '.' {
		// The end of a sentence.
		end--
	}
	if n := end - from; n < f.min || n > f.max || !boundaryAfter(s.data, end) {
		return
	}
	f.found(s, at, end, s.data[from:end])
}

// found adds a credential from start to end whose secret part is body, unless it
// is made up.
func (f *format) found(s *textScan, start, end int, body []byte) {
	if isFakeToken(body) {
		return
	}
	below := f.below
	if f.check != nil {
		switch f.check(s.data[start:end], body) {
		case isNone:
			return
		case isDoubtful:
			below++
		}
	}
	s.add(hit{
		family:   tokenFamily,
		id:       f.id,
		name:     f.name,
		offset:   start,
		length:   end - start,
		severity: max(lint.Critical-lint.Severity(below), lint.Info),
	})
}

// charset is a set of bytes that tokens are made of.
type charset uint16

const (
	digits charset = 1 << iota
	lowerAToF
	upperAToF
	lowerGToZ
	upperGToZ
	dashes
	underscores
	dots
	plusSlash
	equalSigns
	tildes

	lowerHex   = digits | lowerAToF
	anyHex     = lowerHex | upperAToF
	lowers     = lowerAToF | lowerGToZ
	uppers     = upperAToF | upperGToZ
	alnums     = digits | lowers | uppers
	words      = alnums | dashes | underscores
	base64Text = alnums | plusSlash
)

func (s charset) has(c byte) bool { return s&charsets[c] != 0 }

// charsets are the sets that each byte is in.
var charsets = [256]charset{
	'0': digits, '1': digits, '2': digits, '3': digits, '4': digits, '5': digits, '6': digits, '7': digits, '8': digits, '9': digits,
	'a': lowerAToF, 'b': lowerAToF, 'c': lowerAToF, 'd': lowerAToF, 'e': lowerAToF, 'f': lowerAToF,
	'A': upperAToF, 'B': upperAToF, 'C': upperAToF, 'D': upperAToF, 'E': upperAToF, 'F': upperAToF,
	'g': lowerGToZ, 'h': lowerGToZ, 'i': lowerGToZ, 'j': lowerGToZ, 'k': lowerGToZ, 'l': lowerGToZ, 'm': lowerGToZ, 'n': lowerGToZ, 'o': lowerGToZ, 'p': lowerGToZ,
	'q': lowerGToZ, 'r': lowerGToZ, 's': lowerGToZ, 't': lowerGToZ, 'u': lowerGToZ, 'v': lowerGToZ, 'w': lowerGToZ, 'x': lowerGToZ, 'y': lowerGToZ, 'z': lowerGToZ,
	'G': upperGToZ, 'H': upperGToZ, 'I': upperGToZ, 'J': upperGToZ, 'K': upperGToZ, 'L': upperGToZ, 'M': upperGToZ, 'N': upperGToZ, 'O': upperGToZ, 'P': upperGToZ,
	'Q': upperGToZ, 'R': upperGToZ, 'S': upperGToZ, 'T': upperGToZ, 'U': upperGToZ, 'V': upperGToZ, 'W': upperGToZ, 'X': upperGToZ, 'Y': upperGToZ, 'Z': upperGToZ,
	'-': dashes, '_': underscores, '.': dots, '+': plusSlash, '/': plusSlash, '=': equalSigns, '~': tildes,
}

// end is where bytes of the set end that begin at a place, of which no more than
// most are looked at.
func (s charset) end(data []byte, from, most int) int {
	i := from
	for i < len(data) && i-from < most && s.has(data[i]) {
		i++
	}
	return i
}

// start is where bytes of the set begin that end at a place.
func (s charset) start(data []byte, end, most int) int {
	i := end
	for i > 0 && end-i < most && s.has(data[i-1]) {
		i--
	}
	return i
}

func (s charset) all(b []byte) bool { return s.end(b, 0, len(b)) == len(b) }

const wordBytes = alnums | underscores

// boundaryBefore says that a token may begin at a place: it is no part of a
// longer word. The letter of an escape such as \n and the digits of %3D are none
// of the token's.
func boundaryBefore(data []byte, at int) bool {
	if at == 0 {
		return true
	}
	c := data[at-1]
	switch {
	case c == '-':
		return at < 2 || !wordBytes.has(data[at-2])
	case !wordBytes.has(c):
		return true
	case c == 'n' || c == 'r' || c == 't':
		if at > 1 && data[at-2] == '\\' {
			return true
		}
	}
	return at > 2 && data[at-3] == '%' && anyHex.has(c) && anyHex.has(data[at-2])
}

// boundaryAfter says that a token may end at a place.
func boundaryAfter(data []byte, end int) bool {
	return end >= len(data) || !wordBytes.has(data[end])
}

// near says that a word, in small letters, stands within some bytes of a place.
func near(data []byte, start, end, reach int, word string) bool {
	window := data[max(0, start-reach):min(len(data), end+reach)]
	return bytes.Contains(bytes.ToLower(window), []byte(word))
}
