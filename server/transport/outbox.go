package transport

import (
	"context"
	"sync"
	"sync/atomic"
)

const (
	// maxPending is how many bytes may wait for one client. What is larger by itself waits alone.
	maxPending = 1 << 20
	// maxPendingOfAll is how many may wait for all of them, before each may keep only scarcePending waiting.
	maxPendingOfAll = 256 << 20
	scarcePending   = 64 << 10
)

// wire is what an outbox writes to.
type wire interface {
	// try writes as much as can be written without waiting, which may be nothing.
	try([]byte) (int, error)
	// write writes all, and waits for that as long as a client may take.
	write([]byte) error
	// broken is told that nothing more can be written.
	broken()
}

// outbox is what a client has yet to take. Who puts something in does not wait: what the client can't take at once waits
// in the outbox, where a goroutine writes it, which lasts only until nothing waits.
type outbox struct {
	to      wire
	pending []byte
	writing bool // the goroutine is at work
	done    bool // nothing more is taken in
	broke   bool // and what waits can't be written

	mu      sync.Mutex
	work    sync.WaitGroup
	written chan struct{} // closed when nothing waits any more; nil: nobody wants to know
}

// allPending is what waits in all outboxes.
var allPending atomic.Int64

// put takes bytes in, and returns false if too much waits already, or nothing is taken any more. The outbox is locked.
func (o *outbox) put(b []byte) bool {
	if o.done {
		return false
	}
	limit := maxPending
	if allPending.Load() > maxPendingOfAll {
		limit = scarcePending
	}
	if o.writing && len(o.pending)+len(b) > limit && len(o.pending) > 0 {
		return false
	}
	o.add(b)
	return true
}

// finish takes the last bytes in, whatever waits. The outbox is locked.
func (o *outbox) finish(last []byte) {
	if !o.done {
		o.add(last)
		o.done = true
	}
}

func (o *outbox) add(b []byte) {
	if !o.writing {
		n, err := o.to.try(b)
		if err != nil {
			o.fail()
			return
		}
		if b = b[n:]; len(b) == 0 {
			return
		}
		o.writing = true
		o.work.Go(o.empty)
	}
	o.pending = append(o.pending, b...)
	allPending.Add(int64(len(b)))
}

// empty writes what waits, until nothing does.
func (o *outbox) empty() {
	for {
		o.mu.Lock()
		b := o.pending
		o.pending = nil
		if len(b) == 0 {
			o.writing = false
			o.tell()
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		err := o.to.write(b)
		allPending.Add(-int64(len(b)))
		if err != nil {
			o.mu.Lock()
			o.fail()
			o.mu.Unlock()
		}
	}
}

// fail gives up. The outbox is locked.
func (o *outbox) fail() {
	allPending.Add(-int64(len(o.pending)))
	o.pending = nil
	if !o.broke {
		o.done, o.broke = true, true
		o.tell()
		o.to.broken()
	}
}

func (o *outbox) tell() {
	if o.written != nil {
		close(o.written)
		o.written = nil
	}
}

// wait returns when nothing waits any more, or can't be written, or the context ends.
func (o *outbox) wait(ctx context.Context) {
	o.mu.Lock()
	if !o.writing || o.broke {
		o.mu.Unlock()
		return
	}
	if o.written == nil {
		o.written = make(chan struct{})
	}
	written := o.written
	o.mu.Unlock()
	select {
	case <-written:
	case <-ctx.Done():
	}
}
