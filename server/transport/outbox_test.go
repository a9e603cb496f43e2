package transport

import "testing"

// stuck is a wire whose client takes nothing until it is released.
type stuck struct{ release chan struct{} }

func (stuck) try([]byte) (int, error) { return 0, nil }

func (s stuck) write([]byte) error {
	<-s.release
	return nil
}

func (stuck) broken() {}

// The bound on what waits for all clients holds per handler: a second handler in the process has its own.
func TestHandlersDoNotSharePendingBytes(t *testing.T) {
	t.Parallel()
	full, other := forTests(DefaultLimits), forTests(DefaultLimits)
	full.pending.Add(maxPendingOfAll + 1)
	wire := stuck{release: make(chan struct{})}
	for _, tt := range []struct {
		transports *Transports
		want       bool
	}{{full, false}, {other, true}} {
		o := &outbox{to: wire, pendingOfAll: &tt.transports.pending}
		o.mu.Lock()
		o.put([]byte("a first message, which is written"))
		got := o.put(make([]byte, scarcePending)) && o.put([]byte("more"))
		o.mu.Unlock()
		if got != tt.want {
			t.Errorf("more than %d bytes may wait: %v, want %v", scarcePending, got, tt.want)
		}
		defer o.work.Wait()
	}
	close(wire.release)
}
