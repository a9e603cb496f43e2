package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"example.org/parley"
)

// maxAudited is how many entries of the audit log may be read at once.
const maxAudited = 500

const insertAudit = `INSERT INTO audit_log (at, act, analyst_id, address, subject) VALUES ($1, $2, $3, $4, $5)`

// audit notes an act in its own transaction, in the name of the caller.
func (w *writer) audit(ctx context.Context, act parley.AuditedAct, subject string) error {
	return w.exec(ctx, insertAudit, w.store.clock(), act, callerID(ctx), parley.AddressOf(ctx), parley.Clip(subject, 900))
}

// Audit notes an act, in the name of the caller if there is one.
func (s *Store) Audit(ctx context.Context, act parley.AuditedAct, subject string) error {
	_, err := s.db.ExecContext(ctx, insertAudit, s.clock(), act, callerID(ctx), parley.AddressOf(ctx), parley.Clip(subject, 900))
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

func callerID(ctx context.Context) *uuid.UUID {
	if caller, known := parley.CallerOf(ctx); known && caller.ID != uuid.Nil {
		return &caller.ID
	}
	return nil
}

// AuditLog are entries of the audit log, the newest first: those before a number, or the newest of all. Only an administrator may read
// them. A fault has the code BAD_REQUEST for more than 500.
func (s *Store) AuditLog(ctx context.Context, first int, before *int) ([]*parley.AuditEntry, error) {
	if _, err := parley.Require(ctx, parley.Admin, "read the audit log"); err != nil {
		return nil, err
	}
	if first < 1 || first > maxAudited {
		return nil, parley.NewFault(parley.BadRequest, "first is %d; give a number from 1 to %d.", first, maxAudited)
	}
	var found []struct {
		Number    int               `db:"number"`
		At        time.Time         `db:"at"`
		Act       parley.AuditedAct `db:"act"`
		AnalystID *uuid.UUID        `db:"analyst_id"`
		Name      *string           `db:"name"`
		Role      *parley.Role      `db:"role"`
		Address   *string           `db:"address"`
		Subject   string            `db:"subject"`
	}
	err := s.db.SelectContext(ctx, &found, s.expand(`
		SELECT l.number, l.at, l.act, l.analyst_id, a.name, a.role, l.address, l.subject
		FROM {audit_log l} LEFT JOIN {analysts a} ON a.id = l.analyst_id
		WHERE $2::bigint IS NULL OR l.number < $2
		ORDER BY l.number DESC
		LIMIT $1`), first, before)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	entries := make([]*parley.AuditEntry, len(found))
	for i, e := range found {
		entries[i] = &parley.AuditEntry{Number: e.Number, At: e.At, Act: e.Act, Address: e.Address, Subject: e.Subject}
		if e.AnalystID != nil {
			entries[i].Analyst = &parley.Analyst{ID: *e.AnalystID, Name: *e.Name, Role: *e.Role}
		}
	}
	return entries, nil
}
