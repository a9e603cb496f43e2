package storage

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"example.org/parley"
)

// asked is the lens that a client asks for; the zero lens, which is the snapshot's own, where it asks for nothing.
func (s *Snapshot) asked(ctx context.Context, asOf *parley.AsOf) (parley.Lens, error) {
	if asOf == nil || (asOf.ValidAt == nil && asOf.KnownAt == nil) {
		return parley.Lens{}, nil
	}
	var known parley.Instant
	if asOf.KnownAt != nil {
		known = *asOf.KnownAt
		if known.Equal(parley.EarliestInstant) {
			known = known.Add(time.Microsecond) // nothing was known at either, and the zero lens stands for another
		}
		if asOf.ValidAt != nil && s.store.mark.covers(known) {
			return parley.Lens{ValidAt: *asOf.ValidAt, KnownAt: known}, nil
		}
	}
	lens, err := s.Lens(ctx)
	if err != nil {
		return parley.Lens{}, err
	}
	if asOf.KnownAt != nil {
		if err := s.store.fix(ctx, known, lens); err != nil {
			return parley.Lens{}, err
		}
		lens.KnownAt = known
	}
	if asOf.ValidAt != nil {
		lens.ValidAt = *asOf.ValidAt
	}
	return lens, nil
}

// Through is the lens that a client asks for.
func (s *Snapshot) Through(ctx context.Context, asOf *parley.AsOf) (parley.Lens, error) {
	lens, err := s.asked(ctx, asOf)
	if err == nil && lens == (parley.Lens{}) {
		return s.Lens(ctx)
	}
	return lens, err
}

// Key asks for the record that a client names, through the lens that it asks for.
func (s *Snapshot) Key(ctx context.Context, ref string, asOf *parley.AsOf) (k Key, err error) {
	k = KeyOf(ref)
	k.Lens, err = s.asked(ctx, asOf)
	return k, err
}

// everything asks for what belongs to no record in particular.
func (s *Snapshot) everything(ctx context.Context, asOf *parley.AsOf) ([]Key, error) {
	lens, err := s.asked(ctx, asOf)
	return []Key{{Lens: lens}}, err
}

// patience is how long a reader waits for what is being written as of the instant that it asks for.
const patience = 10 * time.Second

// fix makes sure that nothing will be recorded at or before an instant any more, given what is now: a writer may have stamped
// its change with an earlier one, and not have committed yet. It raises the mark that later stamps have to pass, and by that
// waits for writers that hold it.
func (s *Store) fix(ctx context.Context, at parley.Instant, now parley.Lens) error {
	switch {
	case s.mark.covers(at):
		return nil
	case at.After(now.ValidAt):
		return parley.NewFault(parley.BadLens, "knownAt: %s lies in the future, and nobody knows yet what will be on record then; give an instant up to now, %s.",
			parley.FormatInstant(at), parley.FormatInstant(now.ValidAt))
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := s.raise(waiting, at)
	if waiting.Err() != nil && ctx.Err() == nil {
		return parley.NewFault(parley.Limit, "knownAt: what is on record at %s is still being written; ask again in a while, or for what was known earlier.", parley.FormatInstant(at))
	}
	if err != nil {
		return fmt.Errorf("fix what is known: %w", err)
	}
	return nil
}

func (s *Store) raise(ctx context.Context, at parley.Instant) error {
	err := s.attempt(ctx, func(w *writer) error {
		return w.exec(ctx, `UPDATE feed_head SET recorded_at = $1 WHERE recorded_at < $1`, at)
	})
	if err == nil {
		s.mark.raise(at)
	}
	return err
}

// NextChanges are the next instants at which validity alone changes an answer, after each lens's valid instant; nil where
// none is on record.
func (s *Snapshot) NextChanges(ctx context.Context, lenses []Key, _ *Fields) ([]*parley.Instant, error) {
	q := s.newQuery(lenses)
	next := make([]*parley.Instant, len(lenses))
	soonest := func(table, column, condition string) string {
		return `(SELECT min(t.` + column + `) FROM ` + table + ` t WHERE t.` + column + ` > k.valid_at` + condition + ` AND {known t})`
	}
	err := s.rows(ctx, q.expand(`
		SELECT record_send(ROW(k.n, least(
			`+soonest("status_changes", "effective_at", "")+`,
			`+soonest("positions", "valid_from", "")+`,
			`+soonest("positions", "asserted_to", " AND t.asserted_to = t.valid_to")+`,
			`+soonest("assessments", "assessed_at", "")+`,
			`+soonest("scenarios", "resolved_at", "")+`,
			`+soonest("participations", "valid_from", "")+`,
			`+soonest("participations", "valid_to", "")+`,
			`+soonest("affiliations", "valid_from", "")+`,
			`+soonest("affiliations", "valid_to", "")+`)))
		FROM {keys}`), q.args, func(sent row) {
		n := q.begin(s, &sent)
		if at := sent.next(); at != nil && !at.instant().isInfinite() {
			known := at.instant().time()
			next[n] = &known
		}
	})
	return next, err
}

// Cursors are those of the last change that is visible through each lens.
func (s *Snapshot) Cursors(ctx context.Context, lenses []Key, _ *Fields) ([]parley.Cursor, error) {
	q := s.newQuery(lenses)
	cursors := make([]parley.Cursor, len(lenses))
	err := s.rows(ctx, q.expand(`
		SELECT record_send(ROW(k.n, coalesce((
			SELECT c.seq FROM changes c
			WHERE c.recorded_at <= k.known_at
			ORDER BY c.recorded_at DESC
			LIMIT 1), 0)))
		FROM {keys}`), q.args, func(sent row) {
		n := q.begin(s, &sent)
		cursors[n] = s.store.cursor(sent.next().number())
	})
	return cursors, err
}

// mark is the last recordedAt that this server has seen, beyond which alone anything can still be recorded.
type mark struct{ micros atomic.Int64 }

func (m *mark) reset() { m.micros.Store(math.MinInt64) }

func (m *mark) covers(at parley.Instant) bool { return at.UnixMicro() <= m.micros.Load() }

func (m *mark) raise(at parley.Instant) {
	for seen := m.micros.Load(); at.UnixMicro() > seen && !m.micros.CompareAndSwap(seen, at.UnixMicro()); {
		seen = m.micros.Load()
	}
}
