package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.org/parley/server/apitest"

	"github.com/google/uuid"

	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/server"
)

func TestQueriesByPostAndGet(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const document = `query($id: ID!) { negotiation(id: $id) { title } }`
	got := a.Ask(document, map[string]any{"id": "talks"})
	got.Want("negotiation.title", "Talks of North and South")
	if got.Status != http.StatusOK {
		t.Errorf("POST answers with status %d", got.Status)
	}
	got = a.Get(document, "variables", `{"id":"talks"}`)
	got.Want("negotiation.title", "Talks of North and South")
	if got.Status != http.StatusOK || len(got.Errs) > 0 {
		t.Errorf("GET answers with status %d and %v", got.Status, got.Errs)
	}
	a.Post("application/json; charset=utf-8",
		`{"query":"{ negotiation(id: \"talks\") { key } }"}`).Want("negotiation.key", "talks")
	a.Get(`query One { negotiation(id: "talks") { key } } query Other { negotiation(id: "talks") { title } }`,
		"operationName", "Other").
		Want("negotiation.title", "Talks of North and South", "negotiation.key", nil)
}

func TestGetOnlyReads(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	before := a.Changes()
	got := a.Get(`mutation { editNegotiation(input: {negotiation: "talks", title: "By a link"}) { cursor } }`)
	got.Fails("BAD_REQUEST", "POST")
	got.ClientError()
	got = a.Get(`query Read { viewer { name } } mutation Write { editNegotiation(input: {negotiation: "talks", title: "By a link"}) { cursor } }`, "operationName", "Write")
	got.Fails("BAD_REQUEST", "POST")
	got = a.Get(`subscription { changes { cursor } }`)
	got.Fails("BAD_REQUEST", "WebSocket")
	got = a.Get(`{ viewer { name } }`, "variables", "{")
	got.Fails("BAD_REQUEST", "variables")
	got.ClientError()
	if a.Changes() != before {
		t.Error("a GET request has written")
	}
	a.Must(`{ negotiation(id: "talks") { title } }`).Want("negotiation.title", "Talks of North and South")
}

// A browser sends these without asking the server first, from any page and in the name of whoever looks at it.
func TestFormsAreRefused(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	before := a.Changes()
	const mutation = `mutation { editNegotiation(input: {negotiation: "talks", title: "By a form"}) { cursor } }`
	asJSON := `{"query":"mutation { editNegotiation(input: {negotiation: \"talks\", title: \"By a form\"}) { cursor } }"}`
	const multipart = "--x\r\nContent-Disposition: form-data; " +
		"name=\"operations\"\r\n\r\n%s\r\n--x\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{}\r\n--x--\r\n"
	for _, c := range []struct{ contentType, body string }{
		{"text/plain", asJSON},
		{"text/plain;application/json", asJSON},
		{"application/x-www-form-urlencoded", url.Values{"query": {mutation}}.Encode()},
		{"application/x-www-form-urlencoded", asJSON},
		{"multipart/form-data; boundary=x", strings.Replace(multipart, "%s", asJSON, 1)},
		{"", asJSON},
	} {
		header := http.Header{}
		if c.contentType != "" {
			header.Set("Content-Type", c.contentType)
		}
		response, _ := a.Send(http.MethodPost, server.GraphQLPath, header, strings.NewReader(c.body))
		if response.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("%q: status %d", c.contentType, response.StatusCode)
		}
		a.Read(response).Fails("BAD_REQUEST", "application/json")
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
		response, _ := a.Send(method, server.GraphQLPath, http.Header{"Content-Type": {"application/json"}},
			strings.NewReader(asJSON))
		if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") == "" {
			t.Errorf("%s: status %d, allowed %q", method, response.StatusCode, response.Header.Get("Allow"))
		}
	}
	if a.Changes() != before {
		t.Error("one of them has written")
	}
	// That the browser asks first is of use only if the answer is no.
	response, _ := a.Send(http.MethodOptions, server.GraphQLPath,
		http.Header{"Origin": {"http://elsewhere.example"}, "Access-Control-Request-Method": {"POST"}}, nil)
	if allowed := response.Header.Get("Access-Control-Allow-Origin"); allowed != "" {
		t.Errorf("pages of %q may write", allowed)
	}
}

