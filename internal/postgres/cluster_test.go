package postgres

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"
)

func TestStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "yet", "there")
	log := new(logRecorder)
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries, Log: log.Logger()})

	for q, want := range map[string]string{
		`SELECT current_database()`: "parley",
		`SHOW server_encoding`:      "UTF8",
		`SHOW timezone`:             "UTC",
		`SHOW listen_addresses`:     "",
		`SHOW fsync`:                "on",
		`SHOW max_connections`:      "100",
		`SHOW data_checksums`:       "on",
		`SELECT lower('ÉÀ')`:        "éà",
		`SELECT string_agg(w, '' ORDER BY w) FROM unnest('{b,é,B,z}'::text[]) w`: "Bbzé",
	} {
		if got := query(t, c, q); got != want {
			t.Errorf("%s: got %q, want %q", q, got, want)
		}
	}
	major := query(t, c, `SELECT current_setting('server_version_num')::int / 10000`)
	if leadingNumber(major) != c.binaries.major {
		t.Errorf("the server is of version %s, its binaries said %d", major, c.binaries.major)
	}
	for path, want := range map[string]fs.FileMode{
		c.socketDir: 0o700 | fs.ModeDir, c.data: 0o700 | fs.ModeDir, c.lock.Name(): 0o600,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want || !ownedBy(info, c.account.uid) {
			t.Errorf("%s: mode %v, want %v of user %d (%v)", path, info.Mode(), want, c.account.uid, err)
		}
	}
	if err := c.Err(); err != nil {
		t.Error("Err of a running cluster:", err)
	}

	execute(t, c, Database, `CREATE TABLE note AS SELECT 'kept' AS body`)
	idle := connect(t, c, Database) // an idle client must not keep Stop from stopping
	if err := idle.Ping(); err != nil {
		t.Fatal(err)
	}
	mustStop(t, c)
	<-c.Done()
	if err := c.Err(); err != nil {
		t.Error("Err after Stop:", err)
	}
	mustStop(t, c)
	for _, path := range []string{c.socketDir, filepath.Join(c.data, "postmaster.pid"), c.data + ".init"} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left behind (%v)", path, err)
		}
	}
	for _, want := range []string{
		"creating the database cluster…", "database is ready in", "level=DEBUG msg=\"postgres: LOG:",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
	if strings.Contains(log.String(), "level=WARN") {
		t.Errorf("the log has warnings:\n%s", log)
	}

	again := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	if got := query(t, again, `SELECT body FROM note`); got != "kept" {
		t.Errorf("after a restart the row is %q", got)
	}
}

// A process killed between initdb and CREATE DATABASE leaves a cluster without the database.
func TestStartCreatesMissingDatabase(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	execute(t, c, "postgres", `DROP DATABASE parley WITH (FORCE)`)
	mustStop(t, c)
	c = mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	query(t, c, `SELECT current_database()`)
}

func TestStartIsCancelled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("changed my mind")
	result := make(chan error)
	go func() {
		_, err := Start(ctx, Options{Dir: dir, BinDir: testBinaries})
		result <- err
	}()
	until(t, "initdb to begin", func() bool {
		_, err := os.Stat(filepath.Join(dir, "cluster.init", "base"))
		return err == nil
	})
	cancel(reason)
	if err := <-result; !errors.Is(err, reason) {
		t.Fatalf("Start returned %v, want the context's cause", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "cluster")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an incomplete cluster is in place (%v)", err)
	}
	mustStart(t, Options{Dir: dir, BinDir: testBinaries})
}

// Cancelling the context that a cluster was started with does not stop it.
func TestClusterOutlivesItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Start(ctx, Options{Dir: existing(t), BinDir: testBinaries})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	cancel()
	query(t, c, `SELECT 1`)
}

// The kernel sends the parent-death signal when the thread that forked ends.
func TestClusterOutlivesItsThread(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	started := make(chan *Cluster)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // never unlocked, so the thread ends with the goroutine
		c, err := Start(context.Background(), Options{Dir: dir, BinDir: testBinaries})
		if err != nil {
			t.Error(err)
		}
		started <- c
	}()
	c := <-started
	if c == nil {
		return
	}
	defer c.Stop()
	<-ended
	for range 20 { // more threads that start and end
		done := make(chan struct{})
		go func() { runtime.LockOSThread(); close(done) }()
		<-done
	}
	query(t, c, `SELECT pg_sleep(0.1)::text`)
}

func TestStopSendsStrongerSignals(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries, stopWait: 300 * time.Millisecond})
	execute(t, c, Database, `CREATE TABLE note AS SELECT 'kept' AS body`)
	if err := c.server.Process.Signal(syscall.SIGSTOP); err != nil { // the server can't react
		t.Fatal(err)
	}
	err := c.Stop()
	if err == nil || !strings.Contains(err.Error(), "did not stop within 300ms") {
		t.Errorf("Stop returned %v", err)
	}
	<-c.Done()
	if again := c.Stop(); !errors.Is(again, err) {
		t.Errorf("the second Stop returned %v", again)
	}
	c = mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	if got := query(t, c, `SELECT body FROM note`); got != "kept" {
		t.Errorf("the row is %q", got)
	}
}

func TestEphemeral(t *testing.T) {
	t.Parallel()
	c := mustStart(t, Options{Ephemeral: true, BinDir: testBinaries})
	for q, want := range map[string]string{`SHOW fsync`: "off", `SHOW max_connections`: "300", `SHOW timezone`: "UTC"} {
		if got := query(t, c, q); got != want {
			t.Errorf("%s: got %q, want %q", q, got, want)
		}
	}
	mustStop(t, c)
	for _, path := range []string{c.dir, c.socketDir} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left behind (%v)", path, err)
		}
	}
}

// A throw-away cluster must not delete another cluster's data or other files beside it.
func TestEphemeralSparesData(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	mustFail(t, Options{Dir: dir, Ephemeral: true, BinDir: testBinaries}, "already holds a database cluster")
	mustStart(t, Options{Dir: dir, BinDir: testBinaries})

	dir = t.TempDir()
	mine := filepath.Join(dir, "mine")
	write(t, mine, "keep", 0o600)
	c := mustStart(t, Options{Dir: dir, Ephemeral: true, BinDir: testBinaries})
	mustStop(t, c)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "mine" {
		t.Errorf("%v is left (%v), want only the other file", entries, err)
	}
}

func TestDSN(t *testing.T) {
	t.Parallel()
	c := &Cluster{socketDir: `/tmp/it's a \ folder`}
	config, err := pq.NewConfig(c.DSN(`o'clock`))
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != c.socketDir || config.Database != "o'clock" || config.User != "postgres" ||
		!config.BinaryParameters {
		t.Errorf("lib/pq reads %q as %+v", c.DSN(`o'clock`), config)
	}
}
