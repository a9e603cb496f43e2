package feed_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"example.org/parley/server/apitest"

	"example.org/parley/server"
	"example.org/parley/server/transport"
)

// library is a client that others wrote, at work in a process of its own.
type library struct {
	t     *testing.T
	name  string
	in    io.WriteCloser
	told  chan told
	ended chan error
}

// told is what a library tells: of an operation, by its name, or of its connection.
type told struct {
	Name     string
	Answer   *apitest.Answer
	Errors   json.RawMessage
	Cursor   string
	Complete bool
	Closed   int
	Reason   string
}

// drive starts one of the scripts in clienttest.
func drive(t *testing.T, script string, urls ...string) *library {
	t.Helper()
	// Not the Node on PATH, which may be too old for the clients.
	const node = "../../clienttest/node_modules/.bin/node"
	if _, err := os.Stat(node); err != nil {
		t.Fatalf("This test drives real clients, which `make test` installs with scripts/setup-npm: %v", err)
	}
	for i := range urls {
		urls[i] += server.GraphQLPath
	}
	var complaints bytes.Buffer
	cmd := exec.Command(node, append([]string{filepath.Join("../../clienttest", script)}, urls...)...)
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l := &library{t: t, name: script, in: in, told: make(chan told, 10_000), ended: make(chan error, 1)}
	go func() {
		defer close(l.told)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var what told
			if err := json.Unmarshal(lines.Bytes(), &what); err != nil {
				what.Errors = fmt.Appendf(nil, "no JSON: %s", lines.Text())
			}
			l.told <- what
		}
		err := cmd.Wait()
		if complaints.Len() > 0 {
			err = errors.Join(err, errors.New(complaints.String()))
		}
		l.ended <- err
	}()
	t.Cleanup(func() { cmd.Process.Kill() })
	return l
}

// does has it obey a command, with what belongs to that in pairs.
func (l *library) does(command string, its ...string) {
	l.t.Helper()
	line := map[string]string{"command": command}
	for i := 0; i+1 < len(its); i += 2 {
		line[its[i]] = its[i+1]
	}
	text, err := json.Marshal(line)
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.in.Write(append(text, '\n')); err != nil {
		l.t.Fatalf("%s takes no more commands: %v", l.name, err)
	}
}

// tells is what it tells next.
func (l *library) tells() told {
	l.t.Helper()
	select {
	case what, ok := <-l.told:
		if !ok {
			l.t.Fatalf("%s ends: %v", l.name, <-l.ended)
		}
		return what
	case <-time.After(apitest.Patience):
		l.t.Fatalf("%s tells nothing", l.name)
	}
	return told{}
}

// answers is what it gets for an operation that ends.
func (l *library) answers(document string) (apitest.Answer, told) {
	l.t.Helper()
	l.does("ask", "name", "one", "query", document)
	var got apitest.Answer
	for {
		what := l.tells()
		switch {
		case what.Name != "one": // the connection
		case what.Answer != nil:
			got = *what.Answer
			got.T = l.t
		default:
			return got, what
		}
	}
}

// hears expects so many changes for each subscription, and returns what it is told of connections meanwhile.
func (l *library) hears(want map[string][]string) (connection []told) {
	l.t.Helper()
	got, missing := make(map[string][]string), 0
	for _, cursors := range want {
		missing += len(cursors)
	}
	for missing > 0 {
		what := l.tells()
		switch {
		case what.Closed != 0:
			connection = append(connection, what)
		case what.Cursor == "":
			l.t.Fatalf("%s tells %+v %s", l.name, what, what.Errors)
		default:
			got[what.Name] = append(got[what.Name], what.Cursor)
			missing--
		}
	}
	for name, cursors := range want {
		if !slices.Equal(got[name], cursors) {
			l.t.Fatalf("%s heard %v of %s, want %v", l.name, got[name], name, cursors)
		}
	}
	return connection
}

// leaves has it end by itself.
func (l *library) leaves() {
	l.t.Helper()
	l.in.Close()
	for what := range l.told {
		if what.Closed == 0 && !what.Complete {
			l.t.Errorf("%s tells at the end: %+v", l.name, what)
		}
	}
	if err := <-l.ended; err != nil {
		l.t.Errorf("%s: %v", l.name, err)
	}
}

