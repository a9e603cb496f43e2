package parley

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// TrackRecord is how good an analyst's assessments were, by those scenarios that are resolved. The scores are Brier's, from 0
// (always right) to 1. docs/analysis.md tells how each is reckoned.
type TrackRecord struct {
	N                 int      // assessments scored
	Scenarios         int      // that they are of
	Brier             *float64 // mean over the assessments
	TimeWeightedBrier *float64 // mean over the scenarios of the mean over the time that each was assessed and open
	BaseRate          *float64 // share of the assessments, in percent, whose scenario occurred
	BaseRateBrier     *float64 // of somebody who always says the base rate
	Calibration       []*CalibrationBucket
}

// CalibrationBucket is what came of the assessments that used one word of likelihood.
type CalibrationBucket struct {
	Likelihood      Likelihood
	N               int
	MeanProbability *float64
	Occurred        *float64 // share of them, in percent, whose scenario occurred
}

// brier is the Brier score of a probability in percent.
func brier(percent int, occurred bool) float64 {
	if occurred {
		percent = 100 - percent
	}
	return float64(percent*percent) / 10_000
}

// Score makes an analyst's track record of the analyst's assessments, given the scenarios that they are of. Those of
// scenarios that are open, or not scored, count for nothing.
func Score(assessments []*Assessment, scenarios map[uuid.UUID]*Scenario) *TrackRecord {
	r := &TrackRecord{Calibration: make([]*CalibrationBucket, len(likelihoods))}
	for i, l := range likelihoods {
		r.Calibration[i] = &CalibrationBucket{Likelihood: l.word}
	}
	var score, occurrences mean
	inBucket := make([]struct{ probability, occurrences mean }, len(likelihoods))
	series := make(map[uuid.UUID][]*Assessment)
	for _, a := range assessments {
		s := scenarios[a.ScenarioID]
		own := a.BrierScore(s)
		if own == nil {
			continue
		}
		series[a.ScenarioID] = append(series[a.ScenarioID], a)
		score.add(*own, 1)
		share := 0.0
		if *s.Outcome == Occurred {
			share = 100
		}
		occurrences.add(share, 1)
		b := bandOf(a.Probability)
		r.Calibration[b].N++
		inBucket[b].probability.add(float64(a.Probability), 1)
		inBucket[b].occurrences.add(share, 1)
	}
	for i, b := range inBucket {
		r.Calibration[i].MeanProbability, r.Calibration[i].Occurred = b.probability.value(), b.occurrences.value()
	}
	r.N, r.Scenarios, r.Brier, r.BaseRate = int(score.weight), len(series), score.value(), occurrences.value()
	if r.BaseRate != nil {
		share := *r.BaseRate / 100
		chance := share * (1 - share)
		r.BaseRateBrier = &chance
	}
	r.TimeWeightedBrier = timeWeighted(series, scenarios)
	return r
}

// timeWeighted is the mean over the scenarios of the mean over time: each assessment counts for as long as it was the
// latest, up to when its scenario was open no more.
func timeWeighted(series map[uuid.UUID][]*Assessment, scenarios map[uuid.UUID]*Scenario) *float64 {
	var over []float64
	for id, line := range series {
		slices.SortFunc(line, func(a, b *Assessment) int { return a.AssessedAt.Compare(b.AssessedAt) })
		occurred, closedAt, _ := scenarios[id].scored()
		var own mean
		for i, a := range line {
			until := closedAt
			if i+1 < len(line) {
				until = line[i+1].AssessedAt
			}
			own.add(brier(a.Probability, occurred), float64(until.Sub(a.AssessedAt)/time.Microsecond))
		}
		over = append(over, *own.value())
	}
	slices.Sort(over) // a sum of floating-point numbers depends on their order
	var all mean
	for _, score := range over {
		all.add(score, 1)
	}
	return all.value()
}

// mean is a weighted mean in the making.
type mean struct{ sum, weight float64 }

func (m *mean) add(value, weight float64) {
	m.sum += value * weight
	m.weight += weight
}

// value is the mean; nil of nothing.
func (m mean) value() *float64 {
	if m.weight == 0 {
		return nil
	}
	v := m.sum / m.weight
	return &v
}
