package check

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/scantling-dev/scantling/internal/cache"
	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/internal/store"
	"github.com/scantling-dev/scantling/internal/wire"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/render"
)

// A whole run is kept, too: where nothing changed, nothing has to be found again.
// Its key holds what all files of the tree are; beside it stands what else was
// looked at, such as a file that git ignores or that is not there.

// outcomeKey identifies the run over a tree. ok is false for one that is not kept.
func outcomeKey(tree source.Tree, s Source, paths []string) (key cache.Key, plain map[string]bool, ok bool) {
	m := s.Memory
	if m == nil || m.cache == nil || s.Rendered != nil || s.Shard != nil || s.Verify != nil {
		return key, nil, false
	}
	files, plain, err := contents(tree)
	if err != nil {
		return key, nil, false
	}
	var e wire.Encoder
	e.Int(outcomeFormat)
	e.Bytes(m.pack[:])
	e.Bytes(files[:])
	e.Texts(paths)
	e.Texts(s.Remotes)
	// Suppressions may end with a day.
	e.Text(time.Now().UTC().Format(time.DateOnly))
	if e.Bool(s.Base != nil); s.Base != nil {
		base, _, err := contents(s.Base)
		if err != nil {
			return key, nil, false
		}
		e.Bytes(base[:])
		e.Text(s.HistoryID)
	}
	return sha256.Sum256(e.Buf), plain, true
}

// outcomeFormat changes with what is written.
const outcomeFormat = 1

// recallOutcome gives what a run over the same found.
func (m *Memory) recallOutcome(key cache.Key, tree source.Tree, kept *store.Store) *Outcome {
	data, ok := m.cache.Get(cache.Runs, key)
	if !ok {
		return nil
	}
	d := wire.NewDecoder(data)
	looks := render.DecodeLooks(&d)
	if sum := d.Bytes(); d.Err != nil || !sameSum(shown(tree, kept, looks), sum) {
		return nil
	}
	o := &Outcome{Graph: &render.Graph{}}
	o.Findings = lint.Decode(&d, nil)
	o.Objects = d.Int()
	for range d.Count() {
		o.Graph.Units = append(o.Graph.Units, &render.Unit{Kind: render.Kind(d.String()), Path: d.String(), Name: d.String(),
			Status: render.Status(d.String()), Reason: d.String(), Objects: d.Int(), Cluster: d.String()})
	}
	for range d.Count() {
		o.needs = append(o.needs, store.Request{Kind: store.Kind(d.String()), URL: d.String(), Name: d.String(), Version: d.String()})
	}
	if !d.Done() {
		return nil
	}
	return o
}

func sameSum(sum [sha256.Size]byte, kept []byte) bool { return string(sum[:]) == string(kept) }

// keepOutcome keeps what a run found.
func (m *Memory) keepOutcome(key cache.Key, o *Outcome, tree source.Tree, kept *store.Store, looks []render.Look) {
	if !o.lasting || slices.ContainsFunc(looks, render.Look.Telling) {
		return
	}
	var e wire.Encoder
	render.EncodeLooks(&e, looks)
	sum := shown(tree, kept, looks)
	e.Bytes(sum[:])
	lint.Encode(&e, o.Findings, nil)
	e.Int(o.Objects)
	e.Int(len(o.Graph.Units))
	for _, u := range o.Graph.Units {
		for _, s := range []string{string(u.Kind), u.Path, u.Name, string(u.Status), u.Reason} {
			e.Text(s)
		}
		e.Int(u.Objects)
		e.Text(u.Cluster)
	}
	e.Int(len(o.needs))
	for _, q := range o.needs {
		for _, s := range []string{string(q.Kind), q.URL, q.Name, q.Version} {
			e.Text(s)
		}
	}
	// What can't be kept is found again.
	_ = m.cache.Put(cache.Runs, key, e.Buf)
}

// Tree checks a tree, or of it only what the given paths concern. Paths are
// slash paths from the root.
func Tree(ctx context.Context, tree source.Tree, c *config.Config, s Source, paths []string) (*Outcome, error) {
	if s.Decrypt != nil {
		// What was decrypted is not to be kept.
		s.Memory = nil
	}
	key, plain, keeps := outcomeKey(tree, s, paths)
	if !keeps {
		return checkTree(ctx, tree, c, s, paths)
	}
	if o := s.Memory.recallOutcome(key, tree, s.Store); o != nil {
		return o, nil
	}
	seen := &render.Looks{}
	o, err := checkTree(ctx, &watched{tree, seen}, c, s, paths)
	if err == nil {
		s.Memory.keepOutcome(key, o, tree, s.Store, beside(seen.List(), plain))
	}
	return o, err
}
