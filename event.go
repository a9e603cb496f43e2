package parley

import "github.com/google/uuid"

// Event is something that happened, or is planned, in a negotiation.
type Event struct {
	Lens Lens
	Provenance

	ID                 uuid.UUID
	NegotiationID      uuid.UUID
	Key                string
	Kind               EventKind
	State              EventState
	Title              string
	Location           *string
	StartedAt          Instant
	StartedAtPrecision TimePrecision
	EndedAt            *Instant
	ParticipantIDs     []uuid.UUID
	EvidenceIDs        []uuid.UUID
}

// A page of events.
type (
	EventConnection = Connection[Event]
	EventEdge       = Edge[Event]
)

// Label is what to call it in a list.
func (e *Event) Label() string { return e.Title }

// EventKind classes events.
type EventKind string

// EventKinds lists every EventKind.
var EventKinds = []EventKind{
	"MEETING", "SUMMIT", "CALL", "STATEMENT", "PROPOSAL", "SIGNING", "DEADLINE", "SANCTIONS", "ESCALATION", "VIOLATION", "OTHER",
}

// EventState says whether an event took place.
type EventState string

// EventStates lists every EventState.
var EventStates = []EventState{"PLANNED", "HELD", "POSTPONED", "CANCELLED"}

// RecordEventInput puts an event on record.
type RecordEventInput struct {
	ID                 *string
	Negotiation        string `api:"ref"`
	Key                string
	Kind               EventKind
	State              EventState `api:"default=HELD"`
	Title              string
	Location           *string
	StartedAt          Instant
	StartedAtPrecision TimePrecision `api:"default=INSTANT"`
	EndedAt            *Instant
	Participants       []string `api:"ref"`
	Evidence           []string `api:"ref"`
	NewEvidence        []NewStatementInput
}

// EditEvent changes the plain fields of an event.
type EditEvent struct {
	Event              string
	Kind               Patch[EventKind]
	State              Patch[EventState]
	Title              Patch[string]
	Location           Patch[string]
	StartedAt          Patch[Instant]
	StartedAtPrecision Patch[TimePrecision]
	EndedAt            Patch[Instant]
	Participants       Patch[[]string]
	IfUnchangedSince   *Cursor
}

// Event is what the input describes, its references aside, or everything that is wrong with it.
func (in RecordEventInput) Event() (Event, error) {
	e := Event{
		Key: in.Key, Kind: in.Kind, State: in.State, Title: in.Title, Location: in.Location,
		StartedAt: in.StartedAt, StartedAtPrecision: in.StartedAtPrecision, EndedAt: in.EndedAt,
	}
	var c checks
	c.key("key", in.Key)
	c.statements("evidence", in.Evidence, in.NewEvidence)
	e.check(&c, len(in.Participants))
	return e, c.err()
}

// Edit applies the patches and returns the names of the fields that changed. The participants come resolved.
func (ev *Event) Edit(in EditEvent, participants Patch[[]uuid.UUID]) ([]string, error) {
	var e edit
	set(&e, "kind", &ev.Kind, in.Kind)
	set(&e, "state", &ev.State, in.State)
	set(&e, "title", &ev.Title, in.Title)
	setOrClear(&e, "location", &ev.Location, in.Location)
	setInstant(&e, "startedAt", &ev.StartedAt, in.StartedAt)
	set(&e, "startedAtPrecision", &ev.StartedAtPrecision, in.StartedAtPrecision)
	setOrClearInstant(&e, "endedAt", &ev.EndedAt, in.EndedAt)
	setList(&e, "participants", &ev.ParticipantIDs, participants)
	ev.check(&e.checks, len(ev.ParticipantIDs))
	return e.fields, e.err()
}

func (e *Event) check(c *checks, participants int) {
	c.text("title", e.Title, MaxTitle)
	oneOf(c, "kind", e.Kind, EventKinds)
	oneOf(c, "state", e.State, EventStates)
	c.optionalText("location", e.Location, MaxTitle)
	c.list("participants", participants)
	c.order("startedAt", "endedAt", &e.StartedAt, e.EndedAt)
}
