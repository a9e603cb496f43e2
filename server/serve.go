package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// Serve answers requests on a listener until the context ends. Then it accepts no more, asks subscribers to reconnect
// to another server, and lets running requests finish, for at most 10 seconds.
func Serve(ctx context.Context, listener net.Listener, h *Handler) error {
	requests, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	srv := &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		// transports move this deadline: for an answer until it is ready, for a stream until it ends
		WriteTimeout:   60 * time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
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
