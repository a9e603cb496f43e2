package feed_test

import (
	"context"
	"net/http"
	"testing"

	"example.org/parley/server/apitest"
)

// Operations are counted by their kind, how they came, and how they ended. No name that clients choose is a label.
func TestOperationsAreCounted(t *testing.T) {
	t.Parallel()
	l := startLine(t).overHTTP()
	counted := func(kind, transport, outcome string, want float64) {
		t.Helper()
		apitest.Wait(t, kind+" "+transport+" "+outcome, func() bool {
			return l.Metric("parley_operations_total", "kind", kind, "transport", transport, "outcome", outcome) == want
		})
	}
	timed := func(kind, transport string, want float64) {
		t.Helper()
		if got := l.Metric("parley_operation_seconds", "kind", kind, "transport", transport); got != want {
			t.Errorf("%v times of a %s by %s", got, kind, transport)
		}
	}
	l.Must(`query mine { viewer { name } }`)
	l.Must(`query yours { viewer { name } }`)
	counted("query", "post", "ok", 2)
	timed("query", "post", 2)
	l.Get(`{ viewer { name } }`).Want("viewer.name", "Test analyst")
	counted("query", "get", "ok", 1)
	l.Ask(`{ scenario(id: "talks/line", asOf: {validAt: "2999-01-01T00:00:00Z", knownAt: "2999-01-01T00:00:00Z"}) { key } }`).Fails("BAD_LENS")
	counted("query", "post", "BAD_LENS", 1)
	l.Ask(`{ nothing }`).Fails("BAD_REQUEST")
	counted("unknown", "post", "BAD_REQUEST", 1)
	l.retitle()
	counted("mutation", "post", "ok", 1)
	l.request(t, http.MethodPost, `subscription { changes(filter: {negotiations: ["nobody"]}) { cursor } }`)
	counted("subscription", "events", "BAD_REQUEST", 1)
	events := l.stream(t, http.MethodPost, `subscription { changes { cursor summary } }`)
	s := l.connect()
	s.ask("1", `{ viewer { name } }`)
	s.event()
	counted("query", "websocket", "ok", 1)
	s.read() // complete
	s.ask("1", `{ viewer `)
	s.refusal("BAD_REQUEST")
	counted("unknown", "websocket", "BAD_REQUEST", 1)
	s.ask("1", `subscription { changes { cursor kind } }`)
	counted("subscription", "websocket", "ok", 1)
	counted("subscription", "events", "ok", 1)
	timed("subscription", "events", 2)
	if made := l.Metric("parley_operations_total", "transport", "feed"); made != 0 {
		t.Errorf("%v views were made of nothing", made)
	}
	l.retitle()
	s.event()
	for events.next().data == "" {
	}
	counted("subscription", "feed", "ok", 2) // one view for each
	if got := l.Metric("parley_errors_total", "code", "BAD_REQUEST"); got != 3 {
		t.Errorf("%v errors BAD_REQUEST, want 3", got)
	}
	release := l.hold(t)
	defer release()
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan bool)
	go func() {
		_, err := l.client.Do(l.requestFor(t, ctx, http.MethodPost, `{ negotiation(id: "talks") { key } }`, "Accept", "application/json"))
		left <- err != nil
	}()
	apitest.Wait(t, "the query to be answered", func() bool {
		return l.Metric("parley_pool_connections", "pool", "read", "state", "in_use") == 1
	})
	leave()
	if !<-left {
		t.Error("the query was answered after all")
	}
	counted("query", "post", "cancelled", 1)
	if got := l.Metric("parley_errors_total", "code", "INTERNAL"); got != 0 {
		t.Errorf("a client that left is an internal error (%v)", got)
	}
}
