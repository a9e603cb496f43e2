package parley

import (
	"cmp"
	"slices"

	"github.com/google/uuid"
)

// Limits on computed pairs of party and scenario: MaxCells for one issue, MaxTogether for an operation.
const (
	MaxCells    = 100_000
	MaxTogether = 5 * MaxCells
)

// Standings has everything that the stance matrix and the landing zone of one issue are computed from, read through a
// lens. Everything in it holds at the lens's valid instant, except Judged.
type Standings struct {
	Lens           Lens
	IssueID        uuid.UUID
	Scenarios      []uuid.UUID      // on the table, sorted by key
	Positions      []*Position      // the prevailing positions on these scenarios
	Judged         []*Position      // the positions on these scenarios with a salience, including ended ones
	Participations []*Participation // of the issue's negotiation
	Offices        []*Affiliation   // through which persons speak for parties
	Asked          []uuid.UUID      // the requested stakeholders; empty: all who take part or hold a position
}

// Parties returns the parties of the stakeholders: each stakeholder itself, or those that it speaks for.
func (s *Standings) Parties() []uuid.UUID {
	offices := s.parties()
	var parties []uuid.UUID
	add := func(stakeholder uuid.UUID) { parties = append(parties, offices.of(stakeholder)...) }
	for _, id := range s.Asked {
		add(id)
	}
	if len(s.Asked) == 0 {
		for _, p := range s.Participations {
			add(p.StakeholderID)
		}
		for _, p := range s.Positions {
			add(p.HolderID)
		}
	}
	slices.SortFunc(parties, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(parties)
}

// partiesOf maps persons to the parties that they speak for.
type partiesOf map[uuid.UUID][]uuid.UUID

func (s *Standings) parties() partiesOf {
	offices := make(partiesOf)
	for _, a := range s.Offices {
		if !slices.Contains(offices[a.PersonID], a.OrganizationID) {
			offices[a.PersonID] = append(offices[a.PersonID], a.OrganizationID)
		}
	}
	return offices
}

// of returns the parties for which a stakeholder's word counts.
func (p partiesOf) of(stakeholder uuid.UUID) []uuid.UUID {
	if parties, speaks := p[stakeholder]; speaks {
		return parties
	}
	return []uuid.UUID{stakeholder}
}

// party is a party with everything on record about it and about the persons who speak for it.
type party struct {
	stakeholder    *Stakeholder
	participations []*Participation
	positions      map[uuid.UUID][]*Position // by scenario, the one that counts first
	judged         []*Position               // the one that counts first
}

// arrange collects the records of each party. A party's own positions come before those of persons who speak for it.
// Within each group the latest come first.
func (s *Standings) arrange(parties []*Stakeholder) []*party {
	byID := make(map[uuid.UUID]*party, len(parties))
	all := make([]*party, len(parties))
	for i, stakeholder := range parties {
		all[i] = &party{stakeholder: stakeholder, positions: make(map[uuid.UUID][]*Position)}
		byID[stakeholder.ID] = all[i]
	}
	offices := s.parties()
	each := func(stakeholder uuid.UUID, do func(*party)) {
		for _, id := range offices.of(stakeholder) {
			if p := byID[id]; p != nil {
				do(p)
			}
		}
	}
	for _, o := range s.Participations {
		each(o.StakeholderID, func(p *party) { p.participations = append(p.participations, o) })
	}
	for _, o := range s.Positions {
		each(o.HolderID, func(p *party) { p.positions[o.ScenarioID] = append(p.positions[o.ScenarioID], o) })
	}
	for _, o := range s.Judged {
		each(o.HolderID, func(p *party) { p.judged = append(p.judged, o) })
	}
	for _, p := range all {
		for _, positions := range p.positions {
			p.sort(positions)
		}
		p.sort(p.judged)
	}
	return all
}

func (p *party) sort(positions []*Position) {
	others := func(o *Position) int {
		if o.HolderID == p.stakeholder.ID {
			return 0
		}
		return 1
	}
	slices.SortFunc(positions, func(a, b *Position) int {
		return cmp.Or(
			others(a)-others(b),
			b.Beginning().Compare(a.Beginning()),
			b.RecordedAt.Compare(a.RecordedAt),
			slices.Compare(b.ID[:], a.ID[:]),
		)
	})
}

// position returns the party's position on a scenario that counts, nil if there is none.
func (p *party) position(scenario uuid.UUID) *Position {
	if positions := p.positions[scenario]; len(positions) > 0 {
		return positions[0]
	}
	return nil
}

// divided returns the other positions of persons who speak for a party without a position of its own, if their stance
// differs.
func (p *party) divided(scenario uuid.UUID) (others []*Position) {
	positions := p.positions[scenario]
	if len(positions) == 0 || positions[0].HolderID == p.stakeholder.ID {
		return nil
	}
	for _, o := range positions[1:] {
		if o.Stance != positions[0].Stance {
			others = append(others, o)
		}
	}
	return others
}
