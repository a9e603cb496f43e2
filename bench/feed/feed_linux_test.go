package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"example.org/parley/dataset"
)

// changeMessage returns a message of Parley's with a change.
func changeMessage(n int) string {
	return fmt.Sprintf(`{"id":"1","type":"next","payload":{"data":{"changes":`+
		`{"cursor":"c%d","recordedAt":"2025-08-18T12:00:00.%06dZ"}}}}`, n, n)
}

// serveScript answers every subscription with the same messages. One that begins with "in parts " is sent in several
// frames.
func serveScript(t *testing.T, script ...string) *process {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"graphql-transport-ws"}})
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		ctx := t.Context()
		send := func(text string) {
			whole, inParts := strings.CutPrefix(text, "in parts ")
			if !inParts {
				conn.Write(ctx, websocket.MessageText, []byte(text))
				return
			}
			writer, err := conn.Writer(ctx, websocket.MessageText)
			if err != nil {
				return
			}
			for part := range slices.Chunk([]byte(whole), 7) {
				writer.Write(part)
			}
			writer.Close()
		}
		for {
			_, text, err := conn.Read(ctx)
			switch {
			case err != nil:
				return
			case strings.Contains(string(text), "connection_init"):
				send(`{"type":"connection_ack"}`)
			case strings.Contains(string(text), "subscribe"):
				for _, message := range script {
					send(message)
				}
			case string(text) == `{"type":"pong"}`:
				send(changeMessage(99))
			}
		}
	}))
	t.Cleanup(srv.Close)
	return &process{address: netip.MustParseAddrPort(srv.Listener.Addr().String())}
}

func listen(t *testing.T, p *process, members []*subscriber) *crowd {
	t.Helper()
	c, err := newCrowd()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.leave)
	if err := c.join(t.Context(), members, toEvery(p)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCrowd(t *testing.T) {
	t.Parallel()
	long := strings.Replace(changeMessage(2), `"recordedAt"`,
		`"note":"`+strings.Repeat("long ", 20_000)+`","recordedAt"`, 1)
	p := serveScript(t, changeMessage(1), "in parts "+long, changeMessage(3)+"\n"+changeMessage(4)+"\n",
		`{"type":"ping"}`)
	members := all(3)
	c := listen(t, p, members)
	list := []recorded{{"c1", 0}, {"c2", 0}, {"c3", 0}, {"c4", 0}, {"c99", 0}} // the answer to the pong
	if n := expected(list, members); n != 15 {
		t.Errorf("%d deliveries are expected of 5 changes to 3", n)
	}
	if err := c.await(t.Context(), 15); err != nil {
		t.Fatal(err)
	}
	if err := c.check(list, members); err != nil {
		t.Error(err)
	}
	l, err := c.between(mark{}, c.now())
	if err != nil || len(l.every) != 15 || len(l.last) != 5 {
		t.Errorf("%d and %d latencies are reported (%v)", len(l.every), len(l.last), err)
	}
	for want, list := range map[string][]recorded{
		"3 of 3 subscribers did not receive exactly their changes: " +
			"subscriber 0 received change c2 as its number 2, want c3": {
			{"c1", 0},
			{"c3", 0},
		},
		"received 5 changes, want 1":                {{"c1", 0}},
		"received 5 changes, but not change 6 of 6": append(slices.Clone(list), recorded{"c5", 0}),
	} {
		if err := c.check(list, members); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the check says %v, want %s", err, want)
		}
	}
	c.forget()
	if err := c.check(nil, members); err != nil {
		t.Error(err)
	}
}

func TestCrowdIsRefused(t *testing.T) {
	t.Parallel()
	const refusal = `{"id":"1","type":"error","payload":[{"message":"no such field"}]}`
	c := listen(t, serveScript(t, refusal), all(1))
	err := c.await(t.Context(), 1)
	if err == nil || !strings.Contains(err.Error(), "no such field") || c.intact() {
		t.Errorf("a refused subscription ends with %v", err)
	}
}

