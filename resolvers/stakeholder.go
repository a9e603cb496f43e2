package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *mutationResolver) RegisterStakeholder(ctx context.Context, input parley.RegisterStakeholderInput) (*graph.StakeholderPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Stakeholders)(r.store.RegisterStakeholder(ctx, input))
	return &graph.StakeholderPayload{Stakeholder: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) EditStakeholder(ctx context.Context, input graph.EditStakeholderInput) (*graph.StakeholderPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Stakeholders)(
		edited(ctx, input, r.store.EditStakeholder))
	return &graph.StakeholderPayload{Stakeholder: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) MergeStakeholders(ctx context.Context, input parley.MergeStakeholdersInput) (*graph.StakeholderPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Stakeholders)(r.store.MergeStakeholders(ctx, input))
	return &graph.StakeholderPayload{Stakeholder: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *queryResolver) Stakeholder(ctx context.Context, id string, asOf *parley.AsOf) (*parley.Stakeholder, error) {
	return find(ctx, r.Resolver, id, asOf, (*storage.Snapshot).Stakeholders)
}

func (r *queryResolver) Stakeholders(ctx context.Context, text *string, kinds []parley.StakeholderKind, first *int, after *parley.Cursor, last *int, before *parley.Cursor, asOf *parley.AsOf) (*parley.Connection[parley.Stakeholder], error) {
	return r.snapshot(ctx).ListStakeholders(ctx, asOf, text, kinds, page(first, after, last, before), r.fields(ctx))
}

func (r *stakeholderResolver) Affiliations(ctx context.Context, objs []*parley.Stakeholder) ([][]*parley.Affiliation, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).AffiliationsOf, keys(objs, stakeholderKey))
}

func (r *stakeholderResolver) OfficeHolders(ctx context.Context, objs []*parley.Stakeholder) ([][]*parley.Affiliation, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).OfficeHoldersOf, keys(objs, stakeholderKey))
}

func (r *stakeholderResolver) Memberships(ctx context.Context, objs []*parley.Stakeholder) ([][]*parley.Membership, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).MembershipsOf, keys(objs, stakeholderKey))
}

func (r *stakeholderResolver) Members(ctx context.Context, objs []*parley.Stakeholder) ([][]*parley.Membership, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).MembersOf, keys(objs, stakeholderKey))
}

func (r *stakeholderResolver) Participations(ctx context.Context, objs []*parley.Stakeholder) ([][]*parley.Participation, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).ParticipationsOf, keys(objs, stakeholderKey))
}

func (r *stakeholderResolver) Stances(ctx context.Context, objs []*parley.Stakeholder, negotiations []string, issues []string, scenarios []string) ([][]*parley.StanceCell, error) {
	return r.snapshot(ctx).StancesOf(ctx, keys(objs, stakeholderKey),
		&parley.PositionFilter{Negotiations: negotiations, Issues: issues, Scenarios: scenarios}, r.fields(ctx))
}

func (r *stakeholderResolver) Positions(ctx context.Context, objs []*parley.Stakeholder, filter *parley.PositionFilter, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Position], error) {
	return r.snapshot(ctx).PositionsOfStakeholders(ctx, keys(objs, stakeholderKey),
		filter, page(first, after, last, before), r.fields(ctx))
}

func (r *stakeholderResolver) PositionHistory(ctx context.Context, objs []*parley.Stakeholder, scenarios []string, includeSuperseded bool, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Position], error) {
	return r.snapshot(ctx).PositionHistoriesOfStakeholders(ctx, keys(objs, stakeholderKey),
		scenarios, includeSuperseded, page(first, after, last, before), r.fields(ctx))
}

func (r *stakeholderResolver) Statements(ctx context.Context, objs []*parley.Stakeholder, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Statement], error) {
	return r.snapshot(ctx).StatementsOfStakeholders(ctx, keys(objs, stakeholderKey), page(first, after, last, before), r.fields(ctx))
}

func (r *Resolver) Stakeholder() graph.StakeholderResolver { return &stakeholderResolver{r} }

type stakeholderResolver struct{ *Resolver }
