package storage

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"example.org/parley"
)

// Snapshot is the record as of one instant, for all the reads of one operation. It is no transaction: what was known at
// an instant can be told from every row for ever, so it takes no more than reading through one lens, whatever is
// recorded meanwhile.
type Snapshot struct {
	reader
	// lens is now on both axes, and head the number of the last change in it: both as the first statement found them.
	lens *parley.Lens
	head int64

	// shared is what other operations have read already that look through the same lenses only; nil: nobody.
	shared *Shared

	// together counts what the operation puts together of parties and scenarios, or scores.
	together atomic.Int64

	turn    sync.Mutex
	shelves map[any]any // by table: what was read
}

// Snapshot makes one. Its instant is that of its first read.
func (s *Store) Snapshot() *Snapshot {
	snapshot := &Snapshot{reader: reader{store: s}}
	snapshot.snapshot = snapshot
	return snapshot
}

// SharedSnapshot makes one that shares what it reads.
func (s *Store) SharedSnapshot(shared *Shared) *Snapshot {
	snapshot := s.Snapshot()
	snapshot.shared = shared
	return snapshot
}

// Lens is now on both axes: what an operation that asks for nothing else is read through.
func (s *Snapshot) Lens(ctx context.Context) (parley.Lens, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	err := s.settle(ctx)
	if err != nil {
		return parley.Lens{}, err
	}
	return *s.lens, nil
}

// settle reads the lens, unless it is known.
func (s *Snapshot) settle(ctx context.Context) error {
	if s.lens != nil {
		return nil
	}
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	s.learn(parley.Lens{ValidAt: now.now, KnownAt: now.recordedAt}, now.seq)
	return nil
}

// learn fixes the snapshot's instant.
func (s *Snapshot) learn(lens parley.Lens, head int64) {
	s.lens, s.head = &lens, head
	s.store.mark.raise(lens.KnownAt)
}

// reader reads: for a snapshot what was known at an instant, for a writer, in its transaction, what is open now.
type reader struct {
	store    *Store
	tx       *sqlx.Tx  // of a writer
	snapshot *Snapshot // nil for a writer
}

// rows runs a statement whose every row is one value made by record_send.
func (r *reader) rows(ctx context.Context, text string, args []any, each func(row)) error {
	if r.snapshot != nil && r.snapshot.shared != nil {
		return r.snapshot.shared.rows(ctx, r, text, args, each)
	}
	return r.counted(ctx, text, args, each)
}

func (r *reader) counted(ctx context.Context, text string, args []any, each func(row)) error {
	r.store.statements.Add(1)
	return r.uncounted(ctx, text, args, each)
}

func (r *reader) uncounted(ctx context.Context, text string, args []any, each func(row)) error {
	if r.tx == nil {
		return tooLong(r.store.reads.query(ctx, text, args, each))
	}
	rows, err := r.tx.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var sent sql.RawBytes
		if err := rows.Scan(&sent); err != nil {
			return err
		}
		each(newRow(sent))
	}
	return rows.Err()
}

// tooLong tells a client whose read ran into the time limit what to do.
func tooLong(err error) error {
	if pq.As(err, pqerror.QueryCanceled) != nil {
		return parley.NewFault(parley.Limit, "Reading this takes too long; ask for less at once, with smaller pages (first) or narrower filters.")
	}
	return err
}

type now struct {
	now, recordedAt parley.Instant
	seq             int64
}

// now is the database's clock, or the last recordedAt where the clock was stepped back behind it.
func (r *reader) now(ctx context.Context) (n now, err error) {
	err = r.rows(ctx, `
		SELECT record_send(ROW(greatest(clock_timestamp(), recorded_at), recorded_at, seq))
		FROM feed_head`, nil, func(sent row) {
		n = now{now: readTime(sent.next()), recordedAt: readTime(sent.next()), seq: sent.next().number()}
	})
	if err != nil {
		return now{}, fmt.Errorf("read the head of the feed: %w", err)
	}
	return n, nil
}
