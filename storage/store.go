// Package storage keeps Parley's records in PostgreSQL: a file for each noun, the SQL beside the method that runs it.
//
// Reads go through a Snapshot: one state of the database for a whole operation. Writes are methods of Store, one for
// each mutation; each runs in a transaction of its own and appends one change to the feed. A Batch runs many in one. What can't be accepted comes
// back as a parley.Refusal, what can't be answered as a *parley.Fault; anything else is an error of the machine.
package storage

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"example.org/parley"
)

// writersAtOnce bounds the transactions that write at the same time: more only wait for the head of the feed, and with
// every waiter its lock gets dearer.
const writersAtOnce = 8

// usualReadTimeout is how long a read may take. What takes longer is asked for in smaller parts.
const usualReadTimeout = 30 * time.Second

// usualHeadTimeout is how long a writer may hold the head of the feed. A usual write needs a few milliseconds.
const usualHeadTimeout = 250 * time.Millisecond

// Options say where the database is and who writes.
type Options struct {
	DSN         string
	Analyst     string        // the name under which what is written here is recorded
	ReadTimeout time.Duration // how long one statement of a read may take; 0: 30 seconds
	HeadTimeout time.Duration // how long a writer may hold the head of the feed; 0: 250 milliseconds
	Log         *slog.Logger
}

// Store is one database of Parley's.
type Store struct {
	mutations
	db         *sqlx.DB // for writes
	reads      *readPool
	feedReads  *readPool
	dsn        string
	log        *slog.Logger
	feed       string // this database's name in cursors
	analyst    parley.Analyst
	writers    chan struct{}
	headTime   time.Duration
	hints      *hints
	statements atomic.Int64
	resyncs    atomic.Int64
	mark       mark
}

// Open connects to the database and brings its tables up to date. It refuses a server older than PostgreSQL 15 and a
// database that a newer Parley has written.
func Open(ctx context.Context, o Options) (*Store, error) {
	config, err := configure(o.DSN)
	if err != nil {
		return nil, err
	}
	db, err := connect(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, db.DB, o.Log); err != nil {
		db.Close()
		return nil, err
	}
	timeout := cmp.Or(o.ReadTimeout, usualReadTimeout)
	s := &Store{db: db, reads: newReadPool(config, timeout, readersAtOnce), feedReads: newReadPool(config, timeout, feedReadersAtOnce), dsn: o.DSN, log: o.Log, writers: make(chan struct{}, writersAtOnce)}
	s.mark.reset()
	s.mutations = mutations{run: s.write}
	s.hints = newHints(db, o.Log)
	s.headTime = cmp.Or(o.HeadTimeout, usualHeadTimeout)
	if err := s.introduce(ctx, o.Analyst); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close lets go of the database. Nobody may use the store any more.
func (s *Store) Close() error {
	s.hints.close()
	s.reads.close()
	s.feedReads.close()
	return s.db.Close()
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// Viewer is the analyst in whose name this store writes.
func (s *Store) Viewer() *parley.Analyst { return &s.analyst }

// Statements is how many statements operations have run (the tailing of the feed aside): what a test compares before and
// after one.
func (s *Store) Statements() int64 { return s.statements.Load() }

// configure reads how the database is reached.
func configure(dsn string) (pq.Config, error) {
	config, err := pq.NewConfig(dsn)
	if err != nil {
		return pq.Config{}, errors.New("the database URL can't be read; write it as postgres://user:password@host:5432/parley") // err may show the password
	}
	// A statement with arguments then takes one round trip instead of two.
	config.BinaryParameters = true
	return config, nil
}

// connect opens connections.
func connect(ctx context.Context, config pq.Config) (*sqlx.DB, error) {
	if _, err := pq.NewConnectorConfig(config); err != nil {
		return nil, fmt.Errorf("the database URL can't be used: %w", err)
	}
	db := sqlx.NewDb(sql.OpenDB(writeConnector{config}), "postgres")
	db.SetMaxOpenConns(24)
	db.SetMaxIdleConns(16)
	var version int
	if err := db.GetContext(ctx, &version, `SELECT current_setting('server_version_num')::int`); err != nil {
		db.Close()
		return nil, fmt.Errorf("the database can't be reached: %w", err)
	}
	if version < 150000 {
		db.Close()
		return nil, fmt.Errorf("the database server is PostgreSQL %d; Parley needs version 15 or later", version/10000)
	}
	return db, nil
}

// introduce reads the feed's name and finds or adds the analyst.
func (s *Store) introduce(ctx context.Context, name string) error {
	if err := s.db.GetContext(ctx, &s.feed, `SELECT feed FROM feed_head`); err != nil {
		return fmt.Errorf("read the feed's name: %w", err)
	}
	_, err := s.db.ExecContext(ctx, `
		INSERT INTO analysts (id, name, role) VALUES ($1, $2, 'ADMIN')
		ON CONFLICT ON CONSTRAINT analysts_name_key DO NOTHING`, analystID(name), name)
	if err != nil {
		return fmt.Errorf("add the analyst %q: %w", name, err)
	}
	return s.db.GetContext(ctx, &s.analyst, `SELECT id, name, role FROM analysts WHERE name = $1`, name)
}
