package feed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/parley/server/apitest"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/google/go-cmp/cmp"

	"example.org/parley/server"
)

// socket is a client that speaks graphql-transport-ws. It reads on only when it is asked for the next message.
type socket struct {
	t        testing.TB
	conn     *websocket.Conn
	messages chan message
	asked    int // how many subscriptions a test began on it
}

type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
	err     error           // the connection ended
}

func (a *api) connect() *socket {
	a.T.Helper()
	ctx, cancel := context.WithTimeout(a.T.Context(), apitest.Patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, a.URL+server.GraphQLPath,
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		a.T.Fatal(err)
	}
	conn.SetReadLimit(-1)
	s := &socket{t: a.T, conn: conn, messages: make(chan message)}
	a.T.Cleanup(s.leave)
	reading := a.T.Context()
	go func() {
		defer close(s.messages)
		for {
			var m message
			m.err = wsjson.Read(reading, conn, &m)
			select {
			case s.messages <- m:
			case <-reading.Done():
				return
			}
			if m.err != nil {
				return
			}
		}
	}()
	s.send(message{Type: "connection_init"})
	if m := s.read(); m.Type != "connection_ack" {
		a.T.Fatalf("the server greets with %q %s", m.Type, m.Payload)
	}
	return s
}

// leave drops the connection without a word.
func (s *socket) leave() { s.conn.CloseNow() }

func (s *socket) send(m message) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), apitest.Patience)
	defer cancel()
	if err := wsjson.Write(ctx, s.conn, m); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) ask(id, document string, variables ...map[string]any) {
	s.t.Helper()
	request := map[string]any{"query": document}
	if len(variables) > 0 {
		request["variables"] = variables[0]
	}
	payload, err := json.Marshal(request)
	if err != nil {
		s.t.Fatal(err)
	}
	s.send(message{Type: "subscribe", ID: id, Payload: payload})
}

// within is the next message, unless none comes in that time.
func (s *socket) within(limit time.Duration) (message, bool) {
	s.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case m := <-s.messages:
			if m.Type == "ping" {
				s.send(message{Type: "pong"})
				continue
			}
			return m, true
		case <-timer.C:
			return message{}, false
		}
	}
}

// readOrEnd is the next message, or the end of the connection.
func (s *socket) readOrEnd() message {
	s.t.Helper()
	m, ok := s.within(apitest.Patience)
	if !ok {
		s.t.Fatal("waited for a message in vain")
	}
	return m
}

// read is the next message; there has to be one.
func (s *socket) read() message {
	s.t.Helper()
	m := s.readOrEnd()
	if m.err != nil {
		s.t.Fatalf("waited for a message in vain: %v", m.err)
	}
	return m
}

// event is the next answer.
func (s *socket) event() apitest.Answer {
	s.t.Helper()
	return s.parse(s.read())
}

func (s *socket) parse(m message) apitest.Answer {
	s.t.Helper()
	if m.Type != "next" {
		s.t.Fatalf("got %s %s, want an event", m.Type, m.Payload)
	}
	got := apitest.Answer{T: s.t}
	if err := json.Unmarshal(m.Payload, &got); err != nil {
		s.t.Fatal(err)
	}
	if len(got.Errs) > 0 {
		s.t.Fatalf("an event with errors: %+v", got.Errs)
	}
	return got
}

// subscribe asks for events, and returns when they come: it writes what matches until it hears of it. Nobody else may
// write meanwhile.
func (a *api) subscribe(document string, write func() string, variables ...map[string]any) *socket {
	a.T.Helper()
	s := a.connect()
	s.ask("1", document, variables...)
	deadline := time.Now().Add(apitest.Patience)
	for time.Now().Before(deadline) {
		last := write()
		m, ok := s.within(20 * time.Millisecond)
		for ; ok; m, ok = s.within(apitest.Patience) {
			if m.err != nil {
				a.T.Fatal(m.err)
			}
			if s.parse(m).Change()["cursor"] == last {
				return s
			}
		}
	}
	a.T.Fatal("the subscription does not begin")
	return nil
}

// write makes one change and returns its cursor.
func (a *api) write(mutation string, variables ...map[string]any) string {
	a.T.Helper()
	cursor, ok := a.Must(mutation, variables...).Change()["cursor"].(string)
	if !ok {
		a.T.Fatalf("no change was made by %s", mutation)
	}
	return cursor
}

var edits struct {
	sync.Mutex
	n int
}

// another is a word that was never used before.
func another() string {
	edits.Lock()
	defer edits.Unlock()
	edits.n++
	return "word " + strconv.Itoa(edits.n)
}

// retitle changes the talks, reword the first status of a scenario, and take a holder's position on a scenario.
func (a *api) retitle() string {
	a.T.Helper()
	return a.write(`mutation($to: String!) { editNegotiation(input: {negotiation: "talks", title: $to}) { cursor userErrors { code message field } } }`, map[string]any{"to": another()})
}

