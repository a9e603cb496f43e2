package parley

import (
	"maps"
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

// LikelihoodEntry is how likely one scenario is, in percent. Assessed is the median of the analysts' latest
// assessments, nil if nobody has assessed it. Probability is the same, unless the scenario is settled: then it is 100
// or 0.
type LikelihoodEntry struct {
	Lens        Lens
	ScenarioID  uuid.UUID
	Probability *int
	Assessed    *int
	Analysts    int

	settled bool
}

// Likelihood returns the word for the probability, nil if there is none or the scenario is settled.
func (e *LikelihoodEntry) Likelihood() *Likelihood {
	if e.settled {
		return nil
	}
	return wordFor(e.Probability)
}

func wordFor(probability *int) *Likelihood {
	if probability == nil {
		return nil
	}
	word := LikelihoodOf(*probability)
	return &word
}

// AssessedScenario is a scenario with each analyst's latest assessment of it, in percent, its outcome (nil: not
// resolved), and the scenarios that the analysts themselves relate to it as mutually exclusive.
type AssessedScenario struct {
	ID            uuid.UUID
	Probabilities []int
	Outcome       *ResolutionOutcome
	Excludes      []uuid.UUID
}

func (s *AssessedScenario) excludes(o *AssessedScenario) bool {
	return slices.Contains(s.Excludes, o.ID) || slices.Contains(o.Excludes, s.ID)
}

// settled returns the probability of a scenario that is resolved, or excluded by one that occurred; nil if it is open.
func (s *AssessedScenario) settled(all []AssessedScenario) *int {
	none, certain := 0, 100
	switch {
	case s.Outcome != nil && *s.Outcome == Occurred:
		return &certain
	case s.Outcome != nil && *s.Outcome == DidNotOccur:
		return &none
	}
	rival := slices.ContainsFunc(all, func(o AssessedScenario) bool {
		return o.Outcome != nil && *o.Outcome == Occurred && s.excludes(&o)
	})
	if s.Outcome == nil && rival {
		return &none
	}
	return nil
}

// The range, in percent, in which the total of mutually exclusive scenarios counts as coherent. It is wider than 100
// because probabilities are pooled and rounded.
const (
	LowestTotal  = 95
	HighestTotal = 105
)

// PoolLikelihoods pools the assessments of an issue's scenarios. If all scenarios exclude each other, their
// probabilities have a total, which must not exceed HighestTotal. If the issue is also exhaustive and all scenarios are
// assessed, the total must reach LowestTotal. Scenarios that are resolved as ambiguous or annulled have no part in
// this.
func PoolLikelihoods(scenarios []AssessedScenario, exhaustive bool, lens Lens) *LikelihoodSet {
	set := &LikelihoodSet{Entries: make([]*LikelihoodEntry, len(scenarios))}
	total, assessed, exclusive := 0, 0, true
	var decidable []*AssessedScenario
	for i := range scenarios {
		s := &scenarios[i]
		entry := &LikelihoodEntry{
			Lens: lens, ScenarioID: s.ID, Assessed: median(s.Probabilities), Analysts: len(s.Probabilities),
		}
		entry.Probability = entry.Assessed
		if settled := s.settled(scenarios); settled != nil {
			entry.Probability, entry.settled = settled, true
		}
		set.Entries[i] = entry
		if s.Outcome != nil && !entry.settled {
			continue
		}
		if entry.Probability != nil {
			total += *entry.Probability
			assessed++
		}
		for _, other := range decidable {
			exclusive = exclusive && s.excludes(other)
		}
		decidable = append(decidable, s)
	}
	if exclusive && len(decidable) > 1 && assessed > 0 {
		coherent := total <= HighestTotal && (total >= LowestTotal || !exhaustive || assessed < len(decidable))
		set.Total, set.Coherent = &total, &coherent
	}
	return set
}

// LikelihoodShift is a scenario whose pooled probability moved. Before and After are in percent, nil where nobody has
// assessed it. They are equal if it moved and came back.
type LikelihoodShift struct {
	Lens       Lens // the lens that the diff goes to
	ScenarioID uuid.UUID
	Before     *int
	After      *int
	Steps      []*LikelihoodStep
}

// LikelihoodStep is a step of a pooled probability in percent. Nil: nobody has assessed the scenario.
type LikelihoodStep = Step[*int]

// Pages of shifts.
type (
	LikelihoodShiftConnection = Connection[LikelihoodShift]
	LikelihoodShiftEdge       = Edge[LikelihoodShift]
)

// Cause returns the cause of the last step.
func (s *LikelihoodShift) Cause() ShiftCause { return s.Steps[len(s.Steps)-1].Cause }

// BeforeLikelihood returns the word for Before, nil if that is nil.
func (s *LikelihoodShift) BeforeLikelihood() *Likelihood { return wordFor(s.Before) }

// AfterLikelihood returns the word for After, nil if that is nil.
func (s *LikelihoodShift) AfterLikelihood() *Likelihood { return wordFor(s.After) }

// LikelihoodShifts returns how the pooled probabilities of these scenarios moved, in their order.
func LikelihoodShifts(r Records[Assessment], d *NegotiationDiff, scenarios []uuid.UUID) (shifts []*LikelihoodShift) {
	moved(r, d, scenarios, func(a *Assessment) uuid.UUID { return a.ScenarioID }, pooled, equal,
		func(id uuid.UUID, before, after *int, steps []*LikelihoodStep) {
			shifts = append(shifts, &LikelihoodShift{d.To, id, before, after, steps})
		})
	return shifts
}

// pooled returns how the pooled probability of one scenario reads, given its assessments, the oldest first.
func pooled(assessments []*Assessment) course[*int] {
	at := func(t Instant) *int {
		latest := make(map[uuid.UUID]int)
		for _, a := range assessments {
			if !a.AssessedAt.After(t) {
				latest[a.RecordedByID] = a.Probability
			}
		}
		return median(slices.Collect(maps.Values(latest)))
	}
	return course[*int]{at: at, moves: func(after, upTo Instant) (all []taken[*int]) {
		for _, a := range assessments {
			if a.AssessedAt.After(after) && !a.AssessedAt.After(upTo) {
				all = append(all, taken[*int]{a.AssessedAt, at(a.AssessedAt)})
			}
		}
		return all
	}}
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
