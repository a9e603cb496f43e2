package storage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// asked is the lens that a client asks for; the zero lens, which is the snapshot's own, where it asks for nothing. A
// known instant in the future is a fault.
func (s *Snapshot) asked(ctx context.Context, asOf *parley.AsOf) (parley.Lens, error) {
	if asOf == nil || (asOf.ValidAt == nil && asOf.KnownAt == nil) {
		return parley.Lens{}, nil
	}
	if asOf.ValidAt != nil && asOf.KnownAt != nil && s.store.mark.Covers(*asOf.KnownAt) {
		return asOf.Lens(parley.Lens{}), nil
	}
	now, err := s.Lens(ctx)
	if err != nil {
		return parley.Lens{}, err
	}
	if asOf.KnownAt != nil {
		if err := s.store.fix(ctx, *asOf.KnownAt, now); err != nil {
			return parley.Lens{}, err
		}
	}
	return asOf.Lens(now), nil
}

// Through is the lens that a client asks for; now on both axes where it asks for nothing.
func (s *Snapshot) Through(ctx context.Context, asOf *parley.AsOf) (parley.Lens, error) {
	lens, err := s.asked(ctx, asOf)
	if err == nil && lens.IsZero() {
		return s.Lens(ctx)
	}
	return lens, err
}

// Key asks for the record that a client names, through the lens that it asks for or, if it asks for none, through the
// one that the id names.
func (s *Snapshot) Key(ctx context.Context, ref string, asOf *parley.AsOf) (k Key, err error) {
	k = KeyOf(ref)
	if asOf == nil {
		o, _ := parley.ReadObjectID(ref)
		asOf = o.AsOf()
	}
	k.Lens, err = s.asked(ctx, asOf)
	return k, err
}

// lensed gives keys without a lens that of now.
func (s *Snapshot) lensed(ctx context.Context, keys []Key) ([]Key, error) {
	keys = slices.Clone(keys)
	for i := range keys {
		if keys[i].Lens.IsZero() {
			now, err := s.Lens(ctx)
			if err != nil {
				return nil, err
			}
			keys[i].Lens = now
		}
	}
	return keys, nil
}

// everything asks for what belongs to no record in particular.
func (s *Snapshot) everything(ctx context.Context, asOf *parley.AsOf) ([]Key, error) {
	lens, err := s.asked(ctx, asOf)
	return []Key{{Lens: lens}}, err
}

// fixTimeout is how long a reader waits for writers that may still record something at the instant that it asks for.
const fixTimeout = 10 * time.Second

// fix makes sure that nothing is recorded at or before an instant any more, given what is now. A writer may have
// stamped its change with an earlier instant, and not have committed yet. So fix raises the last recordedAt in the feed
// head, which later stamps have to pass; taking the head waits for such a writer.
func (s *Store) fix(ctx context.Context, at parley.Instant, now parley.Lens) error {
	switch {
	case s.mark.Covers(at):
		return nil
	case at.After(now.ValidAt):
		return parley.NewFault(parley.BadLens,
			"knownAt: %s lies in the future, and nobody knows yet what will be on record then; give an instant up to "+
				"now, %s.",
			parley.FormatInstant(at), parley.FormatInstant(now.ValidAt))
	}
	if at.After(now.KnownAt) {
		if err := s.agrees(at); err != nil {
			return err
		}
	}
	waiting, cancel := context.WithTimeout(ctx, fixTimeout)
	defer cancel()
	err := s.raise(waiting, at)
	if waiting.Err() != nil && ctx.Err() == nil {
		return parley.NewFault(parley.Limit,
			"knownAt: what is on record at %s is still being written; ask again in a while, or for what was known "+
				"earlier.", parley.FormatInstant(at))
	}
	if err != nil {
		return cmp.Or(rows.Unavailable(err, ""), fmt.Errorf("fix what is known: %w", err))
	}
	return nil
}

func (s *Store) raise(ctx context.Context, at parley.Instant) error {
	err := s.attempt(ctx, func(w *writer) error {
		return w.exec(ctx, `UPDATE feed_head SET recorded_at = $1 WHERE recorded_at < $1`, at)
	})
	if err == nil {
		s.mark.Raise(at)
	}
	return err
}

// NextChanges are the next instants at which validity alone changes an answer, after each lens's valid instant; nil
// where none is on record.
func (s *Snapshot) NextChanges(ctx context.Context, lenses []Key, _ *Fields) ([]*parley.Instant, error) {
	var soonest []string
	for _, d := range descriptions {
		for _, at := range d.dates {
			condition := rows.Aliased(at.condition, "t")
			if condition != "" {
				condition = " AND " + condition
			}
			soonest = append(soonest, `(SELECT min(t.`+at.column+`) FROM {`+d.table+` t}
				WHERE t.`+at.column+` > k.valid_at`+condition+` AND {known t})`)
		}
	}
	next := make([]*parley.Instant, len(lenses))
	err := s.Query(lenses).Run(ctx, `least(`+strings.Join(soonest, ", ")+`)`, `FROM {keys}`,
		func(n int, sent *rows.Row) {
			next[n] = sent.Next().OptionalTime()
		})
	return next, err
}

// Cursors are those of the last change that is visible through each lens.
func (s *Snapshot) Cursors(ctx context.Context, lenses []Key, _ *Fields) ([]parley.Cursor, error) {
	cursors := make([]parley.Cursor, len(lenses))
	err := s.Query(lenses).Run(ctx, `(
			SELECT c.recorded_at FROM {changes c}
			WHERE c.recorded_at <= k.known_at
			ORDER BY c.recorded_at DESC
			LIMIT 1)`, `FROM {keys}`, func(n int, sent *rows.Row) {
		var last parley.Instant // the zero instant before the first change
		if at := sent.Next().OptionalTime(); at != nil {
			last = *at
		}
		cursors[n] = s.store.cursor(last)
	})
	return cursors, err
}
