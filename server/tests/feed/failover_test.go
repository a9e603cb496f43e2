package feed_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/server/apitest"
)

// behindAFailover is a server that reaches a pair of databases under one address, as a cluster's own proxy gives it.
func behindAFailover(t *testing.T) (*api, *pgtest.Pair, func()) {
	t.Helper()
	pair := pgtest.StartPair(t)
	network := apitest.NewNetwork(t, "unix", pair.Primary.Socket)
	a := startOn(t, apitest.Through(pair.Primary.DSN, network.Address))
	a.Load("talks.yaml", apitest.Talks)
	return a, pair, func() {
		network.Cut()
		pair.Failover()
		network.Lead("unix", pair.Standby.Socket)
		apitest.Wait(t, "the server to find the other database", func() bool {
			got := a.Ask(`mutation { editNegotiation(input: {negotiation: "talks", title: "After"}) { cursor } }`)
			return len(got.Errs) == 0
		})
	}
}

// A failover to a standby that has received everything loses nothing: a subscriber goes on with the next change.
func TestFailoverWithoutLoss(t *testing.T) {
	t.Parallel()
	a, pair, failover := behindAFailover(t)
	pair.Synchronize()
	s := a.connect()
	s.ask("1", followAll, map[string]any{"after": a.Must(`{ lens { cursor } }`).Text("lens.cursor")})
	var made []string
	for range 3 {
		made = append(made, a.retitle())
	}
	failover()
	made = append(made, a.Must(`{ lens { cursor } }`).Text("lens.cursor"), a.retitle())
	for _, want := range made {
		if got := s.event().Change()["cursor"]; got != want {
			t.Fatalf("heard %v, want %s of %v", got, want, made)
		}
	}
}

// A failover to a standby that lagged behind loses its last changes. Subscribers who were sent one have to connect again, from what is still on
// record; a cursor of a lost change is refused.
func TestFailoverWithLoss(t *testing.T) {
	t.Parallel()
	a, pair, failover := behindAFailover(t)
	kept := a.retitle()
	apitest.Wait(t, "the standby to have it", func() bool { return pair.CaughtUp() })
	s := a.connect()
	s.ask("1", followAll, map[string]any{"after": kept})
	pair.Disconnect()
	var lost []string
	for range 3 {
		lost = append(lost, a.retitle())
		if got := s.event().Change()["cursor"]; got != lost[len(lost)-1] {
			t.Fatalf("heard %v, want %s", got, lost[len(lost)-1])
		}
	}
	failover()
	if why := s.goodbye(websocket.StatusTryAgainLater); !strings.Contains(why, "no longer on record") {
		t.Errorf("the connection is closed with %q", why)
	}
	s = a.connect()
	s.ask("1", followAll, map[string]any{"after": lost[2]})
	s.refusal("BAD_CURSOR", lost[2])
	a.Ask(fmt.Sprintf(`{ changes(after: %q) { totalCount } }`, lost[0])).Fails("BAD_CURSOR", lost[0])
	s.ask("2", followAll, map[string]any{"after": kept})
	for _, want := range []string{a.Must(`{ lens { cursor } }`).Text("lens.cursor"), a.retitle()} {
		if got := s.event().Change()["cursor"]; got != want {
			t.Fatalf("heard %v, want %s", got, want)
		}
	}
	apitest.Wait(t, "the log to say so", func() bool { return strings.Contains(a.Logs.String(), "lost changes that were sent") })
}

// A server that is given all databases of a cluster finds the one that takes changes, at the start and after a failover.
func TestServersOfTheDatabaseInOneURL(t *testing.T) {
	t.Parallel()
	pair := pgtest.StartPair(t)
	_, rest, _ := strings.Cut(pair.Primary.DSN, " user=")
	folder := func(s pgtest.Server) string { return filepath.Dir(s.Socket) }
	a := startOn(t, "host="+folder(pair.Standby)+","+folder(pair.Primary)+" port=5432,5432 target_session_attrs=read-write user="+rest)
	a.Load("talks.yaml", apitest.Talks)
	pair.Synchronize()
	s := a.connect()
	s.ask("1", followAll, map[string]any{"after": a.Must(`{ lens { cursor } }`).Text("lens.cursor")})
	made := []string{a.retitle()}
	pair.Failover()
	apitest.Wait(t, "the server to find the other database", func() bool {
		got := a.Ask(`mutation { editNegotiation(input: {negotiation: "talks", title: "After"}) { cursor } }`)
		return len(got.Errs) == 0
	})
	for _, want := range append(made, a.Must(`{ lens { cursor } }`).Text("lens.cursor"), a.retitle()) {
		if got := s.event().Change()["cursor"]; got != want {
			t.Fatalf("heard %v, want %s", got, want)
		}
	}
}
