package parley

import (
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Ref is a client's reference to a record: an id, or a key if ID is zero. The zero Ref refers to nothing.
type Ref struct {
	ID  uuid.UUID
	Key string
}

// ReadRef parses a reference. The id of an object refers to its record, whatever lens it was seen through. A text with a
// NUL character, or with bytes that are not UTF-8, refers to nothing, because no key has them.
func ReadRef(text string) Ref {
	if id, err := uuid.Parse(text); err == nil {
		return Ref{ID: id}
	}
	if o, ok := ReadObjectID(text); ok {
		return Ref{ID: o.Record}
	}
	if strings.ContainsAny(text, "\x00~") || !utf8.ValidString(text) {
		return Ref{}
	}
	return Ref{Key: text}
}