func TestLongBodiesAreRefused(t *testing.T) {
	t.Parallel()
	a := start(t)
	document := func(length int) string {
		const around = `{"query":"{ viewer { name } }"}`
		return around[:10] + strings.Repeat(" ", length-len(around)) + around[10:]
	}
	got := a.Post("application/json", document(16<<20))
	got.Want("viewer.name", "Test analyst") // exactly as long as is allowed

	got = a.Post("application/json", document(16<<20+1))
	got.Fails("LIMIT", "16777216 bytes")
	got.ClientError()

	// One that does not say how long it is going to be.
	response, text := a.Send(http.MethodPost, server.GraphQLPath, http.Header{"Content-Type": {"application/json"}},
		io.MultiReader(strings.NewReader(document(16<<20+1))))
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d: %s", response.StatusCode, text)
	}
	a.Read(response).Fails("LIMIT", "16777216 bytes")
	if log := a.Logs.String(); strings.Contains(log, "ERROR") {
		t.Errorf("the server takes it for its own fault: %s", log)
	}
}

func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	a := start(t)
	got := a.Post("application/json", `{"query": `+strings.Repeat("secret ", 10_000))
	got.Fails("BAD_REQUEST", "can't be read")
	got.ClientError()
	if message := got.Errs[0].Message; len(message) > 300 || strings.Contains(message, "secret") {
		t.Errorf("the body comes back in %.500q", message)
	}
	for _, body := range []string{"", "[]", "7", `{"query": 7}`, `{"query": "{ viewer { name } }", "variables": []}`,
		`null`, `{}`} {
		got := a.Post("application/json", body)
		got.Fails("BAD_REQUEST")
		got.ClientError()
	}
	for document, word := range map[string]string{
		`{ viewer { name `:     "Name",
		`{ viewer { nam } }`:   `"nam"`,
		`{ viewer }`:           "viewer",
		`{ scenario { key } }`: `"id"`,
		`{ ...Lost }`:          `"Lost"`,
		``:                     "no query",
	} {
		a.Ask(document).Fails("BAD_REQUEST", word)
		body, err := json.Marshal(map[string]string{"query": document})
		if err != nil {
			t.Fatal(err)
		}
		// Clients that know only the older type take any other status for a failure of the network.
		for accepted, status := range map[string]int{"application/json": http.StatusOK, "*/*": http.StatusOK,
			"application/graphql-response+json, application/json;q=0.9": http.StatusBadRequest} {
			if document == "" {
				status = http.StatusBadRequest // this is no request of GraphQL
			}
			response, text := a.Send(http.MethodPost, server.GraphQLPath,
				http.Header{"Content-Type": {"application/json"}, "Accept": {accepted}}, bytes.NewReader(body))
			if response.StatusCode != status || !strings.HasPrefix(text, `{"errors":[`) || strings.Contains(text, `"data"`) {
				t.Errorf("%q for %s: status %d, want %d: %s", document, accepted, response.StatusCode, status, text)
			}
		}
	}
	// Variables of the wrong kind, and numbers that are too large even to be read.
	for _, n := range []any{"many", 1.5, nil, true, []int{1, 2}, map[string]any{}} {
		a.Ask(`query($n: Int!) { negotiations(first: $n) { nodes { key } } }`,
			map[string]any{"n": n}).Fails("BAD_REQUEST")
	}
	for _, literal := range []string{"99999999999999999999", "1e999"} {
		a.Ask(`{ changes(first: 1, since: `+literal+`) { nodes { cursor } } }`).Fails("BAD_REQUEST", "since", literal)
		a.Ask(`{ ...f } fragment f on Query { changes(after: `+literal+`) { nodes { cursor } } }`).Fails("BAD_REQUEST",
			"after", literal)
		a.Ask(`query($since: Time = ` + literal +
			`) { changes(since: $since) { nodes { cursor } } }`).Fails("BAD_REQUEST")
	}
	a.Ask(`{ changes(since: [{from: 1e999}]) { nodes { cursor } } }`).Fails("BAD_REQUEST", "since")
	// each level complains
	for _, err := range a.Ask(`{ scenarios(filter: {statusSince: {from: 1e999}}) { nodes { key } } }`).Errs {
		if err.Extensions["code"] != "BAD_REQUEST" || !strings.Contains(err.Message, "1e999") {
			t.Errorf("%+v", err)
		}
	}
	if log := a.Logs.String(); strings.Contains(log, "ERROR") {
		t.Errorf("the server takes one of them for its own fault: %s", log)
	}
}

