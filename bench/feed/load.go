package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"example.org/parley/bench/gauge"
)

// leg is the measurement of one server with some subscribers.
type leg struct {
	Subscribers, Changes, Deliveries int
	Seconds, Recording               float64 // until everything was delivered, and until everything was recorded
	Used                             usage
	Latency                          latency
	// The server's memory in KiB and its number of goroutines: without subscribers, with them, and after the load. 0
	// goroutines means that the server does not report them.
	MemoryBefore, MemoryWith, MemoryAfter float64
	GoroutinesBefore, GoroutinesWith      int
}

// warmUp is how many changes a server records before the measurement.
const warmUp = 20

// group is a group of subscribers that connect in the same way.
type group struct {
	members []*subscriber
	open    func(*subscriber) (*conversation, error)
}

// measureLeg connects the groups to a server, records changes, and checks that everybody received exactly their
// changes.
func (b *bench) measureLeg(p *process, record source, changes int, groups ...group) (l leg, sample []byte, err error) {
	c, err := newCrowd()
	if err != nil {
		return l, nil, err
	}
	defer c.leave()
	if _, err := pace(b.ctx, warmUp, record, upTo(warmUp)); err != nil {
		return l, nil, err
	}
	if l.MemoryBefore, l.GoroutinesBefore, err = b.state(p); err != nil {
		return l, nil, err
	}
	begun := time.Now()
	for _, g := range groups {
		if err := c.join(b.ctx, g.members, g.open); err != nil {
			return l, nil, err
		}
	}
	if l.Subscribers = len(c.members); l.Subscribers > 0 {
		b.log.Info(fmt.Sprintf("%s: %d subscribers connected in %v", p.name, l.Subscribers,
			time.Since(begun).Round(100*time.Millisecond)))
		if err := c.settle(b.ctx, p, record); err != nil {
			return l, nil, err
		}
	}
	if l.MemoryWith, l.GoroutinesWith, err = b.state(p); err != nil {
		return l, nil, err
	}
	before, err := p.used()
	if err != nil {
		return l, nil, err
	}
	begun = time.Now()
	list, err := pace(b.ctx, b.Rate, record, func(made int) bool { return made < changes && c.intact() })
	if err != nil {
		return l, nil, err
	}
	l.Recording = time.Since(begun).Seconds()
	l.Changes, l.Deliveries = len(list), expected(list, c.members)
	if err := c.await(b.ctx, l.Deliveries); err != nil {
		return l, nil, err
	}
	after, err := p.used()
	if err != nil {
		return l, nil, err
	}
	l.Used, l.Seconds = after.less(before), time.Since(begun).Seconds()
	if l.MemoryAfter, _, err = b.state(p); err != nil {
		return l, nil, err
	}
	if err := c.check(list, c.members); err != nil {
		return l, nil, fmt.Errorf("%s: %w", p.name, err)
	}
	if l.Deliveries > 0 {
		l.Latency, err = c.between(mark{}, c.now())
	}
	return l, c.sample, err
}

func (b *bench) state(p *process) (memory float64, goroutines int, err error) {
	if memory, err = p.memory(); err != nil {
		return 0, 0, err
	}
	goroutines, err = p.goroutines(b.ctx)
	return memory, goroutines, err
}

// settle waits until all subscriptions are active. The servers don't report that, so settle waits until the server is
// idle, and then until a change has reached everybody.
func (c *crowd) settle(ctx context.Context, p *process, record source) error {
	const look, idle = 500 * time.Millisecond, 25 * time.Millisecond
	for deadline, last := time.Now().Add(2*maxWait), time.Duration(math.MinInt64/2); ; {
		now, err := gauge.ProcessorTime(p.pid())
		if err != nil {
			return err
		}
		if now-last <= idle {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not idle within %v after its subscribers have connected", p.name,
				2*maxWait)
		}
		last = now
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r, err := record(ctx)
	if err != nil {
		return err
	}
	probe := []recorded{r}
	if err := c.await(ctx, expected(probe, c.members)); err != nil {
		return err
	}
	if err := c.check(probe, c.members); err != nil {
		return fmt.Errorf("before the load: %w", err)
	}
	c.forget()
	return nil
}

// round is a round in which both servers are measured in turn, with subscribers to all changes only. Every other round
// begins with centrifuge, so that neither server always comes first.
type round struct{ Alone, Parley, Centrifuge leg }

// measureLoad measures Parley with a mixed load, and then in rounds beside centrifuge.
func (b *bench) measureLoad() error {
	identical := b.Subscribers - b.Subscribers/2
	filtered := b.Subscribers - identical
	holders := holdersFor(filtered)
	if err := b.prepare(holders, b.builtIn(), nil); err != nil {
		return err
	}
	if b.Rounds > 0 {
		if err := b.buildBaseline(); err != nil {
			return err
		}
	}
	positions := newRecorder(holders, b.Seed)
	changes := int(math.Round(b.Rate * b.Duration.Seconds()))

	b.log.Info(fmt.Sprintf("measuring %d subscribers, half of them with a filter of their own, for %v", b.Subscribers,
		b.Duration))
	var mixed leg
	var sample []byte
	err := b.with(b.startParley, func(p *process) (err error) {
		mixed, sample, err = b.measureLeg(p, positions.to(p), changes, group{all(identical), toEvery(p)},
			group{pairs(filtered, holders), toSome(p)})
		return err
	})
	if err != nil {
		return err
	}
	rounds := make([]round, b.Rounds)
	for i := range rounds {
		b.log.Info(fmt.Sprintf("round %d of %d: %d subscribers to everything", i+1, b.Rounds, identical))
		if err := b.measureRound(&rounds[i], positions, sample, identical, max(1, changes/4), i%2 == 1); err != nil {
			return err
		}
	}
	reportLoad(os.Stdout, mixed, rounds)
	return nil
}

// measureRound starts both servers anew, so that the memory figures of all rounds are comparable.
func (b *bench) measureRound(
	r *round, positions *recorder, sample []byte, subscribers, changes int, reversed bool,
) error {
	parley := func() error {
		return b.with(b.startParley, func(p *process) (err error) {
			if r.Alone, _, err = b.measureLeg(p, positions.to(p), changes); err != nil {
				return err
			}
			r.Parley, _, err = b.measureLeg(p, positions.to(p), changes, group{all(subscribers), toEvery(p)})
			return err
		})
	}
	centrifuge := func() error {
		return b.with(b.startBaseline, func(p *process) error {
			publish, err := publisher(p, sample)
			if err != nil {
				return err
			}
			r.Centrifuge, _, err = b.measureLeg(p, publish, changes, group{all(subscribers), toChannel(p)})
			return err
		})
	}
	order := []func() error{parley, centrifuge}
	if reversed {
		slices.Reverse(order)
	}
	for _, measure := range order {
		if err := measure(); err != nil {
			return err
		}
	}
	return nil
}

// with runs a server while do runs.
func (b *bench) with(start func() (*process, error), do func(*process) error) error {
	p, err := start()
	if err != nil {
		return err
	}
	return errors.Join(do(p), p.stop())
}
