// Package clients_test puts clients that others wrote through what a frontend needs, at their default settings.
package clients_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	gocmp "github.com/google/go-cmp/cmp"

	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/server/playground/browsertest"
	"example.org/parley/storage"
)

// What a frontend needs, as exam.mjs names it.
const (
	lenses     = "cache across lenses"
	histories  = "history lists"
	live       = "live"
	cut        = "resume after a cut"
	restart    = "resume after a restart"
	paging     = "paging both ways"
	persisted  = "persisted documents"
	refetch    = "refetch"
	errors     = "typed errors"
	partial    = "partial edits"
	optimistic = "optimistic write"
)

var (
	all       = []string{lenses, histories, live, cut, restart, paging, persisted, refetch, errors, partial, optimistic}
	cacheless = []string{histories, live, cut, restart, paging, refetch, errors, partial}
)

// clients are those that are examined, each with the features that it has. The others are features of a client that
// keeps a cache, persists documents or subscribes.
var clients = map[string][]string{
	"Apollo Client":   all,
	"urql":            all,
	"Relay":           all,
	"graphql-ws":      cacheless,
	"graphql-sse":     cacheless,
	"graphql-request": {histories, paging, refetch, errors, partial},
	"fetch":           cacheless,
	"genqlient":       cacheless,
	"Python":          cacheless,
}

func TestMain(m *testing.M) { apitest.Main(m) }

func TestClients(t *testing.T) {
	t.Parallel()
	for client, features := range clients {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			e := newExam(t, client)
			examine := e.inNode
			if client == "fetch" {
				examine = e.inBrowser
			}
			var tried []string
			for _, r := range examine(script(client), features) {
				tried = append(tried, r.Feature)
				if r.Wrong != "" {
					t.Errorf("%s: %s", r.Feature, r.Wrong)
				}
			}
			slices.Sort(tried)
			if want := slices.Sorted(slices.Values(features)); !slices.Equal(tried, want) {
				t.Errorf("it tried %q, not %q", tried, want)
			}
		})
	}
}

// script is the name of a client's script in folder clients.
func script(client string) string {
	first, _, _ := strings.Cut(strings.ToLower(client), " ")
	return first
}

// The page about frontends shows each client as it is tested here, and for each feature who has it.
func TestFrontendsPage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/frontends.md")
	if err != nil {
		t.Fatal(err)
	}
	recipes, err := filepath.Glob(filepath.Join(clienttest, "recipes", "*.*"))
	if err != nil || len(recipes) < 8 {
		t.Fatal(recipes, err)
	}
	for _, path := range append(recipes, filepath.Join(clienttest, "genqlient", "parley.go")) {
		recipe, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, append(append([]byte("\n"), recipe...), "```\n"...)) {
			t.Errorf("%s is not in the page as it is", path)
		}
	}
	cells := func(line string) (list []string) {
		for cell := range strings.SplitSeq(strings.Trim(line, "|\n"), "|") {
			list = append(list, strings.TrimSpace(cell))
		}
		return list
	}
	said := make(map[string][]string)
	var columns []string
	for line := range strings.Lines(string(text)) {
		switch row := cells(line); {
		case strings.HasPrefix(line, "| | "):
			columns = row
		case len(columns) > 0 && len(row) == len(columns):
			for i, cell := range row[1:] {
				if cell == "yes" {
					said[columns[i+1]] = append(said[columns[i+1]], strings.ToLower(row[0]))
				}
			}
		}
	}
	if d := gocmp.Diff(clients, said); d != "" {
		t.Errorf("what is tested (-) and what the page says (+):\n%s", d)
	}
}

// The third-party clients, and the Node that they need: the one on PATH may be too old.
const (
	clienttest = "../../clienttest"
	node       = "node_modules/.bin/node"
)

// exam is two servers on one database: the client reaches one of them, and others write at the other.
type exam struct {
	t       *testing.T
	others  *apitest.API
	network *apitest.Network
	page    string   // the origin of a page; a client asks there for what is to happen to the network
	folder  string   // where the page's files are
	env     []string // for the programs that it runs
}

// url is where the client reaches the server.
func (e *exam) url() string { return "http://" + e.network.Address }

func host(a *apitest.API) string { return strings.TrimPrefix(a.URL, "http://") }

