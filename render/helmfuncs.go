package render

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"time"
	_ "unsafe" // for go:linkname

	_ "github.com/Masterminds/sprig/v3" // holds the variable linked below
)

// sprigFunctions is sprig's own table of template functions. Helm v3 copies it
// for every render and offers no way to replace a function; changing the table
// is the only way that also reaches text given to tpl. A test asserts that it
// works with the pinned version.
//
//go:linkname sprigFunctions github.com/Masterminds/sprig/v3.genericMap
var sprigFunctions map[string]any

// randomText is what stands in for random text in a rendered chart: its first n
// characters, repeated as needed. The secret rules know it and do not take it
// for a literal.
const randomText = "scantling0"

// fixedTime is what charts see as the present: one moment, so that two renders
// are the same.
var fixedTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// certificate has the fields of sprig's own type, which templates read.
type certificate struct{ Cert, Key string }

// stillHelm replaces the functions whose results differ from call to call, and
// with them the generation of keys, which is most of the time that such charts
// take to render.
var stillHelm = sync.OnceFunc(func() {
	text := func(n int) string { return repeatTo(randomText, n) }
	pem := func(kind string) string {
		// The body is base64 as it stands, and still shows what it is.
		return "-----BEGIN " + kind + "-----\n" + text(60) + "\n-----END " + kind + "-----\n"
	}
	cert := func(...any) certificate { return certificate{pem("CERTIFICATE"), pem("SCANTLING STAND-IN KEY")} }
	for name, f := range map[string]any{
		"now":       func() time.Time { return fixedTime },
		"ago":       func(any) string { return "0s" },
		"uuidv4":    func() string { return "00000000-0000-4000-8000-000000000000" },
		"randAlpha": text, "randAlphaNum": text, "randAscii": text,
		"randNumeric": func(n int) string { return repeatTo("1234567890", n) },
		"randBytes":   func(n int) (string, error) { return base64.StdEncoding.EncodeToString([]byte(text(n))), nil },
		"randInt":     func(low, _ int) int { return low },
		"shuffle":     func(s string) string { return s },
		"bcrypt":      func(string) string { return "$2a$10$" + text(53) },
		"htpasswd":    func(user, _ string) string { return user + ":$2a$10$" + text(53) },
		"encryptAES":  func(_, _ string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(text(32))), nil },
		"genPrivateKey": func(string) string {
			return pem("SCANTLING STAND-IN KEY")
		},
		"genCA": cert, "genCAWithKey": cert,
		"genSelfSignedCert": cert, "genSelfSignedCertWithKey": cert,
		"genSignedCert": cert, "genSignedCertWithKey": cert,
		"derivePassword": func(...any) string { return text(16) },
		"getHostByName":  func(string) string { return "" },
		// A chart may ask for a million repetitions of a megabyte.
		"repeat": func(n int, s string) (string, error) {
			if n > 0 && len(s) > 0 && n > maxRepeat/len(s) {
				return "", fmt.Errorf("repeat would make more than %d MiB", maxRepeat>>20)
			}
			return strings.Repeat(s, max(n, 0)), nil
		},
	} {
		sprigFunctions[name] = f
	}
})

const maxRepeat = 8 << 20

func repeatTo(pattern string, n int) string {
	if n <= 0 {
		return ""
	}
	n = min(n, maxRepeat)
	return strings.Repeat(pattern, n/len(pattern)+1)[:n]
}
