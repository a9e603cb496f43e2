package resolvers

import (
	"context"
	"math"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"example.org/parley"
)

// quotas bound what each caller is answered in a minute, by what operations cost. A caller is an analyst, whatever token is shown.
type quotas struct {
	perMinute int // 0: there is no bound
	callers   *lru.Cache[uuid.UUID, *rate.Limiter]
}

func newQuotas(perMinute int) quotas {
	callers, err := lru.New[uuid.UUID, *rate.Limiter](10_000)
	if err != nil {
		panic(err) // the size is not positive
	}
	return quotas{perMinute, callers}
}

// of is the caller's; nil: there is no bound.
func (q quotas) of(ctx context.Context) *rate.Limiter {
	caller, known := parley.CallerOf(ctx)
	if !known || q.perMinute == 0 {
		return nil
	}
	limiter, known := q.callers.Get(caller.ID)
	if !known {
		limiter = rate.NewLimiter(rate.Limit(float64(q.perMinute)/60), q.perMinute)
		q.callers.Add(caller.ID, limiter)
	}
	return limiter
}

// QuotaKey is the extension of a response that says what the caller may still be answered.
const QuotaKey = "quota"

// Quota is what a caller may still be answered.
type Quota struct {
	PerMinute int `json:"perMinute"`
	Left      int `json:"left"`
	// RetryAfter is in how many seconds the caller may ask again; 0: at once.
	RetryAfter int `json:"retryAfter"`
}

// spentUp refuses a caller who has been answered too much; nil: that is not so.
func (q quotas) spentUp(limiter *rate.Limiter) *graphql.Response {
	if limiter == nil || limiter.Tokens() > 0 {
		return nil
	}
	left := q.left(limiter)
	fault := parley.NewFault(parley.Limit, "You have been answered what costs %d within a minute, which is the limit; ask again in %d seconds.",
		q.perMinute, left.RetryAfter).(*parley.Fault)
	response := &graphql.Response{Extensions: map[string]any{QuotaKey: left}}
	response.Errors = append(response.Errors, faulted(fault))
	return response
}

func (q quotas) left(limiter *rate.Limiter) Quota {
	tokens := limiter.Tokens()
	left := Quota{PerMinute: q.perMinute, Left: max(0, int(tokens))}
	if tokens <= 0 {
		left.RetryAfter = int(math.Ceil((1 - tokens) / float64(limiter.Limit())))
	}
	return left
}

// charge counts what an operation cost, and returns what is left; nil: there is no bound. It may cost more than was left; then the caller
// waits longer.
func (q quotas) charge(limiter *rate.Limiter, cost *parley.Cost) *Quota {
	if limiter == nil {
		return nil
	}
	spent, _ := cost.Report()
	limiter.ReserveN(time.Now(), min(spent, q.perMinute))
	left := q.left(limiter)
	return &left
}
