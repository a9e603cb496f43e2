package feed_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"example.org/parley/server/apitest"
)

// loses takes the last changes off the record, as a failover to a server that lagged behind does, or a restored backup.
// What the changes wrote stays, which does not matter here.
func (a *api) loses(n int) {
	a.T.Helper()
	db := a.DB()
	db.SetMaxOpenConns(1)
	for _, statement := range []string{
		`SET session_replication_role = replica`, // without triggers
		fmt.Sprintf(`DELETE FROM change_touches WHERE seq > (SELECT seq FROM feed_head) - %d`, n),
		fmt.Sprintf(`DELETE FROM changes WHERE seq > (SELECT seq FROM feed_head) - %d`, n),
		fmt.Sprintf(`UPDATE feed_head SET seq = seq - %d, recorded_at = (SELECT max(recorded_at) FROM changes)`, n),
	} {
		if _, err := db.ExecContext(a.T.Context(), statement); err != nil {
			a.T.Fatal(err)
		}
	}
}

// When the database loses changes that were sent, subscribers are asked to connect again: from a change that is still on
// record they miss nothing, and a cursor of a lost change is refused, also after its number was given anew.
func TestLostChanges(t *testing.T) {
	t.Parallel()
	const follow = `subscription($after: Cursor) { changes(after: $after) { cursor } }`
	for _, written := range []int{0, 1, 5} { // before the servers notice
		t.Run(fmt.Sprint(written), func(t *testing.T) {
			t.Parallel()
			a := startSlowly(t, apitest.TalksDatabase(t))
			b := startOn(t, a.DSN) // polls each second
			kept := a.retitle()
			s := b.connect()
			s.ask("1", follow, map[string]any{"after": kept})
			var lost []string
			for range 3 {
				lost = append(lost, a.retitle())
				if got := s.event().Change()["cursor"]; got != lost[len(lost)-1] {
					t.Fatalf("heard %v, want %s", got, lost[len(lost)-1])
				}
			}
			a.loses(3)
			var made []string
			for range written {
				made = append(made, a.retitle())
			}
			if why := s.goodbye(websocket.StatusTryAgainLater); !strings.Contains(why, "no longer on record") {
				t.Errorf("the connection is closed with %q", why)
			}
			again := b.connect()
			again.ask("1", follow, map[string]any{"after": lost[2]})
			again.refusal("BAD_CURSOR", lost[2])
			b.Ask(fmt.Sprintf(`{ changes(after: %q) { totalCount } }`, lost[0])).Fails("BAD_CURSOR", lost[0])
			b.Ask(fmt.Sprintf(`mutation { editNegotiation(input: {negotiation: "talks", title: "X", ifUnchangedSince: %q}) { cursor } }`, lost[1])).Fails("BAD_CURSOR", lost[1])

			again.ask("2", follow, map[string]any{"after": kept})
			made = append(made, a.retitle(), a.retitle())
			for _, want := range made {
				if got := again.event().Change()["cursor"]; got != want {
					t.Fatalf("heard %v, want %s of %v", got, want, made)
				}
			}
			if log := b.Logs.String(); strings.Count(log, "lost changes that were sent") != 1 {
				t.Errorf("logged: %s", log)
			}
		})
	}
}

// A feed that is given a new name accepts no cursor from before.
func TestRenamedFeed(t *testing.T) {
	t.Parallel()
	a := startOn(t, apitest.TalksDatabase(t))
	before := a.retitle()
	s := a.connect()
	s.ask("1", `subscription($after: Cursor) { changes(after: $after) { cursor } }`, map[string]any{"after": before})
	last := a.retitle()
	if got := s.event().Change()["cursor"]; got != last {
		t.Fatalf("heard %v", got)
	}
	if err := a.Store.RenameFeed(a.Ctx); err != nil {
		t.Fatal(err)
	}
	if why := s.goodbye(websocket.StatusTryAgainLater); !strings.Contains(why, "no longer on record") {
		t.Errorf("the connection is closed with %q", why)
	}
	a.Ask(fmt.Sprintf(`{ changes(after: %q) { totalCount } }`, before)).Fails("BAD_CURSOR", before)
	now := a.Must(`{ lens { cursor } }`).Text("lens.cursor")
	if now == last {
		t.Errorf("the cursor is still %s", now)
	}
	s = a.connect()
	s.ask("1", `subscription($after: Cursor) { changes(after: $after) { cursor } }`, map[string]any{"after": now})
	made := a.retitle()
	if got := s.event().Change()["cursor"]; got != made {
		t.Errorf("heard %v, want %s", got, made)
	}
}
