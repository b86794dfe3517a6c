package source

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
)

// ErrUnmerged says that the index holds a file as the sides of a conflict.
var ErrUnmerged = errors.New("has a merge conflict")

// Staged is what the index holds of a file: what a commit would take.
type Staged struct {
	id  []byte
	new func() hash.Hash
}

// Staged looks a file up in the index. It is nil for a file that is not there, and
// outside of a git repository.
func (r *Repository) Staged(name string) (*Staged, error) {
	if r.git == nil {
		return nil, nil
	}
	if r.git.broken != nil {
		return nil, r.git.broken
	}
	format := r.git.config.objectFormat()
	idx, err := loadIndex(r.git.own, "index", format)
	if err != nil {
		return nil, fmt.Errorf("read the git index: %w", err)
	}
	for _, e := range idx.entries {
		if e.name != name || e.intended {
			continue
		}
		if e.stage != 0 {
			return nil, fmt.Errorf("%s %w: resolve it first", name, ErrUnmerged)
		}
		s := &Staged{id: e.id, new: sha1.New}
		if format == "sha256" {
			s.new = sha256.New
		}
		return s, nil
	}
	return nil, nil
}

// Is says that the index holds these bytes, if need be with the line ends that git
// gives them.
func (s *Staged) Is(data []byte) bool {
	return s.holds(data) || s.holds(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")))
}

func (s *Staged) holds(data []byte) bool {
	h := s.new()
	fmt.Fprintf(h, "blob %d\x00", len(data))
	h.Write(data)
	return bytes.Equal(h.Sum(nil), s.id)
}
