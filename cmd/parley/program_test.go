package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/storage"
)

// patience is how long a test waits for the program before it fails.
const patience = time.Minute

// executable is the program, built once.
var executable string

func TestMain(m *testing.M) {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "build the program:", err)
		os.Exit(1)
	}
	pgtest.Main(m, func(ctx context.Context, dsn string) error {
		return storage.Migrate(ctx, dsn, slog.New(slog.DiscardHandler))
	})
}

// build puts the program beside the test's own binary, in the folder that the go command removes after the test.
func build() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(self), "parley-")
	if err != nil {
		return err
	}
	executable = filepath.Join(dir, "parley")
	output, err := exec.Command("go", "build", "-o", executable, ".").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	return nil
}

// program is a run of the program as a process of its own.
type program struct {
	t      testing.TB
	cmd    *exec.Cmd
	dir    string // data directory; "" where it has none
	url    string // once it is ready
	output bytes.Buffer
	ready  chan string   // receives the API's URL
	ended  chan struct{} // closed when it has ended

	mu  sync.Mutex
	log bytes.Buffer
}

// start runs the program with these arguments and, of this process's environment, what does not steer it.
func start(t testing.TB, env []string, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(executable, args...), ready: make(chan string, 1), ended: make(chan struct{})}
	for i, arg := range args {
		if arg == "--data-dir" {
			p.dir = args[i+1]
		}
	}
	p.cmd.Dir = t.TempDir()
	for _, variable := range os.Environ() {
		steers := strings.HasPrefix(variable, "PARLEY_") || strings.HasPrefix(variable, "PG") || strings.HasPrefix(variable, "DATABASE_URL=")
		if !steers || strings.HasPrefix(variable, "PARLEY_POSTGRES_BIN=") {
			p.cmd.Env = append(p.cmd.Env, variable)
		}
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout = &p.output
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.watch(stderr)
	t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.ended
		p.databaseIsGone()
	})
	return p
}

// watch reads the log until the program ends.
func (p *program) watch(stderr io.Reader) {
	defer close(p.ended)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		line := lines.Text()
		p.mu.Lock()
		p.log.WriteString(line + "\n")
		p.mu.Unlock()
		if _, url, ok := strings.Cut(line, "msg=ready "); ok {
			_, url, _ = strings.Cut(url, "graphql=")
			p.ready <- url
		}
	}
	p.cmd.Wait()
}

// said is the log so far.
func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// signal sends a signal; one that has ended is left alone.
func (p *program) signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
}

// code waits for the end and returns the exit code.
func (p *program) code() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("the program does not end:\n%s", p.said())
	}
	return p.cmd.ProcessState.ExitCode()
}

// databaseIsGone waits until no process of the built-in database is left: each holds the directory's lock.
func (p *program) databaseIsGone() {
	if p.dir == "" {
		return
	}
	lock, err := os.Open(filepath.Join(p.dir, "lock"))
	if err != nil {
		return // it never got that far
	}
	defer lock.Close()
	free := make(chan error, 1)
	go func() { free <- syscall.Flock(int(lock.Fd()), syscall.LOCK_EX) }()
	select {
	case <-free:
	case <-time.After(patience):
		p.t.Error("the built-in database still runs")
	}
}

// serve starts a server on any port and waits until it is ready.
func serve(t testing.TB, env []string, args ...string) *program {
	t.Helper()
	p := start(t, env, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...)
	p.awaitReady()
	return p
}

func (p *program) awaitReady() {
	p.t.Helper()
	select {
	case p.url = <-p.ready:
	case <-p.ended:
		p.t.Fatalf("the server ended with code %d:\n%s", p.code(), p.said())
	case <-time.After(patience):
		p.t.Fatalf("the server does not get ready:\n%s", p.said())
	}
}

// stop ends a server the way a terminal or a service manager does, and expects it to leave nothing running.
func (p *program) stop(s syscall.Signal) {
	p.t.Helper()
	begun := time.Now()
	p.signal(s)
	if code := p.code(); code != 0 {
		p.t.Errorf("after %v it ended with code %d:\n%s", s, code, p.said())
	}
	if took := time.Since(begun); took > 15*time.Second {
		p.t.Errorf("after %v it took %v to end", s, took)
	}
	if p.dir == "" {
		return
	}
	lock, err := os.Open(filepath.Join(p.dir, "lock"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		p.t.Errorf("a process of the built-in database is left: %v", err)
	}
}

// fails expects the program to end by itself, with code 1 and one sentence that holds the words. What it logs before does
// not count.
func (p *program) fails(words ...string) {
	p.t.Helper()
	if code := p.code(); code != 1 {
		p.t.Errorf("it ended with code %d, want 1:\n%s", code, p.said())
	}
	var told []string
	for line := range strings.Lines(p.said()) {
		if !strings.HasPrefix(line, "time=") {
			told = append(told, line)
		}
	}
	if len(told) != 1 || !strings.HasPrefix(told[0], "parley: ") {
		p.t.Errorf("it told %q, want one sentence", told)
	}
	for _, word := range words {
		if !strings.Contains(strings.Join(told, ""), word) {
			p.t.Errorf("it told %q and did not say %q", told, word)
		}
	}
}

// does expects the program to end well, and returns what it printed.
func does(t testing.TB, env []string, args ...string) string {
	t.Helper()
	p := start(t, env, args...)
	if code := p.code(); code != 0 {
		t.Fatalf("parley %s ended with code %d:\n%s%s", strings.Join(args, " "), code, p.output.String(), p.said())
	}
	return p.output.String()
}

// client asks one server; as many writers use connections of their own.
var client = &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}

// ask sends a document and reads the data of the answer into a value.
func (p *program) ask(document string, variables map[string]any, into any) error {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return err
	}
	response, err := client.Post(p.url, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer := struct {
		Data   any
		Errors []struct{ Message string }
	}{Data: into}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if len(answer.Errors) > 0 {
		return fmt.Errorf("%s: %v", document, answer.Errors)
	}
	return nil
}

// must is ask for what has to succeed.
func (p *program) must(document string, variables map[string]any, into any) {
	p.t.Helper()
	if err := p.ask(document, variables, into); err != nil {
		p.t.Fatalf("%v\n%s", err, p.said())
	}
}

// changes is how many changes are in the feed.
func (p *program) changes() int {
	p.t.Helper()
	var got struct{ Changes struct{ TotalCount int } }
	p.must(`{ changes { totalCount } }`, nil, &got)
	return got.Changes.TotalCount
}

// get is the status of a page.
func (p *program) get(path string) int {
	p.t.Helper()
	response, err := client.Get(strings.TrimSuffix(p.url, "/graphql") + path)
	if err != nil {
		p.t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// file writes a file and returns its path.
func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
