package diff

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

// What is looked at to find out how a unit that failed was called before: so many
// pairs of units, and so many files of each.
const (
	maxUnitPairs = 5000
	maxUnitFiles = 100
)

// followFailed notes units that failed in one tree under the names that they have
// in the other, too: a folder that was renamed and broken at once must not look
// mended. What failed in both is left out.
func (o *Options) followFailed() {
	if o.Head == nil || o.Base == nil {
		return
	}
	only := func(names map[string]bool, in, notIn map[string]bool) []string {
		return slices.Sorted(func(yield func(string) bool) {
			for name := range names {
				if in[name] && !notIn[name] && !yield(name) {
					return
				}
			}
		})
	}
	now, gone := only(o.HeadFailed, o.HeadUnits, o.BaseUnits), only(o.BaseFailed, o.BaseUnits, o.HeadUnits)
	if len(now)+len(gone) == 0 {
		return
	}
	fresh, old := only(o.HeadUnits, o.HeadUnits, o.BaseUnits), only(o.BaseUnits, o.BaseUnits, o.HeadUnits)
	headFailed, baseFailed := maps.Clone(o.HeadFailed), maps.Clone(o.BaseFailed)
	if headFailed == nil {
		headFailed = map[string]bool{}
	}
	if baseFailed == nil {
		baseFailed = map[string]bool{}
	}
	pairs := 0
	pair := func(unit string, tree *lint.Tree, others []string, otherTree *lint.Tree) string {
		if pairs += len(others); pairs > maxUnitPairs {
			return ""
		}
		return likeliest(unit, tree, others, otherTree)
	}
	for _, unit := range now {
		before := pair(unit, o.Head, old, o.Base)
		switch {
		case before == "":
		case o.BaseFailed[before]:
			delete(headFailed, unit)
			delete(baseFailed, before)
		default:
			headFailed[before] = true
		}
	}
	for _, unit := range gone {
		if after := pair(unit, o.Base, fresh, o.Head); after != "" && baseFailed[unit] && !o.HeadFailed[after] {
			baseFailed[after] = true
		}
	}
	o.HeadFailed, o.BaseFailed = headFailed, baseFailed
}

// likeliest is the unit of the other tree whose files are most like those of a
// unit; empty if none is.
func likeliest(unit string, tree *lint.Tree, others []string, otherTree *lint.Tree) string {
	own := unitFiles(unit, tree)
	best, most := "", 0
	for _, other := range others {
		score := 0
		if folderOf(unit) == folderOf(other) {
			score += 4 // another object deploys it
		}
		for name, digest := range unitFiles(other, otherTree) {
			switch mine, ok := own[name]; {
			case ok && mine == digest:
				score += 4
			case ok && path.Dir(folderOf(unit)) == path.Dir(folderOf(other)), ok && path.Base(folderOf(unit)) == path.Base(folderOf(other)):
				score++
			}
		}
		if score > most {
			best, most = other, score
		}
	}
	return best
}

// folderOf is the path that a unit's name begins with.
func folderOf(unit string) string {
	folder, _, _ := strings.Cut(unit, " (")
	return folder
}

// unitFiles are the digests of the files in a unit's folder by their names in it.
func unitFiles(unit string, t *lint.Tree) map[string]string {
	prefix := folderOf(unit) + "/"
	files := map[string]string{}
	at, _ := slices.BinarySearch(t.Files, prefix)
	for ; at < len(t.Files) && strings.HasPrefix(t.Files[at], prefix) && len(files) < maxUnitFiles; at++ {
		name := t.Files[at]
		digest := ""
		if t.Digest != nil {
			digest, _ = t.Digest(name)
		}
		if digest == "" {
			digest = t.Files[at] // like no other
		}
		files[strings.TrimPrefix(name, prefix)] = digest
	}
	return files
}

// maxMovedFrom is how many files are looked for under the names that they had.
const maxMovedFrom = 10_000

// MovedFrom are the paths in base from which files came that lie under the paths
// in head: files, or their folders if nothing is left there. It is empty if there
// are no paths.
func MovedFrom(paths []string, head, base *lint.Tree) []string {
	var fresh []string
	for _, p := range paths {
		for _, name := range head.Files {
			if (name == p || strings.HasPrefix(name, p+"/")) && !base.Has(name) && len(fresh) < maxMovedFrom {
				fresh = append(fresh, name)
			}
		}
	}
	if len(fresh) == 0 || head.Digest == nil || base.Digest == nil {
		return nil
	}
	gone := map[string][]string{}
	for _, name := range base.Files {
		if head.Has(name) {
			continue
		}
		if d, err := base.Digest(name); err == nil {
			gone[d] = append(gone[d], name)
		}
	}
	from := map[string]bool{}
	for _, name := range fresh {
		d, err := head.Digest(name)
		if err != nil || len(gone[d]) == 0 {
			continue
		}
		old := gone[d][0]
		for _, other := range gone[d][:min(len(gone[d]), maxShared)] {
			if closeness(other, name) > closeness(old, name) {
				old = other
			}
		}
		if dir := path.Dir(old); dir != "." && !holdsFolder(head, dir) {
			old = dir
		}
		from[old] = true
	}
	return slices.Sorted(maps.Keys(from))
}

// holdsFolder says that a tree has a file below a folder.
func holdsFolder(t *lint.Tree, dir string) bool {
	at, _ := slices.BinarySearch(t.Files, dir+"/")
	return at < len(t.Files) && strings.HasPrefix(t.Files[at], dir+"/")
}
