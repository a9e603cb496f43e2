package storage

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"example.org/parley/storage/rows"
)

const (
	// commitTime is how long a commit may take, and how long its outcome is looked for where the connection was lost.
	commitTime = 10 * time.Second

	never time.Duration = math.MaxInt64
)

// writersLock is the advisory lock that writers share and a batch takes alone: a batch holds the feed head while it
// goes on to lock scenarios, which would deadlock with writers that do it the other way round.
const writersLock = 0x7061726c6579

// errUnchanged ends a mutation whose content is on record already.
var errUnchanged = errors.New("unchanged")

// errMoved ends an attempt that locked a record which had changed meanwhile.
var errMoved = errors.New("changed meanwhile")

// errCutOff ends an attempt that held the feed head for too long, or lost its connection. Nothing of it is on record.
var (
	errCutOff = errors.New("cut off before the commit")
	errClosed = errors.New("it held the feed head for too long")
)

// errInDoubt ends a mutation that may be on record or not: it must not be tried again.
var errInDoubt = errors.New("the outcome of a commit is not known")

// write runs a mutation in a transaction of its own.
func (s *Store) write(
	ctx context.Context, mutation func(context.Context, *writer) (Written, error),
) (written Written, err error) {
	err = s.attempt(ctx, func(w *writer) (err error) {
		written, err = mutation(ctx, w)
		return err
	})
	switch {
	case err == nil:
		s.notifier.notify()
		return written, nil
	case errors.Is(err, errUnchanged):
		return written, nil
	case errors.Is(err, errInDoubt):
		s.log.ErrorContext(ctx, "a change may be on record or not", "error", err)
	}
	return Written{}, explain(err)
}

// attempt runs a transaction, and runs it again where it lost a race for a lock or an id, or was cut off: it then finds
// what the winner wrote.
func (s *Store) attempt(ctx context.Context, do func(*writer) error) error {
	if err := s.admit(ctx); err != nil {
		return err
	}
	defer s.leave()
	const attempts = 5
	for attempt := 1; ; attempt++ {
		err := s.inTransaction(ctx, func(w *writer) error {
			// A batch stamps its changes long before it moves the feed head, and has this lock alone. parley.hold is
			// how long the database lets a writer be silent, or run one statement, while it holds the head: two fifths
			// of its time.
			err := w.exec(ctx, `
				SELECT set_config('lock_timeout', $3, true), set_config('parley.hold', $2, true), pg_advisory_xact_lock_shared($1)`,
				writersLock, milliseconds(s.headTime*2/5), milliseconds(s.lockTime))
			if err != nil {
				return fmt.Errorf("wait for a batch: %w", err)
			}
			return do(w)
		})
		if attempt == attempts || !lostRace(err) {
			return err
		}
		s.metrics.retries.Inc()
		if errors.Is(err, errCutOff) && ctx.Err() == nil {
			s.log.WarnContext(ctx, "a write was cut off, and is tried again", "error", err)
		}
	}
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// admit bounds the writers at work: more would only wait for the feed head.
func (s *Store) admit(ctx context.Context) error {
	select {
	case s.writers <- struct{}{}:
		return nil
	default:
	}
	defer s.metrics.queue.wait()()
	select {
	case s.writers <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) leave() { <-s.writers }

// inTransaction commits what do wrote, unless it returns an error.
func (s *Store) inTransaction(ctx context.Context, do func(*writer) error) (err error) {
	defer func() { s.renew(err) }()
	w := &writer{store: s}
	begun := context.WithValue(ctx, begunOn{}, &w.conn)
	tx, err := s.db.BeginTxx(begun, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return fmt.Errorf("begin to write: %w", onStandby(err))
	}
	w.tx, w.Reader, w.clock = tx, rows.InTransaction(tx, &s.statements, s.metrics.writes), time.AfterFunc(never, w.conn.close)
	defer w.clock.Stop()
	defer tx.Rollback()
	err = do(w)
	if !w.clock.Reset(commitTime) {
		w.conn.close() // at once, so that no other writer is given a connection that is about to be closed
		return fmt.Errorf("%w: %w (%v)", errCutOff, errClosed, err)
	}
	switch {
	case !w.conn.IsValid(), errors.As(err, new(net.Error)), w.seq != 0 && pq.As(err, pqerror.QueryCanceled) != nil:
		return fmt.Errorf("%w: %w", errCutOff, cmp.Or(err, errClosed))
	case err != nil:
		return err
	}
	return w.commit(ctx)
}

// onStandby says of the error with which a standby refuses to begin a transaction that writes that it is read-only.
func onStandby(err error) error {
	if pq.As(err, pqerror.FeatureNotSupported) != nil {
		return errReadOnly
	}
	return err
}

// commit commits. Where the connection is lost meanwhile, it finds out whether the change is on record.
func (w *writer) commit(ctx context.Context) error {
	err := w.store.metrics.writes.Watched(ctx, "COMMIT", func() (int, error) { return 0, w.tx.Commit() })
	if err == nil {
		return nil
	}
	err = fmt.Errorf("commit: %w", err)
	if errors.As(err, new(*pq.Error)) {
		return err // the database says that it did not
	}
	recorded, unknown := w.store.recorded(context.WithoutCancel(ctx), w.id, w.seq, w.at)
	switch {
	case unknown != nil:
		return fmt.Errorf("%w: %w; %w", errInDoubt, err, unknown)
	case recorded:
		return nil
	}
	return fmt.Errorf("%w: %w", errCutOff, err)
}

// recorded says whether a transaction has recorded a change. While it lasts, it holds the feed head. The change's number and recordedAt alone
// do not tell: another writer may have been given both since, if the database's clock was set back.
func (s *Store) recorded(ctx context.Context, transaction string, seq int64, at time.Time) (recorded bool, err error) {
	if transaction == "" {
		return false, nil // it has made no change
	}
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	for {
		if _, err = s.db.ExecContext(ctx, `SELECT FROM feed_head FOR SHARE`); err == nil {
			// A statement of its own, since one sees what was committed before it began.
			err = s.db.GetContext(ctx, &recorded, s.expand(`
				SELECT CASE WHEN EXISTS (SELECT FROM {changes} WHERE seq = $1 AND recorded_at = $2)
					THEN coalesce(pg_xact_status($3::xid8) = 'committed', false) ELSE false END`), seq, at, transaction)
		}
		if err == nil {
			return recorded, nil
		}
		select { // the database may be restarting
		case <-ctx.Done():
			return false, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func lostRace(err error) bool {
	if errors.Is(err, errMoved) || errors.Is(err, errCutOff) ||
		pq.As(err, pqerror.TRDeadlockDetected, pqerror.TRSerializationFailure) != nil {
		return true
	}
	unique := pq.As(err, pqerror.UniqueViolation)
	return unique != nil &&
		slices.Contains([]string{"client_ids_pkey", "records_pkey", "source_bodies_pkey"}, unique.Constraint)
}
