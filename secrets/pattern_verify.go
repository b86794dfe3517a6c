package secrets

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strconv"
	"strings"
)

// isBase32 doubts digits that base32 has not.
func isBase32(_, body []byte) verdict {
	if bytes.ContainsAny(body, "0189") {
		return isDoubtful
	}
	return isToken
}

// isGitHubToken looks at the last six characters: the CRC-32 of those before, in
// base 62.
func isGitHubToken(token, body []byte) verdict {
	if len(body) != 36 || !alnums.all(body) {
		// The other lengths that GitHub gives: refresh tokens of 76, and the id of an
		// app with a JWT.
		if len(body) == 76 || bytes.HasPrefix(token, []byte("ghs_")) && bytes.Count(body, []byte(".")) == 2 {
			return isToken
		}
		return isNone
	}
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := crc32.ChecksumIEEE(body[:30])
	var want [6]byte
	for i := 5; i >= 0; i-- {
		want[i] = alphabet[sum%62]
		sum /= 62
	}
	if string(want[:]) != string(body[30:]) {
		return isDoubtful
	}
	return isToken
}

// isGitLabToken takes the token of 20 characters, of 50 for an agent, and the
// routable one that ends with the CRC-32 of all before, in base 36.
func isGitLabToken(token, body []byte) verdict {
	dot := bytes.IndexByte(body, '.')
	if dot < 0 {
		switch {
		case bytes.HasPrefix(token, []byte("gloas-")) && len(body) != 64,
			bytes.HasPrefix(token, []byte("glagent-")) && len(body) != 50,
			len(body) > 70:
			return isNone
		}
		return isMixed(token, body)
	}
	last := body[bytes.LastIndexByte(body, '.')+1:]
	if dot < 20 || len(last) != 9 {
		// The token is over at the dot: it ends a sentence.
		if dot >= 20 && len(last) == 0 {
			return isMixed(token, body[:dot])
		}
		return isNone
	}
	sum, err := strconv.ParseUint(string(last[2:]), 36, 32)
	if err != nil || uint32(sum) != crc32.ChecksumIEEE(token[:len(token)-7]) {
		return isDoubtful
	}
	return isToken
}

// isGrafanaToken looks at the CRC-32 behind the second underscore, lowest byte
// first.
func isGrafanaToken(token, body []byte) verdict {
	if body[32] != '_' || !alnums.all(body[:32]) || !anyHex.all(body[33:]) {
		return isNone
	}
	sum, err := hex.DecodeString(string(body[33:]))
	if err != nil || binary.LittleEndian.Uint32(sum) != crc32.ChecksumIEEE(token[:len(token)-9]) {
		return isDoubtful
	}
	return isToken
}

// isAtlassianToken looks at the eight digits behind the equals sign: the CRC-32
// of all before.
func isAtlassianToken(token, body []byte) verdict {
	at := bytes.IndexByte(token, '=')
	if at < 0 {
		return isMixed(token, body)
	}
	if at != len(token)-9 {
		return isNone
	}
	sum, err := strconv.ParseUint(string(token[at+1:]), 16, 32)
	if err != nil || uint32(sum) != crc32.ChecksumIEEE(token[:at+1]) {
		return isDoubtful
	}
	return isToken
}

// isMixed asks for digits and letters.
func isMixed(_, body []byte) verdict {
	if !bytes.ContainsAny(body, "0123456789") || digits.all(body) {
		return isNone
	}
	return isToken
}

// isMixedCase asks for letters of both cases.
func isMixedCase(_, body []byte) verdict {
	if bytes.Equal(body, bytes.ToLower(body)) || bytes.Equal(body, bytes.ToUpper(body)) {
		return isNone
	}
	return isToken
}

func isDatabricksToken(_, body []byte) verdict {
	if !lowerHex.all(body[:32]) || len(body) == 33 || len(body) == 34 && (body[32] != '-' || !digits.has(body[33])) {
		return isNone
	}
	return isToken
}

// isOnePasswordKey takes the groups of a Secret Key: 6, 11 or 6 and 5, and three
// of 5.
func isOnePasswordKey(_, body []byte) verdict {
	groups := strings.Split(string(body), "-")
	lengths := ""
	for _, g := range groups {
		lengths += " " + strconv.Itoa(len(g))
	}
	if lengths != " 6 11 5 5 5" && lengths != " 6 6 5 5 5 5" {
		return isNone
	}
	return isMixed(nil, body)
}

// isSlackToken asks for a number, and for a secret at the end that is none.
func isSlackToken(_, body []byte) verdict {
	first, _, several := bytes.Cut(body, []byte("-"))
	last := body[bytes.LastIndexByte(body, '-')+1:]
	if !several || !digits.all(first) || len(first) == 0 || len(last) < 18 || digits.all(last) || isFakeToken(last) {
		return isNone
	}
	return isToken
}

func hasDotAt22(_, body []byte) verdict {
	if body[22] != '.' || bytes.Count(body, []byte(".")) != 1 {
		return isNone
	}
	return isToken
}
