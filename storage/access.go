package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"example.org/parley"
)

// tokensSince is the version of the tables from which on servers ask for tokens.
const tokensSince = 24

// tokenRow is a token as it is stored.
type tokenRow struct {
	ID          uuid.UUID   `db:"id"`
	Hash        []byte      `db:"hash"`
	Name        string      `db:"name"`
	AnalystID   uuid.UUID   `db:"analyst_id"`
	Analyst     string      `db:"analyst"`
	Role        parley.Role `db:"role"`
	CreatedAt   time.Time   `db:"created_at"`
	CreatedBy   uuid.UUID   `db:"created_by"`
	Creator     string      `db:"creator"`
	CreatorRole parley.Role `db:"creator_role"`
	ExpiresAt   *time.Time  `db:"expires_at"`
	UsedAt      *time.Time  `db:"used_at"`
}

// tokenColumns are its columns: of the tables tokens t, analysts a and, for who made it, analysts c.
const tokenColumns = `t.id, t.hash, t.name, t.analyst_id, a.name AS analyst, a.role, t.created_at, t.created_by, c.name AS creator,
	c.role AS creator_role, t.expires_at, t.used_at`

func (r tokenRow) token() *parley.Token {
	t := &parley.Token{
		ID: r.ID, Name: r.Name, Analyst: &parley.Analyst{ID: r.AnalystID, Name: r.Analyst, Role: r.Role},
		CreatedAt: r.CreatedAt, CreatedBy: &parley.Analyst{ID: r.CreatedBy, Name: r.Creator, Role: r.CreatorRole}, ExpiresAt: r.ExpiresAt, UsedAt: r.UsedAt,
	}
	copy(t.Hash[:], r.Hash)
	return t
}

// AccessNumber is the number of the last change of who may use the servers.
func (s *Store) AccessNumber(ctx context.Context) (number int64, err error) {
	if err := s.guard.GetContext(ctx, &number, s.expand(`SELECT number FROM {access}`)); err != nil {
		return 0, fmt.Errorf("read who may use the servers: %w", err)
	}
	return number, nil
}

// Access is who may use the servers now.
func (s *Store) Access(ctx context.Context) (a parley.Access, err error) {
	// The number first: what changes meanwhile has a later one, by which it is read again.
	if err := s.guard.QueryRowxContext(ctx, s.expand(`SELECT number, locked FROM {access}`)).Scan(&a.Number, &a.Locked); err != nil {
		return a, fmt.Errorf("read who may use the servers: %w", err)
	}
	a.Tokens, err = s.tokens(ctx)
	return a, err
}

// tokens are those that are not revoked and have not expired, by name.
func (s *Store) tokens(ctx context.Context) ([]*parley.Token, error) {
	var found []tokenRow
	err := s.guard.SelectContext(ctx, &found, s.expand(`
		SELECT `+tokenColumns+`
		FROM {tokens t} JOIN {analysts a} ON a.id = t.analyst_id JOIN {analysts c} ON c.id = t.created_by
		WHERE t.revoked_at IS NULL AND coalesce(t.expires_at, 'infinity') > $1
		ORDER BY t.name`), s.clock())
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	tokens := make([]*parley.Token, len(found))
	for i, t := range found {
		tokens[i] = t.token()
	}
	return tokens, nil
}

// Tokens are those that count, by name. Only an administrator may read them.
func (s *Store) Tokens(ctx context.Context) ([]*parley.Token, error) {
	if _, err := parley.Require(ctx, parley.Admin, "read tokens"); err != nil {
		return nil, err
	}
	return s.tokens(ctx)
}

