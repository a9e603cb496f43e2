// Package apitest runs Parley's real HTTP handler for tests, asks it GraphQL, and compares what it answers. Each server
// has a database of its own. The packages beneath server/tests use it.
package apitest

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
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"example.org/parley"
	"example.org/parley/dataset"
	"example.org/parley/examples"
	"example.org/parley/feed"
	"example.org/parley/internal/longtest"
	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/internal/request"
	"example.org/parley/server"
	"example.org/parley/storage"
)

// Main runs a package's tests and exits. Each test may have a migrated database of its own.
func Main(m *testing.M) {
	// One random history takes seconds; -rapid.checks asks for another number of them.
	if checks := flag.Lookup("rapid.checks"); checks != nil {
		if err := checks.Value.Set(strconv.Itoa(longtest.Times(20))); err != nil {
			panic(err)
		}
	}
	pgtest.Main(m, func(ctx context.Context, dsn string) error {
		return storage.Migrate(ctx, storage.Options{DSN: dsn})
	})
}

const (
	// headTimeout is longer than in production, so that it does not depend on the machine's load what is recorded.
	headTimeout = 10 * time.Second

	// analystName is the name under which tests write.
	analystName = "Test analyst"
)

// API is Parley's real handler over a database of the test's own.
type API struct {
	T     testing.TB
	Ctx   context.Context // of the test, in the name of the analyst
	DSN   string
	URL   string
	Store *storage.Store
	Feed  *feed.Feed
	Logs  *Logged
	// EndFeed ends the feed while the server goes on.
	EndFeed context.CancelFunc
	// Drain sends away who is connected for long.
	Drain   func(context.Context)
	Handler http.Handler
	metrics *prometheus.Registry
}

// Start starts a server on an empty database of the test's own.
func Start(t testing.TB) *API {
	t.Helper()
	return StartOn(t, pgtest.Database(t))
}

// StartOn starts another server on a database that is in use already.
func StartOn(t testing.TB, dsn string) *API {
	t.Helper()
	return StartPolling(t, dsn, time.Second)
}

// StartPolling starts a server that looks for changes by others, without a hint of them, only so often.
func StartPolling(t testing.TB, dsn string, poll time.Duration) *API {
	t.Helper()
	return StartWith(t, storage.Options{DSN: dsn}, poll)
}

// StartWith starts a server on a store with these options, and with its own changed as wanted.
func StartWith(t testing.TB, o storage.Options, poll time.Duration, changed ...func(*server.Options)) *API {
	t.Helper()
	a := &API{T: t, DSN: o.DSN, Logs: &Logged{}, metrics: prometheus.NewRegistry()}
	log := a.Logs.Logger()
	o.Log = log
	o.HeadTimeout = cmp.Or(o.HeadTimeout, headTimeout)
	store, err := storage.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	analyst, err := store.Introduce(t.Context(), analystName)
	if err != nil {
		t.Fatal(err)
	}
	a.Ctx = parley.WithCaller(t.Context(), analyst)
	ctx, cancel := context.WithCancel(context.Background())
	changes, err := feed.Start(ctx, store, feed.Options{Poll: poll, Log: log, Metrics: a.metrics})
	if err != nil {
		t.Fatal(err)
	}
	guarding, leave := context.WithCancel(context.Background())
	options := server.Options{Store: store, Feed: changes, Log: log, Metrics: a.metrics}
	for _, change := range changed {
		change(&options)
	}
	if options.Gate == nil {
		if options.Gate, err = server.OpenGate(guarding, server.GateOptions{Store: store, Log: log, Local: &analyst}); err != nil {
			t.Fatal(err)
		}
	}
	handler := server.New(options)
	srv := httptest.NewServer(handler)
	a.Store, a.Feed, a.URL, a.EndFeed, a.Drain = store, changes, srv.URL, cancel, handler.Drain
	a.Handler = handler
	t.Cleanup(func() {
		srv.CloseClientConnections()
		handler.Drain(ended)
		srv.Close()
		cancel()
		<-changes.Done()
		leave()
		<-options.Gate.Done()
		store.Close()
	})
	return a
}

