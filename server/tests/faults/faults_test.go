// Package faults_test breaks the database, and the way to it, while clients write and follow the feed on two servers. What
// was acknowledged must be on record once, and each subscriber must hear each change once, in order.
package faults_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"example.org/parley/internal/longtest"
)

var seed = flag.Uint64("seed", rand.Uint64N(1_000_000), "what the instants and lengths of the faults are drawn from")

func TestMain(m *testing.M) {
	flag.Parse()
	fmt.Println("seed", *seed)
	printHeading()
	os.Exit(m.Run())
}

// fault is a row of the table.
type fault struct {
	name  string
	quick bool // it is tried in a short run too
	// prepare starts the row's database.
	prepare func(*row)
	// strike breaks something and heals it, so many times.
	strike func(*row)
	times  int
	// loses: what was acknowledged while the standby was cut off may be lost.
	loses bool
}

// table has all faults.
var table = []fault{
	{name: "backends killed", quick: true, prepare: own, strike: killBackends, times: 12},
	{name: "restart, fast", prepare: own, strike: restartFast, times: 3},
	{name: "restart, immediate", prepare: own, strike: restartImmediate, times: 3},
	{name: "postmaster killed", prepare: own, strike: killPostmaster, times: 3},
	{name: "network cut", quick: true, prepare: own, strike: cutNetwork, times: 3},
	{name: "refused", prepare: own, strike: refuse, times: 3},
	{name: "refused for long", prepare: own, strike: refuseForLong, times: 1},
	{name: "stall", prepare: own, strike: stall, times: 3},
	{name: "stall for long", prepare: own, strike: stallForLong, times: 2},
	{name: "one-way stall", prepare: own, strike: stallAnswers, times: 3},
	{name: "half-close", prepare: own, strike: halfClose, times: 8},
	{name: "delay", prepare: own, strike: slowDown, times: 3},
	{name: "read-only", prepare: own, strike: makeReadOnly, times: 3},
	{name: "connections exhausted", prepare: own, strike: exhaust, times: 3},
	{name: "disk full", prepare: onSmallDisk, strike: fillDisk, times: 3},
	{name: "disk full, log too", prepare: onSmallDisk, strike: fillDiskWithLog, times: 2},
	{name: "failover without loss", prepare: synchronousPair, strike: failOver, times: 1},
	{name: "failover with loss", prepare: pair, strike: failOverWithLoss, times: 1, loses: true},
	{name: "clock forward", prepare: own, strike: advanceClock, times: 3},
	{name: "clock back", prepare: own, strike: setClockBack, times: 5},
	{name: "pooler restarted", prepare: pooled, strike: restartPooler, times: 3},
}

// Each fault strikes while traffic is on, and the row that is printed has no loss. A short run tries two of them.
func TestFaults(t *testing.T) {
	t.Parallel()
	for i, f := range table {
		if !f.quick && !longtest.Long() {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			(&row{T: t, fault: f, number: uint64(i)}).try()
		})
	}
}
