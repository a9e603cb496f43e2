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

// StanceCell says where a party stands on one scenario. A nil Position means that nothing is recorded.
type StanceCell struct {
	Lens       Lens
	ScenarioID uuid.UUID
	Position   *Position
	Contested  bool
	Divided    []*Position // with another stance, of others who speak for a party without a position of its own
}

// Stance returns the stance of the position, nil if nothing is recorded.
func (c *StanceCell) Stance() *Stance {
	if c.Position == nil {
		return nil
	}
	return &c.Position.Stance
}

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
	for _, p := range s.arrange(parties) {
		row := &StanceRow{
			Stakeholder: p.stakeholder, Participations: p.participations, Cells: make([]*StanceCell, len(s.Scenarios)),
		}
		for i, scenario := range s.Scenarios {
			position, divided := p.position(scenario), p.divided(scenario)
			row.Cells[i] = &StanceCell{
				Lens: s.Lens, ScenarioID: scenario, Position: position, Divided: divided,
				Contested: position != nil && (position.Contested || len(divided) > 0),
			}
		}
		m.Rows = append(m.Rows, row)
	}
	return m
}
