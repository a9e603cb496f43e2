package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *issueResolver) Negotiation(ctx context.Context, objs []*parley.Issue) ([]*parley.Negotiation, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Negotiations,
		keys(objs, func(i *parley.Issue) storage.Key { return at(i.Lens, &i.NegotiationID) }))
}

func (r *issueResolver) Scenarios(ctx context.Context, objs []*parley.Issue, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Scenario], error) {
	return r.snapshot(ctx).ScenariosOfIssues(ctx, keys(objs, issueKey), page(first, after, last, before), r.fields(ctx))
}

func (r *mutationResolver) AddIssue(ctx context.Context, input parley.AddIssueInput) (*graph.IssuePayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Issues)(r.store.AddIssue(ctx, input))
	return &graph.IssuePayload{Issue: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) EditIssue(ctx context.Context, input graph.EditIssueInput) (*graph.IssuePayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Issues)(edited(ctx, input, r.store.EditIssue))
	return &graph.IssuePayload{Issue: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *queryResolver) Issue(ctx context.Context, id string, asOf *parley.AsOf) (*parley.Issue, error) {
	return find(ctx, r.Resolver, id, asOf, (*storage.Snapshot).Issues)
}

func (r *Resolver) Issue() graph.IssueResolver { return &issueResolver{r} }

type issueResolver struct{ *Resolver }
