package render

import (
	"sort"
	"strings"
)

// alignRuns moves the runs of a text to another one that was to be the same:
// what a chart gives may depend on which of its templates were rendered before.
// The lines of the other that are not found in the text have no piece.
func alignRuns(plain, traced string, runs []run) []run {
	if plain == traced {
		return runs
	}
	to, from := strings.Split(plain, "\n"), strings.Split(traced, "\n")
	match := sameLines(to, from)
	if len(to) != len(from) {
		match = commonLines(to, from)
	}
	var moved []run
	next, last := 0, -1 // the next run of the text, and the piece of the one before
	for i, line := range to {
		if match[i] < 0 {
			moved = append(moved, run{i + 1, 1, -1})
			continue
		}
		at := match[i] + 1
		for next < len(runs) && runs[next].line < at {
			last = runs[next].piece
			next++
		}
		blank := len(line) - len(strings.TrimLeft(line, blanks))
		if blank < len(line) && (next == len(runs) || runs[next].line > at || runs[next].column > blank+1) {
			moved = append(moved, run{i + 1, 1, last})
		}
		for next < len(runs) && runs[next].line == at {
			last = runs[next].piece
			moved = append(moved, run{i + 1, runs[next].column, last})
			next++
		}
	}
	return moved
}

// sameLines says which line each line is, by their places; -1 for one that is
// another.
func sameLines(to, from []string) []int {
	match := make([]int, len(to))
	for i := range match {
		match[i] = -1
		if i < len(from) && to[i] == from[i] {
			match[i] = i
		}
	}
	return match
}

// commonLines says which line each line is: those that both texts have at their
// beginning and end, those that both have once, as far as they are in the same
// order, and the neighbours of these that are the same.
func commonLines(to, from []string) []int {
	match := make([]int, len(to))
	for i := range match {
		match[i] = -1
	}
	start := 0
	for start < min(len(to), len(from)) && to[start] == from[start] {
		match[start] = start
		start++
	}
	end := 0
	for end < min(len(to), len(from))-start && to[len(to)-1-end] == from[len(from)-1-end] {
		match[len(to)-1-end] = len(from) - 1 - end
		end++
	}
	for _, a := range anchors(to[start:len(to)-end], from[start:len(from)-end]) {
		match[start+a.to] = start + a.from
	}
	spread(match, to, from)
	return match
}

// anchor is a line that two texts have once.
type anchor struct{ to, from int }

// anchors are the most of the lines that both texts have once which are in the
// same order in both.
func anchors(to, from []string) []anchor {
	type count struct{ to, from, at int }
	counts := map[string]count{}
	for i, line := range from {
		c := counts[line]
		counts[line] = count{c.to, c.from + 1, i}
	}
	for _, line := range to {
		c := counts[line]
		c.to++
		counts[line] = c
	}
	var all []anchor
	for i, line := range to {
		if c := counts[line]; c.to == 1 && c.from == 1 {
			all = append(all, anchor{i, c.at})
		}
	}
	return increasing(all)
}

// increasing is a longest part of the anchors, which are in order in the one
// text, that is in order in the other.
func increasing(all []anchor) []anchor {
	var tails []int // the last of the best part of each length
	before := make([]int, len(all))
	for i, a := range all {
		n := sort.Search(len(tails), func(n int) bool { return all[tails[n]].from >= a.from })
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	if len(tails) == 0 {
		return nil
	}
	kept := make([]anchor, len(tails))
	for n, i := len(tails)-1, tails[len(tails)-1]; n >= 0; n, i = n-1, before[i] {
		kept[n] = all[i]
	}
	return kept
}

// spread matches the lines behind those that are matched, and then the lines
// before them, as long as they are the same.
func spread(match []int, to, from []string) {
	ends := make([]int, len(match)) // what the next match leaves
	end := len(from)
	for i := len(match) - 1; i >= 0; i-- {
		if ends[i] = end; match[i] >= 0 {
			end = match[i]
		}
	}
	for i := 1; i < len(match); i++ {
		if at := match[i-1] + 1; match[i] < 0 && at > 0 && at < ends[i] && to[i] == from[at] {
			match[i] = at
		}
	}
	last := -1
	for i, at := range match {
		if ends[i] = last; at >= 0 {
			last = at
		}
	}
	for i := len(match) - 2; i >= 0; i-- {
		if at := match[i+1] - 1; match[i] < 0 && at > ends[i] && to[i] == from[at] {
			match[i] = at
		}
	}
}