// gqlgen compares the values of enums in variables without regard to case.
func TestEnumValuesAreTakenAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	before := a.Changes()
	for _, c := range []struct {
		document string
		value    any
	}{
		{`query($v: [ScenarioStatus!]) { scenarios(filter: {status: $v}) { nodes { key } } }`,
			[]any{"PROPOSED", "floated"}},
		{`query($v: [ScenarioStatus!]) { scenarios(filter: {status: $v}) { nodes { key } } }`, "floated"},
		{`query($v: ScenarioFilter) { scenarios(filter: $v) { nodes { key } } }`,
			map[string]any{"status": []any{"floated"}}},
		{`query($v: ScenarioFilter) { scenarios(filter: $v) { nodes { key } } }`, map[string]any{"status": "floated"}},
		{`query($v: ScenarioOrder!) { scenarios(orderBy: $v) { nodes { key } } }`, "key_asc"},
		{changeStatusOfInput, map[string]any{"scenario": "talks/line", "to": "agreed", "reason": "tried"}},
		{`mutation($v: RecordPositionInput!) { recordPosition(input: $v) { cursor } }`,
			map[string]any{"holder": "north", "scenario": "talks/line", "stance": "supports"}},
		{`mutation($v: RecordPositionInput!) { recordPosition(input: $v) { cursor } }`,
			map[string]any{"holder": "north", "scenario": "talks/line", "stance": "SUPPORTS",
				"newEvidence": []any{map[string]any{"source": "gazette", "text": "a", "form": "Reported"}}}},
	} {
		a.Ask(c.document, map[string]any{"v": c.value}).Fails("BAD_REQUEST", "give one of")
	}
	if a.Changes() != before {
		t.Error("one of them has written")
	}
	for _, value := range []any{"PROPOSED", []any{"PROPOSED"}} {
		a.Must(`query($v: [ScenarioStatus!]) { scenarios(filter: {status: $v}) { nodes { key } } }`,
			map[string]any{"v": value}).Want("scenarios.nodes.0.key", "line", "scenarios.nodes.1", nil)
	}
}

const changeStatusOfInput = `mutation($v: ChangeScenarioStatusInput!) { changeScenarioStatus(input: $v) { cursor userErrors { code message field } } }`