// newExam starts the servers, with a scenario that has a history.
func newExam(t *testing.T, client string) *exam {
	t.Helper()
	control := http.NewServeMux()
	page := httptest.NewServer(control)
	t.Cleanup(page.Close)
	e := &exam{t: t, page: page.URL, folder: clienttest}
	start := func(dsn string, documents server.Documents) *apitest.API {
		return apitest.StartWith(t, storage.Options{DSN: dsn}, 24*time.Hour, func(o *server.Options) {
			o.Sites.Origins, o.Documents = []string{page.URL}, documents
		})
	}
	e.others = start(apitest.TalksDatabase(t), server.Documents{})
	a := e.others
	a.Must(`mutation { changeScenarioStatus(input: {scenario: "talks/line", to: STALLED, reason: "r", effectiveAt: "2025-02-01T00:00:00Z"}) { userErrors { message } } }`)
	id := a.Must(`mutation { recordPosition(input: {holder: "north", scenario: "talks/line", stance: SUPPORTS,
		validFrom: "2025-02-01T00:00:00Z"}) { position { id } userErrors { message } } }`).
		Text("recordPosition.position.id")
	for _, stance := range []string{"NEUTRAL", "OPPOSES"} {
		a.Must(fmt.Sprintf(`mutation { correctPosition(input: {position: %q, stance: %s, note: "n"}) { userErrors { message } } }`, id, stance))
	}
	for _, key := range []string{"east", "west", "centre", "coast"} {
		a.Must(fmt.Sprintf(`mutation { registerStakeholder(input: {key: %q, name: %q, kind: STATE}) { userErrors { message } } }`, key, key))
	}
	var documents server.Documents
	switch client {
	case "Relay":
		documents = e.compileRelay()
	case "genqlient":
		e.buildGenqlient()
	}
	first, second := start(a.DSN, documents), start(a.DSN, documents)
	e.network = apitest.NewNetwork(t, "tcp", host(first))
	control.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		http.FileServer(http.Dir(e.folder)).ServeHTTP(w, r)
	})
	control.HandleFunc("POST /cut", func(http.ResponseWriter, *http.Request) { e.network.Cut() })
	control.HandleFunc("POST /restore", func(http.ResponseWriter, *http.Request) { e.network.Lead("tcp", host(first)) })
	control.HandleFunc("POST /restart", func(http.ResponseWriter, *http.Request) {
		e.network.Fail() // as a proxy does while its server restarts
		first.Drain(t.Context())
		apitest.Wait(t, "the client to connect again in vain", func() bool { return e.network.Refused.Load() > 0 })
		e.network.Lead("tcp", host(second))
	})
	return e
}

// schema writes the schema into a folder, as the server has it.
func (e *exam) schema(folder string) (path string) {
	e.t.Helper()
	_, text := e.others.Send(http.MethodGet, "/schema.graphql", nil, nil)
	path = filepath.Join(folder, "schema.graphql")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
	return path
}

// run runs a program in a folder, and returns what it writes.
func run(t *testing.T, folder string, env []string, program string, args ...string) []byte {
	t.Helper()
	var complaints bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = folder, append(os.Environ(), env...), &complaints
	out, err := cmd.Output()
	t.Log(complaints.String())
	if err != nil {
		t.Fatalf("%s %q: %v (make test installs real clients)\n%s", program, args, err, out)
	}
	return out
}

// compileRelay compiles the documents with relay-compiler, and returns them.
func (e *exam) compileRelay() server.Documents {
	e.t.Helper()
	folder := e.t.TempDir()
	run(e.t, clienttest, nil, node, "compile-relay.mjs", folder, e.schema(folder))
	text, err := os.ReadFile(filepath.Join(folder, "documents.json"))
	if err != nil {
		e.t.Fatal(err)
	}
	byID, err := server.ReadDocuments(text)
	if err != nil {
		e.t.Fatal(err)
	}
	e.env = append(e.env, "RELAY_ARTIFACTS="+filepath.Join(folder, "__generated__"))
	return server.Documents{ByID: byID}
}

// buildGenqlient builds the client in Go, with what genqlient generates for the documents.
func (e *exam) buildGenqlient() {
	e.t.Helper()
	folder := e.t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(clienttest, "genqlient"))); err != nil {
		e.t.Fatal(err)
	}
	e.schema(folder)
	operations := run(e.t, clienttest, nil, node, "-p", `Object.values(require("./documents.mjs").documents).join("\n")`)
	operations = bytes.ReplaceAll(operations, []byte("documentsChangesSubscription"), []byte("Changes"))
	if err := os.WriteFile(filepath.Join(folder, "operations.graphql"), operations, 0o600); err != nil {
		e.t.Fatal(err)
	}
	run(e.t, folder, nil, "go", "tool", "genqlient")
	run(e.t, folder, nil, "go", "build", "-o", "client", ".")
	e.env = append(e.env, "GENQLIENT="+filepath.Join(folder, "client"))
}

// result says what is wrong with a feature of a client; empty: it works.
type result struct{ Feature, Wrong string }

func (e *exam) inNode(client string, features []string) (all []result) {
	e.t.Helper()
	args := []string{"examine.mjs", client, e.url() + server.GraphQLPath, e.others.URL + server.GraphQLPath, e.page}
	out := run(e.t, clienttest, e.env, node, append(args, features...)...)
	for line := range bytes.Lines(out) {
		var one result
		if err := json.Unmarshal(line, &one); err != nil {
			e.t.Errorf("no JSON: %s", line)
		}
		all = append(all, one)
	}
	return all
}

// inBrowser examines a client in a page of another origin.
func (e *exam) inBrowser(client string, features []string) (all []result) {
	e.t.Helper()
	page, awaited := browsertest.New(e.t), true
	tried, err := json.Marshal(features)
	if err != nil {
		e.t.Fatal(err)
	}
	var text string
	err = chromedp.Do(page, chromedp.Navigate(e.page))
	if err == nil {
		text, err = chromedp.Run(page, chromedp.Evaluate[string](fmt.Sprintf(`(async () => {
			const { documents } = await import("/documents.mjs");
			const { examine, othersAt } = await import("/exam.mjs");
			const { make } = await import("/clients/%s.mjs");
			const all = [], plain = fetch.bind(window);
			await examine(make, {
				url: %q, others: othersAt(%q, documents), tried: %s, tell: (what) => all.push(what),
				network: (what) => plain("/" + what, { method: "POST" }),
			});
			return JSON.stringify(all);
		})()`, client, e.url()+server.GraphQLPath, e.others.URL+server.GraphQLPath, tried),
			func(p *runtime.EvaluateParams) { p.AwaitPromise = &awaited }))
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &all)
	}
	if err != nil {
		e.t.Fatalf("%v: %s", err, text)
	}
	return all
}
