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

// After a peak, unused memory goes back to the system once there was no collection for some seconds, if more than spare
// bytes are held. Otherwise a server that has become quiet keeps it for minutes.
const (
	spare      uint64 = 64 << 20
	quietTicks        = 10
)

// tendGarbage adjusts how often garbage is collected, until the context ends. It does nothing if GOGC is set.
func tendGarbage(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	again := time.NewTicker(time.Second)
	defer again.Stop()
	set, quiet, collections := 0, 0, uint64(0)
	for {
		read := []metrics.Sample{
			{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/gc/cycles/total:gc-cycles"},
			{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		}
		metrics.Read(read)
		live, stacks, cycles := read[0].Value.Uint64(), read[1].Value.Uint64(), read[2].Value.Uint64()
		percent := int(min(max(100*garbage/(1+live+stacks), leastPercent), mostPercent))
		if percent < set*9/10 || percent > set*11/10 {
			debug.SetGCPercent(percent)
			set = percent
		}
		if quiet++; cycles != collections {
			quiet, collections = 0, cycles
		}
		if held := read[3].Value.Uint64() + read[4].Value.Uint64(); quiet == quietTicks && held > spare {
			debug.FreeOSMemory()
			metrics.Read(read)
			collections = read[2].Value.Uint64() // what was just done is no sign of work
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}
