package postgres

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// maxWait is far longer than anything here takes. It ends a test that would hang.
const maxWait = time.Minute

// testBinaries is the folder of the binaries to test with; empty means what Start finds.
var testBinaries = os.Getenv("PARLEY_POSTGRES_BIN")

// programVariable holds the order for a copy of this test binary that plays the program.
const programVariable = "PARLEY_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if order, ok := os.LookupEnv(programVariable); ok {
		program(order)
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(modelDir)
		os.Exit(code)
	}))
}

// order tells a copy of this test binary, which plays the program that gets killed, what to do.
type order struct {
	Dir, BinDir  string
	Watched      bool
	Insert       bool // insert rows until killed, and report each commit
	LockWait     time.Duration
	DropFromRoot []uintptr // capabilities to drop first
}

// capabilityKill is Linux's right to signal other users' processes.
const capabilityKill = 5

func (o order) String() string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// program starts a cluster and waits for Ctrl-C. It reports events on its standard output.
func program(text string) {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		panic(err)
	}
	if lose := o.DropFromRoot; len(lose) > 0 {
		o.DropFromRoot = nil
		loseCapabilities(lose, programVariable, o.String())
	}
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt)
	c, err := Start(context.Background(),
		Options{Dir: o.Dir, BinDir: o.BinDir, watched: o.Watched, lockWait: o.LockWait})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	db, err := sql.Open("postgres", c.DSN(Database))
	if err != nil {
		panic(err)
	}
	fmt.Println("ready", c.server.Process.Pid)
	if o.Insert {
		mustExec(db, `CREATE TABLE IF NOT EXISTS row (n int)`)
		for n := 1; ; n++ {
			mustExec(db, `INSERT INTO row VALUES ($1)`, n)
			fmt.Println("committed", n)
		}
	}
	<-interrupt
	mustExec(db, `SELECT 1`) // clients are served until the program stops the server
	db.Close()
	fmt.Println("stopped", c.Stop())
}

func mustExec(db *sql.DB, query string, args ...any) {
	if _, err := db.Exec(query, args...); err != nil {
		panic(err)
	}
}

// run is a running program.
type run struct {
	t     *testing.T
	pid   int
	lines chan string
	ended <-chan error
}

// runProgram starts a program in its own process group, as a shell does; as another user if as is not nil.
func runProgram(t *testing.T, o order, as *syscall.Credential) *run {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// go test keeps the binary in a private folder, which another user can't reach
	cmd := exec.Command("/proc/self/exe")
	if descriptorPath == "" {
		cmd = exec.Command(os.Args[0])
	}
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), programVariable+"="+o.String())
	cmd.Stdout, cmd.Stderr = writer, os.Stderr
	cmd.SysProcAttr = childAttributes(as, syscall.SIGKILL)
	ended, err := startProcess(cmd)
	writer.Close()
	if err != nil {
		t.Fatal(err)
	}
	r := &run{t: t, pid: cmd.Process.Pid, lines: make(chan string, 1000), ended: ended}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		defer close(r.lines)
		for s := bufio.NewScanner(reader); s.Scan(); {
			r.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		for range r.lines {
		}
		<-finished
		reader.Close()
	})
	return r
}

// expect returns the rest of the first line that starts with word.
func (r *run) expect(word string) string {
	r.t.Helper()
	timeout := time.After(maxWait)
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				r.t.Fatalf("the program ended without saying %q", word)
			}
			if rest, ok := strings.CutPrefix(line, word); ok {
				return strings.TrimSpace(rest)
			}
			if strings.HasPrefix(line, "error") {
				r.t.Fatalf("the program said %q, want %q", line, word)
			}
		case <-timeout:
			r.t.Fatalf("the program did not say %q", word)
		}
	}
}

// refusal returns the error with which the program failed to start.
func (r *run) refusal() string {
	r.t.Helper()
	timeout := time.After(maxWait)
	for {
		select {
		case line, ok := <-r.lines:
			if text, isError := strings.CutPrefix(line, "error "); isError {
				return text
			}
			if !ok || strings.HasPrefix(line, "ready") {
				r.t.Fatalf("the program reported %q instead of an error", line)
			}
		case <-timeout:
			r.t.Fatal("the program did not end")
		}
	}
}

// kill kills the program without warning.
func (r *run) kill() {
	r.t.Helper()
	if err := syscall.Kill(r.pid, syscall.SIGKILL); err != nil {
		r.t.Fatal(err)
	}
	<-r.ended
}

// logRecorder is a log that tests can read.
type logRecorder struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logRecorder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logRecorder) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logRecorder) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// mustStart starts a cluster and stops it at the test's end.
func mustStart(t *testing.T, o Options) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), maxWait)
	defer cancel()
	c, err := Start(ctx, o)
	if err != nil {
		t.Fatal("Start:", err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	return c
}

// mustFail checks that Start fails with an error that mentions all the words.
func mustFail(t *testing.T, o Options, words ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), maxWait)
	defer cancel()
	c, err := Start(ctx, o)
	if err == nil {
		_ = c.Stop()
		t.Fatal("Start succeeded")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not mention %q", err, word)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q is more than one sentence", err)
	}
}

func mustStop(t *testing.T, c *Cluster) {
	t.Helper()
	if err := c.Stop(); err != nil {
		t.Fatal("Stop:", err)
	}
}

// connect opens a pool that is closed at the test's end.
func connect(t *testing.T, c *Cluster, database string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", c.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// query returns the text of a query's only value, from the database parley.
func query(t *testing.T, c *Cluster, q string) string {
	t.Helper()
	db := connect(t, c, Database)
	defer db.Close()
	var s string
	if err := db.QueryRow(q).Scan(&s); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return s
}

func execute(t *testing.T, c *Cluster, database, q string) {
	t.Helper()
	db := connect(t, c, database)
	defer db.Close()
	if _, err := db.Exec(q); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition by polling.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	timeout := time.After(maxWait)
	for !condition() {
		select {
		case <-poll.C:
		case <-timeout:
			t.Fatal("waited too long for", what)
		}
	}
}

var modelDir string

// model is a cluster that is made once. Tests that need an existing cluster copy it, which saves a second each.
var model = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "parley-model-")
	if err != nil {
		return "", err
	}
	modelDir = dir
	c, err := Start(context.Background(), Options{Dir: dir, BinDir: testBinaries})
	if err != nil {
		return "", err
	}
	return dir, c.Stop()
})

// existing returns a directory with a cluster that was stopped properly.
func existing(t *testing.T) string {
	t.Helper()
	from, err := model()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if out, err := exec.Command("cp", "-a", filepath.Join(from, "cluster"), dir).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
	return dir
}
