package resolvers

import (
	"context"
	"errors"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"parley"
	"parley/storage"
)

// followed says which changes a subscription wants, given a snapshot to find what its filter names.
type followed func(context.Context, *storage.Snapshot) (parley.FeedFilter, error)

func changeFilter(filter *parley.ChangeFilter) followed {
	return func(ctx context.Context, s *storage.Snapshot) (parley.FeedFilter, error) {
		return s.FeedFilter(ctx, filter)
	}
}

// moves narrows a subscription to the moves of one kind of fact.
func moves(kind parley.Kind, filter *parley.ChangeFilter) followed {
	return func(ctx context.Context, s *storage.Snapshot) (parley.FeedFilter, error) {
		match, err := s.FeedFilter(ctx, filter)
		match.Moves = kind
		return match, err
	}
}

// follow subscribes to the feed, until the client leaves or the subscription ends; the client is then told why.
func follow[T any](ctx context.Context, r *Resolver, wanted followed, convert func(parley.ChangeEntry) T) (<-chan T, error) {
	filter, err := r.resolveFilter(ctx, wanted)
	if err != nil {
		return nil, err
	}
	subscription, err := r.feed.Subscribe(ctx, filter)
	if err != nil {
		return nil, err
	}
	events := make(chan T)
	followers, _ := ctx.Value(followersKey{}).(*sync.WaitGroup)
	if followers == nil {
		return nil, errors.New("no followers: the subscription runs outside an operation")
	}
	followers.Go(func() {
		defer close(events)
		for change := range subscription.Changes {
			select {
			case events <- convert(change):
			case <-ctx.Done():
				return
			}
		}
		if err := subscription.Err(); err != nil && ctx.Err() == nil { // a client that has left needs no reason
			transport.AddSubscriptionError(ctx, &gqlerror.Error{Err: err, Message: err.Error(), Extensions: map[string]any{"code": string(parley.Limit)}})
		}
	})
	return events, nil
}

type followersKey struct{}

// AwaitFollowers ends an operation only when all that follows the feed for it has ended: gqlgen looks for the reason of
// the end then, and a client may leave at the very moment that one is given.
func AwaitFollowers(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if graphql.GetOperationContext(ctx).Operation.Operation != ast.Subscription {
		return next(ctx)
	}
	var followers sync.WaitGroup
	respond := next(context.WithValue(ctx, followersKey{}, &followers))
	return func(ctx context.Context) *graphql.Response {
		response := respond(ctx)
		if response == nil {
			followers.Wait()
		}
		return response
	}
}

func (r *Resolver) resolveFilter(ctx context.Context, wanted followed) (parley.FeedFilter, error) {
	return wanted(ctx, r.store.Snapshot())
}
