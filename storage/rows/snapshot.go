package rows

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"example.org/parley"
	"example.org/parley/internal/turns"
)

// Source is what snapshots read from.
type Source struct {
	Pool       *Pool
	Mark       *HighWaterMark
	Statements *atomic.Int64 // how many SQL statements snapshots have run
	Turns      *turns.Turns  // of tasks that run long
}

// HighWaterMark is the last recordedAt that this server has seen. Only later changes can still be recorded.
type HighWaterMark struct{ micros atomic.Int64 }

// NewHighWaterMark makes a mark that covers nothing.
func NewHighWaterMark() *HighWaterMark {
	m := &HighWaterMark{}
	m.micros.Store(math.MinInt64)
	return m
}

// Covers says that nothing can be recorded at the instant any more.
func (m *HighWaterMark) Covers(at parley.Instant) bool { return at.UnixMicro() <= m.micros.Load() }

// Raise moves the mark up to an instant; it never goes down.
func (m *HighWaterMark) Raise(at parley.Instant) {
	for seen := m.micros.Load(); at.UnixMicro() > seen && !m.micros.CompareAndSwap(seen, at.UnixMicro()); {
		seen = m.micros.Load()
	}
}

// Reset moves the mark to an instant, also back: what was seen since is not on record any more.
func (m *HighWaterMark) Reset(at parley.Instant) { m.micros.Store(at.UnixMicro()) }

// Reader runs SQL statements: for a snapshot, on the pool; in a transaction, on that.
type Reader struct {
	run      func(ctx context.Context, text string, args []any, each func(Row)) error
	snapshot *Snapshot // nil: of a transaction
}

// InTransaction reads what stands at present, as a transaction sees it.
func InTransaction(tx *sqlx.Tx, statements *atomic.Int64, took Took) Reader {
	return Reader{run: func(ctx context.Context, text string, args []any, each func(Row)) error {
		statements.Add(1)
		return took.Watched(ctx, text, func() (n int, err error) {
			rows, err := tx.QueryContext(ctx, text, args...)
			if err != nil {
				return 0, err
			}
			defer rows.Close()
			for ; rows.Next(); n++ {
				var sent sql.RawBytes
				if err := rows.Scan(&sent); err != nil {
					return n, err
				}
				each(newRow(sent))
			}
			return n, rows.Err()
		})
	}}
}

// Rows runs a statement whose every row is one value made by record_send. Macros in its text are expanded (see
// Reader.Expand).
func (r *Reader) Rows(ctx context.Context, text string, args []any, each func(Row)) error {
	return r.send(ctx, r.Expand(text), args, each)
}

// RowsUnshared is Rows for what may change although a lens stays the same.
func (r *Reader) RowsUnshared(ctx context.Context, text string, args []any, each func(Row)) error {
	return r.run(ctx, r.Expand(text), args, each)
}

// send runs a statement as it is.
func (r *Reader) send(ctx context.Context, text string, args []any, each func(Row)) error {
	if r.snapshot != nil && r.snapshot.shared != nil {
		return r.snapshot.shared.rows(ctx, r, text, args, each)
	}
	return r.run(ctx, text, args, each)
}

// Now is the database's clock, or the last recordedAt where the clock was stepped back behind it.
func (r *Reader) Now(ctx context.Context) (n Now, err error) {
	err = r.Rows(ctx, `
		SELECT record_send(ROW(greatest(clock_timestamp(), recorded_at), recorded_at, seq, clock_timestamp(), oldest_version,
			current_setting('default_transaction_read_only') = 'on'))
		FROM feed_head`, nil, func(sent Row) {
		n = Now{Now: sent.Next().Time(), RecordedAt: sent.Next().Time(), Seq: sent.Next().Number(), Clock: sent.Next().Time(),
			OldestVersion: sent.Next().Number(), ReadOnly: sent.Next().Flag()}
	})
	if err != nil {
		return Now{}, fmt.Errorf("read the feed head: %w", err)
	}
	return n, nil
}

// Now is what the feed head says: the present instant, and the last change's recordedAt and number.
type Now struct {
	Now, RecordedAt parley.Instant
	Seq             int64
	Clock           parley.Instant // the database's
	OldestVersion   int64          // of the tables, which a server has to know to record
	ReadOnly        bool           // an operator has switched writing off
}

// Snapshot is the record as of one instant, for all the reads of one operation. It is no transaction: every row says
// since when and until when it was known, so it is enough that all reads look through one lens, whatever is recorded
// meanwhile.
type Snapshot struct {
	Reader
	source *Source

	// lens is now on both axes, and head the number of the last change in it: both as the first statement found them.
	lens *parley.Lens
	head int64

	// shared is what other operations that look through the same lenses have read; nil: nothing is shared.
	shared *Shared

	// views are tables with some of their rows left out, as the beginning of a WITH clause; "": none is narrowed.
	views string

	turn   sync.Mutex
	caches map[any]any // identity caches, by table
}

// Narrow has all further statements read views in the place of tables: queries in parentheses, by the tables' names.
func (s *Snapshot) Narrow(views map[string]string) {
	var list []string
	for _, table := range slices.Sorted(maps.Keys(views)) {
		list = append(list, table+` AS NOT MATERIALIZED `+views[table])
	}
	s.views = strings.Join(list, ",\n")
}

// Snapshot begins one. Its instant is that of its first read. What it reads is shared, unless that is nil.
func (s *Source) Snapshot(shared *Shared) *Snapshot {
	snapshot := &Snapshot{source: s, shared: shared}
	snapshot.Reader = Reader{run: snapshot.query, snapshot: snapshot}
	return snapshot
}

func (s *Snapshot) query(ctx context.Context, text string, args []any, each func(Row)) error {
	if err := turns.TaskOf(ctx).Step(ctx, s.source.Turns); err != nil {
		return err
	}
	s.source.Statements.Add(1)
	if s.views != "" { // a table that is named in the statement is then the view of that name
		text = "WITH " + s.views + "\n(" + text + ")"
	}
	err := s.source.Pool.Query(ctx, text, args, each)
	if fault := Unavailable(err, ""); fault != nil {
		return fault
	}
	if pq.As(err, pqerror.QueryCanceled) != nil {
		return parley.NewFault(parley.Limit,
			"Reading this takes too long; ask for less at once, with smaller pages (first or last) or narrower filters.")
	}
	return err
}

// Lens is now on both axes: what an operation that asks for nothing else is read through.
func (s *Snapshot) Lens(ctx context.Context) (parley.Lens, error) {
	lens, _, err := s.Head(ctx)
	return lens, err
}

// Head is now on both axes, and the number of the last change in it.
func (s *Snapshot) Head(ctx context.Context) (parley.Lens, int64, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.lens == nil {
		now, err := s.Now(ctx)
		if err != nil {
			return parley.Lens{}, 0, err
		}
		s.learn(parley.NewLens(now.Now, now.RecordedAt), now.Seq)
	}
	return *s.lens, s.head, nil
}

// KnownThrough is the known instant of a key's lens; nil where that is the snapshot's own and not known yet.
func (s *Snapshot) KnownThrough(k Key) *parley.Instant {
	if !k.Lens.IsZero() {
		return &k.Lens.KnownAt
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.lens == nil {
		return nil
	}
	return &s.lens.KnownAt
}

// learn fixes the snapshot's instant.
func (s *Snapshot) learn(lens parley.Lens, head int64) {
	s.lens, s.head = &lens, head
	s.source.Mark.Raise(lens.KnownAt)
}
