package diff

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

// Contents holds the objects of the trees that are compared, each content once,
// however many units of however many trees give it.
type Contents struct {
	encoder encoder
	hasher  hasher

	mu     sync.Mutex
	byHash map[[sha256.Size]byte]*content
}

// content is an object without its place, and without its secret values.
type content struct{ data []byte }

// NewContents makes room for the objects of two trees.
func NewContents() *Contents {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return &Contents{
		encoder: encoder{key: key},
		hasher:  hasher{maphash.MakeSeed()},
		byHash:  map[[sha256.Size]byte]*content{},
	}
}

func (c *Contents) add(o *manifest.Object, hidden func(string) bool) *content {
	e := encoder{key: c.encoder.key, hidden: hidden}
	data := e.object(o)
	sum := sha256.Sum256(data)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.byHash[sum]; known != nil {
		return known
	}
	added := &content{data: append(make([]byte, 0, len(data)), data...)}
	c.byHash[sum] = added
	return added
}

// Objects are what the units of one tree give.
type Objects struct {
	contents *Contents

	mu     sync.Mutex
	byUnit map[string][]*object
}

// object is one object that a unit gives.
type object struct {
	unit    string // its key
	ref     lint.Ref
	group   string
	file    string
	line    int
	content *content
	// paired is its partner in the other tree.
	paired *object
}

// NewObjects begins with the objects of a tree.
func (c *Contents) NewObjects() *Objects {
	return &Objects{contents: c, byUnit: map[string][]*object{}}
}

// Add takes in what the unit with a key gives. It may be called concurrently, and more than once
// for a unit. hidden says that a text holds something that was decrypted and may not
// be shown; nil for nothing. Nothing of the objects is held on to.
func (t *Objects) Add(unit string, objects []*manifest.Object, hidden func(text string) bool) {
	added := make([]*object, 0, len(objects))
	for _, o := range objects {
		added = append(added, &object{
			unit:    unit,
			ref:     lint.Ref{APIVersion: strings.Clone(o.GVK.GroupVersion().String()), Kind: strings.Clone(o.GVK.Kind), Namespace: strings.Clone(o.Namespace), Name: strings.Clone(o.Name)},
			group:   strings.Clone(o.GVK.Group),
			file:    o.Origin.File,
			line:    o.Origin.Line,
			content: t.contents.add(o, hidden),
		})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byUnit[unit] = append(t.byUnit[unit], added...)
}

// UnitState is what became of a unit in one of the trees.
type UnitState struct {
	// Key tells it from all others of its tree, and is the same in the other tree.
	Key string
	// ID is how it is named. A folder may be a unit of two kinds.
	ID string
	// Kind, Path and Name are what else it is known by.
	Kind, Path, Name string
	// Parent is the key of the unit that led to it; empty for none.
	Parent string
	// Failed says that it was not rendered, Partial that it gave not all.
	Failed, Partial bool
	Reason          string
}

// Changes are what two trees deploy differently.
type Changes struct {
	// Entries are sorted by file and object.
	Entries []*Change
	// Moved counts the objects that another unit gives, unchanged.
	Moved int
	// Unknown are the units whose objects could not be compared, because they were
	// rendered, or wholly rendered, in one of the trees only.
	Unknown []UnknownUnit
	// Absent counts the units that were rendered in neither tree.
	Absent int
}

// UnknownUnit is a unit of which one of the trees does not tell what it gives.
type UnknownUnit struct {
	Unit string
	// Head says that it is the tree with the change in which it failed.
	Head bool
	// Partial says that it gave some objects.
	Partial bool
	Reason  string
	// Objects counts those of the other tree that are not compared.
	Objects int
}

// ChangeKind is what became of an object.
type ChangeKind string

// The kinds of changes.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
	Renamed ChangeKind = "renamed"
)

// Change is what became of an object, or of several to which the same was done.
type Change struct {
	Kind ChangeKind
	// Object is the first of Objects.
	Object Subject
	// Objects are all that were changed in the same way from the same place, each
	// once, sorted.
	Objects []Subject
	// Units are those that give them, sorted. Of a removed object they are units of
	// the base.
	Units []string
	// Was are the units that gave them in the base, if those were others.
	Was []string
	// File and Line are where it is written, in the tree that has it.
	File string
	Line int
	// Fields are what differs, those that are no noise first.
	Fields []Field
	// More counts the fields that are left out because there are too many.
	More int
}

// Subject is an object that was changed.
type Subject struct {
	lint.Ref
	// Before is what it was called in the base, if that was different.
	Before *lint.Ref
}

// Noise says that nothing in the change decides what the cluster does.
func (c *Change) Noise() bool {
	if c.Kind == Added || c.Kind == Removed || c.Kind == Renamed || c.More > 0 || len(c.Fields) == 0 {
		return false
	}
	for i := range c.Fields {
		if !c.Fields[i].Noise {
			return false
		}
	}
	return true
}

// CompareObjects says what head deploys otherwise than base. Both are of the same
// Contents, and are used up. The units are all that each tree has, those that were
// not rendered among them. A unit of both trees that only one was asked to render is
// taken to be the same in both: so a run leaves out what it knows to be the same.
func CompareObjects(head, base *Objects, headUnits, baseUnits []UnitState) *Changes {
	m := newPairing(head, base, headUnits, baseUnits)
	m.pair()
	return m.changes()
}

// Keep leaves only what is said of units that are wanted, and of a change only those
// of its units.
func (c *Changes) Keep(want func(unit string) bool) {
	c.Entries = slices.DeleteFunc(c.Entries, func(e *Change) bool {
		e.Units = slices.DeleteFunc(e.Units, func(u string) bool { return !want(u) })
		return len(e.Units) == 0
	})
	c.Unknown = slices.DeleteFunc(c.Unknown, func(u UnknownUnit) bool { return !want(u.Unit) })
}
