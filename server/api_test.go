package server_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"

	"example.org/parley"
	"example.org/parley/dataset"
	"example.org/parley/examples"
	"example.org/parley/feed"
	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/server"
	"example.org/parley/storage"
)

func TestMain(m *testing.M) {
	// A history of these models takes seconds; -rapid.checks asks for more of them.
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
	pgtest.Main(m, func(ctx context.Context, dsn string) error {
		return storage.Migrate(ctx, dsn, slog.New(slog.DiscardHandler))
	})
}

// api is Parley's real handler over a database of the test's own.
type api struct {
	t     testing.TB
	ctx   context.Context // of the test, in the name of the analyst
	dsn   string
	url   string
	store *storage.Store
	feed  *feed.Feed
	logs  *logged
	// endFeed ends the feed while the server goes on.
	endFeed context.CancelFunc
	// drain sends away who is connected for long.
	drain   func(context.Context)
	handler http.Handler
	metrics *prometheus.Registry
}

func start(t testing.TB) *api {
	t.Helper()
	return startOn(t, pgtest.Database(t))
}

// startOn starts another server on a database that is in use already.
func startOn(t testing.TB, dsn string) *api {
	t.Helper()
	return startPolling(t, dsn, 50*time.Millisecond)
}

// startPolling starts a server that looks for changes by others, without a hint of them, only so often.
func startPolling(t testing.TB, dsn string, poll time.Duration) *api {
	t.Helper()
	return startWith(t, storage.Options{DSN: dsn}, poll)
}

// startWith starts a server on a store with these options, and with its own changed as wanted.
func startWith(t testing.TB, o storage.Options, poll time.Duration, changed ...func(*server.Options)) *api {
	t.Helper()
	a := &api{t: t, dsn: o.DSN, logs: &logged{}, metrics: prometheus.NewRegistry()}
	log := a.logs.logger()
	o.Log = log
	o.HeadTimeout = cmp.Or(o.HeadTimeout, 10*time.Second) // a busy machine shall not decide what is recorded
	store, err := storage.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	analyst, err := store.Introduce(t.Context(), "Test analyst")
	if err != nil {
		t.Fatal(err)
	}
	a.ctx = parley.WithCaller(t.Context(), analyst)
	ctx, cancel := context.WithCancel(context.Background())
	changes, err := feed.Start(ctx, store, feed.Options{Poll: poll, Log: log, Metrics: a.metrics})
	if err != nil {
		t.Fatal(err)
	}
	options := server.Options{Store: store, Feed: changes, Log: log, Analyst: analyst, LoopbackOnly: true, Metrics: a.metrics}
	for _, change := range changed {
		change(&options)
	}
	handler := server.New(options)
	srv := httptest.NewServer(handler)
	a.store, a.feed, a.url, a.endFeed, a.drain = store, changes, srv.URL, cancel, handler.Drain
	a.handler = handler
	t.Cleanup(func() {
		srv.CloseClientConnections()
		handler.Drain(ended)
		srv.Close()
		cancel()
		<-changes.Done()
		store.Close()
	})
	return a
}

// as acts in the name of another analyst.
func (a *api) as(name string) (context.Context, parley.Analyst) {
	a.t.Helper()
	analyst, err := a.store.Introduce(a.t.Context(), name)
	if err != nil {
		a.t.Fatal(err)
	}
	return parley.WithCaller(a.t.Context(), analyst), analyst
}

// ended is a context that has ended.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// metric is the value of a counter or gauge.
func (a *api) metric(name string) float64 {
	a.t.Helper()
	families, err := a.metrics.Gather()
	if err != nil {
		a.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			of := family.GetMetric()[0]
			return of.GetCounter().GetValue() + of.GetGauge().GetValue()
		}
	}
	a.t.Fatalf("there is no metric %s", name)
	return 0
}

// logged keeps what is logged while others still log.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// withDemo starts a server on the example data.
func withDemo(t testing.TB) *api {
	t.Helper()
	a := start(t)
	for _, example := range examples.Demo() {
		a.load(example.Name, string(example.Text))
	}
	return a
}

