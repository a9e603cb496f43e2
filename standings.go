package parley

import (
	"cmp"
	"slices"

	"github.com/google/uuid"
)

// MaxCells bounds what is put together of parties and scenarios for one issue, MaxTogether for a whole operation.
const (
	MaxCells    = 100_000
	MaxTogether = 5 * MaxCells
)

// Standings are who stands where on the scenarios of one issue, as on record through a lens: what the stance matrix and the
// landing zone are made of. All that is in it holds at the lens's valid instant, but for Judged.
type Standings struct {
	Lens           Lens
	IssueID        uuid.UUID
	Scenarios      []uuid.UUID      // on the table, by key
	Positions      []*Position      // the prevailing ones on them
	Judged         []*Position      // those on them, ended ones included, whose salience was judged
	Participations []*Participation // of the issue's negotiation
	Offices        []*Affiliation   // by which persons speak for parties
	Asked          []uuid.UUID      // the stakeholders asked for; none: all who take part or hold a position
}

// Parties are those whom the stakeholders come to: themselves, or those they speak for.
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

// partiesOf are the parties that persons speak for.
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

// of are the parties for which a stakeholder's word counts.
func (p partiesOf) of(stakeholder uuid.UUID) []uuid.UUID {
	if parties, speaks := p[stakeholder]; speaks {
		return parties
	}
	return []uuid.UUID{stakeholder}
}

// party is one of those who stand somewhere, with all that is on record of it and of those who speak for it.
type party struct {
	stakeholder    *Stakeholder
	participations []*Participation
	positions      map[uuid.UUID][]*Position // by scenario, the one that counts first
	judged         []*Position               // the one that counts first
}

// arrange gathers what belongs to each party. What it holds itself comes before what is held by persons who speak for it, and
// of theirs the latest first.
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
		return cmp.Or(others(a)-others(b), b.ValidFrom.Compare(a.ValidFrom), b.RecordedAt.Compare(a.RecordedAt), slices.Compare(b.ID[:], a.ID[:]))
	})
}

// position is the one that counts for the party on a scenario; nil when there is none.
func (p *party) position(scenario uuid.UUID) *Position {
	if positions := p.positions[scenario]; len(positions) > 0 {
		return positions[0]
	}
	return nil
}

// divided are the positions of others who speak for the party, which has none of its own, and stand elsewhere.
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
