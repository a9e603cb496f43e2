package parley

import "github.com/google/uuid"

// Event is something that happened, or is planned, in a negotiation. A nil EndedAt means that it is a single moment, is
// not over, or its end is not known.
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

// Label returns a short name for lists.
func (e *Event) Label() string { return e.Title }

// EventKind is what an event is.
type EventKind string

// The kinds of event.
const (
	EventMeeting    EventKind = "MEETING"    // people meet in one place, below the level of leaders
	EventSummit     EventKind = "SUMMIT"     // leaders meet in one place
	EventCall       EventKind = "CALL"       // people talk by telephone or video
	EventStatement  EventKind = "STATEMENT"  // somebody makes a public declaration
	EventProposal   EventKind = "PROPOSAL"   // somebody puts terms forward
	EventSigning    EventKind = "SIGNING"    // something is signed
	EventDeadline   EventKind = "DEADLINE"   // a date by which something is demanded or due
	EventSanctions  EventKind = "SANCTIONS"  // sanctions are imposed, eased or lifted
	EventEscalation EventKind = "ESCALATION" // fighting or threats increase
	EventViolation  EventKind = "VIOLATION"  // something agreed is broken
	EventOther      EventKind = "OTHER"
)

// EventKinds lists every EventKind.
var EventKinds = []EventKind{
	EventMeeting, EventSummit, EventCall, EventStatement, EventProposal, EventSigning, EventDeadline, EventSanctions,
	EventEscalation, EventViolation, EventOther,
}

// EventState says whether an event took place.
type EventState string

// The states of an event.
const (
	EventPlanned   EventState = "PLANNED"
	EventHeld      EventState = "HELD"      // it took place, or is taking place
	EventPostponed EventState = "POSTPONED" // StartedAt is the latest date named
	EventCancelled EventState = "CANCELLED"
)

// EventStates lists every EventState.
var EventStates = []EventState{EventPlanned, EventHeld, EventPostponed, EventCancelled}

// RecordEventInput records an event.
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

// EditEvent edits an event.
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

// Event returns the event that the input describes, without its references, or a Refusal.
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

// Edit applies the patches and returns the API names of the fields that changed, or a Refusal. The participants are
// passed resolved.
func (e *Event) Edit(in EditEvent, participants Patch[[]uuid.UUID]) ([]string, error) {
	var changed edit
	set(&changed, "kind", &e.Kind, in.Kind)
	set(&changed, "state", &e.State, in.State)
	set(&changed, "title", &e.Title, in.Title)
	setOrClear(&changed, "location", &e.Location, in.Location)
	setInstant(&changed, "startedAt", &e.StartedAt, in.StartedAt)
	set(&changed, "startedAtPrecision", &e.StartedAtPrecision, in.StartedAtPrecision)
	setOrClearInstant(&changed, "endedAt", &e.EndedAt, in.EndedAt)
	setList(&changed, "participants", &e.ParticipantIDs, participants)
	e.check(&changed.checks, len(e.ParticipantIDs))
	return changed.fields, changed.err()
}

func (e *Event) check(c *checks, participants int) {
	c.text("title", e.Title, MaxTitle)
	oneOf(c, "kind", e.Kind, EventKinds)
	oneOf(c, "state", e.State, EventStates)
	c.optionalText("location", e.Location, MaxTitle)
	c.list("participants", participants)
	c.order("startedAt", "endedAt", &e.StartedAt, e.EndedAt)
}
