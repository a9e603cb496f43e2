// Package resolvers answers the fields of the API. A resolver takes its arguments and all objects of a level, calls
// storage once, and returns the result. The rules of negotiations are in package parley.
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
	"example.org/parley/graph/level"
	"example.org/parley/internal/deadline"
	"example.org/parley/internal/turns"
	"example.org/parley/storage"
)

// Resolver has what all resolvers share.
type Resolver struct {
	bounds   Bounds // of each operation
	quotas   quotas // of all operations of a caller
	tooSlow  error  // the fault of one that takes longer
	deadline *deadline.Deadline
	store    *storage.Store
	selected selected
	shared   *lru.Cache[parley.Cursor, *storage.Shared] // by the cursor of the change that is answered with
}

// sharing is the number of changes whose answers share reads at one time.
const sharing = 16

// New returns the resolvers over a store, with the bounds of each operation.
func New(store *storage.Store, bounds Bounds) *Resolver {
	shared, err := lru.New[parley.Cursor, *storage.Shared](sharing)
	if err != nil {
		panic(err) // the size is not positive
	}
	return &Resolver{
		bounds: bounds, quotas: newQuotas(bounds.PerMinute),
		tooSlow: parley.NewFault(parley.Limit,
			"The operation took longer than %s; ask for smaller pages (first or last), narrower filters or less at once.", bounds.Time),
		deadline: deadline.New(bounds.Time), store: store, selected: newSelected(), shared: shared,
	}
}

// operation has the snapshot that answers all fields of one response, and the errors that were logged for it.
type operation struct {
	mu       sync.Mutex
	snapshot *storage.Snapshot
	logged   []error
	cost     *parley.Cost
	hurry    func() // from now on, the time of a query is counted
	task     turns.Task
}

// answering is the context of an operation that is being answered. All that it carries is one step away: every field
// looks some of it up.
type answering struct {
	context.Context
	*operation
}

// Value returns what the operation carries, or what the context above has.
func (a answering) Value(key any) any {
	switch key.(type) {
	case operationKey:
		return a.operation
	case parley.CostKey, level.BudgetKey:
		return a.cost
	case turns.TaskKey:
		return &a.task
	}
	return a.Context.Value(key)
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

// OneSnapshot gives every response a snapshot of its own: to a query, a mutation, or an event of a subscription.
func (r *Resolver) OneSnapshot(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	snapshot := r.store.Snapshot()
	if shared, ok := ctx.Value(sharedKey{}).(*storage.Shared); ok {
		snapshot = r.store.SharedSnapshot(shared)
	}
	op := &operation{snapshot: snapshot}
	defer op.task.End()
	return r.bounded(ctx, op, next)
}

// FreshSnapshot takes a new snapshot for each mutation of an operation, so that its payload shows its effect. What the
// payload queries has to be read in the time of a query.
func (r *Resolver) FreshSnapshot(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	op, isOperation := ctx.Value(operationKey{}).(*operation)
	switch {
	case !isOperation:
	case graphql.GetRootFieldContext(ctx).Field.ObjectDefinition.Name == "Mutation":
		op.mu.Lock()
		op.snapshot = op.snapshot.Anew()
		op.mu.Unlock()
	case graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation:
		op.hurry()
	}
	return next(ctx)
}

// snapshot returns the snapshot of the operation.
func (r *Resolver) snapshot(ctx context.Context) *storage.Snapshot {
	op := ctx.Value(operationKey{}).(*operation)
	op.mu.Lock()
	defer op.mu.Unlock()
	return op.snapshot
}

// viewer returns the analyst who makes the request; nil where nobody is known to.
func viewer(ctx context.Context) *parley.Analyst {
	analyst, ok := parley.CallerOf(ctx)
	if !ok {
		return nil
	}
	return &analyst
}
