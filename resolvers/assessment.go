package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *assessmentResolver) Label(ctx context.Context, objs []*parley.Assessment) ([]string, error) {
	scenarios, err := r.Scenario(ctx, objs)
	if err != nil {
		return nil, err
	}
	return labels(objs, scenarios,
		func(a *parley.Assessment, s *parley.Scenario) string { return a.Label(titleOf(s)) }), nil
}

func (r *assessmentResolver) Scenario(ctx context.Context, objs []*parley.Assessment) ([]*parley.Scenario, error) {
	return load(ctx, r.Resolver, storage.Ever((*storage.Snapshot).Scenarios),
		keys(objs, func(a *parley.Assessment) storage.Key { return at(a.Lens, &a.ScenarioID) }))
}

func (r *assessmentResolver) Analyst(ctx context.Context, objs []*parley.Assessment) ([]*parley.Analyst, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Analysts,
		keys(objs, func(a *parley.Assessment) storage.Key { return at(a.Lens, &a.RecordedByID) }))
}

func (r *assessmentResolver) BrierScore(ctx context.Context, objs []*parley.Assessment) ([]*float64, error) {
	return byScenario(ctx, r.Resolver, objs, (*parley.Assessment).BrierScore)
}

func (r *assessmentResolver) Scored(ctx context.Context, objs []*parley.Assessment) ([]bool, error) {
	return byScenario(ctx, r.Resolver, objs, func(a *parley.Assessment, s *parley.Scenario) bool {
		return a.UnscoredBecause(s) == nil
	})
}

func (r *assessmentResolver) UnscoredBecause(ctx context.Context, objs []*parley.Assessment) ([]*parley.UnscoredReason, error) {
	return byScenario(ctx, r.Resolver, objs, (*parley.Assessment).UnscoredBecause)
}

func (r *assessmentResolver) CriteriaChangedSince(ctx context.Context, objs []*parley.Assessment) ([]bool, error) {
	return byScenario(ctx, r.Resolver, objs, (*parley.Assessment).CriteriaChangedSince)
}

func (r *mutationResolver) AssessScenario(ctx context.Context, input parley.AssessScenarioInput) (*graph.AssessmentPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Assessments)(r.store.AssessScenario(ctx, input))
	return &graph.AssessmentPayload{Assessment: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *scenarioResolver) Assessments(ctx context.Context, objs []*parley.Scenario, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Assessment], error) {
	return r.snapshot(ctx).AssessmentsOf(ctx, keys(objs, scenarioKey), page(first, after, last, before), r.fields(ctx))
}

func (r *Resolver) Assessment() graph.AssessmentResolver { return &assessmentResolver{r} }

type assessmentResolver struct{ *Resolver }
