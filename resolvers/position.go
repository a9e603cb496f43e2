package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
	"github.com/google/uuid"
)

func (r *mutationResolver) RecordPosition(ctx context.Context, input parley.RecordPositionInput) (*graph.PositionPayload, error) {
	return r.positionPayload(ctx)(r.store.RecordPosition(ctx, input))
}

func (r *mutationResolver) CorrectPosition(ctx context.Context, input graph.CorrectPositionInput) (*graph.PositionPayload, error) {
	return r.positionPayload(ctx)(edited(ctx, input, r.store.CorrectPosition))
}

func (r *positionResolver) Label(ctx context.Context, objs []*parley.Position) ([]string, error) {
	a, err := r.Holder(ctx, objs)
	if err != nil {
		return nil, err
	}
	b, err := r.Scenario(ctx, objs)
	if err != nil {
		return nil, err
	}
	return labelsOfTwo(objs, a, b, func(o *parley.Position, a *parley.Stakeholder, b *parley.Scenario) string {
		return o.Label(nameOf(a), titleOf(b))
	}), nil
}

func (r *positionResolver) Holder(ctx context.Context, objs []*parley.Position) ([]*parley.Stakeholder, error) {
	return load(ctx, r.Resolver, storage.Ever((*storage.Snapshot).Stakeholders),
		keys(objs, func(p *parley.Position) storage.Key { return at(p.Lens, &p.HolderID) }))
}

func (r *positionResolver) SaidFor(ctx context.Context, objs []*parley.Position) ([][]*parley.Stakeholder, error) {
	lists, err := loadEach(ctx, r.Resolver, storage.Ever((*storage.Snapshot).Stakeholders), objs,
		func(p *parley.Position) (parley.Lens, []uuid.UUID) { return p.Lens, p.SaidForIDs })
	return nulls(lists, objs, func(p *parley.Position) bool { return p.SaidForIDs == nil }), err
}

func (r *positionResolver) Scenario(ctx context.Context, objs []*parley.Position) ([]*parley.Scenario, error) {
	return load(ctx, r.Resolver, storage.Ever((*storage.Snapshot).Scenarios),
		keys(objs, func(p *parley.Position) storage.Key { return at(p.Lens, &p.ScenarioID) }))
}

func (r *positionResolver) Evidence(ctx context.Context, objs []*parley.Position) ([][]*parley.Statement, error) {
	return loadEach(ctx, r.Resolver, storage.Ever((*storage.Snapshot).Statements), objs,
		func(p *parley.Position) (parley.Lens, []uuid.UUID) { return p.Lens, p.EvidenceIDs })
}

func (r *positionResolver) Dissenting(ctx context.Context, objs []*parley.Position) ([][]*parley.Position, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Dissenting, keys(objs, positionKey))
}

func (r *positionResolver) RecordedBy(ctx context.Context, objs []*parley.Position) ([]*parley.Analyst, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Analysts,
		keys(objs, func(p *parley.Position) storage.Key { return at(p.Lens, &p.RecordedByID) }))
}

func (r *queryResolver) Positions(ctx context.Context, filter *parley.PositionFilter, orderBy parley.PositionOrder, first *int, after *parley.Cursor, last *int, before *parley.Cursor, asOf *parley.AsOf) (*parley.Connection[parley.Position], error) {
	return r.snapshot(ctx).ListPositions(ctx, asOf, filter, orderBy, page(first, after, last, before), r.fields(ctx))
}

func (r *subscriptionResolver) PositionChanged(ctx context.Context, negotiations []string, scenarios []string, holders []string, parties []string, after *parley.Cursor) (<-chan parley.Change, error) {
	filter := &parley.ChangeFilter{
		Negotiations: negotiations, Scenarios: scenarios, Stakeholders: holders, Parties: parties,
	}
	wanted := moves(parley.KindPosition, filter)
	switch {
	case len(parties) > 0 && len(holders) > 0:
		return nil, parley.NewFault(parley.BadRequest, "holders: parties are given too; give one of the two.")
	case len(parties) > 0:
		wanted = changeFilter(filter)
	}
	changes, err := follow(ctx, r.Resolver, wanted, after, parley.ChangeEntry.Change)
	return changes, inField(err, "stakeholders", "holders")
}

func (r *Resolver) Position() graph.PositionResolver { return &positionResolver{r} }

type positionResolver struct{ *Resolver }
