package parley

import "github.com/google/uuid"

// Resolution is what became of a scenario, by its criteria.
type Resolution struct {
	Lens         Lens
	Outcome      ResolutionOutcome
	Note         *string
	ResolvedAt   Instant
	RecordedByID uuid.UUID
}

// ResolutionOutcome says what became of a scenario. What is AMBIGUOUS or ANNULLED is resolved, and scores nobody.
type ResolutionOutcome string

// The outcomes that score assessments.
const (
	Occurred    ResolutionOutcome = "OCCURRED"
	DidNotOccur ResolutionOutcome = "DID_NOT_OCCUR"
)

// ResolutionOutcomes lists every ResolutionOutcome.
var ResolutionOutcomes = []ResolutionOutcome{Occurred, DidNotOccur, "AMBIGUOUS", "ANNULLED"}

// Resolution is what became of the scenario by the lens's valid instant; nil while it is open.
func (s *Scenario) Resolution() *Resolution {
	if s.Outcome == nil || s.ResolvedAt.After(s.Lens.ValidAt) {
		return nil
	}
	return &Resolution{Lens: s.Lens, Outcome: *s.Outcome, Note: s.ResolutionNote, ResolvedAt: *s.ResolvedAt, RecordedByID: *s.ResolvedByID}
}

// scored says whether assessments of the scenario are scored, against what, and until when it was open: until it was
// resolved, or its deadline where that came first.
func (s *Scenario) scored() (occurred bool, closedAt Instant, scored bool) {
	r := s.Resolution()
	if r == nil || (r.Outcome != Occurred && r.Outcome != DidNotOccur) {
		return false, Instant{}, false
	}
	return r.Outcome == Occurred, *earlier(s.Deadline, &r.ResolvedAt), true
}

// ResolveScenarioInput says what became of a scenario.
type ResolveScenarioInput struct {
	Scenario   string
	Outcome    ResolutionOutcome
	Note       *string
	ResolvedAt *Instant
}

// UnresolveScenarioInput takes a resolution back.
type UnresolveScenarioInput struct {
	Scenario string
	Note     string
}

// Resolve says what became of the scenario. It returns the names of the fields that changed.
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
		return nil, Refuse(Conflict, "outcome", "“%s” is resolved already (%s, as of %s); unresolve it first.", s.Title, Words(*s.Outcome), FormatInstant(*s.ResolvedAt))
	}
	s.Outcome, s.ResolutionNote, s.ResolvedAt, s.ResolvedByID = &in.Outcome, in.Note, in.ResolvedAt, &by
	return []string{"resolution"}, nil
}

// ResolvedLike says whether the scenario is resolved as an input says; what that leaves out agrees with anything.
func (s *Scenario) ResolvedLike(in ResolveScenarioInput) bool {
	return s.Outcome != nil && *s.Outcome == in.Outcome && (in.ResolvedAt == nil || in.ResolvedAt.Equal(*s.ResolvedAt)) &&
		(in.Note == nil || s.ResolutionNote != nil && *in.Note == *s.ResolutionNote)
}

// ResolvedBy dates a resolution that bears no date from when it is recorded. It refuses one from later on, from before the
// scenario came on the table, and one that has it occur after its deadline.
func (s *Scenario) ResolvedBy(recordedAt, onTheTable Instant) error {
	if s.ResolvedAt == nil {
		s.ResolvedAt = &recordedAt
	}
	var c checks
	c.notAfter("resolvedAt", *s.ResolvedAt, recordedAt)
	if s.ResolvedAt.Before(onTheTable) {
		c.refuse("resolvedAt", "ResolvedAt %s lies before the scenario came on the table, at %s; give an instant from then on.", FormatInstant(*s.ResolvedAt), FormatInstant(onTheTable))
	}
	if *s.Outcome == Occurred && s.Deadline != nil && s.ResolvedAt.After(*s.Deadline) {
		c.refuse("outcome", "What occurred at %s did so after the deadline, %s; resolve it as DID_NOT_OCCUR, or edit the deadline first.", FormatInstant(*s.ResolvedAt), FormatInstant(*s.Deadline))
	}
	return c.err()
}

// Unresolve takes the resolution back. It returns the names of the fields that changed.
func (s *Scenario) Unresolve(in UnresolveScenarioInput) ([]string, error) {
	var c checks
	c.text("note", in.Note, MaxProse)
	if c.err() != nil || s.Outcome == nil {
		return nil, c.err()
	}
	s.Outcome, s.ResolutionNote, s.ResolvedAt, s.ResolvedByID = nil, nil, nil, nil
	return []string{"resolution"}, nil
}
