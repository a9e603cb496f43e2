package resolvers

import (
	"context"
	"errors"

	"example.org/parley"
	"example.org/parley/graph/level"
	"example.org/parley/storage"
)

// Followed is what a subscription asks for, as its resolver finds it: changes to come, which the resolver leaves to
// whoever has them. Many clients are answered with one change at a time, and each alone would cost a goroutine.
type Followed struct {
	Filter parley.FeedFilter
	After  int64         // the number of the change that it goes on from
	Cursor parley.Cursor // of that; empty while nothing was found to follow
	event  func(parley.ChangeEntry) any
}

type (
	followedKey struct{}
	resumeKey   struct{}
	sharedKey   struct{}
)

// Following gives a subscription's resolver the place for what it asks for.
func Following(ctx context.Context) (context.Context, *Followed) {
	f := &Followed{}
	return context.WithValue(ctx, followedKey{}, f), f
}

// Resuming has a subscription go on from a cursor, whatever its document says.
func Resuming(ctx context.Context, after parley.Cursor) context.Context {
	return context.WithValue(ctx, resumeKey{}, after)
}

// With is the context for the answer to a subscription with a change. All answers with it share what they read.
func (r *Resolver) With(ctx context.Context, f *Followed, change parley.ChangeEntry) context.Context {
	shared := &storage.Shared{}
	if known, ok, _ := r.shared.PeekOrAdd(change.Seq, shared); ok {
		shared = known
	}
	return level.WithEvent(context.WithValue(ctx, sharedKey{}, shared), f.event(change))
}

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

// follow says what a subscription follows. The channel is nil: the events come with the context (see With).
func follow[T any](ctx context.Context, r *Resolver, wanted followed, after *parley.Cursor, event func(parley.ChangeEntry) T) (_ <-chan T, err error) {
	f, ok := ctx.Value(followedKey{}).(*Followed)
	if !ok {
		return nil, errors.New("nobody follows: the subscription came by a transport that can't push")
	}
	if resume, ok := ctx.Value(resumeKey{}).(parley.Cursor); ok {
		after = &resume
	}
	snapshot := r.store.Snapshot()
	f.event = func(e parley.ChangeEntry) any { return event(e) }
	if f.Filter, err = wanted(ctx, snapshot); err != nil {
		return nil, err
	}
	f.After, f.Cursor, err = snapshot.Place(ctx, after)
	return nil, err
}
