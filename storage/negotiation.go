package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// negotiations are kept in a table of their own.
var negotiations = &noun[parley.Negotiation]{
	traits: traits{
		changes: parley.ChangeOfRecord, keyed: true, called: "title",
		names: []string{"title"}, texts: []string{"summary"},
	},
	table: &rows.Table[parley.Negotiation]{
		Kind: parley.KindNegotiation, Name: "negotiations", Alias: "n",
		Self: func(n *parley.Negotiation) (*uuid.UUID, *parley.Lens) { return &n.ID, &n.Lens },
		Columns: append(rows.Columns[parley.Negotiation]{
			rows.Text("key", "key", func(n *parley.Negotiation) *string { return &n.Key }),
			rows.Text("title label", "title", func(n *parley.Negotiation) *string { return &n.Title }),
			rows.OptionalText("summary", "summary", func(n *parley.Negotiation) **string { return &n.Summary }),
			rows.OptionalText("stage", "stage",
				func(n *parley.Negotiation) **parley.NegotiationStage { return &n.Stage }),
			rows.OptionalTime("startedAt", "started_at",
				func(n *parley.Negotiation) **parley.Instant { return &n.StartedAt }),
			rows.OptionalTime("endedAt", "ended_at",
				func(n *parley.Negotiation) **parley.Instant { return &n.EndedAt }),
		}, provenance("recorded_at", "", func(n *parley.Negotiation) *parley.Provenance { return &n.Provenance })...),
	},
	provenance: func(n *parley.Negotiation) *parley.Provenance { return &n.Provenance },
}

// Negotiations are those with these ids; nil where there is none.
func (s *Snapshot) Negotiations(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Negotiation, error) {
	return rows.Find(ctx, &s.Reader, negotiations.table, keys, fields)
}

// ListNegotiations lists all negotiations by key.
func (s *Snapshot) ListNegotiations(
	ctx context.Context, asOf *parley.AsOf, p parley.Page, fields *Fields,
) (*parley.NegotiationConnection, error) {
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	return first(rows.Pages(ctx, negotiations.table, s.Query(keys), rows.List{
		From:  `{negotiations n}`,
		Where: []string{`{known n}`},
		Order: rows.Order{Columns: []rows.OrderColumn{by("n.path", "text")}},
	}, p, fields))
}

// first is the page of a list that is read for one key only.
func first[T any](connections []*T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return connections[0], nil
}

// ChangedAt is when the last change that touches each record was recorded.
func (s *Snapshot) ChangedAt(ctx context.Context, keys []Key, _ *Fields) ([]*parley.Instant, error) {
	changed := make([]*parley.Instant, len(keys))
	err := s.Query(keys).Run(ctx, `(
			SELECT c.recorded_at
			FROM {change_touches t}
			JOIN {changes c} ON c.seq = t.seq
			WHERE t.record_id = k.id AND c.recorded_at <= k.known_at
			ORDER BY t.seq DESC
			LIMIT 1)`, `FROM {keys}`, func(n int, sent *rows.Row) {
		changed[n] = sent.Next().OptionalTime()
	})
	return changed, err
}

// OpenNegotiation opens a negotiation. Refusals: INVALID, TAKEN for a key in use, ID_REUSED.
func (m mutations) OpenNegotiation(ctx context.Context, in parley.OpenNegotiationInput) (Written, error) {
	return create(ctx, m, "openNegotiation", in.ID, in, (*writer).openNegotiation)
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

// EditNegotiation changes a negotiation's fields. Refusals: INVALID; CONFLICT where it has changed since
// ifUnchangedSince.
func (m mutations) EditNegotiation(ctx context.Context, in parley.EditNegotiation) (Written, error) {
	return perform(ctx, m.run, in, (*writer).editNegotiation)
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
