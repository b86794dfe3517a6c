package sops

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Certain says that it is known for whom the rule encrypts: no recipient is filled
// in later, and none is damaged.
func (rule *CreationRule) Certain() bool {
	for _, g := range rule.Groups {
		for _, kind := range recipientFields() {
			if slices.ContainsFunc(*kind.list(&g), isTemplate) {
				return false
			}
		}
	}
	return !rule.damaged
}

// SameRecipients says that two groups hold the same recipients.
func SameRecipients(a, b KeyGroup) bool {
	return len(Without([]KeyGroup{a}, []KeyGroup{b})) == 0 && len(Without([]KeyGroup{b}, []KeyGroup{a})) == 0
}

// Without are the recipients of groups that none of the others has. In which role
// and context a key of AWS is used makes no difference, nor does the version of a
// key in Azure where only one of the two says it, nor how much of a PGP fingerprint
// is written.
func Without(groups, others []KeyGroup) []string {
	var rest []string
	for i := range groups {
		for _, kind := range recipientFields() {
			for _, r := range *kind.list(&groups[i]) {
				if !slices.ContainsFunc(others, func(o KeyGroup) bool { return kind.among(r, *kind.list(&o)) }) && !slices.Contains(rest, r) {
					rest = append(rest, r)
				}
			}
		}
	}
	return rest
}

// maxLikened is the length of a list beyond which only equal recipients are the
// same: all of a file are held against all of a rule.
const maxLikened = 100

// among says that a recipient is one of a list's.
func (k recipientKind) among(recipient string, list []string) bool {
	if slices.Contains(list, recipient) || len(list) > maxLikened {
		return slices.Contains(list, recipient)
	}
	switch k.name {
	case "pgp":
		id := pgpID(recipient)
		return slices.ContainsFunc(list, func(o string) bool {
			other := pgpID(o)
			return id != "" && other != "" && (strings.HasSuffix(id, other) || strings.HasSuffix(other, id))
		})
	case "azure_keyvault":
		return slices.ContainsFunc(list, func(o string) bool {
			return strings.HasPrefix(o, recipient+"/") || strings.HasPrefix(recipient, o+"/")
		})
	case "age":
		// What stands behind an SSH key is a remark.
		key := sshKey(recipient)
		return key != "" && slices.ContainsFunc(list, func(o string) bool { return sshKey(o) == key })
	}
	return false
}

// pgpID is a fingerprint without what people write around it.
func pgpID(s string) string {
	s = strings.ToUpper(removeSpaces(s))
	return strings.TrimSuffix(strings.TrimPrefix(s, "0X"), "!")
}

func sshKey(s string) string {
	fields := strings.Fields(s)
	if len(fields) < 2 || !strings.HasPrefix(fields[0], "ssh-") {
		return ""
	}
	return fields[0] + " " + fields[1]
}

// Display is a recipient for a message: without a password that a URL may hold, and
// no longer than can be read. What is no public key is not shown.
func Display(recipient string) string {
	if strings.Contains(strings.ToUpper(recipient), "SECRET-KEY") || strings.Contains(recipient, "PRIVATE KEY") {
		return "a private key"
	}
	if strings.Contains(recipient, "://") {
		u, err := url.Parse(recipient)
		if err != nil {
			return "a key that can't be read"
		}
		u.User, u.RawQuery, u.Fragment = nil, "", ""
		recipient = u.String()
	}
	r := []rune(strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return -1
	}, recipient))
	if len(r) > maxDisplayed {
		return string(r[:20]) + "…" + string(r[len(r)-8:])
	}
	return string(r)
}

// maxDisplayed leaves the ARN of a key whole; a post-quantum recipient of age has
// 2,000 characters.
const maxDisplayed = 120
