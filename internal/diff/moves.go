package diff

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

// What is read to follow moves is bounded: so many bytes in all, and so many of
// one file. A larger one is known by its digest alone.
const (
	maxMovedBytes = 64 << 20
	maxMovedFile  = 1 << 20
)

// moves tells where the documents of one tree are in another.
type moves struct {
	*Options
	trees [2]*lint.Tree // head and base
	files [2]map[string]*file
	seed  maphash.Seed
	left  int // bytes that may be read
	// to and from are the documents of head by those of base, and the reverse.
	to, from map[*document]*document
	// renamed are the files of head by those of base that are gone.
	renamed map[string]string
	// same are the files that were asked for whether they are.
	same map[string]bool
}

const (
	inHead = iota
	inBase
)

func newMoves(o *Options) *moves {
	return &moves{
		Options: o, trees: [2]*lint.Tree{o.Head, o.Base}, files: [2]map[string]*file{{}, {}},
		seed: maphash.MakeSeed(), left: maxMovedBytes,
		to: map[*document]*document{}, from: map[*document]*document{}, renamed: map[string]string{}, same: map[string]bool{},
	}
}

// documents finds the counterparts of the documents in files of these names. The
// version of each file in both trees is looked at: what is still there was not
// moved.
func (m *moves) documents(names map[string]bool) {
	var docs [2][]*document
	for _, name := range slices.Sorted(maps.Keys(names)) {
		for side := range docs {
			if f := m.read(side, name); f != nil {
				docs[side] = append(docs[side], f.documents...)
			}
		}
	}
	for _, key := range documentKeys {
		m.join(docs, func(d *document) string { return key(m, d) })
	}
	m.alike(docs)
	m.rename()
	m.join(docs, m.inRenamedFolder())
	m.rename()
}

// read gives a file of a tree; nil if it has none of that name, or it can't be
// read.
func (m *moves) read(side int, name string) *file {
	if f, ok := m.files[side][name]; ok {
		return f
	}
	m.files[side][name] = nil
	t := m.trees[side]
	if name == "" || !t.Has(name) {
		return nil
	}
	data, err := t.ReadFile(name)
	if err != nil {
		return nil
	}
	if m.left -= len(data); m.left < 0 || len(data) > maxMovedFile || bytes.IndexByte(data, 0) >= 0 {
		m.files[side][name] = m.opaque(name, data)
	} else {
		m.files[side][name] = newFile(name, data)
	}
	return m.files[side][name]
}

// unchanged says that both trees have the same file of a name.
func (m *moves) unchanged(name string) bool {
	same, ok := m.same[name]
	if !ok {
		head, wrong := digestOf(m.Head, name)
		base, err := digestOf(m.Base, name)
		same = wrong == nil && err == nil && head == base
		m.same[name] = same
	}
	return same
}

func digestOf(t *lint.Tree, name string) (string, error) {
	if t.Digest == nil || !t.Has(name) {
		return "", fs.ErrNotExist
	}
	return t.Digest(name)
}

// documentKeys are what a document is recognised by in the other tree, the surest
// first. What keeps its file goes before all else. An empty key stands for nothing.
var documentKeys = []func(m *moves, d *document) string{
	func(_ *moves, d *document) string { return sign(d.name, d.file.name, d.kind, d.namespace, d.name) },
	func(_ *moves, d *document) string { return sign(d.name, d.file.name, d.kind, d.name) },
	func(m *moves, d *document) string { return sign(m.text(d), d.kind, d.namespace, d.name) },
	func(m *moves, d *document) string { return sign(m.digest(d), d.file.name, d.kind) },
	func(_ *moves, d *document) string {
		if d.name != "" {
			return ""
		}
		return sign(d.file.name, d.kind)
	},
	func(m *moves, d *document) string { return sign(m.digest(d), d.kind, d.namespace, d.name) },
	func(m *moves, d *document) string { return sign(m.digest(d), d.kind) },
	func(_ *moves, d *document) string { return sign(d.certain(), d.kind, d.namespace) },
	func(_ *moves, d *document) string { return sign(d.certain(), d.kind) },
}

