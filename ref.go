package parley

import (
	"strings"

	"github.com/google/uuid"
)

// Ref is how a client names a record: by its id, or by its key where ID is zero. The zero Ref names nothing.
type Ref struct {
	ID  uuid.UUID
	Key string
}

// ReadRef reads what a client sends as a reference. A text with a NUL character, which no key has, names nothing.
func ReadRef(text string) Ref {
	if id, err := uuid.Parse(text); err == nil {
		return Ref{ID: id}
	}
	if strings.ContainsRune(text, 0) {
		return Ref{}
	}
	return Ref{Key: text}
}