// As acts in the name of another analyst.
func (a *API) As(name string) (context.Context, parley.Analyst) {
	a.T.Helper()
	analyst, err := a.Store.Introduce(a.T.Context(), name)
	if err != nil {
		a.T.Fatal(err)
	}
	return parley.WithCaller(a.T.Context(), analyst), analyst
}

// ended is a context that has ended.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// Metric is the value of a counter or gauge, or the number of values in a histogram: the sum of those with these labels,
// each a name and a value.
func (a *API) Metric(name string, labels ...string) float64 {
	a.T.Helper()
	families, err := a.metrics.Gather()
	if err != nil {
		a.T.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			sum := 0.0
			for _, of := range family.GetMetric() {
				if hasLabels(of, labels) {
					sum += of.GetCounter().GetValue() + of.GetGauge().GetValue() + float64(of.GetHistogram().GetSampleCount())
				}
			}
			return sum
		}
	}
	a.T.Fatalf("there is no metric %s", name)
	return 0
}

func hasLabels(of *dto.Metric, labels []string) bool {
	for i := 0; i+1 < len(labels); i += 2 {
		if !slices.ContainsFunc(of.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == labels[i] && l.GetValue() == labels[i+1] }) {
			return false
		}
	}
	return true
}

// Logged keeps what is logged while others still log.
type Logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *Logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *Logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Logger logs to l.
func (l *Logged) Logger() *slog.Logger { return slog.New(request.Logged(slog.NewTextHandler(l, nil))) }

// WithDemo starts a server on the example data.
func WithDemo(t testing.TB) *API {
	t.Helper()
	return StartOn(t, pgtest.Filled(t, "demo", func(ctx context.Context, dsn string) error {
		return fill(ctx, dsn, examples.Demo()...)
	}))
}

