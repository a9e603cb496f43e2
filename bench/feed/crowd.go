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

// maxWait is how long an answer may take.
const maxWait = 30 * time.Second

// subscriber is a connection with one subscription. The crowd's lock guards its fields.
type subscriber struct {
	number int
	pair   *[2]int // it receives only changes of these holders; nil: all changes
	socket socket
	joined bool     // whether its socket is open and watched
	rest   []byte   // beginning of an incomplete frame
	parts  []byte   // beginning of an incomplete message
	got    []uint32 // numbers of the received changes, in the order of their arrival
	moving *moving  // measurements of its move; nil: it has not begun
}

// wants reports whether a position of the holder is for this subscriber.
func (s *subscriber) wants(holder int) bool {
	return s.pair == nil || s.pair[0] == holder || s.pair[1] == holder
}

// change is a change that some subscriber has received.
type change struct {
	cursor     string
	recordedAt time.Time
	last       time.Time // when its last subscriber received it
}

// recorded is a change that the server acknowledged.
type recorded struct {
	cursor string
	holder int
}

// crowd holds all subscribers. One goroutine reads for all of them and records what arrives. It is checked afterwards.
type crowd struct {
	poller *poller
	buffer []byte
	ended  chan struct{}

	mu        sync.Mutex // guards the following fields
	leaving   bool
	members   []*subscriber
	changes   []change
	numbers   map[string]uint32 // by cursor
	latencies []uint32          // microseconds from recordedAt to receipt, of every delivery
	sample    []byte            // a message with a change
	failure   error             // the first failure
	// onLoss is called when a connection ends. It returns whether that is expected.
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

// joiners is how many subscribers connect at the same time.
const joiners = 16

// join connects more subscribers. open opens their connections.
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

// read receives for all subscribers until they leave.
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

// lose closes a connection that has ended.
func (c *crowd) lose(s *subscriber, why error) {
	c.poller.remove(s.socket)
	s.socket.Close()
	s.joined = false
	if !c.onLoss(s, why) {
		c.fail(fmt.Errorf("subscriber %d lost its connection: %w", s.number, why))
	}
}

// intact reports whether nothing has failed so far.
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

// receive reads the available input of a subscriber.
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

// take handles a frame.
func (c *crowd) take(s *subscriber, f frame, now time.Time) error {
	switch f.op {
	case opPing:
		_, err := s.socket.Write(clientFrame(opPong, f.payload))
		return err
	case opPong:
		return nil
	case opText, opContinuation:
	case opClose:
		return fmt.Errorf("the server closed the connection: %q", f.payload)
	default:
		return fmt.Errorf("unexpected frame of kind %d", f.op)
	}
	message := f.payload
	if !f.last || len(s.parts) > 0 {
		s.parts = append(s.parts, message...)
		if !f.last {
			return nil
		}
		message, s.parts = s.parts, nil
	}
	for len(message) > 0 { // centrifuge may send several messages in one frame, one a line
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

// marked returns the value that follows a mark; nil if the mark is missing.
func marked(message, mark []byte) []byte {
	i := bytes.Index(message, mark)
	if i < 0 {
		return nil
	}
	value, _, _ := bytes.Cut(message[i+len(mark):], []byte(`"`))
	return value
}

// hear handles a message, which usually is a change.
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

// numberOf returns a change's number. Only the first message of a change is parsed further.
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

// answer answers a message that is not a change.
func (s *subscriber) answer(message []byte) error {
	var reply string
	switch {
	case len(message) == 0:
		return nil
	case string(message) == "{}": // centrifuge's ping
		reply = "{}"
	case bytes.Contains(message, []byte(`"type":"ping"`)):
		reply = `{"type":"pong"}`
	default:
		return fmt.Errorf("the server says %.1000s", message)
	}
	_, err := s.socket.Write(clientFrame(opText, []byte(reply)))
	return err
}

// expected returns how many deliveries the changes cause to these subscribers.
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

// await waits for a number of deliveries, and then a little longer, so that surplus deliveries are noticed. check
// reports missing ones.
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
		if waited > maxWait || now >= deliveries && waited > 300*time.Millisecond {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// forget discards the deliveries so far.
func (c *crowd) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes, c.latencies = nil, nil
	clear(c.numbers)
	for _, s := range c.members {
		s.got = nil
	}
}

// check returns an error unless every subscriber received exactly its changes, once and in order.
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
		return fmt.Errorf("%d of %d subscribers did not receive exactly their changes: %w", wrong, len(members), first)
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
			return fmt.Errorf("received %d changes, but not change %d of %d", i, n+1, len(list))
		}
		if got := c.changes[s.got[i]].cursor; got != r.cursor {
			return fmt.Errorf("received change %[2]s as its number %[1]d, want %[3]s", i+1, got, r.cursor)
		}
		i++
	}
	if i < len(s.got) {
		return fmt.Errorf("received %d changes, want %d", len(s.got), i)
	}
	return nil
}

// mark is a point in time: how many deliveries and changes had arrived.
type mark struct{ deliveries, changes int }

func (c *crowd) now() mark {
	c.mu.Lock()
	defer c.mu.Unlock()
	return mark{len(c.latencies), len(c.changes)}
}

// latency is how long deliveries took, shortest first: all deliveries, and those to each change's last subscriber.
type latency struct{ every, last []time.Duration }

// between returns the latency of what arrived between two points in time.
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

// quantile returns a quantile of sorted durations.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
