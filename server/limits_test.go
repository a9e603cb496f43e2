package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.org/parley/resolvers"
	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

// wholeNegotiation asks for all that a report on a negotiation needs, at the usual page sizes.
const wholeNegotiation = `query WholeNegotiation($id: ID!) {
	negotiation(id: $id) {
		id key title summary stage startedAt endedAt changedAt
		participants(first: 100) { nodes { role vetoPlayer capability validFrom validTo vetoIssues { key } stakeholder { ...who } } }
		events(first: 100) { nodes { key kind state title location startedAt startedAtPrecision endedAt participants { ...who } evidence { ...said } } }
		issues {
			key title question kind exhaustive
			scenarios(first: 50) {
				nodes {
					id key title summary criteria deadline targetStage status statusSince allowedTransitions
					statusHistory(first: 50) { nodes { from to skipped reason effectiveAt by { ...who } evidence { ...said } } }
					positions(first: 50) {
						nodes {
							id stance conditions redLine salience rationale confidence lastAffirmedAt secondHand contested validFrom validTo
							holder { ...who }
							evidence { ...said }
						}
						pageInfo { hasNextPage endCursor }
					}
				}
			}
		}
	}
}
fragment who on Stakeholder { id key name kind }
fragment said on Statement { id text form terms credibility grade saidAt verified source { id key title reliability } speaker { ...who } }`

func TestAnOrdinaryWholeNegotiationFits(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Must(`mutation { recordPosition(input: {holder: "north", scenario: "talks/line", stance: SUPPORTS, validFrom: "2025-02-01T00:00:00Z"}) { userErrors { code message field } } }`)
	got := a.Must(wholeNegotiation, map[string]any{"id": "talks"})
	got.Want("negotiation.issues.0.scenarios.nodes.0.positions.nodes.0.holder.name", "North",
		"negotiation.issues.0.scenarios.nodes.1.statusHistory.nodes.0.to", "FLOATED",
		"negotiation.participants.nodes.0.stakeholder.key", "north")
}

// withCost asks for what a query costs too.
func withCost(a *apitest.API, query string) apitest.Answer {
	a.T.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "extensions": map[string]any{"cost": true}})
	if err != nil {
		a.T.Fatal(err)
	}
	return a.Post("application/json", string(body))
}

// What is asked for counts as what is on record, not as what the pages could hold.
func TestCost(t *testing.T) {
	t.Parallel()
	a := apitest.StartWith(t, storage.Options{DSN: apitest.TalksDatabase(t)}, time.Hour, func(o *server.Options) {
		o.Bounds = resolvers.Bounds{Cost: 100, Time: time.Minute}
	})
	const one = `scenarios(first: 500) { nodes { key positions(first: 500) { nodes { id evidence { about { id } } } } } }`
	got := withCost(a, `{ `+one+` }`)
	got.Want("scenarios.nodes.0.key", "line")
	spent := got.Extensions.Cost["spent"]
	if spent < 5 || spent > 30 || got.Extensions.Cost["limit"] != 100 {
		t.Errorf("it costs %v", got.Extensions.Cost)
	}
	var many strings.Builder
	for i := range 2*100/spent + 1 {
		fmt.Fprintf(&many, " a%d: %s", i, one)
	}
	for _, document := range []string{`{ ` + many.String() + ` }`, `{ ...f } fragment f on Query { ` + many.String() + ` }`} {
		got := a.Ask(document)
		got.Fails("LIMIT", "costs more than 100, which is the limit", "most of it at its root", "first")
		if got.Extensions.Cost["spent"] <= 100 {
			t.Errorf("it has cost %v", got.Extensions.Cost)
		}
	}
	a.Ask(`{ scenarios { nodes { `+strings.ReplaceAll(many.String(), one, "key")+strings.ReplaceAll(strings.ReplaceAll(many.String(), one, "title"), " a", " b")+` } } }`).
		Fails("LIMIT", "most of it at scenarios.nodes (")
	// A mutation is carried out, and its answer lacks what was too much.
	before := a.Changes()
	refused := a.Ask(`mutation { editNegotiation(input: {negotiation: "talks", title: "New"}) { cursor negotiation { title ` +
		strings.ReplaceAll(many.String(), one, "issues { scenarios { nodes { key } } }") + ` } } }`)
	if a.Changes() != before+1 || len(refused.Errs) != 1 || refused.Errs[0].Extensions["code"] != "LIMIT" || refused.Text("editNegotiation.cursor") == "" {
		t.Errorf("%v %v", refused.Errs, refused.Data)
	}
	refused = a.Ask(`mutation { editNegotiation(input: {negotiation: "talks", title: "Newer"}) { cursor negotiation { title } query { lens { cursor } scenarios { nodes { ` +
		strings.ReplaceAll(many.String(), one, "key") + strings.ReplaceAll(strings.ReplaceAll(many.String(), one, "title"), " a", " b") + ` } } } } }`)
	refused.Want("editNegotiation.negotiation.title", "Newer")
	if a.Changes() != before+2 || len(refused.Errs) != 1 || refused.Errs[0].Extensions["code"] != "LIMIT" || refused.Text("editNegotiation.cursor") == "" {
		t.Errorf("%v %v", refused.Errs, refused.Data)
	}
}

