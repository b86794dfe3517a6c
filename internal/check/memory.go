package check

import (
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/scantling-dev/scantling/internal/cache"
	"github.com/scantling-dev/scantling/internal/wire"
	"github.com/scantling-dev/scantling/render"
)

// Memory is what units gave, in this run and in others: what was found in them, and
// summaries of the objects that are judged together with others, without secret
// values. Trees that are compared share one. It is safe for concurrent use.
type Memory struct {
	cache *cache.Cache // nil for this run alone
	pack  cache.Key

	mu      sync.Mutex
	load    sync.Once
	units   map[render.Key][]*entry
	objects map[cache.Key][]byte // those that are kept nowhere else
	stored  map[cache.Key]bool   // those that are
	changed bool

	loadFiles sync.Once
	files     *verdicts
}

// NewMemory is the memory for one repository, under one configuration. identity is
// all that what a unit gives depends on besides the repository and the unit itself;
// repository tells repositories apart. c may be nil: then what is remembered is
// forgotten with the run.
func NewMemory(c *cache.Cache, repository string, identity []byte) *Memory {
	var e wire.Encoder
	e.Int(packFormat)
	e.Text(repository)
	e.Bytes(identity)
	return &Memory{cache: c, pack: sha256.Sum256(e.Buf), units: map[render.Key][]*entry{}, objects: map[cache.Key][]byte{}, stored: map[cache.Key]bool{}}
}

const (
	// packFormat changes with what is written.
	packFormat = 1
	// maxVariants is how many results of one unit are kept: those of branches that
	// somebody goes back and forth between.
	maxVariants = 4
	// maxIdle is how many runs a result is kept that none of them used.
	maxIdle = 30
)

// entry is what is kept of one unit.
type entry struct {
	// unit is what the renderer keeps; found what was found.
	unit, found []byte
	// objects is the key of the summaries of the objects that are joined; zero for
	// none.
	objects cache.Key
	// id names the unit, and cost is the time that it took.
	id   string
	cost time.Duration
	// idle is for how many runs it was not used.
	idle int
	used bool
}

// Unit is what the renderer keeps.
func (e *entry) Unit() []byte { return e.unit }

// Recall gives what is kept of a unit, the latest first.
func (m *Memory) Recall(key render.Key) []render.Record {
	m.load.Do(m.read)
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []render.Record
	for _, e := range m.units[key] {
		list = append(list, e)
	}
	return list
}

// keep takes what a unit gave.
func (m *Memory) keep(key render.Key, e *entry, before *entry) {
	m.load.Do(m.read)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changed = true
	e.used = true
	list := slices.DeleteFunc(m.units[key], func(known *entry) bool { return known == before || string(known.unit) == string(e.unit) })
	m.units[key] = append([]*entry{e}, list[:min(len(list), maxVariants-1)]...)
}

// use notes that an entry was of use.
func (m *Memory) use(e *entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.idle > maxIdle/2 {
		m.changed = true
	}
	e.used, e.idle = true, 0
}

// put keeps summaries of objects.
func (m *Memory) put(data []byte) cache.Key {
	key := cache.Key(sha256.Sum256(data))
	m.mu.Lock()
	known := m.stored[key] || m.objects[key] != nil
	m.mu.Unlock()
	if known {
		return key
	}
	kept := m.cache.Put(cache.Objects, key, data) == nil && m.cache != nil
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stored[key] = kept; !kept {
		m.objects[key] = data
	}
	return key
}

// get gives summaries of objects that were kept.
func (m *Memory) get(key cache.Key) ([]byte, bool) {
	m.mu.Lock()
	data, ok := m.objects[key]
	m.mu.Unlock()
	if ok {
		return data, true
	}
	if data, ok = m.cache.Get(cache.Objects, key); !ok {
		m.mu.Lock()
		delete(m.stored, key)
		m.mu.Unlock()
	}
	return data, ok
}

