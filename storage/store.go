// Package storage keeps Parley's records in PostgreSQL: a file for each noun, with its descriptor and the SQL beside
// the method that runs it.
//
// Reads go through a Snapshot: one instant of the record for a whole operation. Writes are methods of Store, one for
// each mutation; each runs in a transaction of its own and appends one change to the feed. A Batch runs many in one
// transaction. What can't be accepted comes back as a parley.Refusal, what can't be answered as a *parley.Fault; any
// other error is one of the machine.
package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"golang.org/x/sync/singleflight"

	"example.org/parley"
	"example.org/parley/internal/turns"
	"example.org/parley/storage/rows"
)

// writersAtOnce bounds the transactions that write at the same time. More would only wait for the feed head, whose lock
// gets dearer with every waiter.
const writersAtOnce = 8

// readersAtOnce bounds the reads that run at the same time: the rest wait here rather than in the database.
var readersAtOnce = max(8, 4*runtime.GOMAXPROCS(0))

// longAtOnce is how many tasks that run long read at the same time. The other processors are for short ones.
var longAtOnce = max(1, runtime.GOMAXPROCS(0)/2)

// feedReadersAtOnce are kept apart for reads of the feed itself, which must go on under any load: its tail, and two
// subscribers who catch up with it.
const feedReadersAtOnce = 3

// usualReadTimeout is how long a read may take. What takes longer has to be asked for in smaller parts.
const usualReadTimeout = 30 * time.Second

// usualLockTimeout is how long a statement may wait for locks of others. Writers wait for an import, and everybody for
// work on the tables themselves.
const usualLockTimeout = 5 * time.Second

// usualHeadTimeout is how long a writer may hold the feed head. A usual write needs a few milliseconds.
const usualHeadTimeout = 250 * time.Millisecond

// Options say where the database is, and how long it may be used at a time.
type Options struct {
	DSN    string
	Schema string        // of the tables; empty: the first of search_path that exists
	Wait   time.Duration // how long a database is waited for that can't be reached yet
	// NoMigration: the tables must be up to date already.
	NoMigration bool
	// Existing: there must be tables, of whatever version.
	Existing bool
	// ReadOnly: nothing will be recorded, so the role needs no right to, and a standby will do.
	ReadOnly bool
	// NoPreparedStatements: each statement is planned anew. A pooler that does not keep sessions is noticed without it.
	NoPreparedStatements bool
	ReadTimeout          time.Duration    // how long one SQL statement of a read may take; 0: 30 seconds
	LockTimeout          time.Duration    // how long a statement may wait for locks of others; 0: 5 seconds
	HeadTimeout          time.Duration    // how long a writer may hold the feed head; 0: 250 milliseconds
	Clock                func() time.Time // the server's, which the database's must not be far ahead of; nil: the machine's
	Log                  *slog.Logger     // nil: nothing is logged
}

func (o Options) withLog() Options {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return o
}

// Store is one database of Parley's. Who writes, and who reads, comes with the context: see parley.WithCaller.
type Store struct {
	mutations
	db         *sqlx.DB // for writes
	guard      *sqlx.DB // for who may use the servers, which must be known under any load
	readying   singleflight.Group
	source     *rows.Source
	feedReads  *rows.Pool
	feedSource *rows.Source // of what the feed works out for itself, which no operation has asked for
	dsn        string
	log        *slog.Logger
	feed       atomic.Pointer[string] // its name in cursors
	schema     string                 // of the tables
	version    int64                  // of the tables
	clock      func() time.Time
	writers    chan struct{}
	headTime   time.Duration
	lockTime   time.Duration
	notifier   *notifier
	statements atomic.Int64
	resyncs    atomic.Int64
	mark       *rows.HighWaterMark
	metrics    *metrics
}

