package parley

import (
	"slices"

	"github.com/google/uuid"
)

// LandingZoneEntry is whether one scenario could hold, as on record: who would stand in its way, and with what weight it is
// supported. docs/analysis.md reckons an example.
type LandingZoneEntry struct {
	Lens        Lens
	ScenarioID  uuid.UUID
	Verdict     Acceptability
	Blockers    []*Stakeholder
	Undeclared  []*Stakeholder
	Conditional []*Stakeholder
	OnHearsay   []*Stakeholder
	Support     *float64
	SupportLow  *float64
	SupportHigh *float64
	Parties     []*LandingZoneParty
}

// LandingZoneParty is what one party brings to the verdict and the support.
type LandingZoneParty struct {
	Stakeholder *Stakeholder
	VetoPlayer  bool
	Stance      *Stance
	Supposed    bool
	Position    *Position
	Capability  *int
	Salience    *int
}

// Weight is what the party's stance counts with; nil where it can't be told.
func (p *LandingZoneParty) Weight() *int {
	if p.Capability == nil || p.Salience == nil {
		return nil
	}
	weight := *p.Capability * *p.Salience
	return &weight
}

// Acceptability says whether veto players stand in the way of a scenario.
type Acceptability string

// The verdicts. UNDECIDED: nobody with a veto opposes it, but somebody has not spoken.
const (
	Acceptable Acceptability = "ACCEPTABLE"
	Blocked    Acceptability = "BLOCKED"
	Undecided  Acceptability = "UNDECIDED"
)

// grades are the numbers of the stances that have one.
var grades = map[Stance]int{"STRONGLY_OPPOSES": -2, "OPPOSES": -1, "NEUTRAL": 0, "SUPPORTS": 1, "STRONGLY_SUPPORTS": 2}

// Grade is the number of a stance, -2..2; false for one that has none.
func (s Stance) Grade() (int, bool) {
	grade, graded := grades[s]
	return grade, graded
}

// The stances of an undeclared veto player at the worst and at the best.
const (
	lowestGrade  = -2
	highestGrade = 2
)

// MaxWhatIf bounds the stances that are supposed at once.
const MaxWhatIf = 1_000

// WhatIfPosition supposes that a stakeholder stood somewhere.
type WhatIfPosition struct {
	Stakeholder string
	Scenario    string
	Stance      Stance
}

// Supposition is a WhatIfPosition with its records found.
type Supposition struct {
	WhatIfPosition
	StakeholderID uuid.UUID
	ScenarioID    uuid.UUID
}

// supposed are the stances that parties are supposed to take on scenarios.
type supposed map[[2]uuid.UUID]Supposition

// suppose refuses what is about another issue or about somebody who has no part in this one, and what contradicts itself.
func (s *Standings) suppose(parties []*Stakeholder, whatIf []Supposition) (supposed, error) {
	offices, all := s.parties(), make(supposed)
	for _, w := range whatIf {
		if !slices.Contains(s.Scenarios, w.ScenarioID) {
			return nil, NewFault(BadRequest, "whatIf: %q is no scenario of this issue that is on the table; name one of those that the landing zone lists.", w.Scenario)
		}
		known := false
		for _, id := range offices.of(w.StakeholderID) {
			if !slices.ContainsFunc(parties, func(p *Stakeholder) bool { return p.ID == id }) {
				continue
			}
			known = true
			at := [2]uuid.UUID{id, w.ScenarioID}
			if other, twice := all[at]; twice && other.Stance != w.Stance {
				return nil, NewFault(BadRequest, "whatIf: %q is supposed to be %s on %q and %q to be %s, which is the same party; keep one of the two.",
					w.Stakeholder, w.Stance, w.Scenario, other.Stakeholder, other.Stance)
			}
			all[at] = w
		}
		if !known {
			return nil, NewFault(BadRequest, "whatIf: %q neither takes part in the negotiation nor holds a position on this issue; name one of the parties of its matrix.", w.Stakeholder)
		}
	}
	return all, nil
}

// LandingZone tells for each scenario whether it could hold among these parties, supposing what is supposed.
func (s *Standings) LandingZone(parties []*Stakeholder, whatIf []Supposition) ([]*LandingZoneEntry, error) {
	supposed, err := s.suppose(parties, whatIf)
	if err != nil {
		return nil, err
	}
	arranged := s.arrange(parties)
	entries := make([]*LandingZoneEntry, len(s.Scenarios))
	for i, scenario := range s.Scenarios {
		entries[i] = &LandingZoneEntry{Lens: s.Lens, ScenarioID: scenario}
		for _, p := range arranged {
			entries[i].Parties = append(entries[i].Parties, s.stand(p, scenario, supposed))
		}
		entries[i].judge()
		entries[i].weigh()
	}
	return entries, nil
}

// stand is what a party brings to a scenario.
func (s *Standings) stand(p *party, scenario uuid.UUID, supposed supposed) *LandingZoneParty {
	stands := &LandingZoneParty{Stakeholder: p.stakeholder, Position: p.position(scenario)}
	if stands.Position != nil {
		stands.Stance = &stands.Position.Stance
	}
	if w, is := supposed[[2]uuid.UUID{p.stakeholder.ID, scenario}]; is {
		stands.Stance, stands.Position, stands.Supposed = &w.Stance, nil, true
	}
	for _, o := range p.participations {
		stands.VetoPlayer = stands.VetoPlayer || o.VetoPlayer && (len(o.VetoIssueIDs) == 0 || slices.Contains(o.VetoIssueIDs, s.IssueID))
		if o.Capability != nil && (stands.Capability == nil || *stands.Capability < *o.Capability) {
			stands.Capability = o.Capability
		}
	}
	if len(p.judged) > 0 {
		stands.Salience = p.judged[0].Salience
	}
	return stands
}

// declared is the number of the party's stance; false when it has not taken one that has a number. Silence is never consent.
func (p *LandingZoneParty) declared() (int, bool) {
	if p.Stance == nil {
		return 0, false
	}
	return p.Stance.Grade()
}

// judge sorts the veto players by what they say, and gives the verdict.
func (e *LandingZoneEntry) judge() {
	for _, p := range e.Parties {
		if !p.VetoPlayer {
			continue
		}
		grade, declared := p.declared()
		switch {
		case !declared:
			e.Undeclared = append(e.Undeclared, p.Stakeholder)
		case grade < 0:
			e.Blockers = append(e.Blockers, p.Stakeholder)
		case grade > 0 && p.Position != nil && len(p.Position.Conditions) > 0:
			e.Conditional = append(e.Conditional, p.Stakeholder)
		}
		if p.Position != nil && p.Position.SecondHand {
			e.OnHearsay = append(e.OnHearsay, p.Stakeholder)
		}
	}
	switch {
	case len(e.Blockers) > 0:
		e.Verdict = Blocked
	case len(e.Undeclared) > 0:
		e.Verdict = Undecided
	default:
		e.Verdict = Acceptable
	}
}

// weigh takes the mean of the stances, weighted by capability and salience.
func (e *LandingZoneEntry) weigh() {
	var support, low, high mean
	for _, p := range e.Parties {
		weight := p.Weight()
		if weight == nil {
			continue
		}
		grade, declared := p.declared()
		switch {
		case declared:
			for _, m := range []*mean{&support, &low, &high} {
				m.add(float64(grade), float64(*weight))
			}
		case p.VetoPlayer:
			low.add(lowestGrade, float64(*weight))
			high.add(highestGrade, float64(*weight))
		}
	}
	e.Support, e.SupportLow, e.SupportHigh = support.value(), low.value(), high.value()
}
