// Package deadline calls a function where something takes too long. That is rare, so everything with the same deadline
// shares one timer: a timer for each would cost a short request several percent. No library does that.
package deadline

import (
	"container/list"
	"sync"
	"time"
)

// Deadline is how long something may take.
type Deadline struct {
	after time.Duration

	mu      sync.Mutex
	pending list.List // of *entry, in the order in which they began
	isArmed bool
}

type entry struct {
	due  time.Time
	late func()
}

// New returns a deadline.
func New(after time.Duration) *Deadline { return &Deadline{after: after} }

// Begin says that something begins. Late is called unless done is called before the time is over.
func (d *Deadline) Begin(late func()) (done func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.pending.PushBack(&entry{time.Now().Add(d.after), late})
	if !d.isArmed {
		d.isArmed = true
		time.AfterFunc(d.after, d.expire)
	}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.pending.Remove(e)
	}
}

// expire ends what is late, and waits for what is late next.
func (d *Deadline) expire() {
	d.mu.Lock()
	var late []func()
	d.isArmed = false
	for e := d.pending.Front(); e != nil; e = d.pending.Front() {
		oldest := e.Value.(*entry)
		if left := time.Until(oldest.due); left > 0 {
			d.isArmed = true
			time.AfterFunc(left, d.expire)
			break
		}
		d.pending.Remove(e)
		late = append(late, oldest.late)
	}
	d.mu.Unlock()
	for _, end := range late {
		end()
	}
}
