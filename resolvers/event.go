package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
	"github.com/google/uuid"
)

func (r *eventResolver) Negotiation(ctx context.Context, objs []*parley.Event) ([]*parley.Negotiation, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Negotiations,
		keys(objs, func(e *parley.Event) storage.Key { return at(e.Lens, &e.NegotiationID) }))
}

func (r *eventResolver) Participants(ctx context.Context, objs []*parley.Event) ([][]*parley.Stakeholder, error) {
	return loadEach(ctx, r.Resolver, (*storage.Snapshot).Stakeholders, objs,
		func(e *parley.Event) (parley.Lens, []uuid.UUID) { return e.Lens, e.ParticipantIDs })
}

func (r *eventResolver) Evidence(ctx context.Context, objs []*parley.Event) ([][]*parley.Statement, error) {
	return loadEach(ctx, r.Resolver, (*storage.Snapshot).Statements, objs,
		func(e *parley.Event) (parley.Lens, []uuid.UUID) { return e.Lens, e.EvidenceIDs })
}

func (r *mutationResolver) RecordEvent(ctx context.Context, input parley.RecordEventInput) (*graph.EventPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Events)(r.store.RecordEvent(ctx, input))
	return &graph.EventPayload{Event: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) EditEvent(ctx context.Context, input graph.EditEventInput) (*graph.EventPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Events)(edited(ctx, input, r.store.EditEvent))
	return &graph.EventPayload{Event: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *queryResolver) Events(ctx context.Context, filter *parley.EventFilter, first *int, after *parley.Cursor, last *int, before *parley.Cursor, asOf *parley.AsOf) (*parley.Connection[parley.Event], error) {
	return r.snapshot(ctx).ListEvents(ctx, asOf, filter, page(first, after, last, before), r.fields(ctx))
}

func (r *Resolver) Event() graph.EventResolver { return &eventResolver{r} }

type eventResolver struct{ *Resolver }
