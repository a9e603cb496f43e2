package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
	"github.com/google/uuid"
)

func (r *mutationResolver) ChangeScenarioStatus(ctx context.Context, input parley.ChangeScenarioStatusInput) (*graph.StatusChangePayload, error) {
	return r.statusChangePayload(ctx)(r.store.ChangeScenarioStatus(ctx, input))
}

func (r *mutationResolver) CorrectStatusChange(ctx context.Context, input graph.CorrectStatusChangeInput) (*graph.StatusChangePayload, error) {
	return r.statusChangePayload(ctx)(edited(ctx, input, r.store.CorrectStatusChange))
}

func (r *queryResolver) StatusChanges(ctx context.Context, filter *parley.StatusChangeFilter, first *int, after *parley.Cursor, last *int, before *parley.Cursor, asOf *parley.AsOf) (*parley.Connection[parley.StatusChange], error) {
	return r.snapshot(ctx).ListStatusChanges(ctx, asOf, filter, page(first, after, last, before), r.fields(ctx))
}

func (r *statusChangeResolver) Label(ctx context.Context, objs []*parley.StatusChange) ([]string, error) {
	a, err := r.Scenario(ctx, objs)
	if err != nil {
		return nil, err
	}
	return labels(objs, a, func(o *parley.StatusChange, a *parley.Scenario) string { return o.Label(titleOf(a)) }), nil
}

func (r *statusChangeResolver) Scenario(ctx context.Context, objs []*parley.StatusChange) ([]*parley.Scenario, error) {
	return load(ctx, r.Resolver, storage.Ever((*storage.Snapshot).Scenarios),
		keys(objs, func(c *parley.StatusChange) storage.Key { return at(c.Lens, &c.ScenarioID) }))
}

func (r *statusChangeResolver) By(ctx context.Context, objs []*parley.StatusChange) ([][]*parley.Stakeholder, error) {
	return loadEach(ctx, r.Resolver, storage.Ever((*storage.Snapshot).Stakeholders), objs,
		func(c *parley.StatusChange) (parley.Lens, []uuid.UUID) { return c.Lens, c.ByIDs })
}

func (r *statusChangeResolver) Successors(ctx context.Context, objs []*parley.StatusChange) ([][]*parley.Scenario, error) {
	return loadEach(ctx, r.Resolver, storage.Ever((*storage.Snapshot).Scenarios), objs,
		func(c *parley.StatusChange) (parley.Lens, []uuid.UUID) { return c.Lens, c.SuccessorIDs })
}

func (r *statusChangeResolver) RecordedBy(ctx context.Context, objs []*parley.StatusChange) ([]*parley.Analyst, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Analysts,
		keys(objs, func(c *parley.StatusChange) storage.Key { return at(c.Lens, &c.RecordedByID) }))
}

func (r *statusChangeResolver) Evidence(ctx context.Context, objs []*parley.StatusChange) ([][]*parley.Statement, error) {
	return loadEach(ctx, r.Resolver, storage.Ever((*storage.Snapshot).Statements), objs,
		func(c *parley.StatusChange) (parley.Lens, []uuid.UUID) { return c.Lens, c.EvidenceIDs })
}

func (r *subscriptionResolver) ScenarioStatusChanged(ctx context.Context, negotiations []string, scenarios []string, after *parley.Cursor) (<-chan *parley.ScenarioStatusChanged, error) {
	filter := &parley.ChangeFilter{Negotiations: negotiations, Scenarios: scenarios}
	return follow(ctx, r.Resolver, moves(parley.KindStatusChange, filter), after,
		func(e parley.ChangeEntry) *parley.ScenarioStatusChanged {
			return &parley.ScenarioStatusChanged{ChangeEntry: e}
		})
}

func (r *Resolver) StatusChange() graph.StatusChangeResolver { return &statusChangeResolver{r} }

type statusChangeResolver struct{ *Resolver }
