package faults_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/server/apitest"
)

// Most faults last so long, from the least to the most.
const least, most = 800 * time.Millisecond, 2500 * time.Millisecond

func killBackends(r *row) { r.sql(endSessions) }

func restartFast(r *row) {
	if err := r.cluster.Stop(); err != nil {
		r.Fatal(err)
	}
	r.lasts(0, time.Second)
	r.start()
}

func restartImmediate(r *row) { r.crash(syscall.SIGQUIT) }

func killPostmaster(r *row) { r.crash(syscall.SIGKILL) }

// crash has the database server end at once, and starts it again.
func (r *row) crash(by syscall.Signal) {
	if err := pgtest.Crash(r.cluster, r.folder, by); err != nil {
		r.Fatal(err)
	}
	r.lasts(0, time.Second)
	r.start()
}

// onNetworks breaks the network of one of the servers, or of both, for some time.
func (r *row) onNetworks(shortest, longest time.Duration, how, heal func(*apitest.Network)) {
	some := r.networks
	if i := r.random.IntN(len(some) + 1); i < len(some) {
		some = some[i : i+1]
	}
	for _, n := range some {
		how(n)
	}
	r.lasts(shortest, longest)
	for _, n := range some {
		heal(n)
	}
}

func cutNetwork(r *row) { r.onNetworks(least, most, (*apitest.Network).Cut, r.lead) }

func refuse(r *row) { r.onNetworks(least, most, (*apitest.Network).Refuse, r.lead) }

// refuseForLong is longer than a server looks for the outcome of a commit.
func refuseForLong(r *row) {
	r.onNetworks(11*time.Second, 13*time.Second, (*apitest.Network).Refuse, r.lead)
}

func holdAll(n *apitest.Network) { n.Hold(apitest.Requests, apitest.Answers) }

func holdAnswers(n *apitest.Network) { n.Hold(apitest.Answers) }

func stall(r *row) { r.onNetworks(least, most, holdAll, (*apitest.Network).Release) }

// stallForLong is longer than a commit may take, and than a server then looks for its outcome.
func stallForLong(r *row) {
	how := holdAnswers
	if r.random.IntN(2) == 0 {
		how = holdAll
	}
	r.onNetworks(21*time.Second, 23*time.Second, how, (*apitest.Network).Release)
}

func stallAnswers(r *row) { r.onNetworks(least, most, holdAnswers, (*apitest.Network).Release) }

func halfClose(r *row) {
	r.onNetworks(0, 200*time.Millisecond, (*apitest.Network).HalfClose, func(*apitest.Network) {})
}

func slowDown(r *row) {
	by := between(r.random, 20*time.Millisecond, 50*time.Millisecond)
	r.onNetworks(3*time.Second, 5*time.Second, func(n *apitest.Network) { n.Delay(by) }, func(n *apitest.Network) { n.Delay(0) })
}

// makeReadOnly switches writing off for new sessions. Those that began meanwhile stay read-only.
func makeReadOnly(r *row) {
	r.sql(`ALTER DATABASE parley SET default_transaction_read_only = on`, endSessions)
	r.lasts(least, most)
	r.sql(`ALTER DATABASE parley RESET default_transaction_read_only`)
}

// exhaust takes all connections that the database has, also those that are kept for superusers, and those that Parley had.
func exhaust(r *row) {
	hog := r.admin()
	defer hog.Close()
	var taken []*sql.Conn
	take := func() bool {
		conn, err := hog.Conn(r.Context())
		if err == nil {
			taken = append(taken, conn)
		}
		return err == nil
	}
	defer func() {
		for _, conn := range taken {
			conn.Close()
		}
	}()
	r.wait("a first connection", take)
	for take() {
	}
	if _, err := taken[0].ExecContext(r.Context(), endSessions); err != nil {
		r.Fatal(err)
	}
	over := time.After(between(r.random, least, most))
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		for take() {
		}
		select {
		case <-over:
			return
		case <-again.C:
		}
	}
}

// fillDisk leaves the tables no room to grow.
func fillDisk(r *row) { r.withFullDisk(func(*sql.DB) {}) }

// fillDiskWithLog leaves no room to the write-ahead log either, which ends the database server.
func fillDiskWithLog(r *row) {
	r.withFullDisk(func(db *sql.DB) {
		for range 100 { // what is kept for it is used up
			if _, err := db.ExecContext(r.Context(), `SELECT pg_switch_wal(), pg_logical_emit_message(false, 'parley', 'fills')`); err != nil {
				return
			}
		}
		r.Error("the write-ahead log found room on a full disk")
	})
}

// withFullDisk fills the disk, does something then, and makes room again after a while.
func (r *row) withFullDisk(then func(*sql.DB)) {
	db := r.admin()
	defer db.Close()
	ballast := filepath.Join(r.folder, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		r.Fatal(err)
	}
	for block := make([]byte, 1<<20); err == nil; {
		_, err = f.Write(block)
	}
	f.Close()
	then(db)
	r.lasts(least, most)
	if err := os.Remove(ballast); err != nil {
		r.Fatal(err)
	}
	r.wait("the database to go on", func() bool {
		select {
		case <-r.cluster.Done():
			r.start()
		default:
		}
		return db.PingContext(r.Context()) == nil
	})
}

// failOver has the primary crash, and the standby take its place. The servers are led there before that, and find it
// read-only, or afterwards.
func failOver(r *row) {
	before := r.random.IntN(2) == 0
	promoted := func() {
		r.dsn = r.pair.Standby.DSN
		for _, n := range r.networks {
			r.lead(n)
		}
	}
	if before {
		promoted()
	}
	r.pair.Failover()
	if !before {
		promoted()
	}
}

// failOverWithLoss keeps from the standby what is acknowledged from some instant on.
func failOverWithLoss(r *row) {
	r.wait("the standby to have all that is acknowledged", func() bool {
		r.lapse.from = time.Now()
		return r.pair.CaughtUp()
	})
	r.pair.Disconnect()
	r.lasts(least, most)
	failOver(r)
	r.lapse.to = time.Now()
}

// advanceClock has the database's clock be ahead of the servers'.
func advanceClock(r *row) {
	r.behind.Store(int64(between(r.random, 6*time.Minute, time.Hour)))
	r.lasts(least, most)
	r.behind.Store(0)
}

// setClockBack has the database's clock be behind what was recorded last.
func setClockBack(r *row) {
	r.servers[0].SQL(`UPDATE feed_head SET recorded_at = greatest(recorded_at, clock_timestamp()) + $1 * interval '1 second'`, 1+r.random.IntN(5))
}

func restartPooler(r *row) {
	r.pooler.Kill()
	r.lasts(0, time.Second)
	r.pooler.Start()
}
