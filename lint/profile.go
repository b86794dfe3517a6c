package lint

import (
	"fmt"
	"slices"
	"strings"
)

// Profile is a set of rules that has a name.
type Profile string

// The profiles. Each of the first three holds the one before it; the others are
// those rules that cover an item of a published standard.
const (
	// Recommended is what holds when the configuration names no profile: faults
	// that should be mended on the first day.
	Recommended Profile = "recommended"
	// Strict has what a repository that is in good order is held to, too.
	Strict Profile = "strict"
	// All has every rule, those that contradict each other included.
	All Profile = "all"
	// PSSBaseline and PSSRestricted are the levels of the Pod Security Standards:
	// https://kubernetes.io/docs/concepts/security/pod-security-standards/.
	PSSBaseline   Profile = "pss-baseline"
	PSSRestricted Profile = "pss-restricted"
	// NSA is the Kubernetes Hardening Guidance of NSA and CISA, version 1.2.
	NSA Profile = "nsa"
	// CIS is the CIS Kubernetes Benchmark, version 1.12.
	CIS Profile = "cis"
)

// Profiles are all profiles, in the order in which they are listed.
func Profiles() []Profile {
	return []Profile{Recommended, Strict, PSSBaseline, PSSRestricted, NSA, CIS, All}
}

// ParseProfile reads a profile's name.
func ParseProfile(name string) (Profile, error) {
	if p := Profile(name); slices.Contains(Profiles(), p) {
		return p, nil
	}
	names := make([]string, 0, len(Profiles()))
	for _, p := range Profiles() {
		names = append(names, string(p))
	}
	if near := Nearest(name, names); near != "" {
		return "", fmt.Errorf("unknown profile %q: did you mean %q?", name, near)
	}
	return "", fmt.Errorf("unknown profile %q: it is one of %s", name, strings.Join(names, ", "))
}

// Has says that the profile turns a rule on. The reserved rules are in every
// profile: what was not checked is said under all of them.
func (p Profile) Has(r *Rule) bool {
	if r.Category == Problems {
		return true
	}
	switch p {
	case Recommended:
		return r.Profile == "" || r.Profile == Recommended
	case Strict:
		return r.Profile != All
	case All:
		return true
	case PSSBaseline:
		return r.covers("PSS:baseline")
	case PSSRestricted:
		return r.covers("PSS:baseline") || r.covers("PSS:restricted")
	case NSA:
		return r.covers("NSA-CISA")
	case CIS:
		return r.covers("CIS-")
	}
	return false
}

// options are what a profile sets for a rule besides turning it on: the
// Restricted level asks for runAsNonRoot whatever the user is, and neither level
// knows of exceptions.
func (p Profile) options(r *Rule) map[string][]string {
	if p == PSSBaseline || p == PSSRestricted {
		return r.Standard
	}
	return nil
}

// covers says that the rule covers an item of a standard, by the beginning of
// the item's name.
func (r *Rule) covers(item string) bool {
	return slices.ContainsFunc(r.Frameworks, func(f string) bool { return strings.HasPrefix(f, item) })
}

// Selection is which rules run, and how.
type Selection struct {
	// Profiles turn on the rules of any of them; empty means Recommended.
	Profiles []Profile
	// Rules are the settings of single rules, by id, which go before the profiles.
	Rules map[string]Setting
}

// On says that a rule runs.
func (s Selection) On(r *Rule) bool {
	if set := s.Rules[r.ID]; set.Enabled != nil {
		return *set.Enabled
	}
	if len(s.Profiles) == 0 {
		return Recommended.Has(r)
	}
	return slices.ContainsFunc(s.Profiles, func(p Profile) bool { return p.Has(r) })
}

// severity is the severity that a rule's findings have, and whether the
// configuration set it.
func (s Selection) severity(r *Rule) (severity Severity, fixed bool) {
	if set := s.Rules[r.ID]; set.Severity != nil {
		return *set.Severity, true
	}
	return r.Severity, false
}

// options are the values of a rule's options, as far as they are not the
// defaults.
func (s Selection) options(r *Rule) map[string][]string {
	options := map[string][]string{}
	for _, p := range s.Profiles {
		for name, values := range p.options(r) {
			options[name] = values
		}
	}
	for name, values := range s.Rules[r.ID].Options {
		options[name] = values
	}
	return options
}
