// Package feed tails the change feed of one database and fans it out to subscribers.
//
// One goroutine reads the log and waits for no subscriber. An index finds the cohorts whose filter matches a change. A
// cohort is the set of subscriptions that have the same filter and the same view; while it has changes to deliver, it
// has its own goroutine. A view of a change is made once and shared by all subscribers that ask for it. A subscriber
// that resumes from an earlier cursor reads the log itself until it reaches the tail, and then joins its cohort. It
// neither misses a change nor receives one twice.
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

// Log is the stored feed.
type Log interface {
	// Head returns the number of the last change. It reads anew what the log knows of its history.
	Head(ctx context.Context) (int64, error)
	// Continues reports whether the log still has a change, so that what follows continues it. A log that is not up to date
	// yet, and lacks the change for that reason, continues it too.
	Continues(ctx context.Context, last parley.ChangeEntry) (bool, error)
	// ChangesAfter returns the changes after seq, oldest first, at most limit of them. With touching it returns only
	// changes that touch one of these records; nil means all changes.
	ChangesAfter(ctx context.Context, seq int64, touching []uuid.UUID, limit int) ([]parley.ChangeEntry, error)
	// FindMoves fills in the moves of changes, by which followers of parties are found.
	FindMoves(ctx context.Context, changes []parley.ChangeEntry) error
	// Listen returns a channel that receives when there may be new changes, until the context ends. It may miss some.
	Listen(ctx context.Context) <-chan struct{}
}

// ErrEnded ends the subscriptions of a feed that is shut down.
var ErrEnded = errors.New("the server is shutting down")

// ErrOtherHistory ends the subscriptions of a feed whose log has lost changes that were passed on: by a restored backup,
// or a failover to a database that lagged behind.
var ErrOtherHistory = errors.New("changes that were sent are no longer on record")

// ErrNotNow ends subscriptions whose changes can't be shown at the moment but may be shown later.
var ErrNotNow = errors.New("the selected fields can't be read at the moment")

// ErrBehind ends subscriptions whose view takes longer to make than changes take to arrive, once too many changes wait
// for it.
var ErrBehind = errors.New("the selected fields take longer to read than changes take to arrive")

const (
	// batch is how many changes one read returns at most.
	batch = 256
	// readers is how many subscribers may read the log at a time to catch up. The tail reads beside them.
	readers = 2
)

// Options configure a feed.
type Options struct {
	// Poll is how often the log is read when no notification arrives.
	Poll time.Duration
	Log  *slog.Logger
	// Metrics is where the feed registers its metrics. Nil means nowhere.
	Metrics prometheus.Registerer
}

// Feed delivers every change to the subscriptions whose filter matches it, in order.
type Feed struct {
	log     Log
	options Options
	metrics *metrics
	done    chan struct{}
	work    context.Context // ends the work of cohorts and of subscribers that catch up
	working sync.WaitGroup
	reading chan struct{} // slots for subscribers that read the log to catch up

	mu     sync.Mutex
	ended  bool
	head   int64 // the last change that was passed to the cohorts
	recent window
	index  index
	views  map[string]*view
}

// Start starts to tail the log at its head, until the context ends. It returns an error if the log can't be read.
func Start(ctx context.Context, log Log, o Options) (*Feed, error) {
	f := &Feed{
		log:     log,
		options: o,
		done:    make(chan struct{}),
		work:    ctx,
		reading: make(chan struct{}, readers),
		index:   newIndex(),
		views:   make(map[string]*view),
	}
	begin, err := f.begin(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := f.follow(ctx, begin); err != nil {
		return nil, err
	}
	f.metrics = newMetrics(f)
	go f.tail(ctx)
	return f, nil
}

// begin returns the number of the change after which the log is to be followed: some changes before its end, since clients
// that reconnect to a freshly started server ask for the same few changes and share their views.
func (f *Feed) begin(ctx context.Context) (int64, error) {
	head, err := f.log.Head(ctx)
	if err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head, f.recent = max(0, head-maxRecent), window{}
	return f.head, nil
}

// Done returns a channel that is closed when the feed and all its subscriptions have ended.
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
		if errors.Is(err, ErrOtherHistory) {
			f.options.Log.Error("the database has lost changes that were sent to subscribers, or its feed has a new name: it was restored, "+
				"or a server took over that lagged behind; subscribers have to connect again", "change", seq)
			var begin int64
			if begin, err = f.begin(ctx); err == nil {
				f.endAll(ErrOtherHistory)
				next, err = f.follow(ctx, begin)
			}
		}
		if err != nil && ctx.Err() == nil {
			f.options.Log.Error("the feed can't be read; it is read again shortly", "error", err)
		}
		seq = next
	}
}

// follow passes on all changes after seq and returns the number of the last one.
func (f *Feed) follow(ctx context.Context, seq int64) (int64, error) {
	for {
		changes, err := f.log.ChangesAfter(ctx, seq, nil, batch)
		if err != nil {
			return seq, err
		}
		// This is checked after reading: changes that took the place of lost ones must not be handed on.
		if last := f.recent.last(); last != nil {
			switch continues, err := f.log.Continues(ctx, *last); {
			case err != nil:
				return seq, err
			case !continues:
				return seq, ErrOtherHistory
			}
		}
		for i, c := range changes {
			if c.Seq != seq+1 {
				return seq, fmt.Errorf("change %d follows change %d; the changes between them are missing", c.Seq, seq)
			}
			if !f.handOn(c) {
				if err := f.log.FindMoves(ctx, changes[i:]); err != nil {
					return seq, err
				}
				f.handOn(changes[i])
			}
			seq = c.Seq
		}
		if len(changes) < batch {
			return seq, nil
		}
	}
}

// handOn queues a change for the cohorts whose filter matches it. It returns false, and does nothing, if a cohort
// follows parties and the change's moves are not known yet. Finding them takes as long as reading where the parties
// stand, so that is done only if somebody follows any.
func (f *Feed) handOn(entry parley.ChangeEntry) bool {
	c := &change{ChangeEntry: entry, seen: time.Now()}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.index.following > 0 && !entry.MovesKnown {
		return false
	}
	f.head = c.Seq
	f.recent.add(c)
	f.index.each(c, func(matching *cohort) { matching.push(c) })
	return true
}

func (f *Feed) forget(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.recent.forget(now)
}

// end ends every subscription, after all cohorts have stopped working.
func (f *Feed) end() {
	f.mu.Lock()
	f.ended = true
	f.mu.Unlock()
	f.working.Wait()
	f.endAll(ErrEnded)
}

// endAll ends every subscription.
func (f *Feed) endAll(why error) {
	f.mu.Lock()
	var all []*Subscription
	for _, v := range f.views {
		for s := range v.subscriptions {
			all = append(all, s)
		}
	}
	f.mu.Unlock()
	for _, s := range all {
		s.end(why)
	}
}
