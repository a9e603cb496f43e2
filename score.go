package parley

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// TrackRecord says how good an analyst's assessments of resolved scenarios were. Scores are Brier scores, 0 (always
// right) to 1; they are nil if nothing is scored. docs/analysis.md explains each and has a worked example.
type TrackRecord struct {
	N                 int      // number of scored assessments
	Imported          int      // number of those whose recordedAt is that of a file
	Scenarios         int      // number of scenarios with a scored assessment
	Brier             *float64 // mean over the assessments
	TimeWeightedBrier *float64 // mean over the scenarios of each scenario's mean over time
	BaseRate          *float64 // share of the assessments whose scenario occurred, in percent
	BaseRateBrier     *float64 // score of always assessing the base rate
	Calibration       []*CalibrationBucket
}

// CalibrationBucket has the scored assessments that used one word of likelihood. Its figures are nil if there are none.
type CalibrationBucket struct {
	Likelihood      Likelihood
	N               int
	MeanProbability *float64 // in percent
	Occurred        *float64 // share of them whose scenario occurred, in percent
}

// brier returns the Brier score of a probability in percent.
func brier(percent int, occurred bool) float64 {
	if occurred {
		percent = 100 - percent
	}
	return float64(percent*percent) / 10_000
}

// Score computes an analyst's track record from the analyst's assessments and their scenarios. Assessments that are not
// scored do not count.
func Score(assessments []*Assessment, scenarios map[uuid.UUID]*Scenario) *TrackRecord {
	r := &TrackRecord{Calibration: make([]*CalibrationBucket, len(likelihoods))}
	for i, l := range likelihoods {
		r.Calibration[i] = &CalibrationBucket{Likelihood: l.word}
	}
	var scores, occurrences mean
	inBucket := make([]struct{ probability, occurrences mean }, len(likelihoods))
	series := make(map[uuid.UUID][]score)
	for _, a := range assessments {
		own, why := a.scored(scenarios[a.ScenarioID])
		if why != "" {
			continue
		}
		series[a.ScenarioID] = append(series[a.ScenarioID], own)
		scores.add(own.brier(), 1)
		share := 0.0
		if own.occurred {
			share = 100
		}
		occurrences.add(share, 1)
		b := bandOf(a.Probability)
		r.Calibration[b].N++
		inBucket[b].probability.add(float64(a.Probability), 1)
		inBucket[b].occurrences.add(share, 1)
		if a.Imported {
			r.Imported++
		}
	}
	for i, b := range inBucket {
		r.Calibration[i].MeanProbability, r.Calibration[i].Occurred = b.probability.value(), b.occurrences.value()
	}
	r.N, r.Scenarios, r.Brier, r.BaseRate = int(scores.weight), len(series), scores.value(), occurrences.value()
	if r.BaseRate != nil {
		share := *r.BaseRate / 100
		chance := share * (1 - share)
		r.BaseRateBrier = &chance
	}
	r.TimeWeightedBrier = timeWeighted(series)
	return r
}

// timeWeighted returns the mean of the scenarios' scores over time. Within a scenario, an assessment counts from when
// it was recorded until the next one was, or until the scenario was closed for it.
func timeWeighted(series map[uuid.UUID][]score) *float64 {
	var over []float64
	for _, line := range series {
		slices.SortFunc(line, func(a, b score) int { return a.RecordedAt.Compare(b.RecordedAt) })
		var own mean
		for i, s := range line {
			until := s.closedAt
			if i+1 < len(line) {
				until = *earlier(&until, &line[i+1].RecordedAt)
			}
			own.add(s.brier(), float64(until.Sub(s.RecordedAt)/time.Microsecond))
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

// mean accumulates a weighted mean.
type mean struct{ sum, weight float64 }

func (m *mean) add(value, weight float64) {
	m.sum += value * weight
	m.weight += weight
}

// value returns the mean, nil if the total weight is 0.
func (m mean) value() *float64 {
	if m.weight == 0 {
		return nil
	}
	v := m.sum / m.weight
	return &v
}
