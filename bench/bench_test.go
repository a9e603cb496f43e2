package main

import (
	"bufio"
	"context"
	"database/sql"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"example.org/parley"
	"example.org/parley/feed"
	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/server"
	"example.org/parley/storage"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, func(ctx context.Context, dsn string) error { return storage.Migrate(ctx, storage.Options{DSN: dsn}) })
}

var quiet = slog.New(slog.DiscardHandler)

var smallSize = size{
	Negotiations: 3, Issues: 5, Scenarios: 4, Stakeholders: 60, Positions: 30, Moves: 7,
	Sources: 5, Statements: 8, Changes: 50,
}

// TestBothAnswerTheSame asks Parley and the bare handler every question, on data made as for a measurement.
func TestBothAnswerTheSame(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 2 { // the second call has nothing to do
		if err := fill(t.Context(), db, smallSize, 7, quiet); err != nil {
			t.Fatal(err)
		}
	}
	if err := fill(t.Context(), db, smallSize, 8, quiet); err == nil || !strings.Contains(err.Error(), "seed 7") {
		t.Errorf("filling it with other data: %v", err)
	}
	h, err := newBareHandler(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	bare := serveSide(t, "bare", h, bareRequest)
	parley := serveSide(t, "parley", parleyHandler(t, dsn), parleyRequest)
	for _, q := range questions {
		ids, err := q.readIDs(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		if err := compare(t.Context(), parley, bare, q, ids, quiet); err != nil {
			t.Error(err)
		}
	}

	conns, err := parley.connect(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(conns)
	requests := parley.requests(questions[2], []string{""})
	if took, err := load(t.Context(), conns, requests, 50*time.Millisecond, 1); err != nil || took[0] <= 0 {
		t.Errorf("load: %v %v", took, err)
	}
	wrong := parley.requests(question{document: `{ nothing }`}, []string{""})
	if _, err := load(t.Context(), conns, wrong, time.Minute, 1); err == nil ||
		!strings.Contains(err.Error(), "nothing") {
		t.Errorf("a faulty request ends the load with %v", err)
	}
}

func serveSide(t *testing.T, name string, h http.Handler, request func(string) func(question, string) []byte) *side {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	address := srv.Listener.Addr().String()
	return &side{name: name, address: address, request: request(address)}
}

func parleyHandler(t *testing.T, dsn string) http.Handler {
	store, err := storage.Open(t.Context(), storage.Options{DSN: dsn, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, endFeed := context.WithCancel(context.Background())
	changes, err := feed.Start(ctx, store, feed.Options{Poll: time.Second, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endFeed(); <-changes.Done(); store.Close() })
	return server.New(server.Options{Store: store, Feed: changes, Log: quiet, Gate: server.OpenToAll(parley.Analyst{Name: "Bench", Role: parley.RoleReader})})
}

// No fact may be recorded later than the feed head, or Parley would not see it.
func TestNoFactIsLaterThanTheFeedHead(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("postgres", pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := fill(t.Context(), db, smallSize, 1, quiet); err != nil {
		t.Fatal(err)
	}
	var ahead, complete, closed bool
	err = db.QueryRow(`
		SELECT h.recorded_at >= greatest((SELECT max(recorded_at) FROM positions),
				(SELECT max(recorded_at) FROM status_changes), (SELECT max(recorded_at) FROM statements)),
			h.seq = (SELECT count(*) FROM changes) AND h.recorded_at = (SELECT max(recorded_at) FROM changes),
			EXISTS (SELECT FROM positions WHERE closed_by = 'CORRECTED')
				AND EXISTS (SELECT FROM status_changes WHERE closed_by = 'RECUT')
		FROM feed_head h`).Scan(&ahead, &complete, &closed)
	if err != nil || !ahead || !complete || !closed {
		t.Errorf("the feed is ahead of the facts: %v, holds all changes: %v, versions were closed: %v (%v)", ahead,
			complete, closed, err)
	}
}

func TestReadAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ sent, want string }{
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"},
		{"HTTP/1.1 200 OK\r\ncontent-length:0\r\nX: y\r\n\r\n", ""},
		{
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1B\r\n, you of the twenty-six let\r\n" +
				"0\r\n\r\n",
			"hello, you of the twenty-six let",
		},
		{"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "the answer is 404: no"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"errors\":[]}", `the answer is 200: {"errors":[]}`},
		{
			"HTTP/1.1 200 OK\r\n\r\n",
			"the answer can't be read: it has neither a Content-Length nor chunks",
		},
		{
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\n",
			`the answer can't be read: "five" is not the size of a chunk`,
		},
		{
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhello\r\n",
			`the answer can't be read: a chunk ends in "ello"`,
		},
		{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "the answer can't be read: unexpected EOF"},
		{"SSH-2.0\r\n", `the answer can't be read: "SSH-2.0" is not a status line`},
		{"", "the answer can't be read: EOF"},
	} {
		c := &connection{Conn: deaf{}, in: bufio.NewReader(iotest.OneByteReader(strings.NewReader(test.sent)))}
		body, err := c.ask(nil)
		got := string(body)
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q is read as %q, want %q", test.sent, got, test.want)
		}
	}
}

// deaf is a connection that ignores what is written to it.
type deaf struct{ net.Conn }

func (deaf) Write(b []byte) (int, error) { return len(b), nil }

func TestDifference(t *testing.T) {
	t.Parallel()
	a := map[string]any{"list": []any{1.0, map[string]any{"x": "y"}}, "none": nil}
	b := map[string]any{"list": []any{1.0, map[string]any{"x": "z"}}, "none": nil}
	if d := difference("answer", a, a); d != "" {
		t.Errorf("a value differs from itself %s", d)
	}
	if d := difference("answer", a, b); d != `at answer.list[1].x, "y" and "z"` {
		t.Errorf("the difference is %s", d)
	}
	if d := difference("answer", a["list"], []any{1.0}); !strings.HasPrefix(d, "at answer, [1,") {
		t.Errorf("the difference is %s", d)
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	sorted := []time.Duration{1, 2, 3, 4}
	if quantile(sorted, 0.5) != 3 || quantile(sorted, 0.99) != 4 || quantile(sorted, 1) != 4 {
		t.Error("the quantiles of four are wrong")
	}
	f := figures{Cells: []cell{
		{Question: 5, Side: "parley", Round: 1, PerSecond: 50, ServerMillis: 2, PostgresMillis: 1},
		{Question: 5, Side: "bare", Round: 1, PerSecond: 100, ServerMillis: 1, PostgresMillis: 1, Others: 0.5},
		{Question: 5, Side: "bare", Round: 2, PerSecond: 100, ServerMillis: 1, PostgresMillis: 1},
		{Question: 5, Side: "parley", Round: 2, PerSecond: 60, ServerMillis: 2, PostgresMillis: 1},
	}, Memory: 10}
	var report strings.Builder
	f.report(&report)
	for _, words := range []string{
		"0.55 (0.50..0.60)", "0.50 (0.50..0.50)", "0.67 (0.67..0.67)", "55, 100", "10 MB", "Others kept up to 0.50",
	} {
		if !strings.Contains(report.String(), words) {
			t.Errorf("the report does not contain %q:\n%s", words, &report)
		}
	}
	report.Reset()
	figures{Cells: f.Cells[:1]}.report(&report)
	if !strings.HasPrefix(report.String(), "parley ") || strings.Contains(report.String(), "hare") {
		t.Errorf("the report of one side is\n%s", &report)
	}
}
