package parley

import (
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"

	"github.com/google/uuid"
)

// ObjectID is what `id` says of an object: the record, the version where it is not the one that the lens shows, and the
// axes that were asked for. So clients that keep objects by their ids never take one moment for another.
//
// It is written as the record's id, then ~r and the version, ~v and the valid instant, ~k and the known instant, each
// where there is one: at most 94 characters.
type ObjectID struct {
	Record  uuid.UUID
	Version uuid.UUID // nil: the one that the lens shows
	Lens    Lens      // its open axes mean nothing
}

// The marks before the parts of an object's id.
const (
	versionMark = "~r"
	validMark   = "~v"
	knownMark   = "~k"
)

// digits write bytes so that they sort as the bytes do, and need no escaping anywhere.
var digits = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// IsPlain reports whether the id is that of the record alone.
func (o ObjectID) IsPlain() bool { return o.Lens.Asked == 0 && o.Version == uuid.Nil }

// String writes the id.
func (o ObjectID) String() string { return string(o.Append(nil)) }

// Append appends the id.
func (o ObjectID) Append(b []byte) []byte {
	b = append(b, o.Record.String()...)
	if o.Version != uuid.Nil {
		b = digits.AppendEncode(append(b, versionMark...), o.Version[:])
	}
	if o.Lens.Asked&ValidAxis != 0 {
		b = appendInstant(append(b, validMark...), o.Lens.ValidAt)
	}
	if o.Lens.Asked&KnownAxis != 0 {
		b = appendInstant(append(b, knownMark...), o.Lens.KnownAt)
	}
	return b
}

// ReadObjectID parses an id. Each has one spelling; ok is false for all else.
func ReadObjectID(text string) (o ObjectID, ok bool) {
	record, rest, _ := strings.Cut(text, "~")
	id, err := uuid.Parse(record)
	if err != nil {
		return ObjectID{}, false
	}
	o.Record = id
	for part := range strings.SplitSeq(rest, "~") {
		switch bytes, _ := digits.DecodeString(part[min(1, len(part)):]); {
		case strings.HasPrefix(part, "r") && len(bytes) == len(o.Version):
			o.Version = uuid.UUID(bytes)
		case strings.HasPrefix(part, "v") && len(bytes) == 8:
			o.Lens.ValidAt, o.Lens.Asked = instantOf(bytes), o.Lens.Asked|ValidAxis
		case strings.HasPrefix(part, "k") && len(bytes) == 8:
			o.Lens.KnownAt, o.Lens.Asked = instantOf(bytes), o.Lens.Asked|KnownAxis
		}
	}
	if o.String() != text {
		return ObjectID{}, false
	}
	return o, true
}

// AsOf is the lens that the id asks for; nil: none.
func (o ObjectID) AsOf() *AsOf {
	var asOf AsOf
	if o.Lens.Asked&ValidAxis != 0 {
		asOf.ValidAt = &o.Lens.ValidAt
	}
	if o.Lens.Asked&KnownAxis != 0 {
		asOf.KnownAt = &o.Lens.KnownAt
	}
	if asOf == (AsOf{}) {
		return nil
	}
	return &asOf
}

// An instant is written as its microseconds since the earliest one.
func appendInstant(b []byte, at Instant) []byte {
	var bytes [8]byte
	binary.BigEndian.PutUint64(bytes[:], uint64(at.UnixMicro()-EarliestInstant.UnixMicro()))
	return digits.AppendEncode(b, bytes[:])
}

func instantOf(bytes []byte) Instant {
	at := time.UnixMicro(int64(binary.BigEndian.Uint64(bytes)) + EarliestInstant.UnixMicro()).UTC()
	if at.Before(EarliestInstant) || at.After(LatestInstant) {
		return Instant{}
	}
	return at
}
