package sops

import "strings"

// IsCiphertext says that the whole value is one that SOPS encrypted. SOPS's own
// pattern is open at the end and overlooks clear text behind the bracket; this
// one is not.
func IsCiphertext(v string) bool {
	v, ok := strings.CutPrefix(v, "ENC[AES256_GCM,data:")
	if !ok {
		return false
	}
	data, v, ok := strings.Cut(v, ",iv:")
	if !ok || !isBase64Text(strings.TrimSuffix(strings.TrimSuffix(data, "="), "=")) {
		return false
	}
	iv, v, ok := strings.Cut(v, ",tag:")
	if !ok || len(iv) != 44 || iv[43] != '=' || !isBase64Text(iv[:43]) {
		return false
	}
	tag, v, ok := strings.Cut(v, ",type:")
	if !ok || len(tag) != 24 || tag[22:] != "==" || !isBase64Text(tag[:22]) {
		return false
	}
	switch v {
	case "str]", "int]", "float]", "bytes]", "bool]", "time]", "comment]":
		return true
	}
	return false
}

func isBase64Text(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '+' && c != '/' {
			return false
		}
	}
	return true
}
