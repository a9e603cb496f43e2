package parley

import (
	"slices"

	"github.com/google/uuid"
)

// LandingZoneEntry says whether the parties could accept one scenario: which veto players block it, and how strongly it
// is supported. Support, SupportLow and SupportHigh are -2 to 2, nil if no party that counts has a weight above 0.
// docs/analysis.md has a worked example.
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

// LandingZoneParty is one party's part in the verdict and the support. A nil Stance means that nothing is recorded; a
// nil Capability or Salience means not judged.
type LandingZoneParty struct {
	Stakeholder *Stakeholder
	VetoPlayer  bool
	Stance      *Stance
	Supposed    bool
	Position    *Position
	Capability  *int
	Salience    *int
}

// Weight returns the weight of the party's stance, capability times salience; nil if one of them is not judged.
func (p *LandingZoneParty) Weight() *int {
	if p.Capability == nil || p.Salience == nil {
		return nil
	}
	weight := *p.Capability * *p.Salience
	return &weight
}

// Acceptability says whether veto players block a scenario.
type Acceptability string

// The verdicts. Undecided: no veto player opposes the scenario, but at least one has no graded stance.
const (
	Acceptable Acceptability = "ACCEPTABLE"
	Blocked    Acceptability = "BLOCKED"
	Undecided  Acceptability = "UNDECIDED"
)

// grades has the numbers of the graded stances.
var grades = map[Stance]int{StronglyOpposes: -2, Opposes: -1, Neutral: 0, Supports: 1, StronglySupports: 2}

// Grade returns the number of a stance, -2 to 2; false if the stance has none.
func (s Stance) Grade() (int, bool) {
	grade, graded := grades[s]
	return grade, graded
}

// The worst and the best grade that an undeclared veto player could take.
const (
	lowestGrade  = -2
	highestGrade = 2
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

// supposed maps a party and a scenario to the supposed stance.
type supposed map[[2]uuid.UUID]Supposition

// suppose maps the suppositions to parties. It returns a BadRequest fault for a scenario of another issue, a
// stakeholder who has no part in this one, or two different stances of one party on one scenario.
func (s *Standings) suppose(parties []*Stakeholder, whatIf []Supposition) (supposed, error) {
	offices, all := s.parties(), make(supposed)
	for _, w := range whatIf {
		if !slices.Contains(s.Scenarios, w.ScenarioID) {
			return nil, NewFault(BadRequest, "whatIf: %q is not a scenario of this issue that is on the table; "+
				"name one that the landing zone lists.", w.Scenario)
		}
		known := false
		for _, id := range offices.of(w.StakeholderID) {
			if !slices.ContainsFunc(parties, func(p *Stakeholder) bool { return p.ID == id }) {
				continue
			}
			known = true
			at := [2]uuid.UUID{id, w.ScenarioID}
			if other, twice := all[at]; twice && other.Stance != w.Stance {
				return nil, NewFault(BadRequest, "whatIf: %s of %q and %s of %q on %q are two stances of one party; "+
					"keep one of them.", w.Stance, w.Stakeholder, other.Stance, other.Stakeholder, w.Scenario)
			}
			all[at] = w
		}
		if !known {
			return nil, NewFault(BadRequest, "whatIf: %q neither takes part in the negotiation nor holds a position "+
				"on this issue; name one of the parties of its matrix.", w.Stakeholder)
		}
	}
	return all, nil
}

// LandingZone returns, for each scenario, whether these parties could accept it, given the suppositions. It returns a
// BadRequest fault for a supposition that does not fit the issue or contradicts another.
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

// stand returns a party's part in one scenario.
func (s *Standings) stand(p *party, scenario uuid.UUID, supposed supposed) *LandingZoneParty {
	stands := &LandingZoneParty{Stakeholder: p.stakeholder, Position: p.position(scenario)}
	if stands.Position != nil {
		stands.Stance = &stands.Position.Stance
	}
	if w, is := supposed[[2]uuid.UUID{p.stakeholder.ID, scenario}]; is {
		stands.Stance, stands.Position, stands.Supposed = &w.Stance, nil, true
	}
	for _, o := range p.participations {
		covered := len(o.VetoIssueIDs) == 0 || slices.Contains(o.VetoIssueIDs, s.IssueID)
		stands.VetoPlayer = stands.VetoPlayer || o.VetoPlayer && covered
		if o.Capability != nil && (stands.Capability == nil || *stands.Capability < *o.Capability) {
			stands.Capability = o.Capability
		}
	}
	if len(p.judged) > 0 {
		stands.Salience = p.judged[0].Salience
	}
	return stands
}

// declared returns the number of the party's stance; false if it has no graded stance. Silence does not count as
// consent.
func (p *LandingZoneParty) declared() (int, bool) {
	if p.Stance == nil {
		return 0, false
	}
	return p.Stance.Grade()
}

// judge sorts the veto players by their stances and sets the verdict.
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

// weigh sets the support: the mean of the stances, weighted by capability and salience.
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
