package recording_test

import (
	"fmt"
	"strings"
	"testing"

	"example.org/parley/server/apitest"
)

const aDay = "2025-08-16T00:00:00Z"

// on is an input of a fact that is known to be of that day only, with its place in the day.
func on(ordinal int, more map[string]any) map[string]any {
	in := map[string]any{"ordinal": ordinal, "effectiveAt": aDay, "effectiveAtPrecision": "DAY"}
	if _, isPosition := more["stance"]; isPosition {
		in = map[string]any{"ordinal": ordinal, "validFrom": aDay, "validFromPrecision": "DAY"}
	}
	for k, v := range more {
		in[k] = v
	}
	return in
}

func (a *api) move(to string, ordinal int, more map[string]any) apitest.Answer {
	a.T.Helper()
	in := on(ordinal, map[string]any{"scenario": "talks/line", "to": to, "reason": "r"})
	for k, v := range more {
		in[k] = v
	}
	return a.Ask(apitest.ChangeStatus, map[string]any{"input": in})
}

func (a *api) hold(stance string, ordinal int, more map[string]any) apitest.Answer {
	a.T.Helper()
	in := on(ordinal, map[string]any{"holder": "north", "scenario": "talks/line", "stance": stance})
	for k, v := range more {
		in[k] = v
	}
	return a.Ask(`mutation($input: RecordPositionInput!) { recordPosition(input: $input) {
		position { id stance ordinal validTo contested } previous { stance } cursor userErrors { code message field } } }`,
		map[string]any{"input": in})
}

func wantLines(t *testing.T, what, got string, want ...string) {
	t.Helper()
	if got != strings.Join(want, "\n") {
		t.Errorf("%s are\n%s\nwant\n%s", what, got, strings.Join(want, "\n"))
	}
}

func (a *api) statuses() string {
	a.T.Helper()
	return a.Must(`{ scenario(id: "talks/line") { statusHistory { nodes { from to skipped ordinal } } } }`).
		Lines("scenario.statusHistory.nodes", "ordinal", "from", "to", "skipped")
}

func (a *api) positions() string {
	a.T.Helper()
	return a.Must(`{ scenario(id: "talks/line") { positionHistory(holders: ["north"]) { nodes { stance ordinal validFrom validTo contested } } } }`).
		Lines("scenario.positionHistory.nodes", "stance", "ordinal", "validFrom", "validTo", "contested")
}

