package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// patience is how long an answer may take.
const patience = 30 * time.Second

// subscriber is one connection with one subscription. Its fields are the crowd's.
type subscriber struct {
	number int
	pair   *[2]int // only changes of these holders come; nil: all
	socket socket
	joined bool     // its socket is open and watched
	rest   []byte   // the beginning of a frame whose end has yet to come
	parts  []byte   // the beginning of a message that came in several frames
	got    []uint32 // the changes in the order in which they came, by their number in the crowd
	moving *moving  // what is measured of a move; nil: it has not begun
}

// wants says whether a position of the holder is for this subscriber.
func (s *subscriber) wants(holder int) bool {
	return s.pair == nil || s.pair[0] == holder || s.pair[1] == holder
}

// change is one that arrived somewhere.
type change struct {
	cursor     string
	recordedAt time.Time
	last       time.Time // when it came to the last of those it came to
}

// recorded is a change that the server acknowledged.
type recorded struct {
	cursor string
	holder int
}

// crowd is all subscribers. One goroutine reads for all of them and notes what comes; whether it is right is asked
// afterwards.
type crowd struct {
	poller *poller
	buffer []byte
	ended  chan struct{}

	mu        sync.Mutex // guards what follows
	leaving   bool
	members   []*subscriber
	changes   []change
	numbers   map[string]uint32 // of changes, by cursor
	latencies []uint32          // microseconds from recordedAt to receipt, of every delivery
	sample    []byte            // a message with a change
	failure   error             // the first one
	// onLoss is told of connections that end, and says whether that is as it should be.
	onLoss func(*subscriber, error) bool
}

func newCrowd() (*crowd, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	c := &crowd{
		poller: p, buffer: make([]byte, 1<<20), ended: make(chan struct{}),
		numbers: make(map[string]uint32),
		onLoss:  func(*subscriber, error) bool { return false },
	}
	go c.read()
	return c, nil
}

// joiners is how many connect at the same time.
const joiners = 16

