package parley

import "github.com/google/uuid"

// Assessment is how likely an analyst holds it that a scenario comes about: as its criteria say, and by its deadline. A
// later one of the same analyst takes its place from then on.
type Assessment struct {
	Lens Lens
	Provenance

	ID          uuid.UUID
	ScenarioID  uuid.UUID
	Probability int
	Confidence  AnalyticConfidence
	Rationale   string
	AssessedAt  Instant
}

// A page of assessments.
type (
	AssessmentConnection = Connection[Assessment]
	AssessmentEdge       = Edge[Assessment]
)

// Label is what to call it in a list, given the scenario's title.
func (a *Assessment) Label(scenario string) string {
	return Words(a.Likelihood()) + ": " + scenario
}

// Likelihood is the word for its probability.
func (a *Assessment) Likelihood() Likelihood { return LikelihoodOf(a.Probability) }

// BrierScore is (p - o)², given what became of the scenario; nil while that is open, and for what was assessed when it was
// open no more.
func (a *Assessment) BrierScore(s *Scenario) *float64 {
	if s == nil {
		return nil
	}
	occurred, closedAt, scored := s.scored()
	if !scored || !a.AssessedAt.Before(closedAt) {
		return nil
	}
	score := brier(a.Probability, occurred)
	return &score
}

// Likelihood is a word for a range of probabilities, in ICD 203's terms.
type Likelihood string

// likelihoods are the words with the percentage that each ends below.
var likelihoods = []struct {
	word  Likelihood
	below int
}{
	{"ALMOST_NO_CHANCE", 5}, {"VERY_UNLIKELY", 20}, {"UNLIKELY", 45}, {"ROUGHLY_EVEN_CHANCE", 55}, {"LIKELY", 80}, {"VERY_LIKELY", 95}, {"ALMOST_CERTAIN", 100},
}

// The probabilities that can be assessed, in percent: nothing in the world to come is impossible or certain.
const (
	MinProbability = 1
	MaxProbability = 99
)

// LikelihoodOf is the word for a probability in percent.
func LikelihoodOf(percent int) Likelihood { return likelihoods[bandOf(percent)].word }

func bandOf(percent int) int {
	for i, l := range likelihoods {
		if percent < l.below {
			return i
		}
	}
	return len(likelihoods) - 1
}

// AssessScenarioInput says how likely an analyst holds a scenario.
type AssessScenarioInput struct {
	ID          *string
	Scenario    string `api:"ref"`
	Probability int
	Confidence  AnalyticConfidence
	Rationale   string
	AssessedAt  *Instant
}

// Assessment is what the input describes, its references aside, or everything that is wrong with it. Without assessedAt
// it dates from the instant given, and none is later than that.
func (in AssessScenarioInput) Assessment(now Instant) (Assessment, error) {
	a := Assessment{Probability: in.Probability, Confidence: in.Confidence, Rationale: in.Rationale, AssessedAt: now}
	var c checks
	if in.Probability < MinProbability || in.Probability > MaxProbability {
		c.refuse("probability", "Probability %d is out of range; give %d to %d percent.", in.Probability, MinProbability, MaxProbability)
	}
	oneOf(&c, "confidence", in.Confidence, AnalyticConfidences)
	c.text("rationale", in.Rationale, MaxProse)
	if in.AssessedAt != nil {
		a.AssessedAt = *in.AssessedAt
		c.notAfter("assessedAt", a.AssessedAt, now)
	}
	return a, c.err()
}

// SaysTheSame compares what it holds with an input.
func (a *Assessment) SaysTheSame(in AssessScenarioInput) bool {
	return a.Probability == in.Probability && a.Confidence == in.Confidence && a.Rationale == in.Rationale
}

// After refuses an assessment of a scenario that is resolved, and one that dates from the same instant as another of the
// analyst's. It says whether the analyst's latest by then, if any, says the same already.
func (a *Assessment) After(latest *Assessment, s *Scenario, in AssessScenarioInput) (same bool, err error) {
	if s.Outcome != nil && !a.AssessedAt.Before(*s.ResolvedAt) {
		return false, Refuse(Invalid, "assessedAt", "“%s” is resolved (%s, as of %s); give an instant before that, or unresolve it first.",
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
		return false, Refuse(Conflict, "assessedAt", "You have assessed “%s” at %s already, with %d percent; retract that first, or give another instant.",
			s.Title, FormatInstant(a.AssessedAt), latest.Probability)
	}
	return false, nil
}
