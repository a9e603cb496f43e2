package resolvers

import (
	"context"
	"time"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *mutationResolver) AddScenario(ctx context.Context, input parley.AddScenarioInput) (*graph.ScenarioPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Scenarios)(r.store.AddScenario(ctx, input))
	return &graph.ScenarioPayload{Scenario: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) EditScenario(ctx context.Context, input graph.EditScenarioInput) (*graph.ScenarioPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Scenarios)(edited(ctx, input, r.store.EditScenario))
	return &graph.ScenarioPayload{Scenario: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *queryResolver) Scenario(ctx context.Context, id string, asOf *parley.AsOf) (*parley.Scenario, error) {
	return find(ctx, r.Resolver, id, asOf, (*storage.Snapshot).ScenariosOnTheTable)
}

func (r *queryResolver) Scenarios(ctx context.Context, filter *parley.ScenarioFilter, orderBy parley.ScenarioOrder, first *int, after *parley.Cursor, last *int, before *parley.Cursor, asOf *parley.AsOf) (*parley.Connection[parley.Scenario], error) {
	return r.snapshot(ctx).ListScenarios(ctx, asOf, filter, orderBy, page(first, after, last, before), r.fields(ctx))
}

func (r *queryResolver) ScenarioLifecycle(ctx context.Context) ([]*parley.StatusRule, error) {
	return lifecycle, nil
}

func (r *scenarioResolver) Issue(ctx context.Context, objs []*parley.Scenario) ([]*parley.Issue, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Issues,
		keys(objs, func(s *parley.Scenario) storage.Key { return at(s.Lens, &s.IssueID) }))
}

func (r *scenarioResolver) Negotiation(ctx context.Context, objs []*parley.Scenario) ([]*parley.Negotiation, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Negotiations,
		keys(objs, func(s *parley.Scenario) storage.Key { return at(s.Lens, &s.NegotiationID) }))
}

func (r *scenarioResolver) CurrentStatusChange(ctx context.Context, objs []*parley.Scenario) ([]*parley.StatusChange, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).StatusChanges,
		keys(objs, func(s *parley.Scenario) storage.Key { return at(s.Lens, s.StatusChangeID) }))
}

func (r *scenarioResolver) ChangedAt(ctx context.Context, objs []*parley.Scenario) ([]*time.Time, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).ChangedAt, keys(objs, scenarioKey))
}

func (r *scenarioResolver) StatusHistory(ctx context.Context, objs []*parley.Scenario, includeSuperseded bool, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.StatusChange], error) {
	return r.snapshot(ctx).StatusHistories(ctx, keys(objs, scenarioKey),
		includeSuperseded, page(first, after, last, before), r.fields(ctx))
}

func (r *scenarioResolver) Stances(ctx context.Context, objs []*parley.Scenario) ([][]*parley.StanceCell, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).StancesOn, keys(objs, scenarioKey))
}

func (r *scenarioResolver) Positions(ctx context.Context, objs []*parley.Scenario, filter *parley.PositionFilter, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Position], error) {
	return r.snapshot(ctx).PositionsOnScenarios(ctx, keys(objs, scenarioKey), filter, page(first, after, last, before), r.fields(ctx))
}

func (r *scenarioResolver) PositionHistory(ctx context.Context, objs []*parley.Scenario, holders []string, includeSuperseded bool, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Position], error) {
	return r.snapshot(ctx).PositionHistoriesOnScenarios(ctx, keys(objs, scenarioKey),
		holders, includeSuperseded, page(first, after, last, before), r.fields(ctx))
}

func (r *scenarioResolver) Statements(ctx context.Context, objs []*parley.Scenario, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Statement], error) {
	return r.snapshot(ctx).StatementsOnScenarios(ctx, keys(objs, scenarioKey), page(first, after, last, before), r.fields(ctx))
}

func (r *scenarioResolver) Relations(ctx context.Context, objs []*parley.Scenario) ([][]*parley.ScenarioRelation, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).RelationsOf, keys(objs, scenarioKey))
}

func (r *Resolver) Scenario() graph.ScenarioResolver { return &scenarioResolver{r} }

type scenarioResolver struct{ *Resolver }
