package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

func (r *issueResolver) LandingZone(ctx context.Context, objs []*parley.Issue, whatIf []*parley.WhatIfPosition) ([][]*parley.LandingZoneEntry, error) {
	return r.snapshot(ctx).LandingZones(ctx, keys(objs, issueKey), whatIf, r.fields(ctx))
}

func (r *landingZoneEntryResolver) Scenario(ctx context.Context, objs []*parley.LandingZoneEntry) ([]*parley.Scenario, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Scenarios,
		keys(objs, func(e *parley.LandingZoneEntry) storage.Key { return at(e.Lens, &e.ScenarioID) }))
}

func (r *Resolver) LandingZoneEntry() graph.LandingZoneEntryResolver {
	return &landingZoneEntryResolver{r}
}

type landingZoneEntryResolver struct{ *Resolver }
