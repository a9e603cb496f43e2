package parley

import (
	"slices"

	"github.com/google/uuid"
)

// LikelihoodSet has the analysts' pooled probabilities of an issue's scenarios. Total and Coherent are nil unless all
// scenarios exclude each other and at least one is assessed.
type LikelihoodSet struct {
	Entries  []*LikelihoodEntry
	Total    *int
	Coherent *bool
}

// LikelihoodEntry is the pooled probability of one scenario: the median of the analysts' latest assessments, in
// percent; nil if nobody has assessed it.
type LikelihoodEntry struct {
	Lens        Lens
	ScenarioID  uuid.UUID
	Probability *int
	Analysts    int
}

// Likelihood returns the word for the pooled probability, nil if nobody has assessed the scenario.
func (e *LikelihoodEntry) Likelihood() *Likelihood {
	if e.Probability == nil {
		return nil
	}
	word := LikelihoodOf(*e.Probability)
	return &word
}

// AssessedScenario is a scenario with each analyst's latest assessment of it, in percent, and the scenarios that the
// analysts themselves relate to it as mutually exclusive.
type AssessedScenario struct {
	ID            uuid.UUID
	Probabilities []int
	Excludes      []uuid.UUID
}

// The range, in percent, in which the total of mutually exclusive scenarios counts as coherent. It is wider than 100
// because probabilities are pooled and rounded.
const (
	LowestTotal  = 95
	HighestTotal = 105
)

// PoolLikelihoods pools the assessments of an issue's scenarios. If all scenarios exclude each other, their
// probabilities have a total, which must not exceed HighestTotal. If the issue is also exhaustive and all scenarios are
// assessed, the total must reach LowestTotal.
func PoolLikelihoods(scenarios []AssessedScenario, exhaustive bool, lens Lens) *LikelihoodSet {
	set := &LikelihoodSet{Entries: make([]*LikelihoodEntry, len(scenarios))}
	total, assessed, exclusive := 0, 0, len(scenarios) > 1
	for i, s := range scenarios {
		entry := &LikelihoodEntry{
			Lens: lens, ScenarioID: s.ID, Probability: median(s.Probabilities), Analysts: len(s.Probabilities),
		}
		set.Entries[i] = entry
		if entry.Probability != nil {
			total += *entry.Probability
			assessed++
		}
		for _, other := range scenarios[:i] {
			exclusive = exclusive && (slices.Contains(s.Excludes, other.ID) || slices.Contains(other.Excludes, s.ID))
		}
	}
	if exclusive && assessed > 0 {
		coherent := total <= HighestTotal && (total >= LowestTotal || !exhaustive || assessed < len(scenarios))
		set.Total, set.Coherent = &total, &coherent
	}
	return set
}

// median returns the median, nil if there are no values. For an even number of values it is the mean of the middle two,
// halves rounded up.
func median(values []int) *int {
	n := len(values)
	if n == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	m := (sorted[(n-1)/2] + sorted[n/2] + 1) / 2
	return &m
}