// load imports a data set and says how many changes it made.
func (a *api) load(name, text string) int {
	a.t.Helper()
	set, err := dataset.Read(name, []byte(text))
	if err != nil {
		a.t.Fatal(err)
	}
	outcome, err := dataset.Import(a.ctx, a.store, set, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return outcome.Changes
}

// answer is what came back: data, errors, or both.
type answer struct {
	t    testing.TB
	Data any `json:"data"`
	Errs []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
	status int
}

// ask sends a document over POST. Variables are JSON values by name.
func (a *api) ask(document string, variables ...map[string]any) answer {
	a.t.Helper()
	request := map[string]any{"query": document}
	if len(variables) > 0 {
		request["variables"] = variables[0]
	}
	body, err := json.Marshal(request)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.post("application/json", string(body))
}

// raw is the answer to a document as it comes.
func (a *api) raw(document string) string {
	a.t.Helper()
	body, err := json.Marshal(map[string]any{"query": document})
	if err != nil {
		a.t.Fatal(err)
	}
	response, err := http.Post(a.url+server.GraphQLPath, "application/json", bytes.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || bytes.Contains(text, []byte(`"errors"`)) {
		a.t.Fatalf("%v %d %s", err, response.StatusCode, text)
	}
	return string(text)
}

func (a *api) post(contentType, body string) answer {
	a.t.Helper()
	response, err := http.Post(a.url+server.GraphQLPath, contentType, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	return a.read(response)
}

func (a *api) read(response *http.Response) answer {
	a.t.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	got := answer{t: a.t, status: response.StatusCode}
	if err := json.Unmarshal(text, &got); err != nil {
		a.t.Fatalf("the answer is not JSON: %v\n%s", err, text)
	}
	return got
}

// must is ask for what has to succeed: no errors, and no refusals.
func (a *api) must(document string, variables ...map[string]any) answer {
	a.t.Helper()
	got := a.ask(document, variables...)
	if len(got.Errs) > 0 {
		a.t.Fatalf("errors in the answer to\n%s\n%+v", document, got.Errs)
	}
	if refused := refusals(got.Data); len(refused) > 0 {
		a.t.Fatalf("refused:\n%s\n%v", document, refused)
	}
	return got
}

// refusals collects all userErrors in an answer as "CODE field: message".
func refusals(v any) (list []string) {
	switch v := v.(type) {
	case map[string]any:
		for name, child := range v {
			if name != "userErrors" {
				list = append(list, refusals(child)...)
				continue
			}
			for _, e := range child.([]any) {
				e := e.(map[string]any)
				var path []string
				if field, ok := e["field"].([]any); ok {
					for _, part := range field {
						path = append(path, part.(string))
					}
				}
				list = append(list, fmt.Sprintf("%v %s: %v", e["code"], strings.Join(path, "."), e["message"]))
			}
		}
	case []any:
		for _, child := range v {
			list = append(list, refusals(child)...)
		}
	}
	return list
}

// at follows a path of names and places into the data: "scenario.positions.nodes.0.stance". What is not there is nil.
func (g answer) at(path string) any {
	v := g.Data
	for part := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// text is at, as a string; fmt.Sprint of anything else.
func (g answer) text(path string) string { return fmt.Sprint(g.at(path)) }

// count is the length of a list.
func (g answer) count(path string) int {
	g.t.Helper()
	list, ok := g.at(path).([]any)
	if !ok {
		g.t.Fatalf("%s is not a list: %v", path, g.at(path))
	}
	return len(list)
}

// want compares what stands at paths, given in turn with what is expected there.
func (g answer) want(pairs ...any) {
	g.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		path := pairs[i].(string)
		if got, want := fmt.Sprint(g.at(path)), fmt.Sprint(pairs[i+1]); got != want {
			g.t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

// refused expects one refusal of the code, or the code and the field ("CONFLICT validFrom"), whose sentence holds the
// words.
func (g answer) refused(code string, words ...string) {
	g.t.Helper()
	if len(g.Errs) > 0 {
		g.t.Fatalf("errors instead of a refusal: %+v", g.Errs)
	}
	list := refusals(g.Data)
	if len(list) != 1 || !strings.HasPrefix(list[0], code) || !strings.ContainsAny(list[0][len(code):len(code)+1], " :") {
		g.t.Fatalf("got %q, want one refusal with %s", list, code)
	}
	for _, word := range words {
		if !strings.Contains(list[0], word) {
			g.t.Errorf("%q does not say %q", list[0], word)
		}
	}
}

// fails expects one top-level error of the code, whose sentence holds the words.
func (g answer) fails(code string, words ...string) {
	g.t.Helper()
	if len(g.Errs) != 1 || g.Errs[0].Extensions["code"] != code {
		g.t.Fatalf("got %+v (data %v), want one error with %s", g.Errs, g.Data, code)
	}
	for _, word := range words {
		if !strings.Contains(g.Errs[0].Message, word) {
			g.t.Errorf("%q does not say %q", g.Errs[0].Message, word)
		}
	}
}

// setClock moves the record's clock forward: now is the later of the database's clock and the last recordedAt.
func (a *api) setClock(to string) {
	a.t.Helper()
	a.sql(`UPDATE feed_head SET recorded_at = $1`, to)
}

// sql runs a statement past Parley.
func (a *api) sql(statement string, args ...any) {
	a.t.Helper()
	db := a.db()
	defer db.Close()
	if _, err := db.ExecContext(a.t.Context(), statement, args...); err != nil {
		a.t.Fatal(err)
	}
}

// number is what a statement past Parley yields.
func (a *api) number(statement string, args ...any) (n int) {
	a.t.Helper()
	db := a.db()
	defer db.Close()
	if err := db.GetContext(a.t.Context(), &n, statement, args...); err != nil {
		a.t.Fatal(err)
	}
	return n
}

func (a *api) db() *sqlx.DB {
	a.t.Helper()
	db, err := sqlx.ConnectContext(a.t.Context(), "postgres", a.dsn)
	if err != nil {
		a.t.Fatal(err)
	}
	return db
}

// changes is how many changes there are.
func (a *api) changes() int {
	a.t.Helper()
	head, err := a.store.Head(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	return int(head)
}

// statements is how many SQL statements an operation takes.
func (a *api) statements(document string) int64 {
	a.t.Helper()
	before := a.store.Statements()
	a.must(document)
	return a.store.Statements() - before
}

// talks sets up a negotiation with an issue, two scenarios and three parties, for tests to work on.
const talks = `
dataset: talks
stakeholders:
  - {key: north, name: North, kind: STATE}
  - {key: south, name: South, kind: STATE}
  - {key: envoy, name: The envoy, kind: PERSON}
affiliations:
  - {person: envoy, organization: north, office: envoy, speaksFor: true, validFrom: 2020-01-01}
sources:
  - {key: gazette, title: The Gazette, reliability: B, body: "The envoy said: “We will – perhaps – sign   the pact, if asked.” Nobody else spoke."}
  - {key: rumour, title: A rumour, reliability: D}
negotiations:
  - key: talks
    title: Talks of North and South
    issues:
      - key: border
        title: The border
        scenarios:
          - {key: line, title: A line, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}]}
          - {key: strip, title: A strip, statuses: [{to: FLOATED, effectiveAt: 2025-01-01}]}
    participations:
      - {stakeholder: north, role: PRIMARY_PARTY, vetoPlayer: true, vetoIssues: [border]}
statements:
  - {key: s1, source: gazette, speaker: envoy, form: DIRECT_QUOTE, text: 'We will - perhaps - sign the pact [...] if asked.', credibility: C2, saidAt: 2025-01-02T10:00:00Z, about: [talks/line]}
  - {key: s2, source: rumour, form: REPORTED, text: South is against it, credibility: C4, saidAt: 2025-01-03, about: [south]}
`

func withTalks(t testing.TB) *api {
	t.Helper()
	a := start(t)
	a.load("talks.yaml", talks)
	return a
}
