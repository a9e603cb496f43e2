package parley

import (
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"
)

// MergeStakeholdersInput merges a stakeholder that was registered twice into the other one of its two records.
type MergeStakeholdersInput struct {
	From             string
	Into             string
	Note             string
	IfUnchangedSince *Cursor
}

// Check refuses a merge without a note.
func (in MergeStakeholdersInput) Check() error {
	var c checks
	c.text("note", in.Note, MaxProse)
	return c.err()
}

// CheckMerge refuses to merge a person with what is no person.
func CheckMerge(from, into *Stakeholder) error {
	if (from.Kind == Person) != (into.Kind == Person) {
		return Refuse(Invalid, "into", "%s is of kind %s and %s of kind %s, and a person is nothing else; name two of the "+
			"same kind.", from.Name, from.Kind, into.Name, into.Kind)
	}
	return nil
}

// TakeNames adds the names of a stakeholder that is merged into this one to its aliases, and reports whether that
// changed them. More than there is room for are refused.
func (s *Stakeholder) TakeNames(from *Stakeholder) (bool, error) {
	known := len(s.Aliases)
	s.Aliases = slices.Clone(s.Aliases)
	for _, name := range append([]string{from.Name}, from.Aliases...) {
		if name != s.Name && !slices.Contains(s.Aliases, name) {
			s.Aliases = append(s.Aliases, name)
		}
	}
	if len(s.Aliases) > MaxList {
		return false, Refuse(Invalid, "into", "%s would have %d aliases with the names of %s, and at most %d are allowed; take some "+
			"off either first.", s.Name, len(s.Aliases), from.Name, MaxList)
	}
	return len(s.Aliases) > known, nil
}

// MergePositions files all positions of a scenario under one holder and cuts them. Where a position of another
// holder and one of its own begin at the same instant, and are not ordered within the day, its own takes the other one
// in if it says the same; else the other one stands beside it as if contesting it. It returns the positions that are
// left, and into which one each of the rest is taken.
func MergePositions(line []*Position, holder uuid.UUID) (left []*Position, into map[uuid.UUID]uuid.UUID) {
	slices.SortFunc(line, byBeginning)
	var own []*Position
	for _, p := range line {
		if p.HolderID == holder && p.ContestsID == nil {
			own = append(own, p)
		}
	}
	into = make(map[uuid.UUID]uuid.UUID)
	for _, p := range line {
		if p.HolderID != holder {
			p.HolderID = holder
			p.beside(own, into)
		}
		if _, absorbed := into[p.ID]; !absorbed {
			left = append(left, p)
		}
	}
	for _, p := range left {
		if p.ContestsID != nil {
			if one, absorbed := into[*p.ContestsID]; absorbed {
				p.ContestsID = &one
			}
		}
	}
	CutPositions(left)
	return left, into
}

// beside files a position beside those of the holder that it comes to.
func (p *Position) beside(own []*Position, into map[uuid.UUID]uuid.UUID) {
	if p.ContestsID != nil {
		return
	}
	for _, o := range own {
		switch {
		case !o.ValidFrom.Equal(p.ValidFrom) || o.orderedWith(p):
		case o.absorb(p):
			into[p.ID] = o.ID
		default:
			p.ContestsID = &o.ID
		}
	}
}

// absorb reads a position that says the same as part of this one, if it says the same for the same time and parties, and
// there is room for all that it rests on.
func (p *Position) absorb(o *Position) bool {
	evidence, rationale := union(p.EvidenceIDs, o.EvidenceIDs), bothTexts(p.Rationale, o.Rationale)
	if !p.SaysTheSame(o) || !sameInstant(p.AssertedTo, o.AssertedTo) || !slices.Equal(p.SaidForIDs, o.SaidForIDs) ||
		len(evidence) > MaxList || rationale != nil && utf8.RuneCountInString(*rationale) > MaxProse {
		return false
	}
	p.EvidenceIDs, p.Rationale = evidence, rationale
	if p.Salience == nil {
		p.Salience = o.Salience
	}
	return true
}

// overlap reports whether two intervals have an instant in common. A nil end is open.
func overlap(from, to, otherFrom, otherTo *Instant) bool {
	return (from == nil || otherTo == nil || from.Before(*otherTo)) && (otherFrom == nil || to == nil || otherFrom.Before(*to))
}

