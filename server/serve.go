package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Serve answers requests on a listener until the context ends. It then takes no more, ends subscriptions, and gives
// running requests the time to finish.
func Serve(ctx context.Context, listener net.Listener, h http.Handler) error {
	requests, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	srv := &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		// WebSockets are no longer the server's own by now: they end with their contexts, once ordinary requests are done.
		graceful, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := srv.Shutdown(graceful)
		end()
		stopped <- err
	}()
	if err := srv.Serve(impatient{listener}); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// patience is how long a client may take to accept what is written to it.
const patience = 30 * time.Second

// impatient gives every write a deadline, those to WebSockets included: a client that stops reading is disconnected and
// holds nothing up for good.
type impatient struct{ net.Listener }

// Accept waits for the next client.
func (l impatient) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return impatientConn{conn}, nil
}

type impatientConn struct{ net.Conn }

func (c impatientConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
