package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// maxWait is how long a test waits for the program before it fails.
const maxWait = time.Minute

// executable is the path of the program, which is built once.
var executable string

func TestMain(m *testing.M) {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "build the program:", err)
		os.Exit(1)
	}
	pgtest.Main(m, func(ctx context.Context, dsn string) error {
		return storage.Migrate(ctx, storage.Options{DSN: dsn})
	})
}

// build builds the program beside the test binary, in the folder that the go command removes after the test.
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

// program is a running process of the program.
type program struct {
	t      testing.TB
	cmd    *exec.Cmd
	dir    string // data directory; "" if it has none
	url    string // once it is ready
	output bytes.Buffer
	ready  chan string   // receives the API's URL
	ended  chan struct{} // closed when it has ended

	mu  sync.Mutex
	log bytes.Buffer
}

// start runs the program with these arguments. Of this process's environment, it passes on the variables that do not
// configure Parley or PostgreSQL.
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
		configures := strings.HasPrefix(variable, "PARLEY_") || strings.HasPrefix(variable, "PG") ||
			strings.HasPrefix(variable, "DATABASE_URL=")
		if !configures || strings.HasPrefix(variable, "PARLEY_POSTGRES_BIN=") {
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

// said returns the log so far.
func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// signal sends a signal. It does nothing if the program has ended.
func (p *program) signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
}

// code waits for the program to end and returns its exit code.
func (p *program) code() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(maxWait):
		p.t.Fatalf("the program does not end:\n%s", p.said())
	}
	return p.cmd.ProcessState.ExitCode()
}

// databaseIsGone waits until no process of the built-in database is left. Each of them holds the directory's lock.
func (p *program) databaseIsGone() {
	if p.dir == "" {
		return
	}
	lock, err := os.Open(filepath.Join(p.dir, "lock"))
	if err != nil {
		return // the program ended before it made the lock
	}
	defer lock.Close()
	free := make(chan error, 1)
	go func() { free <- syscall.Flock(int(lock.Fd()), syscall.LOCK_EX) }()
	select {
	case <-free:
	case <-time.After(maxWait):
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
	case <-time.After(maxWait):
		p.t.Fatalf("the server does not become ready:\n%s", p.said())
	}
}

// stop ends a server as a terminal or a service manager does, and checks that nothing is left running.
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

// fails checks that the program ends by itself with code 1 and one message that contains the words. Its log lines do
// not count.
func (p *program) fails(words ...string) {
	p.t.Helper()
	if code := p.code(); code != 1 {
		p.t.Errorf("it ended with code %d, want 1:\n%s", code, p.said())
	}
	var messages []string
	for line := range strings.Lines(p.said()) {
		if !strings.HasPrefix(line, "time=") {
			messages = append(messages, line)
		}
	}
	if len(messages) != 1 || !strings.HasPrefix(messages[0], "parley: ") {
		p.t.Errorf("it printed %q, want one message", messages)
	}
	for _, word := range words {
		if !strings.Contains(strings.Join(messages, ""), word) {
			p.t.Errorf("it printed %q, which does not contain %q", messages, word)
		}
	}
}

// does checks that the program succeeds, and returns what it printed.
func does(t testing.TB, env []string, args ...string) string {
	t.Helper()
	p := start(t, env, args...)
	if code := p.code(); code != 0 {
		t.Fatalf("parley %s ended with code %d:\n%s%s", strings.Join(args, " "), code, p.output.String(), p.said())
	}
	return p.output.String()
}

// client keeps connections for many writers to one server.
var client = &http.Client{Timeout: maxWait, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}

// ask sends a document and decodes the answer's data.
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

// must is ask for operations that must succeed.
func (p *program) must(document string, variables map[string]any, into any) {
	p.t.Helper()
	if err := p.ask(document, variables, into); err != nil {
		p.t.Fatalf("%v\n%s", err, p.said())
	}
}

// changes returns the number of changes in the feed.
func (p *program) changes() int {
	p.t.Helper()
	var got struct{ Changes struct{ TotalCount int } }
	p.must(`{ changes { totalCount } }`, nil, &got)
	return got.Changes.TotalCount
}

// get returns the status of a page.
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
