package main

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// garbage is how many bytes of garbage may accumulate before a collection, as long as that is between leastPercent
	// and mostPercent of the live memory. Answers soon become garbage and little memory stays live; so a small server
	// seldom collects, and one with many subscribers does not hold several times its live memory.
	garbage      uint64 = 40 << 20
	leastPercent        = 50
	mostPercent         = 300
)

// memoryShare is the share of the machine's memory, or of the control group's, that the program takes: the built-in
// database needs as much.
const memoryShare = 0.5

// limitMemory has garbage collected more often where memory becomes scarce. It does nothing if GOMEMLIMIT is set, or if
// nobody says how much memory there is.
func limitMemory(log *slog.Logger) {
	_, err := memlimit.SetGoMemLimitWithOpts(memlimit.WithRatio(memoryShare),
		memlimit.WithProvider(memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)))
	if err != nil {
		log.Debug("memory is not limited", "error", err)
	}
}

// tendGarbage adjusts how often garbage is collected, until the context ends. It does nothing if GOGC is set.
func tendGarbage(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	again := time.NewTicker(time.Second)
	defer again.Stop()
	set := 0
	for {
		stays := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
		metrics.Read(stays)
		stay := 1 + stays[0].Value.Uint64() + stays[1].Value.Uint64()
		percent := int(min(max(100*garbage/stay, leastPercent), mostPercent))
		if percent < set*9/10 || percent > set*11/10 {
			debug.SetGCPercent(percent)
			set = percent
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}
