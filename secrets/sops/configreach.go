package sops

import (
	"reflect"
	"regexp/syntax"
	"slices"
)

// unreachable finds the rules that no file gets to, because one above takes all of
// theirs. Where both say the same it does no harm.
func (r *configReader) unreachable() {
	type parsed struct {
		rule     *CreationRule
		branches [][]*syntax.Regexp
	}
	var above []parsed
	for _, rule := range r.config.Rules[:min(len(r.config.Rules), maxCompared)] {
		if rule.PathRegex != "" && rule.path == nil {
			continue
		}
		p := parsed{rule, branchesOf(rule.PathRegex)}
		i := slices.IndexFunc(above, func(a parsed) bool { return takesAll(a.branches, p.branches) })
		if i < 0 {
			above = append(above, p)
			continue
		}
		if first := above[i].rule; !sameEffect(first, rule) {
			what := "which matches every file that this one does"
			if matchesEverything(above[i].branches) {
				what = "which matches every file"
			}
			r.fault(rule.At, rule.Key, "Move it above that rule.", "no file reaches the rule: sops takes the one of line %d, %s", first.At.Line, what)
		}
	}
}

// maxCompared is how many rules are compared with each other, maxSequence how long
// their expressions may be. Beyond that nothing is said.
const (
	maxCompared = 100
	maxSequence = 256
)

// sameEffect says that it makes no difference which of two rules is taken.
func sameEffect(a, b *CreationRule) bool {
	return a.Selector == b.Selector && a.MACOnlyEncrypted == b.MACOnlyEncrypted &&
		a.Threshold == b.Threshold && reflect.DeepEqual(a.Groups, b.Groups)
}

// branchesOf are the alternatives of an expression, each as what follows on each
// other in it; nil for one that is too long.
func branchesOf(pattern string) [][]*syntax.Regexp {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	for tree.Op == syntax.OpCapture {
		tree = tree.Sub[0]
	}
	alternatives := []*syntax.Regexp{tree}
	if tree.Op == syntax.OpAlternate {
		alternatives = tree.Sub
	}
	var branches [][]*syntax.Regexp
	length := 0
	for _, a := range alternatives {
		list := sequence(a)
		if length += 1 + len(list); length > maxSequence {
			return nil
		}
		branches = append(branches, trimmed(list))
	}
	return branches
}

// sequence is an expression as a list, literals character by character.
func sequence(e *syntax.Regexp) []*syntax.Regexp {
	switch e.Op {
	case syntax.OpEmptyMatch:
		return nil
	case syntax.OpCapture:
		return sequence(e.Sub[0])
	case syntax.OpConcat:
		var list []*syntax.Regexp
		for _, sub := range e.Sub {
			list = append(list, sequence(sub)...)
		}
		return list
	case syntax.OpLiteral:
		var list []*syntax.Regexp
		for _, c := range e.Rune {
			list = append(list, &syntax.Regexp{Op: syntax.OpLiteral, Flags: e.Flags & syntax.FoldCase, Rune: []rune{c}})
		}
		return list
	}
	return []*syntax.Regexp{e}
}

// trimmed leaves out what matches any text before and behind the rest. In a path
// there is no line break that could make a difference, and one character at least.
func trimmed(list []*syntax.Regexp) []*syntax.Regexp {
	if rest := slices.DeleteFunc(slices.Clone(list), isAnchor); len(rest) == 1 && rest[0].Op == syntax.OpPlus && isAnyChar(rest[0].Sub[0]) {
		return nil
	}
	if len(list) > 1 && isAnchor(list[0]) && isAnything(list[1]) {
		list = list[1:]
	}
	for len(list) > 0 && isOptional(list[0]) {
		list = list[1:]
	}
	if n := len(list); n > 1 && isAnchor(list[n-1]) && isAnything(list[n-2]) {
		list = list[:n-1]
	}
	for len(list) > 0 && isOptional(list[len(list)-1]) {
		list = list[:len(list)-1]
	}
	if len(list) == 1 && isAnchor(list[0]) {
		return nil
	}
	return list
}

func isAnchor(e *syntax.Regexp) bool {
	return e.Op == syntax.OpBeginText || e.Op == syntax.OpBeginLine || e.Op == syntax.OpEndText || e.Op == syntax.OpEndLine
}

func isAnyChar(e *syntax.Regexp) bool {
	return e.Op == syntax.OpAnyChar || e.Op == syntax.OpAnyCharNotNL
}

func isOptional(e *syntax.Regexp) bool {
	return e.Op == syntax.OpStar || e.Op == syntax.OpQuest || e.Op == syntax.OpRepeat && e.Min == 0
}

func isAnything(e *syntax.Regexp) bool { return e.Op == syntax.OpStar && isAnyChar(e.Sub[0]) }

func matchesEverything(branches [][]*syntax.Regexp) bool {
	return slices.ContainsFunc(branches, func(b []*syntax.Regexp) bool { return len(b) == 0 })
}

// takesAll says that every text that matches one of below matches one of above,
// too: something of above stands in each of them as it is. Where it can't tell
// it says no.
func takesAll(above, below [][]*syntax.Regexp) bool {
	for _, b := range below {
		if !slices.ContainsFunc(above, func(a []*syntax.Regexp) bool { return within(a, b) }) {
			return false
		}
	}
	return len(below) > 0
}

// within says that a list stands in another without a gap.
func within(part, whole []*syntax.Regexp) bool {
	for i := 0; i+len(part) <= len(whole); i++ {
		if slices.EqualFunc(part, whole[i:i+len(part)], (*syntax.Regexp).Equal) {
			return true
		}
	}
	return false
}
