package parley

import (
	"slices"

	"github.com/google/uuid"
)

// MaxWhatIf is the largest number of suppositions in one what-if.
const MaxWhatIf = 1_000

// WhatIfPosition supposes that a stakeholder has a stance on a scenario.
type WhatIfPosition struct {
	Stakeholder string
	Scenario    string
	Stance      Stance
}

// Supposition is a WhatIfPosition whose references are resolved.
type Supposition struct {
	WhatIfPosition
	StakeholderID uuid.UUID
	ScenarioID    uuid.UUID
}

// supposed has the supposition that counts for each party and scenario, and how near its stakeholder is to the party.
type supposed struct {
	Supposition
	nearness nearness
}

// nearness is how a supposition reaches a party. The nearest counts.
type nearness int

const (
	byGroup nearness = iota
	bySpeaker
	byItself
)

// suppose maps the suppositions to parties and leaves out those that say what is on record already. It returns a
// BadRequest fault for a scenario of another issue, a stakeholder who has no part in this one, or two different stances
// of one party on one scenario.
func (s *Standings) suppose(parties []*Stakeholder, whatIf []Supposition) (map[cell]supposed, error) {
	all := make(map[cell]supposed)
	rows := make(map[uuid.UUID]bool, len(parties))
	for _, p := range parties {
		rows[p.ID] = true
	}
	for _, w := range whatIf {
		if !slices.Contains(s.Scenarios, w.ScenarioID) {
			return nil, NewFault(BadRequest, "whatIf: %q is not a scenario of this issue that is on the table; "+
				"name one that the landing zone lists.", w.Scenario)
		}
		known := false
		for party, near := range s.reached(w, rows) {
			known = true
			at, next := cell{party, w.ScenarioID}, supposed{w, near}
			other, twice := all[at]
			switch {
			case twice && other.nearness == near && other.Stance != w.Stance:
				return nil, NewFault(BadRequest, "whatIf: %s of %q and %s of %q on %q are two stances of one party; "+
					"keep one of them.", w.Stance, w.Stakeholder, other.Stance, other.Stakeholder, w.Scenario)
			case !twice || near > other.nearness:
				all[at] = next
			}
		}
		if !known && s.speaksForAny(w.StakeholderID, rows) {
			return nil, NewFault(BadRequest, "whatIf: %q speaks for parties that all have another word on %q; suppose "+
				"the stance of one of them.", w.Stakeholder, w.Scenario)
		}
		if !known {
			return nil, NewFault(BadRequest, "whatIf: %q neither takes part in the negotiation nor holds a position "+
				"on this issue; name one of the parties of its matrix.", w.Stakeholder)
		}
	}
	for at, w := range all {
		if s.isOnRecord(at, w.Supposition) {
			delete(all, at)
		}
	}
	return all, nil
}

// reached returns the rows for which a supposition counts: of the stakeholder itself, of the parties that it speaks
// for, of the members of a group that have no other word, and of parties whose word it has said.
func (s *Standings) reached(w Supposition, rows map[uuid.UUID]bool) map[uuid.UUID]nearness {
	reached := make(map[uuid.UUID]nearness)
	for id := range rows {
		stand := s.reading.At(id, w.ScenarioID, s.Lens.ValidAt)
		if stand.Position != nil && stand.Position.HolderID == w.StakeholderID && stand.Position.Stance == w.Stance {
			reached[id] = bySpeaker
		}
	}
	for _, party := range s.partiesOf(w.StakeholderID) {
		for _, member := range s.reading.membersOf(party, s.now()) {
			stand := s.reading.At(member, w.ScenarioID, s.Lens.ValidAt)
			if _, is := reached[member]; !is && rows[member] &&
				(stand.Position == nil || stand.ThroughID != nil && *stand.ThroughID == party) {
				reached[member] = byGroup
			}
		}
		if rows[party] {
			reached[party] = bySpeaker
		}
	}
	if rows[w.StakeholderID] && slices.Contains(s.partiesOf(w.StakeholderID), w.StakeholderID) {
		reached[w.StakeholderID] = byItself
	}
	return reached
}

// speaksForAny reports whether a stakeholder speaks for a row through a group.
func (s *Standings) speaksForAny(stakeholder uuid.UUID, rows map[uuid.UUID]bool) bool {
	return slices.ContainsFunc(s.partiesOf(stakeholder), func(group uuid.UUID) bool {
		return slices.ContainsFunc(s.reading.membersOf(group, s.now()), func(id uuid.UUID) bool { return rows[id] })
	})
}

// isOnRecord reports whether a supposition says what the word that counts says already, and is made of the party, of
// the holder of that word, or of the group through which it counts.
func (s *Standings) isOnRecord(at cell, w Supposition) bool {
	stand := s.reading.At(at.party, at.scenario, s.Lens.ValidAt)
	if stand.Position == nil || stand.Position.Stance != w.Stance {
		return false
	}
	return w.StakeholderID == at.party || w.StakeholderID == stand.Position.HolderID ||
		stand.ThroughID != nil && w.StakeholderID == *stand.ThroughID
}
