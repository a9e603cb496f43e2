package reading_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/parley/server/apitest"

	"example.org/parley/server"
	"example.org/parley/storage"
)

// However a document nests, each of its levels takes one statement at most: the number is that of the document,
// whatever the rows. What a record refers to once comes along with it.
func TestOneStatementALevel(t *testing.T) {
	t.Parallel()
	small, large := withTalks(t), withTalks(t)
	small.bigger(2, 2)
	large.bigger(20, 5)
	for _, question := range []struct {
		name, document string
		statements     int64
	}{
		{"a scenario in full", `{ scenario(id: "talks/plan-001") { title status issue { title }
			positions { nodes { stance confidence rationale validFrom holder { name kind } } } } }`, 2},
		{"a negotiation's tree", `{ negotiation(id: "talks") { title issues { title scenarios { nodes { title status
			statusHistory(first: 3) { nodes { from to reason effectiveAt } }
			positions(first: 10) { nodes { stance holder { name } } } } } } } }`, 5},
		{"what moved last",
			`{ statusChanges(first: 100) { nodes { from to effectiveAt scenario { title negotiation { title } } } } }`,
			1},
		{"a stakeholder's record", `{ stakeholder(id: "holder-1") { name positions(first: 100) { nodes {
			stance validFrom scenario { title } evidence { source { title } } } } } }`, 3},
		{"a title", `{ scenario(id: "talks/plan-001") { title status } }`, 1},
		{"back and forth",
			`{ scenarios { nodes { positions { nodes { scenario { title } holder { positions { nodes { scenario { title issue { title } } } } } } } } } }`, 3},
		{"lists below lists of single objects", `{ stakeholders(first: 10) { nodes { positions(first: 5) { nodes { scenario {
			positionHistory(first: 3) { nodes { evidence { source { statements(first: 2) { nodes { speaker { affiliations { organization { name } } } } } } } } } } } } } } }`, 6},
		{"the same record again",
			`{ a: scenario(id: "talks/plan-001") { title } scenario(id: "talks/plan-001") { issue { negotiation { title } } negotiation { title } } }`, 2},
		{"a page with its total",
			`{ positions(first: 1) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { stance } } } }`, 2},
	} {
		few, many := small.Statements(question.document), large.Statements(question.document)
		if few != question.statements || many != question.statements {
			t.Errorf("%s takes %d statements for a few rows and %d for many, want %d", question.name, few, many,
				question.statements)
		}
	}
}

// An answer is of one instant, although it takes several statements and others write meanwhile.
func TestAnswersAreOfOneInstant(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	done := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			to := []string{"STALLED", "PROPOSED"}[i%2]
			a.Ask(`mutation($to: ScenarioStatus!) { changeScenarioStatus(input: {scenario: "talks/line", to: $to, reason: "on and off"}) { cursor } }`, map[string]any{"to": to})
		}
	})
	for range 300 {
		got := a.Must(`{ scenario(id: "talks/line") { status statusSince
			currentStatusChange { to effectiveAt }
			statusHistory(first: 500) { nodes { to effectiveAt } totalCount } } }`)
		last := fmt.Sprintf("scenario.statusHistory.nodes.%d.", got.Count("scenario.statusHistory.nodes")-1)
		got.Want("scenario.currentStatusChange.to", got.Text("scenario.status"),
			"scenario.currentStatusChange.effectiveAt", got.Text("scenario.statusSince"),
			last+"to", got.Text("scenario.status"), last+"effectiveAt", got.Text("scenario.statusSince"),
			"scenario.statusHistory.totalCount", got.Count("scenario.statusHistory.nodes"))
		if t.Failed() {
			break
		}
	}
	close(done)
	writing.Wait()
}

