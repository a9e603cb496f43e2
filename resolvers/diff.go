package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *eventShiftResolver) Event(ctx context.Context, objs []*parley.EventShift) ([]*parley.Event, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Events,
		keys(objs, func(s *parley.EventShift) storage.Key { return at(s.Lens, &s.EventID) }))
}

func (r *likelihoodShiftResolver) Scenario(ctx context.Context, objs []*parley.LikelihoodShift) ([]*parley.Scenario, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Scenarios,
		keys(objs, func(s *parley.LikelihoodShift) storage.Key { return at(s.Lens, &s.ScenarioID) }))
}

func (r *negotiationResolver) Diff(ctx context.Context, objs []*parley.Negotiation, from parley.AsOf, to parley.AsOf) ([]*parley.NegotiationDiff, error) {
	through := r.snapshot(ctx)
	before, err := through.Through(ctx, &from)
	if err != nil {
		return nil, err
	}
	after, err := through.Through(ctx, &to)
	if err != nil {
		return nil, err
	}
	diffs := make([]*parley.NegotiationDiff, len(objs))
	for i, n := range objs {
		diffs[i] = &parley.NegotiationDiff{NegotiationID: n.ID, From: before, To: after}
	}
	return diffs, nil
}

func (r *negotiationDiffResolver) StatusChanges(ctx context.Context, objs []*parley.NegotiationDiff, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.StatusShift], error) {
	return r.snapshot(ctx).StatusShifts(ctx, objs, page(first, after, last, before), r.fields(ctx))
}

func (r *negotiationDiffResolver) Positions(ctx context.Context, objs []*parley.NegotiationDiff, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.PositionShift], error) {
	return r.snapshot(ctx).PositionShifts(ctx, objs, page(first, after, last, before), r.fields(ctx))
}

func (r *negotiationDiffResolver) ScenariosAdded(ctx context.Context, objs []*parley.NegotiationDiff, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Scenario], error) {
	return r.snapshot(ctx).ScenariosAdded(ctx, objs, page(first, after, last, before), r.fields(ctx))
}

func (r *negotiationDiffResolver) ParticipantsJoined(ctx context.Context, objs []*parley.NegotiationDiff, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Participation], error) {
	return r.snapshot(ctx).ParticipantsJoined(ctx, objs, page(first, after, last, before), r.fields(ctx))
}

func (r *negotiationDiffResolver) ParticipantsLeft(ctx context.Context, objs []*parley.NegotiationDiff, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Participation], error) {
	return r.snapshot(ctx).ParticipantsLeft(ctx, objs, page(first, after, last, before), r.fields(ctx))
}

func (r *negotiationDiffResolver) Likelihoods(ctx context.Context, objs []*parley.NegotiationDiff, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.LikelihoodShift], error) {
	return r.snapshot(ctx).LikelihoodShifts(ctx, objs, page(first, after, last, before), r.fields(ctx))
}

func (r *negotiationDiffResolver) Events(ctx context.Context, objs []*parley.NegotiationDiff, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.EventShift], error) {
	return r.snapshot(ctx).EventShifts(ctx, objs, page(first, after, last, before), r.fields(ctx))
}

func (r *negotiationDiffResolver) OfficesBegun(ctx context.Context, objs []*parley.NegotiationDiff, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Affiliation], error) {
	return r.snapshot(ctx).OfficesBegun(ctx, objs, page(first, after, last, before), r.fields(ctx))
}

func (r *negotiationDiffResolver) OfficesEnded(ctx context.Context, objs []*parley.NegotiationDiff, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Affiliation], error) {
	return r.snapshot(ctx).OfficesEnded(ctx, objs, page(first, after, last, before), r.fields(ctx))
}

func (r *negotiationDiffResolver) MembershipsBegun(ctx context.Context, objs []*parley.NegotiationDiff, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Membership], error) {
	return r.snapshot(ctx).MembershipsBegun(ctx, objs, page(first, after, last, before), r.fields(ctx))
}

func (r *negotiationDiffResolver) MembershipsEnded(ctx context.Context, objs []*parley.NegotiationDiff, first *int, after *parley.Cursor, last *int, before *parley.Cursor) ([]*parley.Connection[parley.Membership], error) {
	return r.snapshot(ctx).MembershipsEnded(ctx, objs, page(first, after, last, before), r.fields(ctx))
}

func (r *positionShiftResolver) Party(ctx context.Context, objs []*parley.PositionShift) ([]*parley.Stakeholder, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Stakeholders,
		keys(objs, func(s *parley.PositionShift) storage.Key { return at(s.Lens, &s.PartyID) }))
}

func (r *positionShiftResolver) Scenario(ctx context.Context, objs []*parley.PositionShift) ([]*parley.Scenario, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Scenarios,
		keys(objs, func(s *parley.PositionShift) storage.Key { return at(s.Lens, &s.ScenarioID) }))
}

func (r *positionShiftResolver) Before(ctx context.Context, objs []*parley.PositionShift) ([]*parley.Position, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).PositionVersions,
		keys(objs, func(s *parley.PositionShift) storage.Key { return versionOf(s.Was, s.From) }))
}

func (r *positionShiftResolver) After(ctx context.Context, objs []*parley.PositionShift) ([]*parley.Position, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).PositionVersions,
		keys(objs, func(s *parley.PositionShift) storage.Key { return versionOf(s.Is, s.Lens) }))
}

func (r *positionStepResolver) Before(ctx context.Context, objs []*parley.PositionStep) ([]*parley.Position, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).PositionVersions,
		keys(objs, func(s *parley.PositionStep) storage.Key { return ownVersion(s.Was) }))
}

func (r *positionStepResolver) After(ctx context.Context, objs []*parley.PositionStep) ([]*parley.Position, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).PositionVersions,
		keys(objs, func(s *parley.PositionStep) storage.Key { return ownVersion(s.Is) }))
}

func (r *statusShiftResolver) Scenario(ctx context.Context, objs []*parley.StatusShift) ([]*parley.Scenario, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Scenarios,
		keys(objs, func(s *parley.StatusShift) storage.Key { return at(s.Lens, &s.ScenarioID) }))
}

func (r *Resolver) EventShift() graph.EventShiftResolver { return &eventShiftResolver{r} }

func (r *Resolver) LikelihoodShift() graph.LikelihoodShiftResolver {
	return &likelihoodShiftResolver{r}
}

func (r *Resolver) NegotiationDiff() graph.NegotiationDiffResolver {
	return &negotiationDiffResolver{r}
}

func (r *Resolver) PositionShift() graph.PositionShiftResolver { return &positionShiftResolver{r} }

func (r *Resolver) PositionStep() graph.PositionStepResolver { return &positionStepResolver{r} }

func (r *Resolver) StatusShift() graph.StatusShiftResolver { return &statusShiftResolver{r} }

type (
	eventShiftResolver      struct{ *Resolver }
	likelihoodShiftResolver struct{ *Resolver }
	negotiationDiffResolver struct{ *Resolver }
	positionShiftResolver   struct{ *Resolver }
	positionStepResolver    struct{ *Resolver }
	statusShiftResolver     struct{ *Resolver }
)
