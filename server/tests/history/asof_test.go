package history_test

import (
	"fmt"
	"testing"
	"time"

	"example.org/parley/server/apitest"
)

// What was believed on one day about another has one answer for ever, on every field.
func TestAsOf(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	refused := `userErrors { code message field }`
	a.On("2030-01-10T12:00:00Z",
		`recordPosition(input: {holder: "north", scenario: "talks/line", stance: SUPPORTS, validFrom: "2030-01-09T00:00:00Z"}) { `+refused+` }`)
	id := a.Must(`{ positions { nodes { id } } }`).Text("positions.nodes.0.id")
	a.On("2030-01-12T12:00:00Z",
		`editScenario(input: {scenario: "talks/line", title: "A dotted line"}) { `+refused+` }`)
	a.On("2030-01-14T12:00:00Z",
		`changeScenarioStatus(input: {scenario: "talks/line", to: STALLED, reason: "Late news", effectiveAt: "2030-01-11T00:00:00Z"}) { `+refused+` }`)
	a.On("2030-01-16T12:00:00Z",
		fmt.Sprintf(`correctPosition(input: {position: %q, stance: OPPOSES, note: "Misheard"}) { %s }`, id, refused))
	a.On("2030-01-18T12:00:00Z",
		fmt.Sprintf(`retract(input: {id: %q, note: "Said by somebody else"}) { %s }`, id, refused))

	through := func(validAt, knownAt string) apitest.Answer {
		return a.Must(`query($asOf: AsOf, $id: ID!) {
			scenario(id: "talks/line", asOf: $asOf) {
				title status positions { totalCount nodes { stance supersededAt correctionNote } }
				history: positionHistory { totalCount } all: positionHistory(includeSuperseded: true) { totalCount nodes { stance supersededAt correctionNote recordedBy { name } } }
				statusHistory { totalCount }
			}
			positions(asOf: $asOf, filter: {holders: ["north"]}) { totalCount }
			scenarios(asOf: $asOf, filter: {status: [STALLED]}) { totalCount }
			node: record(id: $id, asOf: $asOf) { ... on Position { stance } }
		}`, map[string]any{"asOf": map[string]any{"validAt": validAt + "T00:00:00Z", "knownAt": knownAt + "T18:00:00Z"}, "id": id})
	}
	const supports, opposes, nothing = "SUPPORTS", "OPPOSES", "<nil>"
	for _, tt := range []struct {
		validAt, knownAt, title, status, stance, node string
		versions                                      int
	}{
		{"2030-01-10", "2030-01-09", "A line", "PROPOSED", nothing, nothing, 0},
		{"2030-01-10", "2030-01-10", "A line", "PROPOSED", supports, supports, 1},
		{"2030-01-08", "2030-01-10", "A line", "PROPOSED", nothing, supports, 1},
		{"2030-01-10", "2030-01-12", "A dotted line", "PROPOSED", supports, supports, 1},
		{"2030-01-10", "2030-01-14", "A dotted line", "PROPOSED", supports, supports, 1},
		{"2030-01-11", "2030-01-14", "A dotted line", "STALLED", supports, supports, 1},
		{"2030-01-11", "2030-01-13", "A dotted line", "PROPOSED", supports, supports, 1},
		{"2030-01-10", "2030-01-16", "A dotted line", "PROPOSED", opposes, opposes, 2},
		{"2040-01-01", "2030-01-16", "A dotted line", "STALLED", opposes, opposes, 2},
	} {
		held := map[string]int{nothing: 0}
		held[supports], held[opposes] = 1, 1
		stalled := 0
		if tt.status == "STALLED" {
			stalled = 1
		}
		got := through(tt.validAt, tt.knownAt)
		got.Want("scenario.title", tt.title, "scenario.status", tt.status, "scenario.positions.nodes.0.stance",
			tt.stance,
			"scenario.positions.totalCount", held[tt.stance], "positions.totalCount", held[tt.stance], "node.stance",
			tt.node,
			"scenarios.totalCount", stalled, "scenario.all.totalCount", tt.versions, "scenario.history.totalCount",
			min(1, tt.versions))
		if t.Failed() {
			t.Fatalf("what was known on %s about %s", tt.knownAt, tt.validAt)
		}
	}
	got := a.Must(`query($id: ID!) { node(id: $id) { id } scenario(id: "talks/line") { positionHistory { totalCount }
		all: positionHistory(includeSuperseded: true) { nodes { stance correctionNote supersededAt recordedAt recordedBy { name } } pageInfo { endCursor } } } }`, map[string]any{"id": id})
	got.Want("node", nil, "scenario.positionHistory.totalCount", 0,
		"scenario.all.nodes.0.stance", supports, "scenario.all.nodes.0.correctionNote", nil,
		"scenario.all.nodes.0.supersededAt", got.Text("scenario.all.nodes.1.recordedAt"),
		"scenario.all.nodes.1.stance", opposes, "scenario.all.nodes.1.correctionNote", "Misheard",
		"scenario.all.nodes.1.recordedBy.name", "Test analyst")
	if got.At("scenario.all.nodes.1.supersededAt") == nil || got.Count("scenario.all.nodes") != 2 {
		t.Errorf("superseded: %v", got.Data)
	}
	first := a.Must(`{ scenario(id: "talks/line") { positionHistory(includeSuperseded: true, first: 1) { nodes { stance } pageInfo { endCursor hasNextPage } } } }`)
	a.Must(fmt.Sprintf(`{ scenario(id: "talks/line") { positionHistory(includeSuperseded: true, first: 1, after: %q) { nodes { stance } pageInfo { hasNextPage } } } }`,
		first.Text("scenario.positionHistory.pageInfo.endCursor"))).
		Want("scenario.positionHistory.nodes.0.stance", opposes, "scenario.positionHistory.pageInfo.hasNextPage", false)
}

