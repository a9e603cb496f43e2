package graph

import (
	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/graph/level"
)

// recordID is the field id of a record: every id that clients are given is written by it. The generated tables call it
// with the record's id and the lens through which the record is seen.
func recordID[T any](self func(*T) (uuid.UUID, parley.Lens)) level.Field[T] {
	return level.Plain(func(o *T) uuid.UUID {
		id, _ := self(o)
		return id
	}, level.UUID)
}
