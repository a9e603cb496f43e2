package parley_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/uuid"

	"example.org/parley"
)

func TestWordsOfLikelihood(t *testing.T) {
	for percent, word := range map[int]parley.Likelihood{
		1: parley.AlmostNoChance, 4: parley.AlmostNoChance,
		5: parley.VeryUnlikely, 19: parley.VeryUnlikely,
		20: parley.Unlikely, 44: parley.Unlikely,
		45: parley.RoughlyEvenChance, 54: parley.RoughlyEvenChance,
		55: parley.Likely, 79: parley.Likely,
		80: parley.VeryLikely, 94: parley.VeryLikely,
		95: parley.AlmostCertain, 99: parley.AlmostCertain,
	} {
		if got := parley.LikelihoodOf(percent); got != word {
			t.Errorf("%d percent is %s, want %s", percent, got, word)
		}
	}
}

// TestTrackRecord computes the worked example of docs/analysis.md.
func TestTrackRecord(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2025, 3, n, 0, 0, 0, 0, time.UTC) }
	by, lens := uuid.New(), parley.Lens{ValidAt: day(30), KnownAt: day(30)}
	began, recorded := day(1), day(26)
	resolved := func(outcome parley.ResolutionOutcome, at int) *parley.Scenario {
		resolvedAt := day(at)
		return &parley.Scenario{Lens: lens, ID: uuid.New(), Outcome: &outcome, ResolvedAt: &resolvedAt, ResolvedByID: &by,
			OnTheTableAt: &began, ResolutionRecordedAt: &recorded}
	}
	came, failed := resolved(parley.Occurred, 11), resolved(parley.DidNotOccur, 25)
	unclear, later := resolved(parley.OutcomeAmbiguous, 5), resolved(parley.Occurred, 31)
	open := &parley.Scenario{Lens: lens, ID: uuid.New()}
	scenarios := make(map[uuid.UUID]*parley.Scenario)
	for _, s := range []*parley.Scenario{came, failed, unclear, later, open} {
		scenarios[s.ID] = s
	}
	assess := func(s *parley.Scenario, on, percent int) *parley.Assessment {
		a := &parley.Assessment{ScenarioID: s.ID, Probability: percent,
			Provenance: parley.Provenance{RecordedAt: day(on)}, Imported: on == 9}
		if s == failed {
			deadline := day(21)
			a.DeadlineThen = &deadline
		}
		return a
	}
	assessments := []*parley.Assessment{
		assess(came, 9, 90), // out of order
		assess(came, 1, 60),
		assess(failed, 1, 70),
		assess(failed, 21, 5), // at the deadline: too late
		assess(unclear, 1, 99), assess(later, 1, 99), assess(open, 1, 99),
	}
	r := parley.Score(assessments, scenarios)
	near := func(what string, got *float64, want float64) {
		t.Helper()
		if got == nil || math.Abs(*got-want) > 1e-12 {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	if r.N != 3 || r.Scenarios != 2 || r.Imported != 1 {
		t.Errorf("%d assessments of %d scenarios are scored, %d imported, want 3 of 2, 1 imported", r.N, r.Scenarios, r.Imported)
	}
	near("the mean", r.Brier, (0.16+0.01+0.49)/3)
	near("the mean over time", r.TimeWeightedBrier, ((8*0.16+2*0.01)/10+0.49)/2)
	near("the base rate", r.BaseRate, 200.0/3)
	near("what the base rate scores", r.BaseRateBrier, 2.0/9)
	for _, b := range r.Calibration {
		switch b.Likelihood {
		case parley.Likely:
			near("likely", b.MeanProbability, 65)
			near("likely and so", b.Occurred, 50)
		case parley.VeryLikely:
			near("very likely", b.MeanProbability, 90)
			near("very likely and so", b.Occurred, 100)
		default:
			if b.N != 0 || b.MeanProbability != nil || b.Occurred != nil {
				t.Errorf("nothing was called %s, but there is %+v", b.Likelihood, *b)
			}
		}
	}
	none := parley.Score(nil, nil)
	scored := none.Brier != nil || none.TimeWeightedBrier != nil || none.BaseRate != nil || none.BaseRateBrier != nil
	if none.N != 0 || scored || len(none.Calibration) != 7 {
		t.Errorf("nothing was assessed, but there is %+v", *none)
	}
}

func TestPooledLikelihoods(t *testing.T) {
	a, b, c := uuid.New(), uuid.New(), uuid.New()
	occurred, failed, unclear := parley.Occurred, parley.DidNotOccur, parley.OutcomeAmbiguous
	all := []parley.AssessedScenario{
		{ID: a, Probabilities: []int{60, 20, 65, 61}, Excludes: []uuid.UUID{b, c}},
		{ID: b, Probabilities: []int{30}},
		{ID: c, Probabilities: []int{2, 9, 4}, Excludes: []uuid.UUID{b}},
	}
	for name, test := range map[string]struct {
		scenarios       []parley.AssessedScenario
		exhaustive      bool
		total, coherent any
	}{
		"coherent":      {all, true, 95, true},
		"not exclusive": {[]parley.AssessedScenario{all[0], {ID: b}, {ID: c}}, true, nil, nil},
		"too much": {[]parley.AssessedScenario{
			{ID: a, Probabilities: []int{80}},
			{ID: b, Probabilities: []int{26}, Excludes: []uuid.UUID{a}},
		}, false, 106, false},
		"too little":                          {all[1:], true, 34, false},
		"too little, but there may be others": {all[1:], false, 34, true},
		"one not assessed": {[]parley.AssessedScenario{
			all[1],
			{ID: c, Excludes: []uuid.UUID{b}},
		}, true, 30, true},
		"none assessed": {[]parley.AssessedScenario{{ID: a, Excludes: []uuid.UUID{b}}, {ID: b}}, true, nil, nil},
		"one alone":     {all[1:2], true, nil, nil},
		"one occurred": {[]parley.AssessedScenario{
			{ID: a, Probabilities: []int{60}, Outcome: &occurred},
			{ID: b, Probabilities: []int{22}, Excludes: []uuid.UUID{a}},
		}, true, 100, true},
		"one did not": {[]parley.AssessedScenario{
			{ID: a, Probabilities: []int{60}, Outcome: &failed},
			{ID: b, Probabilities: []int{22}, Excludes: []uuid.UUID{a}},
		}, true, 22, false},
		"one is ambiguous": {[]parley.AssessedScenario{
			{ID: a, Probabilities: []int{60}, Outcome: &unclear},
			{ID: b, Probabilities: []int{22}, Excludes: []uuid.UUID{c}}, {ID: c, Probabilities: []int{78}},
		}, true, 100, true},
		"none": {nil, true, nil, nil},
	} {
		set := parley.PoolLikelihoods(test.scenarios, test.exhaustive, parley.Lens{})
		if (set.Total == nil) != (test.total == nil) ||
			set.Total != nil && (*set.Total != test.total || *set.Coherent != test.coherent) {
			t.Errorf("%s: got %+v", name, *set)
		}
		if len(test.scenarios) < 3 || test.scenarios[0].Outcome != nil {
			continue
		}
		if *set.Entries[0].Probability != 61 || set.Entries[0].Analysts != 4 {
			t.Errorf("%s: 60, 20, 65, 61 are pooled as %d", name, *set.Entries[0].Probability)
		}
	}
}
