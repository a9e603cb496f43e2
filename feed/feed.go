// Package feed tails the change feed of one database and fans it out to subscribers.
//
// One goroutine reads the log and waits for nobody. An index of what is subscribed says who is to hear of a change;
// subscribers that want the same changes shown the same way form a cohort, which has its own goroutine while there is
// something to hand on. A view of a change is made once, whoever asks for it. A subscriber that goes on from an earlier
// place reads the log itself until it has come up with the tail, and then joins its cohort: so there is no seam.
package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"example.org/parley"
)

// Log is the feed as it is kept.
type Log interface {
	// Head is the number of the last change.
	Head(ctx context.Context) (int64, error)
	// ChangesAfter are the changes that follow one, oldest first, at most so many: all, or, if records are given, those
	// that touch one of them.
	ChangesAfter(ctx context.Context, seq int64, touching []uuid.UUID, limit int) ([]parley.ChangeEntry, error)
	// Listen receives when there may be more, until the context ends. It may miss some.
	Listen(ctx context.Context) <-chan struct{}
}

// ErrEnded ends the subscriptions of a feed that is shut down.
var ErrEnded = errors.New("the server is shutting down")

// ErrNotNow ends the subscriptions to what can't be shown at the moment, and may be later.
var ErrNotNow = errors.New("what is asked for can't be read at the moment")

// ErrBehind ends the subscriptions whose view takes longer to make than changes take to come, for so long that too many
// wait for it.
var ErrBehind = errors.New("what is asked of each change takes longer than changes take to come")

const (
	// batch is how many changes are read at once.
	batch = 256
	// readers is how many subscribers at a time read the log to catch up, beside the tail.
	readers = 2
)

// Options say how a feed is tailed.
type Options struct {
	// Poll is how often the log is looked at where no hint of a change comes.
	Poll time.Duration
	Log  *slog.Logger
	// Metrics is where the feed's figures are registered; nil: nowhere.
	Metrics prometheus.Registerer
}

// Feed hands every change on to those who subscribed to it, in order.
type Feed struct {
	log     Log
	options Options
	metrics *metrics
	done    chan struct{}
	work    context.Context // of cohorts, and of subscribers that catch up
	working sync.WaitGroup
	reading chan struct{} // what they missed, past the recent changes

	mu     sync.Mutex
	ended  bool
	head   int64 // the last change that was handed on
	recent window
	index  index
	views  map[string]*view
}

// Start begins to tail the log at its head, until the context ends.
func Start(ctx context.Context, log Log, o Options) (*Feed, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return nil, err
	}
	f := &Feed{log: log, options: o, done: make(chan struct{}), work: ctx, reading: make(chan struct{}, readers), head: max(0, head-maxRecent), index: newIndex(), views: make(map[string]*view)}
	// Those who come back to a server that has just begun ask for the same few changes, and share what is made of them.
	if _, err := f.follow(ctx, f.head); err != nil {
		return nil, err
	}
	f.metrics = newMetrics(f)
	go f.tail(ctx)
	return f, nil
}

// Done is closed when the feed has ended and every subscription with it.
func (f *Feed) Done() <-chan struct{} { return f.done }

func (f *Feed) tail(ctx context.Context) {
	defer close(f.done)
	defer f.end()
	more := f.log.Listen(ctx)
	ticker := time.NewTicker(f.options.Poll)
	defer ticker.Stop()
	seq := f.head
	for {
		select {
		case <-ctx.Done():
			return
		case <-more:
		case now := <-ticker.C:
			f.forget(now)
		}
		next, err := f.follow(ctx, seq)
		if err != nil && ctx.Err() == nil {
			f.options.Log.Error("the feed can't be read; trying again", "error", err)
		}
		seq = next
	}
}

// follow hands on all that comes after a change, and returns the number of the last one.
func (f *Feed) follow(ctx context.Context, seq int64) (int64, error) {
	for {
		changes, err := f.log.ChangesAfter(ctx, seq, nil, batch)
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

// handOn gives a change to the cohorts that are to hear of it.
func (f *Feed) handOn(entry parley.ChangeEntry) {
	c := &change{ChangeEntry: entry, seen: time.Now()}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head = c.Seq
	f.recent.add(c)
	f.index.each(c, func(hears *cohort) { hears.push(c) })
}

func (f *Feed) forget(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.recent.forget(now)
}

// end ends every subscription, once nobody is at work for them.
func (f *Feed) end() {
	f.mu.Lock()
	f.ended = true
	var all []*Subscription
	for _, v := range f.views {
		for s := range v.subscriptions {
			all = append(all, s)
		}
	}
	f.mu.Unlock()
	f.working.Wait()
	for _, s := range all {
		s.end(ErrEnded)
	}
}
