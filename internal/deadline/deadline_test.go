package deadline

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What is done in time is left alone; all else is ended when its own time is over.
func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		d := New(10 * time.Second)
		var mu sync.Mutex
		var late []time.Duration
		begin := func() func() {
			return d.Begin(func() {
				mu.Lock()
				defer mu.Unlock()
				late = append(late, time.Since(begun))
			})
		}
		begin()
		time.Sleep(3 * time.Second) // the clock is synctest's, so nothing waits
		done := begin()
		begin()
		time.Sleep(4 * time.Second)
		done()
		time.Sleep(time.Minute)
		begin()() // done at once
		afterwards := begin()
		time.Sleep(time.Minute)
		afterwards() // too late, and harmless
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		want := []time.Duration{10 * time.Second, 13 * time.Second, 77 * time.Second}
		if !slices.Equal(late, want) {
			t.Errorf("ended after %v, want %v", late, want)
		}
		if d.pending.Len() > 0 || d.isArmed {
			t.Error("something is pending")
		}
	})
}
