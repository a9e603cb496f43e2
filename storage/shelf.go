package storage

import (
	"github.com/google/uuid"

	"parley"
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
	own, ok := s.shelves[t].(*shelf[T])
	if !ok {
		own = &shelf[T]{table: t, held: make(map[identity]held[T])}
		s.shelves[t] = own
	}
	return own
}

// add keeps a record of which these columns were read.
func (s *shelf[T]) add(record *T, columns uint64) {
	s.added = append(s.added, held[T]{record, columns})
}

func (s *shelf[T]) put(key identity, h held[T]) {
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
	if len(keys) == 1 && keys[0].Lens == (parley.Lens{}) {
		return keys, []int{0}
	}
	asked := make(map[identity]int)
	places = make([]int, len(keys))
	for i, k := range keys {
		key := identityOf(k.ID, k.Lens)
		place, ok := asked[key]
		switch {
		case ok:
			places[i] = place
		case k.ID == uuid.Nil:
			places[i] = -1
		default:
			if found[i], ok = s.get(key, columns); ok {
				places[i] = -1
				continue
			}
			places[i], asked[key] = len(missing), len(missing)
			missing = append(missing, k)
		}
	}
	return missing, places
}
