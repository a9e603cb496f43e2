package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
)

// eventRow is what is written of a version.
type eventRow struct {
	parley.Event
	Path         string `db:"path"`
	Participants uuids  `db:"participants"`
	Evidence     uuids  `db:"evidence"`
}

var eventTable = &table[parley.Event]{
	name: "events", alias: "e",
	self: func(e *parley.Event) (*uuid.UUID, *parley.Lens) { return &e.ID, &e.Lens },
	columns: append([]column[parley.Event]{
		id("negotiation", "@.negotiation_id", func(e *parley.Event) *uuid.UUID { return &e.NegotiationID }),
		text("key", "@.key", func(e *parley.Event) *string { return &e.Key }),
		text("kind", "@.kind", func(e *parley.Event) *parley.EventKind { return &e.Kind }),
		text("state", "@.state", func(e *parley.Event) *parley.EventState { return &e.State }),
		text("title label", "@.title", func(e *parley.Event) *string { return &e.Title }),
		optionalText("location", "@.location", func(e *parley.Event) **string { return &e.Location }),
		when("startedAt", "@.started_at", func(e *parley.Event) *parley.Instant { return &e.StartedAt }),
		text("startedAtPrecision", "@.started_at_precision", func(e *parley.Event) *parley.TimePrecision { return &e.StartedAtPrecision }),
		optionalWhen("endedAt", "@.ended_at", func(e *parley.Event) **parley.Instant { return &e.EndedAt }),
		idList("participants", "@.participants", func(e *parley.Event) *[]uuid.UUID { return &e.ParticipantIDs }),
		idList("evidence", "@.evidence", func(e *parley.Event) *[]uuid.UUID { return &e.EvidenceIDs }),
	}, provenance("recorded_at", func(e *parley.Event) *parley.Provenance { return &e.Provenance })...),
	references: []reference{refersTo("negotiation", "@.negotiation_id", negotiationTable)},
}

var events = noun[parley.Event]{
	table: eventTable, kind: parley.KindEvent, changeKind: parley.ChangeOfEvent,
	provenance: func(e *parley.Event) *parley.Provenance { return &e.Provenance },
	insert: func(ctx context.Context, w *writer, subject *target, e *parley.Event) error {
		e.ID = subject.ID
		return w.insert(ctx, "events",
			`id, version, negotiation_id, path, key, kind, state, title, location, started_at, started_at_precision, ended_at,
				participants, evidence, recorded_by, recorded_at, correction_note`,
			eventRow{Event: *e, Path: *subject.Path, Participants: e.ParticipantIDs, Evidence: e.EvidenceIDs})
	},
}

// Events are those with these ids; nil where there is none.
func (s *Snapshot) Events(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Event, error) {
	return find(ctx, &s.reader, eventTable, keys, fields)
}

// ListEvents lists events by when they start.
func (s *Snapshot) ListEvents(ctx context.Context, asOf *parley.AsOf, f *parley.EventFilter, p parley.Page, fields *Fields) (*parley.EventConnection, error) {
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	return first(s.eventsWhere(ctx, keys, `TRUE`, f, p, fields))
}

// EventsOf are the events of each negotiation.
func (s *Snapshot) EventsOf(ctx context.Context, negotiations []Key, p parley.Page, fields *Fields) ([]*parley.EventConnection, error) {
	return s.eventsWhere(ctx, negotiations, `e.negotiation_id = k.id`, nil, p, fields)
}

func (s *Snapshot) eventsWhere(ctx context.Context, keys []Key, scope string, f *parley.EventFilter, p parley.Page, fields *Fields) ([]*parley.EventConnection, error) {
	c := conditions{query: s.newQuery(keys), list: []string{`{known e}`, scope}}
	if f != nil {
		var negotiations, participants []uuid.UUID
		var refs filterRefs
		refs.want(&negotiations, "negotiations", f.Negotiations, parley.KindNegotiation)
		refs.want(&participants, "participants", f.Participants, parley.KindStakeholder)
		if err := s.resolve(ctx, c.query, &refs); err != nil {
			return nil, err
		}
		c.of("e.negotiation_id", negotiations)
		c.overlaps("e.participants", participants)
		among(&c, "e.kind", "event_kind", f.Kinds)
		among(&c, "e.state", "event_state", f.States)
		c.inRange("e.started_at", f.Starts)
	}
	return pages(ctx, &s.reader, eventTable, c.query, list{
		from:  `events e`,
		where: c.list,
		order: order{columns: []orderColumn{{"e.started_at", "timestamptz"}, {"e.id", "uuid"}}},
	}, p, fields)
}

// RecordEvent puts an event on record.
func (m mutations) RecordEvent(ctx context.Context, in parley.RecordEventInput) (Written, error) {
	return create(ctx, m, in.ID, in, (*writer).recordEvent)
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
	if err := w.insertStatements(ctx, evidence.added); err != nil {
		return Written{}, err
	}
	e.NegotiationID, e.ParticipantIDs, e.EvidenceIDs = negotiation.ID, ids(participants), evidence.ids()
	return events.create(ctx, w, id, below(id, negotiation, nil, in.Key), &e, append(ids(participants), evidence.touches()...),
		fmt.Sprintf("Recorded the event “%s” (%s) in “%s”.", e.Title, parley.Words(e.State), negotiation.Name))
}

// EditEvent changes an event's fields.
func (m mutations) EditEvent(ctx context.Context, in parley.EditEvent) (Written, error) {
	return perform(ctx, m, in, (*writer).editEvent)
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
	})
}