func (a *api) reword(scenario string) string {
	a.T.Helper()
	id := a.Must(`query($id: ID!) { scenario(id: $id) { statusHistory(first: 1) { nodes { id } } } }`,
		map[string]any{"id": scenario}).Text("scenario.statusHistory.nodes.0.id")
	return a.write(`mutation($id: ID!, $to: String!) { correctStatusChange(input: {statusChange: $id, reason: $to, note: "reworded"}) { cursor userErrors { code message field } } }`,
		map[string]any{"id": id, "to": another()})
}

func (a *api) position(holder, scenario string) string {
	a.T.Helper()
	return a.write(`mutation($holder: ID!, $scenario: ID!, $unless: String!) {
		recordPosition(input: {holder: $holder, scenario: $scenario, stance: SUPPORTS, conditions: [$unless]}) { cursor userErrors { code message field } }
	}`, map[string]any{"holder": holder, "scenario": scenario, "unless": another()})
}

func (a *api) move(scenario, to string) string {
	a.T.Helper()
	return a.write(`mutation($scenario: ID!, $to: ScenarioStatus!) {
		changeScenarioStatus(input: {scenario: $scenario, to: $to, reason: "agreed so"}) { cursor userErrors { code message field } }
	}`, map[string]any{"scenario": scenario, "to": to})
}

// received is what clients ask of every change.
const received = `
fragment change on Change {
	cursor kind summary note recordedAt recordedBy { name } negotiation { key title changedAt scenarios { nodes { key status } totalCount } }
	... on ScenarioStatusChanged {
		cause scenario { key status statusSince changedAt allowedTransitions statusHistory { nodes { id version to reason } } }
		statusChange { id version from to reason effectiveAt recordedAt supersededAt } previous { id version to reason supersededAt }
	}
	... on PositionChanged {
		cause position { id version holder { name } scenario { key status positions { nodes { stance conditions } } } stance conditions validFrom validTo supersededAt }
		previous { version conditions validTo supersededAt }
	}
	... on RecordChanged { action fields node { __typename id label } }
}`

// recorded are the changes after a cursor, as Query.changes tells them.
func (a *api) recorded(after string) []any {
	a.T.Helper()
	var list []any
	for {
		page := a.Must(`query($after: Cursor) { changes(after: $after, first: 100) { nodes { ...change } pageInfo { hasNextPage endCursor } } }`+received, map[string]any{"after": after})
		list = append(list, page.At("changes.nodes").([]any)...)
		if page.At("changes.pageInfo.hasNextPage") != true {
			return list
		}
		after = page.Text("changes.pageInfo.endCursor")
	}
}

func TestSubscribersHearWhatAnotherServerWrites(t *testing.T) {
	t.Parallel()
	a := startSlowly(t, apitest.TalksDatabase(t))
	b := startSlowly(t, a.DSN)

	all := a.subscribe(`subscription { changes { ...change } }`+received, b.retitle)
	moves := a.subscribe(`subscription { scenarioStatusChanged { ...change } }`+received,
		func() string { return b.reword("talks/line") })
	stances := a.subscribe(`subscription { positionChanged { ...change } }`+received,
		func() string { return b.position("south", "talks/strip") })
	begin := b.Must(`{ changes(first: 1, order: NEWEST_FIRST) { nodes { cursor } } }`).Text("changes.nodes.0.cursor")
	// What the later ones were tried with, the first one heard too.
	for all.event().Change()["cursor"] != begin {
	}

	moved, took, titled := b.move("talks/line", "UNDER_NEGOTIATION"), b.position("north", "talks/line"), b.retitle()
	want := b.recorded(begin)
	if len(want) != 3 {
		t.Fatalf("three writes made %d changes", len(want))
	}
	for i, cursor := range []string{moved, took, titled} {
		got := all.event().Change()
		if got["cursor"] != cursor {
			t.Errorf("change %d has the cursor %v, want %s", i, got["cursor"], cursor)
		}
		if diff := cmp.Diff(want[i], any(got)); diff != "" {
			t.Errorf("change %d is recorded (-) and pushed (+) differently:\n%s", i, diff)
		}
	}
	if diff := cmp.Diff(want[0], any(moves.event().Change())); diff != "" {
		t.Errorf("the move (-recorded +pushed):\n%s", diff)
	}
	if diff := cmp.Diff(want[1], any(stances.event().Change())); diff != "" {
		t.Errorf("the position (-recorded +pushed):\n%s", diff)
	}
	got := apitest.Answer{T: t, Data: want[0]}
	got.Want("kind", "STATUS", "cause", "WORLD_CHANGED", "statusChange.from", "PROPOSED", "statusChange.to",
		"UNDER_NEGOTIATION", "previous.to", "PROPOSED", "scenario.status", "UNDER_NEGOTIATION", "negotiation.key",
		"talks")
	got = apitest.Answer{T: t, Data: want[1]}
	got.Want("kind", "POSITION", "cause", "FIRST_RECORDED", "position.holder.name", "North", "position.stance",
		"SUPPORTS", "previous", nil)
	got = apitest.Answer{T: t, Data: want[2]}
	got.Want("kind", "RECORD", "action", "UPDATED", "fields.0", "title", "node.__typename", "Negotiation")

	// The one who writes hears of it as well.
	own := b.subscribe(`subscription { changes { cursor } }`, b.retitle)
	last := a.retitle()
	if got := own.event().Change()["cursor"]; got != last {
		t.Errorf("got %v, want %s", got, last)
	}
}

