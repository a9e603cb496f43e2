package storage

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"parley"
)

// Snapshot is the record as of one instant, for all the reads of one operation. It is no transaction: what was known at
// an instant can be told from every row for ever, so it takes no more than reading through one lens, whatever is
// recorded meanwhile.
type Snapshot struct {
	reader
	// lens is now on both axes, and head the number of the last change in it: both as the first statement found them.
	lens *parley.Lens
	head int64

	turn    sync.Mutex
	shelves map[any]any // by table: what was read
}

// Snapshot makes one. Its instant is that of its first read.
func (s *Store) Snapshot() *Snapshot {
	snapshot := &Snapshot{reader: reader{store: s}, shelves: make(map[any]any)}
	snapshot.snapshot = snapshot
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
	s.lens, s.head = &parley.Lens{ValidAt: now.Now.UTC(), KnownAt: now.RecordedAt.UTC()}, now.Seq
	return nil
}

// reader reads: for a snapshot what was known at an instant, for a writer, in its transaction, what is open now.
type reader struct {
	store    *Store
	tx       *sqlx.Tx  // of a writer
	snapshot *Snapshot // nil for a writer
}

// all reads every row of a statement into the slice that dest points to.
func (r *reader) all(ctx context.Context, dest any, statement string, args ...any) error {
	r.store.statements.Add(1)
	if r.tx == nil {
		return r.store.reads.db.SelectContext(ctx, dest, statement, args...)
	}
	return r.tx.SelectContext(ctx, dest, statement, args...)
}

// rows runs a statement whose every row is one value made by record_send.
func (r *reader) rows(ctx context.Context, text string, args []any, each func(row)) error {
	r.store.statements.Add(1)
	return r.uncounted(ctx, text, args, each)
}

func (r *reader) uncounted(ctx context.Context, text string, args []any, each func(row)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rows, err := r.query(ctx, text, args)
	if err != nil {
		return tooLong(err)
	}
	defer rows.Close()
	var sent sql.RawBytes
	into := []any{&sent}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		each(newRow(sent))
	}
	return tooLong(rows.Err())
}

// tooLong tells a client whose read ran into the time limit what to do.
func tooLong(err error) error {
	if pq.As(err, pqerror.QueryCanceled) != nil {
		return parley.NewFault(parley.Limit, "Reading this takes too long; ask for less at once, with smaller pages (first) or narrower filters.")
	}
	return err
}

func (r *reader) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	if r.tx != nil {
		return r.tx.QueryContext(ctx, text, args...)
	}
	return r.store.reads.query(ctx, text, args...)
}

type now struct {
	Now        time.Time `db:"now"`
	RecordedAt time.Time `db:"recorded_at"`
	Seq        int64     `db:"seq"`
}

// now is the database's clock, or the last recordedAt where the clock was stepped back behind it.
func (r *reader) now(ctx context.Context) (now, error) {
	var rows []now
	err := r.all(ctx, &rows, `
		SELECT greatest(clock_timestamp(), recorded_at) AS now, recorded_at, seq
		FROM feed_head`)
	if err != nil {
		return now{}, fmt.Errorf("read the head of the feed: %w", err)
	}
	return rows[0], nil
}
