package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// connections is how many clients ask at the same time.
const connections = 16

// load sends random requests on all connections until the time is over. It returns how long each answer took, shortest
// first.
func load(
	ctx context.Context, conns []*connection, requests [][]byte, d time.Duration, seed uint64,
) ([]time.Duration, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	end := time.Now().Add(d)
	took := make(chan []time.Duration)
	for i, c := range conns {
		go func() {
			list, err := c.askUntil(ctx, end, requests, rand.New(rand.NewPCG(seed, uint64(i))))
			if err != nil {
				stop(err)
			}
			took <- list
		}()
	}
	var all []time.Duration
	for range conns {
		all = append(all, <-took...)
	}
	slices.Sort(all)
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there was no answer within %v", d)
	}
	return all, nil
}

func (c *connection) askUntil(
	ctx context.Context, end time.Time, requests [][]byte, random *rand.Rand,
) (took []time.Duration, err error) {
	if err := c.SetDeadline(end.Add(answerTimeout)); err != nil {
		return nil, err
	}
	took = make([]time.Duration, 0, 1<<14)
	for begun := time.Now(); begun.Before(end) && ctx.Err() == nil; {
		if _, err := c.ask(requests[random.IntN(len(requests))]); err != nil {
			return nil, err
		}
		now := time.Now()
		took = append(took, now.Sub(begun))
		begun = now
	}
	return took, nil
}

// quantile returns a quantile of sorted durations.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
