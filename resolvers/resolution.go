package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *mutationResolver) ResolveScenario(ctx context.Context, input parley.ResolveScenarioInput) (*graph.ScenarioPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Scenarios)(r.store.ResolveScenario(ctx, input))
	return &graph.ScenarioPayload{Scenario: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) UnresolveScenario(ctx context.Context, input parley.UnresolveScenarioInput) (*graph.ScenarioPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Scenarios)(r.store.UnresolveScenario(ctx, input))
	return &graph.ScenarioPayload{Scenario: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *resolutionResolver) RecordedBy(ctx context.Context, objs []*parley.Resolution) ([]*parley.Analyst, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Analysts,
		keys(objs, func(o *parley.Resolution) storage.Key { return at(o.Lens, &o.RecordedByID) }))
}

func (r *Resolver) Resolution() graph.ResolutionResolver { return &resolutionResolver{r} }

type resolutionResolver struct{ *Resolver }
