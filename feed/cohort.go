package feed

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"example.org/parley"
)

// cohort is the live subscriptions that want the same changes shown the same way.
type cohort struct {
	feed   *Feed
	key    cohortKey
	filter parley.FeedFilter
	looked int64 // the last change for which the index looked at it

	mu      sync.Mutex
	members []*Subscription
	due     []*change // what its goroutine has yet to hand on
	working bool      // it has one
}

const (
	// maxDue is how many changes may wait for a cohort: those of a large import. Each takes some hundred bytes, once for all
	// cohorts; of what is no longer recent no views are kept.
	maxDue = 50_000
	// together is how many changes that wait are handed on in one go.
	together = 16
	// enough members are worth another processor.
	enough = 64
)

// add takes a subscription in. The feed is locked.
func (c *cohort) add(s *Subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.cohort, s.at = c, len(c.members)
	c.members = append(c.members, s)
}

// remove lets a subscription go, and says whether it was the last one. The feed is locked.
func (c *cohort) remove(s *Subscription) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.members) - 1
	c.members[s.at], c.members[last].at = c.members[last], s.at
	c.members[last] = nil
	c.members = c.members[:last]
	return last == 0
}

// push has a change handed on. The feed is locked.
func (c *cohort) push(due *change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due = append(c.due, due)
	if !c.working {
		c.working = true
		c.feed.working.Go(c.work)
	}
}

// work hands on what is due until nothing is, or nobody is left.
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
		messages := make([]Message, 0, now)
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
		if err != nil && c.feed.work.Err() == nil { // nobody is to miss the change, so all come back for it
			for _, s := range members {
				s.end(err)
			}
		}
	}
}

// deliver hands messages to all members, some of which may have them already. It returns when all have them, so that the
// next come after.
func deliver(members []*Subscription, messages []Message) {
	parts := min(runtime.GOMAXPROCS(0), 1+len(members)/enough)
	size := (len(members) + parts - 1) / parts
	var others sync.WaitGroup
	for part := range slices.Chunk(members[min(size, len(members)):], max(size, 1)) {
		others.Go(func() { deliverTo(part, messages) })
	}
	deliverTo(members[:min(size, len(members))], messages)
	others.Wait()
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