func TestBadInstantsAreRefused(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	before := a.Changes()
	for literal, variable := range map[string]any{
		`"2025-13-01"`:                       "2025-13-01",
		`"2025-08-15"`:                       "2025-08-15",
		`"2025-02-29T00:00:00Z"`:             "2025-02-29T00:00:00Z",
		`"2025-08-15T19:30:00"`:              "2025-08-15T19:30:00",
		`"2025-08-15 19:30:00Z"`:             "2025-08-15 19:30:00Z",
		`"2025-08-15T19:30:00.1234567Z"`:     "2025-08-15T19:30:00.1234567Z",
		`"10000-01-01T00:00:00Z"`:            "10000-01-01T00:00:00Z",
		`"0000-12-31T00:00:00Z"`:             "0000-12-31T00:00:00Z",
		`"9999-12-31T23:59:59-01:00"`:        "9999-12-31T23:59:59-01:00",
		`"0001-01-01T00:00:00+00:01"`:        "0001-01-01T00:00:00+00:01",
		`"2016-12-31T23:59:60Z"`:             "2016-12-31T23:59:60Z",
		`"2025-08-15T24:00:00Z"`:             "2025-08-15T24:00:00Z",
		`"2025-08-15T19:30:00+99:00"`:        "2025-08-15T19:30:00+99:00",
		`""`:                                 "",
		`1755286200`:                         1755286200,
		`1755286200.5`:                       1755286200.5,
		`true`:                               true,
		`NOW`:                                map[string]any{"at": "now"},
		`["2025-08-15T19:30:00Z"]`:           []any{"2025-08-15T19:30:00Z"},
		`{iso: "2025-08-15T19:30:00Z"}`:      map[string]any{"iso": "2025-08-15T19:30:00Z"},
		`"2025-08-15T19:30:00Z; DROP TABLE"`: "2025-08-15T19:30:00Z; DROP TABLE",
	} {
		const sentence = "write an RFC 3339 instant such as 2025-08-15T19:30:00Z, with an offset and at most six " +
			"fractional digits"
		a.Ask(`{ changes(since: `+literal+`) { nodes { cursor } } }`).Fails("BAD_REQUEST", sentence)
		a.Ask(`query($v: Time!) { changes(since: $v) { nodes { cursor } } }`,
			map[string]any{"v": variable}).Fails("BAD_REQUEST", sentence)
		a.Ask(`{ scenarios(filter: {statusSince: {to: `+literal+`}}) { nodes { key } } }`).Fails("BAD_REQUEST",
			sentence)
		a.Ask(`query($v: ScenarioFilter) { scenarios(filter: $v) { nodes { key } } }`,
			map[string]any{"v": map[string]any{"statusSince": map[string]any{"to": variable}}}).Fails("BAD_REQUEST",
			sentence)
		a.Ask(`mutation($v: Time) { recordPosition(input: {holder: "north", scenario: "talks/line", stance: NEUTRAL, validFrom: $v}) { cursor } }`,
			map[string]any{"v": variable}).Fails("BAD_REQUEST", sentence)
	}
	if a.Changes() != before {
		t.Error("one of them has written")
	}
}

func TestInstantsComeOutInUTC(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	for sent, want := range map[string]string{
		"2025-03-01T12:00:00+05:45":        "2025-03-01T06:15:00.000000Z",
		"2025-03-01T12:00:00.5-03:30":      "2025-03-01T15:30:00.500000Z",
		"2025-03-02T00:00:00Z":             "2025-03-02T00:00:00.000000Z",
		"2025-03-03T00:00:00.123456Z":      "2025-03-03T00:00:00.123456Z",
		"2025-03-04T00:00:00+00:00":        "2025-03-04T00:00:00.000000Z",
		"0001-01-01T00:00:00Z":             "0001-01-01T00:00:00.000000Z",
		"9999-12-31T23:59:59.999999Z":      "9999-12-31T23:59:59.999999Z",
		"0001-01-01T05:45:00+05:45":        "0001-01-01T00:00:00.000000Z",
		"1883-11-18T12:03:57.999999-04:56": "1883-11-18T16:59:57.999999Z",
	} {
		got := a.Must(`mutation($v: Time!) { editNegotiation(input: {negotiation: "talks", startedAt: $v, clear: ["endedAt"]}) { negotiation { startedAt } userErrors { code message field } } }`, map[string]any{"v": sent})
		got.Want("editNegotiation.negotiation.startedAt", want)
		a.Must(`{ negotiation(id: "talks") { startedAt } }`).Want("negotiation.startedAt", want)
		a.Must(`mutation { editNegotiation(input: {negotiation: "talks", clear: ["startedAt"]}) { userErrors { code message field } } }`)
		got = a.Must(`mutation { editNegotiation(input: {negotiation: "talks", startedAt: "` + sent +
			`"}) { negotiation { startedAt } userErrors { code message field } } }`)
		got.Want("editNegotiation.negotiation.startedAt", want)
	}
}

func TestCursorsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	page := a.Must(`{ scenarios(first: 1) { pageInfo { endCursor hasNextPage } } changes(first: 1) { pageInfo { endCursor } } last: changes(first: 1, order: NEWEST_FIRST) { pageInfo { endCursor } } }`)
	page.Want("scenarios.pageInfo.hasNextPage", true)
	list, feed, last := page.Text("scenarios.pageInfo.endCursor"), page.Text("changes.pageInfo.endCursor"),
		page.Text("last.pageInfo.endCursor")

	const scenarios = `query($after: Cursor) { scenarios(first: 1, after: $after) { nodes { key } } }`
	a.Must(scenarios, map[string]any{"after": list}).Want("scenarios.nodes.0.key", "strip")
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for _, cursor := range []string{"", "x", "ü", list + "A", list[1:], list[:len(list)-2], feed, encode(`[]`),
		encode(`["a","b","c","d","e"]`),
		encode(`{"a":1}`), encode(`["talks","line","no id"]`),
		encode("[\"\\u0000\",\"\\u0000\",\"" + uuid.NewString() + "\"]"), strings.Repeat("A", 5000)} {
		if got := a.Ask(scenarios, map[string]any{"after": cursor}); len(got.Errs) == 0 {
			t.Errorf("%q is taken for a cursor", cursor)
		} else {
			got.Fails("BAD_CURSOR", "after")
		}
	}

	const changes = `query($after: Cursor) { changes(first: 1, after: $after) { nodes { cursor } } }`
	a.Must(changes, map[string]any{"after": feed})
	a.Must(changes, map[string]any{"after": last}).Want("changes.nodes.0", nil)
	// The database that this one would be mixed up with calls its feed by another name.
	dsn := pgtest.Database(t)
	(&apitest.API{T: t, DSN: dsn}).SQL(`UPDATE feed_head SET feed = 'another'`)
	b := startOn(t, dsn)
	b.Load("talks.yaml", apitest.Talks)
	foreign := b.Must(`{ changes(first: 1) { pageInfo { endCursor } } }`).Text("changes.pageInfo.endCursor")
	future := last[:len(last)-1] + "v"
	for _, cursor := range []string{"", "x", list, foreign, future, "A" + feed[1:], feed + "0", feed[1:],
		feed[:len(feed)-1]} {
		a.Ask(changes, map[string]any{"after": cursor}).Fails("BAD_CURSOR")
		a.Ask(`query($after: Cursor) { negotiation(id: "talks") { changes(first: 1, after: $after) { nodes { cursor } } } }`, map[string]any{"after": cursor}).Fails("BAD_CURSOR")
		a.Ask(`mutation($after: Cursor) { editNegotiation(input: {negotiation: "talks", title: "New", ifUnchangedSince: $after}) { cursor } }`, map[string]any{"after": cursor}).Fails("BAD_CURSOR")
	}
	b.Ask(changes, map[string]any{"after": feed}).Fails("BAD_CURSOR")
	a.Must(`{ negotiation(id: "talks") { title } }`).Want("negotiation.title", "Talks of North and South")
}