// A mutation or a subscription whose answer could become too large is refused before anything is written.
func TestCostThatIsKnownBefore(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	before := a.Changes()
	deep := `nodes { id }`
	for range 4 {
		deep = `nodes { negotiation { scenarios(first: 500) { ` + deep + ` } } }`
	}
	for _, size := range []string{"first: 500", "last: 500", "first: null, last: 500"} {
		a.Ask(`mutation { editNegotiation(input: {negotiation: "talks", title: "New"}) { query { negotiation(id: "talks") {
			scenarios(first: 500) { `+strings.ReplaceAll(deep, "first: 500", size)+` } } } } }`).Fails("LIMIT", "fields", "first or last")
	}
	if a.Changes() != before {
		t.Error("a refused mutation has written")
	}
}

// Ordinary dashboards fit, however long the lists in them may be.
func TestDashboardsFit(t *testing.T) {
	t.Parallel()
	a := apitest.WithDemo(t)
	for _, document := range []string{
		`{ negotiations { nodes { issues { matrix { rows { cells { stance } } } } } } }`,
		`{ issue(id: "ukraine-2025/settlement-format") { matrix { rows { stakeholder { name } cells { stance position { id evidence { id text } } } } } } }`,
		`{ negotiations { nodes { title issues { title scenarios { nodes { title status positions { nodes { stance holder { name } evidence { text source { title } } } }
			statusHistory { nodes { to reason } } } } landingZone { verdict parties { stakeholder { name } stance } } } } } }`,
		`{ scenarios { nodes { positions { nodes { evidence { about { ... on Scenario { statements { nodes { id } } } } } } } } } }`,
	} {
		if got := withCost(a, document); len(got.Errs) > 0 || got.Extensions.Cost["spent"] == 0 || got.Extensions.Cost["spent"] > got.Extensions.Cost["limit"]/50 {
			t.Errorf("%s costs %v", document, got.Extensions.Cost)
		}
	}
}

// A query or a briefing that takes too long is given up.
func TestDeadline(t *testing.T) {
	t.Parallel()
	a := apitest.StartWith(t, storage.Options{DSN: apitest.TalksDatabase(t)}, time.Hour, func(o *server.Options) {
		o.Bounds = resolvers.Bounds{Cost: 1_000, Time: 200 * time.Millisecond}
	})
	db := a.DB()
	tx := db.MustBegin()
	defer tx.Rollback()
	tx.MustExec(`LOCK TABLE source_bodies IN ACCESS EXCLUSIVE MODE`)
	before := a.Changes()
	got := a.Ask(`mutation { editNegotiation(input: {negotiation: "talks", title: "New"}) { cursor query { viewer { name } sources { nodes { body } } } } }`)
	if a.Changes() != before+1 || got.Text("editNegotiation.cursor") == "" || len(got.Errs) == 0 || !strings.Contains(got.Errs[0].Message, "took longer than 200ms") {
		t.Errorf("a mutation whose payload takes too long is answered with %v %v", got.Errs, got.Data)
	}
	tx.MustExec(`LOCK TABLE scenarios IN ACCESS EXCLUSIVE MODE`)
	got = a.Ask(`{ viewer { name } scenario(id: "talks/line") { title } }`)
	got.Fails("LIMIT", "took longer than 200ms", "smaller pages")
	if response, text := a.Send("GET", "/briefing/talks", nil, nil); response.StatusCode != 503 || !strings.Contains(text, "longer than 200ms; ask again") {
		t.Errorf("a briefing is answered with %d %s", response.StatusCode, text)
	}
	if strings.Contains(a.Logs.String(), "ERROR") {
		t.Errorf("it is logged as an error: %s", a.Logs.String())
	}
	tx.Rollback()
	a.Must(`{ scenario(id: "talks/line") { title } }`)
}

func TestDepth(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	// chain nests so many levels, on the back and forth between a scenario and its move.
	chain := func(levels int) string {
		back := []string{"scenario", "currentStatusChange"}
		document := "id"
		for i := levels - 1; i > 1; i-- {
			document = back[(i+1)%2] + " { " + document + " }"
		}
		return `scenario(id: "talks/line") { ` + document + ` }`
	}
	a.Must(`{ ` + chain(20) + ` }`)
	a.Ask(`{ `+chain(21)+` }`).Fails("LIMIT", "20 levels")
	a.Ask(`{ `+chain(200)+` }`).Fails("LIMIT", "20 levels")
	// A fragment is no level, and hides none.
	a.Must(`{ ...f } fragment f on Query { ... on Query { ` + chain(20) + ` } }`)
	a.Ask(`{ ...f } fragment f on Query { ...g } fragment g on Query { `+chain(21)+` }`).Fails("LIMIT", "20 levels")
	a.Ask(`{ `+chain(10)+` deeper: scenario(id: "talks/line") { ...f } } fragment f on Scenario { currentStatusChange { scenario { ...g } } }
		fragment g on Scenario { currentStatusChange { `+strings.Replace(chain(18), `(id: "talks/line")`, "", 1)+` } }`).Fails("LIMIT", "20 levels")
}

