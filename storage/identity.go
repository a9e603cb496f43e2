package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"example.org/parley"
)

// LockAccess has everybody need a token, as the first token does.
func (s *Store) LockAccess(ctx context.Context) error {
	if access, err := s.Access(ctx); err != nil || access.Locked {
		return err
	}
	return s.changeAccess(ctx, func(w *writer) error {
		if err := w.audit(ctx, parley.ServersLocked, ""); err != nil {
			return err
		}
		return w.lockAccess(ctx)
	})
}

// lockAccess has everybody need a token. Servers that know of none stop being ready.
func (w *writer) lockAccess(ctx context.Context) error {
	if err := w.exec(ctx, `UPDATE access SET locked = true`); err != nil {
		return err
	}
	return w.exec(ctx, `UPDATE feed_head SET oldest_version = greatest(oldest_version, $1)`, tokensSince)
}

// AnalystOf finds the analyst whom an issuer knows by a subject. One who is new is added under the name or, since another analyst must
// not be taken for that one, under the name with a number. The role is what the issuer gives at present; it is kept for who is new only.
func (s *Store) AnalystOf(ctx context.Context, issuer, subject, name string, role parley.Role) (parley.Analyst, error) {
	a, err := s.identified(ctx, issuer, subject, role)
	if !errors.Is(err, sql.ErrNoRows) {
		return a, err
	}
	err = s.attempt(ctx, func(w *writer) error {
		// One at a time, so that no identity is given to two analysts.
		if err := w.exec(ctx, `SELECT FROM {access} FOR UPDATE`); err != nil {
			return err
		}
		called, n := name, 1
		for {
			result, err := w.tx.ExecContext(ctx, `
				INSERT INTO analysts (id, name, role) VALUES ($1, $2, $3) ON CONFLICT ON CONSTRAINT analysts_name_key DO NOTHING`,
				parley.AnalystID(called), called, role)
			if err != nil {
				return err
			}
			if added, err := result.RowsAffected(); added > 0 || err != nil {
				break
			}
			n++
			called = fmt.Sprintf("%s (%d)", name, n)
		}
		return w.exec(ctx, `INSERT INTO identities (issuer, subject, analyst_id) VALUES ($1, $2, $3)`, issuer, subject, parley.AnalystID(called))
	})
	if err != nil && violation(err) == nil { // another server has added the same one meanwhile
		return a, explain(err)
	}
	return s.identified(ctx, issuer, subject, role)
}

// identified is an analyst who is on record, in a role.
func (s *Store) identified(ctx context.Context, issuer, subject string, role parley.Role) (parley.Analyst, error) {
	a := parley.Analyst{Role: role}
	err := s.db.QueryRowxContext(ctx, s.expand(`
		SELECT a.id, a.name FROM {identities i} JOIN {analysts a} ON a.id = i.analyst_id WHERE i.issuer = $1 AND i.subject = $2`),
		issuer, subject).Scan(&a.ID, &a.Name)
	if err != nil {
		return a, fmt.Errorf("find who signs in: %w", err)
	}
	return a, nil
}

// sessionName begins the names of tokens that SignIn makes.
const sessionName = "browser "

// SignOut revokes a token that SignIn made; others are left.
func (s *Store) SignOut(ctx context.Context, secret string) error {
	hash := parley.HashSecret(secret)
	return s.changeAccess(ctx, func(w *writer) error {
		return w.exec(ctx, `
			UPDATE tokens SET revoked_at = greatest($2, created_at), revoked_by = analyst_id
			WHERE hash = $1 AND revoked_at IS NULL AND name LIKE '`+sessionName+`%' AND created_by = analyst_id`, hash[:], s.clock())
	})
}

// SignIn makes a token for the browser of an analyst who has signed in at the issuer, and stores the role that the issuer gives.
func (s *Store) SignIn(ctx context.Context, analyst parley.Analyst, until time.Time) (secret string, err error) {
	secret = parley.NewSecret()
	id := uuid.Must(uuid.NewV7())
	hash := parley.HashSecret(secret)
	now := s.clock().UTC().Truncate(time.Microsecond)
	err = s.changeAccess(ctx, func(w *writer) error {
		name := sessionName + id.String()
		if err := w.exec(ctx, `UPDATE analysts SET role = $2 WHERE id = $1`, analyst.ID, analyst.Role); err != nil {
			return err
		}
		err := w.exec(ctx, `
			INSERT INTO tokens (id, name, hash, analyst_id, created_at, created_by, expires_at) VALUES ($1, $2, $3, $4, $5, $4, $6)`,
			id, name, hash[:], analyst.ID, now, until)
		if err != nil {
			return err
		}
		return w.audit(parley.WithCaller(ctx, analyst), parley.SignedIn, name)
	})
	return secret, err
}
