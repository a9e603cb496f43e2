package feed

import (
	"context"
	"time"

	"example.org/parley"
)

// View is how changes are shown to subscribers.
type View struct {
	// Key is the same for views that show the same; what is shown under one key is made once and handed to all.
	Key string
	// Show makes the view of a change. An error says that it can't be made now, or that the context has ended.
	Show func(context.Context, parley.ChangeEntry) ([]byte, error)
}

// view is a View that somebody subscribed to.
type view struct {
	View
	subscriptions map[*Subscription]struct{}
}

// Message is a change as it is shown. Nobody may change what it holds.
type Message struct {
	Seq     int64
	Cursor  parley.Cursor
	Payload []byte
}

// Subscriber is where messages go.
type Subscriber interface {
	// Deliver takes messages, in the order of the feed. It does not wait: who can't take them leaves.
	Deliver([]Message)
	// Ready returns when there is room for more, or the subscriber can take nothing any more, or the context ends.
	Ready(context.Context)
	// End is told why nothing more comes, unless it left by itself. It does not wait.
	End(error)
}

// Subscription receives the changes that match a filter and follow a place in the feed.
type Subscription struct {
	feed   *Feed
	filter parley.FeedFilter
	view   *view
	to     Subscriber
	after  int64 // the change up to which it has all, until it is live; what its cohort still hands on of that, it skips
	left   bool
	cancel context.CancelFunc // of catching up; nil: it never had to

	cohort *cohort // once live
	at     int     // its place among the members
}

// Subscribe begins a subscription after a change that is on record.
func (f *Feed) Subscribe(filter parley.FeedFilter, after int64, v View, to Subscriber) (*Subscription, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return nil, ErrEnded
	}
	shared, ok := f.views[v.Key]
	if !ok {
		shared = &view{View: v, subscriptions: make(map[*Subscription]struct{})}
		f.views[v.Key] = shared
	}
	s := &Subscription{feed: f, filter: filter, view: shared, to: to, after: after}
	shared.subscriptions[s] = struct{}{}
	if after >= f.head {
		s.join()
		return s, nil
	}
	ctx, cancel := context.WithCancel(f.work)
	s.cancel = cancel
	f.working.Go(func() {
		defer cancel()
		s.catchUp(ctx)
	})
	return s, nil
}

// Leave ends the subscription. What is being delivered at this moment may still come.
func (s *Subscription) Leave() {
	f := s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.left {
		return
	}
	s.left = true
	delete(s.view.subscriptions, s)
	if len(s.view.subscriptions) == 0 {
		delete(f.views, s.view.Key)
	}
	switch {
	case s.cohort != nil:
		if s.cohort.remove(s) {
			f.index.remove(s.cohort)
		}
	case s.cancel != nil:
		s.cancel()
	}
}

// end ends the subscription and says why, unless it has left already.
func (s *Subscription) end(why error) {
	s.feed.mu.Lock()
	left := s.left
	s.feed.mu.Unlock()
	s.Leave()
	if !left {
		s.to.End(why)
	}
}

// join makes the subscription live, having all up to the head. The feed is locked.
func (s *Subscription) join() {
	f := s.feed
	key := cohortKey{keyOf(s.filter), s.view}
	c, ok := f.index.cohorts[key]
	if !ok {
		c = &cohort{feed: f, key: key, filter: s.filter}
		f.index.add(c)
	}
	c.add(s)
}

// What is delivered at once to one that catches up: as much as fits where messages wait for it.
const (
	maxCatch      = 64
	maxCatchBytes = 64 << 10
)

// catchUp delivers what comes after its place, at the subscriber's own pace, until that is the head.
func (s *Subscription) catchUp(ctx context.Context) {
	f := s.feed
	for ctx.Err() == nil {
		f.mu.Lock()
		if s.left {
			f.mu.Unlock()
			return
		}
		head := f.head
		if s.after >= head {
			s.join()
			f.mu.Unlock()
			return
		}
		changes, isRecent := f.recent.after(s.after, batch)
		f.mu.Unlock()
		if isRecent {
			head = changes[len(changes)-1].Seq
		} else {
			entries, err := s.read(ctx)
			if err != nil { // which the tail meets too, and logs once
				pause(ctx, time.Second)
				continue
			}
			for _, e := range entries {
				changes = append(changes, &change{ChangeEntry: e})
			}
			if n := len(entries); n == batch || (n > 0 && entries[n-1].Seq > head) {
				head = entries[n-1].Seq
			}
		}
		if err := s.deliver(ctx, changes); err != nil {
			if ctx.Err() == nil {
				s.end(err)
			}
			return
		}
		s.after = head
	}
}

// read reads what follows its place from the log. Few do so at a time.
func (s *Subscription) read(ctx context.Context) ([]parley.ChangeEntry, error) {
	select {
	case s.feed.reading <- struct{}{}:
		defer func() { <-s.feed.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.feed.log.ChangesAfter(ctx, s.after, anchor(s.filter), batch)
}

// deliver shows the changes that match to the subscriber.
func (s *Subscription) deliver(ctx context.Context, changes []*change) error {
	var messages []Message
	bytes := 0
	flush := func() error {
		s.to.Ready(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.to.Deliver(messages)
		s.feed.metrics.delivered.Add(float64(len(messages)))
		messages, bytes = messages[:0], 0
		return nil
	}
	for _, c := range changes {
		if !s.filter.Matches(c.ChangeEntry) {
			continue
		}
		payload, err := c.show(s.feed.work, s.view)
		if err != nil {
			return err
		}
		if len(messages) > 0 && (len(messages) == maxCatch || bytes+len(payload) > maxCatchBytes) {
			if err := flush(); err != nil {
				return err
			}
		}
		messages = append(messages, Message{c.Seq, c.Cursor, payload})
		bytes += len(payload)
	}
	if len(messages) == 0 {
		return nil
	}
	return flush()
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