// sign joins what a key consists of; it is empty if the first is.
func sign(first string, rest ...string) string {
	if first == "" {
		return ""
	}
	return first + "\x00" + strings.Join(rest, "\x00")
}

// maxPairs is how many pairs of documents that are the same are weighed by their
// files. More are taken as they come.
const maxPairs = 10_000

// join makes those counterparts that have the same key and none yet.
func (m *moves) join(docs [2][]*document, key func(d *document) string) {
	by := [2]map[string][]*document{{}, {}}
	for side := range docs {
		for _, d := range docs[side] {
			if m.to[d] != nil || m.from[d] != nil {
				continue
			}
			if k := key(d); k != "" {
				by[side][k] = append(by[side][k], d)
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(by[inBase])) {
		head, base := by[inHead][k], by[inBase][k]
		if len(head)*len(base) > maxPairs {
			for i := range min(len(head), len(base)) {
				m.set(base[i], head[i])
			}
			continue
		}
		var pairs []likeness
		for _, b := range base {
			for _, h := range head {
				pairs = append(pairs, likeness{b, h, float64(closeness(b.file.name, h.file.name))})
			}
		}
		m.take(pairs)
	}
}

// likeness is how much a document of base is like one of head.
type likeness struct {
	base, head *document
	score      float64
}

// take makes counterparts of the pairs that are most alike.
func (m *moves) take(pairs []likeness) {
	slices.SortStableFunc(pairs, func(a, b likeness) int { return cmp.Compare(b.score, a.score) })
	for _, p := range pairs {
		if m.to[p.base] == nil && m.from[p.head] == nil {
			m.set(p.base, p.head)
		}
	}
}

func (m *moves) set(base, head *document) { m.to[base], m.from[head] = head, base }

// closeness is how much of two paths is the same: their ends above all, since
// folders are moved as they are.
func closeness(a, b string) int {
	if a == b {
		return 1 << 20
	}
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	n, start, end := min(len(x), len(y)), 0, 0
	for start < n && x[start] == y[start] {
		start++
	}
	for end < n-start && x[len(x)-1-end] == y[len(y)-1-end] {
		end++
	}
	return 2*end + start
}

// maxShared is how many documents may have a value in common for it to tell
// anything, maxWeighed how many are weighed against one, leastAlike how much of
// two documents must be the same.
const (
	maxShared  = 64
	maxWeighed = 16
	leastAlike = 0.5
)

// alike makes counterparts of documents of one kind that are alike.
func (m *moves) alike(docs [2][]*document) {
	by := map[uint64][]*document{}
	for _, b := range docs[inBase] {
		if m.to[b] == nil {
			for _, f := range m.values(b) {
				by[f] = append(by[f], b)
			}
		}
	}
	var pairs []likeness
	for _, h := range docs[inHead] {
		if m.from[h] != nil {
			continue
		}
		shared := map[*document]int{}
		for _, f := range m.values(h) {
			if len(by[f]) > maxShared {
				continue
			}
			for _, b := range by[f] {
				if b.kind == h.kind {
					shared[b]++
				}
			}
		}
		for _, b := range mostShared(shared) {
			if score := max(alikeness(h.features, b.features), alikeness(h.bare, b.bare)); score >= leastAlike {
				pairs = append(pairs, likeness{b, h, score + bonus(b, h)})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b likeness) int {
		return cmp.Or(cmp.Compare(a.base.file.name, b.base.file.name), cmp.Compare(a.base.first, b.base.first))
	})
	m.take(pairs)
}

// mostShared are the documents that share the most values, a few of them, in order.
func mostShared(shared map[*document]int) []*document {
	list := slices.SortedFunc(maps.Keys(shared), func(a, b *document) int {
		return cmp.Or(cmp.Compare(shared[b], shared[a]), cmp.Compare(a.file.name, b.file.name), cmp.Compare(a.first, b.first))
	})
	return list[:min(len(list), maxWeighed)]
}

// values are the features of a document, each once.
func (m *moves) values(d *document) []uint64 {
	m.know(d)
	list := slices.Concat(d.features, d.bare)
	slices.Sort(list)
	return slices.Compact(list)
}

// bonus is what a pair of documents has before others that are as much alike.
func bonus(b, h *document) float64 {
	score := 0.001 * float64(min(closeness(b.file.name, h.file.name), 20))
	if path.Base(b.file.name) == path.Base(h.file.name) {
		score += 0.1
	}
	if b.file.name == h.file.name {
		score += 0.1
	}
	return score
}

// alikeness is how much of two sorted lists is the same, from 0 to 1.
func alikeness(a, b []uint64) float64 {
	if len(a)+len(b) == 0 {
		return 0
	}
	common := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			common++
			i++
			j++
		case a[i] < b[j]:
			i++
		default:
			j++
		}
	}
	return 2 * float64(common) / float64(len(a)+len(b))
}

// rename finds what the files of base are called that are gone: most of their
// documents are there.
func (m *moves) rename() {
	for _, name := range slices.Sorted(maps.Keys(m.files[inBase])) {
		f := m.files[inBase][name]
		if f == nil || m.trees[inHead].Has(name) {
			continue
		}
		votes := map[string]int{}
		for _, d := range f.documents {
			if h := m.to[d]; h != nil {
				votes[h.file.name]++
			}
		}
		best := ""
		for _, to := range slices.Sorted(maps.Keys(votes)) {
			if best == "" || votes[to] > votes[best] {
				best = to
			}
		}
		if best != "" {
			m.renamed[name] = best
		}
	}
}

// inRenamedFolder is a key of documents that nothing but their file's name tells
// of, such as a kustomization of which each reference was changed: by where most
// other files of its folder went.
func (m *moves) inRenamedFolder() func(d *document) string {
	votes := map[string]map[string]int{}
	for from, to := range m.renamed {
		if path.Base(from) != path.Base(to) {
			continue
		}
		// The folders above may be what was renamed.
		a, b := path.Dir(from), path.Dir(to)
		for a != b {
			if votes[a] == nil {
				votes[a] = map[string]int{}
			}
			votes[a][b]++
			if path.Base(a) != path.Base(b) || a == "." || b == "." {
				break
			}
			a, b = path.Dir(a), path.Dir(b)
		}
	}
	folders := map[string]string{}
	for from, list := range votes {
		for _, to := range slices.Sorted(maps.Keys(list)) {
			if folders[from] == "" || list[to] > list[folders[from]] {
				folders[from] = to
			}
		}
	}
	return func(d *document) string {
		name := d.file.name
		switch {
		case m.trees[inHead].Has(name) && m.trees[inBase].Has(name):
			return "" // was not moved
		case m.trees[inHead].Has(name):
			return sign(name, d.kind)
		}
		for dir := path.Dir(name); ; dir = path.Dir(dir) {
			if to, ok := folders[dir]; ok {
				return sign(to+strings.TrimPrefix(name, dir), d.kind)
			}
			if dir == "." || dir == "/" {
				return ""
			}
		}
	}
}

// here is the site of a finding of head.
func (m *moves) here(e *entry) site {
	if d := m.files[inHead][e.Origin.File].at(e.Origin.Line); d != nil {
		return site{document: d}
	}
	return site{file: e.Origin.File}
}

// now is the site in head of what a finding of base is about.
func (m *moves) now(e *entry) (site, bool) {
	f := m.files[inBase][e.Origin.File]
	if d := f.at(e.Origin.Line); d != nil {
		to := m.to[d]
		return site{document: to}, to != nil
	}
	if to, ok := m.renamed[e.Origin.File]; ok {
		return site{file: to}, true
	}
	return site{file: e.Origin.File}, true
}

// line is the text at a finding without the names of its object. own says that
// what is written there is the object itself, or that the finding is about a file.
func (m *moves) line(e *entry) (text string, own bool) {
	f := m.files[inHead][e.Origin.File]
	if e.base {
		f = m.files[inBase][e.Origin.File]
	}
	text, own = f.line(e.Origin.Line), e.Object.Kind == ""
	if d := f.at(e.Origin.Line); d != nil && d.kind == e.Object.Kind {
		own = true
	}
	if e.Object.Name != "" {
		text = strings.ReplaceAll(text, e.Object.Name, "*")
	}
	return text, own
}
