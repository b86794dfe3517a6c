package secrets

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

// maxPEM bounds the block of a private key. That of an RSA key of 16,384 bits
// takes 12.5 KB.
const maxPEM = 32 << 10

// lookPEM takes a block that holds a private key with something in it.
func lookPEM(s *textScan, f *format, at, length int) {
	rest := s.data[at+length : min(len(s.data), at+length+maxPEM)]
	dashes := bytes.Index(rest[:min(len(rest), 60)], []byte("-----"))
	if dashes < 0 {
		return
	}
	label := string(rest[:dashes])
	pgp := label == "PGP PRIVATE KEY BLOCK"
	if !pgp && !strings.HasSuffix(label, "PRIVATE KEY") || strings.Trim(label, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ") != "" {
		return
	}
	block := rest[dashes+5:]
	closed := false
	if end := bytes.Index(block, []byte("-----")); end >= 0 {
		closed = bytes.HasPrefix(block[end:], []byte("-----END "+label))
		block = block[:end]
	}
	body, adjacent := pemBody(block)
	if len(body) < 40 || !closed && !adjacent || isFilled(body) {
		return
	}
	for _, open := range [...]string{"...", "{{", "${"} {
		if bytes.Contains(block, []byte(open)) {
			// Left out, or filled in elsewhere.
			return
		}
	}
	h := hit{
		family: privateKeyFamily, id: f.id, name: f.name,
		offset: at, length: length + dashes + 5, severity: lint.Critical,
		// An OpenSSH key names its cipher right at the start.
		locked: strings.HasPrefix(label, "ENCRYPTED") || bytes.Contains(block, []byte("4,ENCRYPTED")) ||
			label == "OPENSSH PRIVATE KEY" && !bytes.HasPrefix(body, []byte("b3BlbnNzaC1rZXktdjEAAAAABG5vbm")),
	}
	switch {
	case pgp:
		h.family, h.id, h.name = decryptionKeyFamily, "pgp-key", "PGP private key"
	case h.locked:
		h.severity = lint.Medium
	case isServiceAccount(s.data, at):
		h.family, h.id, h.name = tokenFamily, "gcp-service-account", "Google Cloud service account key"
	}
	s.add(h)
}

// pemBody is the base64 of a block, however its lines are held together: by line
// ends, written \n, by quotes and plus signs in a program, by indentation. adjacent
// says that it begins right behind the label.
func pemBody(block []byte) (body []byte, adjacent bool) {
	begun, word := false, false
	for i := 0; i < len(block); {
		if block[i] == '\\' && i+1 < len(block) && strings.IndexByte("nrt", block[i+1]) >= 0 {
			i += 2
			continue
		}
		end := (base64Text | equalSigns).end(block, i, len(block))
		// Shorter ones are words and headers, unless the last line is one.
		switch n := end - i; {
		case n >= 20 || n > 0 && len(body) >= 40:
			begun = true
			body = append(body, block[i:end]...)
		case n > 0 && !begun:
			word = true
		}
		i = max(end, i+1)
	}
	return body, begun && !word
}

// isFilled says that a key's body is a few letters over and over. Zeros in a row
// are no sign of that: real keys hold many.
func isFilled(body []byte) bool {
	var seen [256]bool
	distinct := 0
	for _, c := range body[:min(len(body), 200)] {
		if !seen[c] {
			seen[c] = true
			distinct++
		}
	}
	return distinct < 10
}

// isServiceAccount says that the key at a place is the private_key of a Google
// Cloud service account.
func isServiceAccount(data []byte, at int) bool {
	before := data[max(0, at-40):at]
	around := data[max(0, at-2000):min(len(data), at+5000)]
	return bytes.Contains(before, []byte("private_key")) && bytes.Contains(around, []byte("service_account"))
}

// lookPuTTYKey takes the file format of PuTTY's keys.
func lookPuTTYKey(s *textScan, f *format, at, _ int) {
	block := s.data[at:min(len(s.data), at+maxPEM/8)]
	_, private, ok := bytes.Cut(block, []byte("Private-Lines: "))
	if !ok {
		return
	}
	if body, _ := pemBody(private[:min(len(private), 400)]); len(body) < 40 || isFilled(body) {
		return
	}
	h := hit{family: privateKeyFamily, id: f.id, name: f.name, offset: at, length: len("PuTTY-User-Key-File-"), severity: lint.Critical}
	if !bytes.Contains(block, []byte("Encryption: none")) {
		h.locked, h.severity = true, lint.Medium
	}
	s.add(h)
}

// lookAgeKey takes an identity of age's, Bech32 in capitals, and that of a
// plugin.
func lookAgeKey(s *textScan, _ *format, at, length int) {
	if !boundaryBefore(s.data, at) {
		return
	}
	end := (digits | uppers | dashes).end(s.data, at+length, 4000)
	token := s.data[at:end]
	separator := bytes.LastIndexByte(token, '1')
	if separator < length-1 || !boundaryAfter(s.data, end) {
		return
	}
	body := token[separator+1:]
	if len(body) < 20 || isFakeToken(body) {
		return
	}
	h := hit{family: decryptionKeyFamily, id: "age-key", name: "age identity", offset: at, length: end - at, severity: lint.Critical}
	switch prefix := string(token[:separator]); {
	case strings.HasPrefix(prefix, "AGE-PLUGIN-"):
		// What a plugin's identity is worth without its hardware is the plugin's
		// matter.
		h.id, h.name, h.severity = "age-plugin-key", "identity of an age plugin", lint.High
	case len(body) != 58:
		return
	}
	if !isBech32(token) {
		h.severity--
	}
	s.add(h)
}

// isBech32 looks at the checksum of a text in capitals.
func isBech32(token []byte) bool {
	const alphabet = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
	at := bytes.LastIndexByte(token, '1')
	sum := uint32(1)
	add := func(v byte) {
		top := sum >> 25
		sum = (sum&0x1ffffff)<<5 ^ uint32(v)
		for i, g := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	prefix := bytes.ToLower(token[:at])
	for _, c := range prefix {
		add(c >> 5)
	}
	add(0)
	for _, c := range prefix {
		add(c & 31)
	}
	for _, c := range token[at+1:] {
		v := strings.IndexByte(alphabet, c)
		if v < 0 {
			return false
		}
		add(byte(v))
	}
	return sum == 1
}

// decodeStart decodes the beginning of a base64 text.
func decodeStart(b []byte) []byte {
	out := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	n, err := base64.StdEncoding.Decode(out, b)
	if err != nil {
		return nil
	}
	return out[:n]
}
