package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// Batch is a transaction of many mutations: all of them are kept, or none. Each makes its own change with its own
// recordedAt. Other writers wait from its beginning to its end.
type Batch struct {
	mutations
	w     *writer
	begun rows.Now
}

// head is the feed head of a batch, which alone may move it. It is written once, at the end, since every new version of
// that one row would make the next slower to find.
type head struct {
	seq int64
	at  time.Time
	// refused is why nothing may be recorded with the stamps that were asked for; a batch that changes nothing needs
	// none.
	refused error
	dated   bool // the stamps are those of a file
}

// InBatch commits what do wrote, unless it returns an error.
func (s *Store) InBatch(ctx context.Context, do func(*Batch) error) error {
	err := s.inTransaction(ctx, func(w *writer) error {
		if err := w.identify(ctx); err != nil {
			return err
		}
		now, err := w.alone(ctx)
		if err != nil {
			return err
		}
		w.head = &head{seq: now.Seq, at: now.Now}
		b := &Batch{w: w, begun: now}
		b.mutations = mutations{run: b.mutation, runAlone: b.mutation}
		if err := do(b); err != nil || w.head.seq == now.Seq {
			return err
		}
		w.seq, w.at = w.head.seq, w.head.at
		if err := w.exec(ctx, `UPDATE feed_head SET seq = $1, recorded_at = $2`, w.seq, w.at); err != nil {
			return fmt.Errorf("move the feed head: %w", err)
		}
		return nil
	})
	if err == nil {
		s.notifier.notify()
	}
	return err
}

// RecordFrom has what follows recorded from an instant on, which has to come after all that is on record: a history with
// knowledge dates of its own. Without an instant it is recorded now.
func (b *Batch) RecordFrom(instant *parley.Instant) {
	head := b.w.head
	last := b.begun
	if head.seq > last.Seq {
		last.RecordedAt = head.at
	}
	head.dated, head.refused = instant != nil, nil
	switch {
	case instant == nil && last.Now.After(head.at):
		head.at = last.Now
	case instant != nil:
		if head.refused = b.w.mayRecord(*instant, last); head.refused == nil {
			head.at = instant.Add(-time.Microsecond) // the first change bears the instant itself
		}
	}
}

// writeAlone runs a mutation while nobody else writes.
func (s *Store) writeAlone(
	ctx context.Context, mutation func(context.Context, *writer) (Written, error),
) (written Written, err error) {
	err = s.InBatch(ctx, func(b *Batch) (err error) {
		written, err = b.run(ctx, mutation)
		return err
	})
	return written, err
}

// alone waits until no other writes, and keeps others from writing until the commit. It returns the feed head.
func (w *writer) alone(ctx context.Context) (rows.Now, error) {
	var ids []string
	err := w.all(ctx, &ids, `
		SELECT pg_current_xact_id()::text FROM pg_advisory_xact_lock($1), set_config('parley.hold', '0', true)`, writersLock)
	if err != nil {
		return rows.Now{}, fmt.Errorf("wait for other writers: %w", err)
	}
	w.id = ids[0]
	now, err := w.Now(ctx)
	if err == nil {
		err = w.store.fits(now)
	}
	return now, err
}

// mayRecord refuses to put changes on record as of an instant at which others may have looked already.
func (w *writer) mayRecord(at parley.Instant, now rows.Now) error {
	switch {
	case w.analyst.Role != parley.Admin:
		return parley.Refuse(parley.Invalid, "recordedAt",
			"Only an administrator may give recordedAt; leave it out, and the facts are recorded now.")
	case at.After(now.Now):
		return parley.Refuse(parley.Invalid, "recordedAt",
			"recordedAt %s lies in the future; give an instant up to now, or leave it out.", parley.FormatInstant(at))
	case !at.After(now.RecordedAt):
		return parley.Refuse(parley.Conflict, "recordedAt",
			"recordedAt %s is not later than what is on record, or was asked about, already (%s); give a later "+
				"instant, import into an empty database, or leave it out.",
			parley.FormatInstant(at), parley.FormatInstant(now.RecordedAt))
	}
	return nil
}

