// Package hooks is what a git hook needs to know: what the files of a commit
// concern.
package hooks

import "slices"

// Paths are the paths to check for the changed files of a commit. A change of
// the configuration concerns the whole repository: then it is the root alone.
func Paths(files []string) []string {
	if slices.Contains(files, ".scantling.yaml") {
		return nil
	}
	return files
}
