package parley

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// StanceShift is a cell that reads differently since a change: in stance, conditions, red line, or in whether it is
// contested or divided. Before and After are read at the change's recordedAt, as known just before and since.
type StanceShift struct {
	Lens       Lens // of the change
	PartyID    uuid.UUID
	ScenarioID uuid.UUID
	Before     *StanceCell
	After      *StanceCell
	Cause      ShiftCause
}

// Moved has where parties stand just before and after a change, on the scenarios that it affects.
type Moved struct {
	Entry         *ChangeEntry
	Before, After *Reading
	Places        map[uuid.UUID]Place // of the scenarios
}

// Shifts returns the cells that read differently, in no order.
func (m *Moved) Shifts() []*StanceShift {
	var shifts []*StanceShift
	after := m.Entry.Lens()
	before := Pinned(after.ValidAt, after.KnownAt.Add(-time.Microsecond))
	for at := range m.cells() {
		was, is := m.Before.At(at.party, at.scenario, before.ValidAt), m.After.At(at.party, at.scenario, after.ValidAt)
		if was.readsAs(is) {
			continue
		}
		shifts = append(shifts, &StanceShift{
			Lens: after, PartyID: at.party, ScenarioID: at.scenario,
			Before: &StanceCell{Stand: was, Lens: before, PartyID: at.party, ScenarioID: at.scenario},
			After:  &StanceCell{Stand: is, Lens: after, PartyID: at.party, ScenarioID: at.scenario},
			Cause:  m.cause(at),
		})
	}
	return shifts
}

// PartyMove is a party that a change concerns on a scenario.
type PartyMove struct {
	PartyID uuid.UUID
	Place
}

// Place says where a scenario belongs.
type Place struct{ ScenarioID, IssueID, NegotiationID uuid.UUID }

// Moves returns what a follower of parties is notified of: the cells that read differently and, where a position was
// recorded, corrected or retracted, those of the parties whose word it is or was.
func (m *Moved) Moves() []PartyMove {
	var moves []PartyMove
	add := func(at cell) {
		move := PartyMove{at.party, m.Places[at.scenario]}
		if !slices.Contains(moves, move) {
			moves = append(moves, move)
		}
	}
	for _, s := range m.Shifts() {
		add(cell{s.PartyID, s.ScenarioID})
	}
	if m.Entry.SubjectKind == KindPosition && m.Entry.Cause != nil {
		for at := range m.cells() {
			if m.Before.hasWord(at, m.Entry.SubjectID) || m.After.hasWord(at, m.Entry.SubjectID) {
				add(at)
			}
		}
	}
	return moves
}

func (m *Moved) cells() map[cell]bool {
	cells := make(map[cell]bool)
	for _, reading := range []*Reading{m.Before, m.After} {
		for at := range reading.lines {
			cells[at] = true
		}
	}
	return cells
}

// cause returns why a cell reads differently since the change.
func (m *Moved) cause(at cell) ShiftCause {
	e := m.Entry
	switch {
	case len(m.Before.lines[at]) == 0:
		return FirstRecorded
	case e.Cause != nil && *e.Cause == RecordCorrected, e.Action == Retracted, e.Action == Restored, e.Action == Merged, e.SubjectKind == KindSource,
		e.SubjectKind == KindStatement, e.Cause == nil && e.Note != nil:
		return RecordCorrected
	case e.SubjectKind != KindPosition || e.Cause == nil:
		return LateReport // evidence that was added, an office or a membership that was recorded or has ended
	}
	return m.After.causeOfNew(at, e.SubjectID)
}

// causeOfNew returns the cause of a new position as the word of a party that had others before.
func (r *Reading) causeOfNew(at cell, position uuid.UUID) ShiftCause {
	var fresh Beginning
	var others []Beginning
	for _, l := range r.lines[at] {
		for _, w := range l.words {
			if w.ID == position {
				fresh = w.Beginning()
			} else {
				others = append(others, w.Beginning())
			}
		}
	}
	return CauseOfNew(fresh, append(others, Beginning{}))
}

func (r *Reading) hasWord(at cell, position uuid.UUID) bool {
	return slices.ContainsFunc(r.lines[at], func(l *line) bool {
		return slices.ContainsFunc(l.words, func(w *word) bool { return w.ID == position })
	})
}

// readsAs reports whether two stands say the same and are both contested or not, and divided or not.
func (s Stand) readsAs(o Stand) bool {
	return saysTheSame(s.Position, o.Position) && s.Contested == o.Contested && s.Divided() == o.Divided()
}
