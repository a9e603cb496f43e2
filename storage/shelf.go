package storage

import (
	"github.com/google/uuid"

	"example.org/parley"
)

// shelf holds the records of one table that an operation has read, so that a reference to one of them reads nothing.
type shelf[T any] struct {
	table *table[T]
	added []held[T] // and not yet sorted in: most are never asked for again
	held  map[identity]held[T]
}

// identity is a record as seen through a lens.
type identity struct {
	id           uuid.UUID
	valid, known int64
}

type held[T any] struct {
	record  *T     // nil: there is none
	columns uint64 // those that were read
}

func identityOf(id uuid.UUID, lens parley.Lens) identity {
	return identity{id, lens.ValidAt.UnixMicro(), lens.KnownAt.UnixMicro()}
}

// shelfOf is the snapshot's shelf of a table.
func shelfOf[T any](s *Snapshot, t *table[T]) *shelf[T] {
	if own, ok := s.shelves[t].(*shelf[T]); ok {
		return own
	}
	if s.shelves == nil {
		s.shelves = make(map[any]any)
	}
	own := &shelf[T]{table: t}
	s.shelves[t] = own
	return own
}

// add keeps a record of which these columns were read.
func (s *shelf[T]) add(record *T, columns uint64) {
	s.added = append(s.added, held[T]{record, columns})
}

func (s *shelf[T]) put(key identity, h held[T]) {
	if s.held == nil {
		s.held = make(map[identity]held[T], len(s.added)+1)
	}
	if known, ok := s.held[key]; !ok || known.columns&^h.columns == 0 {
		s.held[key] = h
	}
}

// get finds a record of which at least these columns were read.
func (s *shelf[T]) get(key identity, columns uint64) (*T, bool) {
	for _, h := range s.added {
		id, lens := s.table.self(h.record)
		s.put(identityOf(*id, *lens), h)
	}
	s.added = s.added[:0]
	h, ok := s.held[key]
	return h.record, ok && columns&^h.columns == 0
}

// lacks finds what it holds, and says which keys are still to be read, each once, and which of them each key is: -1 for
// one that is found, or names nothing.
func (s *shelf[T]) lacks(keys []Key, columns uint64, found []*T) (missing []Key, places []int) {
	if len(keys) == 1 && (keys[0].Lens == (parley.Lens{}) || keys[0].Path != "") {
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
		if found[i], ok = s.get(key, columns); ok {
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
