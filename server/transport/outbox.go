package transport

import (
	"context"
	"sync"
	"sync/atomic"
)

const (
	// maxPending is how many bytes may wait for one client. A larger message may wait if nothing else does.
	maxPending = 1 << 20
	// maxPendingOfAll is how many bytes may wait for all clients of one handler. Beyond it, at most scarcePending may
	// wait for each client.
	maxPendingOfAll = 256 << 20
	scarcePending   = 64 << 10
)

// wire is where an outbox writes.
type wire interface {
	// try writes as much as possible without waiting, which may be nothing.
	try([]byte) (int, error)
	// write writes everything. It waits as long as a client may take (Limits.Write).
	write([]byte) error
	// broken is called when nothing more can be written.
	broken()
}

// outbox holds the bytes that a client has not taken yet. Putting bytes in does not wait: what can't be written at once
// stays in the outbox, and a goroutine writes it and ends when the outbox is empty.
type outbox struct {
	to           wire
	pendingOfAll *atomic.Int64 // bytes that wait in all outboxes of the handler
	pending      []byte
	writing      bool // the goroutine is running
	done         bool // no more bytes are accepted
	broke        bool // the wire failed, so what waits can't be written

	mu      sync.Mutex
	work    sync.WaitGroup
	written chan struct{} // closed when nothing waits any more; nil: nobody waits for that
}

// put accepts bytes to send. It returns false if too many wait already or the outbox accepts no more. The caller holds
// the lock.
func (o *outbox) put(b []byte) bool {
	if o.done {
		return false
	}
	limit := maxPending
	if o.pendingOfAll.Load() > maxPendingOfAll {
		limit = scarcePending
	}
	if o.writing && len(o.pending)+len(b) > limit && len(o.pending) > 0 {
		return false
	}
	o.add(b)
	return true
}

// finish accepts the last bytes, however many wait. The caller holds the lock.
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
	o.pendingOfAll.Add(int64(len(b)))
}

// empty writes what waits until nothing does.
func (o *outbox) empty() {
	for {
		o.mu.Lock()
		b := o.pending
		o.pending = nil
		if len(b) == 0 {
			o.writing = false
			o.signal()
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		err := o.to.write(b)
		o.pendingOfAll.Add(-int64(len(b)))
		if err != nil {
			o.mu.Lock()
			o.fail()
			o.mu.Unlock()
		}
	}
}

// fail discards what waits, since the wire failed. The caller holds the lock.
func (o *outbox) fail() {
	o.pendingOfAll.Add(-int64(len(o.pending)))
	o.pending = nil
	if !o.broke {
		o.done, o.broke = true, true
		o.signal()
		o.to.broken()
	}
}

func (o *outbox) signal() {
	if o.written != nil {
		close(o.written)
		o.written = nil
	}
}

// wait returns when nothing waits any more, or the wire failed, or the context ends.
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
