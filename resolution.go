package parley

import "github.com/google/uuid"

// Resolution is the recorded outcome of a scenario by its criteria.
type Resolution struct {
	Lens         Lens
	Outcome      ResolutionOutcome
	Note         *string
	ResolvedAt   Instant
	RecordedByID uuid.UUID
}

// ResolutionOutcome is the outcome of a scenario, in the terms of Metaculus. Assessments are scored only against
// Occurred and DidNotOccur.
type ResolutionOutcome string

// The outcomes.
const (
	Occurred         ResolutionOutcome = "OCCURRED"
	DidNotOccur      ResolutionOutcome = "DID_NOT_OCCUR"
	OutcomeAmbiguous ResolutionOutcome = "AMBIGUOUS" // the criteria do not decide it
	Annulled         ResolutionOutcome = "ANNULLED"  // the question has lost its meaning
)

// ResolutionOutcomes lists every ResolutionOutcome.
var ResolutionOutcomes = []ResolutionOutcome{Occurred, DidNotOccur, OutcomeAmbiguous, Annulled}

// Resolution returns the scenario's resolution at the lens's valid instant, nil if it is not resolved then.
func (s *Scenario) Resolution() *Resolution {
	if s.Outcome == nil || s.ResolvedAt.After(s.Lens.ValidAt) {
		return nil
	}
	return &Resolution{
		Lens: s.Lens, Outcome: *s.Outcome, Note: s.ResolutionNote,
		ResolvedAt: *s.ResolvedAt, RecordedByID: *s.ResolvedByID,
	}
}

// ResolveScenarioInput records the outcome of a scenario. A nil ResolvedAt means the change's own recordedAt.
type ResolveScenarioInput struct {
	Scenario   string
	Outcome    ResolutionOutcome
	Note       *string
	ResolvedAt *Instant
}

// UnresolveScenarioInput removes a resolution.
type UnresolveScenarioInput struct {
	Scenario string
	Note     string
}

// Resolve sets the outcome and returns the API names of the fields that changed: none if the scenario is resolved in
// the same way already. It refuses with Conflict if the scenario is resolved in another way.
func (s *Scenario) Resolve(in ResolveScenarioInput, by uuid.UUID) ([]string, error) {
	var c checks
	oneOf(&c, "outcome", in.Outcome, ResolutionOutcomes)
	c.optionalText("note", in.Note, MaxProse)
	if err := c.err(); err != nil {
		return nil, err
	}
	if s.ResolvedLike(in) {
		return nil, nil
	}
	if s.Outcome != nil {
		return nil, Refuse(Conflict, "outcome", "“%s” is resolved already (%s, as of %s); unresolve it first.",
			s.Title, Words(*s.Outcome), FormatInstant(*s.ResolvedAt))
	}
	s.Outcome, s.ResolutionNote, s.ResolvedAt, s.ResolvedByID = &in.Outcome, in.Note, in.ResolvedAt, &by
	return []string{"resolution"}, nil
}

// ResolvedLike reports whether the scenario is resolved as the input says. Fields that the input leaves out match any
// value.
func (s *Scenario) ResolvedLike(in ResolveScenarioInput) bool {
	return s.Outcome != nil && *s.Outcome == in.Outcome &&
		(in.ResolvedAt == nil || in.ResolvedAt.Equal(*s.ResolvedAt)) &&
		(in.Note == nil || s.ResolutionNote != nil && *in.Note == *s.ResolutionNote)
}

// ResolvedBy sets ResolvedAt to recordedAt if it is nil. It refuses a ResolvedAt after recordedAt.
func (s *Scenario) ResolvedBy(recordedAt Instant) error {
	if s.ResolvedAt == nil {
		s.ResolvedAt = &recordedAt
	}
	var c checks
	c.notAfter("resolvedAt", *s.ResolvedAt, recordedAt)
	return c.err()
}

// Rival is a scenario that the analysts themselves relate to another one as mutually exclusive.
type Rival struct {
	ID       uuid.UUID
	Title    string
	Occurred bool
}

// OneOccurs refuses that a scenario has occurred while one of its rivals has.
func OneOccurs(field, title string, rivals []Rival) error {
	for _, r := range rivals {
		if r.Occurred {
			return Refuse(Conflict, field, "“%s” has occurred and excludes “%s”, so that both can't have; unresolve one of "+
				"them, or retract that they exclude each other.", r.Title, title)
		}
	}
	return nil
}

// Unresolve removes the resolution and returns the API names of the fields that changed: none if the scenario is not
// resolved.
func (s *Scenario) Unresolve(in UnresolveScenarioInput) ([]string, error) {
	var c checks
	c.text("note", in.Note, MaxProse)
	if c.err() != nil || s.Outcome == nil {
		return nil, c.err()
	}
	s.Outcome, s.ResolutionNote, s.ResolvedAt, s.ResolvedByID = nil, nil, nil, nil
	return []string{"resolution"}, nil
}