// span widens an interval to hold another.
func span(from, to **Instant, otherFrom, otherTo *Instant) {
	if *from != nil && (otherFrom == nil || otherFrom.Before(**from)) {
		*from = otherFrom
	}
	if *to != nil && (otherTo == nil || otherTo.After(**to)) {
		*to = otherTo
	}
}

// Doubles reports whether two affiliations are the same office of a person at some time.
func (a *Affiliation) Doubles(o *Affiliation) bool {
	return a.PersonID == o.PersonID && a.OrganizationID == o.OrganizationID && equal(a.Office, o.Office) &&
		overlap(a.ValidFrom, a.ValidTo, o.ValidFrom, o.ValidTo)
}

// Absorb reads an affiliation that doubles this one as part of it.
func (a *Affiliation) Absorb(o *Affiliation) error {
	span(&a.ValidFrom, &a.ValidTo, o.ValidFrom, o.ValidTo)
	a.SpeaksFor = a.SpeaksFor || o.SpeaksFor
	return nil
}

// Doubles reports whether two memberships are the same one at some time.
func (m *Membership) Doubles(o *Membership) bool {
	return m.MemberID == o.MemberID && m.GroupID == o.GroupID && overlap(m.ValidFrom, m.ValidTo, o.ValidFrom, o.ValidTo)
}

// Absorb reads a membership that doubles this one as part of it.
func (m *Membership) Absorb(o *Membership) error {
	span(&m.ValidFrom, &m.ValidTo, o.ValidFrom, o.ValidTo)
	m.SpeaksForMembers = m.SpeaksForMembers || o.SpeaksForMembers
	return nil
}

// Doubles reports whether two participations are the same role in a negotiation at some time.
func (p *Participation) Doubles(o *Participation) bool {
	return p.NegotiationID == o.NegotiationID && p.StakeholderID == o.StakeholderID && p.Role == o.Role &&
		overlap(p.ValidFrom, p.ValidTo, o.ValidFrom, o.ValidTo)
}

// Absorb reads a participation that doubles this one as part of it. A veto on all issues covers one on some.
// Of two capabilities its own stays.
func (p *Participation) Absorb(o *Participation) error {
	span(&p.ValidFrom, &p.ValidTo, o.ValidFrom, o.ValidTo)
	switch {
	case !o.VetoPlayer:
	case !p.VetoPlayer:
		p.VetoPlayer, p.VetoIssueIDs = true, o.VetoIssueIDs
	case len(p.VetoIssueIDs) == 0 || len(o.VetoIssueIDs) == 0:
		p.VetoIssueIDs = nil
	default:
		p.VetoIssueIDs = union(p.VetoIssueIDs, o.VetoIssueIDs)
	}
	if p.Capability == nil {
		p.Capability = o.Capability
	}
	return nil
}

// Doubles reports whether two relations are the same claim of the same party.
func (r *ScenarioRelation) Doubles(o *ScenarioRelation) bool {
	same := r.FromID == o.FromID && r.ToID == o.ToID
	if r.Kind == MutuallyExclusive || r.Kind == Compatible {
		same = same || r.FromID == o.ToID && r.ToID == o.FromID
	}
	return same && r.Kind == o.Kind && equal(r.ClaimedByID, o.ClaimedByID)
}

// Absorb reads a relation that doubles this one as part of it. More than there is room for is refused.
func (r *ScenarioRelation) Absorb(o *ScenarioRelation) error {
	r.EvidenceIDs, r.Note = union(r.EvidenceIDs, o.EvidenceIDs), bothTexts(r.Note, o.Note)
	if len(r.EvidenceIDs) > MaxList || r.Note != nil && utf8.RuneCountInString(*r.Note) > MaxProse {
		return Refuse(Invalid, "into", "Both claim the same of two scenarios (%s and %s), and together the claims rest on more than %d "+
			"statements or have a note of more than %d characters; retract one of them first.", r.ID, o.ID, MaxList, MaxProse)
	}
	return nil
}

// union is a list with what another one has besides.
func union(list, more []uuid.UUID) []uuid.UUID {
	all := slices.Clone(list)
	for _, id := range more {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// bothTexts are two texts, one under the other, or the only one.
func bothTexts(a, b *string) *string {
	switch {
	case a == nil:
		return b
	case b == nil || *a == *b:
		return a
	}
	both := *a + "\n\n" + *b
	return &both
}
