package storage

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/lib/pq"
)

// readersAtOnce bounds the reads that run at the same time: the rest wait here rather than in the database.
var readersAtOnce = max(8, 4*runtime.GOMAXPROCS(0))

// feedReadersAtOnce are those who read the feed itself, which must go on whatever is asked: its tail, and two of those
// who catch up with it.
const feedReadersAtOnce = 3

// readPool holds the connections that reads run on. They have them to themselves, so that reads and writes don't wait for
// each other. (It is not database/sql's, which takes a statement through half a dozen locks and starts a goroutine to
// watch its context; the driver starts another. Together they are a fifth of what a short read costs.)
type readPool struct {
	config  pq.Config
	timeout time.Duration
	slots   chan struct{} // one taken for each connection in use

	mu     sync.Mutex
	idle   []*readConnection // the one used last is the next, since it is the one in everybody's caches
	closed bool
}

func newReadPool(config pq.Config, timeout time.Duration, atOnce int) *readPool {
	return &readPool{config: config, timeout: timeout, slots: make(chan struct{}, atOnce)}
}

// query runs a statement whose every row is one value made by record_send. When the context ends, so does the statement.
func (p *readPool) query(ctx context.Context, text string, args []any, each func(row)) error {
	values, err := driverValues(args)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // rather than hang up on a connection that is good
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		c, used, err := p.take(ctx)
		if err != nil {
			return err
		}
		begun := false
		err = c.query(ctx, text, values, func(r row) {
			begun = true
			each(r)
		})
		p.give(c)
		if used && !begun && c.lost && ctx.Err() == nil {
			continue // it was lost while it was idle
		}
		return err
	}
}

// take takes a connection, and says whether it was used before.
func (p *readPool) take(ctx context.Context) (c *readConnection, used bool, err error) {
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
	if c, err = connectToRead(ctx, p.config, p.timeout); err != nil {
		return nil, false, fmt.Errorf("connect to read: %w", err)
	}
	return c, false, nil
}

// give takes a connection back, if it is still good for anything.
func (p *readPool) give(c *readConnection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		c.hangUp()
	case !c.lost:
		p.idle = append(p.idle, c)
	}
}

func (p *readPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.hangUp()
	}
	p.idle = nil
}

// driverValues are arguments in the forms that drivers take.
func driverValues(args []any) ([]driver.NamedValue, error) {
	values := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		value, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
	}
	return values, nil
}