// A subscriber with a filter hears of the matching one of two changes first, though it was made last.
func TestSubscriptionFilters(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Load("other.yaml",
		strings.NewReplacer("dataset: talks", "dataset: other", "key: talks", "key: other", "issues: [border]",
			"issues: []",
			"north", "east", "south", "west", "envoy", "nuncio", "gazette", "herald", "rumour", "hearsay", "talks/",
			"other/", "{key: s1", "{key: s3", "{key: s2", "{key: s4", "vetoIssues: [border]",
			"vetoIssues: []").Replace(apitest.Talks))
	position := func(holder, scenario string) func() string {
		return func() string { return a.position(holder, scenario) }
	}
	reword := func(scenario string) func() string { return func() string { return a.reword(scenario) } }
	for _, tt := range []struct {
		field  string
		match  func() string
		others []func() string
	}{
		{`changes(filter: {kinds: [POSITION]})`, position("north", "talks/line"),
			[]func() string{a.retitle, reword("talks/line")}},
		{`changes(filter: {kinds: [STATUS, RECORD], negotiations: ["talks"]})`, a.retitle,
			[]func() string{position("north", "talks/line"), reword("other/line")}},
		{`changes(filter: {scenarios: ["talks/line"]})`, position("north", "talks/line"),
			[]func() string{a.retitle, position("north", "talks/strip"), reword("other/line")}},
		{`changes(filter: {issues: ["talks/border"]})`, reword("talks/strip"),
			[]func() string{a.retitle, reword("other/line")}},
		{`changes(filter: {stakeholders: ["south", "envoy"]})`, position("south", "talks/line"),
			[]func() string{a.retitle, position("north", "talks/line")}},
		{`changes(filter: {negotiations: ["talks"], stakeholders: ["north"], kinds: []})`,
			position("north", "talks/line"),
			[]func() string{position("north", "other/line"), position("south", "talks/line")}},
		{`scenarioStatusChanged(scenarios: ["talks/line"])`, reword("talks/line"),
			[]func() string{reword("talks/strip"), position("north", "talks/line"), reword("other/line")}},
		{`scenarioStatusChanged(negotiations: ["talks"], scenarios: [])`, reword("talks/strip"),
			[]func() string{reword("other/strip"), position("north", "talks/line"), a.retitle}},
		{`positionChanged(holders: ["north"])`, position("north", "other/line"),
			[]func() string{position("south", "other/line"), a.retitle}},
		{`positionChanged(negotiations: ["talks"], scenarios: ["talks/line", "talks/strip"], holders: ["north", "south"])`, position("south", "talks/strip"),
			[]func() string{position("south", "other/strip"), position("east", "talks/strip"), reword("talks/strip")}},
	} {
		t.Run(tt.field, func(t *testing.T) {
			a.T = t
			s := a.subscribe(`subscription { `+tt.field+` { cursor } }`, tt.match)
			for i, other := range tt.others {
				passed, want := other(), tt.match()
				if got := s.event().Change()["cursor"]; got == passed {
					t.Errorf("heard of other change %d", i)
				} else if got != want {
					t.Errorf("got %v, want %s", got, want)
				}
			}
		})
	}
}

// refusal expects an operation to be refused, which is its end.
func (s *socket) refusal(code string, words ...string) {
	s.t.Helper()
	m := s.read()
	got := apitest.Answer{T: s.t}
	if err := json.Unmarshal(m.Payload, &got.Errs); err != nil || m.Type != "error" {
		s.t.Fatalf("%s %s: %v", m.Type, m.Payload, err)
	}
	got.Fails(code, words...)
}

// goodbye expects the connection to be closed with a code, and returns the reason.
func (s *socket) goodbye(code websocket.StatusCode) string {
	s.t.Helper()
	for {
		m, ok := s.within(apitest.Patience)
		var closed websocket.CloseError
		switch {
		case !ok:
			s.t.Fatal("the connection is not closed")
		case m.err == nil:
			continue
		case !errors.As(m.err, &closed):
			s.t.Fatal(m.err)
		case closed.Code != code:
			s.t.Errorf("the connection is closed with %d %s, want %d", closed.Code, closed.Reason, code)
		}
		return closed.Reason
	}
}

