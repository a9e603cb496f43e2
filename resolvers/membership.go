package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *membershipResolver) Label(ctx context.Context, objs []*parley.Membership) ([]string, error) {
	a, err := r.Member(ctx, objs)
	if err != nil {
		return nil, err
	}
	b, err := r.Group(ctx, objs)
	if err != nil {
		return nil, err
	}
	return labelsOfTwo(objs, a, b, func(o *parley.Membership, a *parley.Stakeholder, b *parley.Stakeholder) string {
		return o.Label(nameOf(a), nameOf(b))
	}), nil
}

func (r *membershipResolver) Member(ctx context.Context, objs []*parley.Membership) ([]*parley.Stakeholder, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Stakeholders,
		keys(objs, func(m *parley.Membership) storage.Key { return at(m.Lens, &m.MemberID) }))
}

func (r *membershipResolver) Group(ctx context.Context, objs []*parley.Membership) ([]*parley.Stakeholder, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Stakeholders,
		keys(objs, func(m *parley.Membership) storage.Key { return at(m.Lens, &m.GroupID) }))
}

func (r *mutationResolver) AddMembership(ctx context.Context, input parley.AddMembershipInput) (*graph.MembershipPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Memberships)(r.store.AddMembership(ctx, input))
	return &graph.MembershipPayload{Membership: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) EndMembership(ctx context.Context, input parley.EndMembershipInput) (*graph.MembershipPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Memberships)(r.store.EndMembership(ctx, input))
	return &graph.MembershipPayload{Membership: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) CorrectMembership(ctx context.Context, input graph.CorrectMembershipInput) (*graph.MembershipPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Memberships)(
		edited(ctx, input, r.store.CorrectMembership))
	return &graph.MembershipPayload{Membership: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *Resolver) Membership() graph.MembershipResolver { return &membershipResolver{r} }

type membershipResolver struct{ *Resolver }