// Save keeps what was remembered for other runs.
func (m *Memory) Save() {
	m.saveVerdicts()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cache == nil || !m.changed {
		return
	}
	for _, list := range m.units {
		for _, known := range list {
			if !known.used {
				known.idle++
			}
		}
	}
	// What can't be kept is found again.
	_ = m.cache.Put(cache.Units, m.pack, m.encode(func(*entry) bool { return true }))
	m.changed = false
}

// encode writes entries.
func (m *Memory) encode(which func(*entry) bool) []byte {
	var e wire.Encoder
	var entries int
	for _, list := range m.units {
		for _, known := range list {
			if which(known) {
				entries++
			}
		}
	}
	e.Int(entries)
	for key, list := range m.units {
		for _, known := range list {
			if !which(known) {
				continue
			}
			e.Bytes(key[:])
			e.Bytes(known.unit)
			e.Bytes(known.found)
			e.Bytes(known.objects[:])
			e.Text(known.id)
			e.Int(int(known.cost))
			e.Int(known.idle)
		}
	}
	return e.Buf
}

// Export is what was of use in this run, with the summaries of objects, for Import in
// another process.
func (m *Memory) Export() ([]byte, error) {
	m.mu.Lock()
	used := m.encode(func(known *entry) bool { return known.used })
	keys := map[cache.Key]bool{}
	for _, list := range m.units {
		for _, known := range list {
			if known.used && known.objects != (cache.Key{}) {
				keys[known.objects] = true
			}
		}
	}
	m.mu.Unlock()
	var e wire.Encoder
	e.Bytes(m.pack[:])
	e.Bytes(used)
	e.Int(len(keys))
	for key := range keys {
		data, ok := m.get(key)
		if !ok {
			return nil, errors.New("what was found could not be kept: the cache lost a part of it meanwhile")
		}
		e.Bytes(data)
	}
	return e.Buf, nil
}

// Import takes in what Export gave. It fails on what another program, or another
// configuration, gave.
func (m *Memory) Import(data []byte) error {
	m.load.Do(m.read)
	d := wire.NewDecoder(data)
	if pack := d.Bytes(); d.Err == nil && string(pack) != string(m.pack[:]) {
		return errors.New("it was made by another version of scantling, or under another configuration")
	}
	units, ok := decodeEntries(d.Bytes())
	objects := map[cache.Key][]byte{}
	for range d.Count() {
		data := d.Bytes()
		objects[sha256.Sum256(data)] = data
	}
	if !ok || !d.Done() {
		return errors.New("it is damaged")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, list := range units {
		m.units[key] = append(list, m.units[key]...)
	}
	maps.Copy(m.objects, objects)
	return nil
}

// costs are what the units of the last run took.
func (m *Memory) costs() map[string]time.Duration {
	m.load.Do(m.read)
	m.mu.Lock()
	defer m.mu.Unlock()
	costs := map[string]time.Duration{}
	for _, list := range m.units {
		for _, e := range list {
			costs[e.id] = max(costs[e.id], e.cost)
		}
	}
	return costs
}

// read reads what other runs kept.
func (m *Memory) read() {
	data, ok := m.cache.Get(cache.Units, m.pack)
	if !ok {
		return
	}
	units, ok := decodeEntries(data)
	if !ok {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.units = units
	for _, list := range units {
		for _, e := range list {
			m.stored[e.objects] = true
		}
	}
}

func decodeEntries(data []byte) (units map[render.Key][]*entry, ok bool) {
	d := wire.NewDecoder(data)
	units = map[render.Key][]*entry{}
	for range d.Count() {
		var key render.Key
		copy(key[:], d.Bytes())
		e := &entry{unit: d.Bytes(), found: d.Bytes()}
		copy(e.objects[:], d.Bytes())
		e.id, e.cost, e.idle = d.String(), time.Duration(d.Int()), d.Int()
		if e.idle <= maxIdle {
			units[key] = append(units[key], e)
		}
	}
	return units, d.Done()
}
