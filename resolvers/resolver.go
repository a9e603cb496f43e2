// Package resolvers answers the API's fields. A resolver is a sentence: it takes its arguments and all parents of a
// list, asks storage once, and hands the result on. Which rules hold is said in package parley.
package resolvers

import (
	"context"
	"reflect"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"example.org/parley"
	"example.org/parley/storage"
)

// Resolver is what all resolvers share.
type Resolver struct {
	store    *storage.Store
	selected selected
	shared   *lru.Cache[int64, *storage.Shared] // by the number of the change beneath which it is read
}

// sharing is how many changes may be answered with at one time and still share what is read.
const sharing = 16

// New makes the resolvers over a store.
func New(store *storage.Store) *Resolver {
	shared, err := lru.New[int64, *storage.Shared](sharing)
	if err != nil {
		panic(err) // the size is not positive
	}
	return &Resolver{store: store, selected: newSelected(), shared: shared}
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
	snapshot := r.store.Snapshot()
	if shared, ok := ctx.Value(sharedKey{}).(*storage.Shared); ok {
		snapshot = r.store.SharedSnapshot(shared)
	}
	return next(context.WithValue(ctx, operationKey{}, &operation{snapshot: snapshot}))
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

// viewer is the analyst who asks; nil where nobody is known to.
func viewer(ctx context.Context) *parley.Analyst {
	analyst, ok := parley.CallerOf(ctx)
	if !ok {
		return nil
	}
	return &analyst
}
