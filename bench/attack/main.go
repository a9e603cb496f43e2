// Command attack sends a running Parley what strangers send: documents, bodies and connections that overwhelm a server
// without bounds. Meanwhile it asks what an ordinary client asks, and says how long that takes, how much memory the
// server takes, and how each attack is answered. With arguments, it makes the attacks of these names only.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	address = "127.0.0.1:18980"
	lasting = 6 * time.Second // of each attack
	clients = 16
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) == 3 && os.Args[1] == asAttackers {
		attackAs(ctx, os.Args[2])
		return
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "parley-attack")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Println("Building Parley, and loading negotiations with 1,200 positions and 2,000 statements (a minute or so) …")
	program := filepath.Join(dir, "parley")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/parley").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	set := filepath.Join(dir, "loaded.yaml")
	if err := os.WriteFile(set, []byte(loaded()), 0o600); err != nil {
		return err
	}
	data := "--data-dir=" + filepath.Join(dir, "data")
	if out, err := exec.CommandContext(ctx, program, "import", data, set).CombinedOutput(); err != nil {
		return fmt.Errorf("import: %w\n%s", err, out)
	}
	server := exec.CommandContext(ctx, program, "serve", data, "--addr="+address)
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) }
	var log bytes.Buffer
	server.Stderr = &log
	if err := server.Start(); err != nil {
		return err
	}
	defer func() { server.Process.Signal(os.Interrupt); server.Wait() }()
	if err := ready(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, log.String())
	}
	w := watcher{pid: server.Process.Pid}
	for range 200 { // a server that has just started is slower
		if _, err := w.ask(); err != nil {
			return err
		}
	}
	quiet := w.during(ctx, 3*time.Second)
	rest := w.resident()
	fmt.Printf("\n%-34s p50 %7s  p99 %7s  memory %4d MB\n", "quiet", quiet.p(50), quiet.p(99), rest>>20)
	for _, a := range attacks() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if len(os.Args) > 1 && !slices.Contains(os.Args[1:], a.name) {
			continue
		}
		attackers, answers, err := start(ctx, a.name)
		if err != nil {
			return err
		}
		w.reset()
		took := w.during(ctx, lasting)
		if err := attackers.Wait(); err != nil {
			return fmt.Errorf("attackers: %w", err)
		}
		peak, settled := w.peak(), w.settles(ctx, rest)
		fmt.Printf("%-34s p50 %7s  p99 %7s  peak %4d MB  back in %s\n%36s%s\n", a.name, took.p(50), took.p(99), peak>>20, settled, "", answers)
		if took.failed > 0 {
			fmt.Printf("%36s%d ordinary requests FAILED: %v\n", "", took.failed, took.why)
		}
	}
	if n := strings.Count(log.String(), "level=ERROR"); n > 0 {
		fmt.Printf("\nThe server logged %d errors, the last of them:\n%s", n, lastLines(log.String(), "level=ERROR"))
	}
	return nil
}

// asAttackers is the first argument of a process of attackers; the name of their attack follows.
const asAttackers = "--as-attackers"

// start starts the attackers in a process of their own, so that the ordinary client does not wait for their work.
func start(ctx context.Context, name string) (*exec.Cmd, *bytes.Buffer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd, answers := exec.CommandContext(ctx, self, asAttackers, name), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = answers, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start the attackers: %w", err)
	}
	return cmd, answers, nil
}

// attackAs makes an attack by many clients, and prints what most of them get.
func attackAs(ctx context.Context, name string) {
	ctx, end := context.WithTimeout(ctx, lasting)
	defer end()
	var answers answers
	var wait sync.WaitGroup
	for _, a := range attacks() {
		for range clients {
			wait.Go(func() {
				for a.name == name && ctx.Err() == nil {
					answers.add(a.once(ctx))
				}
			})
		}
	}
	wait.Wait()
	fmt.Print(answers.most())
}

func lastLines(log, with string) string {
	var lines []string
	for line := range strings.Lines(log) {
		if strings.Contains(line, with) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-5):], "")
}

