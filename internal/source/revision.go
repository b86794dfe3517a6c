package source

import (
	"bytes"
	"cmp"
	"container/heap"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxCrossings is how many common ancestors are compared with each other.
const maxCrossings = 100

const deepen = "this is a shallow clone: get the rest with `git fetch --unshallow`, or with `fetch-depth: 0` for actions/checkout"

// commit is what is needed of a commit object.
type commit struct {
	id, tree objectID
	parents  []objectID
	when     int64 // committed, in seconds since 1970
}

func (o *objects) shallow() bool { return len(o.cut) > 0 }

// commit reads a commit. Where a shallow clone ends it has no parents.
func (o *objects) commit(id objectID) (commit, error) {
	data, err := o.read(id, commitKind)
	if err != nil {
		return commit{}, err
	}
	c, ended := commit{id: id}, false
	for line := range bytes.Lines(data) {
		key, value, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		if ended || key == "" {
			break // what follows may be anything
		}
		switch key {
		case "tree", "parent":
			named, ok := parseID(value)
			if !ok {
				return commit{}, fmt.Errorf("the git commit %s is damaged; `git fsck` tells more", id)
			}
			if key == "tree" {
				c.tree = named
			} else {
				c.parents = append(c.parents, named)
			}
		case "committer":
			fields := strings.Fields(value[strings.LastIndexByte(value, '>')+1:])
			if len(fields) > 0 {
				c.when, _ = strconv.ParseInt(fields[0], 10, 64)
			}
			ended = true
		}
	}
	if o.cut[id] {
		c.parents = nil
	}
	return c, nil
}

// commitOf resolves a revision as git does: a branch called "beef" goes before a
// hash that begins so.
func (o *objects) commitOf(rev string) (commit, error) {
	end := strings.IndexAny(rev, "~^")
	if end < 0 {
		end = len(rev)
	}
	name, ops := rev[:end], rev[end:]
	if name == "@" {
		name = "HEAD"
	}
	if name == "" || strings.HasPrefix(name, "-") || strings.ContainsAny(name, " :?*[\\\x7f") || strings.Contains(name, "..") || strings.Contains(name, "@{") {
		return commit{}, fmt.Errorf("%q is no revision that can be read here; give a branch, a tag or a hash, with ~N or ^N after it", rev)
	}
	id, err := o.lookup(name)
	if err != nil {
		return commit{}, err
	}
	c, err := o.peel(id)
	if err != nil {
		return commit{}, err
	}
	for ops != "" {
		op := ops[0]
		ops = ops[1:]
		if op == '^' && strings.HasPrefix(ops, "{") {
			what, rest, ok := strings.Cut(ops[1:], "}")
			if !ok || what != "" && what != "commit" {
				return commit{}, fmt.Errorf("%q is no revision that can be read here; of the ^{...} only ^{commit} is", rev)
			}
			ops = rest
			continue
		}
		digits := len(ops) - len(strings.TrimLeft(ops, "0123456789"))
		n := 1
		if digits > 0 {
			if n, err = strconv.Atoi(ops[:digits]); err != nil {
				return commit{}, fmt.Errorf("%q is no revision: %w", rev, err)
			}
			ops = ops[digits:]
		}
		if ops != "" && ops[0] != '~' && ops[0] != '^' {
			return commit{}, fmt.Errorf("%q is no revision; after a name, only ~N and ^N can follow", rev)
		}
		if op == '^' && n > 0 {
			if c, err = o.parent(c, n); err != nil {
				return commit{}, err
			}
			continue
		}
		for ; op == '~' && n > 0; n-- {
			if c, err = o.parent(c, 1); err != nil {
				return commit{}, err
			}
		}
	}
	return c, nil
}

func (o *objects) parent(c commit, n int) (commit, error) {
	if n > len(c.parents) {
		if o.cut[c.id] {
			return commit{}, fmt.Errorf("the history ends at %s: %s", c.id, deepen)
		}
		return commit{}, fmt.Errorf("the commit %s has %d parents; there is no parent %d", c.id, len(c.parents), n)
	}
	return o.commit(c.parents[n-1])
}

// peel follows annotated tags to the commit.
func (o *objects) peel(id objectID) (commit, error) {
	for range maxLinks {
		kind, err := o.kindOf(id)
		if err != nil {
			return commit{}, err
		}
		switch kind {
		case commitKind:
			return o.commit(id)
		case tagKind:
			data, err := o.read(id, tagKind)
			if err != nil {
				return commit{}, err
			}
			line, _, _ := strings.Cut(string(data), "\n")
			target, ok := strings.CutPrefix(line, "object ")
			next, ok2 := parseID(target)
			if !ok || !ok2 {
				return commit{}, fmt.Errorf("the git tag %s names no object; `git fsck` tells more", id)
			}
			id = next
		default:
			return commit{}, fmt.Errorf("%s is a %s and no commit", id, kind)
		}
	}
	return commit{}, fmt.Errorf("the git tag %s leads to too many others", id)
}

// lookup finds the object that a name stands for, in git's order.
func (o *objects) lookup(name string) (objectID, error) {
	if id, ok := parseID(name); ok {
		if _, err := o.kindOf(id); err != nil {
			if o.shallow() {
				return id, fmt.Errorf("%w; %s", err, deepen)
			}
			return id, err
		}
		return id, nil
	}
	for _, pattern := range []string{"%s", "refs/%s", "refs/tags/%s", "refs/heads/%s", "refs/remotes/%s", "refs/remotes/%s/HEAD"} {
		id, err := o.refs.lookup(fmt.Sprintf(pattern, name))
		if err == nil || !errors.Is(err, errNoRef) {
			return id, err
		}
	}
	if name == "HEAD" {
		return objectID{}, errors.New("HEAD has no commit yet: make a first one with `git commit`")
	}
	if id, err := o.abbreviated(name); err == nil || !errors.Is(err, errNoRef) {
		return id, err
	}
	if id, err := o.remoteBranch(name); err == nil || !errors.Is(err, errNoRef) {
		return id, err
	}
	get := "`git fetch origin " + name + "`"
	if branch, ok := strings.CutPrefix(name, "origin/"); ok {
		// A clone of one branch notes another only where it is told to.
		get = "`git fetch origin " + branch + ":refs/remotes/" + name + "`"
	}
	if o.shallow() {
		return objectID{}, fmt.Errorf("no branch, tag or commit here is called %q; get a branch with %s; what is older is missing: %s", name, get, deepen)
	}
	return objectID{}, fmt.Errorf("no branch, tag or commit here is called %q; check the spelling, or get it with %s", name, get)
}

// abbreviated finds the one commit or tag whose hash begins with prefix.
func (o *objects) abbreviated(prefix string) (objectID, error) {
	prefix = strings.ToLower(prefix)
	head, err := hex.DecodeString(prefix[:len(prefix)&^1])
	if err != nil || len(prefix) < 4 || len(prefix) > 2*len(objectID{}) || strings.Trim(prefix, "0123456789abcdef") != "" {
		return objectID{}, errNoRef
	}
	ids, err := o.withPrefix(head)
	if err != nil {
		return objectID{}, err
	}
	var found []objectID
	for _, id := range ids {
		if !strings.HasPrefix(id.String(), prefix) || slices.Contains(found, id) {
			continue
		}
		if kind, err := o.kindOf(id); err == nil && (kind == commitKind || kind == tagKind) {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return objectID{}, errNoRef
	case 1:
		return found[0], nil
	}
	return objectID{}, fmt.Errorf("%d commits begin with %s: give more of the hash", len(found), prefix)
}

// remoteBranch finds a branch that exists at one remote only, or at origin.
func (o *objects) remoteBranch(name string) (objectID, error) {
	if id, err := o.refs.lookup("refs/remotes/origin/" + name); err == nil || !errors.Is(err, errNoRef) {
		return id, err
	}
	remotes, err := o.refs.remotesWith(name)
	if err != nil {
		return objectID{}, err
	}
	switch len(remotes) {
	case 0:
		return objectID{}, errNoRef
	case 1:
		return o.refs.lookup(remotes[0])
	}
	return objectID{}, fmt.Errorf("several remotes have a branch %q: name one of %s", name, strings.Join(remotes, ", "))
}

// mergeBase finds the best common ancestor of HEAD and rev.
func (o *objects) mergeBase(rev string) (objectID, error) {
	head, err := o.commitOf("HEAD")
	if err != nil {
		return objectID{}, err
	}
	other, err := o.commitOf(rev)
	if err != nil {
		return objectID{}, err
	}
	history := history{o, map[objectID]commit{}}
	bases, err := history.common(head, other)
	if err != nil {
		return objectID{}, err
	}
	// Where the clocks went wrong, an ancestor of another base may be left.
	best := bases
	if len(bases) > maxCrossings {
		return objectID{}, fmt.Errorf("their histories cross in %d places, which is too many to find the best: name a commit that HEAD contains", len(bases))
	}
	if len(bases) > 1 {
		best = nil
		for i, b := range bases {
			shared, err := history.common(b, slices.Concat(bases[:i], bases[i+1:])...)
			if err != nil {
				return objectID{}, err
			}
			if !slices.ContainsFunc(shared, func(c commit) bool { return c.id == b.id }) {
				best = append(best, b)
			}
		}
	}
	if len(best) == 0 {
		if o.shallow() {
			return objectID{}, fmt.Errorf("what is here of their histories does not meet; %s", deepen)
		}
		return objectID{}, errors.New("their histories have nothing in common: name a base that HEAD was branched off from")
	}
	return slices.MinFunc(best, func(a, b commit) int {
		return cmp.Or(cmp.Compare(b.when, a.when), bytes.Compare(a.id[:], b.id[:]))
	}).id, nil
}

// history keeps the commits that were read.
type history struct {
	objects *objects
	known   map[objectID]commit
}

func (h history) commit(id objectID) (commit, error) {
	if c, ok := h.known[id]; ok {
		return c, nil
	}
	c, err := h.objects.commit(id)
	if err == nil {
		h.known[id] = c
	}
	return c, err
}

type paint uint8

const (
	fromA paint = 1 << iota
	fromB
	stale // an ancestor of a common ancestor
	found
	waiting // in the queue
)

// common is git's paint_down_to_common: the histories of a and of the others
// are walked at once, the latest commit first, until only ancestors of what was
// found are left to see. The result may hold an ancestor of another where dates
// are wrong.
func (h history) common(a commit, others ...commit) ([]commit, error) {
	colour := map[objectID]paint{}
	var queue latest
	fresh := 0 // in the queue and not stale
	push := func(c commit, p paint) {
		before := colour[c.id]
		after := before | p | waiting
		if colour[c.id] = after; before&waiting == 0 {
			heap.Push(&queue, c)
			if after&stale == 0 {
				fresh++
			}
		} else if before&stale == 0 && after&stale != 0 {
			fresh--
		}
	}
	push(a, fromA)
	for _, b := range others {
		push(b, fromB)
	}
	var result []commit
	for fresh > 0 {
		c := heap.Pop(&queue).(commit)
		colour[c.id] &^= waiting
		p := colour[c.id] & (fromA | fromB | stale)
		if p&stale == 0 {
			fresh--
		}
		if p == fromA|fromB {
			if colour[c.id]&found == 0 {
				colour[c.id] |= found
				result = append(result, c)
			}
			p |= stale
		}
		for _, id := range c.parents {
			if colour[id]&p == p {
				continue
			}
			parent, err := h.commit(id)
			if err != nil {
				return nil, err
			}
			push(parent, p)
		}
	}
	return slices.DeleteFunc(result, func(c commit) bool { return colour[c.id]&stale != 0 }), nil
}

// latest is a heap of commits by date, and by hash where that is the same.
type latest []commit

func (q latest) Len() int      { return len(q) }
func (q latest) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *latest) Push(c any)   { *q = append(*q, c.(commit)) }
func (q latest) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[j].when, q[i].when), bytes.Compare(q[i].id[:], q[j].id[:])) < 0
}

func (q *latest) Pop() any {
	last := len(*q) - 1
	c := (*q)[last]
	*q = (*q)[:last]
	return c
}
