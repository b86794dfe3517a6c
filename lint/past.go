package lint

// Past is what a rule says of a file as a commit left it, of which neither the
// tree nor its base holds anything now: it is in the history alone.
type Past struct {
	// Commit is the beginning of the commit's hash.
	Commit string
	// Finding has no line: that of the commit means nothing in the tree. For the
	// commit's message it has no rule and no file.
	Finding
}