func ready(ctx context.Context) error {
	for range 300 {
		if response, err := http.Get("http://" + address + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return errors.New("the server does not become ready")
}

// loaded is a data set with many positions and statements.
func loaded() string {
	var b strings.Builder
	b.WriteString("dataset: loaded\nsources: [{key: wire, title: The wire}]\nstakeholders:\n")
	const parties, scenarios, days = 12, 10, 10
	for p := range parties {
		fmt.Fprintf(&b, "  - {key: party-%d, name: Party %d, kind: STATE}\n", p, p)
	}
	b.WriteString("statements:\n")
	for n := range 2_000 {
		fmt.Fprintf(&b, "  - {key: said-%d, source: wire, form: REPORTED, text: On point %d they spoke of the border and the water., speaker: party-%d}\n", n, n, n%parties)
	}
	b.WriteString("negotiations:\n  - key: talks\n    title: Talks\n    issues:\n      - key: border\n        title: The border\n        scenarios:\n")
	for s := range scenarios {
		fmt.Fprintf(&b, "          - key: s%d\n            title: Scenario %d\n            statuses: [{to: PROPOSED, effectiveAt: 2024-01-01}]\n            positions:\n", s, s)
		for p := range parties {
			for d := range days {
				fmt.Fprintf(&b, "              - {holder: party-%d, stance: %s, validFrom: 2024-%02d-%02d, evidence: [said-%d]}\n", p,
					[]string{"SUPPORTS", "OPPOSES", "NEUTRAL"}[(p+s+d)%3], 1+d, 2+p, (s*parties*days+p*days+d)%2_000)
			}
		}
	}
	return b.String()
}

// watcher asks what an ordinary client asks, and looks at the server's memory.
type watcher struct{ pid int }

var ordinary = &http.Client{Timeout: 30 * time.Second}

func (w watcher) ask() (time.Duration, error) {
	begun := time.Now()
	response, err := ordinary.Post("http://"+address+"/graphql", "application/json", strings.NewReader(`{"query":"{ scenario(id: \"talks/s1\") { key title status } }"}`))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && !bytes.Contains(text, []byte("PROPOSED")) {
		err = fmt.Errorf("%d %.200s", response.StatusCode, text)
	}
	return time.Since(begun), err
}

// latencies are how long ordinary requests took.
type latencies struct {
	took   []time.Duration
	failed int
	why    error
}

func (l latencies) p(percent int) string {
	if len(l.took) == 0 {
		return "none"
	}
	slices.Sort(l.took)
	return fmt.Sprintf("%.1f ms", float64(l.took[(len(l.took)-1)*percent/100].Microseconds())/1000)
}

func (w watcher) during(ctx context.Context, long time.Duration) (l latencies) {
	again := time.NewTicker(5 * time.Millisecond) // an ordinary client has something to do in between
	defer again.Stop()
	for begun := time.Now(); time.Since(begun) < long && ctx.Err() == nil; <-again.C {
		took, err := w.ask()
		if err != nil {
			l.failed, l.why = l.failed+1, err
			continue
		}
		l.took = append(l.took, took)
	}
	return l
}

// status reads a figure of the server's memory, in bytes.
func (w watcher) status(name string) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n << 10
		}
	}
	return 0
}

func (w watcher) resident() int { return w.status("VmRSS") }
func (w watcher) peak() int     { return w.status("VmHWM") }

// reset begins a new peak.
func (w watcher) reset() { os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", w.pid), []byte("5"), 0) }

// settles waits until the memory is near what it was at rest, for a minute at most.
func (w watcher) settles(ctx context.Context, rest int) string {
	look := time.NewTicker(500 * time.Millisecond)
	defer look.Stop()
	for begun := time.Now(); time.Since(begun) < time.Minute && ctx.Err() == nil; <-look.C {
		if w.resident() < rest+rest/2+64<<20 {
			return fmt.Sprintf("%.0f s", time.Since(begun).Seconds())
		}
	}
	return fmt.Sprintf("more than a minute (%d MB)", w.resident()>>20)
}

// answers are what attackers get.
type answers struct {
	mu    sync.Mutex
	count map[string]int
	all   int
}

func (a *answers) add(answer string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count == nil {
		a.count = make(map[string]int)
	}
	a.count[answer]++
	a.all++
}

func (a *answers) most() string {
	most := ""
	for answer, n := range a.count {
		if n > a.count[most] || most == "" {
			most = answer
		}
	}
	return fmt.Sprintf("%d answers, most of them: %s", a.all, most)
}

// sentence is the error in an answer, or its beginning.
func sentence(status int, text []byte) string {
	var answer struct {
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(text, &answer) == nil && len(answer.Errors) > 0 {
		return fmt.Sprintf("%d %.150s", status, answer.Errors[0].Message)
	}
	return fmt.Sprintf("%d %.60s", status, text)
}

// unanswered says how a connection ended.
func unanswered(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer before the attack ended"
	case errors.As(err, &op):
		return "the connection was closed: " + op.Err.Error()
	}
	return "the connection was closed"
}
