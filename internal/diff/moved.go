package diff

import (
	"slices"
	"strings"
)

// maxWaiting is how many findings of the base that look the same are held
// against one of head.
const maxWaiting = 50

// follow looks for what has another key in each tree, since a file was moved or an
// object, its namespace or its unit was renamed, by the place where it is written:
// the document that holds it is looked for in the other tree. What still stands
// where it stood is no origin of a move, so that a copy stays new.
func follow(heads, bases []*entry, o *Options) *moves {
	m := newMoves(o)
	if o.Head == nil || o.Base == nil {
		return m
	}
	head, base := left(heads, o.BaseFailed), left(bases, o.HeadFailed)
	names := map[string]bool{}
	m.awaited(names, head, base, false)
	m.awaited(names, base, head, false)
	m.awaited(names, head, bases, true)
	m.awaited(names, base, heads, true)
	m.documents(names)
	return m
}

// left are the findings that have no partner, and may have one: what a unit has
// that failed in the other tree is not known to be gone.
func left(list []*entry, failed map[string]bool) []*entry {
	return slices.DeleteFunc(unmatched(list), func(e *entry) bool { return all(e.Units, failed) })
}

// awaited notes the files of findings for which there may be another one of the
// other tree. With shared those are looked for that others than these have as a
// partner: what was said of one file may now be said of two. Such a file differs.
func (m *moves) awaited(names map[string]bool, list, others []*entry, shared bool) {
	there := map[parts][]*entry{}
	for _, e := range others {
		for _, k := range e.keys {
			if p, ok := partsOf(k); ok && (!shared || p.kind == "") {
				there[p.loose(shared)] = append(there[p.loose(shared)], e)
			}
		}
	}
	seen := map[parts]bool{}
	for _, e := range list {
		for _, k := range e.keys {
			p, ok := partsOf(k)
			if !ok || len(there[p.loose(shared)]) == 0 {
				continue
			}
			names[e.Origin.File] = true
			if p = p.loose(shared); !shared || seen[p] {
				continue
			}
			seen[p] = true
			for _, other := range there[p] {
				if !m.unchanged(other.Origin.File) {
					names[other.Origin.File] = true
				}
			}
		}
	}
}

// loose is what stays of a key where a name or a file is another one.
func (p parts) loose(file bool) parts {
	if file {
		return parts{rule: p.rule, kind: p.kind, stable: p.stable}
	}
	return parts{rule: p.rule, group: p.group, kind: p.kind}
}

// split excuses what is said of a file to which a document was moved, and was said
// of the file that it was in: there it is still said, or is said of other
// documents. The text that it is said of must have been there. The reverse holds
// for files that were joined.
func (m *moves) split(list, others []*entry, side int) {
	type said struct{ rule, stable, file string }
	before := map[said]bool{}
	for _, e := range others {
		for _, k := range e.keys {
			if p, ok := partsOf(k); ok && p.kind == "" {
				before[said{p.rule, p.stable, e.Origin.File}] = true
			}
		}
	}
	for _, e := range list {
		if e.matched || e.Object.Kind != "" {
			continue
		}
		f := m.files[side][e.Origin.File]
		d := f.at(e.Origin.Line)
		origin := m.from[d]
		if side == inBase {
			origin = m.to[d]
		}
		if origin == nil || origin.file.name == e.Origin.File || !origin.holds(f.line(e.Origin.Line)) {
			continue
		}
		for _, k := range e.keys {
			if p, ok := partsOf(k); ok && before[said{p.rule, p.stable, origin.file.name}] {
				e.matched = true
			}
		}
	}
}

// parts are what a key consists of.
type parts struct{ rule, group, kind, namespace, name, stable, file string }

// partsOf takes a key of lint apart. ok is false for one of an object whose
// names can be no names.
func partsOf(key string) (parts, bool) {
	f := strings.Split(key, "\x00")
	if len(f) != 7 {
		return parts{}, false
	}
	return parts{f[0], f[1], f[2], f[3], f[4], f[5], f[6]}, true
}

// site is where a finding is written, as head has it: a document, or a file of
// which no document can be told.
type site struct {
	document *document
	file     string
}

// trace is what a finding is known by when its names do not tell.
type trace struct {
	site
	rule, group, kind, stable string
	// key is the finding's own where it must be the same.
	key string
	// name, line and message tell those apart that are alike otherwise.
	name, line, message string
}

// ways are how a finding is looked for at a site, the surest first.
const ways = 4

// traces are the traces of a finding by one of the ways, with its key if it is
// named.
func (m *moves) traces(e *entry, at site, way int, named bool) []trace {
	line, own := m.line(e)
	var list []trace
	for _, k := range e.keys {
		p, ok := partsOf(k)
		if !ok {
			continue
		}
		t := trace{site: at, rule: p.rule, group: p.group, kind: p.kind}
		if named {
			t.key = k
		}
		switch {
		case way < 2 && line != "":
			t.line = line
		case !own:
			// One document may give many objects: without the line only their names
			// tell which it is about.
			t.name = withoutHash(p.kind, p.name)
		}
		if way%2 == 0 {
			t.message = e.Message
		}
		for _, t.stable = range []string{p.stable, hideName(p.stable, p.name)} {
			if !slices.Contains(list, t) {
				list = append(list, t)
			}
		}
	}
	return list
}

// hideName leaves the name of the object out of a path: who renames a Deployment
// often renames its container, too.
func hideName(stable, name string) string {
	if name == "" {
		return stable
	}
	return strings.ReplaceAll(stable, "["+name+"]", "[*]")
}

// withoutHash is the name of an object without what kustomize makes of its content:
// ten characters behind a dash.
func withoutHash(kind, name string) string {
	at := len(name) - 11
	if kind != "ConfigMap" && kind != "Secret" || at < 1 || name[at] != '-' || strings.Trim(name[at+1:], "bcdfghkmt2456789") != "" {
		return name
	}
	return name[:at]
}

// pair gives the findings of head those of base that were written at the same
// site, and have the same key if they are named.
func (m *moves) pair(heads, bases []*entry, named bool) {
	head, base := left(heads, m.BaseFailed), left(bases, m.HeadFailed)
	if !named {
		common(head, base)
		m.once(heads, bases)
	}
	for way := range ways {
		waiting := map[trace][]*entry{}
		for _, b := range base {
			at, ok := m.now(b)
			if b.matched || !ok {
				continue
			}
			for _, t := range m.traces(b, at, way, named) {
				waiting[t] = append(waiting[t], b)
			}
		}
		for _, h := range head {
			if h.matched {
				continue
			}
			for _, t := range m.traces(h, m.here(h), way, named) {
				list := slices.DeleteFunc(waiting[t], func(b *entry) bool { return b.matched })
				waiting[t] = list
				i := slices.IndexFunc(list[:min(len(list), maxWaiting)], func(b *entry) bool { return m.sameUnits(h, b) })
				if i >= 0 {
					h.matched, list[i].matched = true, true
					break
				}
			}
		}
	}
}

// sameUnits says that two findings about objects may be seen through the same
// units, which may be called otherwise. Where a place was not moved, what another
// unit has that was there before is another finding.
func (m *moves) sameUnits(h, b *entry) bool {
	if h.Object.Kind == "" || len(h.Units) == 0 || len(b.Units) == 0 || h.Origin.File != b.Origin.File {
		return true
	}
	return slices.ContainsFunc(h.Units, func(u string) bool { return !m.BaseUnits[u] || slices.Contains(b.Units, u) }) ||
		slices.ContainsFunc(b.Units, func(u string) bool { return !m.HeadUnits[u] })
}
