package parley

import "github.com/google/uuid"

// Assessment is an analyst's judgement of how likely a scenario is to come about, by its criteria and deadline. From
// AssessedAt on it replaces the analyst's earlier ones. Probability is in percent, MinProbability to MaxProbability.
type Assessment struct {
	Lens Lens
	Provenance

	ID          uuid.UUID
	ScenarioID  uuid.UUID
	Probability int
	Confidence  AnalyticConfidence
	Rationale   string
	AssessedAt  Instant

	Imported     bool     // RecordedAt is that of a file
	DeadlineThen *Instant // the scenario's deadline on record at RecordedAt; nil: none
	CriteriaThen *string  // the scenario's criteria on record at RecordedAt; nil: none
}

// ObjectID returns the id of the object.
func (a *Assessment) ObjectID() ObjectID { return ObjectID{a.ID, a.Replaced(), a.Lens} }

// RecordType returns the name of the record's type in the API.
func (*Assessment) RecordType() string { return KindAssessment.Type() }

// A page of assessments.
type (
	AssessmentConnection = Connection[Assessment]
	AssessmentEdge       = Edge[Assessment]
)

// Label returns a short name for lists, given the scenario's title.
func (a *Assessment) Label(scenario string) string {
	return Words(a.Likelihood()) + ": " + scenario
}

// Likelihood returns the word for the probability.
func (a *Assessment) Likelihood() Likelihood { return LikelihoodOf(a.Probability) }

// UnscoredReason is why an assessment has no score.
type UnscoredReason string

// The reasons, in the order in which they are looked for.
const (
	NotResolved     UnscoredReason = "NOT_RESOLVED"     // at the lens's valid instant
	NotDecided      UnscoredReason = "NOT_DECIDED"      // the outcome is AMBIGUOUS or ANNULLED
	BeforeScenario  UnscoredReason = "BEFORE_SCENARIO"  // recorded before the scenario was on the table
	AfterResolution UnscoredReason = "AFTER_RESOLUTION" // recorded when it had come about, or its resolution was known
	AfterDeadline   UnscoredReason = "AFTER_DEADLINE"   // recorded at or after the deadline on record then
	DeadlineAhead   UnscoredReason = "DEADLINE_AHEAD"   // it did not occur, but the deadline on record then is to come
)

// score is an assessment that is scored.
type score struct {
	*Assessment
	occurred bool    // by the deadline on record when the assessment was
	closedAt Instant // the resolution, or that deadline, whichever came first
}

// brier returns the Brier score (p - o)², 0 to 1.
func (s score) brier() float64 { return brier(s.Probability, s.occurred) }

// scored returns how the assessment is scored, or why it is not. What counts is when it was recorded, so that nothing
// is gained by a date in the past, and the deadline as it was on record then.
func (a *Assessment) scored(s *Scenario) (score, UnscoredReason) {
	r := s.Resolution()
	then := a.DeadlineThen
	switch {
	case r == nil:
		return score{}, NotResolved
	case r.Outcome != Occurred && r.Outcome != DidNotOccur:
		return score{}, NotDecided
	case s.OnTheTableAt != nil && a.RecordedAt.Before(*s.OnTheTableAt):
		return score{}, BeforeScenario
	case !a.RecordedAt.Before(r.ResolvedAt), s.ResolutionRecordedAt != nil && !a.RecordedAt.Before(*s.ResolutionRecordedAt):
		return score{}, AfterResolution
	case then != nil && !a.RecordedAt.Before(*then):
		return score{}, AfterDeadline
	case r.Outcome == DidNotOccur && then != nil && then.After(s.Lens.ValidAt):
		return score{}, DeadlineAhead
	}
	inTime := then == nil || !r.ResolvedAt.After(*then)
	return score{a, r.Outcome == Occurred && inTime, *earlier(then, &r.ResolvedAt)}, ""
}

// BrierScore returns the Brier score, nil if the assessment is not scored.
func (a *Assessment) BrierScore(s *Scenario) *float64 {
	if s == nil {
		return nil
	}
	scored, why := a.scored(s)
	if why != "" {
		return nil
	}
	own := scored.brier()
	return &own
}

// UnscoredBecause returns why the assessment has no score, nil if it has one.
func (a *Assessment) UnscoredBecause(s *Scenario) *UnscoredReason {
	why := NotResolved
	if s != nil {
		_, why = a.scored(s)
	}
	if why == "" {
		return nil
	}
	return &why
}