// fill imports data sets into a database.
func fill(ctx context.Context, dsn string, sets ...examples.DataSet) error {
	store, err := storage.Open(ctx, storage.Options{
		DSN: dsn, HeadTimeout: headTimeout, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	defer store.Close()
	analyst, err := store.Introduce(ctx, analystName)
	if err != nil {
		return err
	}
	for _, set := range sets {
		if _, err := load(parley.WithCaller(ctx, analyst), store, set.Name, string(set.Text)); err != nil {
			return err
		}
	}
	return nil
}

func load(ctx context.Context, store *storage.Store, name, text string) (dataset.Outcome, error) {
	set, err := dataset.Read(name, []byte(text))
	if err != nil {
		return dataset.Outcome{}, err
	}
	return dataset.Import(ctx, store, set, nil)
}

// Load imports a data set and returns the number of changes that this made.
func (a *API) Load(name, text string) int {
	a.T.Helper()
	outcome, err := load(a.Ctx, a.Store, name, text)
	if err != nil {
		a.T.Fatal(err)
	}
	return outcome.Changes
}

// Warned imports a data set and returns what it warns of.
func (a *API) Warned(name, text string) []string {
	a.T.Helper()
	set, err := dataset.Read(name, []byte(text))
	if err != nil {
		a.T.Fatal(err)
	}
	outcome, err := dataset.Import(a.Ctx, a.Store, set, nil)
	if err != nil {
		a.T.Fatal(err)
	}
	warnings, err := dataset.Warnings(a.Ctx, a.Store, set, outcome)
	if err != nil {
		a.T.Fatal(err)
	}
	return warnings
}

// TryLoad imports a data set and returns why it is refused.
func (a *API) TryLoad(name, text string) error {
	_, err := load(a.Ctx, a.Store, name, text)
	return err
}

// Answer is what came back: data, errors, or both.
type Answer struct {
	T    testing.TB
	Data any `json:"data"`
	Errs []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
	Extensions struct {
		Cost map[string]int `json:"cost"`
	} `json:"extensions"`
	Status int
}

// Ask sends a document over POST. Variables are JSON values by name.
func (a *API) Ask(document string, variables ...map[string]any) Answer {
	a.T.Helper()
	request := map[string]any{"query": document}
	if len(variables) > 0 {
		request["variables"] = variables[0]
	}
	body, err := json.Marshal(request)
	if err != nil {
		a.T.Fatal(err)
	}
	return a.Post("application/json", string(body))
}

// Raw is the answer to a document as it comes.
func (a *API) Raw(document string) string {
	a.T.Helper()
	body, err := json.Marshal(map[string]any{"query": document})
	if err != nil {
		a.T.Fatal(err)
	}
	response, err := a.send("application/json", bytes.NewReader(body))
	if err != nil {
		a.T.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || bytes.Contains(text, []byte(`"errors"`)) {
		a.T.Fatalf("%v %d %s", err, response.StatusCode, text)
	}
	return string(text)
}

func (a *API) send(contentType string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(a.T.Context(), http.MethodPost, a.URL+server.GraphQLPath, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", contentType)
	return http.DefaultClient.Do(request)
}

// Post sends a body of a content type.
func (a *API) Post(contentType, body string) Answer {
	a.T.Helper()
	response, err := a.send(contentType, strings.NewReader(body))
	if err != nil {
		a.T.Fatal(err)
	}
	return a.Read(response)
}

// Read reads an answer.
func (a *API) Read(response *http.Response) Answer {
	a.T.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.T.Fatal(err)
	}
	got := Answer{T: a.T, Status: response.StatusCode}
	if err := json.Unmarshal(text, &got); err != nil {
		a.T.Fatalf("the answer is not JSON: %v\n%s", err, text)
	}
	return got
}

// Must is ask for what has to succeed: no errors, and no refusals.
func (a *API) Must(document string, variables ...map[string]any) Answer {
	a.T.Helper()
	got := a.Ask(document, variables...)
	if len(got.Errs) > 0 {
		a.T.Fatalf("errors in the answer to\n%s\n%+v\nlogged:\n%s", document, got.Errs, a.Logs)
	}
	if refused := Refusals(got.Data); len(refused) > 0 {
		a.T.Fatalf("refused:\n%s\n%v", document, refused)
	}
	return got
}

// Refusals collects all userErrors in an answer as "CODE field: message".
func Refusals(v any) (list []string) {
	switch v := v.(type) {
	case map[string]any:
		for name, child := range v {
			if name != "userErrors" {
				list = append(list, Refusals(child)...)
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
			list = append(list, Refusals(child)...)
		}
	}
	return list
}

// At follows a path of names and places into the data: "scenario.positions.nodes.0.stance". What is not there is nil.
func (g Answer) At(path string) any {
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

// Text is at, as a string; fmt.Sprint of anything else.
func (g Answer) Text(path string) string { return fmt.Sprint(g.At(path)) }

// Count is the length of a list.
func (g Answer) Count(path string) int {
	g.T.Helper()
	list, ok := g.At(path).([]any)
	if !ok {
		g.T.Fatalf("%s is not a list: %v", path, g.At(path))
	}
	return len(list)
}

// Want compares what stands at paths, given in turn with what is expected there.
func (g Answer) Want(pairs ...any) {
	g.T.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		path := pairs[i].(string)
		if got, want := fmt.Sprint(g.At(path)), fmt.Sprint(pairs[i+1]); got != want {
			g.T.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

// Refused expects one refusal of the code, or the code and the field ("CONFLICT validFrom"), whose sentence holds the
// words.
func (g Answer) Refused(code string, words ...string) {
	g.T.Helper()
	if len(g.Errs) > 0 {
		g.T.Fatalf("errors instead of a refusal: %+v", g.Errs)
	}
	list := Refusals(g.Data)
	if len(list) != 1 || !strings.HasPrefix(list[0], code) ||
		!strings.ContainsAny(list[0][len(code):len(code)+1], " :") {
		g.T.Fatalf("got %q, want one refusal with %s", list, code)
	}
	for _, word := range words {
		if !strings.Contains(list[0], word) {
			g.T.Errorf("%q does not say %q", list[0], word)
		}
	}
}

// Fails expects one top-level error of the code, whose sentence holds the words.
func (g Answer) Fails(code string, words ...string) {
	g.T.Helper()
	if len(g.Errs) != 1 || g.Errs[0].Extensions["code"] != code {
		g.T.Fatalf("got %+v (data %v), want one error with %s", g.Errs, g.Data, code)
	}
	for _, word := range words {
		if !strings.Contains(g.Errs[0].Message, word) {
			g.T.Errorf("%q does not say %q", g.Errs[0].Message, word)
		}
	}
}

// SetClock moves the record's clock forward: now is the later of the database's clock and the last recordedAt.
func (a *API) SetClock(to string) {
	a.T.Helper()
	a.SQL(`UPDATE feed_head SET recorded_at = $1`, to)
}

// SQL runs a statement past Parley.
func (a *API) SQL(statement string, args ...any) {
	a.T.Helper()
	db := a.DB()
	defer db.Close()
	if _, err := db.ExecContext(a.T.Context(), statement, args...); err != nil {
		a.T.Fatal(err)
	}
}

// Number is what a statement past Parley yields.
func (a *API) Number(statement string, args ...any) (n int) {
	a.T.Helper()
	db := a.DB()
	defer db.Close()
	if err := db.GetContext(a.T.Context(), &n, statement, args...); err != nil {
		a.T.Fatal(err)
	}
	return n
}

// DB opens a connection past Parley.
func (a *API) DB() *sqlx.DB {
	a.T.Helper()
	db, err := sqlx.ConnectContext(a.T.Context(), "postgres", a.DSN)
	if err != nil {
		a.T.Fatal(err)
	}
	return db
}

// Changes is how many changes there are.
func (a *API) Changes() int {
	a.T.Helper()
	head, err := a.Store.Head(a.T.Context())
	if err != nil {
		a.T.Fatal(err)
	}
	return int(head)
}

// Statements is how many SQL statements an operation takes.
func (a *API) Statements(document string) int64 {
	a.T.Helper()
	before := a.Store.Statements()
	a.Must(document)
	return a.Store.Statements() - before
}

// Talks sets up a negotiation with an issue, two scenarios and three parties, for tests to work on.
const Talks = `
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

// WithTalks starts a server on a small negotiation.
func WithTalks(t testing.TB) *API {
	t.Helper()
	return StartOn(t, TalksDatabase(t))
}

// TalksDatabase returns the DSN of a database of the test's own that holds Talks.
func TalksDatabase(t testing.TB) string {
	t.Helper()
	return pgtest.Filled(t, "talks", func(ctx context.Context, dsn string) error {
		return fill(ctx, dsn, examples.DataSet{Name: "talks.yaml", Text: []byte(Talks)})
	})
}

// On sets the record's clock and runs a mutation then.
func (a *API) On(instant, mutation string) Answer {
	a.T.Helper()
	a.SetClock(instant)
	return a.Must(`mutation { ` + mutation + ` }`)
}

// Send makes any request at all, follows no redirect, and returns the body with the response.
func (a *API) Send(method, path string, header http.Header, body io.Reader) (*http.Response, string) {
	a.T.Helper()
	r, err := http.NewRequestWithContext(a.T.Context(), method, a.URL+path, body)
	if err != nil {
		a.T.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	if host := header.Get("Host"); host != "" {
		r.Host = host
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		a.T.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.T.Fatal(err)
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	return response, string(text)
}

// Get asks by GET.
func (a *API) Get(document string, more ...string) Answer {
	a.T.Helper()
	values := url.Values{"query": {document}}
	for i := 0; i+1 < len(more); i += 2 {
		values.Set(more[i], more[i+1])
	}
	response, _ := a.Send(http.MethodGet, server.GraphQLPath+"?"+values.Encode(), nil, nil)
	return a.Read(response)
}

// ClientError expects an answer that blames the request.
func (g Answer) ClientError() {
	g.T.Helper()
	if g.Status < 400 || g.Status > 499 {
		g.T.Errorf("the status is %d, want one that blames the client", g.Status)
	}
}

// Panicking starts a server whose store panics whenever it is asked for a snapshot.
func Panicking(t *testing.T) (*API, *Logged) {
	logs := &Logged{}
	srv := httptest.NewServer(server.New(server.Options{Store: &storage.Store{}, Log: logs.Logger(), Gate: server.OpenToAll(parley.Analyst{Role: parley.Admin})}))
	t.Cleanup(srv.Close)
	return &API{T: t, URL: srv.URL}, logs
}

// Days is how many days the models look at.
const Days = 12

// DayAt is the beginning of a day of the models.
func DayAt(day int) time.Time { return time.Date(2025, 3, day, 0, 0, 0, 0, time.UTC) }

// Cells writes a matrix as a line for each row: the party, and of each cell the stance with the holder if it is
// another, the group through which it counts behind "<", "~" where the holder no longer speaks for the party, the age,
// "!" where it is contested, and behind "/" each other word that makes it divided.
func (g Answer) Cells() string {
	g.T.Helper()
	var lines []string
	for i := range g.Count("issue.matrix.rows") {
		row := fmt.Sprintf("issue.matrix.rows.%d.", i)
		line := g.Text(row + "stakeholder.key")
		for c := range g.Count(row + "cells") {
			cell := fmt.Sprintf("%scells.%d.", row, c)
			if g.At(cell+"stance") == nil {
				line += " -"
				continue
			}
			word := func(position string) string {
				text := g.Text(position + "stance")
				if holder := g.Text(position + "holder.key"); holder != g.Text(row+"stakeholder.key") {
					text += "(" + holder + ")"
				}
				return text
			}
			line += " " + word(cell+"position.")
			if g.At(cell+"through") != nil {
				line += "<" + g.Text(cell+"through.key")
			}
			if g.At(cell+"formerSpeaker") == true {
				line += "~"
			}
			line += "@" + g.Text(cell+"ageDays")
			if g.At(cell+"contested") == true {
				line += "!"
			}
			for o := range g.Count(cell + "others") {
				line += "/" + word(fmt.Sprintf("%sothers.%d.", cell, o))
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// Names are the keys in a list of a landing zone's entry.
func (g Answer) Names(path string) string {
	g.T.Helper()
	var keys []string
	for i := range g.Count(path) {
		keys = append(keys, g.Text(fmt.Sprintf("%s.%d.key", path, i)))
	}
	return strings.Join(keys, " ")
}

// ScenarioIn adds a scenario to the talks that begins with a status, and returns its key. One that is to begin as
// SUPERSEDED gets there by way of another status.
func (a *API) ScenarioIn(key string, status parley.ScenarioStatus) string {
	a.T.Helper()
	initial := status
	if status == parley.Superseded {
		initial = parley.Floated
	}
	a.Must(`mutation($key: String!, $status: ScenarioStatus!) {
		addScenario(input: {issue: "talks/border", key: $key, title: $key, initialStatus: $status, effectiveAt: "2025-02-01T00:00:00Z"}) { userErrors { code message field } }
	}`, map[string]any{"key": key, "status": initial})
	if status == parley.Superseded {
		a.Must(ChangeStatus, map[string]any{"input": map[string]any{
			"scenario": "talks/" + key, "to": status, "reason": "replaced", "successors": []string{"talks/line"},
			"effectiveAt": "2025-02-02T00:00:00Z"}})
	}
	return "talks/" + key
}

// ChangeStatus is the document that moves a scenario to a status.
const ChangeStatus = `mutation($input: ChangeScenarioStatusInput!) {
	changeScenarioStatus(input: $input) {
		statusChange { id from to skipped effectiveAt reason successors { key } by { key } evidence { text } }
		scenario { key status statusSince }
		cursor
		userErrors { code message field }
	}
}`

// Patience is how long a test waits for what has to come before it fails.
const Patience = 30 * time.Second

// StartSlowly starts a server that never looks for changes unasked: what it does not hear of, it does not see.
func StartSlowly(t *testing.T, dsn string) *API {
	t.Helper()
	return StartPolling(t, dsn, 24*time.Hour)
}

// Change is the one field of an event.
func (g Answer) Change() map[string]any {
	g.T.Helper()
	for _, field := range g.Data.(map[string]any) {
		return field.(map[string]any)
	}
	return nil
}

// Wait returns once something is so.
func Wait(t testing.TB, what string, isSo func() bool) {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !isSo() {
		select {
		case <-deadline.C:
			t.Fatal("waited in vain for " + what)
		case <-again.C:
		}
	}
}

// Lines writes the fields of each entry of a list, one entry a line; instants at midnight as dates.
func (g Answer) Lines(list string, fields ...string) string {
	g.T.Helper()
	var entries []string
	for i := range g.Count(list) {
		var values []string
		for _, field := range fields {
			values = append(values, strings.TrimSuffix(g.Text(fmt.Sprintf("%s.%d.%s", list, i, field)), "T00:00:00.000000Z"))
		}
		entries = append(entries, strings.Join(values, " "))
	}
	return strings.Join(entries, "\n")
}
