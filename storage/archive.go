package storage

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/exchange"
)

// archived is what archives have to know of the nouns.
var archived = func() exchange.Nouns {
	list := make(exchange.Nouns, len(descriptions))
	for i, d := range descriptions {
		list[i] = exchange.Noun{
			Kind: d.kind, Table: d.table, Shared: d.shared, Names: make(map[string][]parley.Kind), Texts: d.texts, Context: d.context,
		}
		for _, c := range d.columns {
			if len(c.Kinds) > 0 && c.name != "" {
				list[i].Names[c.name] = c.Kinds
				if c.Use != "" {
					list[i].Keeps = append(list[i].Keeps, c.name)
				}
			}
		}
	}
	return list
}()

// Archive reads everything that is on record about a negotiation as known at an instant, section by section: each row
// as one line of JSON. docs/exchange.md says what is in it.
func (s *Store) Archive(
	ctx context.Context, negotiation uuid.UUID, knownAt parley.Instant, each func(section string, row []byte) error,
) error {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin to read an archive: %w", err)
	}
	defer tx.Rollback()
	return archived.Write(ctx, tx, negotiation, knownAt, each)
}

// RestoreArchive puts what fill adds on record, all of it or nothing: a history as known at an instant. Only an administrator
// may do that. What does not fit is an *exchange.Misfit.
func (s *Store) RestoreArchive(ctx context.Context, knownAt parley.Instant, fill func(*exchange.Restoration) error) error {
	err := s.inTransaction(ctx, func(w *writer) error {
		if err := w.identify(ctx); err != nil {
			return err
		}
		if w.analyst.Role != parley.Admin {
			return &exchange.Misfit{Message: "Only an administrator may import an archive, since it says when its " +
				"facts were recorded."}
		}
		before, err := w.alone(ctx)
		if err != nil {
			return err
		}
		if w.seq, w.at, err = archived.Restore(ctx, w.tx, before, knownAt, fill); err != nil {
			return err
		}
		return w.exec(ctx, `UPDATE feed_head SET seq = $1, recorded_at = $2`, w.seq, knownAt)
	})
	if err == nil {
		s.notifier.notify()
	}
	return err
}