// CriteriaChangedSince reports whether the scenario's criteria read differently now than when the assessment was
// recorded.
func (a *Assessment) CriteriaChangedSince(s *Scenario) bool {
	return s != nil && !equal(a.CriteriaThen, s.Criteria)
}

// Likelihood is one of the seven words of ICD 203 for a range of probabilities.
type Likelihood string

// The words of likelihood, with the percentages that each stands for. A boundary value belongs to the higher word.
const (
	AlmostNoChance    Likelihood = "ALMOST_NO_CHANCE"    // below 5
	VeryUnlikely      Likelihood = "VERY_UNLIKELY"       // 5 to 20
	Unlikely          Likelihood = "UNLIKELY"            // 20 to 45
	RoughlyEvenChance Likelihood = "ROUGHLY_EVEN_CHANCE" // 45 to 55
	Likely            Likelihood = "LIKELY"              // 55 to 80
	VeryLikely        Likelihood = "VERY_LIKELY"         // 80 to 95
	AlmostCertain     Likelihood = "ALMOST_CERTAIN"      // 95 and above
)

// likelihoods lists the words with the percentage that each range ends below.
var likelihoods = []struct {
	word  Likelihood
	below int
}{
	{AlmostNoChance, 5}, {VeryUnlikely, 20}, {Unlikely, 45}, {RoughlyEvenChance, 55}, {Likely, 80}, {VeryLikely, 95},
	{AlmostCertain, 100},
}

// Bounds of a probability, in percent. No future event is impossible or certain.
const (
	MinProbability = 1
	MaxProbability = 99
)

// LikelihoodOf returns the word for a probability in percent.
func LikelihoodOf(percent int) Likelihood { return likelihoods[bandOf(percent)].word }

func bandOf(percent int) int {
	for i, l := range likelihoods {
		if percent < l.below {
			return i
		}
	}
	return len(likelihoods) - 1
}

// AssessScenarioInput records an assessment. A nil AssessedAt means the change's own recordedAt.
type AssessScenarioInput struct {
	ID          *string
	Scenario    string `api:"ref"`
	Probability int
	Confidence  AnalyticConfidence
	Rationale   string
	AssessedAt  *Instant
}

// Assessment returns the assessment that the input describes, without its references, or a Refusal. Without AssessedAt
// it is made at now. A later AssessedAt than now is refused.
func (in AssessScenarioInput) Assessment(now Instant) (Assessment, error) {
	a := Assessment{Probability: in.Probability, Confidence: in.Confidence, Rationale: in.Rationale, AssessedAt: now}
	var c checks
	if in.Probability < MinProbability || in.Probability > MaxProbability {
		c.refuse("probability", "Probability %d is out of range; give %d to %d percent.",
			in.Probability, MinProbability, MaxProbability)
	}
	oneOf(&c, "confidence", in.Confidence, AnalyticConfidences)
	c.text("rationale", in.Rationale, MaxProse)
	if in.AssessedAt != nil {
		a.AssessedAt = *in.AssessedAt
		c.notAfter("assessedAt", a.AssessedAt, now)
	}
	return a, c.err()
}

// SaysTheSame reports whether the input has the same probability, confidence and rationale.
func (a *Assessment) SaysTheSame(in AssessScenarioInput) bool {
	return a.Probability == in.Probability && a.Confidence == in.Confidence && a.Rationale == in.Rationale
}

// After checks the assessment against the analyst's latest one of the scenario up to then (nil if there is none). It
// refuses with Invalid an assessment made when the scenario was resolved, and with Conflict one made at the same
// instant as the latest. It reports whether the latest says the same already, so that nothing has to be recorded.
func (a *Assessment) After(latest *Assessment, s *Scenario, in AssessScenarioInput) (same bool, err error) {
	if s.Outcome != nil && !a.AssessedAt.Before(*s.ResolvedAt) {
		return false, Refuse(Invalid, "assessedAt",
			"“%s” is resolved (%s, as of %s); give an instant before that, or unresolve it first.",
			s.Title, Words(*s.Outcome), FormatInstant(*s.ResolvedAt))
	}
	if latest == nil {
		return false, nil
	}
	at := latest.AssessedAt.Equal(a.AssessedAt)
	if latest.SaysTheSame(in) && (at || in.AssessedAt == nil) {
		return true, nil
	}
	if at {
		return false, Refuse(Conflict, "assessedAt",
			"You have assessed “%s” at %s already, with %d percent; retract that first, or give another instant.",
			s.Title, FormatInstant(a.AssessedAt), latest.Probability)
	}
	return false, nil
}