// Several statuses of one day are in order; each was reached, and the last one holds.
func TestStatusesOfOneDay(t *testing.T) {
	t.Parallel()
	a := withTalks(t) // the line is proposed since January
	a.move("UNDER_NEGOTIATION", 0, nil).Want("changeScenarioStatus.statusChange.from", "PROPOSED")
	a.move("AGREED", 2, map[string]any{"expectedStatus": "UNDER_NEGOTIATION"}).
		Want("changeScenarioStatus.statusChange.from", "UNDER_NEGOTIATION", "changeScenarioStatus.scenario.status", "AGREED")
	a.move("COLLAPSED", 3, nil).Want("changeScenarioStatus.scenario.status", "COLLAPSED")
	wantLines(t, "statuses", a.statuses(), "0 <nil> PROPOSED []", "0 PROPOSED UNDER_NEGOTIATION []",
		"2 UNDER_NEGOTIATION AGREED [AGREED_IN_PRINCIPLE]", "3 AGREED COLLAPSED []")

	// A late report takes its place between them.
	a.move("REJECTED", 1, nil).Refused("INVALID_TRANSITION to", "(ordinal 1) can't come before the recorded AGREED",
		"(ordinal 2)")
	a.move("AGREED_IN_PRINCIPLE", 1, map[string]any{"expectedStatus": "COLLAPSED"}).
		Refused("CONFLICT expectedStatus", "UNDER_NEGOTIATION", "(ordinal 1)")
	late := a.move("AGREED_IN_PRINCIPLE", 1, map[string]any{"expectedStatus": "UNDER_NEGOTIATION"})
	late.Want("changeScenarioStatus.statusChange.skipped", "[]", "changeScenarioStatus.scenario.status", "COLLAPSED",
		"changeScenarioStatus.scenario.statusSince", "2025-08-16T00:00:00.000000Z")
	a.Must(`{ changes(order: NEWEST_FIRST, first: 2) { nodes { ... on ScenarioStatusChanged { cause previous { to } } } } }`).
		Want("changes.nodes.0.cause", "LATE_REPORT", "changes.nodes.0.previous.to", "UNDER_NEGOTIATION",
			"changes.nodes.1.cause", "WORLD_CHANGED")
	wantLines(t, "statuses", a.statuses(), "0 <nil> PROPOSED []", "0 PROPOSED UNDER_NEGOTIATION []",
		"1 UNDER_NEGOTIATION AGREED_IN_PRINCIPLE []", "2 AGREED_IN_PRINCIPLE AGREED []", "3 AGREED COLLAPSED []")

	got := a.Must(`{
		before: scenario(id: "talks/line", asOf: {validAt: "2025-08-15T23:59:59.999999Z"}) { status }
		on: scenario(id: "talks/line", asOf: {validAt: "2025-08-16T00:00:00Z"}) { status statusHistory { totalCount } }
		agreed: scenarios(filter: {everReached: [AGREED]}) { totalCount }
		never: scenarios(filter: {notReached: [AGREED_IN_PRINCIPLE]}) { nodes { key } }
		early: scenarios(filter: {everReached: [AGREED]}, asOf: {validAt: "2025-08-15T23:59:59.999999Z"}) { totalCount }
		statusChanges(first: 2) { nodes { to } pageInfo { endCursor } } }`)
	got.Want("before.status", "PROPOSED", "on.status", "COLLAPSED", "on.statusHistory.totalCount", 5,
		"agreed.totalCount", 1, "never.nodes", "[map[key:strip]]", "early.totalCount", 0,
		"statusChanges.nodes", "[map[to:COLLAPSED] map[to:AGREED]]")
	a.Must(fmt.Sprintf(`{ statusChanges(first: 2, after: %q) { nodes { to } } }`,
		got.Text("statusChanges.pageInfo.endCursor"))).
		Want("statusChanges.nodes", "[map[to:AGREED_IN_PRINCIPLE] map[to:UNDER_NEGOTIATION]]")
}

