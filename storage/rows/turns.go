package rows

import (
	"context"
	"sync"
	"time"
)

// Turns let few long operations run at a time, so that the short ones of others find the database free. An operation
// that has run for a while takes turns with the other long ones. The next turn goes to the one that has run for the
// shortest time. No library orders waiters by what they have used.
type Turns struct {
	mu      sync.Mutex
	free    int
	waiting []*waiter
}

type waiter struct {
	used time.Duration
	turn chan struct{} // closed when it is the waiter's turn
}

const (
	// shortTime is how long an operation may run without waiting for a turn.
	shortTime = 15 * time.Millisecond
	// turnTime is how long a turn is if others wait.
	turnTime = 50 * time.Millisecond
)

// NewTurns makes turns of which so many run at a time.
func NewTurns(atOnce int) *Turns { return &Turns{free: atOnce} }

// enter waits for a turn of an operation that has run for some time.
func (t *Turns) enter(ctx context.Context, used time.Duration) error {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	w := &waiter{used, make(chan struct{})}
	t.waiting = append(t.waiting, w)
	t.mu.Unlock()
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, o := range t.waiting {
		if o == w {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return ctx.Err()
		}
	}
	t.next() // the turn came just now
	return ctx.Err()
}

// leave ends a turn.
func (t *Turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next()
}

// next gives a turn to the waiter that has run shortest. The caller holds the lock.
func (t *Turns) next() {
	if len(t.waiting) == 0 {
		t.free++
		return
	}
	shortest := 0
	for i, w := range t.waiting {
		if w.used < t.waiting[shortest].used {
			shortest = i
		}
	}
	close(t.waiting[shortest].turn)
	t.waiting = append(t.waiting[:shortest], t.waiting[shortest+1:]...)
}

func (t *Turns) isWanted() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting) > 0
}

// running is an operation that may take turns.
type running struct {
	takesTurns bool

	mu     sync.Mutex
	turns  *Turns
	begun  time.Time
	waited time.Duration
	turn   time.Time // when its turn began; zero: it has none
	left   bool      // it is over
}

// TakeTurns has the operation take turns with others once it has run for a while. Leave has to end it.
func (s *Snapshot) TakeTurns() { s.takesTurns = true }

// step is called before each statement. Whoever has run for long waits for a turn, and gives one up that was long.
func (r *running) step(ctx context.Context, turns *Turns) error {
	if !r.takesTurns || turns == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turns = turns
	now := time.Now()
	if r.begun.IsZero() {
		r.begun = now
	}
	used := now.Sub(r.begun) - r.waited
	switch {
	case r.left, r.turn.IsZero() && used < shortTime:
		return nil
	case !r.turn.IsZero() && (now.Sub(r.turn) < turnTime || !r.turns.isWanted()):
		return nil
	case !r.turn.IsZero():
		r.turns.leave()
		r.turn = time.Time{}
	}
	if err := r.turns.enter(ctx, used); err != nil {
		return err
	}
	r.turn = time.Now()
	r.waited += r.turn.Sub(now)
	return nil
}

// Leave ends the operation.
func (r *running) Leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left = true; !r.turn.IsZero() {
		r.turns.leave()
		r.turn = time.Time{}
	}
}
