package parley

import (
	"slices"

	"github.com/google/uuid"
)

// LandingZoneEntry says whether the parties could accept one scenario: whether its status decides already, which veto
// players block it, and how strongly it is supported. Support, SupportLow and SupportHigh are -2 to 2, nil if no party
// that counts has a weight above 0. docs/analysis.md has a worked example.
type LandingZoneEntry struct {
	Lens          Lens
	ScenarioID    uuid.UUID
	Verdict       Acceptability
	Blockers      []*Stakeholder
	Undeclared    []*Stakeholder
	Conditional   []*Stakeholder
	OnHearsay     []*Stakeholder
	Contradicting []*Stakeholder
	Support       *float64
	SupportLow    *float64
	SupportHigh   *float64
	Parties       []*LandingZoneParty
}

// LandingZoneParty is one party's part in the verdict and the support. A nil Stance means that nothing is recorded; a
// nil Capability or Salience means not judged.
type LandingZoneParty struct {
	Stakeholder *Stakeholder
	VetoPlayer  bool
	Agreed      bool
	Stance      *Stance
	Supposed    bool
	Position    *Position
	Capability  *int
	Salience    *int
	// Represented means that the party is a group that speaks for a member with a weight. It has no weight itself, so
	// that none counts twice.
	Represented bool

	agreement   *StatusChange // the latest by which it agreed; nil: none
	contradicts bool          // its stance is the opposite of what it agreed to, or took off the table
}

// Weight returns the weight of the party's stance, capability times salience; nil if one of them is not judged, or
// members have the weight.
func (p *LandingZoneParty) Weight() *int {
	if p.Capability == nil || p.Salience == nil || p.Represented {
		return nil
	}
	weight := *p.Capability * *p.Salience
	return &weight
}

// Acceptability says whether a scenario is decided, or else whether veto players block it.
type Acceptability string

// The verdicts. Undecided: no veto player opposes the scenario, but at least one has no graded stance.
const (
	Settled     Acceptability = "SETTLED"
	OffTheTable Acceptability = "OFF_THE_TABLE"
	Acceptable  Acceptability = "ACCEPTABLE"
	Blocked     Acceptability = "BLOCKED"
	Undecided   Acceptability = "UNDECIDED"
)

// Decided returns the verdict that a status and a resolution give, whatever anybody says; empty if neither decides. The
// status comes first. A nil outcome means that the scenario is not resolved.
func Decided(status ScenarioStatus, outcome *ResolutionOutcome) Acceptability {
	switch status {
	case Agreed, InImplementation, Implemented:
		return Settled
	case Rejected, Withdrawn, Collapsed, Superseded:
		return OffTheTable
	}
	switch {
	case outcome == nil:
		return ""
	case *outcome == Occurred:
		return Settled
	}
	return OffTheTable
}

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

// LandingZone returns, for each scenario, whether these parties could accept it, given the suppositions. It returns a
// BadRequest fault for a supposition that does not fit the issue or contradicts another.
func (s *Standings) LandingZone(parties []*Stakeholder, whatIf []Supposition) ([]*LandingZoneEntry, error) {
	supposed, err := s.suppose(parties, whatIf)
	if err != nil {
		return nil, err
	}
	participations, saliences := s.participationsOf(), s.saliences()
	entries := make([]*LandingZoneEntry, len(s.Scenarios))
	for i, scenario := range s.Scenarios {
		e := &LandingZoneEntry{Lens: s.Lens, ScenarioID: scenario}
		bound := s.reading.commitments(s.StatusChanges, scenario, s.Lens.ValidAt)
		for _, party := range parties {
			p := &LandingZoneParty{
				Stakeholder: party, Position: s.reading.At(party.ID, scenario, s.Lens.ValidAt).Position,
				Salience: saliences[party.ID], agreement: bound.agreed[party.ID],
			}
			p.Agreed = p.agreement != nil
			p.take(participations[party.ID], s.IssueID)
			if p.Position != nil {
				p.Stance = &p.Position.Stance
			}
			if w, is := supposed[cell{party.ID, scenario}]; is {
				p.Stance, p.Position, p.Supposed = &w.Stance, nil, true
			}
			p.contradicts = p.Stance != nil && bound.contradictedBy(party.ID, *p.Stance)
			e.Parties = append(e.Parties, p)
		}
		s.represent(e.Parties)
		e.judge(bound.status, Decided(bound.status, outcomeOf(s.Outcomes, scenario)))
		e.weigh()
		entries[i] = e
	}
	return entries, nil
}

func outcomeOf(outcomes map[uuid.UUID]ResolutionOutcome, scenario uuid.UUID) *ResolutionOutcome {
	if outcome, resolved := outcomes[scenario]; resolved {
		return &outcome
	}
	return nil
}

