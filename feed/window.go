package feed

import (
	"context"
	"slices"
	"sync"
	"time"

	"example.org/parley"
)

// change is a change together with the views that were made of it.
type change struct {
	parley.ChangeEntry
	seen time.Time

	mu    sync.Mutex
	shown map[string]*shown // by the view's key
	size  int               // bytes of the views
	old   bool              // it has left the recent window, so its views are not kept
}

// shown is a view of a change. It is complete once done is closed.
type shown struct {
	done    chan struct{}
	payload []byte
	err     error
}

// show returns a view of a change. It makes the view unless another caller has made it or is making it. A view that
// failed is not kept.
func (c *change) show(ctx context.Context, v *view) ([]byte, error) {
	c.mu.Lock()
	s, known := c.shown[v.Key]
	if !known {
		s = &shown{done: make(chan struct{})}
		if c.shown == nil {
			c.shown = make(map[string]*shown)
		}
		c.shown[v.Key] = s
	}
	c.mu.Unlock()
	if !known {
		s.payload, s.err = v.Show(ctx, c.ChangeEntry)
		c.mu.Lock()
		if c.size += len(s.payload); (s.err != nil || c.old) && c.shown[v.Key] == s {
			delete(c.shown, v.Key)
			c.size -= len(s.payload)
		}
		c.mu.Unlock()
		close(s.done)
	}
	<-s.done
	return s.payload, s.err
}

// forget drops the views that were made. With old it also keeps no later ones.
func (c *change) forget(old bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shown, c.size, c.old = nil, 0, old
}

func (c *change) weight() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}

// Recent changes are kept for clients that reconnect: when a server stops, all its clients connect to another at once
// and ask for the changes that they missed.
const (
	maxRecent      = 4096
	maxRecentBytes = 64 << 20 // of their views
	// keepViews is short, since a source's text may be erased meanwhile.
	keepViews = 2 * time.Minute
)

// window holds the most recent changes, without a gap.
type window struct{ changes []*change }

func (w *window) add(c *change) {
	w.changes = append(w.changes, c)
	if past := len(w.changes) - maxRecent; past > maxRecent { // rarely, since it copies the slice
		for _, old := range w.changes[:past] {
			old.forget(true)
		}
		w.changes = slices.Clone(w.changes[len(w.changes)-maxRecent:])
	}
}

// last is the last change; nil: there is none. Only whoever adds changes may ask.
func (w *window) last() *parley.ChangeEntry {
	if len(w.changes) == 0 {
		return nil
	}
	return &w.changes[len(w.changes)-1].ChangeEntry
}

// after returns the changes after seq, at most limit of them. It returns false if the window does not reach back that
// far.
func (w *window) after(seq int64, limit int) ([]*change, bool) {
	if len(w.changes) == 0 || seq+1 < w.changes[0].Seq {
		return nil, false
	}
	from := min(int(seq+1-w.changes[0].Seq), len(w.changes))
	return slices.Clone(w.changes[from:min(from+limit, len(w.changes))]), true
}

// forget drops views that are old, and the oldest while all views together are too large. They can be made again.
func (w *window) forget(now time.Time) {
	weight := 0
	for _, c := range slices.Backward(w.changes) {
		if weight += c.weight(); weight > maxRecentBytes || now.Sub(c.seen) > keepViews {
			c.forget(false)
		}
	}
}
