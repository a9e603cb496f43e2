package resolvers

import (
	"context"
	"parley"
	"parley/graph"
)

func (r *mutationResolver) AddEvidence(ctx context.Context, input parley.AddEvidenceInput) (*graph.RecordPayload, error) {
	return r.recordPayload(ctx)(r.store.AddEvidence(ctx, input))
}

func (r *mutationResolver) Retract(ctx context.Context, input parley.RetractInput) (*graph.RecordPayload, error) {
	return r.recordPayload(ctx)(r.store.Retract(ctx, input))
}

func (r *queryResolver) Viewer(ctx context.Context) (*parley.Analyst, error) {
	return r.store.Viewer(), nil
}

func (r *queryResolver) Node(ctx context.Context, id string) (parley.Node, error) {
	return r.snapshot(ctx).Node(ctx, id, r.fields(ctx))
}

func (r *subscriptionResolver) Changes(ctx context.Context, filter *parley.ChangeFilter) (<-chan parley.Change, error) {
	return follow(ctx, r.Resolver, changeFilter(filter), func(e parley.ChangeEntry) parley.Change { return e.Change() })
}

func (r *Resolver) Mutation() graph.MutationResolver { return &mutationResolver{r} }

func (r *Resolver) Query() graph.QueryResolver { return &queryResolver{r} }

func (r *Resolver) Subscription() graph.SubscriptionResolver { return &subscriptionResolver{r} }

type (
	mutationResolver     struct{ *Resolver }
	queryResolver        struct{ *Resolver }
	subscriptionResolver struct{ *Resolver }
)