const (
	followAll     = `subscription($after: Cursor) { changes(after: $after) { cursor } }`
	followMoves   = `subscription($after: Cursor) { scenarioStatusChanged(after: $after) { cursor } }`
	followStances = `subscription($after: Cursor) { positionChanged(after: $after, holders: ["north"]) { cursor } }`
)

// The libraries that speak the protocols understand this server, and miss nothing when it stops.
func TestClientsOfOthers(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"websocket.mjs", "events.mjs"} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			a := startLine(t)
			b := startOn(t, a.DSN)
			l := drive(t, script, a.URL, b.URL)

			got, end := l.answers(lifecycle)
			got.Want("viewer.name", "Test analyst")
			if !end.Complete {
				t.Errorf("a query ends with %+v", end)
			}
			got, end = l.answers(`mutation { editNegotiation(input: {negotiation: "talks", title: "By a client"}) { negotiation { title } } }`)
			got.Want("editNegotiation.negotiation.title", "By a client")
			if !end.Complete {
				t.Errorf("a mutation ends with %+v", end)
			}
			for document, code := range map[string]string{`{ nothing }`: "BAD_REQUEST", `{`: "BAD_REQUEST",
				`subscription { changes(after: "nonsense") { cursor } }`: "BAD_CURSOR"} {
				if got, end = l.answers(document); script == "websocket.mjs" {
					if err := json.Unmarshal(end.Errors, &got.Errs); err != nil {
						t.Errorf("%s ends with %+v: %v", document, end, err)
					}
				} else if !end.Complete {
					t.Errorf("%s ends with %+v", document, end)
				}
				got.T = t
				got.Fails(code)
			}

			begin := a.head()
			l.does("follow", "name", "all", "query", followAll, "after", begin)
			l.does("follow", "name", "moves", "query", followMoves, "after", begin)
			l.does("follow", "name", "stances", "query", followStances, "after", begin)
			titled, moved, took := a.retitle(), a.reword("talks/line"), a.position("north", "talks/line")
			a.position("south", "talks/line")
			l.hears(map[string][]string{"all": {titled, moved, took, a.head()}, "moves": {moved}, "stances": {took}})

			l.does("leave", "name", "moves")
			if what := l.tells(); what.Name != "moves" || !what.Complete {
				t.Errorf("the subscription that it left ends with %+v", what)
			}
			apitest.Wait(t, "the server to forget what the client left",
				func() bool { return a.Metric("parley_feed_subscribers") == 2 })
			moved, titled, took = a.reword("talks/line"), a.retitle(), a.position("north", "talks/line")
			l.hears(map[string][]string{"all": {moved, titled, took}, "stances": {took}})

			// One server stops while changes go on being recorded. The client moves on to the other by itself.
			drained := make(chan struct{})
			go func() {
				defer close(drained)
				ctx, cancel := context.WithTimeout(t.Context(), apitest.Patience)
				defer cancel()
				a.Drain(ctx)
			}()
			var all, stances []string
			for range 50 {
				took := b.position("north", "talks/line")
				all, stances = append(all, took, b.retitle()), append(stances, took)
			}
			for _, what := range l.hears(map[string][]string{"all": all, "stances": stances}) {
				if what.Closed != 1012 {
					t.Errorf("the connection is closed with %d %s", what.Closed, what.Reason)
				}
			}
			<-drained
			a.forgotten(t)
			titled = b.retitle()
			l.hears(map[string][]string{"all": {titled}})
			l.leaves()
			b.forgotten(t)
		})
	}
}

// A machine that slept does not answer pings. Its client is let go, and comes back once it is awake.
func TestClientsThatSleep(t *testing.T) {
	t.Parallel()
	a := startLine(t, limited(func(l *transport.Limits) { l.Ping, l.Linger = 2*hasty, hasty }))
	l := drive(t, "websocket.mjs", a.URL)
	l.does("follow", "name", "all", "query", followAll, "after", a.head())
	first := a.retitle()
	l.hears(map[string][]string{"all": {first}})
	awake := filepath.Join(t.TempDir(), "awake")
	l.does("freeze", "until", awake)
	a.forgotten(t)
	missed := []string{a.retitle(), a.retitle()}
	if err := os.WriteFile(awake, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	closed := l.hears(map[string][]string{"all": missed})
	if len(closed) == 0 || closed[0].Closed != 1013 || closed[0].Reason != "no answer to a ping; resume from "+first {
		t.Errorf("the connection is closed with %+v", closed)
	}
	l.leaves()
	a.forgotten(t)
}
