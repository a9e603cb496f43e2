package parley

import "github.com/google/uuid"

// Participation is a role of a stakeholder in a negotiation over an interval. A nil ValidFrom or ValidTo is open. A
// veto player's veto covers VetoIssueIDs, or all issues if that is empty.
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

// ObjectID returns the id of the object.
func (p *Participation) ObjectID() ObjectID { return ObjectID{p.ID, p.Replaced(), p.Lens} }

// RecordType returns the name of the record's type in the API.
func (*Participation) RecordType() string { return KindParticipation.Type() }

// A page of participations.
type (
	ParticipationConnection = Connection[Participation]
	ParticipationEdge       = Edge[Participation]
)

// Label returns a short name for lists, given the stakeholder's name.
func (p *Participation) Label(stakeholder string) string { return stakeholder + ", " + Words(p.Role) }

// ParticipationRole is the role of a stakeholder in a negotiation, in the terms of UCDP and the mediation literature.
type ParticipationRole string

// The roles in a negotiation.
const (
	PrimaryParty   ParticipationRole = "PRIMARY_PARTY"   // a side of the dispute itself
	SecondaryParty ParticipationRole = "SECONDARY_PARTY" // supports a primary party and has stakes of its own
	Mediator       ParticipationRole = "MEDIATOR"        // leads the parties to a settlement, with own proposals
	Facilitator    ParticipationRole = "FACILITATOR"     // makes the talks possible without proposing terms
	Guarantor      ParticipationRole = "GUARANTOR"       // guarantees that what is agreed is kept
	Witness        ParticipationRole = "WITNESS"         // attests to what was agreed
	Observer       ParticipationRole = "OBSERVER"        // is present without a say
	Host           ParticipationRole = "HOST"            // provides the place for the talks
	Envoy          ParticipationRole = "ENVOY"           // carries messages and negotiates for somebody else
	Spoiler        ParticipationRole = "SPOILER"         // works to make the talks fail
)

// ParticipationRoles lists every ParticipationRole.
var ParticipationRoles = []ParticipationRole{
	PrimaryParty, SecondaryParty, Mediator, Facilitator, Guarantor, Witness, Observer, Host, Envoy, Spoiler,
}

// JoinNegotiationInput records a stakeholder's role in a negotiation.
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

// EditParticipation edits a participation.
type EditParticipation struct {
	Participation    string
	VetoPlayer       Patch[bool]
	VetoIssues       Patch[[]string]
	Capability       Patch[int]
	ValidFrom        Patch[Instant]
	ValidTo          Patch[Instant]
	IfUnchangedSince *Cursor
}

// LeaveNegotiationInput records the end of a participation. A nil ValidTo means the change's own recordedAt.
type LeaveNegotiationInput struct {
	Participation string
	ValidTo       *Instant
}

// Participation returns the participation that the input describes, without its references, or a Refusal.
func (in JoinNegotiationInput) Participation() (Participation, error) {
	p := Participation{
		Role: in.Role, VetoPlayer: in.VetoPlayer, Capability: in.Capability,
		ValidFrom: in.ValidFrom, ValidTo: in.ValidTo,
	}
	var c checks
	p.check(&c, len(in.VetoIssues))
	return p, c.err()
}

// Edit applies the patches and returns the API names of the fields that changed, or a Refusal. The issues are passed
// resolved.
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

// End sets the end of the interval and reports whether that changed it. It refuses an end that is not after the
// beginning.
func (p *Participation) End(validTo Instant) (bool, error) {
	return end(p.ValidFrom, &p.ValidTo, validTo)
}

func (p *Participation) check(c *checks, vetoIssues int) {
	oneOf(c, "role", p.Role, ParticipationRoles)
	c.list("vetoIssues", vetoIssues)
	c.percent("capability", p.Capability)
	c.order("validFrom", "validTo", p.ValidFrom, p.ValidTo)
	if vetoIssues > 0 && !p.VetoPlayer {
		c.refuse("vetoIssues", "VetoIssues is given, but vetoPlayer is false; set vetoPlayer, or leave vetoIssues out.")
	}
}