// Open connects to the database and brings its tables up to date. It refuses a database in which Check finds a problem.
func Open(ctx context.Context, o Options) (*Store, error) {
	o = o.withLog()
	db, config, schema, err := reach(ctx, o)
	if err != nil {
		return nil, err
	}
	version, err := migrate(ctx, db.DB, o)
	if err != nil {
		db.Close()
		return nil, err
	}
	sessions := &sessions{config: config, log: o.Log, never: o.NoPreparedStatements}
	sessions.due.Store(true)
	if _, err := sessions.unprepared(ctx); err != nil {
		db.Close()
		return nil, err
	}
	locks := cmp.Or(o.LockTimeout, usualLockTimeout)
	m := newMetrics()
	pool := rows.PoolOptions{Timeout: cmp.Or(o.ReadTimeout, usualReadTimeout), LockTimeout: locks, Unprepared: sessions.unprepared,
		Lost: sessions.lost, Took: m.reads}
	feedPool := pool
	feedPool.Took = m.feedReads
	guard, err := connect(ctx, config)
	if err != nil {
		db.Close()
		return nil, err
	}
	guard.SetMaxOpenConns(2)
	s := &Store{
		db: db, guard: guard, schema: schema, version: version, clock: o.Clock,
		feedReads: rows.NewPool(config, feedPool, feedReadersAtOnce), dsn: eachPort(o.DSN), log: o.Log,
		writers: make(chan struct{}, writersAtOnce), headTime: cmp.Or(o.HeadTimeout, usualHeadTimeout),
		lockTime: locks,
		notifier: newNotifier(db, o.Log), mark: rows.NewHighWaterMark(), metrics: m,
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	s.source = &rows.Source{
		Pool: rows.NewPool(config, pool, readersAtOnce), Mark: s.mark, Statements: &s.statements, Turns: turns.New(longAtOnce),
	}
	s.feedSource = &rows.Source{Pool: s.feedReads, Mark: s.mark, Statements: new(atomic.Int64)}
	s.mutations = mutations{run: m.observed(s.write), runAlone: m.observed(s.writeAlone)}
	if _, err := s.Head(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close closes the connections. The store can't be used any more.
func (s *Store) Close() error {
	s.notifier.close()
	s.source.Pool.Close()
	s.feedReads.Close()
	return errors.Join(s.guard.Close(), s.db.Close())
}

// patience is how long the feed head may be held before the store is not ready.
const patience = "1500ms"

// readyTimeout is how long the database may take to say that it is ready.
const readyTimeout = 2 * time.Second

// Ready says in a sentence why nothing can be recorded at present; nil: it can. Calls at the same time share one answer.
func (s *Store) Ready(ctx context.Context) error {
	_, err, _ := s.readying.Do("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout) // it is not the first one's alone
		defer cancel()
		return nil, s.ready(ctx)
	})
	if err == nil {
		return nil
	}
	s.renew(err)
	s.log.WarnContext(ctx, "nothing can be recorded at present", "error", err)
	var fault *parley.Fault
	switch why := rows.Outage(err); {
	case errors.As(err, &fault):
		return fault
	case pq.As(err, pqerror.LockNotAvailable) != nil, errors.Is(err, context.DeadlineExceeded):
		return parley.NewFault(parley.Unavailable, "The feed head is locked, or the database does not answer in time.")
	case why != "":
		return parley.NewFault(parley.Unavailable, "%s at present.", why)
	}
	return parley.NewFault(parley.Unavailable, "The database can't be used; the log says why.")
}

func (s *Store) ready(ctx context.Context) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return onStandby(err)
	}
	defer tx.Rollback()
	reader := rows.InTransaction(tx, new(atomic.Int64), s.metrics.writes)
	now, err := reader.Now(ctx)
	if err != nil {
		return err
	}
	if err := s.fits(now); err != nil {
		return err
	}
	switch found, err := check(ctx, s.db, Options{Schema: s.schema}); {
	case err != nil:
		return err
	case len(found.Problems) > 0:
		return errIncapable
	}
	_, err = tx.ExecContext(ctx, `SET LOCAL lock_timeout = '`+patience+`'; SELECT FROM feed_head FOR SHARE`)
	return err
}

// maxAhead is how far the database's clock may be ahead of the server's. An instant that is on record can't be taken
// back: all that follows would bear later ones, until the clocks have caught up.
const maxAhead = 5 * time.Minute

// fits is the fault of a server that must not record now: a newer Parley has changed the tables in a way that it does not
// know, writing is switched off, or the clocks differ.
func (s *Store) fits(now rows.Now) error {
	switch {
	case now.OldestVersion > s.version:
		return parley.NewFault(parley.Unavailable, "A newer Parley has changed the database's tables (version %d; this one knows version %d), so nothing "+
			"was recorded; send it again to a server of the newer Parley.", now.OldestVersion, s.version)
	case now.ReadOnly:
		return errReadOnly
	}
	return s.agrees(now.Clock)
}

// errReadOnly ends what would be recorded while writing is switched off.
var errReadOnly error = parley.NewFault(parley.Unavailable, "The database is read-only at present, so nothing was recorded; send it again later.")

// errIncapable keeps a server from being ready whose role has lost rights, or whose tables have been changed.
var errIncapable error = parley.NewFault(parley.Unavailable, "Parley's database role lacks rights, or the tables are not as they were; parley check says more.")

// renew has connections opened anew after err if that says that writing is switched off: a session keeps the setting that it began with.
func (s *Store) renew(err error) {
	if errors.Is(err, errReadOnly) {
		s.db.SetMaxIdleConns(0) // which closes those that are idle
		s.db.SetMaxIdleConns(idleWriters)
	}
}

// agrees is the fault of a database whose clock is far ahead of the server's.
func (s *Store) agrees(database parley.Instant) error {
	own := s.clock()
	if database.Sub(own) <= maxAhead {
		return nil
	}
	return parley.NewFault(parley.Unavailable,
		"The database's clock says %s, which is more than %s ahead of the server's (%s), so nothing was recorded; set both clocks right, and "+
			"send it again.", parley.FormatInstant(database), maxAhead, parley.FormatInstant(own))
}

// Statements is how many SQL statements operations have run, those that tail the feed aside. A test compares it before
// and after an operation.
func (s *Store) Statements() int64 { return s.statements.Load() }

// Introduce finds the analyst of that name, or adds one with the rights of an administrator.
func (s *Store) Introduce(ctx context.Context, name string) (analyst parley.Analyst, err error) {
	_, err = s.db.ExecContext(ctx, `
		INSERT INTO analysts (id, name, role) VALUES ($1, $2, 'ADMIN')
		ON CONFLICT ON CONSTRAINT analysts_name_key DO NOTHING`, parley.AnalystID(name), name)
	if err != nil {
		return analyst, fmt.Errorf("add the analyst %q: %w", name, err)
	}
	err = s.db.GetContext(ctx, &analyst, s.expand(`SELECT id, name FROM {analysts} WHERE name = $1`), name)
	analyst.Role = parley.Admin // as whoever has the database is, whatever token the analyst holds
	return analyst, err
}

// expand writes out the macros of a statement that is part of no transaction.
func (s *Store) expand(text string) string { return new(rows.Reader).Expand(text) }
