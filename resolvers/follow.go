package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql/handler/transport"
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
	go func() {
		defer close(events)
		for change := range subscription.Changes {
			select {
			case events <- convert(change):
			case <-ctx.Done():
				return
			}
		}
		if err := subscription.Err(); err != nil {
			transport.AddSubscriptionError(ctx, &gqlerror.Error{Err: err, Message: err.Error(), Extensions: map[string]any{"code": string(parley.Limit)}})
		}
	}()
	return events, nil
}

func (r *Resolver) resolveFilter(ctx context.Context, wanted followed) (parley.FeedFilter, error) {
	s, err := r.store.Snapshot(ctx)
	if err != nil {
		return parley.FeedFilter{}, err
	}
	defer s.Close()
	return wanted(ctx, s)
}
