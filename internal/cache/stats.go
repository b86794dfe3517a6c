package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// Stats are what a cache holds.
type Stats struct {
	Dir     string
	MaxSize int64
	Entries int
	Bytes   int64
	Kinds   []KindStats // all kinds, also those without entries
	// Oldest and Newest are when the entries were last used, to the hour; zero
	// without entries.
	Oldest, Newest time.Time
	// Refused is why the folder is not used; nil if it is.
	Refused error
}

// KindStats are what a cache holds of one kind.
type KindStats struct {
	Kind    Kind
	Entries int
	Bytes   int64
}

// Stats counts what is there. A folder that is not there holds nothing.
func (c *Cache) Stats() (Stats, error) {
	var s Stats
	if c == nil {
		return s, nil
	}
	s.Dir, s.MaxSize = c.dir, c.maxSize
	root, err := c.folder(false)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Refused = err
	}
	for _, kind := range Kinds() {
		k := KindStats{Kind: kind}
		var files []file
		if root != nil {
			if files, err = list(root, kind); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return s, fmt.Errorf("looking at the cache: %w", err)
			}
		}
		for _, f := range files {
			k.Bytes += f.size
			if f.temporary {
				continue
			}
			k.Entries++
			if s.Oldest.IsZero() || f.used.Before(s.Oldest) {
				s.Oldest = f.used
			}
			if f.used.After(s.Newest) {
				s.Newest = f.used
			}
		}
		s.Entries += k.Entries
		s.Bytes += k.Bytes
		s.Kinds = append(s.Kinds, k)
	}
	return s, nil
}

// Clear removes all entries. What is not the cache's own stays.
func (c *Cache) Clear() error {
	if c == nil {
		return nil
	}
	root, err := c.folder(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var failed []error
	remove := func(name string) {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
		}
	}
	for _, kind := range Kinds() {
		files, err := list(root, kind)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				failed = append(failed, fmt.Errorf("%s: %w", kind, err))
			}
			continue
		}
		for _, f := range files {
			remove(f.name)
		}
	}
	remove(journal)
	if len(failed) > 0 {
		return fmt.Errorf("clearing the cache %s: %w", c.dir, errors.Join(failed...))
	}
	return nil
}