// CreateToken makes a token and returns it with its secret, which can't be read again. From the first one on, everybody needs one.
// Refusals: INVALID, TAKEN (the name), CONFLICT (the analyst has another role). Only an administrator may do this.
func (s *Store) CreateToken(ctx context.Context, in parley.CreateTokenInput) (made *parley.Token, secret *string, err error) {
	caller, err := parley.Require(ctx, parley.Admin, "make a token")
	if err != nil {
		return nil, nil, err
	}
	now := s.clock().UTC().Truncate(time.Microsecond)
	if err := in.Check(now); err != nil {
		return nil, nil, err
	}
	name := in.Name
	if in.Analyst != nil {
		name = *in.Analyst
	}
	shown := parley.NewSecret()
	t := &parley.Token{
		ID: uuid.Must(uuid.NewV7()), Hash: parley.HashSecret(shown), Name: in.Name, CreatedAt: now, CreatedBy: &caller, ExpiresAt: in.ExpiresAt,
		Analyst: &parley.Analyst{Name: name, Role: in.Role},
	}
	err = s.changeAccess(ctx, func(w *writer) error {
		// The name of a token that has expired can be used again.
		if err := w.exec(ctx, `
			UPDATE tokens SET revoked_at = greatest($2, created_at), revoked_by = $3 WHERE name = $1 AND revoked_at IS NULL AND expires_at <= $2`,
			t.Name, now, caller.ID); err != nil {
			return err
		}
		var err error
		if t.Analyst.ID, err = w.analystFor(ctx, name, in.Role, now); err != nil {
			return err
		}
		err = w.exec(ctx, `
			INSERT INTO tokens (id, name, hash, analyst_id, created_at, created_by, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			t.ID, t.Name, t.Hash[:], t.Analyst.ID, t.CreatedAt, caller.ID, t.ExpiresAt)
		if err != nil {
			return err
		}
		if err := w.audit(ctx, parley.TokenCreated, t.Name); err != nil {
			return err
		}
		return w.lockAccess(ctx)
	})
	if err != nil {
		return nil, nil, err
	}
	return t, &shown, nil
}

// analystFor finds the analyst of a name, or adds one. A role is one of the analyst, so another one is refused while the analyst has
// tokens that count.
func (w *writer) analystFor(ctx context.Context, name string, role parley.Role, now time.Time) (id uuid.UUID, err error) {
	var known []struct {
		ID      uuid.UUID   `db:"id"`
		Role    parley.Role `db:"role"`
		Holds   bool        `db:"holds"`
		Foreign bool        `db:"is_foreign"`
	}
	err = w.all(ctx, &known, `
		SELECT a.id, a.role, EXISTS (SELECT FROM {tokens t} WHERE t.analyst_id = a.id AND t.revoked_at IS NULL
			AND coalesce(t.expires_at, 'infinity') > $2) AS holds,
			EXISTS (SELECT FROM {identities i} WHERE i.analyst_id = a.id) AS is_foreign
		FROM {analysts a} WHERE a.name = $1`, name, now)
	switch {
	case err != nil:
		return id, err
	case len(known) == 0:
		id = parley.AnalystID(name)
		return id, w.exec(ctx, `INSERT INTO analysts (id, name, role) VALUES ($1, $2, $3)`, id, name, role)
	case known[0].Foreign:
		return id, parley.Refuse(parley.Conflict, "analyst", "%s signs in at the issuer of OpenID Connect, and gets tokens there; give another name.", name)
	case known[0].Role != role && known[0].Holds:
		return id, parley.Refuse(parley.Conflict, "role", "%s has the role %s by another token; give that role, or revoke the other token first.", name,
			string(known[0].Role))
	}
	return known[0].ID, w.exec(ctx, `UPDATE analysts SET role = $2 WHERE id = $1`, known[0].ID, role)
}

// RevokeToken ends a token at once, with all that its holder is doing. Refusals: NOT_FOUND. Only an administrator may do this.
func (s *Store) RevokeToken(ctx context.Context, name string) (*parley.Token, error) {
	caller, err := parley.Require(ctx, parley.Admin, "revoke a token")
	if err != nil {
		return nil, err
	}
	var revoked tokenRow
	err = s.changeAccess(ctx, func(w *writer) error {
		err := w.tx.GetContext(ctx, &revoked, w.Expand(`
			UPDATE tokens t SET revoked_at = greatest($2, t.created_at), revoked_by = $3
			FROM {analysts a}, {analysts c}
			WHERE t.name = $1 AND t.revoked_at IS NULL AND a.id = t.analyst_id AND c.id = t.created_by
			RETURNING `+tokenColumns), name, s.clock(), caller.ID)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return parley.Refuse(parley.NotFound, "name", "There is no token %s that counts; parley token list names all that do.", name)
		case err != nil:
			return err
		}
		return w.audit(ctx, parley.TokenRevoked, name)
	})
	if err != nil {
		return nil, err
	}
	return revoked.token(), nil
}

// OpenAccess lets everybody use the servers again as their local administrator. Tokens that are on record go on counting.
func (s *Store) OpenAccess(ctx context.Context) error {
	if _, err := parley.Require(ctx, parley.Admin, "open the servers"); err != nil {
		return err
	}
	return s.changeAccess(ctx, func(w *writer) error {
		if err := w.exec(ctx, `UPDATE access SET locked = false`); err != nil {
			return err
		}
		return w.audit(ctx, parley.ServersOpened, "")
	})
}

// changeAccess runs a transaction that changes who may use the servers. It raises the number by which all servers notice.
func (s *Store) changeAccess(ctx context.Context, do func(*writer) error) error {
	return explain(s.attempt(ctx, func(w *writer) error {
		// One at a time. By the time in it, a number means another state than the same one of before a backup was restored.
		err := w.exec(ctx, `UPDATE access SET number = greatest(number + 1, floor(extract(epoch FROM clock_timestamp()) * 1e6)::bigint)`)
		if err != nil {
			return err
		}
		return do(w)
	}))
}

// NoteUse records that tokens were used.
func (s *Store) NoteUse(ctx context.Context, tokens []uuid.UUID, at time.Time) error {
	// A row that is locked is one that is being revoked, or noted by another server.
	_, err := s.db.ExecContext(ctx, s.expand(`
		UPDATE tokens SET used_at = greatest(used_at, $2)
		WHERE id IN (SELECT id FROM {tokens} WHERE id = ANY($1) ORDER BY id FOR UPDATE SKIP LOCKED)`), pq.Array(tokens), at)
	if err != nil {
		return fmt.Errorf("record when tokens were used: %w", err)
	}
	return nil
}