// join connects subscribers that open opens, in addition to those that are there.
func (c *crowd) join(ctx context.Context, list []*subscriber, open func(*subscriber) (*conversation, error)) error {
	c.mu.Lock()
	for _, s := range list {
		s.number = len(c.members)
		c.members = append(c.members, s)
	}
	c.mu.Unlock()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	next := make(chan *subscriber)
	var workers sync.WaitGroup
	for range joiners {
		workers.Go(func() {
			for s := range next {
				if err := c.enter(s, open); err != nil {
					stop(fmt.Errorf("connect subscriber %d: %w", s.number, err))
				}
			}
		})
	}
	for _, s := range list {
		if ctx.Err() != nil {
			break
		}
		next <- s
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

// enter connects one subscriber.
func (c *crowd) enter(s *subscriber, open func(*subscriber) (*conversation, error)) error {
	opened, err := open(s)
	if err != nil {
		return err
	}
	if err := opened.unblock(); err != nil {
		opened.Close()
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.socket, s.rest, s.parts, s.joined = opened.socket, opened.received, nil, true
	return c.poller.add(s.socket, s.number)
}

// leave closes all connections.
func (c *crowd) leave() {
	c.mu.Lock()
	c.leaving = true
	c.mu.Unlock()
	<-c.ended
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.members {
		if s.joined {
			s.socket.Close()
		}
	}
	c.poller.Close()
}

// read receives until all leave.
func (c *crowd) read() {
	defer close(c.ended)
	var ready []int
	for leaving := false; !leaving; {
		var err error
		ready, err = c.poller.wait(ready[:0], 100*time.Millisecond)
		c.mu.Lock()
		if err != nil {
			c.fail(err)
		}
		for _, n := range ready {
			if s := c.members[n]; s.joined {
				if err := c.receive(s); err != nil {
					c.lose(s, err)
				}
			}
		}
		leaving = c.leaving || err != nil
		c.mu.Unlock()
	}
}

func (c *crowd) fail(err error) {
	if c.failure == nil {
		c.failure = err
	}
}

// lose closes a connection that ended.
func (c *crowd) lose(s *subscriber, why error) {
	c.poller.remove(s.socket)
	s.socket.Close()
	s.joined = false
	if !c.onLoss(s, why) {
		c.fail(fmt.Errorf("subscriber %d lost its connection: %w", s.number, why))
	}
}

// intact says that nothing has failed so far.
func (c *crowd) intact() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure == nil
}

// stall stops reading from a subscriber.
func (c *crowd) stall(s *subscriber) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.poller.remove(s.socket)
}

// receive reads what has come for a subscriber.
func (c *crowd) receive(s *subscriber) error {
	n, err := s.socket.Read(c.buffer)
	if err != nil {
		return err
	}
	now, data := time.Now(), c.buffer[:n]
	if len(s.rest) > 0 {
		s.rest = append(s.rest, data...)
		data = s.rest
	}
	for {
		f, rest, ok := splitFrame(data)
		if !ok {
			break
		}
		data = rest
		if err := c.take(s, f, now); err != nil {
			return err
		}
	}
	s.rest = append(s.rest[:0], data...)
	return nil
}

// take takes a frame.
func (c *crowd) take(s *subscriber, f frame, now time.Time) error {
	switch f.op {
	case opPing:
		_, err := s.socket.Write(clientFrame(opPong, f.payload))
		return err
	case opPong:
		return nil
	case opText, opContinuation:
	case opClose:
		return fmt.Errorf("the server closes it: %q", f.payload)
	default:
		return fmt.Errorf("a frame of kind %d came", f.op)
	}
	message := f.payload
	if !f.last || len(s.parts) > 0 {
		s.parts = append(s.parts, message...)
		if !f.last {
			return nil
		}
		message, s.parts = s.parts, nil
	}
	for len(message) > 0 { // centrifuge may put several into one, a line each
		var line []byte
		line, message, _ = bytes.Cut(message, []byte("\n"))
		if err := c.hear(s, line, now); err != nil {
			return err
		}
	}
	return nil
}

var (
	cursorMark     = []byte(`"cursor":"`)
	recordedAtMark = []byte(`"recordedAt":"`)
)

// marked is the value that follows a mark; nil: the mark is not there.
func marked(message, mark []byte) []byte {
	i := bytes.Index(message, mark)
	if i < 0 {
		return nil
	}
	value, _, _ := bytes.Cut(message[i+len(mark):], []byte(`"`))
	return value
}

// hear takes a message: a change as a rule.
func (c *crowd) hear(s *subscriber, message []byte, now time.Time) error {
	cursor := marked(message, cursorMark)
	if cursor == nil {
		return s.answer(message)
	}
	n, err := c.numberOf(cursor, message)
	if err != nil {
		return err
	}
	s.got = append(s.got, n)
	c.latencies = append(c.latencies, uint32(max(0, now.Sub(c.changes[n].recordedAt).Microseconds())))
	c.changes[n].last = now
	if s.moving != nil && s.moving.first.IsZero() {
		s.moving.first = now
	}
	return nil
}

// numberOf is the change's number; what else a message says is read only when it is the first of its change.
func (c *crowd) numberOf(cursor, message []byte) (uint32, error) {
	if n := len(c.changes); n > 0 && c.changes[n-1].cursor == string(cursor) {
		return uint32(n - 1), nil
	}
	if n, known := c.numbers[string(cursor)]; known {
		return n, nil
	}
	at, err := time.Parse(time.RFC3339Nano, string(marked(message, recordedAtMark)))
	if err != nil {
		return 0, fmt.Errorf("%.1000s: %w", message, err)
	}
	n := uint32(len(c.changes))
	c.changes = append(c.changes, change{cursor: string(cursor), recordedAt: at})
	c.numbers[string(cursor)] = n
	if c.sample == nil {
		c.sample = bytes.Clone(message)
	}
	return n, nil
}

// answer answers what is no change.
func (s *subscriber) answer(message []byte) error {
	var reply string
	switch {
	case len(message) == 0:
		return nil
	case string(message) == "{}": // centrifuge's way to ask whether one is there
		reply = "{}"
	case bytes.Contains(message, []byte(`"type":"ping"`)):
		reply = `{"type":"pong"}`
	default:
		return fmt.Errorf("the server says %.1000s", message)
	}
	_, err := s.socket.Write(clientFrame(opText, []byte(reply)))
	return err
}

// expected is how many deliveries the changes are, to those of the subscribers that count.
func expected(list []recorded, members []*subscriber) (n int) {
	of, all := make(map[int]int), 0
	for _, s := range members {
		if s.pair == nil {
			all++
			continue
		}
		of[s.pair[0]]++
		of[s.pair[1]]++
	}
	for _, r := range list {
		n += all + of[r.holder]
	}
	return n
}

// await waits until so many deliveries have come, and a moment longer, in which none may follow. What never comes is
// told by check.
func (c *crowd) await(ctx context.Context, deliveries int) error {
	came, since := -1, time.Now()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		c.mu.Lock()
		now, failure := len(c.latencies), c.failure
		c.mu.Unlock()
		if failure != nil {
			return failure
		}
		if now != came {
			came, since = now, time.Now()
		}
		waited := time.Since(since)
		if waited > patience || now >= deliveries && waited > 300*time.Millisecond {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// forget begins anew: what came so far does not count.
func (c *crowd) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes, c.latencies = nil, nil
	clear(c.numbers)
	for _, s := range c.members {
		s.got = nil
	}
}

// check says where a subscriber did not get exactly the changes that are for it, each once and in order.
func (c *crowd) check(list []recorded, members []*subscriber) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure != nil {
		return c.failure
	}
	wrong, first := 0, error(nil)
	for _, s := range members {
		if err := c.checkOne(s, list); err != nil {
			wrong++
			if first == nil {
				first = fmt.Errorf("subscriber %d %w", s.number, err)
			}
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d subscribers did not get what they should: %w", wrong, len(members), first)
	}
	return nil
}

func (c *crowd) checkOne(s *subscriber, list []recorded) error {
	i := 0
	for n, r := range list {
		if !s.wants(r.holder) {
			continue
		}
		if i == len(s.got) {
			return fmt.Errorf("got %d changes, and not change %d of %d", i, n+1, len(list))
		}
		if got := c.changes[s.got[i]].cursor; got != r.cursor {
			return fmt.Errorf("got as its number %d the change %s, and not %s", i+1, got, r.cursor)
		}
		i++
	}
	if i < len(s.got) {
		return fmt.Errorf("got %d changes and should %d", len(s.got), i)
	}
	return nil
}

// mark is a moment: so many deliveries and changes had come.
type mark struct{ deliveries, changes int }

func (c *crowd) now() mark {
	c.mu.Lock()
	defer c.mu.Unlock()
	return mark{len(c.latencies), len(c.changes)}
}

// latency is how long deliveries took, shortest first: each, and those to the last subscriber of a change.
type latency struct{ every, last []time.Duration }

// between is the latency of what came between two moments.
func (c *crowd) between(from, to mark) (l latency, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if from.changes == to.changes {
		return l, errors.New("nothing was delivered")
	}
	for _, micros := range c.latencies[from.deliveries:to.deliveries] {
		l.every = append(l.every, time.Duration(micros)*time.Microsecond)
	}
	for _, ch := range c.changes[from.changes:to.changes] {
		l.last = append(l.last, ch.last.Sub(ch.recordedAt))
	}
	slices.Sort(l.every)
	slices.Sort(l.last)
	return l, nil
}

// quantile is that of durations in order.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
