package resolvers

import (
	"context"
	"time"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *assessmentChangedResolver) RecordedBy(ctx context.Context, objs []*parley.AssessmentChanged) ([]*parley.Analyst, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Analysts,
		keys(objs, func(c *parley.AssessmentChanged) storage.Key { return at(c.Lens(), &c.RecordedByID) }))
}

func (r *assessmentChangedResolver) Negotiation(ctx context.Context, objs []*parley.AssessmentChanged) ([]*parley.Negotiation, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Negotiations,
		keys(objs, func(c *parley.AssessmentChanged) storage.Key { return at(c.Lens(), c.NegotiationID) }))
}

func (r *assessmentChangedResolver) Shifts(ctx context.Context, objs []*parley.AssessmentChanged) ([][]*parley.StanceShift, error) {
	return shifts(ctx, r.Resolver, objs, func(c *parley.AssessmentChanged) *parley.ChangeEntry { return &c.ChangeEntry })
}

func (r *assessmentChangedResolver) Assessment(ctx context.Context, objs []*parley.AssessmentChanged) ([]*parley.Assessment, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Assessments,
		keys(objs, func(c *parley.AssessmentChanged) storage.Key { return at(c.Lens(), c.Subject()) }))
}

func (r *assessmentChangedResolver) PreviousAssessment(ctx context.Context, objs []*parley.AssessmentChanged) ([]*parley.Assessment, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).AssessmentVersions,
		keys(objs, func(c *parley.AssessmentChanged) storage.Key { return at(c.Lens(), c.PreviousVersion) }))
}

func (r *positionChangedResolver) RecordedBy(ctx context.Context, objs []*parley.PositionChanged) ([]*parley.Analyst, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Analysts,
		keys(objs, func(c *parley.PositionChanged) storage.Key { return at(c.Lens(), &c.RecordedByID) }))
}

func (r *positionChangedResolver) Negotiation(ctx context.Context, objs []*parley.PositionChanged) ([]*parley.Negotiation, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Negotiations,
		keys(objs, func(c *parley.PositionChanged) storage.Key { return at(c.Lens(), c.NegotiationID) }))
}

func (r *positionChangedResolver) Shifts(ctx context.Context, objs []*parley.PositionChanged) ([][]*parley.StanceShift, error) {
	return shifts(ctx, r.Resolver, objs, func(c *parley.PositionChanged) *parley.ChangeEntry { return &c.ChangeEntry })
}

func (r *positionChangedResolver) Position(ctx context.Context, objs []*parley.PositionChanged) ([]*parley.Position, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Positions,
		keys(objs, func(c *parley.PositionChanged) storage.Key { return at(c.Lens(), c.Subject()) }))
}

func (r *positionChangedResolver) Previous(ctx context.Context, objs []*parley.PositionChanged) ([]*parley.Position, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).PositionVersions,
		keys(objs, func(c *parley.PositionChanged) storage.Key { return at(c.Lens(), c.PreviousVersion) }))
}

func (r *queryResolver) Changes(ctx context.Context, filter *parley.ChangeFilter, since *time.Time, order parley.ChangeOrder, first *int, after *parley.Cursor, last *int, before *parley.Cursor) (*parley.ChangeConnection, error) {
	wanted := storage.ChangePage{Filter: filter, Since: since, Order: order, Page: page(first, after, last, before)}
	return r.snapshot(ctx).ListChanges(ctx, wanted, r.fields(ctx))
}

func (r *recordChangedResolver) RecordedBy(ctx context.Context, objs []*parley.RecordChanged) ([]*parley.Analyst, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Analysts,
		keys(objs, func(c *parley.RecordChanged) storage.Key { return at(c.Lens(), &c.RecordedByID) }))
}

func (r *recordChangedResolver) Negotiation(ctx context.Context, objs []*parley.RecordChanged) ([]*parley.Negotiation, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Negotiations,
		keys(objs, func(c *parley.RecordChanged) storage.Key { return at(c.Lens(), c.NegotiationID) }))
}

