package storage

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"example.org/parley"
)

// lineOf is how facts are kept whose interval depends on their neighbours: the statuses of a scenario, the positions of
// a holder on a scenario. A late report, a correction or a retraction cuts the neighbours anew; each row that changes
// by that is closed and opened again under the same id and version.
type lineOf[T any] struct {
	noun    *noun[T]
	id      func(*T) uuid.UUID
	sameCut func(a, b *T) bool
}

// copies remembers a line as it is on record.
func (l lineOf[T]) copies(line []*T) map[uuid.UUID]T {
	before := make(map[uuid.UUID]T, len(line))
	for _, fact := range line {
		before[l.id(fact)] = *fact
	}
	return before
}

// rewrite brings the rows of a line in step with what was arranged: rows whose cut changed are opened anew, facts that
// were not in it before are inserted. All rows are closed before any is opened, since the constraints that keep
// intervals apart look at once.
func (l lineOf[T]) rewrite(ctx context.Context, w *writer, scenario *target, before map[uuid.UUID]T, line []*T) error {
	var open []*T
	for _, fact := range line {
		was, known := before[l.id(fact)]
		if known && l.sameCut(&was, fact) {
			continue
		}
		open = append(open, fact)
		if !known {
			continue
		}
		if err := w.close(ctx, l.noun.table.Name, l.id(fact), "RECUT"); err != nil {
			return err
		}
	}
	return l.noun.insert(ctx, w, scenario, open...)
}

// without is the line with one fact taken out.
func (l lineOf[T]) without(line []*T, id uuid.UUID) (rest []*T, taken *T) {
	for _, fact := range line {
		if l.id(fact) == id {
			taken = fact
		} else {
			rest = append(rest, fact)
		}
	}
	return rest, taken
}

// subjectOf finds a fact by what an input calls it, and the scenario that has to be locked to change it.
func (w *writer) subjectOf(ctx context.Context, field, ref string, kind parley.Kind) (*target, error) {
	return w.oneOf(ctx, field, ref, kind)
}

// oneOf is the record that a field of the input names, of one of the kinds. No lock is held on it yet.
func (w *writer) oneOf(ctx context.Context, field, ref string, kinds ...parley.Kind) (*target, error) {
	found, err := everKnown(ctx, &w.Reader, []string{ref})
	if err != nil {
		return nil, err
	}
	t := found.at(ref, nil)
	if t != nil && t.RetractedAt == nil && slices.Contains(kinds, t.Kind) {
		return t, nil
	}
	return nil, parley.Refusal{notFound(want{field: field, ref: ref, kinds: kinds}, t, nil)}
}

// atField names another input field in a refusal than the rule that made it did.
func atField(err error, from, to string) error {
	var refusal parley.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	for i := range refusal {
		if len(refusal[i].Field) == 1 && refusal[i].Field[0] == from {
			refusal[i].Field = []string{to}
		}
	}
	return refusal
}
