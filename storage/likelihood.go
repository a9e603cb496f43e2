package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// Likelihoods are what the analysts hold of the scenarios of each issue.
func (s *Snapshot) Likelihoods(ctx context.Context, issues []Key, _ *Fields) ([]*parley.LikelihoodSet, error) {
	q := s.Query(issues)
	scenarios, exhaustive := make([][]parley.AssessedScenario, len(issues)), make([]bool, len(issues))
	err := q.Run(ctx, `i.exhaustive, s.id,
			ARRAY(
				SELECT DISTINCT ON (a.recorded_by) a.probability::int
				FROM {assessments a}
				WHERE a.scenario_id = s.id AND {known a} AND `+assessedByNow("a")+`
				ORDER BY a.recorded_by, a.assessed_at DESC),
			ARRAY(
				SELECT r.to_id FROM {relations r}
				WHERE r.from_id = s.id AND r.kind = 'MUTUALLY_EXCLUSIVE' AND r.claimed_by IS NULL AND {known r})`, `
		FROM {keys}
		`+q.Join()+`{issues i} ON i.id = k.id AND {known i}
		LEFT JOIN {scenarios s} ON s.issue_id = i.id AND {known s} AND `+onTheTable("s.id")+`
		ORDER BY k.n, s.path`, func(n int, sent *rows.Row) {
		all, id, probabilities, excludes := sent.Next(), sent.Next(), sent.Next(), sent.Next()
		if id == nil {
			return
		}
		exhaustive[n] = all.Flag()
		assessed := parley.AssessedScenario{ID: id.ID()}
		for _, p := range probabilities.Elements() {
			assessed.Probabilities = append(assessed.Probabilities, p.Int())
		}
		for _, other := range excludes.Elements() {
			assessed.Excludes = append(assessed.Excludes, other.ID())
		}
		scenarios[n] = append(scenarios[n], assessed)
	})
	if err != nil {
		return nil, fmt.Errorf("read the likelihoods of scenarios: %w", err)
	}
	sets := make([]*parley.LikelihoodSet, len(issues))
	for n := range sets {
		sets[n] = parley.PoolLikelihoods(scenarios[n], exhaustive[n], q.Keys[n].Lens)
	}
	return sets, nil
}

// TrackRecords are how good the assessments of each analyst were.
func (s *Snapshot) TrackRecords(ctx context.Context, analysts []Key, _ *Fields) ([]*parley.TrackRecord, error) {
	q := s.Query(analysts)
	type scored struct {
		assessments []*parley.Assessment
		scenarios   map[uuid.UUID]*parley.Scenario
	}
	of := make([]scored, len(analysts))
	for n := range of {
		of[n].scenarios = make(map[uuid.UUID]*parley.Scenario)
	}
	read := int64(0)
	err := q.Run(ctx, `
		a.scenario_id, a.probability, a.assessed_at, s.outcome::text, s.resolved_at, s.resolved_by, s.deadline`, `
		FROM {keys}
		`+q.Join()+`(assessments a JOIN {scenarios s} ON s.id = a.scenario_id)
			ON a.recorded_by = k.id AND {known a} AND `+assessedByNow("a")+` AND {known s}
				AND s.resolved_at <= k.valid_at AND `+onTheTable("s.id")+`
		ORDER BY k.n, a.assessed_at, a.id
		LIMIT `+fmt.Sprint(parley.MaxTogether+1), func(n int, sent *rows.Row) {
		if sent.IsNull() {
			return
		}
		read++
		a := &parley.Assessment{ScenarioID: sent.Next().ID(), Probability: sent.Next().Int(),
			AssessedAt: sent.Next().Time()}
		outcome, resolvedAt, resolvedBy := parley.ResolutionOutcome(sent.Next().Text()), sent.Next().Time(),
			sent.Next().ID()
		scenario := &parley.Scenario{Lens: q.Keys[n].Lens, Outcome: &outcome, ResolvedAt: &resolvedAt,
			ResolvedByID: &resolvedBy}
		scenario.Deadline = sent.Next().OptionalTime()
		of[n].assessments, of[n].scenarios[a.ScenarioID] = append(of[n].assessments, a), scenario
	})
	if err != nil {
		return nil, fmt.Errorf("read the scored assessments of analysts: %w", err)
	}
	if s.together.Add(read) > parley.MaxTogether {
		return nil, parley.NewFault(parley.Limit,
			"An operation scores at most %d assessments; ask for the records of fewer analysts, or through fewer "+
				"lenses, at once.", parley.MaxTogether)
	}
	records := make([]*parley.TrackRecord, len(analysts))
	for n := range records {
		records[n] = parley.Score(of[n].assessments, of[n].scenarios)
	}
	return records, nil
}
