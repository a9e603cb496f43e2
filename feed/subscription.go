package feed

import (
	"context"
	"slices"
	"time"

	"example.org/parley"
)

// View defines how changes are shown to subscribers.
type View struct {
	// Key identifies the view. Views with the same key show the same: each change is shown once for all of them.
	Key string
	// Show makes the view of a change. An error means that it can't be made at the moment, or that the context has
	// ended.
	Show func(context.Context, parley.ChangeEntry) ([]byte, error)
}

// view is a View that has subscriptions.
type view struct {
	View
	subscriptions map[*Subscription]struct{}
}

// Message is a change as it is shown. Its contents are shared and must not be modified.
type Message struct {
	Seq     int64
	Cursor  parley.Cursor
	Payload []byte
}

// Subscriber receives messages.
type Subscriber interface {
	// Deliver receives messages in the order of the feed. It must not wait: a subscriber that can't take them has to
	// leave.
	Deliver([]Message)
	// Ready returns when the subscriber has room for more, or can't receive anything any more, or the context ends.
	Ready(context.Context)
	// End receives the reason why no more messages follow, unless the subscriber left by itself. It must not wait.
	End(error)
}

// Subscription receives the changes that match a filter, from one point of the feed on.
type Subscription struct {
	feed   *Feed
	filter parley.FeedFilter
	view   *view
	to     Subscriber
	// the change up to which it has received everything, until it is live; its cohort may deliver such changes again,
	// and it skips them
	after  int64
	left   bool
	cancel context.CancelFunc // stops catching up; nil if it never had to

	cohort *cohort // nil until the subscription is live
	at     int     // its index among the members
}

// Subscribe starts a subscription to the changes after the given one, which has to be on record. It returns ErrEnded
// once the feed has ended.
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

// Leave ends the subscription. Messages that are being delivered at this moment may still arrive.
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

// end ends the subscription and tells the subscriber why, unless it has left already.
func (s *Subscription) end(why error) {
	s.feed.mu.Lock()
	left := s.left
	s.feed.mu.Unlock()
	s.Leave()
	if !left {
		s.to.End(why)
	}
}

// join makes the subscription live: it has all changes up to the head. The caller holds the feed's lock.
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

// Bounds of what is delivered at once to a subscriber that catches up: as much as its outbox holds.
const (
	maxCatch      = 64
	maxCatchBytes = 64 << 10
)

// catchUp delivers the changes that the subscriber missed, as fast as it takes them, until it reaches the head.
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
		if isRecent && (s.filter.Following == nil || !slices.ContainsFunc(changes, unknownMoves)) {
			head = changes[len(changes)-1].Seq
		} else {
			entries, err := s.read(ctx)
			if err != nil { // the tail meets the error too, and logs it once
				pause(ctx, time.Second)
				continue
			}
			changes = make([]*change, 0, len(entries))
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

// read reads the next changes from the log. Few subscribers do so at a time.
func (s *Subscription) read(ctx context.Context) ([]parley.ChangeEntry, error) {
	select {
	case s.feed.reading <- struct{}{}:
		defer func() { <-s.feed.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	entries, err := s.feed.log.ChangesAfter(ctx, s.after, anchor(s.filter), batch)
	if err == nil && s.filter.Following != nil {
		err = s.feed.log.FindMoves(ctx, entries)
	}
	return entries, err
}

func unknownMoves(c *change) bool { return !c.MovesKnown }

// deliver delivers the changes that match the filter.
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
