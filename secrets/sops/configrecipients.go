package sops

import (
	"encoding/base64"
	"net/url"
	"path"
	"slices"
	"strings"

	"filippo.io/age"
)

// AgePlugin is the name of the age plugin that a recipient belongs to: to encrypt
// for it, sops runs the program age-plugin-NAME.
func AgePlugin(recipient string) (name string, ok bool) {
	r := strings.ToLower(recipient)
	if !strings.HasPrefix(r, "age1") || strings.HasPrefix(r, "age1pq1") || strings.Count(r, "1") < 2 {
		return "", false
	}
	return r[len("age1"):strings.LastIndexByte(r, '1')], true
}

// recipientKind is one of the ways to name a recipient.
type recipientKind struct {
	name string
	// list is where the group keeps it.
	list func(*KeyGroup) *[]string
	// normal is the form in which two are compared.
	normal func(string) string
	// check says what is wrong with one, in words that follow "is".
	check func(string) string
	// refused says that sops takes no file by a rule that holds a wrong one; of
	// the others it finds out when it encrypts.
	refused bool
}

func ageKind() recipientKind {
	return recipientKind{"age", func(g *KeyGroup) *[]string { return &g.Age }, strings.TrimSpace, checkAge, true}
}

func pgpKind() recipientKind {
	return recipientKind{"pgp", func(g *KeyGroup) *[]string { return &g.PGP }, removeSpaces, checkPGP, false}
}

func kmsKind() recipientKind {
	return recipientKind{"kms", func(g *KeyGroup) *[]string { return &g.KMS }, kmsKey, checkARN, false}
}

func gcpKind() recipientKind {
	return recipientKind{"gcp_kms", func(g *KeyGroup) *[]string { return &g.GCPKMS }, removeSpaces, checkGCP, false}
}

func azureKind() recipientKind {
	return recipientKind{"azure_keyvault", func(g *KeyGroup) *[]string { return &g.AzureKV }, strings.TrimSpace, checkAzure, true}
}

func vaultKind() recipientKind {
	return recipientKind{"hc_vault_transit_uri", func(g *KeyGroup) *[]string { return &g.HCVault }, normalVault, checkVault, true}
}

func hckmsKind() recipientKind {
	return recipientKind{"hckms", func(g *KeyGroup) *[]string { return &g.HCKMS }, strings.TrimSpace, checkHCKMS, true}
}

func removeSpaces(s string) string { return strings.ReplaceAll(s, " ", "") }

// kmsKey is a key's ARN without the role that it is used in.
func kmsKey(arn string) string {
	arn, _, _ = strings.Cut(removeSpaces(arn), "+arn:")
	return arn
}

// azureKey names a key of an Azure Key Vault, as its URL does. Without a version
// it is the newest.
func azureKey(vaultURL, name, version string) string {
	key := strings.TrimSuffix(vaultURL, "/") + "/keys/" + name
	if version != "" {
		key += "/" + version
	}
	return key
}

// vaultKey names a key of a transit engine of Vault, as its URI does.
func vaultKey(address, engine, name string) string {
	return strings.TrimSuffix(address, "/") + "/v1/" + strings.Trim(engine, "/") + "/keys/" + name
}

// normalVault is the URI without what sops does not keep of it.
func normalVault(uri string) string {
	u, err := url.Parse(strings.TrimSpace(uri))
	if err != nil || checkVault(uri) != "" {
		return uri
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	n := len(parts)
	return vaultKey(u.Scheme+"://"+u.Host, path.Join(parts[1:n-2]...), parts[n-1])
}

// isTemplate says that a recipient is filled in before sops reads it, or is meant
// to be replaced by whoever copies it.
func isTemplate(s string) bool {
	return isTemplateText(s) || slices.ContainsFunc([]string{"$(", "<", "%%", "[[", "#{", "@@"}, func(mark string) bool {
		return strings.Contains(s, mark)
	})
}

// isTemplateText is isTemplate for a regular expression, whose own signs are none.
func isTemplateText(s string) bool { return strings.Contains(s, "${") || strings.Contains(s, "{{") }

func checkAge(s string) string {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return "empty, as behind a comma too many"
	case strings.HasPrefix(s, "AGE-SECRET-KEY-"):
		return "a private key"
	case strings.HasPrefix(s, "ssh-"):
		return checkSSH(s)
	case !strings.HasPrefix(s, "age1"):
		return "no age recipient: one begins with age1 or ssh-"
	case strings.HasPrefix(s, "age1pq1"):
		if _, err := age.ParseHybridRecipient(s); err != nil {
			return "no valid age recipient: a character is missing or wrong"
		}
	case strings.Count(s, "1") > 1:
		// Whether the checksum holds is for age to say.
		if name, _ := AgePlugin(s); name == "" || strings.ContainsFunc(s, notPrintable) || strings.Trim(strings.ToLower(s[strings.LastIndexByte(s, '1')+1:]), bech32) != "" {
			return "no valid age recipient: a character is missing or wrong"
		}
	default:
		if _, err := age.ParseX25519Recipient(s); err != nil {
			return "no valid age recipient: a character is missing or wrong"
		}
	}
	return ""
}

