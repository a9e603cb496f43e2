package postgres

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// committedUntilKilled lets a program insert rows, calls kill in the middle, and returns how many rows were reported as
// committed.
func committedUntilKilled(t *testing.T, o order, kill func(r *run, server int)) int {
	t.Helper()
	o.Insert, o.BinDir = true, testBinaries
	r := runProgram(t, o, nil)
	server, err := strconv.Atoi(r.expect("ready"))
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		r.expect("committed")
	}
	kill(r, server)
	committed := 50
	for line := range r.lines {
		if strings.HasPrefix(line, "committed") {
			committed++
		}
	}
	return committed
}

// wantRows checks that no committed row is lost. One more row may exist, whose commit was not reported.
func wantRows(t *testing.T, c *Cluster, committed int) {
	t.Helper()
	got, err := strconv.Atoi(query(t, c, `SELECT count(*) FROM row`))
	if err != nil || got < committed || got > committed+1 {
		t.Errorf("%d rows exist, %d were committed (%v)", got, committed, err)
	}
}

// When the program is killed, its server shuts down properly, and a start right after waits for that.
func TestProgramIsKilled(t *testing.T) {
	t.Parallel()
	programs := map[string]order{"kernel tells": {}, "shell watches": {Watched: true}}
	if isRoot && descriptorPath != "" {
		programs["kernel may not tell"] = order{DropFromRoot: []uintptr{capabilityKill}}
	}
	for name, o := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := existing(t)
			o.Dir = dir
			committed := committedUntilKilled(t, o, func(r *run, _ int) { r.kill() })
			log := new(logRecorder)
			c := mustStart(t, Options{Dir: dir, BinDir: testBinaries, Log: log.Logger()})
			wantRows(t, c, committed)
			if strings.Contains(log.String(), "is recovering") {
				t.Errorf("the server was not shut down properly:\n%s", log)
			}
		})
	}
}

func TestProgramAndServerAreKilled(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	committed := committedUntilKilled(t, order{Dir: dir}, func(r *run, server int) {
		if err := syscall.Kill(server, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		r.kill()
	})
	log := new(logRecorder)
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries, Log: log.Logger()})
	wantRows(t, c, committed)
	if !strings.Contains(log.String(), "is recovering") {
		t.Errorf("the log does not mention the recovery:\n%s", log)
	}
}

func TestProgramIsKilledDuringInitdb(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := runProgram(t, order{Dir: dir, BinDir: testBinaries}, nil)
	until(t, "initdb to begin", func() bool {
		_, err := os.Stat(filepath.Join(dir, "cluster.init", "base"))
		return err == nil
	})
	r.kill()
	mustStart(t, Options{Dir: dir, BinDir: testBinaries})
}

func TestServerIsKilled(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	execute(t, c, Database, `CREATE TABLE note AS SELECT 'kept' AS body`)
	busy := connect(t, c, Database) // a server process that does not notice immediately
	if err := busy.Ping(); err != nil {
		t.Fatal(err)
	}
	if err := c.server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	if err := c.Err(); err == nil || !strings.Contains(err.Error(), "ended unexpectedly: signal: killed") {
		t.Errorf("Err is %v", err)
	}
	again := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	if got := query(t, again, `SELECT body FROM note`); got != "kept" {
		t.Errorf("the row is %q", got)
	}
	mustStop(t, c) // stops the first cluster, which has ended; the second must keep running
	query(t, again, `SELECT 1`)
}

// Ctrl-C reaches the terminal's whole process group. The server must keep running until the program stops it.
func TestInterruptReachesOnlyTheProgram(t *testing.T) {
	t.Parallel()
	programs := map[string]order{"ordinary": {}}
	if isRoot && descriptorPath != "" {
		programs["may not signal the server"] = order{DropFromRoot: []uintptr{capabilityKill}}
	}
	for name, o := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Dir, o.BinDir = existing(t), testBinaries
			r := runProgram(t, o, nil)
			r.expect("ready")
			if err := syscall.Kill(-r.pid, syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			if got := r.expect("stopped"); got != "<nil>" {
				t.Errorf("Stop returned %s", got)
			}
			if err := <-r.ended; err != nil {
				t.Errorf("the program ended with %v", err)
			}
		})
	}
}
