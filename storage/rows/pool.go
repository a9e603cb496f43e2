package rows

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lib/pq"

	"example.org/parley/internal/turns"
)

// Pool holds the connections that reads run on. Writes use other connections, so that the two don't wait for each
// other. It is not database/sql's pool, which takes a statement through half a dozen locks and starts a goroutine to
// watch its context, as the driver does once more: together a fifth of what a short read costs (docs/adr/0006).
type Pool struct {
	config  pq.Config
	options PoolOptions
	turns   *turns.Turns // to use a connection

	mu     sync.Mutex
	idle   []*connection // the one used last is taken first, since caches still hold what it needs
	closed bool
}

// PoolOptions say how statements run.
type PoolOptions struct {
	Timeout     time.Duration // how long one may take
	LockTimeout time.Duration // how long it may wait for locks
	// Unprepared says of a new connection whether none may be prepared on it, since a pooler gives each another server process.
	Unprepared func(context.Context) (bool, error)
	Lost       func() // is called when a connection was lost
	Took       Took   // is called after each statement
}

// PoolUse is how the connections of a pool are used.
type PoolUse struct {
	turns.Use     // of connections
	Idle      int // connections that nobody uses at present
}

// Use says how the connections are used.
func (p *Pool) Use() PoolUse {
	p.mu.Lock()
	idle := len(p.idle)
	p.mu.Unlock()
	return PoolUse{p.turns.Use(), idle}
}

// NewPool makes a pool of so many connections at most.
func NewPool(config pq.Config, o PoolOptions, atOnce int) *Pool {
	return &Pool{config: config, options: o, turns: turns.New(atOnce)}
}

// Query runs a statement whose every row is one value made by record_send. When the context ends, so does the
// statement.
func (p *Pool) Query(ctx context.Context, text string, args []any, each func(Row)) error {
	values, err := driverValues(args)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // a statement begun in vain would cost a good connection
	}
	turn, err := p.turns.Take(ctx, 0)
	if err != nil {
		return err
	}
	defer turn.End()
	for {
		c, used, err := p.take(ctx)
		if err != nil {
			return err
		}
		rows := 0
		err = p.options.Took.Watched(ctx, text, func() (int, error) {
			err := c.query(ctx, text, values, func(r Row) {
				rows++
				each(r)
			})
			return rows, err
		})
		p.give(c)
		if c.lost && ctx.Err() == nil {
			p.options.Lost()
		}
		if used && rows == 0 && c.lost && ctx.Err() == nil {
			continue // the connection was lost while it was idle
		}
		return err
	}
}

// take takes an idle connection or opens one. It says whether the connection was used before.
func (p *Pool) take(ctx context.Context) (c *connection, used bool, err error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c, p.idle = p.idle[n-1], p.idle[:n-1]
	}
	closed := p.closed
	p.mu.Unlock()
	switch {
	case closed:
		return nil, false, errors.New("the database is closed")
	case c != nil:
		return c, true, nil
	}
	if c, err = connect(ctx, p.config, p.options); err != nil {
		return nil, false, fmt.Errorf("connect to read: %w", err)
	}
	return c, false, nil
}

// give takes a connection back, unless it was lost.
func (p *Pool) give(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		c.close()
	case !c.lost:
		p.idle = append(p.idle, c)
	}
}

// Close closes the connections. One that is in use is closed when its statement ends.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.close()
	}
	p.idle = nil
}
