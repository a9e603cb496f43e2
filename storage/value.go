package storage

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/google/uuid"

	"example.org/parley"
)

// Rows come as one value each: record_send writes a whole row in PostgreSQL's binary form, which costs the server and us
// a fraction of what a text for every column does, and is read without a look at types.

// row is what is left of a row to read.
type row struct{ rest []byte }

func newRow(sent []byte) row { return row{sent[4:]} } // the number of columns is known

// next takes the next column: the number of its type, its length, its bytes.
func (r *row) next() value {
	length := int32(binary.BigEndian.Uint32(r.rest[4:]))
	if length < 0 {
		r.rest = r.rest[8:]
		return nil
	}
	v := r.rest[8 : 8+length]
	r.rest = r.rest[8+length:]
	return v
}

// isNull says whether the next column is NULL.
func (r *row) isNull() bool { return int32(binary.BigEndian.Uint32(r.rest[4:])) < 0 }

// skip passes over columns.
func (r *row) skip(columns int) {
	for range columns {
		r.next()
	}
}

// value is a column in binary form, valid until the next row is read; nil is NULL.
type value []byte

func (v value) text() string     { return string(v) }
func (v value) flag() bool       { return v[0] != 0 }
func (v value) id() uuid.UUID    { return uuid.UUID(v) }
func (v value) instant() instant { return instant(binary.BigEndian.Uint64(v)) }

func (v value) number() int64 {
	switch len(v) {
	case 2:
		return int64(int16(binary.BigEndian.Uint16(v)))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(v)))
	}
	return int64(binary.BigEndian.Uint64(v))
}

// instant is a timestamptz: microseconds since 2000.
type instant int64

const year2000 = 946_684_800_000_000

func (t instant) isInfinite() bool     { return t == math.MaxInt64 || t == math.MinInt64 }
func (t instant) time() parley.Instant { return time.UnixMicro(int64(t) + year2000).UTC() }

// elements are those of an array with one dimension or none.
func (v value) elements() []value {
	const header, dimension = 12, 8
	if len(v) < header+dimension {
		return nil
	}
	list := make([]value, binary.BigEndian.Uint32(v[header:]))
	rest := v[header+dimension:]
	for i := range list {
		length := binary.BigEndian.Uint32(rest)
		list[i], rest = rest[4:4+length], rest[4+length:]
	}
	return list
}
