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
	err := q.Run(ctx, `i.exhaustive, s.id, CASE WHEN s.resolved_at <= k.valid_at THEN s.outcome END,
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
		all, id, outcome, probabilities, excludes := sent.Next(), sent.Next(), sent.Next(), sent.Next(), sent.Next()
		if id == nil {
			return
		}
		exhaustive[n] = all.Flag()
		assessed := parley.AssessedScenario{ID: id.ID()}
		if outcome != nil {
			is := parley.ResolutionOutcome(outcome.Text())
			assessed.Outcome = &is
		}
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
	lists, err := rows.Each(ctx, assessments.table, q, NewFields(map[string]*Fields{scoring: {}, "scenario": {}}),
		`({assessments a} JOIN {scenarios s} ON s.id = a.scenario_id)
			ON a.recorded_by = k.id AND {known a} AND `+assessedByNow("a")+` AND {known s}
				AND s.resolved_at <= k.valid_at AND `+onTheTable("s.id"), `k.n, a.recorded_at, a.id LIMIT `+
			fmt.Sprint(parley.MaxTogether+1))
	if err != nil {
		return nil, fmt.Errorf("read the scored assessments of analysts: %w", err)
	}
	var scenarios []Key
	for n, list := range lists {
		if s.together.Add(int64(len(list))) > parley.MaxTogether {
			return nil, parley.NewFault(parley.Limit,
				"An operation scores at most %d assessments; ask for the records of fewer analysts, or through fewer "+
					"lenses, at once.", parley.MaxTogether)
		}
		if err := parley.CostOf(ctx).Spend(ctx, len(list)); err != nil {
			return nil, err
		}
		for _, a := range list {
			scenarios = append(scenarios, Key{ID: a.ScenarioID, Lens: q.Keys[n].Lens})
		}
	}
	found, err := s.ScoredBy(ctx, scenarios, &Fields{})
	if err != nil {
		return nil, fmt.Errorf("read what was assessed: %w", err)
	}
	records := make([]*parley.TrackRecord, len(analysts))
	for n, list := range lists {
		of := make(map[uuid.UUID]*parley.Scenario, len(list))
		for i, a := range list {
			of[a.ScenarioID] = found[i]
		}
		found = found[len(list):]
		records[n] = parley.Score(list, of)
	}
	return records, nil
}
