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

// A page of negotiations.
type (
	NegotiationConnection = Connection[Negotiation]
	NegotiationEdge       = Edge[Negotiation]
)

// Label is what to call it in a list.
func (n *Negotiation) Label() string { return n.Title }

// NegotiationStage is the stage of a peace process, in the terms of PA-X.
type NegotiationStage string

// NegotiationStages lists every NegotiationStage.
var NegotiationStages = []NegotiationStage{
	"PRE_NEGOTIATION", "CEASEFIRE", "FRAMEWORK_PARTIAL", "FRAMEWORK_COMPREHENSIVE", "IMPLEMENTATION", "RENEWAL", "OTHER",
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

// EditNegotiation changes the plain fields of a negotiation.
type EditNegotiation struct {
	Negotiation      string
	Title            Patch[string]
	Summary          Patch[string]
	Stage            Patch[NegotiationStage]
	StartedAt        Patch[Instant]
	EndedAt          Patch[Instant]
	IfUnchangedSince *Cursor
}

// Negotiation is what the input describes, or everything that is wrong with it.
func (in OpenNegotiationInput) Negotiation() (Negotiation, error) {
	n := Negotiation{Key: in.Key, Title: in.Title, Summary: in.Summary, Stage: in.Stage, StartedAt: in.StartedAt, EndedAt: in.EndedAt}
	var c checks
	c.key("key", in.Key)
	n.check(&c)
	return n, c.err()
}

// Edit applies the patches and returns the names of the fields that changed.
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
	c.text("title", n.Title, MaxTitle)
	c.optionalText("summary", n.Summary, MaxProse)
	c.order("startedAt", "endedAt", n.StartedAt, n.EndedAt)
}
