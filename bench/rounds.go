package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"example.org/parley/bench/gauge"
)

// cell is how one side answered one question in one round.
type cell struct {
	Question       int     `json:"question"`
	Side           string  `json:"side"`
	Round          int     `json:"round"`
	Requests       int     `json:"requests"`
	PerSecond      float64 `json:"requestsPerSecond"`
	ServerMillis   float64 `json:"serverMillisecondsPerRequest"`
	PostgresMillis float64 `json:"postgresMillisecondsPerRequest"`
	P50Millis      float64 `json:"p50Milliseconds"`
	P99Millis      float64 `json:"p99Milliseconds"`
	Others         float64 `json:"processorsUsedByOthers"`
}

// figures are everything that was measured.
type figures struct {
	Size        size    `json:"size"`
	Seed        uint64  `json:"seed"`
	Seconds     int     `json:"seconds"`
	Connections int     `json:"connections"`
	Cells       []cell  `json:"cells"`
	Memory      float64 `json:"parleyMegabytes"`
	PeakMemory  float64 `json:"parleyPeakMegabytes"`
}

// measureAll asks in rounds. The sides change their order after each round, so that neither always comes first.
func (b *bench) measureAll() (err error) {
	b.figures = figures{Size: usualSize, Seed: b.Seed, Seconds: b.Seconds, Connections: connections}
	for round := 1; round <= b.Rounds; round++ {
		for _, q := range b.asked() {
			for _, s := range b.sides {
				c, err := b.measureCell(s, q, round)
				if err != nil {
					return fmt.Errorf("%s, question %d: %w", s.name, q.number, err)
				}
				b.figures.Cells = append(b.figures.Cells, c)
				b.log.Info(
					fmt.Sprintf("round %d of %d, question %d: %s answers %.0f requests a second", round, b.Rounds,
						q.number, s.name, c.PerSecond))
			}
		}
		slices.Reverse(b.sides)
	}
	for _, s := range b.sides {
		if s.name != "bare" {
			b.figures.Memory, b.figures.PeakMemory, err = gauge.Memory(s.pid)
		}
	}
	return err
}

// measureCell asks one side one question for some time, after a warm-up that does not count.
func (b *bench) measureCell(s *side, q question, round int) (cell, error) {
	conns, err := s.connect(b.ctx, connections)
	if err != nil {
		return cell{}, err
	}
	defer closeAll(conns)
	requests, length := s.requests(q, b.ids[q.number]), time.Duration(b.Seconds)*time.Second
	if _, err := load(b.ctx, conns, requests, min(length/5, time.Second), b.Seed); err != nil {
		return cell{}, err
	}
	before, err := b.used(s)
	if err != nil {
		return cell{}, err
	}
	begun := time.Now()
	took, err := load(b.ctx, conns, requests, length, b.Seed+uint64(round))
	if err != nil {
		return cell{}, err
	}
	seconds := time.Since(begun).Seconds()
	after, err := b.used(s)
	if err != nil {
		return cell{}, err
	}
	n, spent := float64(len(took)), after.less(before)
	return cell{
		Question: q.number, Side: s.name, Round: round, Requests: len(took), PerSecond: n / seconds,
		ServerMillis: millis(spent.server) / n, PostgresMillis: millis(spent.postgres) / n,
		P50Millis: millis(quantile(took, 0.50)), P99Millis: millis(quantile(took, 0.99)),
		Others: max(0, (spent.machine-spent.server-spent.postgres-spent.bench).Seconds()/seconds),
	}, nil
}

// usage is processor time: of the measured server, of PostgreSQL, of this process, and of the whole machine.
type usage struct{ server, postgres, bench, machine time.Duration }

func (b *bench) used(s *side) (u usage, err error) {
	var errs [4]error
	u.server, errs[0] = gauge.ProcessorTime(s.pid)
	u.postgres, errs[1] = gauge.FamilyTime(b.postgres)
	u.bench, errs[2] = gauge.ProcessorTime(os.Getpid())
	u.machine, errs[3] = gauge.MachineTime()
	return u, errors.Join(errs[:]...)
}

func (u usage) less(o usage) usage {
	return usage{u.server - o.server, u.postgres - o.postgres, u.bench - o.bench, u.machine - o.machine}
}

func millis(d time.Duration) float64 { return d.Seconds() * 1000 }
