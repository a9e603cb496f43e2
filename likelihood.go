package parley

import (
	"slices"

	"github.com/google/uuid"
)

// LikelihoodSet is what the analysts together hold of an issue's scenarios.
type LikelihoodSet struct {
	Entries  []*LikelihoodEntry
	Total    *int
	Coherent *bool
}

// LikelihoodEntry is what they hold of one scenario: the median of each analyst's latest assessment.
type LikelihoodEntry struct {
	Lens        Lens
	ScenarioID  uuid.UUID
	Probability *int
	Analysts    int
}

// Likelihood is the word for the pooled probability; nil when nobody has assessed the scenario.
func (e *LikelihoodEntry) Likelihood() *Likelihood {
	if e.Probability == nil {
		return nil
	}
	word := LikelihoodOf(*e.Probability)
	return &word
}

// AssessedScenario is a scenario with each analyst's latest assessment of it, and the scenarios that the analysts hold to
// exclude it.
type AssessedScenario struct {
	ID            uuid.UUID
	Probabilities []int
	Excludes      []uuid.UUID
}

// How far the probabilities of scenarios that exclude one another may miss 100 percent in all and still be coherent: they
// are pooled, and rounded.
const (
	LowestTotal  = 95
	HighestTotal = 105
)

// PoolLikelihoods pools what is held of the scenarios of one issue. Probabilities of scenarios that all exclude one
// another have a total, which can't pass 100 percent; where the issue is exhaustive and all are assessed, it can't fall
// short of it.
func PoolLikelihoods(scenarios []AssessedScenario, exhaustive bool, lens Lens) *LikelihoodSet {
	set := &LikelihoodSet{Entries: make([]*LikelihoodEntry, len(scenarios))}
	total, assessed, exclusive := 0, 0, len(scenarios) > 1
	for i, s := range scenarios {
		entry := &LikelihoodEntry{Lens: lens, ScenarioID: s.ID, Probability: median(s.Probabilities), Analysts: len(s.Probabilities)}
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

// median of an even number is the mean of the two in the middle, halves rounded up; nil of none.
func median(values []int) *int {
	n := len(values)
	if n == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	m := (sorted[(n-1)/2] + sorted[n/2] + 1) / 2
	return &m
}
