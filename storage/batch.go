package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"parley"
)

// Batch is a transaction of many mutations: all of them are kept, or none. Each makes its own change with its own
// recordedAt. From the first that changes something to the commit, other writers wait.
type Batch struct {
	mutations
	w *writer
}

// InBatch commits what do wrote, unless it returns an error.
func (s *Store) InBatch(ctx context.Context, do func(*Batch) error) error {
	err := s.inTransaction(ctx, func(w *writer) error {
		b := &Batch{w: w}
		b.mutations = mutations{run: b.mutation}
		return do(b)
	})
	if err == nil {
		s.hints.give()
	}
	return err
}

// mutation runs one mutation under a savepoint, so that one that changes nothing leaves no trace in the feed.
func (b *Batch) mutation(ctx context.Context, mutation func(context.Context, *writer) (Written, error)) (Written, error) {
	b.w.seq = 0
	if err := b.w.exec(ctx, `SAVEPOINT mutation`); err != nil {
		return Written{}, err
	}
	written, err := mutation(ctx, b.w)
	if errors.Is(err, errUnchanged) {
		return written, b.w.exec(ctx, `ROLLBACK TO SAVEPOINT mutation`)
	}
	if err != nil {
		return Written{}, explain(err)
	}
	return written, b.w.exec(ctx, `RELEASE SAVEPOINT mutation`)
}

// Named is what a client's id stands for.
type Named struct {
	Record    uuid.UUID `db:"record_id"`
	Retracted bool      `db:"retracted"`
}

// Named is the record that was created under a client's id, and false when there is none.
func (b *Batch) Named(ctx context.Context, id uuid.UUID) (Named, bool, error) {
	var found []Named
	err := b.w.all(ctx, &found, `
		SELECT c.record_id, r.retracted_at < 'infinity' AS retracted
		FROM client_ids c
		JOIN records r ON r.id = c.record_id
		WHERE c.id = $1`, id)
	if err != nil || len(found) == 0 {
		return Named{}, false, err
	}
	return found[0], true, nil
}

// FindKey is the record with a key; false when there is none.
func (b *Batch) FindKey(ctx context.Context, key parley.Ref) (uuid.UUID, bool, error) {
	found, err := b.w.lookUp(ctx, []parley.Ref{key})
	if err != nil || found[key] == nil {
		return uuid.Nil, false, err
	}
	return found[key].ID, true, nil
}

// FirstStatus is the id of a scenario's first status change.
func (b *Batch) FirstStatus(ctx context.Context, scenario uuid.UUID) (uuid.UUID, error) {
	var found []uuid.UUID
	err := b.w.all(ctx, &found, `
		SELECT id FROM status_changes
		WHERE scenario_id = $1 AND superseded_at = 'infinity'
		ORDER BY effective_at
		LIMIT 1`, scenario)
	if err != nil {
		return uuid.Nil, err
	}
	if len(found) == 0 {
		return uuid.Nil, fmt.Errorf("the scenario %s has no status", scenario)
	}
	return found[0], nil
}

// Empty says whether nothing is on record yet.
func (b *Batch) Empty(ctx context.Context) (bool, error) {
	now, err := b.w.now(ctx)
	return now.Seq == 0, err
}

// Name lets a client's id stand for a record that was created under no id of its own.
func (b *Batch) Name(ctx context.Context, id, record uuid.UUID) error {
	return b.w.keep(ctx, &clientID{id: &id, hash: []byte{}}, record)
}

// ContentHash is that of the body kept of a source; nil when none is.
func (b *Batch) ContentHash(ctx context.Context, source parley.Ref) (*string, error) {
	id, known, err := b.FindKey(ctx, source)
	if err != nil || !known {
		return nil, err
	}
	read, err := sources.read(ctx, &b.w.reader, current(id))
	if err != nil || read[0] == nil {
		return nil, err
	}
	return read[0].ContentHash, nil
}
