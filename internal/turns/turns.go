// Package turns limits how many tasks run at a time, and gives the turns to callers fairly. The next turn goes to the
// caller who has used the least time in the last seconds, so that a caller who asks for much delays the others little. No
// library orders waiters by that.
package turns

import (
	"container/heap"
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Turns are what tasks wait for.
type Turns struct {
	mu      sync.Mutex
	free    int
	callers map[string]*caller // those who wait, or have used a turn lately
	atOnce  int
	waiting int
	came    int           // how many have waited so far
	waited  time.Duration // how long they did, all together
}

// caller is somebody who takes turns.
type caller struct {
	used  time.Duration // lately, at the instant as
	as    time.Time
	queue queue
}

// New makes turns of which so many are taken at a time.
func New(atOnce int) *Turns {
	return &Turns{free: atOnce, atOnce: atOnce, callers: make(map[string]*caller)}
}

// Use is how turns are used.
type Use struct {
	Taken, Waiting int           // at present
	Waits          int           // how often somebody had to wait
	Waited         time.Duration // all together
}

// Use says how the turns are used.
func (t *Turns) Use() Use {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Use{t.atOnce - t.free, t.waiting, t.came, t.waited}
}

// Turn is one that was given. A nil *Turn is none.
type Turn struct {
	turns  *Turns
	caller string
	begun  time.Time // zero: nobody had to wait for it, so it does not count as used
	ended  bool
}

// Take waits for a turn of the context's caller. Among the tasks of a caller, the one that has run for the shortest time
// comes first. The turn has to be ended.
func (t *Turns) Take(ctx context.Context, ran time.Duration) (*Turn, error) {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return &Turn{turns: t}, nil
	}
	name := Caller(ctx)
	t.came++
	w := &waiter{ran: ran, came: t.came, turn: make(chan struct{})}
	heap.Push(&t.caller(name).queue, w)
	t.waiting++
	t.mu.Unlock()
	came := time.Now()
	var err error
	select {
	case <-w.turn:
	case <-ctx.Done():
		err = ctx.Err()
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waited += now.Sub(came)
	switch {
	case err == nil:
		return &Turn{turns: t, caller: name, begun: now}, nil
	case w.place < 0: // the turn came just now
		t.next()
	default:
		heap.Remove(&t.callers[name].queue, w.place)
		t.waiting--
	}
	return nil, err
}

// End gives the turn to the next. It may be called again.
func (t *Turn) End() {
	if t == nil {
		return
	}
	t.turns.mu.Lock()
	defer t.turns.mu.Unlock()
	if t.ended {
		return
	}
	t.ended = true
	if !t.begun.IsZero() {
		now := time.Now()
		c := t.turns.caller(t.caller)
		c.used, c.as = c.lately(now)+now.Sub(t.begun), now
	}
	t.turns.next()
}

// isWanted says that others wait.
func (t *Turns) isWanted() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting > 0
}

// manyCallers is how many callers are remembered before those who don't wait are forgotten.
const manyCallers = 1_000

// caller returns the caller of a name. When many are known, those who don't wait are forgotten.
func (t *Turns) caller(name string) *caller {
	c := t.callers[name]
	if c == nil {
		if len(t.callers) >= manyCallers+2*t.waiting {
			for other, o := range t.callers {
				if len(o.queue) == 0 {
					delete(t.callers, other)
				}
			}
		}
		c = new(caller)
		t.callers[name] = c
	}
	return c
}

// next gives a turn to the first task of the caller who has used least.
func (t *Turns) next() {
	if t.waiting == 0 {
		t.free++
		return
	}
	var least *caller
	var use time.Duration
	now := time.Now()
	for _, c := range t.callers {
		if len(c.queue) == 0 {
			continue
		}
		used := c.lately(now)
		if least == nil || used < use || used == use && c.queue[0].came < least.queue[0].came {
			least, use = c, used
		}
	}
	t.waiting--
	close(heap.Pop(&least.queue).(*waiter).turn)
}

// lately is how much time the caller has used lately: each second, half of it is forgotten.
func (c *caller) lately(now time.Time) time.Duration {
	used := c.used
	for past := now.Sub(c.as); past > time.Second && used > 0; past -= time.Second {
		used /= 2
	}
	return used
}

// waiter is a task that waits for a turn.
type waiter struct {
	ran   time.Duration
	came  int           // its number among all that have waited
	place int           // in the queue; -1: it has its turn
	turn  chan struct{} // closed when it is given
}

// queue is a heap of waiters, those first that have run for the shortest time, and among those the one that came first.
type queue []*waiter

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].ran < q[j].ran || q[i].ran == q[j].ran && q[i].came < q[j].came
}
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push appends a waiter.
func (q *queue) Push(w any) {
	w.(*waiter).place = len(*q)
	*q = append(*q, w.(*waiter))
}

// Pop removes the last waiter.
func (q *queue) Pop() any {
	last := len(*q) - 1
	w := (*q)[last]
	(*q)[last], *q = nil, (*q)[:last]
	w.place = -1
	return w
}

type callerKey struct{}

// WithCaller returns a context whose caller has this name.
func WithCaller(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, callerKey{}, name)
}

// Caller returns the name of the context's caller; "": it has none.
func Caller(ctx context.Context) string {
	name, _ := ctx.Value(callerKey{}).(string)
	return name
}

// CallerAt returns the name of the caller at a network address: its IP address. Of an IPv6 address it is the first half,
// since one machine can use all addresses that begin with it.
func CallerAt(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		return netip.PrefixFrom(ip, 64).Masked().String()
	}
	return ip.String()
}
