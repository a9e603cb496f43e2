package parley

import (
	"slices"

	"github.com/google/uuid"
)

// NegotiationDiff is what reads differently in a negotiation through two lenses.
type NegotiationDiff struct {
	NegotiationID uuid.UUID
	From, To      Lens
}

// Mid shows the older state of the world as the newer state of the record has it.
func (d *NegotiationDiff) Mid() Lens {
	mid := d.To
	if d.From.ValidAt.Before(mid.ValidAt) {
		mid.ValidAt = d.From.ValidAt
	}
	if d.From.KnownAt.After(mid.KnownAt) {
		mid.KnownAt = d.From.KnownAt
	}
	return mid
}

// KnownFrom is the older of the two known instants.
func (d *NegotiationDiff) KnownFrom() Instant {
	if d.To.KnownAt.Before(d.From.KnownAt) {
		return d.To.KnownAt
	}
	return d.From.KnownAt
}

// Backwards says whether it goes from a later lens to an earlier one.
func (d *NegotiationDiff) Backwards() bool {
	return !d.To.SameInstants(d.From) && !d.To.ValidAt.After(d.From.ValidAt) && !d.To.KnownAt.After(d.From.KnownAt)
}

// Shift is what the cause of a shift follows from. The old value is that at the older of the two lenses.
type Shift struct {
	OnRecord    bool // there is an old value, or something of its line was known by the older known instant
	AsBefore    bool // the value at Mid is the old one
	Uncorrected bool // the value at Mid does not rest on corrections and retractions that were recorded in between
}

// Cause says why a value shifted.
func (s Shift) Cause() ShiftCause {
	switch {
	case !s.OnRecord:
		return FirstRecorded
	case s.AsBefore:
		return WorldChanged
	case s.Uncorrected:
		return LateReport
	}
	return RecordCorrected
}

// StatusShift is a scenario whose status reads differently.
type StatusShift struct {
	Shift
	Lens       Lens // the one that the diff goes to
	ScenarioID uuid.UUID
	Before     *ScenarioStatus
	After      *ScenarioStatus
}

// PositionShift is a holder whose prevailing position on a scenario says something else: another stance, other conditions, or
// another red line.
type PositionShift struct {
	Shift
	Lens       Lens // the one that the diff goes to
	From       Lens
	ScenarioID uuid.UUID
	HolderID   uuid.UUID
	BeforeID   *uuid.UUID // versions
	AfterID    *uuid.UUID
	Mid        *Position // what prevails at Mid; nothing but what it says
}

// Pages of shifts.
type (
	StatusShiftConnection   = Connection[StatusShift]
	StatusShiftEdge         = Edge[StatusShift]
	PositionShiftConnection = Connection[PositionShift]
	PositionShiftEdge       = Edge[PositionShift]
)

// PrevailingAt is the position that prevails at an instant on a line of positions that come in the order in which they would
// prevail over each other; nil when none holds then. How they cut each other is worked out from what was asserted alone.
// Of two plain ones that begin at the same instant, which can't be on record together, the one recorded earlier counts.
func PrevailingAt(line []*Position, t Instant) *Position {
	arranged := slices.DeleteFunc(slices.Clone(line), func(p *Position) bool {
		return p.ContestsID == nil && slices.ContainsFunc(line, func(o *Position) bool {
			return o != p && o.ContestsID == nil && o.ValidFrom.Equal(p.ValidFrom) && o.RecordedAt.Before(p.RecordedAt)
		})
	})
	line = slices.Clone(arranged)
	ArrangePositions(arranged, uuid.Nil) // which refuses nothing where nothing is recorded
	for _, p := range line {
		if within(t, &p.ValidFrom, p.ValidTo) {
			return p
		}
	}
	return nil
}
