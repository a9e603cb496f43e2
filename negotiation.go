package parley

import "github.com/google/uuid"

// Negotiation is a process in which parties look for an outcome.
type Negotiation struct {
	Lens Lens
	Provenance

	ID        uuid.UUID
	Key       string
	Title     string
	Summary   *string
	Stage     *NegotiationStage
	StartedAt *Instant
	EndedAt   *Instant
}

// ObjectID returns the id of the object.
func (n *Negotiation) ObjectID() ObjectID { return ObjectID{n.ID, n.Replaced(), n.Lens} }

// RecordType returns the name of the record's type in the API.
func (*Negotiation) RecordType() string { return KindNegotiation.Type() }

// A page of negotiations.
type (
	NegotiationConnection = Connection[Negotiation]
	NegotiationEdge       = Edge[Negotiation]
)

// Label returns a short name for lists.
func (n *Negotiation) Label() string { return n.Title }

// NegotiationStage is the stage of a peace process, in the terms of PA-X.
type NegotiationStage string

// The stages of a negotiation.
const (
	StagePreNegotiation         NegotiationStage = "PRE_NEGOTIATION" // talks about talks
	StageCeasefire              NegotiationStage = "CEASEFIRE"
	StageFrameworkPartial       NegotiationStage = "FRAMEWORK_PARTIAL"       // for part of the issues
	StageFrameworkComprehensive NegotiationStage = "FRAMEWORK_COMPREHENSIVE" // for all of the issues
	StageImplementation         NegotiationStage = "IMPLEMENTATION"
	StageRenewal                NegotiationStage = "RENEWAL"
	StageOther                  NegotiationStage = "OTHER"
)

// NegotiationStages lists every NegotiationStage.
var NegotiationStages = []NegotiationStage{
	StagePreNegotiation, StageCeasefire, StageFrameworkPartial, StageFrameworkComprehensive, StageImplementation,
	StageRenewal, StageOther,
}

// OpenNegotiationInput opens a negotiation.
type OpenNegotiationInput struct {
	ID        *string
	Key       string
	Title     string
	Summary   *string
	Stage     *NegotiationStage
	StartedAt *Instant
	EndedAt   *Instant
}

// EditNegotiation edits a negotiation.
type EditNegotiation struct {
	Negotiation      string
	Title            Patch[string]
	Summary          Patch[string]
	Stage            Patch[NegotiationStage]
	StartedAt        Patch[Instant]
	EndedAt          Patch[Instant]
	IfUnchangedSince *Cursor
}

// Negotiation returns the negotiation that the input describes, or a Refusal.
func (in OpenNegotiationInput) Negotiation() (Negotiation, error) {
	n := Negotiation{
		Key: in.Key, Title: in.Title, Summary: in.Summary, Stage: in.Stage,
		StartedAt: in.StartedAt, EndedAt: in.EndedAt,
	}
	var c checks
	c.key("key", in.Key)
	n.check(&c)
	return n, c.err()
}

// Edit applies the patches and returns the API names of the fields that changed, or a Refusal.
func (n *Negotiation) Edit(in EditNegotiation) ([]string, error) {
	var e edit
	set(&e, "title", &n.Title, in.Title)
	setOrClear(&e, "summary", &n.Summary, in.Summary)
	setOrClear(&e, "stage", &n.Stage, in.Stage)
	setOrClearInstant(&e, "startedAt", &n.StartedAt, in.StartedAt)
	setOrClearInstant(&e, "endedAt", &n.EndedAt, in.EndedAt)
	n.check(&e.checks)
	return e.fields, e.err()
}

func (n *Negotiation) check(c *checks) {
	c.line("title", n.Title, MaxTitle)
	c.optionalText("summary", n.Summary, MaxProse)
	c.order("startedAt", "endedAt", n.StartedAt, n.EndedAt)
}
