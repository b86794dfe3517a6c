package source

import (
	"bytes"
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Bounds of a history: whoever makes commits decides how many there are, and a
// few kilobytes of folders can name any number of files.
const (
	maxCommits = 10_000
	maxVisited = 10_000_000 // entries of folders that are compared with those of a parent
	maxChanges = 500_000    // files that the commits changed, each counted as often
	maxHeld    = 500_000    // entries of decoded folders that are kept at a time
	maxMessage = 256 << 10  // bytes of a commit's message
	slack      = 1000       // commits of the base that are older than all that are not
)

// History is what the commits of a range did to the files of the repository.
type History struct {
	// Commits are those of the range, each behind its parents.
	Commits []Commit
	// Incomplete says why there may be more than Commits tell, and what the user
	// can do about it; nil if there is not.
	Incomplete error

	objects *objects
}

// Commit is what one commit did.
type Commit struct {
	// Hash is its full name, Message the text that its author wrote.
	Hash, Message string
	// Changes are the regular files that it added or changed, sorted by name: of a
	// merge those that differ from the same file of every parent.
	Changes []Change
	// Err says why Changes may lack some; nil if they do not.
	Err error
}

// Change is a file as a commit left it.
type Change struct {
	Name   string
	Digest Digest

	id objectID
}

// History reads the commits that HEAD contains and base, a revision as of Commit,
// does not. What can't be read costs that commit alone, which says so; an error
// means that nothing is known.
func (r *Repository) History(base string) (*History, error) {
	objs, err := r.objects()
	if err != nil {
		return nil, fmt.Errorf("read the commits since %s: %w", base, err)
	}
	h, err := objs.between(base, "HEAD")
	if err != nil {
		return nil, fmt.Errorf("read the commits since %s: %w", base, err)
	}
	return h, nil
}

// Read gets the content of a changed file.
func (h *History) Read(c Change) ([]byte, error) {
	data, err := h.objects.read(c.id, blobKind)
	if err != nil {
		return nil, pathError("read", c.Name, err)
	}
	return data, nil
}

func (o *objects) between(from, to string) (*History, error) {
	excluded, err := o.commitOf(from)
	if err != nil {
		return nil, err
	}
	head, err := o.commitOf(to)
	if err != nil {
		return nil, err
	}
	known := history{o, map[objectID]commit{}}
	h := &History{objects: o}
	list := known.without(head, excluded)
	if len(list) > maxCommits {
		h.Incomplete = fmt.Errorf("there are %d commits, and only the last %d were read: name a base that is nearer", len(list), maxCommits)
		list = list[len(list)-maxCommits:]
	}
	c := &comparison{objects: o, folders: map[objectID]*folder{}}
	for _, one := range list {
		h.Commits = append(h.Commits, c.commit(one))
	}
	return h, nil
}

// without gives the commits that head contains and excluded does not, each
// behind its parents; those that do not depend on each other by date.
func (h history) without(head, excluded commit) []commit {
	colour := map[objectID]paint{}
	var queue latest
	fresh := 0 // in the queue and not known to be excluded
	push := func(c commit, p paint) {
		before := colour[c.id]
		after := before | p | waiting
		if colour[c.id] = after; before&waiting == 0 {
			heap.Push(&queue, c)
			if after&fromB == 0 {
				fresh++
			}
		} else if before&fromB == 0 && after&fromB != 0 {
			fresh--
		}
	}
	push(head, fromA)
	push(excluded, fromB)
	var seen []commit
	var oldest int64
	// Where clocks went wrong, what is excluded may be met long after what contains
	// it, so the walk goes on for a while.
	for more := slack; len(queue) > 0 && len(seen) > 0 || fresh > 0; {
		if fresh > 0 || queue[0].when >= oldest {
			more = slack
		} else if more--; more < 0 {
			break
		}
		c := heap.Pop(&queue).(commit)
		colour[c.id] &^= waiting
		p := colour[c.id] & (fromA | fromB)
		if p&fromB == 0 {
			fresh--
			if colour[c.id]&found == 0 {
				colour[c.id] |= found
				if seen = append(seen, c); len(seen) == 1 || c.when < oldest {
					oldest = c.when
				}
			}
		}
		for _, id := range c.parents {
			if colour[id]&p == p {
				continue
			}
			// What is missing costs the commits that are compared with it, and they
			// say so; what lies before the base is not asked for.
			if parent, err := h.commit(id); err == nil {
				push(parent, p)
			}
		}
	}
	seen = slices.DeleteFunc(seen, func(c commit) bool { return colour[c.id]&fromB != 0 })
	return parentsFirst(seen)
}

// parentsFirst orders commits as git log --topo-order --reverse does: by date,
// but each behind its parents.
func parentsFirst(commits []commit) []commit {
	of := map[objectID]commit{}
	children := map[objectID]int{} // not yet given
	for _, c := range commits {
		of[c.id] = c
	}
	for _, c := range commits {
		for _, p := range c.parents {
			children[p]++
		}
	}
	var ready latest
	for _, c := range commits {
		if children[c.id] == 0 {
			heap.Push(&ready, c)
		}
	}
	ordered := make([]commit, 0, len(commits))
	for len(ready) > 0 {
		c := heap.Pop(&ready).(commit)
		ordered = append(ordered, c)
		for _, id := range c.parents {
			if children[id]--; children[id] == 0 {
				if p, ok := of[id]; ok {
					heap.Push(&ready, p)
				}
			}
		}
	}
	slices.Reverse(ordered)
	return ordered
}

// comparison finds what commits changed. Folders are decoded for it alone: a
// long history has too many to keep.
type comparison struct {
	objects *objects
	folders map[objectID]*folder
	held    int
	visited int
	changes int
}

var errVisited = fmt.Errorf("%w were changed by these commits to look at all", ErrTooMany)

func (c *comparison) commit(of commit) Commit {
	out := Commit{Hash: of.id.String()}
	data, err := c.objects.read(of.id, commitKind)
	if err != nil {
		out.Err = err
		return out
	}
	if _, message, ok := bytes.Cut(data, []byte("\n\n")); ok {
		out.Message = strings.ToValidUTF8(string(message[:min(len(message), maxMessage)]), "\ufffd")
	}
	if c.objects.cut[of.id] {
		// Against what it stood before is not here.
		out.Err = errors.New(deepen)
		return out
	}
	var before []objectID
	for _, p := range of.parents {
		parent, err := c.objects.commit(p)
		if err != nil {
			out.Err = err
			return out
		}
		before = append(before, parent.tree)
	}
	if slices.Contains(before, of.tree) {
		return out
	}
	out.Err = c.folder(".", of.tree, before, 1, &out.Changes)
	slices.SortFunc(out.Changes, func(a, b Change) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// folder adds the files of a folder that differ from those of every parent. A
// parent without such a folder is not among before. What can't be read does not
// keep the rest from being looked at; the first of it is the error.
func (c *comparison) folder(dir string, id objectID, before []objectID, depth int, changes *[]Change) error {
	f, err := c.read(id)
	if err != nil {
		return err
	}
	var parents []*folder
	for _, b := range before {
		p, err := c.read(b)
		if err != nil {
			return err
		}
		parents = append(parents, p)
	}
	if c.visited += len(f.entries); c.visited > maxVisited || c.changes > maxChanges {
		return errVisited
	}
	for _, e := range f.entries {
		same := false
		var below []objectID
		for _, p := range parents {
			if old, ok := p.entry(e.name); ok {
				// A file that became executable has the same content.
				same = same || old.id == e.id && old.mode.Type() == e.mode.Type()
				if old.mode.IsDir() {
					below = append(below, old.id)
				}
			}
		}
		if same || e.submodule() || e.mode&fs.ModeSymlink != 0 {
			continue
		}
		switch name := join(dir, e.name); {
		case len(name) > maxPath:
			err = cmp.Or[error](err, errLongPath)
		case e.mode.IsRegular():
			c.changes++
			*changes = append(*changes, Change{name, Digest(e.id.String()), e.id})
		case depth == maxDepth:
			err = cmp.Or[error](err, errTooDeep)
		default:
			err = cmp.Or(err, c.folder(name, e.id, below, depth+1, changes))
		}
		if errors.Is(err, errVisited) {
			return err
		}
	}
	return err
}

func (c *comparison) read(id objectID) (*folder, error) {
	if f := c.folders[id]; f != nil {
		return f, nil
	}
	data, err := c.objects.read(id, treeKind)
	if err != nil {
		return nil, err
	}
	f, err := decodeFolder(data)
	if err != nil {
		return nil, fmt.Errorf("the git tree %s is damaged: %w; `git fsck` tells more", id, err)
	}
	if c.held += len(f.entries) + 1; c.held > maxHeld {
		clear(c.folders)
		c.held = len(f.entries) + 1
	}
	c.folders[id] = f
	return f, nil
}
