package secrets

import "bytes"

// madeUp are words that no generator of random tokens would give: whoever wrote
// one wrote an example.
var madeUp = [...]string{"example", "dummy", "placeholder", "redacted", "changeme", "change_me", "sample", "fake", "your", "token", "secret", "replace", "insert", "notreal", "foobar", "qwerty", "deadbeef", "xxxx"}

// isFakeToken says that the random part of a token is none: one character, a
// count, an alphabet, words.
func isFakeToken(body []byte) bool {
	if len(body) == 0 {
		return true
	}
	lower := bytes.ToLower(body[:min(len(body), 100)])
	for _, word := range madeUp {
		if bytes.Contains(lower, []byte(word)) {
			return true
		}
	}
	var seen [256]bool
	distinct := 0
	onlyLetters := true
	for _, c := range lower {
		if !seen[c] {
			seen[c] = true
			distinct++
		}
		onlyLetters = onlyLetters && isLetter(c)
	}
	if distinct*4 < min(len(lower), 32) {
		return true
	}
	if onlyLetters && len(body) >= 16 && bytes.HasPrefix(body, lower) {
		// Small letters alone: words that were joined.
		return true
	}
	counted, longest := sequences(lower)
	return 2*counted >= len(lower) || longest >= 6
}

// sequences is how much of a text are characters that follow each other as in
// 1234 or dcba, and how often one is repeated at most.
func sequences(text []byte) (counted, repeated int) {
	run, step := 1, 0
	same := 1
	end := func() {
		if run >= 4 {
			counted += run
		}
	}
	for i := 1; i < len(text); i++ {
		if text[i] == text[i-1] {
			same++
			repeated = max(repeated, same)
		} else {
			same = 1
		}
		d := int(text[i]) - int(text[i-1])
		if text[i-1] == '9' && text[i] == '0' {
			d = 1
		}
		switch {
		case d != 1 && d != -1:
			end()
			run, step = 1, 0
		case d == step || step == 0:
			run, step = run+1, d
		default:
			end()
			run, step = 2, d
		}
	}
	end()
	return counted, repeated
}