func TestRefusedSubscriptions(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	s := a.connect()
	for _, field := range []string{
		`changes(filter: {negotiations: ["nobody"]})`,
		`changes(filter: {scenarios: ["talks/line", "nobody"]})`,
		`scenarioStatusChanged(scenarios: ["nobody"])`,
		`scenarioStatusChanged(negotiations: ["nobody"])`,
		`positionChanged(holders: ["nobody"])`,
		`positionChanged(scenarios: ["talks/line"], negotiations: ["nobody"])`,
	} {
		s.ask("1", `subscription { `+field+` { cursor } }`)
		s.refusal("BAD_REQUEST", `"nobody"`)
	}
	s.ask("1", `subscription { changes(filter: {scenarios: ["north"]}) { cursor } }`)
	s.refusal("BAD_REQUEST", `"north"`, "a scenario")
	s.ask("1", `subscription { positionChanged(holders: ["talks/line"]) { cursor } }`)
	s.refusal("BAD_REQUEST", "holders: \"talks/line\"", "a scenario")
	s.ask("1", `subscription { changes { cursors } }`)
	s.refusal("BAD_REQUEST", "cursors")
	s.ask("1", `subscription { changes { negotiation { scenarios(first: 500) { nodes { positions(first: 500) { nodes { evidence { about { id } } } } } } } } }`)
	s.refusal("LIMIT", "fields")
	s.ask("1", `subscription($k: [ChangeKind!]) { changes(filter: {kinds: $k}) { cursor } }`,
		map[string]any{"k": []string{"status"}})
	s.refusal("BAD_REQUEST", "status", "STATUS")

	good := a.retitle()
	honest := a.connect()
	for _, cursor := range []string{"", "nonsense", good + "0", good[:len(good)-1] + "v", "0" + good} {
		const document = `subscription($after: Cursor) { changes(after: $after) { cursor } }`
		s.ask("1", document, map[string]any{"after": cursor})
		s.refusal("BAD_CURSOR", strconv.Quote(cursor))
		// Others in the same words are none the worse for it.
		honest.ask(cursor+"!", document, map[string]any{"after": good})
		want := a.retitle()
		if got := honest.event().Change()["cursor"]; got != want {
			t.Errorf("beside the cursor %q: got %v, want %s", cursor, got, want)
		}
		honest.send(message{Type: "complete", ID: cursor + "!"})
		good = want
	}

	// The connection is good for other operations after that.
	s.ask("2", `query { negotiation(id: "talks") { key } }`)
	s.event().Want("negotiation.key", "talks")
	if m := s.read(); m.Type != "complete" || m.ID != "2" {
		t.Errorf("a query ends with %q %s", m.Type, m.Payload)
	}
	s.ask("3", `mutation { editNegotiation(input: {negotiation: "talks", title: "New"}) { negotiation { title } } }`)
	s.event().Want("editNegotiation.negotiation.title", "New")
}

func TestSubscriptionsNeedMoreThanOneAnswer(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	for _, got := range []apitest.Answer{a.Ask(`subscription { changes { cursor } }`),
		a.Get(`subscription { positionChanged { cursor } }`)} {
		got.Fails("BAD_REQUEST", "WebSocket", "graphql-transport-ws", "text/event-stream")
	}
}

// A page elsewhere may open a WebSocket to any server, unless that server looks at where the page is from.
func TestForeignPagesOpenNoWebSocket(t *testing.T) {
	t.Parallel()
	a := start(t)
	dial := func(header http.Header, host string) int {
		ctx, cancel := context.WithTimeout(t.Context(), apitest.Patience)
		defer cancel()
		conn, response,
			err := websocket.Dial(ctx, a.URL+server.GraphQLPath,
			&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header, Host: host})
		if err == nil {
			conn.CloseNow()
		} else if response == nil {
			t.Fatal(err)
		}
		return response.StatusCode
	}
	for origin, status := range map[string]int{
		a.URL:                       http.StatusSwitchingProtocols,
		"http://elsewhere.example":  http.StatusForbidden,
		"https://localhost.example": http.StatusForbidden,
		"http://localhost:1":        http.StatusForbidden,
		"null":                      http.StatusForbidden,
	} {
		if got := dial(http.Header{"Origin": {origin}}, ""); got != status {
			t.Errorf("a page of %q is answered with %d, want %d", origin, got, status)
		}
	}
	if got := dial(nil, ""); got != http.StatusSwitchingProtocols {
		t.Errorf("a client that is no page is answered with %d", got)
	}
	if got := dial(http.Header{"Origin": {"http://elsewhere.example"}},
		"elsewhere.example"); got != http.StatusMisdirectedRequest {
		t.Errorf("a page whose name leads here is answered with %d", got)
	}
}

