package lint

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
)

// Option is one setting of a rule: a list of strings.
type Option struct {
	Name string
	// Doc says what the option means, in one sentence.
	Doc     string
	Default []string
	// Valid checks one value; nil takes any.
	Valid func(string) error
}

// Truth takes true and false: for Option.Valid of what Pass.Yes reads.
func Truth(s string) error {
	if s != "true" && s != "false" {
		return errors.New("it is true or false")
	}
	return nil
}

// Whole takes whole numbers from least on: for Option.Valid of what Pass.Number
// reads.
func Whole(least int64) func(string) error {
	return func(s string) error {
		if n, err := strconv.ParseInt(s, 10, 64); err != nil || n < least {
			return fmt.Errorf("it is a whole number, at least %d", least)
		}
		return nil
	}
}

// Pattern takes regular expressions, as https://golang.org/s/re2syntax has them:
// for Option.Valid.
func Pattern(s string) error {
	_, err := regexp.Compile(s)
	return err
}

// Glob takes patterns in which * stands for any characters but a slash: for
// Option.Valid of what path.Match reads.
func Glob(s string) error {
	_, err := path.Match(s, "")
	return err
}

// Option is the value of one of the rule's options: what the configuration
// sets, else the default.
func (p *Pass) Option(name string) []string { return optionOf(p.Rule, p.options, name) }

func optionOf(r *Rule, set map[string][]string, name string) []string {
	if v, ok := set[name]; ok {
		return v
	}
	for _, o := range r.Options {
		if o.Name == name {
			return o.Default
		}
	}
	return nil
}

// Yes is the value of an option that is true or false.
func (p *Pass) Yes(name string) bool {
	v := p.Option(name)
	return len(v) > 0 && v[len(v)-1] == "true"
}

// Matches says that a text fits one of the globs that an option lists: what Glob
// takes.
func (p *Pass) Matches(option, text string) bool {
	return MatchesAny(p.Option(option), text)
}

// MatchesAny says that one of some texts fits one of some globs: what Glob takes.
func MatchesAny(globs []string, texts ...string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		return slices.ContainsFunc(texts, func(text string) bool {
			ok, _ := path.Match(glob, text)
			return ok
		})
	})
}

// Number is the value of an option that is a whole number; 0 for none.
func (p *Pass) Number(name string) int64 {
	v := p.Option(name)
	if len(v) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(v[len(v)-1], 10, 64)
	return n
}
