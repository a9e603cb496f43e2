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

// ObjectID returns the id of the object.
func (e *Event) ObjectID() ObjectID { return ObjectID{e.ID, e.Replaced(), e.Lens} }

// RecordType returns the name of the record's type in the API.
func (*Event) RecordType() string { return KindEvent.Type() }

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

// EventReading is what a diff compares of an event, as it reads at an instant: one that was held reads as planned
// before it begins.
type EventReading struct {
	State              EventState
	StartedAt          Instant
	StartedAtPrecision TimePrecision
	EndedAt            *Instant
	Location           *string
}

// readsAt returns what a diff compares of the event at t.
func (e *Event) readsAt(t Instant) *EventReading {
	state := e.State
	if state == EventHeld && e.StartedAt.After(t) {
		state = EventPlanned
	}
	return &EventReading{state, e.StartedAt, e.StartedAtPrecision, e.EndedAt, e.Location}
}

func (r *EventReading) same(o *EventReading) bool {
	if r == nil || o == nil {
		return r == o
	}
	return r.State == o.State && r.StartedAt.Equal(o.StartedAt) && r.StartedAtPrecision == o.StartedAtPrecision &&
		sameInstant(r.EndedAt, o.EndedAt) && equal(r.Location, o.Location)
}

// EventShift is an event that began, or of which something else is on record. Before and After are nil where it is not
// on record.
type EventShift struct {
	Lens    Lens // the lens that the diff goes to or, if the event is not on record there, comes from
	EventID uuid.UUID
	Before  *EventReading
	After   *EventReading
	Steps   []*EventStep
}

// EventStep is a step of an event. Nil: it is not on record.
type EventStep = Step[*EventReading]

// Pages of shifts.
type (
	EventShiftConnection = Connection[EventShift]
	EventShiftEdge       = Edge[EventShift]
)

// Cause returns the cause of the last step.
func (s *EventShift) Cause() ShiftCause { return s.Steps[len(s.Steps)-1].Cause }

// EventShifts returns how these events moved, in their order. What is on record of an event has no dates of its own, so
// an edit counts as news of the world, unless the event had begun: then it corrects the record.
func EventShifts(r Records[Event], d *NegotiationDiff, events []uuid.UUID) (shifts []*EventShift) {
	moved(r, d, events, func(e *Event) uuid.UUID { return e.ID }, eventCourse, (*EventReading).same,
		func(id uuid.UUID, before, after *EventReading, steps []*EventStep) {
			for _, s := range steps {
				switch {
				case s.Cause != LateReport:
				case s.Before != nil && s.Before.State == EventHeld:
					s.Cause = RecordCorrected
				default:
					s.Cause = WorldChanged
				}
			}
			shift := &EventShift{d.To, id, before, after, steps}
			if after == nil {
				shift.Lens = d.From
			}
			shifts = append(shifts, shift)
		})
	return shifts
}

// eventCourse returns how an event reads, given what is on record of it.
func eventCourse(record []*Event) course[*EventReading] {
	return course[*EventReading]{
		at: func(t Instant) *EventReading {
			if len(record) == 0 {
				return nil
			}
			return record[0].readsAt(t)
		},
		moves: func(after, upTo Instant) (all []taken[*EventReading]) {
			for _, e := range record {
				if e.StartedAt.After(after) && !e.StartedAt.After(upTo) {
					all = append(all, taken[*EventReading]{e.StartedAt, e.readsAt(e.StartedAt)})
				}
			}
			return all
		},
	}
}

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

// HeldBy refuses an event that was held and begins after recordedAt.
func (e *Event) HeldBy(recordedAt Instant) error {
	if e.State != EventHeld || !e.StartedAt.After(recordedAt) {
		return nil
	}
	return Refuse(Invalid, "startedAt", "“%s” can't have been held at %s, which lies in the future; give an instant up "+
		"to now, or the state PLANNED.", e.Title, FormatInstant(e.StartedAt))
}

func (e *Event) check(c *checks, participants int) {
	c.line("title", e.Title, MaxTitle)
	oneOf(c, "kind", e.Kind, EventKinds)
	oneOf(c, "state", e.State, EventStates)
	c.optionalLine("location", e.Location, MaxTitle)
	c.list("participants", participants)
	c.order("startedAt", "endedAt", &e.StartedAt, e.EndedAt)
}