// Each event is read as of its own change, also where the next one was made before it was sent, and later on.
func TestEventsAreReadAsOfTheirChange(t *testing.T) {
	t.Parallel()
	a := startSlowly(t, apitest.TalksDatabase(t))
	b := startSlowly(t, a.DSN)
	s := a.subscribe(`subscription { scenarioStatusChanged(scenarios: ["talks/line"]) { ...change } }`+received,
		func() string { return a.reword("talks/line") })
	begin := a.Must(`{ changes(first: 1, order: NEWEST_FIRST) { nodes { cursor } } }`).Text("changes.nodes.0.cursor")

	path := []string{"UNDER_NEGOTIATION", "AGREED_IN_PRINCIPLE", "AGREED", "COLLAPSED", "PROPOSED"}
	for i, to := range path {
		[]*api{a, b}[i%2].move("talks/line", to)
	}
	a.write(`mutation { editScenario(input: {scenario: "talks/line", title: "Later"}) { cursor userErrors { code message field } } }`)
	var pushed []any
	from := "PROPOSED"
	for i, to := range path {
		got := apitest.Answer{T: t, Data: s.event().Change()}
		got.Want("statusChange.from", from, "statusChange.to", to, "previous.to", from, "scenario.status", to,
			"negotiation.scenarios.nodes.0.status", to,
			"scenario.statusHistory.nodes."+strconv.Itoa(i+1)+".to", to,
			"scenario.statusHistory.nodes."+strconv.Itoa(i+2), nil,
			"statusChange.effectiveAt", got.Text("recordedAt"), "scenario.statusSince", got.Text("recordedAt"),
			"scenario.changedAt", got.Text("recordedAt"),
			"statusChange.supersededAt", nil)
		pushed, from = append(pushed, got.Data), to
	}
	for _, server := range []*api{a, b} {
		if diff := cmp.Diff(pushed, server.recorded(begin)[:len(path)]); diff != "" {
			t.Errorf("the same changes, as pushed (-) and as read later (+):\n%s", diff)
		}
	}
}

// Of what many write at a time, every subscriber of every server gets each change once, and in the same order.
func TestEveryChangeOnceAndInOrder(t *testing.T) {
	t.Parallel()
	a := startSlowly(t, apitest.TalksDatabase(t))
	b := startSlowly(t, a.DSN)
	servers := []*api{a, b}
	subscribers := []*socket{a.subscribe(`subscription { changes { ...change } }`+received, a.retitle)}
	subscribers = append(subscribers, b.subscribe(`subscription { changes { ...change } }`+received, b.retitle))
	begin := b.retitle()
	for _, s := range subscribers {
		for s.event().Change()["cursor"] != begin {
		}
	}

	const writers, each = 4, 75
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				server := servers[(w+i)%2]
				var errs []string
				switch w {
				case 0:
					errs = server.try(`mutation($to: String!) { editNegotiation(input: {negotiation: "talks", title: $to}) { cursor userErrors { code message field } } }`, map[string]any{"to": another()})
				case 1:
					errs = server.try(`mutation($key: String!) { addScenario(input: {issue: "talks/border", key: $key, title: $key}) { cursor userErrors { code message field } } }`, map[string]any{"key": "s" + strconv.Itoa(i)})
				default:
					errs = server.try(`mutation($holder: ID!, $unless: String!) {
						recordPosition(input: {holder: $holder, scenario: "talks/line", stance: OPPOSES, conditions: [$unless]}) { cursor userErrors { code message field } }
					}`, map[string]any{"holder": []string{"north", "south"}[w-2], "unless": another()})
				}
				for _, err := range errs {
					t.Error(err)
				}
			}
		})
	}
	defer writing.Wait()

	pushed := make([][]any, len(subscribers))
	for range writers * each {
		for i, s := range subscribers {
			pushed[i] = append(pushed[i], s.event().Change())
		}
	}
	writing.Wait()
	want := a.recorded(begin)
	if len(want) != writers*each {
		t.Fatalf("%d changes were made, want %d", len(want), writers*each)
	}
	for i := range subscribers {
		if diff := cmp.Diff(want, pushed[i]); diff != "" {
			t.Errorf("subscriber %d (-recorded +pushed):\n%.5000s", i, diff)
		}
	}
	// Nothing comes after that but what is written after that.
	last := a.retitle()
	for i, s := range subscribers {
		if got := s.event().Change()["cursor"]; got != last {
			t.Errorf("subscriber %d: got %v after all, want %s", i, got, last)
		}
	}
}

// try is must for goroutines that may not end the test: it returns what went wrong.
func (a *api) try(document string, variables map[string]any) []string {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return []string{err.Error()}
	}
	response, err := http.Post(a.URL+server.GraphQLPath, "application/json", bytes.NewReader(body))
	if err != nil {
		return []string{err.Error()}
	}
	defer response.Body.Close()
	var got apitest.Answer
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		return []string{err.Error()}
	}
	list := apitest.Refusals(got.Data)
	for _, e := range got.Errs {
		list = append(list, e.Message)
	}
	return list
}

