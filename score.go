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

// timeWeighted returns the mean of the scenarios' scores over time. Within a scenario, an assessment counts for as long
// as it was the latest, until the scenario was closed.
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
