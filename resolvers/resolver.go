// Package resolvers answers the API's fields. A resolver is a sentence: it takes its arguments and all parents of a
// list, asks storage once, and hands the result on. Which rules hold is said in package parley.
package resolvers

import (
	"context"
	"reflect"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"parley/feed"
	"parley/storage"
)

// Resolver is what all resolvers share.
type Resolver struct {
	store    *storage.Store
	feed     *feed.Feed
	selected selected
}

// New makes the resolvers over a store and the feed of its changes.
func New(store *storage.Store, feed *feed.Feed) *Resolver {
	return &Resolver{store: store, feed: feed, selected: newSelected()}
}

// operation holds the snapshot that all fields of one response are answered from, and the errors logged of it.
type operation struct {
	mu       sync.Mutex
	snapshot *storage.Snapshot
	logged   []error
}

func (o *operation) isNew(err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !reflect.TypeOf(err).Comparable() {
		return true
	}
	if slices.Contains(o.logged, err) {
		return false
	}
	o.logged = append(o.logged, err)
	return true
}

type operationKey struct{}

// OneSnapshot gives every response, be it to a query, to a mutation or to an event of a subscription, a snapshot of
// its own.
func (r *Resolver) OneSnapshot(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	return next(context.WithValue(ctx, operationKey{}, &operation{snapshot: r.store.Snapshot()}))
}

// FreshSnapshot takes a new snapshot for each mutation of an operation, so that its payload shows what it did.
func (r *Resolver) FreshSnapshot(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation {
		op := ctx.Value(operationKey{}).(*operation)
		op.mu.Lock()
		op.snapshot = r.store.Snapshot()
		op.mu.Unlock()
	}
	return next(ctx)
}

// snapshot is that of the operation.
func (r *Resolver) snapshot(ctx context.Context) *storage.Snapshot {
	op := ctx.Value(operationKey{}).(*operation)
	op.mu.Lock()
	defer op.mu.Unlock()
	return op.snapshot
}
