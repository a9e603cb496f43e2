package parley

import (
	"slices"

	"github.com/google/uuid"
)

// NegotiationDiff is the difference between two lenses on a negotiation.
type NegotiationDiff struct {
	NegotiationID uuid.UUID
	From, To      Lens
}

// Mid returns the lens of the older valid instant and the newer known instant: the old world on the new record.
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

// KnownFrom returns the older of the two known instants.
func (d *NegotiationDiff) KnownFrom() Instant {
	if d.To.KnownAt.Before(d.From.KnownAt) {
		return d.To.KnownAt
	}
	return d.From.KnownAt
}

// Backwards reports whether the diff goes from a later lens to an earlier one.
func (d *NegotiationDiff) Backwards() bool {
	return !d.To.SameInstants(d.From) && !d.To.ValidAt.After(d.From.ValidAt) && !d.To.KnownAt.After(d.From.KnownAt)
}

// Shift has the facts that decide the cause of a shift. The old value is the value at the older of the two lenses.
type Shift struct {
	OnRecord    bool // there is an old value, or something on its line was known at the older known instant
	AsBefore    bool // the value at Mid equals the old value
	Uncorrected bool // the value at Mid would be the same without the corrections and retractions recorded in between
}

// Cause returns why the value differs.
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

// StatusShift is a scenario whose status differs. Before and After are nil where it is not on the table.
type StatusShift struct {
	Shift
	Lens       Lens // the lens that the diff goes to
	ScenarioID uuid.UUID
	Before     *ScenarioStatus
	After      *ScenarioStatus
}

// PositionShift is a holder whose prevailing position on a scenario differs in stance, conditions or red line.
type PositionShift struct {
	Shift
	Lens       Lens // the lens that the diff goes to
	From       Lens
	ScenarioID uuid.UUID
	HolderID   uuid.UUID
	BeforeID   *uuid.UUID // version of the old position; nil: none
	AfterID    *uuid.UUID // version of the new position; nil: none
	Mid        *Position  // the prevailing position at Mid, with its content only; nil: none
}

// Pages of shifts.
type (
	StatusShiftConnection   = Connection[StatusShift]
	StatusShiftEdge         = Edge[StatusShift]
	PositionShiftConnection = Connection[PositionShift]
	PositionShiftEdge       = Edge[PositionShift]
)

// PrevailingAt returns the position that prevails at t, nil if none holds. The line must be sorted by rank, the highest
// first. How its positions cut each other is derived from their asserted intervals alone. If two plain positions have
// the same Beginning, which can't be on record together, the one recorded earlier counts.
func PrevailingAt(line []*Position, t Instant) *Position {
	arranged := slices.DeleteFunc(slices.Clone(line), func(p *Position) bool {
		return p.ContestsID == nil && slices.ContainsFunc(line, func(o *Position) bool {
			return o != p && o.ContestsID == nil && o.Beginning().Compare(p.Beginning()) == 0 &&
				o.RecordedAt.Before(p.RecordedAt)
		})
	})
	line = slices.Clone(arranged)
	_ = ArrangePositions(arranged, uuid.Nil) // never refuses: no position is marked as changed
	for _, p := range line {
		if within(t, &p.ValidFrom, p.ValidTo) {
			return p
		}
	}
	return nil
}
