package server_test

import (
	"fmt"
	"strings"
	"testing"
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

func TestCost(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	// 500 scenarios with 500 positions of two fields, a holder and some evidence fit four times. What an alias repeats
	// counts again,
	const one = `scenarios(first: 500) { nodes { positions(first: 500) { nodes { id stance holder { id } evidence { id } } } } }`
	aliases := func(times int, of string) string {
		var list strings.Builder
		for i := range times {
			fmt.Fprintf(&list, " a%d: %s", i, of)
		}
		return list.String()
	}
	a.Must(`{ ` + aliases(4, one) + ` }`)
	a.Ask(`{ `+aliases(5, one)+` }`).Fails("LIMIT", "fields", "first")
	// and so does a fragment wherever it is spread, even in another fragment,
	const fragments = ` fragment f on Scenario { ...g } fragment g on Scenario { positions(first: 500) { nodes { ...h } } } fragment h on Position { id stance holder { id } evidence { id } }`
	a.Must(`{ ` + aliases(4, `scenarios(first: 500) { nodes { ...f } }`) + ` }` + fragments)
	a.Ask(`{ `+aliases(5, `scenarios(first: 500) { nodes { ...f } }`)+` }`+fragments).Fails("LIMIT", "fields")
	a.Ask(`{ scenarios(first: 500) { nodes { `+strings.Repeat(`...f `, 5)+` } } }`+fragments).Fails("LIMIT", "fields")
	// and so does an inline fragment.
	a.Ask(`{ ... on Query { `+aliases(5, one)+` } }`).Fails("LIMIT", "fields")

	// A page size in a variable counts as what it is.
	for _, document := range []string{
		`query($n: Int!) { scenarios(first: $n) { nodes { positions(first: $n) { nodes { evidence { about { id } } } } } } }`,
		`query($n: Int = 500) { scenarios(first: $n) { nodes { positions(first: $n) { nodes { evidence { about { id } } } } } } }`,
		`query($n: Int!) { ...f } fragment f on Query { scenarios(first: $n) { edges { node { positions(first: $n) { edges { node { evidence { about { id } } } } } } } } }`,
	} {
		a.Must(document, map[string]any{"n": 100})
		for _, n := range []any{500, 500.0} {
			a.Ask(document, map[string]any{"n": n}).Fails("LIMIT", "fields")
		}
	}
	a.Ask(`query($n: Int = 500) { scenarios(first: $n) { nodes { positions(first: $n) { nodes { evidence { about { id } } } } } } }`).Fails("LIMIT", "fields")
	// A page size that is left out is the default of 50, and lists without one count too.
	const statements = `{ scenarios { nodes { positions { nodes { evidence { about { ... on Scenario { statements%s { nodes { id } } } } } } } } } }`
	a.Must(fmt.Sprintf(statements, `(first: 10)`))
	a.Ask(fmt.Sprintf(statements, ``)).Fails("LIMIT", "fields")
	// A product that no int holds is still too much.
	deep := `nodes { id }`
	for range 4 {
		deep = `nodes { negotiation { scenarios(first: 500) { ` + deep + ` } } }`
	}
	a.Ask(`{ scenarios(first: 500) { `+deep+` } }`).Fails("LIMIT", "fields")

	// What is left out when it runs counts all the same, and nothing of what is refused is run.
	before := a.Changes()
	a.Ask(`query($no: Boolean = false) { `+aliases(5,
		strings.Replace(one, " {", " @include(if: $no) {", 1))+` }`).Fails("LIMIT", "fields")
	a.Ask(`mutation { editNegotiation(input: {negotiation: "talks", title: "New"}) { negotiation { scenarios(first: 500) { `+deep+` } } } }`).Fails("LIMIT", "fields")
	if a.Changes() != before {
		t.Error("a refused mutation has written")
	}
}

// What is put together of parties and scenarios counts for as much as it may come to.
func TestCostOfAMatrix(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const matrix = `matrix { scenarios { key } rows { stakeholder { name } participations { role } cells { stance ageDays contested position { holder { name } evidence { text grade source { title } } } } } }`
	a.Must(`{ issue(id: "talks/border") { ` + matrix +
		` landingZone { verdict blockers { name } support parties { stakeholder { name } weight } } } }`)
	a.Must(`{ negotiation(id: "talks") { issues { matrix { rows { stakeholder { name } cells { stance position { holder { name } } } } } } } }`)
	a.Ask(`{ negotiations(first: 50) { nodes { issues { `+matrix+` } } } }`).Fails("LIMIT", "20000000")
	a.Ask(`{ negotiations(first: 500) { nodes { issues { landingZone { parties { weight } } } } } }`).Fails("LIMIT",
		"20000000")
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
	got := a.Ask(list(5_000))
	got.Fails("LIMIT", "more than 5000 tokens")
	got.ClientError()
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
		got.ClientError()
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
