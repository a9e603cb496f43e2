package feed

import (
	"context"
	"slices"
	"sync"
	"time"

	"example.org/parley"
)

// change is a change with the views that were made of it.
type change struct {
	parley.ChangeEntry
	seen time.Time

	mu    sync.Mutex
	shown map[string]*shown // by the view's key
	size  int               // of the views
	old   bool              // no views are kept
}

// shown is a view of a change, once done is closed.
type shown struct {
	done    chan struct{}
	payload []byte
	err     error
}

// show makes a view of a change, unless somebody has, or is about to. One that could not be made is not kept.
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

// forget lets go of the views that were made, and, of a change that is old, of those to come.
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

// The recent changes are kept for those who come back: when a server stops, its clients come to another all at once, and
// all ask for what they missed.
const (
	maxRecent      = 4096
	maxRecentBytes = 64 << 20 // of views
	// keepViews is short, since a text may be erased meanwhile.
	keepViews = 2 * time.Minute
)

// window holds the last changes, without a gap.
type window struct{ changes []*change }

func (w *window) add(c *change) {
	w.changes = append(w.changes, c)
	if past := len(w.changes) - maxRecent; past > maxRecent { // seldom, for it moves them
		for _, old := range w.changes[:past] {
			old.forget(true)
		}
		w.changes = slices.Clone(w.changes[len(w.changes)-maxRecent:])
	}
}

// after are the changes that follow one, at most so many, and false if the window does not reach back so far.
func (w *window) after(seq int64, limit int) ([]*change, bool) {
	if len(w.changes) == 0 || seq+1 < w.changes[0].Seq {
		return nil, false
	}
	from := min(int(seq+1-w.changes[0].Seq), len(w.changes))
	return slices.Clone(w.changes[from:min(from+limit, len(w.changes))]), true
}

// forget lets go of views that are old, or too much together; they can be made again.
func (w *window) forget(now time.Time) {
	weight := 0
	for _, c := range slices.Backward(w.changes) {
		if weight += c.weight(); weight > maxRecentBytes || now.Sub(c.seen) > keepViews {
			c.forget(false)
		}
	}
}
