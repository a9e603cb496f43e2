package storage

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"example.org/parley"
)

// clientID is an id that a client chose for what it creates, with a fingerprint of what it sent.
type clientID struct {
	id          *uuid.UUID
	fingerprint parley.Fingerprint
	record      uuid.UUID // what the id names already, if anything
	known       bool
}

// claim looks up a client's id. It is known when the same content was sent under it before; with other content the
// mutation is refused with ID_REUSED.
func (w *writer) claim(ctx context.Context, field, operation string, id *string, input any) (*clientID, error) {
	c := &clientID{}
	if id == nil {
		return c, nil
	}
	chosen := parley.ReadRef(*id).ID
	if chosen == uuid.Nil {
		return nil, parley.Refuse(parley.Invalid, field, "%q can't be used as an id; choose a UUID, or leave it out.",
			*id)
	}
	var found []struct {
		Hash       []byte         `db:"content_hash"`
		Scheme     int            `db:"scheme"`
		Record     uuid.UUID      `db:"record_id"`
		Kind       parley.Kind    `db:"kind"`
		RecordedAt parley.Instant `db:"recorded_at"`
		Now        uuid.UUID      `db:"now"` // the record, or the one that it was merged into
		Retracted  bool           `db:"retracted"`
	}
	err := w.all(ctx, &found, `
		SELECT c.content_hash, coalesce(c.scheme, 1) AS scheme, c.record_id, o.kind, r.id AS now,
			coalesce(c.recorded_at, o.recorded_at) AS recorded_at, r.retracted_at < 'infinity' AS retracted
		FROM {client_ids c}
		JOIN {records o} ON o.id = c.record_id
		JOIN {records r} ON r.id = merged_now(o.id)
		WHERE c.id = $1`, chosen)
	if err != nil {
		return nil, fmt.Errorf("look up a client's id: %w", err)
	}
	// What was sent before is compared as its references were read then: a key may lead to another record by now.
	var at *parley.Instant
	if len(found) > 0 {
		at = &found[0].RecordedAt
	}
	canonical, err := w.canonical(ctx, operation, input, at)
	if err != nil {
		return nil, err
	}
	c.id, c.fingerprint = &chosen, canonical.Fingerprint()
	if len(found) == 0 {
		return c, nil
	}
	if found[0].Retracted {
		return nil, parley.Refuse(parley.IDReused, field,
			"The id %s names something that was sent before and is retracted; choose another id.", chosen)
	}
	same := slices.Equal(found[0].Hash, c.fingerprint.Hash)
	if found[0].Scheme != c.fingerprint.Scheme {
		// An earlier scheme can't be computed any more, so what is on record decides.
		if same, err = w.recordedAs(ctx, found[0].Kind, found[0].Record, canonical); err != nil {
			return nil, err
		}
	}
	if !same {
		return nil, parley.Refuse(parley.IDReused, field,
			"The id %s names something that was sent with other content; send the same content again, or choose "+
				"another id.", chosen)
	}
	c.record, c.known = found[0].Now, true
	return c, nil
}

// canonical writes down an input so that the same content always reads the same: references by the ids of their
// records, as they led to them at an instant; nil is now.
func (w *writer) canonical(ctx context.Context, operation string, input any, at *parley.Instant) (parley.Canonical, error) {
	found, err := everKnown(ctx, &w.Reader, parley.RefsIn(input))
	if err != nil {
		return parley.Canonical{}, err
	}
	return parley.Canonicalize(operation, input, func(ref string) string {
		if t := found.at(ref, at); t != nil && t.isKnown(at) {
			return t.ID.String()
		}
		return ref
	}), nil
}

// recordedAs says whether the first version of a record says what an input says, as far as the record keeps it.
func (w *writer) recordedAs(ctx context.Context, kind parley.Kind, id uuid.UUID, input parley.Canonical) (bool, error) {
	at := slices.IndexFunc(descriptions, func(d description) bool { return d.kind == kind })
	first, err := nouns[at].first(ctx, w, id)
	if err != nil {
		return false, fmt.Errorf("read what was first recorded under a client's id: %w", err)
	}
	return first != nil && input.AgreesWith(first), nil
}

// newID is the id of what is created: the client's, or one of ours.
func (c *clientID) newID() uuid.UUID {
	if c.id != nil {
		return *c.id
	}
	return parley.NewID()
}

// keep remembers the client's id for the record.
func (w *writer) keep(ctx context.Context, c *clientID, record uuid.UUID) error {
	if c.id == nil {
		return nil
	}
	err := w.exec(ctx,
		`INSERT INTO client_ids (id, content_hash, scheme, record_id, recorded_at) VALUES ($1, $2, $3, $4, $5)`,
		*c.id, c.fingerprint.Hash, c.fingerprint.Scheme, record, w.at)
	if err != nil {
		return fmt.Errorf("keep a client's id: %w", err)
	}
	return nil
}
