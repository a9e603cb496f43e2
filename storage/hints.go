package storage

import (
	"context"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// channel is what servers on one database tell each other through that there is more in the feed.
const channel = "parley_feed"

// hints tells the other servers that the feed has grown. It notifies after the commit and on a connection of its own,
// since NOTIFY takes a database-wide lock at commit; many writes in a row become one hint.
type hints struct {
	db     *sqlx.DB
	log    *slog.Logger
	due    chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
}

func newHints(db *sqlx.DB, log *slog.Logger) *hints {
	ctx, cancel := context.WithCancel(context.Background())
	h := &hints{db: db, log: log, due: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	go h.run(ctx)
	return h
}

// give asks for a hint; it never waits.
func (h *hints) give() {
	select {
	case h.due <- struct{}{}:
	default: // one is due already
	}
}

func (h *hints) run(ctx context.Context) {
	defer close(h.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.due:
		}
		if _, err := h.db.ExecContext(ctx, `NOTIFY `+channel); err != nil && ctx.Err() == nil {
			h.log.Warn("other servers could not be told of a change and will find it by polling", "error", err)
		}
	}
}

func (h *hints) close() {
	h.cancel()
	<-h.done
}

// Resyncs is how often the connection for hints was lost and came back.
func (s *Store) Resyncs() int64 { return s.resyncs.Load() }

// Listen returns a channel that receives whenever the feed may have grown: after a hint from any server on this
// database, and after every time that the connection was lost, since hints are lost with it. It ends with the context.
func (s *Store) Listen(ctx context.Context) <-chan struct{} {
	more := make(chan struct{}, 1)
	hint := func() {
		select {
		case more <- struct{}{}:
		default:
		}
	}
	listener := pq.NewListener(s.dsn, 100*time.Millisecond, 10*time.Second, func(event pq.ListenerEventType, err error) {
		if event == pq.ListenerEventReconnected {
			s.resyncs.Add(1)
		}
		if event == pq.ListenerEventDisconnected || event == pq.ListenerEventConnectionAttemptFailed {
			s.log.Warn("the connection for hints from other servers is lost; the feed is polled meanwhile", "error", err)
		}
	})
	go func() {
		// The listener stalls when its notifications are not drained, even while it is being closed.
		for range listener.Notify {
			hint()
		}
	}()
	context.AfterFunc(ctx, func() { listener.Close() })
	go func() {
		if err := listener.Listen(channel); err != nil && ctx.Err() == nil {
			s.log.Warn("hints from other servers can't be had; the feed is polled", "error", err)
		}
		hint()
	}()
	return more
}
