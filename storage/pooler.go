package storage

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"
)

// probeTime is how long a connection may take to answer while others hold theirs: a pooler with few servers lets it wait.
const probeTime = 2 * time.Second

// sessions knows whether each connection has a server process for itself. After connections were lost it looks again, since a pooler may have
// been put in between.
type sessions struct {
	config pq.Config
	log    *slog.Logger
	never  bool // are statements prepared
	due    atomic.Bool

	mu     sync.Mutex
	shared bool
}

// unprepared says whether statements must not be prepared on connections that are opened now.
func (s *sessions) unprepared(ctx context.Context) (bool, error) {
	if s.never {
		return true, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.due.Load() {
		return s.shared, nil
	}
	before := s.shared
	s.due.Store(false) // before it looks: a connection may be lost meanwhile
	var err error
	if s.shared, err = sharesServers(ctx, s.config); err != nil {
		s.due.Store(true)
		return true, err
	}
	if s.shared && !before {
		s.log.WarnContext(ctx, "a pooler gives each transaction another server process, so no statements are prepared, which makes reads "+
			"slower, and changes are looked for each second; reach PostgreSQL directly, or let the pooler keep sessions")
	}
	return s.shared, nil
}

// lost has the next connection wait until it is known again.
func (s *sessions) lost() { s.due.Store(true) }

// sharesServers reports whether a pooler is in between that gives each transaction any server process, as PgBouncer does
// in transaction mode. Statements that one connection has prepared are then run by others, under the same names: before
// version 1.21, PgBouncer answers with the rows of another statement. A connection that has its server for itself finds
// what it has set, although others are busy.
func sharesServers(ctx context.Context, config pq.Config) (bool, error) {
	db := sql.OpenDB(writeConnector{config}) // new connections, since others may be lost
	defer db.Close()
	own, err := db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer own.Close()
	mark := uuid.NewString()
	if _, err := own.ExecContext(ctx, `SELECT set_config('parley.probe', $1, false)`, mark); err != nil {
		return false, err
	}
	probing, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	var found sql.NullString
	err = whileOthersAreBusy(probing, db, func() error {
		return own.QueryRowContext(probing, `SELECT current_setting('parley.probe', true)`).Scan(&found)
	})
	switch {
	case err != nil && ctx.Err() == nil && probing.Err() != nil:
		return true, nil
	case err != nil:
		return false, fmt.Errorf("look for a pooler: %w", err)
	}
	return found.String != mark, nil
}

// whileOthersAreBusy does something while three other connections are in a transaction.
func whileOthersAreBusy(ctx context.Context, db *sql.DB, do func() error) error {
	for range 3 {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, `SELECT 1`); err != nil {
			return err
		}
	}
	return do()
}
