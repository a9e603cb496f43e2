package feed

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"time"

	"example.org/parley"
)

// cohort holds the live subscriptions that have the same filter and the same view.
type cohort struct {
	feed   *Feed
	key    cohortKey
	filter parley.FeedFilter
	looked int64 // the last change for which the index checked this cohort

	mu      sync.Mutex
	members []*Subscription
	due     []*change // changes that its goroutine has not delivered yet
	working bool      // whether that goroutine is running
}

const (
	// maxDue is how many changes may wait for one cohort. It admits a large import. A waiting change takes some hundred
	// bytes, shared by all cohorts; views of changes that left the recent window are not kept.
	maxDue = 50_000
	// together is how many waiting changes are delivered in one batch.
	together = 16
	// enough is how many members justify one more processor.
	enough = 64
)

// add adds a subscription. The caller holds the feed's lock.
func (c *cohort) add(s *Subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.cohort, s.at = c, len(c.members)
	c.members = append(c.members, s)
}

// remove removes a subscription and reports whether it was the last one. The caller holds the feed's lock.
func (c *cohort) remove(s *Subscription) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.members) - 1
	c.members[s.at], c.members[last].at = c.members[last], s.at
	c.members[last] = nil
	c.members = c.members[:last]
	return last == 0
}

// push queues a change for delivery. The caller holds the feed's lock.
func (c *cohort) push(due *change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due = append(c.due, due)
	if !c.working {
		c.working = true
		c.feed.working.Go(c.work)
	}
}

// work delivers queued changes until the queue or the cohort is empty.
func (c *cohort) work() {
	for {
		c.mu.Lock()
		if len(c.due) == 0 || len(c.members) == 0 || c.feed.work.Err() != nil {
			c.due, c.working = nil, false
			c.mu.Unlock()
			return
		}
		now := min(len(c.due), together)
		changes, members, behind := c.due[:now:now], slices.Clone(c.members), len(c.due) > maxDue
		c.due = c.due[now:]
		c.mu.Unlock()
		if behind {
			for _, s := range members {
				s.end(ErrBehind)
			}
			continue
		}
		changes = missed(members, changes)
		messages := make([]Message, 0, len(changes))
		var err error
		for _, change := range changes {
			var payload []byte
			if payload, err = change.show(c.feed.work, c.key.view); err != nil {
				break
			}
			messages = append(messages, Message{change.Seq, change.Cursor, payload})
		}
		deliver(members, messages)
		c.feed.metrics.handedOn(len(members), changes[:len(messages)], time.Now())
		if err != nil && c.feed.work.Err() == nil { // all members come back for the change, so none misses it
			for _, s := range members {
				s.end(err)
			}
		}
	}
}

// missed leaves out the first changes that every member already has: members that subscribe at the end of the log may
// be ahead of the feed. No view of these changes is made.
func missed(members []*Subscription, changes []*change) []*change {
	behind := slices.MinFunc(members, func(a, b *Subscription) int { return cmp.Compare(a.after, b.after) })
	for len(changes) > 0 && changes[0].Seq <= behind.after {
		changes = changes[1:]
	}
	return changes
}

// deliver delivers messages to all members. Members skip messages that they already have. It returns when all members
// have the messages, so that later messages come after them.
func deliver(members []*Subscription, messages []Message) {
	parts := min(runtime.GOMAXPROCS(0), 1+len(members)/enough)
	size := (len(members) + parts - 1) / parts
	var parallel sync.WaitGroup
	for part := range slices.Chunk(members[min(size, len(members)):], max(size, 1)) {
		parallel.Go(func() { deliverTo(part, messages) })
	}
	deliverTo(members[:min(size, len(members))], messages)
	parallel.Wait()
}

func deliverTo(members []*Subscription, messages []Message) {
	for _, s := range members {
		missed := messages
		for len(missed) > 0 && missed[0].Seq <= s.after {
			missed = missed[1:]
		}
		if len(missed) > 0 {
			s.to.Deliver(missed)
		}
	}
}
