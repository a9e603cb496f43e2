package storage

import (
	"encoding/base32"
	"encoding/binary"
	"strings"

	"example.org/parley"
)

// cursorNumber writes a feed number in letters and digits that sort as the number does.
var cursorNumber = base32.HexEncoding.WithPadding(base32.NoPadding)

// cursor names a place in this database's feed.
func (s *Store) cursor(seq int64) parley.Cursor {
	number := cursorNumber.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(seq)))
	return parley.Cursor(s.feed + strings.ToLower(number))
}

// seq reads a cursor of this database's feed, no later than head.
func (s *Store) seq(cursor parley.Cursor, head int64) (int64, error) {
	refused := parley.NewFault(parley.BadCursor,
		"%q is not a cursor of this database's feed; take one from a change, a payload or another page.",
		string(cursor))
	number, ours := strings.CutPrefix(string(cursor), s.feed)
	bytes, err := cursorNumber.DecodeString(strings.ToUpper(number))
	if !ours || err != nil || len(bytes) != 8 {
		return 0, refused
	}
	seq := int64(binary.BigEndian.Uint64(bytes))
	if seq < 0 || seq > head || s.cursor(seq) != cursor {
		return 0, refused
	}
	return seq, nil
}
