package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// events are kept in a table of their own.
var events = &noun[parley.Event]{
	traits: traits{
		cut: true, changes: parley.ChangeOfEvent, keyed: true, called: "title",
		names: []string{"title"}, texts: []string{"location"}, context: []string{"participants"},
	},
	table: &rows.Table[parley.Event]{
		Kind: parley.KindEvent, Name: "events", Alias: "e",
		Self: func(e *parley.Event) (*uuid.UUID, *parley.Lens) { return &e.ID, &e.Lens },
		Columns: append(rows.Columns[parley.Event]{
			rows.Reference("negotiation", "negotiation_id",
				func(e *parley.Event) *uuid.UUID { return &e.NegotiationID }, negotiations.table).UsedAs("an event"),
			rows.Text("key", "key", func(e *parley.Event) *string { return &e.Key }),
			rows.Text("kind", "kind", func(e *parley.Event) *parley.EventKind { return &e.Kind }),
			rows.Text("state", "state", func(e *parley.Event) *parley.EventState { return &e.State }),
			rows.Text("title label", "title", func(e *parley.Event) *string { return &e.Title }),
			rows.OptionalText("location", "location", func(e *parley.Event) **string { return &e.Location }),
			rows.Time("startedAt", "started_at", func(e *parley.Event) *parley.Instant { return &e.StartedAt }),
			rows.Text("startedAtPrecision", "started_at_precision",
				func(e *parley.Event) *parley.TimePrecision { return &e.StartedAtPrecision }),
			rows.OptionalTime("endedAt", "ended_at", func(e *parley.Event) **parley.Instant { return &e.EndedAt }),
			rows.IDList("participants", "participants", func(e *parley.Event) *[]uuid.UUID { return &e.ParticipantIDs },
				parley.KindStakeholder).UsedAs("an event").Follow(),
			rows.IDList("evidence", "evidence", func(e *parley.Event) *[]uuid.UUID { return &e.EvidenceIDs },
				parley.KindStatement).UsedAs("an event"),
		}, provenance("content_at", "", func(e *parley.Event) *parley.Provenance { return &e.Provenance })...),
	},
	provenance: func(e *parley.Event) *parley.Provenance { return &e.Provenance },
}

// Events are those with these ids; nil where there is none.
func (s *Snapshot) Events(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Event, error) {
	return rows.Find(ctx, &s.Reader, events.table, keys, fields)
}

// ListEvents lists events by when they start.
func (s *Snapshot) ListEvents(
	ctx context.Context, asOf *parley.AsOf, f *parley.EventFilter, p parley.Page, fields *Fields,
) (*parley.EventConnection, error) {
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	return first(s.eventsWhere(ctx, keys, `TRUE`, f, p, fields))
}

// EventsOf are the events of each negotiation.
func (s *Snapshot) EventsOf(
	ctx context.Context, negotiations []Key, p parley.Page, fields *Fields,
) ([]*parley.EventConnection, error) {
	return s.eventsWhere(ctx, negotiations, `e.negotiation_id = k.id`, nil, p, fields)
}

func (s *Snapshot) eventsWhere(
	ctx context.Context, keys []Key, scope string, f *parley.EventFilter, p parley.Page, fields *Fields,
) ([]*parley.EventConnection, error) {
	c := rows.Conditions{Query: s.Query(keys), List: []string{`{known e}`, scope}}
	if f != nil {
		var negotiations, participants []uuid.UUID
		var refs filterRefs
		refs.want(&negotiations, "negotiations", f.Negotiations, parley.KindNegotiation)
		refs.want(&participants, "participants", f.Participants, parley.KindStakeholder)
		if err := s.resolve(ctx, c.Query, &refs); err != nil {
			return nil, err
		}
		c.Of("e.negotiation_id", negotiations)
		c.Overlaps("e.participants", participants)
		rows.Among(&c, "e.kind", "event_kind", f.Kinds)
		rows.Among(&c, "e.state", "event_state", f.States)
		c.InRange("e.started_at", f.Starts)
	}
	return rows.Pages(ctx, events.table, c.Query, rows.List{
		From:  `{events e}`,
		Where: c.List,
		Order: rows.Order{Columns: []rows.OrderColumn{by("e.started_at", "timestamptz"), by("e.id", "uuid")}},
	}, p, fields)
}

// RecordEvent records an event in a negotiation. Refusals: INVALID, TAKEN for a key in use, QUOTE_NOT_FOUND for new
// evidence, ID_REUSED.
func (m mutations) RecordEvent(ctx context.Context, in parley.RecordEventInput) (Written, error) {
	return create(ctx, m, "recordEvent", in.ID, in, (*writer).recordEvent)
}

func (w *writer) recordEvent(ctx context.Context, in parley.RecordEventInput, id *clientID) (Written, error) {
	e, err := in.Event()
	if err != nil {
		return Written{}, err
	}
	var refs references
	negotiation := refs.one("negotiation", in.Negotiation, parley.KindNegotiation)
	participants := refs.every("participants", in.Participants, parley.KindStakeholder)
	evidence := refs.evidence(in.Evidence, in.NewEvidence)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	if err := evidence.prepare(ctx, w); err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	if err := e.HeldBy(w.at); err != nil {
		return Written{}, err
	}
	if err := w.insertStatements(ctx, evidence.added); err != nil {
		return Written{}, err
	}
	e.NegotiationID, e.ParticipantIDs, e.EvidenceIDs = negotiation.ID, ids(participants), evidence.ids()
	return events.create(ctx, w, id, below(id, negotiation, nil, in.Key), &e,
		append(ids(participants), evidence.touches()...),
		fmt.Sprintf("Recorded the event “%s” (%s) in “%s”.", e.Title, parley.Words(e.State), negotiation.Name))
}

// EditEvent changes an event's fields. Refusals: INVALID; CONFLICT where the event has changed since ifUnchangedSince.
func (m mutations) EditEvent(ctx context.Context, in parley.EditEvent) (Written, error) {
	return perform(ctx, m.run, in, (*writer).editEvent)
}

func (w *writer) editEvent(ctx context.Context, in parley.EditEvent) (Written, error) {
	var refs references
	subject := refs.subject("event", in.Event, parley.KindEvent)
	participants := refs.patchEvery("participants", in.Participants, parley.KindStakeholder)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	was, err := events.current(ctx, w, subject.ID)
	if err != nil {
		return Written{}, err
	}
	return events.edit(ctx, w, edition[parley.Event]{
		subject: subject, since: in.IfUnchangedSince, touches: append(was.ParticipantIDs, ids(participants)...),
		apply: func(e *parley.Event) ([]string, error) {
			return e.Edit(in, resolvedEvery(in.Participants, participants))
		},
		settle: func(e *parley.Event) error { return e.HeldBy(w.at) },
	})
}
