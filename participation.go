package parley

import "github.com/google/uuid"

// Participation is a role that a stakeholder has in a negotiation for a time.
type Participation struct {
	Lens Lens
	Provenance

	ID            uuid.UUID
	NegotiationID uuid.UUID
	StakeholderID uuid.UUID
	Role          ParticipationRole
	VetoPlayer    bool
	VetoIssueIDs  []uuid.UUID
	Capability    *int
	ValidFrom     *Instant
	ValidTo       *Instant
}

// A page of participations.
type (
	ParticipationConnection = Connection[Participation]
	ParticipationEdge       = Edge[Participation]
)

// Label is what to call it in a list, given the stakeholder's name.
func (p *Participation) Label(stakeholder string) string { return stakeholder + ", " + Words(p.Role) }

// ParticipationRole is what a stakeholder is in a negotiation, in the terms of UCDP and the mediation literature.
type ParticipationRole string

// ParticipationRoles lists every ParticipationRole.
var ParticipationRoles = []ParticipationRole{
	"PRIMARY_PARTY", "SECONDARY_PARTY", "MEDIATOR", "FACILITATOR", "GUARANTOR", "WITNESS", "OBSERVER", "HOST", "ENVOY", "SPOILER",
}

// JoinNegotiationInput gives a stakeholder a role in a negotiation.
type JoinNegotiationInput struct {
	ID          *string
	Negotiation string `api:"ref"`
	Stakeholder string `api:"ref"`
	Role        ParticipationRole
	VetoPlayer  bool
	VetoIssues  []string `api:"ref"`
	Capability  *int
	ValidFrom   *Instant
	ValidTo     *Instant
}

// EditParticipation changes the plain fields of a participation.
type EditParticipation struct {
	Participation    string
	VetoPlayer       Patch[bool]
	VetoIssues       Patch[[]string]
	Capability       Patch[int]
	ValidFrom        Patch[Instant]
	ValidTo          Patch[Instant]
	IfUnchangedSince *Cursor
}

// LeaveNegotiationInput says when a participation ended; without ValidTo, at the change's own recordedAt.
type LeaveNegotiationInput struct {
	Participation string
	ValidTo       *Instant
}

// Participation is what the input describes, its references aside, or everything that is wrong with it.
func (in JoinNegotiationInput) Participation() (Participation, error) {
	p := Participation{Role: in.Role, VetoPlayer: in.VetoPlayer, Capability: in.Capability, ValidFrom: in.ValidFrom, ValidTo: in.ValidTo}
	var c checks
	p.check(&c, len(in.VetoIssues))
	return p, c.err()
}

// Edit applies the patches and returns the names of the fields that changed. The issues come resolved.
func (p *Participation) Edit(in EditParticipation, vetoIssues Patch[[]uuid.UUID]) ([]string, error) {
	var e edit
	set(&e, "vetoPlayer", &p.VetoPlayer, in.VetoPlayer)
	setList(&e, "vetoIssues", &p.VetoIssueIDs, vetoIssues)
	setOrClear(&e, "capability", &p.Capability, in.Capability)
	setOrClearInstant(&e, "validFrom", &p.ValidFrom, in.ValidFrom)
	setOrClearInstant(&e, "validTo", &p.ValidTo, in.ValidTo)
	p.check(&e.checks, len(p.VetoIssueIDs))
	return e.fields, e.err()
}

// End sets the end of the interval; it says whether that changed anything.
func (p *Participation) End(validTo Instant) (bool, error) {
	return end(p.ValidFrom, &p.ValidTo, validTo)
}

func (p *Participation) check(c *checks, vetoIssues int) {
	oneOf(c, "role", p.Role, ParticipationRoles)
	c.list("vetoIssues", vetoIssues)
	c.percent("capability", p.Capability)
	c.order("validFrom", "validTo", p.ValidFrom, p.ValidTo)
	if vetoIssues > 0 && !p.VetoPlayer {
		c.refuse("vetoIssues", "Issues to veto were named for a participant without a veto; set vetoPlayer, or leave vetoIssues out.")
	}
}
