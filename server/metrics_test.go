package server_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"example.org/parley"
	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

func TestWritesAreCounted(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	counted := func(outcome string, want float64) {
		t.Helper()
		if got := a.Metric("parley_write_seconds", "outcome", outcome); got != want {
			t.Errorf("%v writes were %s, want %v", got, outcome, want)
		}
	}
	const edit = `mutation { editNegotiation(input: {negotiation: "talks", title: "New"}) { cursor userErrors { code message field } } }`
	waits, statements := a.Metric("parley_feed_head_wait_seconds"), a.Metric("parley_sql_statement_seconds", "pool", "write")
	a.Must(edit)
	counted("recorded", 1)
	if got := a.Metric("parley_feed_head_wait_seconds"); got != waits+1 {
		t.Errorf("one write took the feed head %v times", got-waits)
	}
	if got := a.Metric("parley_sql_statement_seconds", "pool", "write"); got < statements+5 {
		t.Errorf("one write took %v statements", got-statements)
	}
	a.Must(edit)
	counted("unchanged", 1)
	a.Ask(`mutation { editNegotiation(input: {negotiation: "nobody", title: "New"}) { cursor userErrors { code message field } } }`).Refused("NOT_FOUND")
	counted("refused", 1)
	counted("failed", 0)
	if _, err := a.Store.EditNegotiation(t.Context(), parley.EditNegotiation{}); err == nil {
		t.Error("somebody writes in nobody's name")
	}
	counted("failed", 1)
	counted("recorded", 1)
}

