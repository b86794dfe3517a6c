package render

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/internal/store"
	"github.com/scantling-dev/scantling/internal/wire"
)

// Look is something of the tree that a result depends on: what there is at a path,
// be it nothing.
type Look struct {
	// Name is the path that was asked for, as it was asked for.
	Name string
	// What says how it was looked at.
	What Sight
}

// Telling says that the path may be a URL with a password, which kustomize looks for
// as a file: it must not be kept.
func (l Look) Telling() bool {
	_, rest, ok := strings.Cut(l.Name, ":/")
	return ok && strings.Contains(rest, "@")
}

// Sight is how a path was looked at; of several ways the sum.
type Sight byte

// The ways to look at a path.
const (
	// Found asks where a path leads to, and what kind of thing is there.
	Found Sight = 1 << iota
	// Read reads a file.
	Read
	// Listed lists a folder.
	Listed
	// Charts asks which folders of this name are charts of the repository.
	Charts
)

// Looks are what was looked at, and how. The zero value is empty, and it is safe
// for concurrent use.
type Looks struct {
	mu   sync.Mutex
	seen map[string]Sight
}

// Note notes a look.
func (l *Looks) Note(name string, what Sight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[string]Sight{}
	}
	l.seen[name] |= what
}

// take notes what another has looked at.
func (l *Looks) take(other *Looks) {
	other.mu.Lock()
	seen := make(map[string]Sight, len(other.seen))
	for name, what := range other.seen {
		seen[name] = what
	}
	other.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[string]Sight{}
	}
	for name, what := range seen {
		l.seen[name] |= what
	}
}

