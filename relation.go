package parley

import "github.com/google/uuid"

// ScenarioRelation is a claim about how two scenarios of a negotiation are related. A nil ClaimedByID means that it is
// the analysts' own reading.
type ScenarioRelation struct {
	Lens Lens
	Provenance

	ID          uuid.UUID
	Kind        ScenarioRelationKind
	FromID      uuid.UUID
	ToID        uuid.UUID
	ClaimedByID *uuid.UUID
	Note        *string
	EvidenceIDs []uuid.UUID
}

// ObjectID returns the id of the object.
func (s *ScenarioRelation) ObjectID() ObjectID { return ObjectID{s.ID, s.Replaced(), s.Lens} }

// RecordType returns the name of the record's type in the API.
func (*ScenarioRelation) RecordType() string { return KindRelation.Type() }

// Label returns a short name for lists, given the titles of both scenarios.
func (r *ScenarioRelation) Label(from, to string) string {
	return from + ": " + Words(r.Kind) + ": " + to
}

// ScenarioRelationKind is how one scenario is related to another.
type ScenarioRelationKind string

// The kinds of relation. MutuallyExclusive and Compatible read the same in both directions.
const (
	MutuallyExclusive ScenarioRelationKind = "MUTUALLY_EXCLUSIVE" // they can't both come about
	Compatible        ScenarioRelationKind = "COMPATIBLE"         // they can both come about
	PreconditionFor   ScenarioRelationKind = "PRECONDITION_FOR"   // from must come about before to can
	FallbackFor       ScenarioRelationKind = "FALLBACK_FOR"       // from is the alternative if to fails
	VariantOf         ScenarioRelationKind = "VARIANT_OF"         // from is to with some terms changed
	Supersedes        ScenarioRelationKind = "SUPERSEDES"         // from replaces to
	Subsumes          ScenarioRelationKind = "SUBSUMES"           // if from comes about, so does to
)

// ScenarioRelationKinds lists every ScenarioRelationKind.
var ScenarioRelationKinds = []ScenarioRelationKind{
	MutuallyExclusive, Compatible, PreconditionFor, FallbackFor, VariantOf, Supersedes, Subsumes,
}

// RelateScenariosInput records a relation.
type RelateScenariosInput struct {
	ID          *string
	From        string `api:"ref"`
	To          string `api:"ref"`
	Kind        ScenarioRelationKind
	ClaimedBy   *string `api:"ref"`
	Note        *string
	Evidence    []string `api:"ref"`
	NewEvidence []NewStatementInput
}

// Check refuses what is wrong with the input. It does not resolve references.
func (in RelateScenariosInput) Check() error {
	var c checks
	c.optionalText("note", in.Note, MaxProse)
	c.statements("evidence", in.Evidence, in.NewEvidence)
	return c.err()
}