// graphiQL's introspection, as graphql-js writes it with everything switched on.
const introspection = `query IntrospectionQuery {
	__schema {
		description
		queryType { name kind }
		mutationType { name kind }
		subscriptionType { name kind }
		types { ...FullType }
		directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
	}
}
fragment FullType on __Type {
	kind name description specifiedByURL isOneOf
	fields(includeDeprecated: true) {
		name description
		args(includeDeprecated: true) { ...InputValue }
		type { ...TypeRef }
		isDeprecated deprecationReason
	}
	inputFields(includeDeprecated: true) { ...InputValue }
	interfaces { ...TypeRef }
	enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
	possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type {
	kind name
	ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}`

func TestIntrospectionFits(t *testing.T) {
	t.Parallel()
	a := start(t)
	got := a.Must(introspection)
	got.Want("__schema.queryType.name", "Query", "__schema.mutationType.name", "Mutation",
		"__schema.subscriptionType.name", "Subscription")
	undescribed := 0
	for _, described := range got.At("__schema.types").([]any) {
		if described := described.(map[string]any); described["description"] == "" || described["description"] == nil {
			undescribed++
		}
	}
	if types := got.Count("__schema.types"); types < 50 || undescribed > 0 {
		t.Errorf("%d of %d types have no description", undescribed, types)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	a := start(t)
	list := func(length int) string {
		return `{ scenarios(filter: {status: [` + strings.Repeat(`FLOATED `, length) + `]}) { totalCount } }`
	}
	a.Must(list(4_900))
	a.Ask(list(5_000)).Fails("LIMIT", "more than 5000 tokens")
	a.Ask(`{ viewer(a: `+strings.Repeat(`[`, 4_900)).Fails("LIMIT", "more than 1000 levels")
}

// What takes long to validate is refused before: fields of one name in one place, also through fragments, and fragments
// that multiply.
func TestDocumentsThatTakeLongToValidate(t *testing.T) {
	t.Parallel()
	a := start(t)
	fragments := func(n int, on, text string) (spreads, all string) {
		for i := range n {
			spreads += fmt.Sprintf(" ...f%d", i)
			all += fmt.Sprintf(" fragment f%d on %s { %s }", i, on, strings.ReplaceAll(text, "{next}", fmt.Sprintf("f%d", i+1)))
		}
		return spreads, all
	}
	spreads, wide := fragments(60, "Analyst", strings.Repeat("name ", 60))
	_, double := fragments(30, "Query", "...{next} viewer { name } ...{next}")
	_, many := fragments(250, "Query", "viewer { name }")
	for name, c := range map[string]struct{ document, says string }{
		"one field 4,800 times":    {`{ viewer { ` + strings.Repeat("name ", 4_800) + `} }`, "too many fields of one name"},
		"beneath one field":        {`{ ` + strings.Repeat("viewer { name } ", 1_200) + `}`, "too many fields of one name"},
		"of 60 fragments":          {`{ viewer {` + spreads + ` } }` + wide, "too many fields of one name"},
		"fragments that double":    {`{ ...f0 }` + double + ` fragment f30 on Query { viewer { name } }`, "fragments within fragments"},
		"many fragments":           {`{ ...f0 }` + many, "more than 200 operations and fragments"},
		"a fragment within itself": {`{ ...a } fragment a on Query { ...b } fragment b on Query { viewer { name } ...a }`, "spreads itself"},
	} {
		got := a.Ask(c.document)
		if len(got.Errs) != 1 || !strings.Contains(got.Errs[0].Message, c.says) {
			t.Errorf("%s: %v", name, got.Errs)
		}
	}
	a.Must(`{ viewer { ` + strings.Repeat("name ", 400) + `} }`)
}

// More values than any request needs are refused before anything is made of them.
func TestRequestsOfManyValues(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, variables := range []string{`{"x": [` + strings.Repeat("0,", 3_900_000) + `0]}`, `{"x": ` + strings.Repeat(`[`, 30_000) + strings.Repeat(`]`, 30_000) + `}`,
		`{` + strings.Repeat(`"a":0,`, 30_000) + `"b":0}`} {
		got := a.Post("application/json", `{"query": "{ viewer { name } }", "variables": `+variables+`}`)
		got.Fails("LIMIT", "more than 20000 values")
		got.ClientError()
	}
	a.Post("application/json", `{"query": "{ viewer { name } }", "variables": {"x": "`+strings.Repeat(",[{", 10_000)+`\", ["}}`).Want("viewer.name", "Test analyst")
}