// What a level can't be resolved with is an error at each of its places, and one line in the log.
func TestFailedLevel(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.bigger(2, 3)
	a.SQL(`ALTER TABLE source_bodies RENAME COLUMN body TO mislaid`)
	got := a.Ask(`{ scenarios(first: 10) { nodes { statements { nodes { text source { title body } } } } } }`)
	var places []string
	for _, e := range got.Errs {
		if e.Message != "Internal error" {
			t.Errorf("a client reads %q", e.Message)
		}
		places = append(places, fmt.Sprint(e.Path))
	}
	for s := range got.Count("scenarios.nodes") {
		for n := range got.Count(fmt.Sprintf("scenarios.nodes.%d.statements.nodes", s)) {
			source := fmt.Sprintf("scenarios.nodes.%d.statements.nodes.%d.source.", s, n)
			got.Want(source+"title", "The Gazette", source+"body", nil)
			place := fmt.Sprintf("[scenarios nodes %d statements nodes %d source body]", s, n)
			if len(places) == 0 || places[0] != place {
				t.Fatalf("no error at %s but at %v", place, places)
			}
			places = places[1:]
		}
	}
	if len(places) > 0 || len(got.Errs) < 6 {
		t.Errorf("%d errors, of which these are nowhere: %v", len(got.Errs), places)
	}
	if log := a.Logs.String(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "read the bodies of sources") {
		t.Errorf("logged: %s", log)
	}
}

// held takes a lock that reads of a table wait for, and returns the way to let go of it.
func (a *api) held(table string) (release func()) {
	a.T.Helper()
	db := a.DB()
	tx := db.MustBegin()
	tx.MustExec(`LOCK TABLE ` + table + ` IN ACCESS EXCLUSIVE MODE`)
	return func() {
		tx.Rollback()
		db.Close()
	}
}

// impatient starts a server on the talks whose reads may take only so long.
func impatient(t *testing.T, limit time.Duration) *api {
	t.Helper()
	a := startWith(t, storage.Options{DSN: apitest.TalksDatabase(t), ReadTimeout: limit}, 50*time.Millisecond)
	return a
}

func TestReadsThatTakeTooLong(t *testing.T) {
	t.Parallel()
	a := impatient(t, 100*time.Millisecond)
	release := a.held("source_bodies")
	got := a.Ask(`{ sources { nodes { title body } } }`)
	if len(got.Errs) != 2 || fmt.Sprint(got.Errs[1].Path) != "[sources nodes 1 body]" ||
		got.Errs[1].Extensions["code"] != "LIMIT" {
		t.Errorf("errors: %+v", got.Errs)
	}
	got.Want("sources.nodes.1.body", nil, "sources.nodes.0.title", "The Gazette")
	release()
	a.Must(`{ sources { nodes { title body } } }`)
}

// A client that leaves while it is being answered leaves nothing behind.
func TestClientsThatLeave(t *testing.T) {
	t.Parallel()
	a := impatient(t, time.Hour)
	release := a.held("source_bodies")
	body, err := json.Marshal(map[string]any{"query": `{ sources { nodes { body } } }`})
	if err != nil {
		t.Fatal(err)
	}
	var leaving sync.WaitGroup
	for range 40 { // more than there are connections for
		leaving.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			request, _ := http.NewRequestWithContext(ctx, http.MethodPost, a.URL+server.GraphQLPath,
				strings.NewReader(string(body)))
			request.Header.Set("Content-Type", "application/json")
			if response, err := http.DefaultClient.Do(request); err == nil {
				response.Body.Close()
			}
		})
	}
	leaving.Wait()
	apitest.Wait(t, "the database to stop what nobody waits for", func() bool {
		return a.Number(`SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 0
	})
	release()
	a.Must(`{ sources { nodes { body } } }`)
	if log := a.Logs.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("logged: %s", log)
	}
}

// Connections that were lost while nobody used them are replaced, and no reader sees it.
func TestLostConnections(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	for range 3 {
		var reading sync.WaitGroup
		for range 20 {
			reading.Go(func() { a.Ask(`{ scenario(id: "talks/line") { status } }`) })
		}
		reading.Wait()
		a.SQL(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		a.Must(`{ scenario(id: "talks/line") { status } }`).Want("scenario.status", "PROPOSED")
	}
}
