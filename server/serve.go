package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Serve answers requests on a listener until the context ends, over so many connections at a time. Then it says so at
// /readyz. After Options.DrainDelay it accepts no more, asks subscribers to reconnect to another server, and lets running
// requests finish, for at most 10 seconds. With a configuration of TLS, it speaks that.
func Serve(ctx context.Context, listener net.Listener, encrypted *tls.Config, mostConnections int, h *Handler) error {
	requests, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	listener = limited(listener, mostConnections)
	if encrypted != nil {
		listener = tls.NewListener(listener, encrypted)
	}
	srv := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			connectionOf(r).waits(false)
			defer steadily(w, r)()
			h.ServeHTTP(w, r)
		}),
		ErrorLog:    slog.NewLogLogger(h.log.Handler(), slog.LevelError),
		BaseContext: func(net.Listener) context.Context { return requests },
		ConnContext: withConnection,
		ConnState: func(conn net.Conn, state http.ConnState) {
			if state == http.StateIdle {
				watched(conn).waits(true)
			}
		},
		ReadHeaderTimeout: 10 * time.Second,
		// transports move this deadline: for an answer until it is ready, for a stream until it ends
		WriteTimeout:   60 * time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		h.stopping.Store(true)
		<-time.After(h.drainDelay) // meanwhile proxies find out, and send no more
		graceful, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		var draining sync.WaitGroup
		draining.Go(func() { h.Drain(graceful) })
		err := srv.Shutdown(graceful)
		draining.Wait()
		end()
		stopped <- err
	}()
	if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