func (r *recordChangedResolver) Shifts(ctx context.Context, objs []*parley.RecordChanged) ([][]*parley.StanceShift, error) {
	return shifts(ctx, r.Resolver, objs, func(c *parley.RecordChanged) *parley.ChangeEntry { return &c.ChangeEntry })
}

func (r *recordChangedResolver) Node(ctx context.Context, objs []*parley.RecordChanged) ([]parley.Node, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Nodes,
		keys(objs, func(c *parley.RecordChanged) storage.Key { return at(c.Lens(), c.Subject()) }))
}

func (r *scenarioStatusChangedResolver) RecordedBy(ctx context.Context, objs []*parley.ScenarioStatusChanged) ([]*parley.Analyst, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Analysts,
		keys(objs, func(c *parley.ScenarioStatusChanged) storage.Key { return at(c.Lens(), &c.RecordedByID) }))
}

func (r *scenarioStatusChangedResolver) Negotiation(ctx context.Context, objs []*parley.ScenarioStatusChanged) ([]*parley.Negotiation, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Negotiations,
		keys(objs, func(c *parley.ScenarioStatusChanged) storage.Key { return at(c.Lens(), c.NegotiationID) }))
}

func (r *scenarioStatusChangedResolver) Shifts(ctx context.Context, objs []*parley.ScenarioStatusChanged) ([][]*parley.StanceShift, error) {
	return shifts(ctx, r.Resolver, objs, func(c *parley.ScenarioStatusChanged) *parley.ChangeEntry { return &c.ChangeEntry })
}

func (r *scenarioStatusChangedResolver) Scenario(ctx context.Context, objs []*parley.ScenarioStatusChanged) ([]*parley.Scenario, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Scenarios,
		keys(objs, func(c *parley.ScenarioStatusChanged) storage.Key { return at(c.Lens(), c.ScenarioID) }))
}

func (r *scenarioStatusChangedResolver) StatusChange(ctx context.Context, objs []*parley.ScenarioStatusChanged) ([]*parley.StatusChange, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).StatusChanges,
		keys(objs, func(c *parley.ScenarioStatusChanged) storage.Key { return at(c.Lens(), c.Subject()) }))
}

func (r *scenarioStatusChangedResolver) Previous(ctx context.Context, objs []*parley.ScenarioStatusChanged) ([]*parley.StatusChange, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).StatusChangeVersions,
		keys(objs, func(c *parley.ScenarioStatusChanged) storage.Key { return at(c.Lens(), c.PreviousVersion) }))
}

func (r *stanceShiftResolver) Party(ctx context.Context, objs []*parley.StanceShift) ([]*parley.Stakeholder, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Stakeholders,
		keys(objs, func(s *parley.StanceShift) storage.Key { return at(s.Lens, &s.PartyID) }))
}

func (r *stanceShiftResolver) Scenario(ctx context.Context, objs []*parley.StanceShift) ([]*parley.Scenario, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Scenarios,
		keys(objs, func(s *parley.StanceShift) storage.Key { return at(s.Lens, &s.ScenarioID) }))
}

func (r *Resolver) AssessmentChanged() graph.AssessmentChangedResolver {
	return &assessmentChangedResolver{r}
}

func (r *Resolver) PositionChanged() graph.PositionChangedResolver {
	return &positionChangedResolver{r}
}

func (r *Resolver) RecordChanged() graph.RecordChangedResolver { return &recordChangedResolver{r} }

func (r *Resolver) ScenarioStatusChanged() graph.ScenarioStatusChangedResolver {
	return &scenarioStatusChangedResolver{r}
}

func (r *Resolver) StanceShift() graph.StanceShiftResolver { return &stanceShiftResolver{r} }

type (
	assessmentChangedResolver     struct{ *Resolver }
	positionChangedResolver       struct{ *Resolver }
	recordChangedResolver         struct{ *Resolver }
	scenarioStatusChangedResolver struct{ *Resolver }
	stanceShiftResolver           struct{ *Resolver }
)
