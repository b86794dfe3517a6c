package check

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/scantling-dev/scantling/render"
)

// Shard is one of several parts of the units of a repository, each for a machine of
// its own.
type Shard struct {
	// Index is the part's number, from 1; Of is how many there are.
	Index, Of int

	of map[string]int // by the unit's id
}

// Holds says that a unit is of this part. Every unit is of exactly one, as long as
// all parts know the same costs.
func (s *Shard) Holds(u *render.Unit) bool {
	id := u.ID()
	if part, ok := s.of[id]; ok {
		return part == s.Index
	}
	sum := sha256.Sum256([]byte(id))
	return int(binary.BigEndian.Uint32(sum[:])%uint32(s.Of))+1 == s.Index
}

// plan gives the units whose cost is known to the parts, the dearest first, each to
// the part that has least to do so far.
func (s *Shard) plan(costs map[string]time.Duration) {
	ids := make([]string, 0, len(costs))
	for id := range costs {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(costs[b], costs[a]), cmp.Compare(a, b)) })
	load := make([]time.Duration, s.Of)
	s.of = make(map[string]int, len(ids))
	for _, id := range ids {
		least := 0
		for i := range load {
			if load[i] < load[least] {
				least = i
			}
		}
		s.of[id] = least + 1
		load[least] += max(costs[id], time.Millisecond)
	}
}