func TestPageSizes(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	for _, list := range []string{
		`negotiations(first: $n) { nodes { key } }`,
		`scenarios(first: $n) { nodes { key } }`,
		`positions(first: $n) { nodes { id } }`,
		`events(first: $n) { nodes { id } }`,
		`sources(first: $n) { nodes { id } }`,
		`stakeholders(first: $n) { nodes { id } }`,
		`statements(first: $n) { nodes { id } }`,
		`statusChanges(first: $n) { nodes { id } }`,
		`changes(first: $n) { nodes { cursor } }`,
		`negotiation(id: "talks") { scenarios(first: $n) { nodes { key } } }`,
		`negotiation(id: "talks") { participants(first: $n) { nodes { id } } }`,
		`negotiation(id: "talks") { events(first: $n) { nodes { id } } }`,
		`negotiation(id: "talks") { changes(first: $n) { nodes { cursor } } }`,
		`issue(id: "talks/border") { scenarios(first: $n) { nodes { key } } }`,
		`scenario(id: "talks/line") { positions(first: $n) { nodes { id } } }`,
		`scenario(id: "talks/line") { positionHistory(first: $n) { nodes { id } } }`,
		`scenario(id: "talks/line") { statusHistory(first: $n) { nodes { id } } }`,
		`scenario(id: "talks/line") { statements(first: $n) { nodes { id } } }`,
		`source(id: "gazette") { statements(first: $n) { nodes { id } } }`,
	} {
		for _, n := range []int{0, -1, 501, 1 << 30} {
			a.Ask(`query($n: Int!) { `+list+` }`, map[string]any{"n": n}).Fails("BAD_REQUEST", "first", "1 to 500")
		}
		for _, n := range []int{1, 500} {
			a.Must(`query($n: Int!) { `+list+` }`, map[string]any{"n": n})
		}
	}
	a.Ask(`{ scenarios(first: 0) { nodes { key } } }`).Fails("BAD_REQUEST", "first: 0", "1 to 500")
	a.Ask(`{ scenarios(first: 501) { nodes { key } } }`).Fails("BAD_REQUEST", "first: 501", "1 to 500")
	for _, list := range []string{`scenarios(%s) { nodes { key } }`, `changes(%s) { nodes { kind } }`,
		`changes(filter: {parties: ["north"]}, %s) { nodes { kind } }`,
		`negotiation(id: "talks") { diff(from: {validAt: "2025-01-01T00:00:00Z"}, to: {}) { statusChanges(%s) { totalCount } } }`} {
		for arguments, says := range map[string]string{
			`last: 0`:             "last: 0 is out of range; ask for 1 to 500 entries",
			`last: 501`:           "last: 501 is out of range",
			`first: 2, last: 3`:   "last: 3 can't be combined with first: 2",
			`first: 0, last: 900`: "last: 900 can't be combined with first: 0",
		} {
			a.Ask(`{ `+fmt.Sprintf(list, arguments)+` }`).Fails("BAD_REQUEST", says)
		}
		for _, argument := range []string{"after", "before"} {
			a.Ask(`{ `+fmt.Sprintf(list, argument+`: "x"`)+` }`).Fails("BAD_CURSOR", argument+`: "x"`)
		}
	}
}

func TestUnknownRecords(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	for _, id := range []string{"nobody", "talks/nothing", "nothing/line", uuid.NewString(), "", "/", "talks/", "ü",
		"a\x00b", strings.Repeat("x", 10_000)} {
		variables := map[string]any{"id": id}
		got := a.Must(`query($id: ID!) { node(id: $id) { id } negotiation(id: $id) { id } issue(id: $id) { id } scenario(id: $id) { id } source(id: $id) { id } stakeholder(id: $id) { id } }`, variables)
		for _, field := range []string{"node", "negotiation", "issue", "scenario", "source", "stakeholder"} {
			got.Want(field, nil)
		}
		for _, list := range []string{
			`scenarios(filter: {negotiations: [$id]}) { nodes { id } }`,
			`scenarios(filter: {issues: ["talks/border", $id]}) { nodes { id } }`,
			`positions(filter: {holders: [$id]}) { nodes { id } }`,
			`statements(filter: {about: [$id]}) { nodes { id } }`,
			`events(filter: {participants: [$id]}) { nodes { id } }`,
			`statusChanges(filter: {by: [$id]}) { nodes { id } }`,
			`changes(filter: {stakeholders: [$id]}) { nodes { cursor } }`,
			`negotiation(id: "talks") { changes(filter: {scenarios: [$id]}) { nodes { cursor } } }`,
			`scenario(id: "talks/line") { positionHistory(holders: [$id]) { nodes { id } } }`,
		} {
			a.Ask(`query($id: ID!) { `+list+` }`, variables).Fails("BAD_REQUEST")
		}
	}
	// A record of another kind is as unknown.
	got := a.Must(`{ scenario(id: "talks") { id } negotiation(id: "north") { id } stakeholder(id: "gazette") { id } node(id: "north") { label } }`)
	got.Want("scenario", nil, "negotiation", nil, "stakeholder", nil, "node.label", "North")
	a.Ask(`{ scenarios(filter: {negotiations: ["north"]}) { nodes { id } } }`).Fails("BAD_REQUEST", "north",
		"negotiation")
}

