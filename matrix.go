package parley

import (
	"time"

	"github.com/google/uuid"
)

// StanceMatrix says where each party stands on each scenario of an issue.
type StanceMatrix struct {
	Lens        Lens
	ScenarioIDs []uuid.UUID
	Rows        []*StanceRow
}

// StanceRow says where one party stands.
type StanceRow struct {
	Stakeholder    *Stakeholder
	Participations []*Participation
	Cells          []*StanceCell
}

// StanceCell says where a party stands on one scenario.
type StanceCell struct {
	Stand
	Lens       Lens
	PartyID    uuid.UUID
	ScenarioID uuid.UUID
}

// Stance returns the stance of the position, nil if nothing is recorded.
func (s Stand) Stance() *Stance {
	if s.Position == nil {
		return nil
	}
	return &s.Position.Stance
}

// Divided reports whether somebody else who speaks for the party takes another stance.
func (s Stand) Divided() bool { return len(s.Others) > 0 }

// AgeDays returns the number of whole days since the position was last affirmed, nil if nothing is recorded.
func (c *StanceCell) AgeDays() *int {
	if c.Position == nil {
		return nil
	}
	since := c.Position.ValidFrom
	if affirmed := c.Position.LastAffirmedAt; affirmed != nil {
		since = *affirmed
	}
	days := max(0, int(c.Lens.ValidAt.Sub(since)/(24*time.Hour)))
	return &days
}

// Matrix returns the stance matrix with one row for each party, in their order.
func (s *Standings) Matrix(parties []*Stakeholder) *StanceMatrix {
	m := &StanceMatrix{Lens: s.Lens, ScenarioIDs: s.Scenarios}
	participations := s.participationsOf()
	for _, party := range parties {
		row := &StanceRow{
			Stakeholder: party, Participations: participations[party.ID], Cells: make([]*StanceCell, len(s.Scenarios)),
		}
		for i, scenario := range s.Scenarios {
			row.Cells[i] = s.cell(party.ID, scenario)
		}
		m.Rows = append(m.Rows, row)
	}
	return m
}

func (s *Standings) cell(party, scenario uuid.UUID) *StanceCell {
	return &StanceCell{
		Stand: s.reading.At(party, scenario, s.Lens.ValidAt), Lens: s.Lens, PartyID: party, ScenarioID: scenario,
	}
}
