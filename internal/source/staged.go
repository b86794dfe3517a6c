package source

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxConflicts is how many files in conflict an error names.
const maxConflicts = 3

// Index is the tree that `git commit` would make a commit of: what is staged,
// whatever lies in the work tree. file is the index to read, as git names it to
// its hooks in GIT_INDEX_FILE; empty means the repository's own.
//
// What was added by name only (git add --intent-to-add) is not in it. An index
// with unresolved conflicts is an error: git commits none of it. Files that a
// sparse checkout leaves out of the work tree are in it.
func (r *Repository) Index(file string) (Tree, error) {
	objs, err := r.objects()
	if err != nil {
		return nil, fmt.Errorf("read what is staged: %w", err)
	}
	idx, err := r.readStaged(file)
	if err != nil {
		return nil, fmt.Errorf("read the git index: %w", err)
	}
	root, err := stage(objs, idx)
	if err != nil {
		return nil, fmt.Errorf("read what is staged: %w", err)
	}
	return newCommitTree(objs, root, "index", r.MaxFiles), nil
}

// readStaged reads the index that a hook is to look at. For `git commit FILE` git
// makes one of its own beside the usual.
func (r *Repository) readStaged(file string) (index, error) {
	format := r.git.config.objectFormat()
	if file == "" {
		return loadIndex(r.git.own, "index", format)
	}
	// The environment is the user's own, as the path in it is.
	dir, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return index{}, fmt.Errorf("%w; GIT_INDEX_FILE names it", err)
	}
	defer dir.Close()
	data, err := readIn(dir, filepath.Base(file), maxIndexFile)
	if err != nil {
		return index{}, fmt.Errorf("%w; GIT_INDEX_FILE names it", err)
	}
	return parseIndex(r.git.own, data, format)
}

// stage makes the folders of an index, as git write-tree does, and keeps them
// among those that were read. It gives the root's id.
func stage(objs *objects, idx index) (objectID, error) {
	var conflicts []string
	entries := slices.DeleteFunc(idx.entries, func(e indexEntry) bool {
		if e.stage > 0 {
			conflicts = append(conflicts, e.name)
		}
		return e.intended || e.stage > 0
	})
	if len(conflicts) > 0 {
		slices.Sort(conflicts)
		conflicts = slices.Compact(conflicts)
		more := ""
		if n := len(conflicts) - maxConflicts; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
			conflicts = conflicts[:maxConflicts]
		}
		for i := range conflicts {
			conflicts[i] = strconv.Quote(conflicts[i])
		}
		return objectID{}, fmt.Errorf("the merge has conflicts in %s%s: resolve them and `git add` the files", strings.Join(conflicts, ", "), more)
	}
	slices.SortFunc(entries, func(a, b indexEntry) int { return cmp.Compare(a.name, b.name) })
	s := stager{objects: objs}
	root, rest, err := s.folder("", entries, 0)
	if err == nil && len(rest) > 0 {
		err = errors.New("the index holds names in no order" + mendIndex)
	}
	return root, err
}

// stager writes tree objects that are in no store.
type stager struct{ objects *objects }

// folder makes the folder of the entries that begin with prefix, which come first,
// and gives those behind them.
func (s *stager) folder(prefix string, entries []indexEntry, depth int) (id objectID, rest []indexEntry, err error) {
	if depth > maxDepth {
		return id, nil, errTooDeep
	}
	type line struct {
		key  string // git sorts a folder as if its name ended in a slash
		text string
	}
	var lines []line
	add := func(key, mode, name string, id []byte) {
		lines = append(lines, line{key, mode + " " + name + "\x00" + string(id)})
	}
	for len(entries) > 0 && strings.HasPrefix(entries[0].name, prefix) {
		e := entries[0]
		name, _, deeper := strings.Cut(e.name[len(prefix):], "/")
		whole := prefix + name + "/"
		switch {
		case e.kind() == kindFolder && e.name == whole:
			// Of a sparse checkout, as one entry for all that is in it.
			add(name+"/", "40000", name, e.id)
			entries = entries[1:]
		case deeper:
			var sub objectID
			if sub, entries, err = s.folder(whole, entries, depth+1); err != nil {
				return id, nil, err
			}
			add(name+"/", "40000", name, sub[:])
		default:
			add(name, strconv.FormatUint(uint64(e.mode), 8), name, e.id)
			entries = entries[1:]
		}
	}
	slices.SortFunc(lines, func(a, b line) int { return strings.Compare(a.key, b.key) })
	var data []byte
	for _, l := range lines {
		data = append(data, l.text...)
	}
	id = identify(treeKind, data)
	f, err := decodeFolder(data)
	if err != nil {
		return id, nil, fmt.Errorf("%w%s", err, mendIndex)
	}
	s.objects.mu.Lock()
	s.objects.folders[id] = f
	s.objects.mu.Unlock()
	return id, entries, nil
}
