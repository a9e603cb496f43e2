package storage

import (
	"context"
	"fmt"

	"parley"
)

type negotiationRow struct {
	listed
	parley.Negotiation
	Path string `db:"path"`
}

func (r negotiationRow) noun(lens parley.Lens) *parley.Negotiation {
	r.Negotiation.Lens = lens
	return &r.Negotiation
}

var negotiationColumns = `n.id, n.path, n.key, n.title, n.summary, n.stage, n.started_at, n.ended_at, ` + provenanceOf("n", "recorded_at")

var negotiations = noun[parley.Negotiation]{
	table: "negotiations", kind: parley.KindNegotiation, changeKind: parley.ChangeOfRecord,
	provenance: func(n *parley.Negotiation) *parley.Provenance { return &n.Provenance },
	read: func(ctx context.Context, r *reader, keys []Key) ([]*parley.Negotiation, error) {
		return one[negotiationRow](ctx, r, keys, `
			SELECT k.n, `+negotiationColumns+`
			FROM {keys}
			JOIN negotiations n ON n.id = k.id AND {known n}`)
	},
	insert: func(ctx context.Context, w *writer, subject *target, n *parley.Negotiation) error {
		n.ID = subject.ID
		return w.insert(ctx, "negotiations",
			`id, version, path, key, title, summary, stage, started_at, ended_at, recorded_by, recorded_at, correction_note`,
			negotiationRow{Negotiation: *n, Path: *subject.Path})
	},
}

// Negotiations are those with these ids; nil where there is none.
func (s *Snapshot) Negotiations(ctx context.Context, keys []Key) ([]*parley.Negotiation, error) {
	return negotiations.read(ctx, &s.reader, keys)
}

// ListNegotiations lists all negotiations by key.
func (s *Snapshot) ListNegotiations(ctx context.Context, lens parley.Lens, p parley.Page) (*parley.NegotiationConnection, error) {
	return first(pages[negotiationRow](ctx, &s.reader, newQuery([]Key{{Lens: lens}}), list{
		columns: negotiationColumns,
		from:    `negotiations n`,
		where:   []string{`{known n}`},
		order:   order{columns: []orderColumn{{"path", "n.path", "text"}}},
	}, p))
}

// first is the page of a list that is read for one key only.
func first[T any](connections []*T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return connections[0], nil
}

// ChangedAt is when the last change that touches each record was recorded.
func (s *Snapshot) ChangedAt(ctx context.Context, keys []Key) ([]*parley.Instant, error) {
	var rows []struct {
		numbered
		At *parley.Instant `db:"at"`
	}
	q := newQuery(keys)
	err := s.all(ctx, &rows, q.expand(`
		SELECT k.n, (
			SELECT c.recorded_at
			FROM change_touches t
			JOIN changes c ON c.seq = t.seq
			WHERE t.record_id = k.id AND c.recorded_at <= k.known_at
			ORDER BY t.seq DESC
			LIMIT 1
		) AS at
		FROM {keys}`), q.args...)
	if err != nil {
		return nil, fmt.Errorf("read when records changed: %w", err)
	}
	changed := make([]*parley.Instant, len(keys))
	for _, row := range rows {
		changed[row.index()] = row.At
	}
	return changed, nil
}

// OpenNegotiation opens a negotiation.
func (m mutations) OpenNegotiation(ctx context.Context, in parley.OpenNegotiationInput) (Written, error) {
	return create(ctx, m, in.ID, in, (*writer).openNegotiation)
}

func (w *writer) openNegotiation(ctx context.Context, in parley.OpenNegotiationInput, id *clientID) (Written, error) {
	n, err := in.Negotiation()
	if err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	subject := &target{ID: id.newID(), Path: &in.Key}
	return negotiations.create(ctx, w, id, subject, &n, nil, fmt.Sprintf("Opened the negotiation “%s”.", n.Title))
}

// EditNegotiation changes a negotiation's fields.
func (m mutations) EditNegotiation(ctx context.Context, in parley.EditNegotiation) (Written, error) {
	return perform(ctx, m, in, (*writer).editNegotiation)
}

func (w *writer) editNegotiation(ctx context.Context, in parley.EditNegotiation) (Written, error) {
	var refs references
	subject := refs.subject("negotiation", in.Negotiation, parley.KindNegotiation)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	return negotiations.edit(ctx, w, edition[parley.Negotiation]{
		subject: subject, since: in.IfUnchangedSince,
		apply: func(n *parley.Negotiation) ([]string, error) { return n.Edit(in) },
	})
}
