package resolvers

import (
	"context"
	"errors"

	"example.org/parley"
	"example.org/parley/graph/level"
	"example.org/parley/storage"
)

// Followed says which changes a subscription wants. The resolver only fills it in; the caller delivers the changes.
// This way a subscription needs no goroutine of its own, and many clients share one answer to a change.
type Followed struct {
	Filter parley.FeedFilter
	After  int64         // number of the change to resume after
	Cursor parley.Cursor // cursor of that change; empty: the resolver did not run, or failed
	event  func(parley.ChangeEntry) any
}

type (
	followedKey struct{}
	resumeKey   struct{}
	sharedKey   struct{}
)

// Following returns a context in which a subscription's resolver fills in the Followed.
func Following(ctx context.Context) (context.Context, *Followed) {
	f := &Followed{}
	return context.WithValue(ctx, followedKey{}, f), f
}

// Resuming returns a context in which a subscription resumes after the cursor, whatever `after` its document gives.
func Resuming(ctx context.Context, after parley.Cursor) context.Context {
	return context.WithValue(ctx, resumeKey{}, after)
}

// With returns the context for answering a subscription with a change. All answers to one change share what they read.
func (r *Resolver) With(ctx context.Context, f *Followed, change parley.ChangeEntry) context.Context {
	shared := &storage.Shared{}
	if known, ok, _ := r.shared.PeekOrAdd(change.Cursor, shared); ok {
		shared = known
	}
	return level.WithEvent(context.WithValue(ctx, sharedKey{}, shared), f.event(change))
}

// followed returns the filter of a subscription. The snapshot resolves the records that it names.
type followed func(context.Context, *storage.Snapshot) (parley.FeedFilter, error)

func changeFilter(filter *parley.ChangeFilter) followed {
	return func(ctx context.Context, s *storage.Snapshot) (parley.FeedFilter, error) {
		return s.FeedFilter(ctx, filter)
	}
}

// moves narrows a subscription to changes of one kind of fact: statuses or positions.
func moves(kind parley.Kind, filter *parley.ChangeFilter) followed {
	return func(ctx context.Context, s *storage.Snapshot) (parley.FeedFilter, error) {
		match, err := s.FeedFilter(ctx, filter)
		match.Moves = kind
		return match, err
	}
}

// follow fills in the Followed of a subscription. The returned channel is nil: events come with the context (see With).
func follow[T any](
	ctx context.Context, r *Resolver, wanted followed, after *parley.Cursor, event func(parley.ChangeEntry) T,
) (_ <-chan T, err error) {
	f, ok := ctx.Value(followedKey{}).(*Followed)
	if !ok {
		return nil, errors.New("the transport of this subscription can't push changes")
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
