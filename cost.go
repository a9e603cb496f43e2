package parley

import (
	"context"
	"sync"
)

// Cost counts what answering an operation costs, while it is answered: one for each value of a field, and for each
// position, or cell of a matrix, that an analysis reads. What is on record decides, and not how long pages may be. A nil
// *Cost counts nothing.
type Cost struct {
	limit int
	place func(context.Context) string

	mu      sync.Mutex
	spent   int
	most    int             // that was spent at one place
	dearest context.Context // which place that is
}

// NewCost returns a count with a limit. place names the place in the operation at which something is read.
func NewCost(limit int, place func(context.Context) string) *Cost {
	return &Cost{limit: limit, place: place}
}

// Spend counts what a place in the operation costs. A fault says that it is too much, and what was the dearest.
func (c *Cost) Spend(ctx context.Context, n int) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spent += n
	if n > c.most {
		c.most, c.dearest = n, ctx
	}
	return c.tooMuch()
}

// TooMuch returns the fault of an operation that costs more than its limit, else nil.
func (c *Cost) TooMuch() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tooMuch()
}

func (c *Cost) tooMuch() error {
	if c.spent <= c.limit {
		return nil
	}
	return NewFault(Limit, "The operation costs more than %d, which is the limit: %d so far, most of it at %s (%d). Ask for smaller "+
		"pages (first), narrower filters or fewer levels at once.", c.limit, c.spent, c.place(c.dearest), c.most)
}

// Report returns what was spent, and the limit.
func (c *Cost) Report() (spent, limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spent, c.limit
}

// CostKey is the key under which a context has the *Cost of the operation.
type CostKey struct{}

// CostOf returns the count of the operation; nil if it is not counted.
func CostOf(ctx context.Context) *Cost {
	c, _ := ctx.Value(CostKey{}).(*Cost)
	return c
}