func TestStatusesOfOneDayCollide(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.move("AGREED", 1, map[string]any{"effectiveAtPrecision": "INSTANT"}).Refused("INVALID ordinal", "Ordinal 1",
		"effectiveAtPrecision is INSTANT", "DAY")
	a.move("AGREED", 100, nil).Refused("INVALID ordinal", "100", "0 to 99")
	a.move("AGREED", -1, nil).Refused("INVALID ordinal", "-1", "0 to 99")
	first := a.move("AGREED", 1, nil).Text("changeScenarioStatus.statusChange.id")
	a.move("STALLED", 1, nil).Refused("CONFLICT effectiveAt", "(ordinal 1), to AGREED",
		"another instant or, if both are known to the day only, another ordinal")
	a.move("STALLED", 0, map[string]any{"effectiveAtPrecision": "HOUR"}).Refused("CONFLICT effectiveAt", "to AGREED")
	a.move("STALLED", 2, nil).Want("changeScenarioStatus.statusChange.from", "AGREED")

	correct := func(fields string) apitest.Answer {
		return a.Ask(fmt.Sprintf(`mutation { correctStatusChange(input: {statusChange: %q, note: "misread", %s}) {
			statusChange { to ordinal } cursor userErrors { code message field } } }`, first, fields))
	}
	correct(`ordinal: 2`).Refused("CONFLICT effectiveAt", "to STALLED")
	correct(`clear: ["ordinal"]`).Refused("INVALID ordinal", "can't be cleared")
	correct(`effectiveAtPrecision: MONTH`).Refused("INVALID ordinal", "MONTH")
	correct(`effectiveAtPrecision: INSTANT, ordinal: 0`).Refused("CONFLICT effectiveAt")
	correct(`ordinal: 3`).Want("correctStatusChange.statusChange", "map[ordinal:3 to:AGREED]")
	correct(`ordinal: 3`).Want("correctStatusChange.cursor", nil)
	wantLines(t, "statuses", a.statuses(), "0 <nil> PROPOSED []", "2 PROPOSED STALLED []", "3 STALLED AGREED []")
	a.Must(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "never"}) { cursor userErrors { code message field } } }`,
		first))
	wantLines(t, "statuses", a.statuses(), "0 <nil> PROPOSED []", "2 PROPOSED STALLED []")
}

func TestFirstStatusOfADay(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	add := func(ordinal int, precision string) apitest.Answer {
		return a.Ask(fmt.Sprintf(`mutation { addScenario(input: {issue: "talks/border", key: "zone", title: "A zone",
			effectiveAt: %q, effectiveAtPrecision: %s, ordinal: %d}) {
			scenario { currentStatusChange { id to ordinal } } userErrors { code message field } } }`, aDay, precision,
			ordinal))
	}
	add(5, "HOUR").Refused("INVALID ordinal", "HOUR")
	add(5, "DAY").Want("addScenario.scenario.currentStatusChange.ordinal", 5)
	a.move("PROPOSED", 4, map[string]any{"scenario": "talks/zone"}).Refused("INVALID_TRANSITION to", "FLOATED")
	a.move("PROPOSED", 6, map[string]any{"scenario": "talks/zone"}).Want("changeScenarioStatus.scenario.status",
		"PROPOSED")
	first := a.Must(`{ scenario(id: "talks/zone") { statusHistory { nodes { id } } } }`).
		Text("scenario.statusHistory.nodes.0.id")
	a.Ask(fmt.Sprintf(`mutation { correctStatusChange(input: {statusChange: %q, note: "n", ordinal: 7}) { userErrors { code message field } } }`,
		first)).Refused("INVALID_TRANSITION", "PROPOSED")
}

// Of a holder's plain positions of one day the last holds; the others hold for no time, and stay in its history.
func TestPositionsOfOneDay(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.hold("NEUTRAL", 0, map[string]any{"validFrom": "2025-08-01T00:00:00Z"})
	a.hold("SUPPORTS", 1, nil).Want("recordPosition.previous.stance", "NEUTRAL", "recordPosition.position.validTo", nil)
	a.hold("OPPOSES", 2, nil).Want("recordPosition.previous.stance", "SUPPORTS")
	wantLines(t, "positions", a.positions(),
		"NEUTRAL 0 2025-08-01 2025-08-16 false", "SUPPORTS 1 2025-08-16 2025-08-16 false",
		"OPPOSES 2 2025-08-16 <nil> false")
	a.Must(`{
		on: positions(asOf: {validAt: "2025-08-16T00:00:00Z"}) { totalCount nodes { stance } }
		before: positions(asOf: {validAt: "2025-08-15T23:59:59.999999Z"}) { totalCount nodes { stance } }
		supported: scenarios(filter: {supportedBy: ["north"]}) { totalCount } }`).
		Want("on.nodes", "[map[stance:OPPOSES]]", "on.totalCount", 1, "before.nodes", "[map[stance:NEUTRAL]]",
			"supported.totalCount", 0)

	// What came before them all on that day, and what says the same as the one that held then.
	late := a.hold("AMBIGUOUS", 0, nil)
	late.Want("recordPosition.position.validTo", "2025-08-16T00:00:00.000000Z", "recordPosition.previous.stance",
		"NEUTRAL")
	a.Must(`{ changes(order: NEWEST_FIRST, first: 1) { nodes { ... on PositionChanged { cause } } } }`).
		Want("changes.nodes.0.cause", "LATE_REPORT")
	before := a.Changes()
	a.hold("OPPOSES", 3, nil).Want("recordPosition.position.ordinal", 2, "recordPosition.cursor", nil)
	a.hold("AMBIGUOUS", 0, nil).Want("recordPosition.position.id", late.At("recordPosition.position.id"))
	if a.Changes() != before {
		t.Error("a position that repeats another made a change")
	}
	wantLines(t, "positions", a.positions(),
		"NEUTRAL 0 2025-08-01 2025-08-16 false", "AMBIGUOUS 0 2025-08-16 2025-08-16 false",
		"SUPPORTS 1 2025-08-16 2025-08-16 false", "OPPOSES 2 2025-08-16 <nil> false")
	got := a.Must(`{ stakeholder(id: "north") { positionHistory(first: 2) { nodes { stance } pageInfo { endCursor } } } }`)
	a.Must(fmt.Sprintf(`{ stakeholder(id: "north") { positionHistory(first: 2, after: %q) { nodes { stance } } } }`,
		got.Text("stakeholder.positionHistory.pageInfo.endCursor"))).
		Want("stakeholder.positionHistory.nodes", "[map[stance:SUPPORTS] map[stance:OPPOSES]]")
}

func TestPositionsOfOneDayCollide(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.hold("SUPPORTS", 1, map[string]any{"validFromPrecision": "MONTH"}).Refused("INVALID ordinal", "Ordinal 1",
		"validFromPrecision is MONTH", "DAY")
	a.hold("SUPPORTS", 100, nil).Refused("INVALID ordinal", "100", "0 to 99")
	a.hold("SUPPORTS", -1, nil).Refused("INVALID ordinal", "-1")
	a.hold("SUPPORTS", 1, nil)
	last := a.hold("OPPOSES", 2, nil).Text("recordPosition.position.id")
	a.hold("NEUTRAL", 2, nil).Refused("CONFLICT validFrom", "(ordinal 2) on (OPPOSES)",
		"another instant or, if both are known to the day only, another ordinal")
	a.hold("NEUTRAL", 0, map[string]any{"validFromPrecision": "INSTANT"}).Refused("CONFLICT validFrom", "(SUPPORTS)")

	correct := func(fields string) apitest.Answer {
		return a.Ask(fmt.Sprintf(`mutation { correctPosition(input: {position: %q, note: "misheard", %s}) {
			position { stance ordinal } cursor userErrors { code message field } } }`, last, fields))
	}
	correct(`ordinal: 1`).Refused("CONFLICT validFrom", "(SUPPORTS)")
	correct(`clear: ["ordinal"]`).Refused("INVALID ordinal")
	correct(`validFromPrecision: HOUR`).Refused("INVALID ordinal", "HOUR")
	correct(`validFromPrecision: HOUR, ordinal: 0`).Refused("CONFLICT validFrom")
	correct(`ordinal: 0`).Want("correctPosition.position", "map[ordinal:0 stance:OPPOSES]")
	correct(`ordinal: 0`).Want("correctPosition.cursor", nil)
	wantLines(t, "positions", a.positions(), "OPPOSES 0 2025-08-16 2025-08-16 false", "SUPPORTS 1 2025-08-16 <nil> false")
	a.Must(`{ scenario(id: "talks/line") { positionHistory(includeSuperseded: true) { totalCount } } }`).
		Want("scenario.positionHistory.totalCount", 3)
}

// A claim may contest what held for no time: it then holds for no time beside it.
func TestContestedWithinADay(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	first := a.hold("SUPPORTS", 1, nil).Text("recordPosition.position.id")
	second := a.hold("OPPOSES", 3, nil).Text("recordPosition.position.id")
	a.hold("NEUTRAL", 3, map[string]any{"contests": first}).Refused("INVALID contests", "(ordinal 3)")
	a.hold("NEUTRAL", 0, map[string]any{"contests": first, "validFrom": "2025-08-17T00:00:00Z"}).
		Refused("INVALID contests", "2025-08-16")
	beside := a.hold("NEUTRAL", 2, map[string]any{"contests": first})
	beside.Want("recordPosition.position.validTo", "2025-08-16T00:00:00.000000Z", "recordPosition.position.contested",
		false)
	a.hold("STRONGLY_OPPOSES", 0, map[string]any{"contests": second, "validFromPrecision": "INSTANT"}).
		Want("recordPosition.position.validTo", nil, "recordPosition.position.contested", true)
	wantLines(t, "positions", a.positions(), "STRONGLY_OPPOSES 0 2025-08-16 <nil> true",
		"SUPPORTS 1 2025-08-16 2025-08-16 false", "NEUTRAL 2 2025-08-16 2025-08-16 false",
		"OPPOSES 3 2025-08-16 <nil> true")

	// Once what they contested is gone, they take its place; and since one is not known to the day only, they are not
	// ordered within it, but stand beside each other.
	for _, id := range []string{first, second} {
		a.Must(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "never"}) { cursor userErrors { code message field } } }`,
			id))
	}
	wantLines(t, "positions", a.positions(), "STRONGLY_OPPOSES 0 2025-08-16 <nil> true", "NEUTRAL 2 2025-08-16 <nil> true")
}

