package rows

import (
	"context"
	"net"
	"time"

	"github.com/lib/pq"
)

// Socket is the network connection under a connection to the database. The driver dials it, and the holder can close it
// although the driver waits on it.
type Socket struct {
	net.Conn
	dialer  net.Dialer
	dialled bool
}

var _ pq.DialerContext = (*Socket)(nil)

// Dialled keeps the connection that was dialled. What the driver dials later, to cancel a statement, is not kept.
func (s *Socket) Dialled() { s.dialled = true }

// DialContext dials.
func (s *Socket) DialContext(ctx context.Context, network, address string) (conn net.Conn, err error) {
	if conn, err = s.dialer.DialContext(ctx, network, address); err == nil && !s.dialled {
		s.Conn = conn
	}
	return conn, err
}

// Dial dials without a context.
func (s *Socket) Dial(network, address string) (net.Conn, error) {
	return s.DialContext(context.Background(), network, address)
}

// DialTimeout dials for so long at most.
func (s *Socket) DialTimeout(network, address string, d time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return s.DialContext(ctx, network, address)
}
