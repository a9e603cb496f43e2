package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
	"github.com/google/uuid"
)

func (r *issueResolver) Matrix(ctx context.Context, objs []*parley.Issue, scenarios *parley.ScenarioFilter, stakeholders []string) ([]*parley.StanceMatrix, error) {
	return r.snapshot(ctx).Matrices(ctx, keys(objs, issueKey), scenarios, stakeholders, r.fields(ctx))
}

func (r *stanceCellResolver) Party(ctx context.Context, objs []*parley.StanceCell) ([]*parley.Stakeholder, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Stakeholders,
		keys(objs, func(c *parley.StanceCell) storage.Key { return at(c.Lens, &c.PartyID) }))
}

func (r *stanceCellResolver) Scenario(ctx context.Context, objs []*parley.StanceCell) ([]*parley.Scenario, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Scenarios,
		keys(objs, func(c *parley.StanceCell) storage.Key { return at(c.Lens, &c.ScenarioID) }))
}

func (r *stanceCellResolver) Through(ctx context.Context, objs []*parley.StanceCell) ([]*parley.Stakeholder, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Stakeholders,
		keys(objs, func(c *parley.StanceCell) storage.Key { return at(c.Lens, c.ThroughID) }))
}

func (r *stanceCellResolver) SecondHand(ctx context.Context, objs []*parley.StanceCell) ([]*bool, error) {
	return r.snapshot(ctx).HeardOfOthers(ctx, objs)
}

func (r *stanceMatrixResolver) Scenarios(ctx context.Context, objs []*parley.StanceMatrix) ([][]*parley.Scenario, error) {
	return loadEach(ctx, r.Resolver, (*storage.Snapshot).Scenarios, objs,
		func(m *parley.StanceMatrix) (parley.Lens, []uuid.UUID) { return m.Lens, m.ScenarioIDs })
}

func (r *Resolver) StanceCell() graph.StanceCellResolver { return &stanceCellResolver{r} }

func (r *Resolver) StanceMatrix() graph.StanceMatrixResolver { return &stanceMatrixResolver{r} }

type (
	stanceCellResolver   struct{ *Resolver }
	stanceMatrixResolver struct{ *Resolver }
)
