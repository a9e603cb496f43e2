package resolvers

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"example.org/parley"
)

// Bounds are what an operation may cost, and how long a query may take.
type Bounds struct {
	Cost int
	Time time.Duration
	// PerMinute is what all operations of a caller may cost in a minute; 0: it is not bounded.
	PerMinute int
}

// DefaultBounds admit a whole negotiation with all positions and their evidence.
var DefaultBounds = Bounds{Cost: 1_000_000, Time: 10 * time.Second}

// Costs of what takes longer than its values.
const (
	searchCost  = 5_000 // a search may rank several thousand texts
	bytesPerOne = 50    // of the texts of sources
)

// maxNodes is how many objects may be fetched by their ids at once.
const maxNodes = 100

// bounded answers an operation within its bounds, and says what it cost if it goes beyond them, or if it is asked to. A query that goes
// beyond them has no answer but the reason. A mutation has been carried out by then, so its answer lacks only what was not read.
func (r *Resolver) bounded(ctx context.Context, own *operation, next graphql.ResponseHandler) *graphql.Response {
	if !graphql.HasOperationContext(ctx) || graphql.GetOperationContext(ctx).Operation == nil { // the request is refused
		return next(answering{ctx, own})
	}
	op, asked := graphql.GetOperationContext(ctx).Operation, graphql.GetOperationContext(ctx).Extensions["cost"] == true
	cost := parley.NewCost(r.bounds.Cost, func(ctx context.Context) string {
		return cmp.Or(graphql.GetPath(ctx).String(), "its root")
	})
	own.cost = cost
	if op.Operation == ast.Subscription {
		return next(answering{ctx, own})
	}
	quota := r.quotas.of(ctx)
	if refused := r.quotas.spentUp(quota); refused != nil {
		return refused
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := func() {}
	defer func() { done() }()
	own.hurry = sync.OnceFunc(func() { done = r.deadline.Begin(func() { cancel(r.tooSlow) }) })
	if op.Operation == ast.Mutation {
		response := next(answering{ctx, own})
		if left := r.quotas.charge(quota, cost); asked || cost.TooMuch() != nil {
			report(response, cost, left)
		}
		return response
	}
	own.hurry()
	response := next(answering{ctx, own})
	fault := cost.TooMuch()
	if fault == nil && context.Cause(ctx) == r.tooSlow {
		fault = r.tooSlow
	}
	if fault != nil && response != nil {
		response.Data, response.Errors = nil, nil
		refusal := &parley.Fault{}
		errors.As(fault, &refusal)
		response.Errors = append(response.Errors, faulted(refusal))
	}
	if left := r.quotas.charge(quota, cost); asked || fault != nil {
		report(response, cost, left)
	}
	return response
}

// report adds to a response what it cost, and what the caller may still be answered; nil: that is not bounded.
func report(response *graphql.Response, cost *parley.Cost, left *Quota) {
	if response == nil {
		return
	}
	if response.Extensions == nil {
		response.Extensions = make(map[string]any)
	}
	spent, limit := cost.Report()
	response.Extensions["cost"] = map[string]int{"spent": spent, "limit": limit}
	if left != nil {
		response.Extensions[QuotaKey] = *left
	}
}
