package check

import (
	"crypto/sha256"
	"sync"

	"github.com/scantling-dev/scantling/internal/cache"
	"github.com/scantling-dev/scantling/internal/wire"
	"github.com/scantling-dev/scantling/lint"
)

// verdicts are what is known of files, by their names and contents: a file that the
// rules on files have looked at in vain need not be looked at again. They hold
// nothing of a file but a digest. A nil *verdicts knows nothing. It is safe for
// concurrent use.
type verdicts struct {
	mu      sync.Mutex
	known   map[cache.Key]*verdict
	changed bool
}

type verdict struct {
	lint.Verdict
	idle int // for how many runs it was not used
	used bool
}

// verdictFormat changes with what is written.
const verdictFormat = 1

// fileKey identifies a file by its name, by which rules go, too, and its content.
func fileKey(f *lint.File) cache.Key {
	h := sha256.New()
	h.Write([]byte(f.Name + "\x00"))
	h.Write(f.Data)
	return cache.Key(h.Sum(nil))
}

// judge runs the rules on files over a file, those that have to look at it again if
// it is known.
func (v *verdicts) judge(l *lint.Linter, t *lint.Tree, f *lint.File) []lint.Finding {
	if v == nil {
		return l.File(t, f)
	}
	key := fileKey(f)
	v.mu.Lock()
	before := v.known[key]
	v.mu.Unlock()
	var known *lint.Verdict
	if before != nil {
		known = &before.Verdict
	}
	findings, now := l.FileAgain(t, f, known)
	v.mu.Lock()
	defer v.mu.Unlock()
	if before == nil {
		v.known[key] = &verdict{Verdict: *now, used: true}
		v.changed = true
	} else {
		before.used = true
	}
	return findings
}

// encode writes the verdicts that were of use, and those that may be of use again:
// on another branch. Most of them are alike.
func (v *verdicts) encode() []byte {
	var table wire.Encoder
	numbers := map[string]int{}
	var entries wire.Encoder
	kept := 0
	for key, known := range v.known {
		if known.used {
			known.idle = 0
		} else if known.idle++; known.idle > maxIdle {
			continue
		}
		var e wire.Encoder
		e.Texts(known.Again)
		e.Texts(known.Nothing)
		n, ok := numbers[string(e.Buf)]
		if !ok {
			n = len(numbers)
			numbers[string(e.Buf)] = n
			table.Buf = append(table.Buf, e.Buf...)
		}
		kept++
		entries.Bytes(key[:])
		entries.Int(n)
		entries.Int(known.idle)
	}
	var e wire.Encoder
	e.Int(verdictFormat)
	e.Int(len(numbers))
	e.Buf = append(e.Buf, table.Buf...)
	e.Int(kept)
	e.Buf = append(e.Buf, entries.Buf...)
	return e.Buf
}

// decodeVerdicts reads what encode wrote; none if it is damaged.
func decodeVerdicts(data []byte) map[cache.Key]*verdict {
	d := wire.NewDecoder(data)
	none := map[cache.Key]*verdict{}
	if d.Int() != verdictFormat {
		return none
	}
	table := make([]lint.Verdict, d.Count())
	for i := range table {
		table[i] = lint.Verdict{Again: d.Strings(), Nothing: d.Strings()}
	}
	known := map[cache.Key]*verdict{}
	for range d.Count() {
		key, n, idle := d.Bytes(), d.Int(), d.Int()
		if len(key) != len(cache.Key{}) || n < 0 || n >= len(table) {
			return none
		}
		known[cache.Key(key)] = &verdict{Verdict: table[n], idle: idle}
	}
	if !d.Done() {
		return none
	}
	return known
}

// verdicts are those that other runs found, under the same rules and configuration;
// nil for a memory that is nil.
func (m *Memory) verdicts() *verdicts {
	if m == nil {
		return nil
	}
	m.loadFiles.Do(func() {
		m.files = &verdicts{known: map[cache.Key]*verdict{}}
		if data, ok := m.cache.Get(cache.Files, m.pack); ok {
			m.files.known = decodeVerdicts(data)
		}
	})
	return m.files
}

// saveVerdicts keeps what was found out about files.
func (m *Memory) saveVerdicts() {
	v := m.files
	if v == nil || m.cache == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.changed {
		// What can't be kept is found again.
		_ = m.cache.Put(cache.Files, m.pack, v.encode())
		v.changed = false
	}
}
