package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
	"github.com/google/uuid"
)

func (r *mutationResolver) RelateScenarios(ctx context.Context, input parley.RelateScenariosInput) (*graph.RelationPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Relations)(r.store.RelateScenarios(ctx, input))
	return &graph.RelationPayload{Relation: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *scenarioRelationResolver) Label(ctx context.Context, objs []*parley.ScenarioRelation) ([]string, error) {
	a, err := r.From(ctx, objs)
	if err != nil {
		return nil, err
	}
	b, err := r.To(ctx, objs)
	if err != nil {
		return nil, err
	}
	return labelsOfTwo(objs, a, b, func(o *parley.ScenarioRelation, a *parley.Scenario, b *parley.Scenario) string {
		return o.Label(titleOf(a), titleOf(b))
	}), nil
}

func (r *scenarioRelationResolver) From(ctx context.Context, objs []*parley.ScenarioRelation) ([]*parley.Scenario, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Scenarios,
		keys(objs, func(l *parley.ScenarioRelation) storage.Key { return at(l.Lens, &l.FromID) }))
}

func (r *scenarioRelationResolver) To(ctx context.Context, objs []*parley.ScenarioRelation) ([]*parley.Scenario, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Scenarios,
		keys(objs, func(l *parley.ScenarioRelation) storage.Key { return at(l.Lens, &l.ToID) }))
}

func (r *scenarioRelationResolver) ClaimedBy(ctx context.Context, objs []*parley.ScenarioRelation) ([]*parley.Stakeholder, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Stakeholders,
		keys(objs, func(l *parley.ScenarioRelation) storage.Key { return at(l.Lens, l.ClaimedByID) }))
}

func (r *scenarioRelationResolver) Evidence(ctx context.Context, objs []*parley.ScenarioRelation) ([][]*parley.Statement, error) {
	return loadEach(ctx, r.Resolver, (*storage.Snapshot).Statements, objs,
		func(l *parley.ScenarioRelation) (parley.Lens, []uuid.UUID) { return l.Lens, l.EvidenceIDs })
}

func (r *Resolver) ScenarioRelation() graph.ScenarioRelationResolver {
	return &scenarioRelationResolver{r}
}

type scenarioRelationResolver struct{ *Resolver }
