package rows

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Whoever has run shortest comes next, and whoever is given up leaves no gap.
func TestTurnsGoToWhoHasRunShortest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns(1)
		if err := turns.enter(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		given, cancel := context.WithCancel(t.Context())
		var order []time.Duration
		done := make(chan struct{})
		for _, used := range []time.Duration{5, 1, 3, 2} {
			go func() {
				ctx := t.Context()
				if used == 2 {
					ctx = given
				}
				if turns.enter(ctx, used) == nil {
					order = append(order, used)
					turns.leave()
				}
				done <- struct{}{}
			}()
		}
		synctest.Wait()
		cancel()
		<-done
		turns.leave()
		for range 3 {
			<-done
		}
		if want := []time.Duration{1, 3, 5}; !slices.Equal(order, want) || turns.free != 1 || len(turns.waiting) > 0 {
			t.Errorf("turns went to %v, want %v; %d are free", order, want, turns.free)
		}
	})
}

// Short operations wait for nobody; long ones take turns, however long each is.
func TestLongOperationsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns(1)
		operation := func(steps int, step time.Duration) (took time.Duration) {
			r := running{takesTurns: true}
			begun := time.Now()
			for range steps {
				if err := r.step(t.Context(), turns); err != nil {
					t.Error(err)
				}
				time.Sleep(step) // of the bubble's clock: the statement runs
			}
			r.Leave()
			return time.Since(begun)
		}
		long := make(chan time.Duration)
		for range 3 {
			go func() { long <- operation(20, 20*time.Millisecond) }()
		}
		time.Sleep(100 * time.Millisecond)
		if took := operation(5, time.Millisecond); took != 5*time.Millisecond {
			t.Errorf("a short one takes %v", took)
		}
		for range 3 {
			if took := <-long; took < 900*time.Millisecond || took > 1_300*time.Millisecond {
				t.Errorf("a long one takes %v", took)
			}
		}
		if turns.free != 1 {
			t.Errorf("%d turns are free", turns.free)
		}
	})
}
