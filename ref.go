package parley

import (
	"strings"

	"github.com/google/uuid"
)

// Ref is a client's reference to a record: an id, or a key if ID is zero. The zero Ref refers to nothing.
type Ref struct {
	ID  uuid.UUID
	Key string
}

// ReadRef parses a reference. A text with a NUL character refers to nothing, because no key has one.
func ReadRef(text string) Ref {
	if id, err := uuid.Parse(text); err == nil {
		return Ref{ID: id}
	}
	if strings.ContainsRune(text, 0) {
		return Ref{}
	}
	return Ref{Key: text}
}