// mutation runs one mutation under a savepoint, so that one that changes nothing leaves no trace in the feed.
func (b *Batch) mutation(
	ctx context.Context, mutation func(context.Context, *writer) (Written, error),
) (Written, error) {
	b.w.seq = 0
	if err := b.w.exec(ctx, `SAVEPOINT mutation`); err != nil {
		return Written{}, err
	}
	written, err := mutation(ctx, b.w)
	if errors.Is(err, errUnchanged) {
		return written, b.w.exec(ctx, `ROLLBACK TO SAVEPOINT mutation; RELEASE SAVEPOINT mutation`)
	}
	if err != nil {
		return Written{}, explain(err)
	}
	if b.w.seq != 0 {
		b.w.head.seq, b.w.head.at = b.w.seq, b.w.at
	}
	return written, b.w.exec(ctx, `RELEASE SAVEPOINT mutation`)
}

// Named is what a client's id stands for.
type Named struct {
	Record    uuid.UUID `db:"record_id"`
	Retracted bool      `db:"retracted"` // or merged into another one
	Merged    bool      `db:"merged"`
}

// Named is the record that was created under a client's id, and false when there is none.
func (b *Batch) Named(ctx context.Context, id uuid.UUID) (Named, bool, error) {
	var found []Named
	err := b.w.all(ctx, &found, `
		SELECT c.record_id, r.retracted_at < 'infinity' AS retracted, r.merged_into IS NOT NULL AS merged
		FROM {client_ids c}
		JOIN {records r} ON r.id = c.record_id
		WHERE c.id = $1`, id)
	if err != nil || len(found) == 0 {
		return Named{}, false, err
	}
	return found[0], true, nil
}

// FindKey is the record with a key; false when there is none.
func (b *Batch) FindKey(ctx context.Context, key string) (uuid.UUID, bool, error) {
	found, err := b.w.lookUp(ctx, []string{key})
	if err != nil || found[key] == nil {
		return uuid.Nil, false, err
	}
	return found[key].ID, true, nil
}

// FirstStatus is the id of a scenario's first status change.
func (b *Batch) FirstStatus(ctx context.Context, scenario uuid.UUID) (uuid.UUID, error) {
	var found []uuid.UUID
	err := b.w.all(ctx, &found, `
		SELECT id FROM {status_changes}
		WHERE scenario_id = $1 AND superseded_at = 'infinity'
		ORDER BY effective_at, ordinal
		LIMIT 1`, scenario)
	if err != nil {
		return uuid.Nil, err
	}
	if len(found) == 0 {
		return uuid.Nil, fmt.Errorf("the scenario %s has no status", scenario)
	}
	return found[0], nil
}

// Name lets a client's id stand for a record that was created under no id of its own: from the batch's last change on,
// or from its beginning.
func (b *Batch) Name(ctx context.Context, id, record uuid.UUID) error {
	err := b.w.exec(ctx, `
		INSERT INTO client_ids (id, content_hash, record_id, recorded_at)
		SELECT $1, '', $2, greatest($3, recorded_at + interval '1 microsecond')
			FROM feed_head`, id, record, b.w.head.at)
	if err != nil {
		return fmt.Errorf("keep a client's id: %w", err)
	}
	return nil
}

// Scenario is one that is on record.
func (b *Batch) Scenario(ctx context.Context, id uuid.UUID) (*parley.Scenario, error) {
	return scenarios.current(ctx, b.w, id)
}

// Affiliation is one that is on record.
func (b *Batch) Affiliation(ctx context.Context, id uuid.UUID) (*parley.Affiliation, error) {
	return affiliations.current(ctx, b.w, id)
}

// Membership is one that is on record.
func (b *Batch) Membership(ctx context.Context, id uuid.UUID) (*parley.Membership, error) {
	return memberships.current(ctx, b.w, id)
}

// Assessment is one that is on record.
func (b *Batch) Assessment(ctx context.Context, id uuid.UUID) (*parley.Assessment, error) {
	return assessments.current(ctx, b.w, id)
}
