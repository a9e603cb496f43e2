package resolvers

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"example.org/parley"
)

// quotas bound what each caller is answered in a minute, by what operations cost. A caller is an analyst, whatever token is shown. (A
// limiter of golang.org/x/time forgets what an operation cost beyond its bound, which is known only afterwards.)
type quotas struct {
	perMinute int // 0: there is no bound
	callers   *lru.Cache[uuid.UUID, *debt]
}

// debt is what a caller was answered of late. It is paid off steadily.
type debt struct {
	mu   sync.Mutex
	cost float64
	at   time.Time
}

func newQuotas(perMinute int) quotas {
	callers, err := lru.New[uuid.UUID, *debt](10_000)
	if err != nil {
		panic(err) // the size is not positive
	}
	return quotas{perMinute, callers}
}

// of is the caller's; nil: there is no bound.
func (q quotas) of(ctx context.Context) *debt {
	caller, known := parley.CallerOf(ctx)
	if !known || q.perMinute == 0 {
		return nil
	}
	own, known := q.callers.Get(caller.ID)
	if !known {
		own = &debt{at: time.Now()}
		if before, there, _ := q.callers.PeekOrAdd(caller.ID, own); there {
			own = before
		}
	}
	return own
}

// add counts what an operation cost, and returns what is owed then.
func (q quotas) add(d *debt, cost int) float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.cost = max(0, d.cost-now.Sub(d.at).Minutes()*float64(q.perMinute)) + float64(cost)
	d.at = now
	return d.cost
}

// QuotaKey is the extension of a response that says what the caller may still be answered.
const QuotaKey = "quota"

// Quota is what a caller may still be answered.
type Quota struct {
	PerMinute int `json:"perMinute"`
	Left      int `json:"left"`
	// RetryAfter is in how many seconds the caller may ask again; 0: the response is no refusal.
	RetryAfter int `json:"retryAfter,omitempty"`
}

func (q quotas) left(owed float64) Quota {
	return Quota{PerMinute: q.perMinute, Left: max(0, q.perMinute-int(math.Ceil(owed)))}
}

// spentUp refuses a caller who has been answered too much; nil: that is not so.
func (q quotas) spentUp(d *debt) *graphql.Response {
	if d == nil {
		return nil
	}
	owed := q.add(d, 0)
	if owed < float64(q.perMinute) {
		return nil
	}
	quota := q.left(owed)
	quota.RetryAfter = 1 + int((owed-float64(q.perMinute))*60/float64(q.perMinute))
	fault := parley.NewFault(parley.Limit, "You have been answered what costs more than %d a minute, which is the limit; ask again in %d seconds.",
		q.perMinute, quota.RetryAfter).(*parley.Fault)
	response := &graphql.Response{Extensions: map[string]any{QuotaKey: quota}}
	response.Errors = append(response.Errors, faulted(fault))
	return response
}

// charge counts what an operation cost, and returns what is left; nil: there is no bound. It may cost more than was left: then the caller
// waits longer.
func (q quotas) charge(d *debt, cost *parley.Cost) *Quota {
	if d == nil {
		return nil
	}
	spent, _ := cost.Report()
	left := q.left(q.add(d, spent))
	return &left
}
