package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
)

// negotiationRow is what is written of a version.
type negotiationRow struct {
	parley.Negotiation
	Path string `db:"path"`
}

var negotiationTable = &table[parley.Negotiation]{
	name: "negotiations", alias: "n",
	self: func(n *parley.Negotiation) (*uuid.UUID, *parley.Lens) { return &n.ID, &n.Lens },
	columns: append([]column[parley.Negotiation]{
		text("key", "@.key", func(n *parley.Negotiation) *string { return &n.Key }),
		text("title label", "@.title", func(n *parley.Negotiation) *string { return &n.Title }),
		optionalText("summary", "@.summary", func(n *parley.Negotiation) **string { return &n.Summary }),
		optionalText("stage", "@.stage", func(n *parley.Negotiation) **parley.NegotiationStage { return &n.Stage }),
		optionalWhen("startedAt", "@.started_at", func(n *parley.Negotiation) **parley.Instant { return &n.StartedAt }),
		optionalWhen("endedAt", "@.ended_at", func(n *parley.Negotiation) **parley.Instant { return &n.EndedAt }),
	}, provenance("recorded_at", func(n *parley.Negotiation) *parley.Provenance { return &n.Provenance })...),
}

var negotiations = noun[parley.Negotiation]{
	table: negotiationTable, kind: parley.KindNegotiation, changeKind: parley.ChangeOfRecord,
	provenance: func(n *parley.Negotiation) *parley.Provenance { return &n.Provenance },
	insert: func(ctx context.Context, w *writer, subject *target, n *parley.Negotiation) error {
		n.ID = subject.ID
		return w.insert(ctx, "negotiations",
			`id, version, path, key, title, summary, stage, started_at, ended_at, recorded_by, recorded_at, correction_note`,
			negotiationRow{Negotiation: *n, Path: *subject.Path})
	},
}

// Negotiations are those with these ids; nil where there is none.
func (s *Snapshot) Negotiations(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Negotiation, error) {
	return find(ctx, &s.reader, negotiationTable, keys, fields)
}

// ListNegotiations lists all negotiations by key.
func (s *Snapshot) ListNegotiations(ctx context.Context, asOf *parley.AsOf, p parley.Page, fields *Fields) (*parley.NegotiationConnection, error) {
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	return first(pages(ctx, &s.reader, negotiationTable, s.newQuery(keys), list{
		from:  `negotiations n`,
		where: []string{`{known n}`},
		order: order{columns: []orderColumn{{"n.path", "text"}}},
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
	q := s.newQuery(keys)
	changed := make([]*parley.Instant, len(keys))
	err := s.rows(ctx, q.expand(`
		SELECT record_send(ROW(k.n, (
			SELECT c.recorded_at
			FROM change_touches t
			JOIN changes c ON c.seq = t.seq
			WHERE t.record_id = k.id AND c.recorded_at <= k.known_at
			ORDER BY t.seq DESC
			LIMIT 1
		)))
		FROM {keys}`), q.args, func(sent row) {
		n := q.begin(s, &sent)
		if at := sent.next(); at != nil {
			known := at.instant().time()
			changed[n] = &known
		}
	})
	return changed, err
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
