package secrets

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/lint"
)

// minBase64 is the length of the shortest base64 that is decoded: 18 bytes.
const minBase64 = 24

// base64 decodes the base64 in the text that is text itself, and looks there for
// what the text must not hold either. Every so many bytes it looks whether it is
// in a run, so that ordinary text costs next to nothing.
func (s *textScan) base64() {
	if s.depth >= maxDecodings {
		return
	}
	done := 0
	for i := minBase64 - 1; i < len(s.data); {
		if !base64Text.has(s.data[i]) {
			i += minBase64
			continue
		}
		start := i
		for start > done && base64Text.has(s.data[start-1]) {
			start--
		}
		end := i + 1
		for end < len(s.data) && base64Text.has(s.data[end]) {
			end++
		}
		if end-start >= minBase64 {
			end = s.run(start, end)
		}
		done = end
		i = end + minBase64
		if len(s.hits) >= maxHits {
			return
		}
	}
}

// run judges a run of base64 letters, and gives where it ends when lines are
// joined.
func (s *textScan) run(start, end int) int {
	// Names, digests, ciphertext and pictures are no text once they are decoded:
	// twelve bytes tell.
	for _, c := range decodeStart(s.data[start : start+16]) {
		if c >= 0x7f || c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return end
		}
	}
	text := s.data[start:end]
	if joined, past := s.joinLines(start, end); joined != nil {
		text, end = joined, past
	}
	text = text[:min(len(text), base64.StdEncoding.EncodedLen(maxDecoded))]
	decoded := decodeStart(text[:len(text)/4*4])
	if rest := text[len(text)/4*4:]; len(rest) > 1 {
		tail := make([]byte, 2)
		if n, err := base64.RawStdEncoding.Decode(tail, rest); err == nil {
			decoded = append(decoded, tail[:n]...)
		}
	}
	if len(decoded) <= 16 || !isText(decoded) {
		return end
	}
	inner := &textScan{data: decoded, depth: s.depth + 1}
	inner.literals()
	inner.base64()
	pair := ""
	if !s.dataURI(start) {
		pair = encodedPair(string(decoded))
	}
	at := hit{offset: start, length: end - start, encoded: true}
	for _, h := range inner.hits {
		if h.family == encodedFamily && pair != "" {
			continue
		}
		h.offset, h.length, h.encoded = at.offset, at.length, true
		s.add(h)
	}
	if holdsKubeconfig(decoded) {
		at.family, at.id, at.name, at.severity = kubeconfigFamily, "kubeconfig", "kubeconfig", lint.Critical
		s.add(at)
	}
	if pair != "" {
		at.family, at.id, at.name, at.severity = encodedFamily, "pair", pair, lint.High
		s.add(at)
	}
	return end
}

// joinLines joins base64 that is broken into lines, as in a block scalar.
func (s *textScan) joinLines(start, end int) (joined []byte, past int) {
	from := bytes.LastIndexByte(s.data[max(0, start-200):start], '\n') + max(0, start-200) + 1
	if len(bytes.TrimSpace(s.data[from:start])) > 0 {
		// It begins behind a key.
		return nil, 0
	}
	for i := end; i < len(s.data) && len(joined) < 2*maxDecoded; {
		next := i
		for next < len(s.data) && (s.data[next] == '\r' || s.data[next] == ' ') {
			next++
		}
		if next >= len(s.data) || s.data[next] != '\n' {
			break
		}
		for next < len(s.data) && strings.IndexByte(" \t\r\n", s.data[next]) >= 0 {
			next++
		}
		last := base64Text.end(s.data, next, maxDecoded)
		after := equalSigns.end(s.data, last, 2)
		if last == next || after < len(s.data) && strings.IndexByte(" \r\n", s.data[after]) < 0 {
			break
		}
		if joined == nil {
			joined = bytes.Clone(s.data[start:end])
		}
		joined = append(joined, s.data[next:last]...)
		i, past = after, after
	}
	return joined, past
}

// dataURI says that the base64 at a place is part of an address that holds a
// picture, a font or the map of a program's source.
func (s *textScan) dataURI(start int) bool {
	before := s.data[max(0, start-100):start]
	at := bytes.LastIndex(before, []byte("data:"))
	return at >= 0 && bytes.HasSuffix(before, []byte("base64,")) && bytes.IndexByte(before[at:], '/') > 0
}

// isText says that decoded bytes are text, but for what may be cut off at the
// end.
func isText(b []byte) bool {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return len(b)-i < utf8.UTFMax && !utf8.FullRune(b[i:])
		}
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f {
			return false
		}
		i += size
	}
	return true
}

// encodedPair is the name under which decoded text holds a literal credential:
// in a registry's configuration, in cloud-init, in whatever has names and
// values.
func encodedPair(text string) string {
	if strings.Contains(text, `"auths"`) {
		return registryPair(text)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' || strings.HasPrefix(line, "//") {
			continue
		}
		for _, p := range appendPairs(nil, line, true) {
			if !CredentialName(p.name) || len(p.value) < 4 || isGenericPassword(p.value) || !literalCredential(p.value) {
				continue
			}
			quoted := strings.Contains(line, `"`+p.value+`"`) || strings.Contains(line, `'`+p.value+`'`)
			if strings.ContainsAny(p.value, "$`") || !quoted && strings.ContainsAny(p.value, "()[]{}<>\"'\\") {
				// A program's text.
				continue
			}
			return p.name
		}
	}
	return ""
}

// registryPair is the name of the first literal credential in Docker's
// configuration.
func registryPair(text string) string {
	var config struct {
		Auths map[string]struct {
			Auth          string `json:"auth"`
			Password      string `json:"password"`
			IdentityToken string `json:"identitytoken"`
		} `json:"auths"`
	}
	if json.Unmarshal([]byte(text), &config) != nil {
		return ""
	}
	found := ""
	for _, a := range config.Auths {
		switch {
		case literalCredential(a.Password) && !isGenericPassword(a.Password):
			return "password"
		case literalCredential(a.IdentityToken):
			found = "identitytoken"
		case a.Auth != "":
			decoded, ok := decodeBase64(a.Auth)
			_, password, _ := strings.Cut(decoded, ":")
			if ok && found == "" && literalCredential(password) && !isGenericPassword(password) {
				found = "auth"
			}
		}
	}
	return found
}