// List is what was looked at, in order.
func (l *Looks) List() []Look {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Look, 0, len(l.seen))
	for name, what := range l.seen {
		list = append(list, Look{name, what})
	}
	slices.SortFunc(list, func(a, b Look) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Prints identify what a tree shows at paths, so that what was seen of one tree can
// be compared with another. They are found once for each path. It is safe for
// concurrent use.
type Prints struct {
	view files
	tree source.Tree
	// charts are the folders of the charts in the repository.
	charts []string

	found, read, listed sync.Map // by name
}

// NewPrints identify what a tree shows, and what was fetched beside it.
func NewPrints(tree source.Tree, kept *store.Store) *Prints {
	return &Prints{view: store.NewMounted(tree, kept), tree: tree}
}

// Of identifies what was looked at: equal prints mean that the same look shows the
// same.
func (p *Prints) Of(l Look) string {
	var parts [3]string
	if l.What == Charts {
		return strings.Join(p.chartsNamed(path.Base(l.Name)), "|")
	}
	if l.What&Found != 0 {
		parts[0] = memo(&p.found, l.Name, p.find)
	}
	if l.What&Read != 0 {
		parts[1] = memo(&p.read, l.Name, p.content)
	}
	if l.What&Listed != 0 {
		parts[2] = memo(&p.listed, l.Name, p.entries)
	}
	if parts[1] == "" && parts[2] == "" {
		return parts[0]
	}
	return strings.Join(parts[:], "|")
}

// chartsNamed are the folders of a name that are charts.
func (p *Prints) chartsNamed(name string) []string {
	var same []string
	for _, dir := range p.charts {
		if path.Base(dir) == name {
			same = append(same, dir)
		}
	}
	return same
}

func memo(m *sync.Map, name string, find func(string) string) string {
	if v, ok := m.Load(name); ok {
		return v.(string)
	}
	v, _ := m.LoadOrStore(name, find(name))
	return v.(string)
}

// find says what kind of thing is at the end of a path, or why there is none.
func (p *Prints) find(name string) string {
	real, err := p.view.Resolve(name)
	if err != nil {
		return "!" + errorKind(err)
	}
	info, err := p.view.Stat(real)
	switch {
	case err != nil:
		return "!" + errorKind(err)
	case info.IsDir():
		return real + "/"
	}
	// A file may be too large to be read.
	return real + ":" + strconv.FormatInt(info.Size(), 10)
}

// content identifies what a file holds. What was fetched never changes under the
// digest that its folder has in the store, but is read all the same.
func (p *Prints) content(name string) string {
	if isFetched(path.Clean(name)) {
		data, err := p.view.ReadFile(name)
		if err != nil {
			return "!" + errorKind(err)
		}
		sum := sha256.Sum256(data)
		return hex.EncodeToString(sum[:20])
	}
	if strings.HasSuffix(memo(&p.found, name, p.find), "/") {
		// Kustomize tries to read what may be a folder: it holds nothing.
		return "/"
	}
	m, err := source.MarkOf(p.tree, path.Clean(name))
	if err != nil {
		return "!" + errorKind(err)
	}
	return string(m.Digest) + ":" + strconv.FormatInt(m.Size, 10)
}

func (p *Prints) entries(name string) string {
	list, err := p.view.ReadDir(name)
	if err != nil {
		return "!" + errorKind(err)
	}
	h := sha256.New()
	for _, e := range list {
		h.Write([]byte(e.Name()))
		h.Write([]byte{0, byte(e.Type() >> 24), byte(e.Type() >> 16)})
	}
	return hex.EncodeToString(h.Sum(nil)[:20])
}

// errorKind says of an error what matters to who reads a file.
func errorKind(err error) string {
	var e encoder
	e.error(err)
	return string(e.Buf)
}

func (e *encoder) looks(list []Look) { EncodeLooks(&e.Encoder, list) }
func (d *decoder) looks() []Look     { return DecodeLooks(&d.Decoder) }

// EncodeLooks writes looks for DecodeLooks.
func EncodeLooks(e *wire.Encoder, list []Look) {
	e.Int(len(list))
	for _, l := range list {
		e.Text(l.Name)
		e.Int(int(l.What))
	}
}

// DecodeLooks reads what EncodeLooks wrote.
func DecodeLooks(d *wire.Decoder) []Look {
	list := make([]Look, d.Count())
	for i := range list {
		list[i] = Look{Name: d.String(), What: Sight(d.Int())}
	}
	return list
}

// The recorder notes every look, besides what it remembers of files.

// Resolve notes a look.
func (r *recorder) Resolve(name string) (string, error) {
	r.looks.Note(name, Found)
	return r.files.Resolve(name)
}

// Stat notes a look.
func (r *recorder) Stat(name string) (fs.FileInfo, error) {
	r.looks.Note(name, Found)
	return r.files.Stat(name)
}

// ReadDir notes a look.
func (r *recorder) ReadDir(name string) ([]fs.DirEntry, error) {
	r.looks.Note(name, Found|Listed)
	return r.files.ReadDir(name)
}

// Open notes a look.
func (r *recorder) Open(name string) (fs.File, error) {
	r.looks.Note(name, Found|Read|Listed)
	return r.files.Open(name)
}

// fetchedView notes the looks at what was fetched: of these the tree knows nothing.
type fetchedView struct {
	files
	seen *Looks
}

func (v *fetchedView) note(name string, what Sight) {
	if isFetched(path.Clean(name)) {
		v.seen.Note(name, what)
	}
}

func (v *fetchedView) Resolve(name string) (string, error) {
	v.note(name, Found)
	return v.files.Resolve(name)
}

func (v *fetchedView) Stat(name string) (fs.FileInfo, error) {
	v.note(name, Found)
	return v.files.Stat(name)
}

func (v *fetchedView) ReadDir(name string) ([]fs.DirEntry, error) {
	v.note(name, Found|Listed)
	return v.files.ReadDir(name)
}

func (v *fetchedView) ReadFile(name string) ([]byte, error) {
	v.note(name, Found|Read)
	return v.files.ReadFile(name)
}

func (v *fetchedView) Open(name string) (fs.File, error) {
	v.note(name, Found|Read|Listed)
	return v.files.Open(name)
}
