package storage

import (
	"context"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// channel is the channel of LISTEN and NOTIFY by which servers on one database notify each other that the feed has
// grown.
const channel = "parley_feed"

// notifier notifies the other servers that the feed has grown. It does so after the commit and on a connection of its
// own, since NOTIFY takes a database-wide lock at commit. Many writes in a row become one notification.
type notifier struct {
	db     *sqlx.DB
	log    *slog.Logger
	due    chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
}

func newNotifier(db *sqlx.DB, log *slog.Logger) *notifier {
	ctx, cancel := context.WithCancel(context.Background())
	n := &notifier{db: db, log: log, due: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	go n.run(ctx)
	return n
}

// notify asks for a notification; it never waits.
func (n *notifier) notify() {
	select {
	case n.due <- struct{}{}:
	default: // one is due already
	}
}

func (n *notifier) run(ctx context.Context) {
	defer close(n.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.due:
		}
		if _, err := n.db.ExecContext(ctx, `NOTIFY `+channel); err != nil && ctx.Err() == nil {
			n.log.Warn("other servers could not be notified of a change and will find it by polling", "error", err)
		}
	}
}

func (n *notifier) close() {
	n.cancel()
	<-n.done
}

// Resyncs is how often the connection for notifications was lost and came back.
func (s *Store) Resyncs() int64 { return s.resyncs.Load() }

// Listen returns a channel that receives whenever the feed may have grown: after a notification from any server on this
// database, and whenever the connection was lost, since notifications are lost with it. It ends with the context.
func (s *Store) Listen(ctx context.Context) <-chan struct{} {
	more := make(chan struct{}, 1)
	grown := func() {
		select {
		case more <- struct{}{}:
		default:
		}
	}
	listener := pq.NewListener(s.dsn, 100*time.Millisecond, 10*time.Second,
		func(event pq.ListenerEventType, err error) {
			if event == pq.ListenerEventReconnected {
				s.resyncs.Add(1)
			}
			if event == pq.ListenerEventDisconnected || event == pq.ListenerEventConnectionAttemptFailed {
				s.log.Warn("the connection for notifications from other servers is lost; the feed is polled meanwhile",
					"error", err)
			}
		})
	go func() {
		// The listener stalls when its notifications are not drained, even while it is being closed.
		for range listener.Notify {
			grown()
		}
	}()
	context.AfterFunc(ctx, func() { listener.Close() })
	go func() {
		if err := listener.Listen(channel); err != nil && ctx.Err() == nil {
			s.log.Warn("notifications from other servers can't be received; the feed is polled", "error", err)
		}
		grown()
	}()
	return more
}