// writeInSilence makes the last change once more, past the API, and gives no hint of it.
func (a *api) writeInSilence() {
	a.T.Helper()
	a.SQL(`
		WITH head AS (UPDATE feed_head SET seq = seq + 1, recorded_at = clock_timestamp() RETURNING seq, recorded_at)
		INSERT INTO changes (seq, recorded_at, recorded_by, kind, action, subject_kind, subject_id, version, negotiation_id, lines, fields, summary)
		SELECT head.seq, head.recorded_at, c.recorded_by, c.kind, c.action, c.subject_kind, c.subject_id, c.version, c.negotiation_id, c.lines, c.fields, 'In silence.'
		FROM head CROSS JOIN (SELECT * FROM changes ORDER BY seq DESC LIMIT 1) c`)
}

func TestHintsComeBackAfterTheirConnectionIsLost(t *testing.T) {
	t.Parallel()
	a := startSlowly(t, apitest.TalksDatabase(t))
	b := startSlowly(t, a.DSN)
	s := a.subscribe(`subscription { changes { cursor summary } }`, b.retitle)
	db := a.DB()
	defer db.Close()
	const listening = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %' ORDER BY pid`
	for round := range 3 {
		var before []int
		apitest.Wait(t, "both servers to listen", func() bool {
			before = nil
			if err := db.SelectContext(t.Context(), &before, listening); err != nil {
				t.Fatal(err)
			}
			return len(before) == 2
		})
		// This one is made by somebody who gives no hint of it.
		a.writeInSilence()
		for _, pid := range before {
			var ended bool
			if err := db.GetContext(t.Context(), &ended, `SELECT pg_terminate_backend($1, 10000)`, pid); err != nil ||
				!ended {
				t.Fatalf("end backend %d: %v, %v", pid, ended, err)
			}
		}
		if got := s.event().Change(); got["summary"] != "In silence." {
			t.Errorf("round %d: got %v, want what was missed", round, got)
		}
		want := b.retitle()
		if got := s.event().Change(); got["cursor"] != want {
			t.Errorf("round %d: got %v, want %s", round, got, want)
		}
	}
	if log := a.Logs.String(); !strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
		t.Errorf("logged: %s", log)
	}
}

// A client that reads nothing holds nobody up. It is let go and told from where to go on, and so misses nothing.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Must(`mutation($body: String!) { registerSource(input: {key: "tome", title: "A tome", body: $body}) { userErrors { code message field } } }`,
		map[string]any{"body": strings.Repeat("All work and no play. ", 10_000)})
	edit := func() string {
		return a.write(`mutation($to: String!) { editSource(input: {source: "tome", title: $to}) { cursor userErrors { code message field } } }`, map[string]any{"to": another()})
	}
	const document = `subscription($after: Cursor) { changes(after: $after) { cursor ... on RecordChanged { node { ... on Source { title body } } } } }`
	slow := a.subscribe(document, edit)
	fast := a.subscribe(`subscription { changes { cursor } }`, edit)
	begin := edit()
	for fast.event().Change()["cursor"] != begin {
	}
	for slow.event().Change()["cursor"] != begin {
	}

	var written []string
	for a.Metric("parley_slow_clients_total") == 0 {
		written = append(written, edit())
		if got := fast.event().Change()["cursor"]; got != written[len(written)-1] {
			t.Fatalf("the fast one got %v, want %s", got, written[len(written)-1])
		}
		if len(written) > 500 {
			t.Fatal("the slow one is kept, whatever waits for it")
		}
	}
	heard := 0
	for {
		m := slow.readOrEnd()
		var closed websocket.CloseError
		if errors.As(m.err, &closed) {
			if from := written[heard-1]; closed.Code != 1013 || !strings.Contains(closed.Reason, "slowly") ||
				!strings.HasSuffix(closed.Reason, "resume from "+from) {
				t.Errorf("it is let go with %v, want 1013 and a word to resume from %s", closed, from)
			}
			break
		}
		if got := slow.parse(m).Change()["cursor"]; got != written[heard] {
			t.Fatalf("the slow one's event %d has the cursor %v, want %s", heard, got, written[heard])
		}
		heard++
	}
	if heard == len(written) {
		t.Fatalf("the slow one got all %d events", heard)
	}
	again := a.connect()
	again.ask("1", document, map[string]any{"after": written[heard-1]})
	for _, want := range append(written[heard:], edit()) {
		if got := again.event().Change()["cursor"]; got != want {
			t.Fatalf("after it came back: %v, want %s", got, want)
		}
	}
}

func TestSubscriptionsEndWithTheFeed(t *testing.T) {
	t.Parallel()
	a := startSlowly(t, apitest.TalksDatabase(t))
	s := a.subscribe(`subscription { changes { cursor } }`, a.retitle)
	last := a.retitle()
	s.event()
	a.EndFeed()
	if reason := s.goodbye(1012); !strings.Contains(reason, "resume from "+last) {
		t.Errorf("the connection is closed because %q", reason)
	}
	// Nobody can subscribe any more once it has ended, and queries are still answered.
	s = a.connect()
	s.ask("2", `subscription { changes { cursor } }`)
	s.refusal("LIMIT", "shutting down", "elsewhere")
	a.Must(`{ negotiation(id: "talks") { key } }`)
}

