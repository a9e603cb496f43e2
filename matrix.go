package parley

import (
	"time"

	"github.com/google/uuid"
)

// StanceMatrix is where each party stands on each scenario of an issue.
type StanceMatrix struct {
	Lens        Lens
	ScenarioIDs []uuid.UUID
	Rows        []*StanceRow
}

// StanceRow is where one party stands.
type StanceRow struct {
	Stakeholder    *Stakeholder
	Participations []*Participation
	Cells          []*StanceCell
}

// StanceCell is where a party stands on one scenario.
type StanceCell struct {
	Lens       Lens
	ScenarioID uuid.UUID
	Position   *Position
	Contested  bool
	Divided    []*Position // of others who speak for the party, which has none itself, and stand elsewhere
}

// Stance is that of the position; nil where nothing is recorded.
func (c *StanceCell) Stance() *Stance {
	if c.Position == nil {
		return nil
	}
	return &c.Position.Stance
}

// AgeDays is for how many days nobody has affirmed the position; nil where nothing is recorded.
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

// Matrix is the stance matrix of these parties, a row for each, in order.
func (s *Standings) Matrix(parties []*Stakeholder) *StanceMatrix {
	m := &StanceMatrix{Lens: s.Lens, ScenarioIDs: s.Scenarios}
	for _, p := range s.arrange(parties) {
		row := &StanceRow{Stakeholder: p.stakeholder, Participations: p.participations, Cells: make([]*StanceCell, len(s.Scenarios))}
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
