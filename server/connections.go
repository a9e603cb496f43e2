package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"example.org/parley/internal/turns"
)

// connections are those that a server has open. Files are limited, so connections are too; once there are as many as
// may be, a new one takes the place of one that is waiting for its client, so that nobody shuts out the others by
// connecting and sending nothing, or little. No library does that: those that limit a listener let new connections wait.
type connections struct {
	net.Listener
	most int

	mu   sync.Mutex
	open map[*connection]struct{}
}

// connection is one of them.
type connection struct {
	net.Conn
	all     *connections
	caller  string       // at the other end
	waiting atomic.Int64 // since when it waits for what the client sends, in nanoseconds; 0: it does not
}

// spareFiles are kept for the database, the log, and what else a server opens.
const spareFiles = 100

// MostConnections is how many connections a server with so many subscribers may have open, and how many of them may be subscribers': fewer than
// asked for where the limit on open files does not admit them.
func MostConnections(subscribers int) (most, subscribed int) {
	const others = 1_000
	most = subscribers + others
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil && files.Cur < uint64(most+spareFiles) {
		most = max(int(files.Cur)-spareFiles, 20)
		return most, min(subscribers, most*3/4)
	}
	return most, subscribers
}

func limited(listener net.Listener, most int) *connections {
	return &connections{Listener: listener, most: most, open: make(map[*connection]struct{})}
}

// Accept waits for the next connection.
func (c *connections) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		opened := &connection{Conn: conn, all: c, caller: turns.CallerAt(conn.RemoteAddr().String())}
		opened.waits(true)
		if !c.admit(opened) {
			conn.Close()
			continue
		}
		return opened, nil
	}
}

// admit makes room for a connection. It returns false if all others are busy.
func (c *connections) admit(opened *connection) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= c.most {
		last := c.dispensable()
		if last == nil {
			return false
		}
		delete(c.open, last)
		last.Conn.Close()
	}
	c.open[opened] = struct{}{}
	return true
}

// dispensable is the connection that has waited longest for its client, of the caller who has the most open.
func (c *connections) dispensable() (longest *connection) {
	count := make(map[string]int)
	for o := range c.open {
		count[o.caller]++
	}
	var began int64
	for o := range c.open {
		since := o.waiting.Load()
		if since != 0 && (longest == nil || count[o.caller] > count[longest.caller] ||
			count[o.caller] == count[longest.caller] && since < began) {
			longest, began = o, since
		}
	}
	return longest
}

// Close closes the connection.
func (c *connection) Close() error {
	c.all.mu.Lock()
	delete(c.all.open, c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// SyscallConn gives WebSockets access to the connection itself.
func (c *connection) SyscallConn() (syscall.RawConn, error) {
	if conn, ok := c.Conn.(syscall.Conn); ok {
		return conn.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// waits notes whether the connection waits for what its client sends.
func (c *connection) waits(is bool) {
	switch {
	case c == nil:
	case is:
		c.waiting.Store(time.Now().UnixNano())
	default:
		c.waiting.Store(0)
	}
}

// watched is the connection that HTTP serves; nil where connections are not limited.
func watched(conn net.Conn) *connection {
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	c, _ := conn.(*connection)
	return c
}

type connectionKey struct{}

func withConnection(ctx context.Context, conn net.Conn) context.Context {
	ctx = turns.WithCaller(ctx, turns.CallerAt(conn.RemoteAddr().String()))
	return context.WithValue(ctx, connectionKey{}, watched(conn))
}

// connectionOf is the connection by which a request came; nil where connections are not limited.
func connectionOf(r *http.Request) *connection {
	c, _ := r.Context().Value(connectionKey{}).(*connection)
	return c
}
