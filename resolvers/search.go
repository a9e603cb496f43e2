package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *queryResolver) Search(ctx context.Context, text string, first int, asOf *parley.AsOf) ([]*parley.SearchResult, error) {
	if err := parley.CostOf(ctx).Spend(ctx, searchCost); err != nil {
		return nil, err
	}
	return r.snapshot(ctx).Search(ctx, text, first, asOf)
}

func (r *searchResultResolver) Node(ctx context.Context, objs []*parley.SearchResult) ([]parley.Node, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Nodes,
		keys(objs, func(s *parley.SearchResult) storage.Key { return at(s.Lens, &s.NodeID) }))
}

func (r *Resolver) SearchResult() graph.SearchResultResolver { return &searchResultResolver{r} }

type searchResultResolver struct{ *Resolver }
