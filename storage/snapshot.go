package storage

import (
	"sync/atomic"

	"example.org/parley/storage/rows"
)

// What callers need of package rows.
type (
	// Key asks for what belongs to a record, seen through a lens.
	Key = rows.Key
	// Fields are the fields selected of a record; nil selects everything.
	Fields = rows.Fields
	// Watch follows the SQL statements of an operation, and WatchKey is its key in contexts.
	Watch    = rows.Watch
	WatchKey = rows.WatchKey
	// Shared holds what operations that look through the same lenses have read.
	Shared = rows.Shared
)

// KeyOf asks for the record that a client names by its id or key.
func KeyOf(ref string) Key { return rows.KeyOf(ref) }

// NewFields selects fields; none selects a record's identity only.
func NewFields(beneath map[string]*Fields) *Fields { return rows.NewFields(beneath) }

// Snapshot is the record as of one instant, for all the reads of one operation.
type Snapshot struct {
	*rows.Snapshot
	store *Store
	// together counts what the operation puts together: parties and scenarios, and assessments that are scored.
	together atomic.Int64
}

// Snapshot begins one. Its instant is that of its first read.
func (s *Store) Snapshot() *Snapshot { return s.SharedSnapshot(nil) }

// Anew begins another for the same operation.
func (s *Snapshot) Anew() *Snapshot {
	fresh := s.store.Snapshot()
	fresh.together.Store(s.together.Load())
	return fresh
}

// SharedSnapshot begins one that shares what it reads.
func (s *Store) SharedSnapshot(shared *Shared) *Snapshot {
	return &Snapshot{Snapshot: s.source.Snapshot(shared), store: s}
}
