package parley

import (
	"slices"

	"github.com/google/uuid"
)

// Membership is that a stakeholder of any kind belongs to a group over an interval. The group is a stakeholder of any
// kind but Person. A nil ValidFrom or ValidTo is open.
type Membership struct {
	Lens Lens
	Provenance

	ID               uuid.UUID
	MemberID         uuid.UUID
	GroupID          uuid.UUID
	SpeaksForMembers bool // the group's word is also the word of this member
	ValidFrom        *Instant
	ValidTo          *Instant
}

// ObjectID returns the id of the object.
func (m *Membership) ObjectID() ObjectID { return ObjectID{m.ID, m.Replaced(), m.Lens} }

// RecordType returns the name of the record's type in the API.
func (*Membership) RecordType() string { return KindMembership.Type() }

// A page of memberships.
type (
	MembershipConnection = Connection[Membership]
	MembershipEdge       = Edge[Membership]
)

// Label returns a short name for lists, given the names of both sides.
func (m *Membership) Label(member, group string) string { return member + ", " + group }

// HoldsAt reports whether the member belongs to the group at t.
func (m *Membership) HoldsAt(t Instant) bool { return within(t, m.ValidFrom, m.ValidTo) }

// AddMembershipInput records a membership.
type AddMembershipInput struct {
	ID               *string
	Member           string `api:"ref"`
	Group            string `api:"ref"`
	SpeaksForMembers bool
	ValidFrom        *Instant
	ValidTo          *Instant
}

// EndMembershipInput records the end of a membership. A nil ValidTo means the change's own recordedAt.
type EndMembershipInput struct {
	Membership string
	ValidTo    *Instant
}

// CorrectMembership corrects a membership that was recorded wrongly.
type CorrectMembership struct {
	Membership       string
	Member           Patch[string]
	Group            Patch[string]
	SpeaksForMembers Patch[bool]
	ValidFrom        Patch[Instant]
	ValidTo          Patch[Instant]
	Note             string
	IfUnchangedSince *Cursor
}

// Membership returns the membership that the input describes, without its references, or a Refusal.
func (in AddMembershipInput) Membership() (Membership, error) {
	m := Membership{SpeaksForMembers: in.SpeaksForMembers, ValidFrom: in.ValidFrom, ValidTo: in.ValidTo}
	var c checks
	m.check(&c)
	return m, c.err()
}

// Correct applies the patches and returns the API names of the fields that changed, or a Refusal. Member and group are
// passed resolved.
func (m *Membership) Correct(in CorrectMembership, member, group Patch[uuid.UUID]) ([]string, error) {
	var e edit
	set(&e, "member", &m.MemberID, member)
	set(&e, "group", &m.GroupID, group)
	set(&e, "speaksForMembers", &m.SpeaksForMembers, in.SpeaksForMembers)
	setOrClearInstant(&e, "validFrom", &m.ValidFrom, in.ValidFrom)
	setOrClearInstant(&e, "validTo", &m.ValidTo, in.ValidTo)
	e.text("note", in.Note, MaxProse)
	m.check(&e.checks)
	return e.fields, e.err()
}

// OnlyEndsBy reports whether all that the correction changes, member and group aside, is the end, of which none is on
// record yet. That is news, and no correction.
func (m *Membership) OnlyEndsBy(in CorrectMembership) bool {
	corrected := *m
	fields, _ := corrected.Correct(in, Patch[uuid.UUID]{}, Patch[uuid.UUID]{})
	return m.ValidTo == nil && slices.Equal(fields, []string{"validTo"})
}

func (m *Membership) check(c *checks) { c.order("validFrom", "validTo", m.ValidFrom, m.ValidTo) }

// End sets the end of the interval and reports whether that changed it. It refuses an end that is not after the
// beginning.
func (m *Membership) End(validTo Instant) (bool, error) {
	return end(m.ValidFrom, &m.ValidTo, validTo)
}
