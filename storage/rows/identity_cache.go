package rows

import (
	"github.com/google/uuid"

	"example.org/parley"
)

// identityCache holds the records of one table that an operation has read, so that a reference to one of them reads
// nothing.
type identityCache[T any] struct {
	table *Table[T]
	added []held[T] // and not yet sorted in: most are never asked for again
	held  map[identity]held[T]
}

// identity is a record as seen through a lens: all of it, since answers name the lens.
type identity struct {
	id           uuid.UUID
	valid, known int64
	asked        parley.Axes
}

type held[T any] struct {
	record  *T     // nil: there is none
	columns uint64 // those that were read
}

func identityOf(id uuid.UUID, lens parley.Lens) identity {
	return identity{id, lens.ValidAt.UnixMicro(), lens.KnownAt.UnixMicro(), lens.Asked}
}

// cacheOf is the snapshot's cache of a table.
func cacheOf[T any](s *Snapshot, t *Table[T]) *identityCache[T] {
	if own, ok := s.caches[t].(*identityCache[T]); ok {
		return own
	}
	if s.caches == nil {
		s.caches = make(map[any]any)
	}
	own := &identityCache[T]{table: t}
	s.caches[t] = own
	return own
}

// add keeps a record of which these columns were read.
func (c *identityCache[T]) add(record *T, columns uint64) {
	c.added = append(c.added, held[T]{record, columns})
}

func (c *identityCache[T]) put(key identity, h held[T]) {
	if c.held == nil {
		c.held = make(map[identity]held[T], len(c.added)+1)
	}
	if known, ok := c.held[key]; !ok || known.columns&^h.columns == 0 {
		c.held[key] = h
	}
}

// get finds a record of which at least these columns were read.
func (c *identityCache[T]) get(key identity, columns uint64) (*T, bool) {
	for _, h := range c.added {
		id, lens := c.table.Self(h.record)
		c.put(identityOf(*id, *lens), h)
	}
	c.added = c.added[:0]
	h, ok := c.held[key]
	return h.record, ok && columns&^h.columns == 0
}

// lacks fills in the records that it holds. It returns the keys that are still to be read, each once, and for every key
// its place among those: -1 for one that is found, or names nothing.
func (c *identityCache[T]) lacks(keys []Key, columns uint64, found []*T) (missing []Key, places []int) {
	if len(keys) == 1 && (keys[0].Lens.IsZero() || keys[0].Path != "") {
		return keys, []int{0}
	}
	places = make([]int, len(keys))
	var asked map[identity]int
	for i, k := range keys {
		places[i] = -1
		if k.ID == uuid.Nil {
			continue
		}
		key := identityOf(k.ID, k.Lens)
		var ok bool
		if found[i], ok = c.get(key, columns); ok {
			continue
		}
		if places[i], ok = asked[key]; ok {
			continue
		}
		if asked == nil {
			asked = make(map[identity]int, len(keys)-i)
		}
		places[i], asked[key] = len(missing), len(missing)
		missing = append(missing, k)
	}
	return missing, places
}
