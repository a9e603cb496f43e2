// Package feed tails the change feed of one database and fans it out to subscribers.
package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"parley"
)

// Log is the feed as it is kept.
type Log interface {
	// Head is the number of the last change.
	Head(ctx context.Context) (int64, error)
	// ChangesAfter are the changes that follow one, oldest first, at most so many.
	ChangesAfter(ctx context.Context, seq int64, limit int) ([]parley.ChangeEntry, error)
	// Listen receives when there may be more, until the context ends. It may miss some.
	Listen(ctx context.Context) <-chan struct{}
}

// ErrLagging ends a subscription whose subscriber took its changes more slowly than they came.
var ErrLagging = errors.New("you read more slowly than changes come; subscribe again, and read what you missed from changes after the last cursor you saw")

// ErrEnded ends the subscriptions of a feed that is shut down.
var ErrEnded = errors.New("the server is shutting down; subscribe again")

const (
	// queue is how many changes may wait for one subscriber.
	queue = 256
	// batch is how many changes are read at once.
	batch = 256
)

// Feed hands every change on to those who subscribed to it, in order. One goroutine reads the log and waits for nobody.
type Feed struct {
	log    Log
	logger *slog.Logger
	poll   time.Duration
	done   chan struct{}

	mu          sync.Mutex
	ended       bool
	subscribers map[*Subscription]struct{}
}

// Start begins to tail the log at its head, until the context ends. Where no hints come, it looks again every poll.
func Start(ctx context.Context, log Log, poll time.Duration, logger *slog.Logger) (*Feed, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return nil, err
	}
	f := &Feed{log: log, logger: logger, poll: poll, done: make(chan struct{}), subscribers: make(map[*Subscription]struct{})}
	go f.tail(ctx, head)
	return f, nil
}

// Done is closed when the feed has ended and every subscription with it.
func (f *Feed) Done() <-chan struct{} { return f.done }

// Subscription receives the changes that match a filter, from the moment of subscribing on.
type Subscription struct {
	// Changes is closed when the subscription ends; Err then says why.
	Changes <-chan parley.ChangeEntry

	changes chan parley.ChangeEntry
	filter  parley.FeedFilter
	after   int64
	err     error
}

// Err says why the subscription ended; nil when its context did.
func (s *Subscription) Err() error { return s.err }

// Subscribe begins a subscription that lasts until the context ends.
func (f *Feed) Subscribe(ctx context.Context, filter parley.FeedFilter) (*Subscription, error) {
	head, err := f.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	changes := make(chan parley.ChangeEntry, queue)
	s := &Subscription{Changes: changes, changes: changes, filter: filter, after: head}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return nil, ErrEnded
	}
	f.subscribers[s] = struct{}{}
	context.AfterFunc(ctx, func() { f.end(s, nil) })
	return s, nil
}

// end takes a subscriber out. Ending it again does nothing.
func (f *Feed) end(s *Subscription, why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.endLocked(s, why)
}

func (f *Feed) endLocked(s *Subscription, why error) {
	if _, there := f.subscribers[s]; !there {
		return
	}
	delete(f.subscribers, s)
	s.err = why
	close(s.changes)
}

func (f *Feed) tail(ctx context.Context, seq int64) {
	defer close(f.done)
	defer f.endAll()
	more := f.log.Listen(ctx)
	ticker := time.NewTicker(f.poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-more:
		case <-ticker.C:
		}
		next, err := f.catchUp(ctx, seq)
		if err != nil && ctx.Err() == nil {
			f.logger.Error("the feed can't be read; trying again", "error", err)
		}
		seq = next
	}
}

// catchUp hands on all that follows a change, and returns the number of the last one.
func (f *Feed) catchUp(ctx context.Context, seq int64) (int64, error) {
	for {
		changes, err := f.log.ChangesAfter(ctx, seq, batch)
		if err != nil {
			return seq, err
		}
		for _, c := range changes {
			if c.Seq != seq+1 {
				return seq, fmt.Errorf("change %d follows %d in the feed, which has no holes", c.Seq, seq)
			}
			f.handOn(c)
			seq = c.Seq
		}
		if len(changes) < batch {
			return seq, nil
		}
	}
}

func (f *Feed) handOn(c parley.ChangeEntry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.subscribers {
		if c.Seq <= s.after || !s.filter.Matches(c) {
			continue
		}
		select {
		case s.changes <- c:
		default:
			f.endLocked(s, ErrLagging)
		}
	}
}

func (f *Feed) endAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	for s := range f.subscribers {
		f.endLocked(s, ErrEnded)
	}
}
