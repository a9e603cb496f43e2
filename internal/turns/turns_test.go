package turns

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// The task that has run for the shortest time gets the next turn. A task that no longer waits is passed over.
func TestTurnsGoToWhoHasRunShortest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := New(1)
		first, err := turns.Take(t.Context(), time.Second)
		if err != nil {
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
				if turn, err := turns.Take(ctx, used); err == nil {
					order = append(order, used)
					turn.End()
				}
				done <- struct{}{}
			}()
		}
		synctest.Wait()
		cancel()
		<-done
		first.End()
		for range 3 {
			<-done
		}
		if want := []time.Duration{1, 3, 5}; !slices.Equal(order, want) || turns.free != 1 || turns.waiting > 0 {
			t.Errorf("turns went to %v, want %v; %d are free", order, want, turns.free)
		}
	})
}

// A caller who has used less than another comes first, however many tasks the other has. The first turn does not count,
// since nobody had to wait for it.
func TestTurnsGoToWhoHasUsedLeast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := New(1)
		var order []string
		done := make(chan struct{})
		wait := func(name string, long time.Duration) {
			go func() {
				turn, err := turns.Take(WithCaller(t.Context(), name), 0)
				if err != nil {
					t.Error(err)
				}
				order = append(order, name)
				time.Sleep(long) // the task runs; the clock is synctest's, so nothing waits
				turn.End()
				done <- struct{}{}
			}()
			synctest.Wait()
		}
		for range 4 {
			wait("many", 30*time.Millisecond)
		}
		wait("few", 10*time.Millisecond)
		wait("few", 10*time.Millisecond)
		for range 6 {
			<-done
		}
		if want := []string{"many", "many", "few", "few", "many", "many"}; !slices.Equal(order, want) {
			t.Errorf("turns went to %v, want %v", order, want)
		}
		time.Sleep(time.Minute) // what was used long ago does not count either
		if used := turns.callers["many"].lately(time.Now()); used > 0 {
			t.Errorf("%v are not forgotten after a minute", used)
		}
	})
}

// Callers that are not waiting don't fill the memory.
func TestCallersAreForgotten(t *testing.T) {
	t.Parallel()
	turns := New(1)
	for i := range 10 * manyCallers {
		turn, err := turns.Take(WithCaller(t.Context(), strconv.Itoa(i)), 0)
		if err != nil {
			t.Fatal(err)
		}
		turn.End()
	}
	if n := len(turns.callers); n > manyCallers {
		t.Errorf("%d callers are kept", n)
	}
}

func TestCallerAt(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.7:4711":          "192.0.2.7",
		"[::ffff:192.0.2.7]:80":   "192.0.2.7",
		"[2001:db8:1:2:3::4]:80":  "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80":       "fe80::/64",
		"@":                       "@",
		"2001:db8:1:2:ffff:0:0:1": "2001:db8:1:2::/64",
	} {
		if got := CallerAt(address); got != want {
			t.Errorf("%s is of %q, want %q", address, got, want)
		}
	}
}

// A task that pauses lets others have their turns, and takes one again to go on.
func TestPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := New(1)
		task := new(Task)
		step := func() {
			if err := task.Step(t.Context(), turns); err != nil {
				t.Error(err)
			}
		}
		step()
		time.Sleep(2 * shortTime)
		step()
		if turns.free != 0 {
			t.Error("it takes no turn")
		}
		task.Pause()
		if turns.free != 1 {
			t.Error("it keeps its turn")
		}
		step()
		if turns.free != 0 {
			t.Error("it goes on without a turn")
		}
		task.End()
		step()
		if turns.free != 1 {
			t.Error("it takes a turn after its end")
		}
	})
}

// Short operations wait for nobody; long ones take turns, however long each is.
func TestLongOperationsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := New(1)
		operation := func(steps int, step time.Duration) (took time.Duration) {
			var task Task
			begun := time.Now()
			for range steps {
				if err := task.Step(t.Context(), turns); err != nil {
					t.Error(err)
				}
				time.Sleep(step) // the statement runs; the clock is synctest's
			}
			task.End()
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
