package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *bodyErasureResolver) ErasedBy(ctx context.Context, objs []*parley.BodyErasure) ([]*parley.Analyst, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Analysts,
		keys(objs, func(e *parley.BodyErasure) storage.Key { return at(e.Lens, &e.ErasedByID) }))
}

func (r *mutationResolver) RegisterSource(ctx context.Context, input parley.RegisterSourceInput) (*graph.SourcePayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Sources)(r.store.RegisterSource(ctx, input))
	return &graph.SourcePayload{Source: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) EditSource(ctx context.Context, input graph.EditSourceInput) (*graph.SourcePayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Sources)(edited(ctx, input, r.store.EditSource))
	return &graph.SourcePayload{Source: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *queryResolver) Source(ctx context.Context, id string, asOf *parley.AsOf) (*parley.Source, error) {
	return find(ctx, r.Resolver, id, asOf, (*storage.Snapshot).Sources)
}

func (r *queryResolver) Sources(ctx context.Context, text *string, first *int, after *parley.Cursor, last *int, before *parley.Cursor, asOf *parley.AsOf) (*parley.Connection[parley.Source], error) {
	return r.snapshot(ctx).ListSources(ctx, asOf, text, page(first, after, last, before), r.fields(ctx))
}

func (r *sourceResolver) Body(ctx context.Context, objs []*parley.Source) ([]*string, error) {
	bodies, err := load(ctx, r.Resolver, (*storage.Snapshot).Bodies, keys(objs, sourceKey))
	if err != nil {
		return nil, err
	}
	length := 0
	for _, body := range bodies {
		if body != nil {
			length += len(*body)
		}
	}
	return nulls(bodies, objs, hadNoBody), parley.CostOf(ctx).Spend(ctx, length/bytesPerOne)
}

func (r *sourceResolver) BodyErasure(ctx context.Context, objs []*parley.Source) ([]*parley.BodyErasure, error) {
	erasures, err := load(ctx, r.Resolver, (*storage.Snapshot).BodyErasures, keys(objs, sourceKey))
	return nulls(erasures, objs, hadNoBody), err
}

func (r *sourceResolver) Statements(ctx context.Context, objs []*parley.Source, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Statement], error) {
	return r.snapshot(ctx).StatementsInSources(ctx, keys(objs, sourceKey), page(first, after, last, before), r.fields(ctx))
}

func (r *Resolver) BodyErasure() graph.BodyErasureResolver { return &bodyErasureResolver{r} }

func (r *Resolver) Source() graph.SourceResolver { return &sourceResolver{r} }

type (
	bodyErasureResolver struct{ *Resolver }
	sourceResolver      struct{ *Resolver }
)