// Of use with the race detector: the reason for the end is given while nobody is there any more to read it.
func TestClientsLeaveWhileTheFeedEnds(t *testing.T) {
	t.Parallel()
	a := startSlowly(t, apitest.TalksDatabase(t))
	var clients []*socket
	for range 20 {
		clients = append(clients, a.subscribe(`subscription { changes { cursor } }`, a.retitle))
	}
	var leaving sync.WaitGroup
	for i, s := range clients {
		leaving.Go(s.leave)
		if i == len(clients)/2 {
			a.EndFeed()
		}
	}
	leaving.Wait()
	for i, s := range clients {
		for m := range s.messages {
			if m.err == nil && m.Type == "complete" {
				t.Errorf("client %d is told that its subscription is complete", i)
			}
		}
	}
	a.Must(`{ negotiation(id: "talks") { key } }`)
}

func TestPanicsOfSubscriptionsAreContained(t *testing.T) {
	t.Parallel()
	a, logs := panicking(t)
	s := a.connect()
	for range 2 {
		s.ask("1", `subscription { changes { cursor } }`)
		m := s.read()
		if !strings.Contains(string(m.Payload), "Internal error") ||
			strings.Contains(string(m.Payload), "nil pointer") {
			t.Errorf("clients read %s", m.Payload)
		}
	}
	if got := strings.Count(logs.String(), "a resolver panicked"); got != 2 {
		t.Errorf("two panics were logged %d times", got)
	}
	s.ask("2", `{ scenarioLifecycle { status } }`)
	s.event().Want("scenarioLifecycle.0.status", "FLOATED")
}

// running is how many goroutines there are that this test began, itself or through others.
func running(t *testing.T) int {
	t.Helper()
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, group := range regexp.MustCompile(`(?m)^(\d+) @.*\n# labels: (.*)$`).FindAllStringSubmatch(profile.String(),
		-1) {
		if strings.Contains(group[2], fmt.Sprintf("%q", t.Name())) {
			n, _ := strconv.Atoi(group[1])
			count += n
		}
	}
	return count
}

func TestNothingIsLeftOfClientsThatLeave(t *testing.T) {
	t.Parallel()
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("test", t.Name())))
	a := withTalks(t)
	subscribe := func() *socket { return a.subscribe(`subscription { changes { ...change } }`+received, a.retitle) }
	subscribe().leave() // and with it, what is begun once
	http.DefaultClient.CloseIdleConnections()
	before := 0
	apitest.Wait(t, "the server to be at rest", func() bool { before = running(t); return before > 0 && before < 20 })

	for round := range 3 {
		var clients []*socket
		for range 10 {
			clients = append(clients, subscribe())
		}
		for range 20 { // so that something waits for each of them when it leaves
			a.retitle()
		}
		if during := running(t); during < before+len(clients) {
			t.Fatalf("%d goroutines serve %d clients; %d did so before they came", during, len(clients), before)
		}
		for i, s := range clients {
			switch i % 3 {
			case 0:
				s.leave()
			case 1:
				s.send(message{Type: "complete", ID: "1"})
				s.ask("2", `{ scenarioLifecycle { status } }`)
				for m := s.read(); m.ID != "2" || m.Type != "complete"; m = s.read() {
				}
				s.leave()
			case 2:
				go s.conn.Close(websocket.StatusNormalClosure, "enough")
			}
		}
		for _, s := range clients {
			for range s.messages { // up to the error of its connection
			}
		}
		http.DefaultClient.CloseIdleConnections()
		apitest.Wait(t, fmt.Sprintf("what served the clients of round %d to end: %d goroutines before", round, before),
			func() bool { return running(t) <= before })
	}
}