// Two writers who claim the same id wait for the feed head; the second one loses the race, and begins again.
func TestRetriesAreCounted(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	db := a.DB()
	tx := db.MustBegin()
	defer tx.Rollback()
	tx.MustExec(`SELECT FROM feed_head FOR UPDATE`)
	before := a.Metric("parley_write_retries_total")
	done := make(chan error)
	for range 2 {
		go func() {
			_, err := a.Store.RegisterStakeholder(a.Ctx, parley.RegisterStakeholderInput{
				ID: new("6f1e3d1c-0000-4000-8000-000000000001"), Key: "twin", Name: "Twin", Kind: parley.Group,
			})
			done <- err
		}()
	}
	apitest.Wait(t, "both to wait for the head", func() bool {
		var waiting int
		if err := db.Get(&waiting, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`); err != nil {
			t.Fatal(err)
		}
		return waiting == 2
	})
	if got := a.Metric("parley_pool_connections", "pool", "write", "state", "in_use"); got < 2 {
		t.Errorf("two writers use %v connections", got)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := a.Metric("parley_write_retries_total") - before; got != 1 {
		t.Errorf("%v attempts were begun again", got)
	}
}

func TestStatementsAreCounted(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	reads := func() float64 { return a.Metric("parley_sql_statement_seconds", "pool", "read") }
	before, counted := reads(), a.Store.Statements()
	a.Must(`{ scenario(id: "talks/line") { key positions { nodes { stance } } } }`)
	if got := reads() - before; got == 0 || got != float64(a.Store.Statements()-counted) {
		t.Errorf("%v statements were timed, and %d were run", got, a.Store.Statements()-counted)
	}
	if got := a.Metric("parley_sql_statement_seconds", "pool", "feed"); got == 0 {
		t.Error("the feed was read without a statement")
	}
	if got := a.Metric("parley_sql_failures_total", "pool", "read"); got != 0 {
		t.Errorf("%v statements failed", got)
	}
	tx := a.DB().MustBegin()
	defer tx.Rollback()
	tx.MustExec(`LOCK TABLE negotiations IN ACCESS EXCLUSIVE MODE`)
	given, giveUp := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := a.Store.Snapshot().Negotiations(given, []storage.Key{storage.KeyOf("talks")}, nil)
		failed <- err
	}()
	apitest.Wait(t, "a connection to be in use", func() bool {
		return a.Metric("parley_pool_connections", "pool", "read", "state", "in_use") == 1
	})
	giveUp()
	if <-failed == nil {
		t.Error("what was given up was answered")
	}
	apitest.Wait(t, "the failure to be counted", func() bool { return a.Metric("parley_sql_failures_total", "pool", "read") == 1 })
}

// When all connections are in use, statements wait.
func TestWaitsForConnectionsAreCounted(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	tx := a.DB().MustBegin()
	defer tx.Rollback()
	tx.MustExec(`LOCK TABLE negotiations IN ACCESS EXCLUSIVE MODE`)
	given, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	var readers sync.WaitGroup
	analyst, _ := parley.CallerOf(a.Ctx)
	waiting := func(pool string) float64 { return a.Metric("parley_pool_waiting", "pool", pool) }
	for n := 0; waiting("read") == 0; n++ {
		readers.Go(func() { a.Store.Snapshot().Negotiations(given, []storage.Key{storage.KeyOf("talks")}, nil) })
		apitest.Wait(t, "the reader to come", func() bool {
			return a.Metric("parley_pool_connections", "pool", "read", "state", "in_use")+waiting("read") == float64(n+1)
		})
	}
	for n := 0; waiting("write") == 0; n++ {
		readers.Go(func() {
			a.Store.EditNegotiation(parley.WithCaller(given, analyst), parley.EditNegotiation{Negotiation: "talks", Title: parley.To("New")})
		})
		apitest.Wait(t, "the writer to come", func() bool {
			return a.Metric("parley_pool_connections", "pool", "write", "state", "in_use")+waiting("write") >= float64(n+1)
		})
	}
	giveUp()
	readers.Wait()
	for _, pool := range []string{"read", "write"} {
		times, took := a.Metric("parley_pool_waits_total", "pool", pool), a.Metric("parley_pool_wait_seconds_total", "pool", pool)
		if times != 1 || took <= 0 {
			t.Errorf("%s: %v waits took %v seconds", pool, times, took)
		}
		if got := waiting(pool); got != 0 {
			t.Errorf("%s: %v still wait", pool, got)
		}
	}
	tx.Rollback()
	a.Store.EditNegotiation(a.Ctx, parley.EditNegotiation{Negotiation: "talks", Title: parley.To("New")})
	apitest.Wait(t, "a connection to be idle", func() bool {
		return a.Metric("parley_pool_connections", "pool", "write", "state", "idle") > 0
	})
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Send(http.MethodGet, "/healthz", nil, nil)
	for _, r := range []struct{ path, route, status string }{
		{"/healthz", "/healthz", "2xx"},
		{"/nothing/of/the/kind", "other", "4xx"},
		{"/briefing/talks", "/briefing/{negotiation}", "2xx"},
		{"/briefing/nobody", "/briefing/{negotiation}", "4xx"},
		{"/tables/talks/stances.csv", "/tables/{negotiation}/{table}", "2xx"},
		{"/", "/{$}", "3xx"},
		{server.GraphQLPath + "?query={viewer{name}}", server.GraphQLPath, "2xx"},
		{server.GraphQLPath + "?query={viewer{name}}&variables=no", server.GraphQLPath, "4xx"},
		{"/playground/none.js", "/playground/", "4xx"},
	} {
		before := a.Metric("parley_http_requests_total", "route", r.route, "status", r.status)
		a.Send(http.MethodGet, r.path, nil, nil)
		apitest.Wait(t, r.path+" to be counted", func() bool {
			return a.Metric("parley_http_requests_total", "route", r.route, "status", r.status) == before+1
		})
	}
	a.Send(http.MethodGet, "/healthz", http.Header{"Host": {"elsewhere.example"}}, nil)
	apitest.Wait(t, "the foreign name to be counted", func() bool {
		return a.Metric("parley_http_requests_total", "route", "other", "status", "4xx") == 2
	})
}

// Routes are those of the server, wherever its paths begin.
func TestRoutesBeneathABasePath(t *testing.T) {
	t.Parallel()
	a := known(t, server.Sites{BasePath: "/desk"})
	a.Send(http.MethodGet, "/desk/healthz", nil, nil)
	a.Send(http.MethodGet, "/healthz", nil, nil) // from a proxy that leaves it out
	apitest.Wait(t, "both to be counted", func() bool {
		return a.Metric("parley_http_requests_total", "route", "/healthz", "status", "2xx") == 2
	})
}

func TestCachesAreCounted(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	want := func(cache string, hits, misses, entries float64) {
		t.Helper()
		got := [3]float64{
			a.Metric("parley_cache_requests_total", "cache", cache, "result", "hit"),
			a.Metric("parley_cache_requests_total", "cache", cache, "result", "miss"),
			a.Metric("parley_cache_entries", "cache", cache),
		}
		if got != [3]float64{hits, misses, entries} {
			t.Errorf("%s: hits, misses and entries are %v, want %v %v %v", cache, got, hits, misses, entries)
		}
	}
	const document = `{ viewer { name } }`
	for range 3 {
		a.Must(document)
	}
	want("documents", 2, 1, 1)
	named := fmt.Sprintf(`"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "%x"}}`, sha256.Sum256([]byte(document)))
	a.Post("application/json", `{`+named+`}`).Fails("PERSISTED_QUERY_NOT_FOUND")
	a.Post("application/json", `{"query": "`+document+`", `+named+`}`).Want("viewer.name", "Test analyst")
	a.Post("application/json", `{`+named+`}`).Want("viewer.name", "Test analyst")
	want("persisted", 1, 1, 1)
	want("documents", 4, 1, 1)
}