// take adds the veto and the capability of a party's roles.
func (p *LandingZoneParty) take(roles []*Participation, issue uuid.UUID) {
	for _, o := range roles {
		covered := len(o.VetoIssueIDs) == 0 || slices.Contains(o.VetoIssueIDs, issue)
		p.VetoPlayer = p.VetoPlayer || o.VetoPlayer && covered
		if o.Capability != nil && (p.Capability == nil || *p.Capability < *o.Capability) {
			p.Capability = o.Capability
		}
	}
}

// represent finds the groups whose weight their members have.
func (s *Standings) represent(parties []*LandingZoneParty) {
	if len(s.reading.members) == 0 {
		return
	}
	for _, group := range parties {
		members := s.reading.membersOf(group.Stakeholder.ID, s.now())
		group.Represented = slices.ContainsFunc(parties, func(p *LandingZoneParty) bool {
			return slices.Contains(members, p.Stakeholder.ID) && p.Capability != nil && p.Salience != nil
		})
	}
}

// commitments are the status of a scenario and who stands behind it.
type commitments struct {
	status ScenarioStatus
	agreed map[uuid.UUID]*StatusChange // the parties that agreed, each with the latest status that says so
	left   map[uuid.UUID]*StatusChange // the parties that took the scenario off the table, with the status that says so
}

// commitments returns who agreed to a scenario in the statuses since it was last short of agreement, or who took it off
// the table by its status at t. The changes are sorted, the oldest first. Persons and groups in `by` commit the parties
// that they spoke for then.
func (r *Reading) commitments(changes []*StatusChange, scenario uuid.UUID, t Instant) commitments {
	c := commitments{agreed: make(map[uuid.UUID]*StatusChange)}
	for _, change := range changes {
		if change.ScenarioID != scenario || change.EffectiveAt.After(t) {
			continue
		}
		c.status, c.left = change.To, make(map[uuid.UUID]*StatusChange)
		switch change.To {
		case AgreedInPrinciple, Agreed, InImplementation, Implemented:
			for _, party := range r.committedBy(change) {
				c.agreed[party] = change
			}
		case Stalled: // what was agreed is agreed still
		case Rejected, Withdrawn, Collapsed:
			for _, party := range r.committedBy(change) {
				c.left[party] = change
			}
			clear(c.agreed)
		default:
			clear(c.agreed)
		}
	}
	return c
}

// of returns the status change by which a party is committed, nil if it is not.
func (c commitments) of(party uuid.UUID) *StatusChange {
	if left := c.left[party]; left != nil {
		return left
	}
	return c.agreed[party]
}

// contradictedBy reports whether a stance says the opposite of what the party is committed to.
func (c commitments) contradictedBy(party uuid.UUID, stance Stance) bool {
	grade, _ := stance.Grade()
	return c.left[party] != nil && grade > 0 || c.agreed[party] != nil && grade < 0
}

// committedBy returns those in the status change's `by`, the parties for which they spoke, and the members for which
// these spoke.
func (r *Reading) committedBy(change *StatusChange) []uuid.UUID {
	when := moment{change.EffectiveAt, change.EffectiveAtPrecision}
	var parties []uuid.UUID
	for _, by := range change.ByIDs {
		for _, party := range r.partiesOf(by, when) {
			parties = append(append(parties, party), r.membersOf(party, when)...)
		}
	}
	return parties
}

// declared returns the number of the party's stance; false if it has no graded stance. Silence does not count as
// consent.
func (p *LandingZoneParty) declared() (int, bool) {
	if p.Stance == nil {
		return 0, false
	}
	return p.Stance.Grade()
}

// sinceAgreeing reports whether the stance is supposed, or a word that is newer than the party's agreement.
func (p *LandingZoneParty) sinceAgreeing() bool {
	return p.agreement == nil || p.Position == nil || p.Position.Beginning().Compare(p.agreement.Beginning()) > 0
}

// judge sorts the veto players by their stances and sets the verdict. decided is the verdict that status and resolution
// give; empty: they give none.
func (e *LandingZoneEntry) judge(status ScenarioStatus, decided Acceptability) {
	for _, p := range e.Parties {
		grade, declared := p.declared()
		agreed := p.Agreed && status == AgreedInPrinciple
		if p.contradicts || grade < 0 && p.VetoPlayer && decided == Settled {
			e.Contradicting = append(e.Contradicting, p.Stakeholder)
		}
		if !p.VetoPlayer || decided != "" {
			continue
		}
		switch {
		case !declared:
			if !agreed {
				e.Undeclared = append(e.Undeclared, p.Stakeholder)
			}
		case grade < 0:
			if !agreed || p.sinceAgreeing() {
				e.Blockers = append(e.Blockers, p.Stakeholder)
			}
		case grade > 0 && p.Position != nil && len(p.Position.Conditions) > 0:
			e.Conditional = append(e.Conditional, p.Stakeholder)
		}
		if p.Position != nil && p.Position.SecondHand {
			e.OnHearsay = append(e.OnHearsay, p.Stakeholder)
		}
	}
	switch {
	case decided != "":
		e.Verdict = decided
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