// A scenario that is not on the table yet is not there, and neither is what is on it; a reference in hand still leads
// to it.
func TestNotOnTheTableYet(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Must(`mutation { recordPosition(input: {holder: "north", scenario: "talks/line", stance: SUPPORTS, validFrom: "2020-01-01T00:00:00Z"}) { userErrors { code message field } }
		relateScenarios(input: {from: "talks/line", to: "talks/strip", kind: FALLBACK_FOR}) { userErrors { code message field } } }`)
	const document = `query($at: Time) {
		scenario(id: "talks/line", asOf: {validAt: $at}) { key }
		scenarios(asOf: {validAt: $at}) { totalCount }
		positions(asOf: {validAt: $at}) { totalCount }
		statusChanges(asOf: {validAt: $at}) { totalCount }
		stakeholder(id: "north", asOf: {validAt: $at}) { positions { totalCount } positionHistory { totalCount nodes { scenario { key status positions { totalCount } } } } }
		negotiation(id: "talks", asOf: {validAt: $at}) { scenarios { totalCount } issues { scenarios { totalCount } } }
	}`
	a.Must(document, map[string]any{"at": "2024-12-31T23:59:59.999999Z"}).Want("scenario", nil, "scenarios.totalCount",
		0, "positions.totalCount", 0,
		"statusChanges.totalCount", 0, "stakeholder.positions.totalCount", 0, "stakeholder.positionHistory.totalCount",
		1,
		"stakeholder.positionHistory.nodes.0.scenario.key", "line",
		"stakeholder.positionHistory.nodes.0.scenario.status", nil,
		"stakeholder.positionHistory.nodes.0.scenario.positions.totalCount", 0,
		"negotiation.scenarios.totalCount", 0, "negotiation.issues.0.scenarios.totalCount", 0)
	a.Must(document, map[string]any{"at": "2025-01-01T05:45:00+05:45"}).Want("scenario.key", "line",
		"scenarios.totalCount", 2, "positions.totalCount", 1,
		"statusChanges.totalCount", 2, "stakeholder.positions.totalCount", 1, "negotiation.scenarios.totalCount", 2,
		"negotiation.issues.0.scenarios.totalCount", 2)
}

// What a filter names has to be known through the lens, so that an answer stays as it is when that is retracted.
func TestFiltersThroughALens(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	document := func(knownAt string) string {
		return fmt.Sprintf(`{ positions(filter: {holders: ["east"]}, asOf: {knownAt: %q}) { totalCount } }`, knownAt)
	}
	before := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.Must(`mutation { registerStakeholder(input: {key: "east", name: "East", kind: STATE}) { userErrors { code message field } } }`)
	known := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.Must(`mutation { retract(input: {id: "east", note: "never was"}) { userErrors { code message field } } }`)
	now := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.Ask(document(before)).Fails("BAD_REQUEST", `"east"`)
	a.Must(document(known)).Want("positions.totalCount", 0)
	a.Ask(document(now)).Fails("BAD_REQUEST", `"east"`)
	a.Ask(`{ positions(filter: {holders: ["east"]}) { totalCount } }`).Fails("BAD_REQUEST", `"east"`)
	a.Must(fmt.Sprintf(`{ before: stakeholder(id: "east", asOf: {knownAt: %q}) { key } known: record(id: "east", asOf: {knownAt: %q}) { label } now: node(id: "east") { label } }`, before, known)).
		Want("before", nil, "known.label", "East", "now", nil)
}

