package resolvers

import (
	"context"
	"time"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *lensResolver) Cursor(ctx context.Context, objs []*parley.Lens) ([]parley.Cursor, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Cursors, keys(objs, lensKey))
}

func (r *lensResolver) NextChangeAt(ctx context.Context, objs []*parley.Lens) ([]*time.Time, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).NextChanges, keys(objs, lensKey))
}

func (r *mutationResolver) AddEvidence(ctx context.Context, input parley.AddEvidenceInput) (*graph.RecordPayload, error) {
	return r.recordPayload(ctx)(r.store.AddEvidence(ctx, input))
}

func (r *mutationResolver) RemoveEvidence(ctx context.Context, input parley.RemoveEvidenceInput) (*graph.RecordPayload, error) {
	return r.recordPayload(ctx)(r.store.RemoveEvidence(ctx, input))
}

func (r *mutationResolver) Retract(ctx context.Context, input parley.RetractInput) (*graph.RecordPayload, error) {
	return r.recordPayload(ctx)(r.store.Retract(ctx, input))
}

func (r *mutationResolver) Restore(ctx context.Context, input parley.RestoreInput) (*graph.RecordPayload, error) {
	return r.recordPayload(ctx)(r.store.Restore(ctx, input))
}

func (r *queryResolver) Viewer(ctx context.Context) (*parley.Analyst, error) {
	return viewer(ctx), nil
}

func (r *queryResolver) Lens(ctx context.Context, asOf *parley.AsOf) (*parley.Lens, error) {
	lens, err := r.snapshot(ctx).Through(ctx, asOf)
	return &lens, err
}

func (r *queryResolver) Node(ctx context.Context, id string) (parley.Node, error) {
	objects, err := r.snapshot(ctx).Objects(ctx, []string{id}, r.fields(ctx))
	if err != nil {
		return nil, err
	}
	return objects[0], nil
}

func (r *queryResolver) Nodes(ctx context.Context, ids []string) ([]parley.Node, error) {
	if len(ids) > maxNodes {
		return nil, parley.NewFault(parley.Limit, "ids has %d entries; give at most %d.", len(ids), maxNodes)
	}
	return r.snapshot(ctx).Objects(ctx, ids, r.fields(ctx))
}

func (r *queryResolver) Record(ctx context.Context, id string, asOf *parley.AsOf) (parley.Node, error) {
	key, err := r.snapshot(ctx).Key(ctx, id, asOf)
	if err != nil {
		return nil, err
	}
	return r.snapshot(ctx).Node(ctx, key, r.fields(ctx))
}

func (r *subscriptionResolver) Changes(ctx context.Context, filter *parley.ChangeFilter, after *parley.Cursor) (<-chan parley.Change, error) {
	return follow(ctx, r.Resolver, changeFilter(filter), after,
		func(e parley.ChangeEntry) parley.Change { return e.Change() })
}

func (r *Resolver) Lens() graph.LensResolver { return &lensResolver{r} }

func (r *Resolver) Mutation() graph.MutationResolver { return &mutationResolver{r} }

func (r *Resolver) Query() graph.QueryResolver { return &queryResolver{r} }

func (r *Resolver) Subscription() graph.SubscriptionResolver { return &subscriptionResolver{r} }

type (
	lensResolver         struct{ *Resolver }
	mutationResolver     struct{ *Resolver }
	queryResolver        struct{ *Resolver }
	subscriptionResolver struct{ *Resolver }
)
