package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
	"github.com/google/uuid"
)

func (r *mutationResolver) JoinNegotiation(ctx context.Context, input parley.JoinNegotiationInput) (*graph.ParticipationPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Participations)(r.store.JoinNegotiation(ctx, input))
	return &graph.ParticipationPayload{Participation: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) EditParticipation(ctx context.Context, input graph.EditParticipationInput) (*graph.ParticipationPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Participations)(
		edited(ctx, input, r.store.EditParticipation))
	return &graph.ParticipationPayload{Participation: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) LeaveNegotiation(ctx context.Context, input parley.LeaveNegotiationInput) (*graph.ParticipationPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Participations)(r.store.LeaveNegotiation(ctx, input))
	return &graph.ParticipationPayload{Participation: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *participationResolver) Label(ctx context.Context, objs []*parley.Participation) ([]string, error) {
	a, err := r.Stakeholder(ctx, objs)
	if err != nil {
		return nil, err
	}
	return labels(objs, a,
		func(o *parley.Participation, a *parley.Stakeholder) string { return o.Label(nameOf(a)) }), nil
}

func (r *participationResolver) Stakeholder(ctx context.Context, objs []*parley.Participation) ([]*parley.Stakeholder, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Stakeholders,
		keys(objs, func(p *parley.Participation) storage.Key { return at(p.Lens, &p.StakeholderID) }))
}

func (r *participationResolver) Negotiation(ctx context.Context, objs []*parley.Participation) ([]*parley.Negotiation, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Negotiations,
		keys(objs, func(p *parley.Participation) storage.Key { return at(p.Lens, &p.NegotiationID) }))
}

func (r *participationResolver) VetoIssues(ctx context.Context, objs []*parley.Participation) ([][]*parley.Issue, error) {
	return loadEach(ctx, r.Resolver, (*storage.Snapshot).Issues, objs,
		func(p *parley.Participation) (parley.Lens, []uuid.UUID) { return p.Lens, p.VetoIssueIDs })
}

func (r *Resolver) Participation() graph.ParticipationResolver { return &participationResolver{r} }

type participationResolver struct{ *Resolver }