// However many subscribe, and in how many different words, what is read for a change is read once.
func TestAThousandSubscriptionsReadNoMoreThanOne(t *testing.T) {
	t.Parallel()
	a := startSlowly(t, apitest.TalksDatabase(t))
	const document = `subscription($scenarios: [ID!]) { alias%d: changes(filter: {scenarios: $scenarios}) { cursor negotiation { title } recordedBy { name } ... on PositionChanged { position { holder { name } evidence { text } scenario { title positions { nodes { stance } } } } } } }`
	statements := func(subscribers ...*socket) int64 {
		before := a.Store.Statements()
		cursor := a.position("north", "talks/line")
		for _, s := range subscribers {
			for range s.asked {
				if got := s.event().Change()["cursor"]; got != cursor {
					t.Fatalf("got %v, want %s", got, cursor)
				}
			}
		}
		return a.Store.Statements() - before
	}
	statements() // the first one has nothing before it
	without := statements()
	var subscribers []*socket
	join := func(n, from int) {
		s := a.connect()
		s.asked = n
		for i := range n {
			filter := []string{"talks/line"}
			if i%2 == 0 {
				filter = append(filter, "talks/strip")
			}
			s.ask(strconv.Itoa(i), fmt.Sprintf(document, from+i), map[string]any{"scenarios": filter})
		}
		subscribers = append(subscribers, s)
	}
	live := func(n float64) {
		apitest.Wait(t, "the subscriptions to begin", func() bool { return a.Metric("parley_feed_subscribers") == n })
	}
	join(1, 0)
	live(1)
	one := statements(subscribers...) - without
	for i := range 10 {
		join(100, 1+100*i)
	}
	live(1001)
	if all := statements(subscribers...) - without; all != one || one < 4 {
		t.Errorf("a change is read in %d statements for one subscription, and in %d for a thousand others\n%s", one,
			all, a.Logs)
	}
	if views := a.Metric("parley_feed_views"); views != 1001 {
		t.Errorf("there are %v views, want one for each subscription", views)
	}
	// The filter is no part of what is shown.
	for range 3 {
		s := a.connect()
		for i := range 100 {
			s.ask(strconv.Itoa(i), fmt.Sprintf(document, 0),
				map[string]any{"scenarios": []string{"talks/line", "talks/strip"}[i%2]})
		}
	}
	live(1301)
	if views := a.Metric("parley_feed_views"); views != 1001 {
		t.Errorf("%v views for the same selection under other filters, want no new one", views)
	}
}

// A change that the database can't tell of at first comes once it can, and as it is.
func TestChangesOutlastALostDatabase(t *testing.T) {
	t.Parallel()
	a := startSlowly(t, apitest.TalksDatabase(t))
	b := startSlowly(t, a.DSN)
	s := a.subscribe(`subscription { changes { cursor negotiation { title } } }`, b.retitle)
	a.SQL(`ALTER TABLE negotiations RENAME TO away`)
	a.writeInSilence()
	a.SQL("NOTIFY parley_feed")
	apitest.Wait(t, "it to fail", func() bool {
		return strings.Contains(a.Logs.String(), "away") || strings.Contains(a.Logs.String(), "does not exist")
	})
	a.SQL(`ALTER TABLE away RENAME TO negotiations`)
	if title, ok := s.event().Change()["negotiation"].(map[string]any)["title"].(string); !ok || title == "" {
		t.Error("the change comes without what could not be read at first")
	}
}

// What is shown may differ by a variable that is left out, and by how a list is cut up: such views share nothing.
func TestViewsThatDifferAreToldApart(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.position("north", "talks/line")
	begin := a.Must(`{ lens { cursor } }`).Text("lens.cursor")
	a.retitle()
	for document, values := range map[string][2]map[string]any{
		`subscription($after: Cursor, $in: ScenarioOrder) { changes(after: $after) { cursor negotiation {
			scenarios(orderBy: $in) { nodes { key } } } } }`: {{"in": nil}, {}},
		`subscription($after: Cursor, $s: [ID!]) { changes(after: $after) { cursor negotiation { changes(filter: {stakeholders: $s}) { totalCount } } } }`:         {{"s": []string{"north south"}}, {"s": []string{"north", "south"}}},
		`subscription($after: Cursor, $with: Boolean = true) { changes(after: $after) { cursor ... on RecordChanged @include(if: $with) { node { label } } } }`:    {{"with": false}, {}},
		`subscription($after: Cursor, $with: Boolean!) { changes(after: $after) { cursor ...more @include(if: $with) } } fragment more on Change { summary kind }`: {{"with": false}, {"with": true}},
	} {
		var told []string
		for _, variables := range values {
			variables["after"] = begin
			s := a.connect()
			s.ask("1", document, variables)
			told = append(told, string(s.read().Payload))
		}
		if told[0] == told[1] {
			t.Errorf("%s: %v and %v are both told %s", document, values[0], values[1], told[0])
		}
	}
}

// However many views wait for the database, the feed goes on, and so does whoever else reads.
func TestStuckViewsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	a := startSlowly(t, apitest.TalksDatabase(t))
	a.retitle()
	s := a.connect()
	const stuck = 50
	for i := range stuck {
		s.ask(strconv.Itoa(i),
			fmt.Sprintf(`subscription { a%d: changes { cursor negotiation { events(first: %d) { nodes { id } } } } }`,
				i, i+1))
	}
	apitest.Wait(t, "all to be subscribed", func() bool { return a.Metric("parley_feed_cohorts") == stuck })
	db := a.DB()
	defer db.Close()
	lock := db.MustBegin()
	defer lock.Rollback()
	lock.MustExec(`LOCK TABLE events IN ACCESS EXCLUSIVE MODE`)
	for range 5 {
		before := a.Metric("parley_feed_head")
		a.writeInSilence() // an edit would look its key up among events, too
		a.SQL("NOTIFY parley_feed")
		apitest.Wait(t, "the feed to go on", func() bool { return a.Metric("parley_feed_head") > before })
	}
	a.Must(`{ lens { cursor } }`)
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	for range 5 * stuck {
		s.event()
	}
}
