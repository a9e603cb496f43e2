package storage

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// cursorDigits writes numbers in letters and digits that sort as the numbers do.
var cursorDigits = base32.HexEncoding.WithPadding(base32.NoPadding)

// beginning is the zero instant in microseconds. As a place in the feed, it comes before all changes.
var beginning = time.Time{}.UnixMicro()

// maxNumber is the largest number that is not taken for an instant. Before version 23 of the tables, cursors had the number of their
// change. Cursors of servers from before are accepted until all of these servers have been replaced, so that subscribers keep their places
// in an upgrade.
const maxNumber = 1 << 40

// cursor names a change of this database's feed by its recordedAt. A number would name another change after changes were
// lost: by a restored backup, or a failover to a server that lagged behind.
func (s *Store) cursor(recordedAt parley.Instant) parley.Cursor {
	digits := cursorDigits.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(recordedAt.UnixMicro()-beginning)))
	return parley.Cursor(*s.feed.Load() + strings.ToLower(digits))
}

// place finds the number of the change that a cursor names; 0 for the beginning of the feed. A cursor whose change is not
// on record is a fault.
func (s *Store) place(ctx context.Context, r *rows.Reader, cursor parley.Cursor) (int64, error) {
	refused := parley.NewFault(parley.BadCursor,
		"%q is not a cursor of this database's feed; take one from a change, a payload or another page.",
		string(cursor))
	digits, ours := strings.CutPrefix(string(cursor), *s.feed.Load())
	bytes, err := cursorDigits.DecodeString(strings.ToUpper(digits))
	if !ours || err != nil || len(bytes) != 8 {
		return 0, refused
	}
	at := time.UnixMicro(int64(binary.BigEndian.Uint64(bytes)) + beginning).UTC()
	switch {
	case s.cursor(at) != cursor || at.Before(time.Time{}) || at.After(parley.LatestInstant):
		return 0, refused
	case at.IsZero():
		return 0, nil
	}
	var seq int64
	statement, argument := `SELECT record_send(ROW(seq)) FROM {changes} WHERE recorded_at = $1`, any(rows.InstantArg(at))
	if number := at.UnixMicro() - beginning; number <= maxNumber {
		statement = `SELECT record_send(ROW(seq)) FROM {changes} WHERE seq = $1 AND recorded_at < (SELECT numbered_until FROM feed_head)`
		argument = number
	}
	err = r.Rows(ctx, statement, []any{argument}, func(sent rows.Row) { seq = sent.Next().Number() })
	if err != nil {
		return 0, fmt.Errorf("find a cursor's change: %w", err)
	}
	if seq == 0 {
		return 0, refused
	}
	return seq, nil
}
