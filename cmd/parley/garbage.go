package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// garbage is how much may pile up before it is collected, if that is between these shares of what stays. Answers are
	// soon garbage and what stays of them is little, so a small server collects seldom; one with many subscribers does not
	// keep several times what they take.
	garbage      uint64 = 40 << 20
	leastPercent        = 50
	mostPercent         = 300
)

// tendGarbage sets how often garbage is collected, until the context ends. Who sets GOGC does so instead.
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