func TestSplitFrame(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 125, 126, 70_000} {
		sent := []byte{0x81, byte(length)}
		if length >= 126 {
			sent = []byte{0x81, 126, byte(length >> 8), byte(length)}
		}
		if length >= 1<<16 {
			sent = []byte{0x81, 127, 0, 0, 0, 0, 0, byte(length >> 16), byte(length >> 8), byte(length)}
		}
		sent = append(sent, make([]byte, length)...)
		for _, cut := range []int{0, 1, len(sent) / 2, len(sent) - 1} {
			if _, rest, ok := splitFrame(sent[:cut]); ok || len(rest) != cut {
				t.Errorf("%d of %d bytes are accepted as a frame", cut, len(sent))
			}
		}
		f, rest, ok := splitFrame(append(sent, 0x89))
		if !ok || len(f.payload) != length || f.op != opText || !f.last || len(rest) != 1 {
			t.Errorf("a frame of %d bytes is read as %d bytes, op %d, and %d follow", length, len(f.payload), f.op,
				len(rest))
		}
	}
}

func TestPairs(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 100, 5000} {
		holders, seen, of := holdersFor(n), make(map[[2]int]bool), make(map[int]int)
		for _, s := range pairs(n, holders) {
			pair := *s.pair
			slices.Sort(pair[:])
			if seen[pair] || pair[0] == pair[1] {
				t.Errorf("of %d pairs, %v is repeated or invalid", n, pair)
			}
			seen[pair] = true
			of[pair[0]]++
			of[pair[1]]++
		}
		for holder, times := range of {
			if times > matches || n == 5000 && times != matches {
				t.Errorf("of %d pairs, %d hold %d", n, times, holder)
			}
		}
	}
}

func TestDataSet(t *testing.T) {
	t.Parallel()
	set, err := dataset.Read("bench.yaml", dataSet(3))
	if err != nil || set.Facts() == 0 {
		t.Errorf("the data can't be read: %v", err)
	}
}

func TestPublisher(t *testing.T) {
	t.Parallel()
	var got []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		w.Write([]byte("{}"))
	}))
	defer srv.Close()
	p := &process{address: netip.MustParseAddrPort(srv.Listener.Addr().String())}
	publish, err := publisher(p, []byte(changeMessage(1)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := publish(context.Background())
	if err != nil || r.cursor != "01" || string(marked(got, cursorMark)) != "01" ||
		!strings.HasPrefix(string(got), `{"data":`) {
		t.Errorf("%v is published as %s (%v)", r, got, err)
	}
	if at, err := time.Parse(time.RFC3339Nano, string(marked(got, recordedAtMark))); err != nil ||
		time.Since(at) > time.Minute {
		t.Errorf("it is recorded at %v (%v)", at, err)
	}
}

func TestEstablished(t *testing.T) {
	t.Parallel()
	const table = "  sl  local_address rem_address   st\n" +
		"   0: 0100007F:1F90 0100007F:C001 01 00000000:00000000\n" +
		"   1: 0100007F:1F90 0100007F:C002 04 00000000:00000000\n"
	for client, want := range map[int]bool{0xC001: true, 0xC002: false, 0xC003: false} {
		if got := isEstablished(table, 8080, client); got != want {
			t.Errorf("the connection from %X is said to be established: %v", client, got)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	l := leg{
		Subscribers: 100, Changes: 10, Deliveries: 1000, Seconds: 2, Recording: 2,
		Used:         usage{server: 10 * time.Millisecond},
		Latency:      latency{every: []time.Duration{time.Millisecond}, last: []time.Duration{2 * time.Millisecond}},
		MemoryBefore: 1000, MemoryWith: 3000, MemoryAfter: 4000,
	}
	alone, other := l, l
	alone.Used.server = 2 * time.Millisecond
	other.GoroutinesBefore, other.GoroutinesWith, other.Used.server = 10, 210, 20*time.Millisecond
	var report strings.Builder
	reportLoad(&report, l, []round{{alone, l, other}})
	for _, words := range []string{
		"10.0 µs a delivery", "20.0 KiB", "30.0 after", "not reported", "0.50 (0.50..0.50)", "8.00 (8.00..8.00)",
		"2.00\n", "5.00 changes a second",
	} {
		if !strings.Contains(report.String(), words) {
			t.Errorf("the report does not contain %q:\n%s", words, &report)
		}
	}
}
