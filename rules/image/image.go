// Package image holds the rules about where container images come from and how
// they are named.
package image

import (
	"errors"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

// Rules are the rules of this topic.
var Rules = []*lint.Rule{
	gatekeeperAllowedReposOpenPrefix,
	imageDeprecatedRegistry,
	imageFloatingTag,
	imageImplicitRegistry,
	imageInvalidReference,
	imageLatestTag,
	imageNotPinnedToDigest,
	imagePullPolicyMutableTag,
	imagePullPolicyNotAlways,
	imagePullSecretMissing,
	imageRegistryNotAllowed,
	imageSignaturePolicyAbsent,
	imageVolumeUnpinned,
	knownVulnerableComponent,
	vulnerabilityScanPolicyAbsent,
}

// reference is an image reference taken apart as container runtimes do it.
type reference struct {
	Registry   string // "docker.io" where the reference names none
	Repository string // "library/nginx" for Docker Hub's own images
	Tag        string
	Digest     string
}

// The faults of a reference. None quotes it: what stands before an @ may be a
// password.
var (
	errEmpty       = errors.New("it is empty")
	errPlaceholder = errors.New("it holds an unexpanded placeholder")
	errVariable    = errors.New("it holds an unexpanded variable")
	errSpace       = errors.New("it holds white space")
	errScheme      = errors.New("it begins with a URL scheme")
	errUpper       = errors.New("the repository has upper-case letters")
	errRepository  = errors.New("the repository is malformed")
	errRegistry    = errors.New("the registry is malformed")
	errTag         = errors.New("the tag is malformed")
	errDigest      = errors.New("the digest is malformed")
	errLong        = errors.New("the repository is longer than 255 characters")
)

// parse takes a reference apart, after the grammar of
// github.com/distribution/reference, by hand, since its expressions would be
// compiled at every start.
func parse(s string) (reference, error) {
	var r reference
	switch {
	case strings.TrimSpace(s) == "":
		return r, errEmpty
	case strings.Contains(s, "${"):
		return r, errVariable
	case strings.Contains(s, "{{") || strings.Contains(s, "$(") || strings.HasPrefix(s, "$") || strings.Contains(s, "<") && strings.Contains(s, ">"):
		return r, errPlaceholder
	case strings.ContainsAny(s, " \t\r\n"):
		return r, errSpace
	case strings.Contains(s, "://"):
		return r, errScheme
	}
	name, digest, digested := strings.Cut(s, "@")
	if digested && !validDigest(digest) {
		return r, errDigest
	}
	r.Digest = digest
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		if r.Tag = name[i+1:]; !validTag(r.Tag) {
			return r, errTag
		}
		name = name[:i]
	}
	if len(name) > 255 {
		return r, errLong
	}
	r.Registry, r.Repository = "docker.io", name
	if first, rest, ok := strings.Cut(name, "/"); ok && isRegistry(first) {
		if !validRegistry(first) {
			return r, errRegistry
		}
		r.Registry, r.Repository = first, rest
		if first == "index.docker.io" {
			r.Registry = "docker.io"
		}
	}
	if r.Registry == "docker.io" && !strings.Contains(r.Repository, "/") {
		if len(r.Repository) == 64 && isHex(r.Repository) {
			// Runtimes take this for the id of an image, and refuse it.
			return r, errRepository
		}
		r.Repository = "library/" + r.Repository
	}
	if r.Repository != strings.ToLower(r.Repository) {
		return r, errUpper
	}
	for part := range strings.SplitSeq(r.Repository, "/") {
		if !validComponent(part) {
			return r, errRepository
		}
	}
	return r, nil
}

// isRegistry tells the host of a registry from the first part of a path.
func isRegistry(s string) bool {
	return strings.ContainsAny(s, ".:") || s == "localhost" || s != strings.ToLower(s)
}

func validRegistry(s string) bool {
	host, port := s, "1"
	if end := strings.IndexByte(s, ']'); strings.HasPrefix(s, "[") && end > 0 {
		if rest := s[end+1:]; rest != "" && !strings.HasPrefix(rest, ":") {
			return false
		} else if rest != "" {
			port = rest[1:]
		}
		return every(s[1:end], func(c byte) bool { return isHexDigit(c) || c == ':' }) && every(port, isDigit)
	}
	if h, p, ok := strings.Cut(s, ":"); ok {
		host, port = h, p
	}
	for label := range strings.SplitSeq(host, ".") {
		if !every(label, func(c byte) bool { return isAlnum(c) || c == '-' }) || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return every(port, isDigit)
}

// validComponent is one part of a path: lower-case letters and digits, parted
// by one dot, one or two underscores, or hyphens.
func validComponent(s string) bool {
	last := byte(0)
	for i := 0; i < len(s); {
		if isLower(s[i]) || isDigit(s[i]) {
			last = s[i]
			i++
			continue
		}
		end := i
		for end < len(s) && !isLower(s[end]) && !isDigit(s[end]) {
			end++
		}
		separator := s[i:end]
		if i == 0 || end == len(s) || separator != "." && separator != "_" && separator != "__" && strings.Trim(separator, "-") != "" {
			return false
		}
		i = end
	}
	return last != 0
}

func validTag(s string) bool {
	return len(s) <= 128 && every(s, func(c byte) bool { return isAlnum(c) || c == '_' || c == '.' || c == '-' }) && s[0] != '.' && s[0] != '-'
}

func validDigest(s string) bool {
	algorithm, sum, ok := strings.Cut(s, ":")
	if !ok || algorithm == "" || !isHex(sum) {
		return false
	}
	switch algorithm {
	case "sha256":
		return len(sum) == 64
	case "sha512":
		return len(sum) == 128
	}
	return len(sum) >= 32 && every(algorithm, func(c byte) bool { return isAlnum(c) || strings.IndexByte("-_+.", c) >= 0 })
}

func isHex(s string) bool { return every(s, isHexDigit) }

func every(s string, f func(byte) bool) bool {
	for i := range len(s) {
		if !f(s[i]) {
			return false
		}
	}
	return s != ""
}

func isDigit(c byte) bool    { return '0' <= c && c <= '9' }
func isLower(c byte) bool    { return 'a' <= c && c <= 'z' }
func isAlnum(c byte) bool    { return isDigit(c) || isLower(c|0x20) }
func isHexDigit(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' }
