package resolvers

import (
	"context"
	"time"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *mutationResolver) OpenNegotiation(ctx context.Context, input parley.OpenNegotiationInput) (*graph.NegotiationPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Negotiations)(r.store.OpenNegotiation(ctx, input))
	return &graph.NegotiationPayload{Negotiation: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) EditNegotiation(ctx context.Context, input graph.EditNegotiationInput) (*graph.NegotiationPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Negotiations)(
		edited(ctx, input, r.store.EditNegotiation))
	return &graph.NegotiationPayload{Negotiation: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *negotiationResolver) ChangedAt(ctx context.Context, objs []*parley.Negotiation) ([]*time.Time, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).ChangedAt, keys(objs, negotiationKey))
}

func (r *negotiationResolver) Issues(ctx context.Context, objs []*parley.Negotiation) ([][]*parley.Issue, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).IssuesOf, keys(objs, negotiationKey))
}

func (r *negotiationResolver) Scenarios(ctx context.Context, objs []*parley.Negotiation, filter *parley.ScenarioFilter, orderBy parley.ScenarioOrder, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Scenario], error) {
	return r.snapshot(ctx).ScenariosOfNegotiations(ctx, keys(objs, negotiationKey),
		filter, orderBy, page(first, after, last, before), r.fields(ctx))
}

func (r *negotiationResolver) Participants(ctx context.Context, objs []*parley.Negotiation, role *parley.ParticipationRole, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Participation], error) {
	return r.snapshot(ctx).ParticipantsOf(ctx, keys(objs, negotiationKey), role, page(first, after, last, before), r.fields(ctx))
}

func (r *negotiationResolver) Events(ctx context.Context, objs []*parley.Negotiation, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Event], error) {
	return r.snapshot(ctx).EventsOf(ctx, keys(objs, negotiationKey), page(first, after, last, before), r.fields(ctx))
}

func (r *negotiationResolver) Changes(ctx context.Context, objs []*parley.Negotiation, filter *parley.ChangeFilter, order parley.ChangeOrder, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.ChangeConnection, error) {
	return r.snapshot(ctx).ChangesOf(ctx, keys(objs, negotiationKey),
		storage.ChangePage{Filter: filter, Order: order, Page: page(first, after, last, before)}, r.fields(ctx))
}

func (r *queryResolver) Negotiation(ctx context.Context, id string, asOf *parley.AsOf) (*parley.Negotiation, error) {
	return find(ctx, r.Resolver, id, asOf, (*storage.Snapshot).Negotiations)
}

func (r *queryResolver) Negotiations(ctx context.Context, first *int, after *parley.Cursor, last *int, before *parley.Cursor, asOf *parley.AsOf) (*parley.Connection[parley.Negotiation], error) {
	return r.snapshot(ctx).ListNegotiations(ctx, asOf, page(first, after, last, before), r.fields(ctx))
}

func (r *Resolver) Negotiation() graph.NegotiationResolver { return &negotiationResolver{r} }

type negotiationResolver struct{ *Resolver }
