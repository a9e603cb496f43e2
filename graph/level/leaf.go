package level

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
)

// Leaf appends a value that has no selections.
type Leaf[V any] func(r *run, b []byte, v V) ([]byte, Outcome)

// Leaves is the shape of leaf values.
func Leaves[V any](leaf Leaf[V]) Shape[V] {
	return func(at *place, values []V) Column { return leaves[V]{at.run, leaf, values} }
}

type leaves[V any] struct {
	run    *run
	leaf   Leaf[V]
	values []V
}

func (c leaves[V]) append(b []byte, i int) ([]byte, Outcome) { return c.leaf(c.run, b, c.values[i]) }

// Optional is a leaf that may be nil.
func Optional[V any](leaf Leaf[V]) Leaf[*V] {
	return func(r *run, b []byte, v *V) ([]byte, Outcome) {
		if v == nil {
			return b, Null
		}
		return leaf(r, b, *v)
	}
}

// LeafList is a list of leaves. declared is its type in the schema, such as "[String!]!".
func LeafList[V any](leaf Leaf[V], declared string) Leaf[[]V] {
	of := typeOf(declared)
	return func(r *run, b []byte, values []V) ([]byte, Outcome) {
		if values == nil && !of.nonNull {
			return b, Null
		}
		return of.list(r, b, len(values), func(b []byte, n int) ([]byte, Outcome) { return leaf(r, b, values[n]) })
	}
}

// Appended is a leaf with its own function to append it.
func Appended[V any](appended func(b []byte, v V) []byte) Leaf[V] {
	return func(_ *run, b []byte, v V) ([]byte, Outcome) { return appended(b, v), Value }
}

// Marshalled is a leaf that gqlgen's marshaller writes.
func Marshalled[V any](marshaler func(V) graphql.Marshaler) Leaf[V] {
	return func(_ *run, b []byte, v V) ([]byte, Outcome) {
		m := marshaler(v)
		if m == graphql.Null {
			return b, MarshalledNull
		}
		w := bytes.NewBuffer(b)
		m.MarshalGQL(w)
		return w.Bytes(), Value
	}
}

// Text appends a string or an enum value.
func Text[V ~string](_ *run, b []byte, v V) ([]byte, Outcome) {
	return AppendString(b, string(v)), Value
}

// Int appends an integer.
func Int[V ~int](_ *run, b []byte, v V) ([]byte, Outcome) {
	return strconv.AppendInt(b, int64(v), 10), Value
}

// Boolean appends true or false.
func Boolean(_ *run, b []byte, v bool) ([]byte, Outcome) { return strconv.AppendBool(b, v), Value }

// UUID appends an id. The nil UUID is written as null.
func UUID(_ *run, b []byte, id uuid.UUID) ([]byte, Outcome) {
	if id == uuid.Nil {
		return b, MarshalledNull
	}
	return AppendUUID(b, id), Value
}

// AppendUUID appends an id as a JSON string.
func AppendUUID(b []byte, id uuid.UUID) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i, octet := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, digits[octet>>4], digits[octet&15])
	}
	return append(b, '"')
}

// AppendString appends s as a JSON string. Invalid UTF-8 becomes the replacement character.
func AppendString(b []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, `\u00`...)
			b = append(b, digits[c>>4], digits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
