package parley

import "github.com/google/uuid"

// ScenarioRelation is a claim, by a stakeholder or by the analysts themselves, about how two scenarios of a negotiation
// bear on each other.
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

// Label is what to call it in a list, given the titles of both scenarios.
func (r *ScenarioRelation) Label(from, to string) string {
	return from + ": " + Words(r.Kind) + ": " + to
}

// ScenarioRelationKind says how one scenario bears on another.
type ScenarioRelationKind string

// ScenarioRelationKinds lists every ScenarioRelationKind.
var ScenarioRelationKinds = []ScenarioRelationKind{
	"MUTUALLY_EXCLUSIVE", "COMPATIBLE", "PRECONDITION_FOR", "FALLBACK_FOR", "VARIANT_OF", "SUPERSEDES", "SUBSUMES",
}

// RelateScenariosInput puts a relation on record.
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

// Check refuses what is wrong with the input; its references come later.
func (in RelateScenariosInput) Check() error {
	var c checks
	c.optionalText("note", in.Note, MaxProse)
	c.statements("evidence", in.Evidence, in.NewEvidence)
	return c.err()
}
