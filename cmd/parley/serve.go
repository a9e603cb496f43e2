package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"parley/feed"
	"parley/server"
)

type serve struct {
	database
	Addr        string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address to listen on (${default})."`
	AllowRemote bool   `help:"Listen on an address that other machines can reach. Whoever reaches it may read and write."`
	Demo        bool   `help:"Load the example data set if the database is empty."`
}

// pollEvery is how long a change by another server may go unnoticed where no hint of it comes.
const pollEvery = time.Second

// Run serves until it is told to stop, or the database is lost.
func (s serve) Run(r *run) (err error) {
	loopback, err := s.checkAddress()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("can't listen on %s: %w", s.Addr, err)
	}
	defer listener.Close()

	db, err := s.start(r)
	if err != nil {
		return err
	}
	defer db.stop(r)
	store, err := db.open(r, s.Analyst)
	if err != nil {
		return err
	}
	defer store.Close()
	if s.Demo {
		if err := loadDemo(r.ctx, r, store); err != nil {
			return err
		}
	}
	tailing, endFeed := context.WithCancel(context.WithoutCancel(r.ctx))
	defer endFeed()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	changes, err := feed.Start(tailing, store, feed.Options{Poll: pollEvery, Log: r.log, Metrics: registry})
	if err != nil {
		return err
	}
	defer func() { endFeed(); <-changes.Done() }()

	serving, stop := context.WithCancelCause(r.ctx)
	defer stop(nil)
	go func() {
		select {
		case <-db.lost():
			stop(fmt.Errorf("the built-in database ended: %w", errors.Join(errors.New("see its last messages above"), db.cluster.Err())))
		case <-serving.Done():
		}
	}()
	r.log.Info("ready", "playground", "http://"+listener.Addr().String()+server.PlaygroundPath, "graphql", "http://"+listener.Addr().String()+server.GraphQLPath)
	h := server.New(server.Options{Store: store, Feed: changes, Log: r.log, LoopbackOnly: loopback, Metrics: registry})
	err = server.Serve(serving, listener, h)
	if cause := context.Cause(serving); r.ctx.Err() == nil && cause != nil {
		return cause
	}
	if err == nil {
		r.log.Info("stopped")
	}
	return err
}

// checkAddress says whether the address is reached from this machine only; another needs a flag.
func (s serve) checkAddress() (loopback bool, err error) {
	host, _, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return false, fmt.Errorf("--addr %q is not an address; give a host and a port, such as 127.0.0.1:8080", s.Addr)
	}
	ip := net.ParseIP(host)
	if host == "localhost" || (ip != nil && ip.IsLoopback()) {
		return true, nil
	}
	if !s.AllowRemote {
		return false, fmt.Errorf("--addr %q can be reached from other machines, and whoever reaches it may write; add --allow-remote if that is meant, or use 127.0.0.1", s.Addr)
	}
	return false, nil
}