// A data set states the order within a day; importing it again changes nothing.
func TestDaysInDataSets(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	set := func(stance string) string {
		return `
dataset: days
negotiations:
  - key: talks
    issues:
      - key: border
        scenarios:
          - key: zone
            title: A zone
            statuses:
              - {to: FLOATED, effectiveAt: 2025-08-16, effectiveAtPrecision: DAY, ordinal: 1}
              - {to: PROPOSED, effectiveAt: 2025-08-16, effectiveAtPrecision: DAY, ordinal: 2, reason: R}
              - {to: AGREED, effectiveAt: 2025-08-16, effectiveAtPrecision: DAY, ordinal: 4, reason: R}
            positions:
              - {holder: north, stance: SUPPORTS, validFrom: 2025-08-16, validFromPrecision: DAY}
              - {holder: north, stance: ` + stance + `, validFrom: 2025-08-16, validFromPrecision: DAY, ordinal: 1, note: misheard}
`
	}
	if n := a.Load("days.yaml", set("OPPOSES")); n != 5 {
		t.Errorf("the import made %d changes, want 5", n)
	}
	if n := a.Load("days.yaml", set("OPPOSES")); n != 0 {
		t.Errorf("importing it again made %d changes", n)
	}
	if n := a.Load("days.yaml", set("NEUTRAL")); n != 1 {
		t.Errorf("a correction made %d changes, want 1", n)
	}
	got := a.Must(`{ scenario(id: "talks/zone") { status statusHistory { nodes { to ordinal } } positionHistory { nodes { stance ordinal correctionNote } } } }`)
	got.Want("scenario.status", "AGREED", "scenario.statusHistory.nodes",
		"[map[ordinal:1 to:FLOATED] map[ordinal:2 to:PROPOSED] map[ordinal:4 to:AGREED]]",
		"scenario.positionHistory.nodes.0.stance", "SUPPORTS", "scenario.positionHistory.nodes.1.stance", "NEUTRAL",
		"scenario.positionHistory.nodes.1.correctionNote", "misheard")

	for text, says := range map[string]string{
		"{holder: north, stance: SUPPORTS, validFrom: 2025-08-20, ordinal: 1}":                               "validFromPrecision is INSTANT",
		"{holder: north, stance: SUPPORTS, validFrom: 2025-08-20, validFromPrecision: DAY, ordinal: second}": "not a whole number",
		"{holder: north, stance: SUPPORTS, validFrom: 2025-08-20, validFromPrecision: DAY, ordinal: 100}":    "0 to 99",
	} {
		err := a.TryLoad("wrong.yaml", "dataset: wrong\nnegotiations: [{key: talks, issues: [{key: border, scenarios: "+
			"[{key: zone, positions: ["+text+"]}]}]}]\n")
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", text, err, says)
		}
	}
}

// What holds for no time stands beside nothing, even where it lies within another's interval.
func TestNothingStandsBesideAnEmptyInterval(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.hold("SUPPORTS", 0, nil)
	last := a.hold("OPPOSES", 1, nil).Text("recordPosition.position.id")
	a.hold("NEUTRAL", 0, map[string]any{"contests": last, "validFrom": "2025-08-15T00:00:00Z"})
	a.hold("AMBIGUOUS", 0, map[string]any{"validFrom": "2025-08-20T00:00:00Z"})
	got := a.Must(`{ scenario(id: "talks/line") { positionHistory { nodes { stance validTo contested dissenting { stance } } } } }`)
	wantLines(t, "positions", got.Lines("scenario.positionHistory.nodes", "stance", "validTo", "contested", "dissenting"),
		"NEUTRAL 2025-08-20 true [map[stance:OPPOSES]]", "SUPPORTS 2025-08-16 false []",
		"OPPOSES 2025-08-20 true [map[stance:NEUTRAL]]", "AMBIGUOUS <nil> false []")
}
