package rows

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/google/uuid"

	"example.org/parley"
)

// Row is the rest of a row that has still to be read. A statement selects one value a row, made by record_send: the
// whole row in PostgreSQL's binary form. It costs the server and us a fraction of a text for every column, and is read
// without a look at types.
type Row struct{ rest []byte }

func newRow(sent []byte) Row { return Row{sent[4:]} } // the first four bytes are the number of columns

// Next takes the next column: the number of its type, its length, its bytes.
func (r *Row) Next() Value {
	length := int32(binary.BigEndian.Uint32(r.rest[4:]))
	if length < 0 {
		r.rest = r.rest[8:]
		return nil
	}
	v := r.rest[8 : 8+length]
	r.rest = r.rest[8+length:]
	return v
}

// IsNull says whether the next column is NULL.
func (r *Row) IsNull() bool { return int32(binary.BigEndian.Uint32(r.rest[4:])) < 0 }

// skip passes over columns.
func (r *Row) skip(columns int) {
	for range columns {
		r.Next()
	}
}

// Value is a column in binary form, valid until the next row is read. Nil is NULL.
type Value []byte

// Text reads a text or an enum.
func (v Value) Text() string { return string(v) }

// Flag reads a boolean.
func (v Value) Flag() bool { return v[0] != 0 }

// ID reads a uuid.
func (v Value) ID() uuid.UUID { return uuid.UUID(v) }

// Int reads an integer of any width.
func (v Value) Int() int { return int(v.Number()) }

// Float reads a float8.
func (v Value) Float() float64 { return math.Float64frombits(binary.BigEndian.Uint64(v)) }

// Number reads an integer of any width.
func (v Value) Number() int64 {
	switch len(v) {
	case 2:
		return int64(int16(binary.BigEndian.Uint16(v)))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(v)))
	}
	return int64(binary.BigEndian.Uint64(v))
}

// year2000 is when PostgreSQL's microseconds begin, in microseconds of Unix.
const year2000 = 946_684_800_000_000

// Time reads a timestamptz that is finite.
func (v Value) Time() parley.Instant {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(v)) + year2000).UTC()
}

// OptionalTime reads a timestamptz; nil where it is NULL or infinite.
func (v Value) OptionalTime() *parley.Instant {
	if v == nil {
		return nil
	}
	if micros := int64(binary.BigEndian.Uint64(v)); micros == math.MaxInt64 || micros == math.MinInt64 {
		return nil
	}
	at := v.Time()
	return &at
}

// Elements are those of an array with one dimension or none.
func (v Value) Elements() []Value {
	const header, dimension = 12, 8
	if len(v) < header+dimension {
		return nil
	}
	list := make([]Value, binary.BigEndian.Uint32(v[header:]))
	rest := v[header+dimension:]
	for i := range list {
		length := binary.BigEndian.Uint32(rest)
		list[i], rest = rest[4:4+length], rest[4+length:]
	}
	return list
}
