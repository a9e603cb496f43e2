package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *analystResolver) Record(ctx context.Context, objs []*parley.Analyst) ([]*parley.TrackRecord, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).TrackRecords,
		keys(objs, func(a *parley.Analyst) storage.Key { return at(a.Lens, &a.ID) }))
}

func (r *issueResolver) Likelihoods(ctx context.Context, objs []*parley.Issue) ([]*parley.LikelihoodSet, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Likelihoods, keys(objs, issueKey))
}

func (r *likelihoodEntryResolver) Scenario(ctx context.Context, objs []*parley.LikelihoodEntry) ([]*parley.Scenario, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Scenarios,
		keys(objs, func(e *parley.LikelihoodEntry) storage.Key { return at(e.Lens, &e.ScenarioID) }))
}

func (r *Resolver) LikelihoodEntry() graph.LikelihoodEntryResolver {
	return &likelihoodEntryResolver{r}
}

type likelihoodEntryResolver struct{ *Resolver }
