// Package resolvers answers the API's fields. A resolver is a sentence: it takes its arguments and all parents of a
// list, asks storage once, and hands the result on. Which rules hold is said in package parley.
package resolvers

import (
	"context"
	"errors"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"parley/feed"
	"parley/storage"
)

// Resolver is what all resolvers share.
type Resolver struct {
	store *storage.Store
	feed  *feed.Feed
}

// New makes the resolvers over a store and the feed of its changes.
func New(store *storage.Store, feed *feed.Feed) *Resolver {
	return &Resolver{store: store, feed: feed}
}

// operation holds the snapshot that all fields of one operation are answered from; it is opened when the first of them
// asks, so that a subscription waiting for its next event holds none.
type operation struct {
	mu       sync.Mutex
	snapshot *storage.Snapshot
}

type operationKey struct{}

// OneSnapshot gives every response, be it to a query, to a mutation or to an event of a subscription, a snapshot of
// its own.
func (r *Resolver) OneSnapshot(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	op := &operation{}
	defer op.close()
	return next(context.WithValue(ctx, operationKey{}, op))
}

// FreshSnapshot lets go of the snapshot before each mutation of an operation: it shows nothing of what comes, and its
// connection may be the one that the writers wait for.
func (r *Resolver) FreshSnapshot(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	op, ok := ctx.Value(operationKey{}).(*operation)
	if ok && graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation {
		op.close()
	}
	return next(ctx)
}

// snapshot is that of the operation.
func (r *Resolver) snapshot(ctx context.Context) (*storage.Snapshot, error) {
	op, ok := ctx.Value(operationKey{}).(*operation)
	if !ok {
		return nil, errors.New("no snapshot: the resolver runs outside an operation")
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.snapshot == nil {
		snapshot, err := r.store.Snapshot(ctx)
		if err != nil {
			return nil, err
		}
		op.snapshot = snapshot
	}
	return op.snapshot, nil
}

func (o *operation) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.snapshot != nil {
		o.snapshot.Close()
		o.snapshot = nil
	}
}
