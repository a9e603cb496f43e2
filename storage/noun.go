package storage

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// noun is how the records of one kind are kept: those whose versions have no more to them than their fields. (Positions
// and status changes are cut by their neighbours and go their own way.)
type noun[T any] struct {
	table      *table[T]
	kind       parley.Kind
	changeKind parley.ChangeKind
	insert     func(context.Context, *writer, *target, *T) error
	provenance func(*T) *parley.Provenance
}

// create writes a new record and its change. The subject carries the record's identity; the sentence says what was done.
func (n noun[T]) create(ctx context.Context, w *writer, id *clientID, subject *target, value *T, touches []uuid.UUID, sentence string) (Written, error) {
	return n.createAfter(ctx, w, id, subject, nil, value, touches, sentence)
}

// createAfter is create for a record that takes the place of another, of which that is the version.
func (n noun[T]) createAfter(ctx context.Context, w *writer, id *clientID, subject *target, previous *uuid.UUID, value *T, touches []uuid.UUID, sentence string) (Written, error) {
	if err := w.record(ctx, subject.ID, n.kind, subject.Path, subject.NegotiationID, subject.ParentID); err != nil {
		return Written{}, err
	}
	*n.provenance(value) = w.provenance(nil)
	if err := n.insert(ctx, w, subject, value); err != nil {
		return Written{}, err
	}
	if err := w.keep(ctx, id, subject.ID); err != nil {
		return Written{}, err
	}
	version := n.provenance(value).Version
	subject.Kind = n.kind
	cursor, err := w.appendChange(ctx, parley.ChangeEntry{
		Kind: n.changeKind, Action: parley.Created, SubjectKind: n.kind, SubjectID: subject.ID, Version: &version,
		PreviousVersion: previous, NegotiationID: subject.negotiation(), Touches: touches, Summary: sentence,
	})
	return Written{ID: subject.ID, Previous: previous, Cursor: cursor}, err
}

// edition is a change of a record's fields.
type edition[T any] struct {
	subject *target
	since   *parley.Cursor
	note    *string // why the record was wrong; nil for an edit that corrects nothing
	touches []uuid.UUID
	// sentence says what was done, where that is more than that fields were edited, and remark is what the analyst says to it.
	sentence string
	remark   *string
	// negotiation that the change belongs to, for a subject that belongs to none.
	negotiation *uuid.UUID
	// apply changes the fields and names those that it really changed.
	apply func(*T) ([]string, error)
	// settle checks and sets what depends on the change's own recordedAt, which is known by then; nil: nothing.
	settle func(*T) error
}

// edit writes a new version of a record and its change; with nothing changed it ends with errUnchanged.
func (n noun[T]) edit(ctx context.Context, w *writer, e edition[T]) (Written, error) {
	if err := w.unchangedSince(ctx, e.since, e.subject.ID); err != nil {
		return Written{}, err
	}
	value, err := n.current(ctx, w, e.subject.ID)
	if err != nil {
		return Written{}, err
	}
	previous := n.provenance(value).Version
	fields, err := e.apply(value)
	if err != nil {
		return Written{}, err
	}
	if len(fields) == 0 {
		return Written{ID: e.subject.ID}, errUnchanged
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	if e.settle != nil {
		if err := e.settle(value); err != nil {
			return Written{}, err
		}
	}
	why, verb := "EDITED", "Edited"
	if e.note != nil {
		why, verb = "CORRECTED", "Corrected"
	}
	if e.sentence == "" {
		e.sentence = fmt.Sprintf("%s %s: %s.", verb, called(e.subject), strings.Join(fields, ", "))
	}
	if err := w.close(ctx, n.table.name, e.subject.ID, why); err != nil {
		return Written{}, err
	}
	*n.provenance(value) = w.provenance(e.note)
	if err := n.insert(ctx, w, e.subject, value); err != nil {
		return Written{}, err
	}
	version := n.provenance(value).Version
	if e.negotiation == nil {
		e.negotiation = e.subject.negotiation()
	}
	cursor, err := w.appendChange(ctx, parley.ChangeEntry{
		Kind: n.changeKind, Action: parley.Updated, SubjectKind: n.kind, SubjectID: e.subject.ID,
		Version: &version, PreviousVersion: &previous, NegotiationID: e.negotiation, Touches: e.touches,
		Fields: fields, Note: cmp.Or(e.note, e.remark), Summary: e.sentence,
	})
	return Written{ID: e.subject.ID, Previous: &previous, Cursor: cursor}, err
}

// current is a record as it stands.
func (n noun[T]) current(ctx context.Context, w *writer, id uuid.UUID) (*T, error) {
	values, err := find(ctx, &w.reader, n.table, current(id), nil)
	if err != nil {
		return nil, err
	}
	if values[0] == nil {
		return nil, errMoved
	}
	return values[0], nil
}

// called names a record in a sentence.
func called(t *target) string {
	if t.Name == "" {
		return t.Kind.Noun()
	}
	return fmt.Sprintf("%s “%s”", strings.TrimPrefix(strings.TrimPrefix(t.Kind.Noun(), "an "), "a "), t.Name)
}
