package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
)

func (r *mutationResolver) CreateToken(ctx context.Context, input parley.CreateTokenInput) (*graph.CreateTokenPayload, error) {
	made, secret, err := r.store.CreateToken(ctx, input)
	refused, err := refusedBy(err)
	return &graph.CreateTokenPayload{Token: made, Secret: secret, UserErrors: refused}, err
}

func (r *mutationResolver) RevokeToken(ctx context.Context, name string) (*graph.RevokeTokenPayload, error) {
	revoked, err := r.store.RevokeToken(ctx, name)
	refused, err := refusedBy(err)
	return &graph.RevokeTokenPayload{Token: revoked, UserErrors: refused}, err
}

func (r *queryResolver) Tokens(ctx context.Context) ([]*parley.Token, error) {
	return r.store.Tokens(ctx)
}

func (r *queryResolver) AuditLog(ctx context.Context, first int, before *int) ([]*parley.AuditEntry, error) {
	return r.store.AuditLog(ctx, first, before)
}
