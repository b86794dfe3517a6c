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

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

const deepen = "this is a shallow clone: get the rest with `git fetch --unshallow`, or with `fetch-depth: 0` for actions/checkout"

var errNoRef = errors.New("no such reference")

// commit is what is needed of a commit object.
type commit struct {
	id, tree plumbing.Hash
	parents  []plumbing.Hash
	when     int64 // committed, in seconds since 1970
}

func (o *objects) shallow() bool { return len(o.cut) > 0 }

// commit reads a commit. Where a shallow clone ends it has no parents.
func (o *objects) commit(id plumbing.Hash) (commit, error) {
	data, err := o.read(id, plumbing.CommitObject)
	if err != nil {
		return commit{}, err
	}
	c := commit{id: id}
	for line := range bytes.Lines(data) {
		key, value, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		if key == "" {
			break // the message begins
		}
		switch key {
		case "tree":
			c.tree = plumbing.NewHash(value)
		case "parent":
			c.parents = append(c.parents, plumbing.NewHash(value))
		case "committer":
			fields := strings.Fields(value[strings.LastIndexByte(value, '>')+1:])
			if len(fields) > 0 {
				c.when, _ = strconv.ParseInt(fields[0], 10, 64)
			}
		}
	}
	if o.cut[id] {
		c.parents = nil
	}
	return c, nil
}

// commitOf resolves a revision. go-git's ResolveRevision is not used: it prefers
// a hash that begins with "beef" to a branch of that name, and panics on "^1".
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
func (o *objects) peel(id plumbing.Hash) (commit, error) {
	for range maxLinks {
		kind, err := o.kindOf(id)
		if err != nil {
			return commit{}, err
		}
		switch kind {
		case plumbing.CommitObject:
			return o.commit(id)
		case plumbing.TagObject:
			data, err := o.read(id, plumbing.TagObject)
			if err != nil {
				return commit{}, err
			}
			line, _, _ := strings.Cut(string(data), "\n")
			target, ok := strings.CutPrefix(line, "object ")
			if !ok || !plumbing.IsHash(target) {
				return commit{}, fmt.Errorf("the git tag %s names no object; `git fsck` tells more", id)
			}
			id = plumbing.NewHash(target)
		default:
			return commit{}, fmt.Errorf("%s is a %s and no commit", id, kind)
		}
	}
	return commit{}, fmt.Errorf("the git tag %s leads to too many others", id)
}

func (o *objects) kindOf(id plumbing.Hash) (kind plumbing.ObjectType, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer recoverAs(&err)
	obj, err := o.find(id)
	if err != nil {
		return 0, err
	}
	return obj.Type(), nil
}

// lookup finds the object that a name stands for, in git's order.
func (o *objects) lookup(name string) (plumbing.Hash, error) {
	if plumbing.IsHash(name) {
		id := plumbing.NewHash(name)
		if _, err := o.kindOf(id); err != nil {
			if o.shallow() {
				return id, fmt.Errorf("%w; %s", err, deepen)
			}
			return id, err
		}
		return id, nil
	}
	for _, pattern := range []string{"%s", "refs/%s", "refs/tags/%s", "refs/heads/%s", "refs/remotes/%s", "refs/remotes/%s/HEAD"} {
		id, err := o.reference(fmt.Sprintf(pattern, name))
		if err == nil || !errors.Is(err, errNoRef) {
			return id, err
		}
	}
	if name == "HEAD" {
		return plumbing.ZeroHash, errors.New("HEAD has no commit yet: make a first one with `git commit`")
	}
	if id, err := o.abbreviated(name); err == nil || !errors.Is(err, errNoRef) {
		return id, err
	}
	if id, err := o.remoteBranch(name); err == nil || !errors.Is(err, errNoRef) {
		return id, err
	}
	if o.shallow() {
		return plumbing.ZeroHash, fmt.Errorf("no branch, tag or commit here is called %q; %s", name, deepen)
	}
	return plumbing.ZeroHash, fmt.Errorf("no branch, tag or commit here is called %q; check the spelling, or get it with `git fetch origin %s`", name, name)
}

// reference reads a reference and those that it points to. errNoRef means that
// there is none.
func (o *objects) reference(name string) (id plumbing.Hash, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer recoverAs(&err)
	at := plumbing.ReferenceName(name)
	for range maxLinks {
		if !at.IsSafe() {
			return id, errNoRef
		}
		ref, err := o.stores[0].Reference(at)
		if err != nil {
			if errors.Is(err, plumbing.ErrReferenceNotFound) {
				return id, errNoRef
			}
			return id, fmt.Errorf("read the reference %s: %w", at, err)
		}
		if ref.Type() == plumbing.HashReference {
			if ref.Hash().IsZero() {
				return id, fmt.Errorf("read the reference %s: it holds no hash; `git fsck` tells more", at)
			}
			return ref.Hash(), nil
		}
		at = ref.Target()
	}
	return id, fmt.Errorf("read the reference %s: it leads in a circle", name)
}

