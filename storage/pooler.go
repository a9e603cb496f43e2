package storage

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
)

// probeTime is how long a connection may take to answer while others hold theirs: a pooler with few servers lets it wait.
const probeTime = 2 * time.Second

// sharesServers reports whether a pooler is in between that gives each transaction any server process, as PgBouncer does
// in transaction mode. Statements that one connection has prepared are then run by others, under the same names: before
// version 1.21, PgBouncer answers with the rows of another statement. A connection that has its server for itself finds
// what it has set, although others are busy.
func sharesServers(ctx context.Context, db *sqlx.DB) (bool, error) {
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
func whileOthersAreBusy(ctx context.Context, db *sqlx.DB, do func() error) error {
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