func TestHealth(t *testing.T) {
	t.Parallel()
	a := start(t)
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ready"} {
		if response, text := a.Send(http.MethodGet, path, nil, nil); response.StatusCode != http.StatusOK ||
			strings.TrimSpace(text) != want {
			t.Errorf("%s: %d %s", path, response.StatusCode, text)
		}
	}
	response, _ := a.Send(http.MethodGet, "/", nil, nil)
	if to := response.Header.Get("Location"); response.StatusCode != http.StatusFound || to != server.PlaygroundPath {
		t.Errorf("/ leads with status %d to %q", response.StatusCode, to)
	}
	response, text := a.Send(http.MethodGet, server.PlaygroundPath, nil, nil)
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") ||
		!strings.Contains(text, "<title>") {
		t.Errorf("the playground: %d %s %.200s", response.StatusCode, response.Header.Get("Content-Type"), text)
	}
	if response, _ := a.Send(http.MethodGet, "/nothing", nil, nil); response.StatusCode != http.StatusNotFound {
		t.Errorf("/nothing: %d", response.StatusCode)
	}
	if response, _ := a.Send(http.MethodPost, "/healthz", nil,
		nil); response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /healthz: %d", response.StatusCode)
	}
}

func TestWithoutDatabase(t *testing.T) {
	t.Parallel()
	a := startSlowly(t, apitest.TalksDatabase(t))
	if err := a.Store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, document := range []string{
		`{ scenario(id: "talks/line") { key } }`,
		`mutation { editNegotiation(input: {negotiation: "talks", title: "New"}) { cursor } }`,
	} {
		before := strings.Count(a.Logs.String(), "\n")
		got := a.Ask(document)
		got.Fails("INTERNAL")
		id, _ := got.Errs[0].Extensions["requestId"].(string)
		if message := got.Errs[0].Message; message != "Internal error" || len(got.Errs[0].Extensions) != 2 || id == "" {
			t.Errorf("clients read %+v", got.Errs[0])
		}
		lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(a.Logs.String()), "\n")[before:],
			func(line string) bool { return strings.Contains(line, "the feed can't be read") }) // which is read all along
		if len(lines) != 1 || !strings.Contains(lines[0], "level=ERROR") ||
			!strings.Contains(lines[0], "database is closed") || !strings.Contains(lines[0], "path=") || !strings.HasSuffix(lines[0], " request="+id) {
			t.Errorf("logged: %q", lines)
		}
	}
	got := a.Ask(`{ scenario(id: "talks/line") { key } viewer { name } scenarioLifecycle { status } }`)
	got.Fails("INTERNAL")
	// what needs none is answered
	got.Want("scenario", nil, "viewer.name", "Test analyst", "scenarioLifecycle.0.status", "FLOATED")

	response, text := a.Send(http.MethodGet, "/readyz", nil, nil)
	if response.StatusCode != http.StatusServiceUnavailable || strings.Contains(text, "sql") {
		t.Errorf("/readyz: %d %s", response.StatusCode, text)
	}
	if response, _ := a.Send(http.MethodGet, "/healthz", nil, nil); response.StatusCode != http.StatusOK {
		t.Errorf("/healthz: %d", response.StatusCode)
	}
}

func TestPanicsAreContained(t *testing.T) {
	t.Parallel()
	a, logs := panicking(t)
	got := a.Ask(`{ scenario(id: "talks/line") { key } scenarioLifecycle { status } }`)
	got.Fails("INTERNAL")
	got.Want("scenario", nil, "scenarioLifecycle.0.status", "FLOATED")
	if message := got.Errs[0].Message; message != "Internal error" || got.Status != http.StatusOK {
		t.Errorf("clients read %q with status %d", message, got.Status)
	}
	if log := logs.String(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "nil pointer") ||
		!strings.Contains(log, "path=scenario") || !strings.Contains(log, "resolvers") {
		t.Errorf("logged: %s", log)
	}
	a.Ask(`{ scenarioLifecycle { status } }`).Want("scenarioLifecycle.0.status", "FLOATED")
}
