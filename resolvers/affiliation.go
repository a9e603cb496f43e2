package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *affiliationResolver) Label(ctx context.Context, objs []*parley.Affiliation) ([]string, error) {
	a, err := r.Person(ctx, objs)
	if err != nil {
		return nil, err
	}
	b, err := r.Organization(ctx, objs)
	if err != nil {
		return nil, err
	}
	return labelsOfTwo(objs, a, b, func(o *parley.Affiliation, a *parley.Stakeholder, b *parley.Stakeholder) string {
		return o.Label(nameOf(a), nameOf(b))
	}), nil
}

func (r *affiliationResolver) Person(ctx context.Context, objs []*parley.Affiliation) ([]*parley.Stakeholder, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Stakeholders,
		keys(objs, func(a *parley.Affiliation) storage.Key { return at(a.Lens, &a.PersonID) }))
}

func (r *affiliationResolver) Organization(ctx context.Context, objs []*parley.Affiliation) ([]*parley.Stakeholder, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Stakeholders,
		keys(objs, func(a *parley.Affiliation) storage.Key { return at(a.Lens, &a.OrganizationID) }))
}

func (r *mutationResolver) Affiliate(ctx context.Context, input parley.AffiliateInput) (*graph.AffiliationPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Affiliations)(r.store.Affiliate(ctx, input))
	return &graph.AffiliationPayload{Affiliation: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) EndAffiliation(ctx context.Context, input parley.EndAffiliationInput) (*graph.AffiliationPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Affiliations)(r.store.EndAffiliation(ctx, input))
	return &graph.AffiliationPayload{Affiliation: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) CorrectAffiliation(ctx context.Context, input graph.CorrectAffiliationInput) (*graph.AffiliationPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Affiliations)(
		edited(ctx, input, r.store.CorrectAffiliation))
	return &graph.AffiliationPayload{Affiliation: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *Resolver) Affiliation() graph.AffiliationResolver { return &affiliationResolver{r} }

type affiliationResolver struct{ *Resolver }