func TestLens(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Must(`mutation {
		a: changeScenarioStatus(input: {scenario: "talks/line", to: STALLED, reason: "Talks pause", effectiveAt: "2040-01-01T00:00:00Z"}) { userErrors { code message field } }
		b: recordPosition(input: {holder: "north", scenario: "talks/line", stance: SUPPORTS, validFrom: "2039-01-01T00:00:00Z", validTo: "2041-01-01T00:00:00Z"}) { userErrors { code message field } }
		c: joinNegotiation(input: {negotiation: "talks", stakeholder: "south", role: OBSERVER, validFrom: "2042-01-01T00:00:00Z", validTo: "2043-01-01T00:00:00Z"}) { userErrors { code message field } }
		d: affiliate(input: {person: "envoy", organization: "south", office: "guest", validTo: "2044-01-01T00:00:00Z"}) { userErrors { code message field } }
	}`)
	now := a.Must(`{ lens { validAt knownAt cursor nextChangeAt } changes(order: NEWEST_FIRST, first: 2) { nodes { cursor recordedAt } } }`)
	now.Want("lens.knownAt", now.At("changes.nodes.0.recordedAt"), "lens.cursor", now.At("changes.nodes.0.cursor"),
		"lens.nextChangeAt", "2039-01-01T00:00:00.000000Z")
	a.Must(fmt.Sprintf(`{ lens(asOf: {knownAt: %q}) { cursor nextChangeAt } }`,
		now.Text("changes.nodes.1.recordedAt"))).
		Want("lens.cursor", now.At("changes.nodes.1.cursor"))
	for at := 2039; at < 2044; at++ {
		a.Must(fmt.Sprintf(`{ lens(asOf: {validAt: "%d-01-01T00:00:00Z"}) { nextChangeAt } }`,
			at)).Want("lens.nextChangeAt", fmt.Sprint(at+1, "-01-01T00:00:00.000000Z"))
	}
	a.Must(`{ lens(asOf: {validAt: "2044-01-01T00:00:00Z"}) { nextChangeAt } }`).Want("lens.nextChangeAt", nil)
	a.Must(`{ lens(asOf: {knownAt: "1990-01-01T00:00:00Z", validAt: "0001-01-01T00:00:00Z"}) { cursor nextChangeAt knownAt validAt } negotiations(asOf: {knownAt: "1990-01-01T00:00:00Z"}) { totalCount } }`).
		Want("lens.nextChangeAt", nil, "lens.validAt", "0001-01-01T00:00:00.000000Z", "negotiations.totalCount", 0)
	a.Must(`{ lens(asOf: {validAt: "0001-01-01T00:00:00Z", knownAt: "0001-01-01T00:00:00Z"}) { validAt } stakeholder(id: "north", asOf: {validAt: "0001-01-01T00:00:00Z", knownAt: "0001-01-01T00:00:00Z"}) { key }
		scenarios(asOf: {knownAt: "0001-01-01T00:00:00Z"}) { totalCount } }`).Want("lens.validAt", "0001-01-01T00:00:00.000000Z", "stakeholder", nil, "scenarios.totalCount", 0)
	a.Ask(`{ positions(filter: {holders: ["north"]}, asOf: {knownAt: "0001-01-01T00:00:00Z"}) { totalCount } }`).Fails("BAD_REQUEST", `"north"`)
	// A status that takes effect later shows then, without anyone writing.
	a.Must(`{ a: scenario(id: "talks/line", asOf: {validAt: "2039-12-31T23:59:59.999999Z"}) { status } b: scenario(id: "talks/line", asOf: {validAt: "2040-01-01T00:00:00Z"}) { status statusSince } }`).
		Want("a.status", "PROPOSED", "b.status", "STALLED", "b.statusSince", "2040-01-01T00:00:00.000000Z")
}

func TestInstantsThatCannotBe(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	ask := func(axis, instant string) apitest.Answer {
		return a.Ask(`query($asOf: AsOf) { lens(asOf: $asOf) { validAt knownAt } }`,
			map[string]any{"asOf": map[string]any{axis: instant}})
	}
	for _, instant := range []string{"2025-01-01T00:00:00.1234567Z", "2025-06-30T23:59:60Z", "10000-01-01T00:00:00Z",
		"-0044-03-15T00:00:00Z", "2025-02-30T00:00:00Z", "0001-01-01T00:00:00+05:45", "yesterday", ""} {
		for _, axis := range []string{"validAt", "knownAt"} {
			ask(axis, instant).Fails("BAD_REQUEST", fmt.Sprintf("%q", instant), "RFC 3339")
		}
	}
	for instant, written := range map[string]string{
		"2025-01-15T05:45:00+05:45":   "2025-01-15T00:00:00.000000Z",
		"0001-01-01T00:00:00Z":        "0001-01-01T00:00:00.000000Z",
		"9999-12-31T23:59:59.999999Z": "9999-12-31T23:59:59.999999Z",
		"2025-01-01T00:00:00.5-00:30": "2025-01-01T00:30:00.500000Z",
	} {
		if got := ask("validAt", instant); len(got.Errs) > 0 || got.Text("lens.validAt") != written {
			t.Errorf("%s: %v %v", instant, got.Errs, got.Data)
		}
	}
	tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	ask("knownAt", tomorrow).Fails("BAD_LENS", "future")
	// The clock of the record goes on where the database's is stepped back behind it.
	a.SetClock("2050-01-01T00:00:00Z")
	a.Must(`{ lens(asOf: {knownAt: "2050-01-01T00:00:00Z"}) { validAt knownAt } now: lens { validAt } }`).
		Want("lens.knownAt", "2050-01-01T00:00:00.000000Z", "lens.validAt", "2050-01-01T00:00:00.000000Z",
			"now.validAt", "2050-01-01T00:00:00.000000Z")
	a.Ask(`{ lens(asOf: {knownAt: "2050-01-01T00:00:00.000001Z"}) { validAt } }`).Fails("BAD_LENS",
		"2050-01-01T00:00:00.000001Z", "future")
}