// abbreviated finds the one commit or tag whose hash begins with prefix.
func (o *objects) abbreviated(prefix string) (plumbing.Hash, error) {
	prefix = strings.ToLower(prefix)
	head, err := hex.DecodeString(prefix[:len(prefix)&^1])
	if err != nil || len(prefix) < 4 || len(prefix) > 2*len(plumbing.ZeroHash) || strings.Trim(prefix, "0123456789abcdef") != "" {
		return plumbing.ZeroHash, errNoRef
	}
	ids, err := o.withPrefix(head)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	var found []plumbing.Hash
	for _, id := range ids {
		if !strings.HasPrefix(id.String(), prefix) || slices.Contains(found, id) {
			continue
		}
		if kind, err := o.kindOf(id); err == nil && (kind == plumbing.CommitObject || kind == plumbing.TagObject) {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return plumbing.ZeroHash, errNoRef
	case 1:
		return found[0], nil
	}
	return plumbing.ZeroHash, fmt.Errorf("%d commits begin with %s: give more of the hash", len(found), prefix)
}

func (o *objects) withPrefix(head []byte) (ids []plumbing.Hash, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer recoverAs(&err)
	for _, s := range o.stores {
		some, err := s.HashesWithPrefix(head)
		if err != nil {
			return nil, fmt.Errorf("look for the commit in the git objects: %w", err)
		}
		ids = append(ids, some...)
	}
	return ids, nil
}

// remoteBranch finds a branch that exists at one remote only, or at origin.
func (o *objects) remoteBranch(name string) (plumbing.Hash, error) {
	if id, err := o.reference("refs/remotes/origin/" + name); err == nil || !errors.Is(err, errNoRef) {
		return id, err
	}
	remotes, err := o.remotesWith(name)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	switch len(remotes) {
	case 0:
		return plumbing.ZeroHash, errNoRef
	case 1:
		return o.reference(remotes[0])
	}
	return plumbing.ZeroHash, fmt.Errorf("several remotes have a branch %q: name one of %s", name, strings.Join(remotes, ", "))
}

func (o *objects) remotesWith(name string) (found []string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer recoverAs(&err)
	refs, err := o.stores[0].IterReferences()
	if err != nil {
		return nil, fmt.Errorf("list the references: %w", err)
	}
	err = refs.ForEach(func(ref *plumbing.Reference) error {
		rest, ok := strings.CutPrefix(ref.Name().String(), "refs/remotes/")
		if remote, ok2 := strings.CutSuffix(rest, "/"+name); ok && ok2 && !strings.Contains(remote, "/") {
			found = append(found, ref.Name().String())
		}
		return nil
	})
	slices.Sort(found)
	if errors.Is(err, storer.ErrStop) {
		err = nil
	}
	return found, err
}

// mergeBase finds the best common ancestor of HEAD and rev.
func (o *objects) mergeBase(rev string) (plumbing.Hash, error) {
	head, err := o.commitOf("HEAD")
	if err != nil {
		return plumbing.ZeroHash, err
	}
	other, err := o.commitOf(rev)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	history := history{o, map[plumbing.Hash]commit{}}
	bases, err := history.common(head, other)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	// Where the clocks went wrong, an ancestor of another base may be left.
	best := bases[:0:0]
	for _, b := range bases {
		lesser := false
		for _, other := range bases {
			if b.id == other.id {
				continue
			}
			shared, err := history.common(b, other)
			if err != nil {
				return plumbing.ZeroHash, err
			}
			lesser = lesser || slices.ContainsFunc(shared, func(c commit) bool { return c.id == b.id })
		}
		if !lesser {
			best = append(best, b)
		}
	}
	if len(best) == 0 {
		if o.shallow() {
			return plumbing.ZeroHash, fmt.Errorf("what is here of their histories does not meet; %s", deepen)
		}
		return plumbing.ZeroHash, errors.New("their histories have nothing in common: name a base that HEAD was branched off from")
	}
	return slices.MinFunc(best, func(a, b commit) int {
		return cmp.Or(cmp.Compare(b.when, a.when), bytes.Compare(a.id[:], b.id[:]))
	}).id, nil
}

// history keeps the commits that were read.
type history struct {
	objects *objects
	known   map[plumbing.Hash]commit
}

func (h history) commit(id plumbing.Hash) (commit, error) {
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
	listed
)

// common is git's paint_down_to_common: both histories are walked at once, the
// latest commit first, until only ancestors of what was found are left to see.
// The result may hold an ancestor of another where dates are wrong.
func (h history) common(a, b commit) ([]commit, error) {
	colour := map[plumbing.Hash]paint{}
	var queue latest
	push := func(c commit, p paint) {
		colour[c.id] |= p
		heap.Push(&queue, c)
	}
	push(a, fromA)
	push(b, fromB)
	var found []commit
	for slices.ContainsFunc(queue, func(c commit) bool { return colour[c.id]&stale == 0 }) {
		c := heap.Pop(&queue).(commit)
		p := colour[c.id] & (fromA | fromB | stale)
		if p == fromA|fromB {
			if colour[c.id]&listed == 0 {
				colour[c.id] |= listed
				found = append(found, c)
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
	return slices.DeleteFunc(found, func(c commit) bool { return colour[c.id]&stale != 0 }), nil
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
