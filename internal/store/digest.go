package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// MaxFileSize is the most that is kept of one file: 64 MiB. A folder may hold
// larger ones; they are listed, and reading them gives ErrTooLarge.
const MaxFileSize = 64 << 20

// The errors of reading what is kept, besides those of package fs. They come
// wrapped in an fs.PathError.
var (
	// ErrOutside: the name, or a symlink on its way, leaves what was fetched.
	ErrOutside = errors.New("leads out of what was fetched")
	// ErrTooLarge: the file is larger than MaxFileSize and was not kept.
	ErrTooLarge = errors.New("larger than 64 MiB, and was not fetched")
	// ErrChanged: the bytes are not those that were fetched.
	ErrChanged = errors.New("not what was fetched (its digest differs): restore it or run scantling fetch")
)

const digestPrefix = "sha256:"

// Digest names content: "sha256:" and 64 hexadecimal digits.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return digestPrefix + hex.EncodeToString(sum[:])
}

// digits are the hexadecimal digits of a digest, which name a file: everything
// else is refused.
func digits(digest string) (string, error) {
	d, ok := strings.CutPrefix(digest, digestPrefix)
	if !ok || len(d) != 2*sha256.Size || !isHex(d) {
		return "", fmt.Errorf("%q is no digest: it is written as sha256: and 64 digits from 0 to f", clip(digest))
	}
	return d, nil
}

func isHex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdef") == ""
}

// clip keeps a message that quotes hostile input short.
func clip(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