func notPrintable(r rune) bool { return r <= ' ' || r > '~' }

// bech32 are the characters behind the last 1 of a recipient.
const bech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// checkSSH looks at the form of an SSH key: its text names the algorithm again.
func checkSSH(s string) string {
	fields := strings.Fields(s)
	if len(fields) > 0 && fields[0] != "ssh-ed25519" && fields[0] != "ssh-rsa" {
		return "an SSH key of a kind that age does not know: it takes ssh-ed25519 and ssh-rsa"
	}
	if len(fields) < 2 {
		return "no whole SSH key"
	}
	wire, err := base64.StdEncoding.DecodeString(fields[1])
	name := fields[0]
	if err != nil || len(wire) < 4+len(name) || string(wire[:4+len(name)]) != string([]byte{0, 0, 0, byte(len(name))})+name {
		return "no whole SSH key"
	}
	if name == "ssh-ed25519" && len(wire) != 4+len(name)+4+32 {
		return "no whole SSH key"
	}
	return ""
}

func checkPGP(s string) string {
	s = removeSpaces(s)
	if strings.Contains(s, "@") {
		// gpg finds a key by its owner, too.
		return ""
	}
	id := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(s, "0x"), "0X"), "!")
	if strings.HasPrefix(id, "age1") {
		return "an age recipient: it belongs under age"
	}
	notHex := func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') && (r < 'A' || r > 'F') }
	if strings.ContainsFunc(id, notHex) {
		return "no PGP fingerprint: one consists of 40 hexadecimal digits"
	}
	switch len(id) {
	case 8, 16, 32, 40, 64:
		return ""
	}
	return "no PGP fingerprint: one has 40 hexadecimal digits"
}

func checkARN(s string) string {
	const wrong = "no ARN of a KMS key: one is arn:aws:kms:REGION:ACCOUNT:key/ID"
	parts := strings.SplitN(kmsKey(s), ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || !strings.HasPrefix(parts[1], "aws") || parts[2] != "kms" || parts[3] == "" || parts[4] == "" {
		return wrong
	}
	if strings.ContainsFunc(parts[4], func(r rune) bool { return r < '0' || r > '9' }) {
		return wrong
	}
	kind, id, ok := strings.Cut(parts[5], "/")
	if !ok || id == "" || kind != "key" && kind != "alias" {
		return wrong
	}
	return ""
}

func checkGCP(s string) string {
	parts := strings.Split(removeSpaces(s), "/")
	names := []string{"projects", "locations", "keyRings", "cryptoKeys"}
	if len(parts) == 2*len(names) {
		right := true
		for i, name := range names {
			right = right && parts[2*i] == name && parts[2*i+1] != ""
		}
		if right {
			return ""
		}
	}
	return "no resource of a GCP key: one is projects/P/locations/L/keyRings/R/cryptoKeys/K"
}

func checkAzure(s string) string {
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), "https://")
	parts := strings.Split(rest, "/")
	if ok && (len(parts) == 3 || len(parts) == 4) && parts[0] != "" && parts[1] == "keys" && parts[2] != "" {
		return ""
	}
	return "no URL of an Azure key: one is https://VAULT.vault.azure.net/keys/NAME/VERSION"
}

func checkVault(s string) string {
	const wrong = "no URI of a Vault key: one is https://HOST:8200/v1/ENGINE/keys/NAME"
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme == "" {
		return wrong
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < 4 || len(parts[0]) < 2 || parts[0][0] != 'v' || strings.Trim(parts[0][1:], "0123456789") != "" || slices.Contains(parts, "") {
		return wrong
	}
	return ""
}

func checkHCKMS(s string) string {
	region, key, ok := strings.Cut(strings.TrimSpace(s), ":")
	if !ok || strings.TrimSpace(region) == "" || strings.TrimSpace(key) == "" {
		return "no key of Huawei Cloud: one is REGION:ID"
	}
	return ""
}
