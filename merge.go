package parley

import (
	"slices"

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

// TakeNames adds the names of a stakeholder that is merged into this one to its aliases, as far as there is room, and
// reports whether that changed them.
func (s *Stakeholder) TakeNames(from *Stakeholder) bool {
	known := len(s.Aliases)
	s.Aliases = slices.Clone(s.Aliases)
	for _, name := range append([]string{from.Name}, from.Aliases...) {
		if name != s.Name && !slices.Contains(s.Aliases, name) && len(s.Aliases) < MaxList {
			s.Aliases = append(s.Aliases, name)
		}
	}
	return len(s.Aliases) > known
}

// MergePositions files all positions of a scenario under one holder and cuts them. Where a position of another
// holder and one of its own begin at the same instant, and are not ordered within the day, the other one stands beside
// its own as if contesting it.
func MergePositions(line []*Position, holder uuid.UUID) {
	slices.SortFunc(line, byBeginning)
	var own []*Position
	for _, p := range line {
		if p.HolderID == holder && p.ContestsID == nil {
			own = append(own, p)
		}
	}
	for _, p := range line {
		if p.HolderID == holder {
			continue
		}
		p.HolderID = holder
		if p.ContestsID != nil {
			continue
		}
		for _, o := range own {
			if o.ValidFrom.Equal(p.ValidFrom) && !o.orderedWith(p) {
				p.ContestsID = &o.ID
			}
		}
	}
	CutPositions(line)
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
func (a *Affiliation) Absorb(o *Affiliation) {
	span(&a.ValidFrom, &a.ValidTo, o.ValidFrom, o.ValidTo)
	a.SpeaksFor = a.SpeaksFor || o.SpeaksFor
}

// Doubles reports whether two memberships are the same one at some time.
func (m *Membership) Doubles(o *Membership) bool {
	return m.MemberID == o.MemberID && m.GroupID == o.GroupID && overlap(m.ValidFrom, m.ValidTo, o.ValidFrom, o.ValidTo)
}

// Absorb reads a membership that doubles this one as part of it.
func (m *Membership) Absorb(o *Membership) {
	span(&m.ValidFrom, &m.ValidTo, o.ValidFrom, o.ValidTo)
	m.SpeaksForMembers = m.SpeaksForMembers || o.SpeaksForMembers
}

// Doubles reports whether two participations are the same role in a negotiation at some time.
func (p *Participation) Doubles(o *Participation) bool {
	return p.NegotiationID == o.NegotiationID && p.StakeholderID == o.StakeholderID && p.Role == o.Role &&
		overlap(p.ValidFrom, p.ValidTo, o.ValidFrom, o.ValidTo)
}

// Absorb reads a participation that doubles this one as part of it. A veto on all issues covers one on some.
func (p *Participation) Absorb(o *Participation) {
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
}

// Doubles reports whether two relations are the same claim of the same party.
func (r *ScenarioRelation) Doubles(o *ScenarioRelation) bool {
	same := r.FromID == o.FromID && r.ToID == o.ToID
	if r.Kind == MutuallyExclusive || r.Kind == Compatible {
		same = same || r.FromID == o.ToID && r.ToID == o.FromID
	}
	return same && r.Kind == o.Kind && equal(r.ClaimedByID, o.ClaimedByID)
}

// Absorb reads a relation that doubles this one as part of it.
func (r *ScenarioRelation) Absorb(o *ScenarioRelation) {
	r.EvidenceIDs = union(r.EvidenceIDs, o.EvidenceIDs)
	if r.Note == nil {
		r.Note = o.Note
	}
}

// union is a list with what another one has besides, as far as there is room.
func union(list, more []uuid.UUID) []uuid.UUID {
	all := slices.Clone(list)
	for _, id := range more {
		if !slices.Contains(all, id) && len(all) < MaxList {
			all = append(all, id)
		}
	}
	return all
}
