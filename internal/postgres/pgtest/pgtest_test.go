package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"
)

// A copy of this test binary plays the test run that this variable names: one that goes wrong.
const partVariable = "PARLEY_PGTEST_PART"

var part = os.Getenv(partVariable)

var prepared atomic.Int64

func TestMain(m *testing.M) {
	if part == "without Main" {
		os.Exit(m.Run())
	}
	Main(m, prepare)
}

// prepare leaves a connection open, as a faulty migration may.
func prepare(ctx context.Context, dsn string) error {
	if part == "failing" {
		return errors.New("no such migration")
	}
	prepared.Add(1)
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `CREATE TABLE note (body text); INSERT INTO note VALUES ('from the template')`)
	return err
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func text(t *testing.T, db *sql.DB, query string, args ...any) string {
	t.Helper()
	var s string
	if err := db.QueryRow(query, args...).Scan(&s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s
}

func TestDatabase(t *testing.T) {
	t.Parallel()
	for n := range 6 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			db := open(t, Database(t))
			if _, err := db.Exec(`INSERT INTO note VALUES ($1)`, fmt.Sprint("mine ", n)); err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("from the template, mine %d", n)
			if got := text(t, db, `SELECT string_agg(body, ', ' ORDER BY body) FROM note`); got != want {
				t.Errorf("the database holds %q, want %q", got, want)
			}
			if got := text(t, db, `SHOW timezone`); got != "Asia/Kathmandu" {
				t.Errorf("the time zone is %s", got)
			}
			if got := prepared.Load(); got != 1 {
				t.Errorf("prepare was called %d times", got)
			}
		})
	}
}

func TestDatabaseSeveralInOneTest(t *testing.T) {
	t.Parallel()
	dsns := make([]string, 6)
	var group sync.WaitGroup
	for i := range dsns {
		group.Go(func() { dsns[i] = Database(t) })
	}
	group.Wait()
	seen := map[string]bool{}
	for _, dsn := range dsns {
		seen[text(t, open(t, dsn), `SELECT current_database()`)] = true
	}
	if len(seen) != len(dsns) {
		t.Errorf("%d calls made %d databases", len(dsns), len(seen))
	}
}

// A clone is dropped with its test, even if the test left connections open.
func TestDatabaseIsDropped(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("careless", func(t *testing.T) {
		db, err := sql.Open("postgres", Database(t))
		if err != nil {
			t.Fatal(err)
		}
		name = text(t, db, `SELECT current_database()`)
	})
	db := open(t, Database(t))
	if got := text(t, db, `SELECT count(*) FROM pg_database WHERE datname = $1`, name); got != "0" {
		t.Errorf("%s is still there", name)
	}
}

// result is the outcome of a played test run, and the files that it left.
type result struct {
	output, socket string
	ok             bool
	left           []os.DirEntry // in its temporary folder
	took           time.Duration
}

// play runs the calling test again in another process, which finds its part in the variable.
func play(t *testing.T, as string) result {
	t.Helper()
	temporary := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^"+strings.Split(t.Name(), "/")[0]+"$", "-test.v")
	cmd.Env = append(os.Environ(), partVariable+"="+as, "TMPDIR="+temporary)
	begun := time.Now()
	output, err := cmd.CombinedOutput()
	r := result{output: string(output), ok: err == nil, took: time.Since(begun)}
	if _, dsn, ok := strings.Cut(r.output, "dsn "); ok {
		dsn, _, _ = strings.Cut(dsn, "\n")
		config, err := pq.NewConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		r.socket = filepath.Join(config.Host, ".s.PGSQL.5432")
		t.Cleanup(func() { os.Remove(config.Host) }) // a killed run leaves it until the next real run
	}
	if r.left, err = os.ReadDir(temporary); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r result) serverRuns() bool {
	conn, err := net.Dial("unix", r.socket)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

func TestRunLeavesNothing(t *testing.T) {
	t.Parallel()
	if part != "" {
		fmt.Println("dsn", Database(t))
		return
	}
	r := play(t, "ordinary")
	if !r.ok || r.socket == "" || r.serverRuns() || len(r.left) > 0 {
		t.Errorf("passed: %v, server runs: %v, left: %v\n%s", r.ok, r.serverRuns(), r.left, r.output)
	}
}

func TestPanicLeavesNoServer(t *testing.T) {
	t.Parallel()
	if part != "" {
		fmt.Println("dsn", Database(t))
		panic("oh no")
	}
	r := play(t, "panicking")
	if r.ok || r.socket == "" || !strings.Contains(r.output, "oh no") {
		t.Fatalf("passed: %v\n%s", r.ok, r.output)
	}
	timeout := time.After(time.Minute)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for r.serverRuns() {
		select {
		case <-timeout:
			t.Fatal("the server still runs")
		case <-poll.C:
		}
	}
}

func TestNoDatabaseNoServer(t *testing.T) {
	t.Parallel()
	if part != "" {
		return
	}
	if r := play(t, "idle"); !r.ok || len(r.left) > 0 || r.took > 30*time.Second {
		t.Errorf("passed: %v in %v, left: %v\n%s", r.ok, r.took, r.left, r.output)
	}
}

func TestPrepareFails(t *testing.T) {
	t.Parallel()
	if part != "" {
		Database(t)
		return
	}
	r := play(t, "failing")
	if r.ok || !strings.Contains(r.output, "prepare the template database: no such migration") || len(r.left) > 0 {
		t.Errorf("passed: %v, left: %v\n%s", r.ok, r.left, r.output)
	}
}

func TestMainIsForgotten(t *testing.T) {
	t.Parallel()
	if part != "" {
		Database(t)
		return
	}
	if r := play(t, "without Main"); r.ok || !strings.Contains(r.output, "call pgtest.Main from TestMain") {
		t.Errorf("passed: %v\n%s", r.ok, r.output)
	}
}
