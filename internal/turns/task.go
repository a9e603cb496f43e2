package turns

import (
	"context"
	"sync"
	"time"
)

const (
	// shortTime is how long a task may run without waiting for a turn.
	shortTime = 15 * time.Millisecond
	// turnTime is how long a turn is if others wait.
	turnTime = 50 * time.Millisecond
)

// Task is what is done for one request. It takes turns with others once it has run for a while, so that short ones find
// the database free.
type Task struct {
	mu     sync.Mutex
	begun  time.Time
	waited time.Duration
	turn   *Turn
	since  time.Time // when the turn began
	ended  bool
}

// TaskKey is the key under which a context has the *Task that its statements belong to.
type TaskKey struct{}

// WithTask returns a context with a new task, which has to be ended.
func WithTask(ctx context.Context) (context.Context, *Task) {
	t := new(Task)
	return context.WithValue(ctx, TaskKey{}, t), t
}

// TaskOf returns the context's task; nil: its statements belong to none.
func TaskOf(ctx context.Context) *Task {
	t, _ := ctx.Value(TaskKey{}).(*Task)
	return t
}

// Step is called before each statement. A task that has run for long waits for a turn, and gives one up that was long.
func (t *Task) Step(ctx context.Context, turns *Turns) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.begun.IsZero() {
		t.begun = now
	}
	ran := now.Sub(t.begun) - t.waited
	switch {
	case t.ended, t.turn == nil && ran < shortTime:
		return nil
	case t.turn != nil && (now.Sub(t.since) < turnTime || !turns.isWanted()):
		return nil
	}
	t.pause()
	var err error
	if t.turn, err = turns.Take(ctx, ran); err != nil {
		return err
	}
	t.since = time.Now()
	t.waited += t.since.Sub(now)
	return nil
}

// Pause ends the task's turn, for as long as the task waits for something else.
func (t *Task) Pause() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pause()
}

func (t *Task) pause() {
	t.turn.End()
	t.turn = nil
}

// End ends the task.
func (t *Task) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	t.pause()
}
