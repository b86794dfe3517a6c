package source

// Mark identifies a file's bytes as a digest does, and costs less: of files with equal
// marks, the bytes are equal.
type Mark struct {
	// Digest is that of the file, or of what git stores for it. With line ends as
	// the system has them the latter is another, of another size.
	Digest Digest
	// Size is the file's own; 0 for a folder.
	Size int64
}

// MarkOf gives the mark of what name leads to. After Tree.Files, a work tree needs
// neither the file nor the object in git for most. A tree that only stands around
// another says so by a method Underlying.
func MarkOf(tree Tree, name string) (Mark, error) {
	if outer, ok := tree.(interface{ Underlying() Tree }); ok {
		return MarkOf(outer.Underlying(), name)
	}
	if w, ok := tree.(*worktree); ok {
		if m, ok := w.mark(name); ok {
			return m, nil
		}
	}
	d, err := tree.Digest(name)
	if err != nil {
		return Mark{}, err
	}
	info, err := tree.Stat(name)
	if err != nil || info.IsDir() {
		return Mark{Digest: d}, err
	}
	return Mark{d, info.Size()}, nil
}

// mark gives the mark of a file that git knows to be as it was.
func (w *worktree) mark(name string) (m Mark, ok bool) {
	real, mode, err := w.find(name, true)
	seen := w.seen.Load()
	if err != nil || !mode.IsRegular() || seen == nil {
		return m, false
	}
	e, _ := seen.entry(real)
	if e == nil || !e.known {
		return m, false
	}
	id, ok := seen.trust().stored(real, &e.inode)
	if !ok {
		return m, false
	}
	w.given.Store(real, contents{e.inode.size, e.inode.mtime})
	return Mark{Digest(id.String()), e.inode.size}, true
}
