package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"text/tabwriter"
	"time"

	"example.org/parley/internal/postgres"
)

// moving is the measurement of a subscriber's move.
type moving struct {
	left  time.Time // when its connection ended
	there time.Time // when it had subscribed at the other server
	first time.Time // when it received the first change from there
}

// How long a subscriber waits before it reconnects: a random part of the shortest wait, which doubles after each failed
// attempt.
const (
	shortestWait = 100 * time.Millisecond
	longestWait  = 3 * time.Second
)

// measureMove measures how subscribers move to a second server when theirs stops.
func (b *bench) measureMove() (err error) {
	dir := filepath.Join(b.dir, "data")
	cluster, err := postgres.Start(b.ctx, postgres.Options{Dir: dir, BinDir: b.PostgresBin, Log: b.log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	env := []string{"PARLEY_DATABASE_URL=" + cluster.DSN(postgres.Database)}
	holders := holdersFor(0)
	if err := b.prepare(holders, nil, env); err != nil {
		return err
	}
	start := func() (*process, error) {
		cmd := exec.Command(b.Parley, "serve", "--addr", "127.0.0.1:0")
		cmd.Env = append(os.Environ(), env...)
		return startProcess(b.ctx, "parley", cmd)
	}
	return b.with(start, func(from *process) error {
		return b.with(start, func(to *process) error {
			return b.move(from, to, newRecorder(holders, b.Seed).to(to))
		})
	})
}

// move records changes all the time, and stops the first server in the middle.
func (b *bench) move(from, to *process, record source) error {
	c, err := newCrowd()
	if err != nil {
		return err
	}
	defer c.leave()
	before, err := pace(b.ctx, warmUp, record, upTo(warmUp))
	if err != nil {
		return err
	}
	last := before[len(before)-1].cursor
	at := func(p *process) func(*subscriber) (*conversation, error) {
		return func(s *subscriber) (*conversation, error) {
			c.mu.Lock()
			after := last
			if len(s.got) > 0 {
				after = c.changes[s.got[len(s.got)-1]].cursor
			}
			c.mu.Unlock()
			return subscribe(p, changeAfter, map[string]any{"after": after}, 0)
		}
	}
	members := all(b.Subscribers)
	if err := c.join(b.ctx, members, at(from)); err != nil {
		return err
	}
	changes := int(b.Rate * b.Duration.Seconds())

	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	var stopping atomic.Bool
	turns := newTurns()
	c.mu.Lock()
	c.onLoss = func(s *subscriber, _ error) bool {
		if s.moving != nil || !stopping.Load() {
			return false
		}
		s.moving = &moving{left: time.Now()}
		go c.follow(ctx, s, turns, at(to))
		return true
	}
	c.mu.Unlock()

	b.log.Info(
		fmt.Sprintf("%d subscribers follow one server while %d changes are recorded through the other", len(members),
			changes))
	var stopped time.Time
	list, err := pace(b.ctx, b.Rate, record, func(made int) bool {
		if made == changes/2 && stopped.IsZero() {
			b.log.Info("the first server is told to stop")
			stopping.Store(true)
			stopped = time.Now()
			from.cmd.Process.Signal(syscall.SIGTERM)
		}
		return made < changes && c.intact()
	})
	if err != nil {
		return err
	}
	if err := c.await(b.ctx, expected(list, members)); err != nil {
		return err
	}
	if err := c.check(list, members); err != nil {
		return err
	}
	return c.reportMove(members, stopped, len(list))
}

// turns limits how many subscribers connect at the same time, to joiners.
type turns chan struct{}

func newTurns() turns { return make(turns, joiners) }

// follow reconnects a subscriber, with increasing waits.
func (c *crowd) follow(ctx context.Context, s *subscriber, t turns, open func(*subscriber) (*conversation, error)) {
	var err error
	for wait := shortestWait; ; wait = min(2*wait, longestWait) {
		select {
		case <-time.After(rand.N(wait)):
		case <-ctx.Done():
			return
		}
		t <- struct{}{}
		err = c.enter(s, open)
		<-t
		if err == nil {
			c.mu.Lock()
			s.moving.there = time.Now()
			c.mu.Unlock()
			return
		}
		if wait == longestWait {
			c.mu.Lock()
			c.fail(fmt.Errorf("subscriber %d can't connect to the second server: %w", s.number, err))
			c.mu.Unlock()
			return
		}
	}
}

// reportMove writes how long the moves took.
func (c *crowd) reportMove(members []*subscriber, stopped time.Time, changes int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var left, there, first, whole []time.Duration
	for _, s := range members {
		if s.moving == nil || s.moving.first.IsZero() {
			return fmt.Errorf("subscriber %d did not move", s.number)
		}
		left = append(left, s.moving.left.Sub(stopped))
		there = append(there, s.moving.there.Sub(s.moving.left))
		first = append(first, s.moving.first.Sub(s.moving.left))
		whole = append(whole, s.moving.first.Sub(stopped))
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintf(table, "Moves of %d subscribers\tp50 ms\tp99 ms\tlongest\n", len(members))
	for _, r := range []struct {
		title string
		took  []time.Duration
	}{
		{"SIGTERM until the connection ended", left},
		{"from then until subscribed again", there},
		{"  until the next change was received", first},
		{"SIGTERM until the next change was received", whole},
	} {
		slices.Sort(r.took)
		fmt.Fprintf(table, "%s\t%.1f\t%.1f\t%.1f\n", r.title, millis(quantile(r.took, 0.50)),
			millis(quantile(r.took, 0.99)), millis(r.took[len(r.took)-1]))
	}
	table.Flush()
	fmt.Printf(
		"Each received all %d changes exactly once and in order. A subscriber waits a random part of %v before it "+
			"reconnects, and twice as long after each failed attempt.\n",
		changes, shortestWait)
	return nil
}
