package history_test

import (
	"fmt"
	"testing"

	"example.org/parley/server/apitest"
)

const whole = `statusChanges { totalCount nodes { scenario { key } before after cause } }
	positions { totalCount nodes { party { key } scenario { key } before { stance validTo } after { stance } cause } }
	scenariosAdded { totalCount nodes { key status } } participantsJoined { totalCount nodes { role } } participantsLeft { totalCount nodes { role stakeholder { key } } }`

// rest are the lists that other tests look into.
const rest = ` ` + likelihoodMoves + eventMoves + officeMoves

func (a *api) diff(from, to string) apitest.Answer {
	a.T.Helper()
	return a.Must(fmt.Sprintf(`{ negotiation(id: "talks") { diff(from: {%s}, to: {%s}) { `+whole+` } } }`, from, to))
}

// What the demo data believed on the 16th about the 15th is not what is believed today, and the diff says why.
func TestWhatWasBelieved(t *testing.T) {
	t.Parallel()
	a := withDemo(t)
	const noon15, noon16 = `"2025-08-15T12:00:00Z"`, `"2025-08-16T12:00:00Z"`
	got := a.Must(`{ then: scenario(id: "ukraine-2025/ceasefire-first", asOf: {validAt: ` + noon15 + `, knownAt: ` + noon16 + `}) { status }
		today: scenario(id: "ukraine-2025/ceasefire-first", asOf: {validAt: ` + noon15 + `}) { status currentStatusChange { correctionNote } }
		negotiation(id: "ukraine-2025") { diff(from: {validAt: ` + noon15 + `, knownAt: ` + noon16 + `}, to: {validAt: ` + noon15 + `}) {
			statusChanges { nodes { scenario { key } before after cause } } } } }`)
	got.Want("then.status", "UNDER_NEGOTIATION", "today.status", "STALLED",
		"negotiation.diff.statusChanges.nodes.0.scenario.key", "ceasefire-first",
		"negotiation.diff.statusChanges.nodes.0.before", "UNDER_NEGOTIATION",
		"negotiation.diff.statusChanges.nodes.0.after", "STALLED", "negotiation.diff.statusChanges.nodes.0.cause",
		"RECORD_CORRECTED",
		"negotiation.diff.statusChanges.nodes.1.cause", "FIRST_RECORDED")
}

func TestCauses(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const refused = `userErrors { code message field }`
	status := func(on, to, effective string) apitest.Answer {
		return a.On(on,
			fmt.Sprintf(`changeScenarioStatus(input: {scenario: "talks/line", to: %s, reason: "r", effectiveAt: %q}) { statusChange { id } %s }`, to, effective, refused))
	}
	position := func(on, stance, from string) apitest.Answer {
		return a.On(on,
			fmt.Sprintf(`recordPosition(input: {holder: "north", scenario: "talks/line", stance: %s, validFrom: %q}) { position { id } %s }`, stance, from, refused))
	}
	position("2030-01-01T00:00:00Z", "SUPPORTS", "2029-06-01T00:00:00Z")
	status("2030-01-02T00:00:00Z", "STALLED", "2030-01-02T00:00:00Z")
	a.On("2030-01-03T00:00:00Z",
		`addScenario(input: {issue: "talks/border", key: "zone", title: "A zone", initialStatus: PROPOSED, effectiveAt: "2029-01-01T00:00:00Z"}) { `+refused+` }`)
	late := position("2030-01-04T00:00:00Z", "NEUTRAL", "2029-12-01T00:00:00Z").Text("recordPosition.position.id")
	wrong := status("2030-01-05T00:00:00Z", "UNDER_NEGOTIATION",
		"2030-01-04T00:00:00Z").Text("changeScenarioStatus.statusChange.id")
	a.On("2030-01-06T00:00:00Z",
		fmt.Sprintf(`correctStatusChange(input: {statusChange: %q, to: PROPOSED, note: "n"}) { %s }`, wrong, refused))
	a.On("2030-01-07T00:00:00Z", fmt.Sprintf(`retract(input: {id: %q, note: "n"}) { %s }`, late, refused))
	a.On("2030-01-08T00:00:00Z",
		`joinNegotiation(input: {negotiation: "talks", stakeholder: "south", role: OBSERVER, validFrom: "2030-01-08T00:00:00Z", validTo: "2030-02-01T00:00:00Z"}) { `+refused+` }`)

	lens := func(validAt, knownAt string) string {
		return fmt.Sprintf(`validAt: "2030-01-%sT12:00:00Z", knownAt: "2030-01-%sT12:00:00Z"`, validAt, knownAt)
	}
	a.SetClock("2030-03-01T00:00:00Z")
	for _, tt := range []struct{ from, to, status, position string }{
		{lens("01", "01"), lens("01", "01"), "[]", "[]"},
		{lens("01", "02"), lens("02", "02"), "[line PROPOSED STALLED WORLD_CHANGED]", "[]"},
		{lens("02", "01"), lens("02", "02"), "[line PROPOSED STALLED LATE_REPORT]", "[]"},
		{lens("02", "02"), lens("02", "03"), "[zone <nil> PROPOSED FIRST_RECORDED]", "[]"},
		{lens("02", "03"), lens("02", "04"), "[]", "[north line SUPPORTS NEUTRAL LATE_REPORT]"},
		{lens("04", "05"), lens("04", "06"), "[line UNDER_NEGOTIATION PROPOSED RECORD_CORRECTED]", "[]"},
		{lens("04", "06"), lens("04", "07"), "[]", "[north line NEUTRAL SUPPORTS RECORD_CORRECTED]"},
		{lens("04", "07"), lens("04", "06"), "[]", "[north line SUPPORTS NEUTRAL RECORD_CORRECTED]"},
		{lens("02", "03"), lens("02", "08"), "[]", "[]"},
		{lens("03", "04"), lens("05", "08"), "[line STALLED PROPOSED WORLD_CHANGED]",
			"[north line NEUTRAL SUPPORTS RECORD_CORRECTED]"},
		{`validAt: "2000-01-01T00:00:00Z"`, lens("01", "01"),
			"[line <nil> PROPOSED WORLD_CHANGED strip <nil> FLOATED WORLD_CHANGED]",
			"[north line <nil> SUPPORTS WORLD_CHANGED]"},
	} {
		got := a.diff(tt.from, tt.to)
		at := "negotiation.diff."
		var statuses, positions []any
		for i := range got.Count(at + "statusChanges.nodes") {
			n := fmt.Sprint(at, "statusChanges.nodes.", i, ".")
			statuses = append(statuses, got.At(n+"scenario.key"), got.At(n+"before"), got.At(n+"after"),
				got.At(n+"cause"))
		}
		for i := range got.Count(at + "positions.nodes") {
			n := fmt.Sprint(at, "positions.nodes.", i, ".")
			positions = append(positions, got.At(n+"party.key"), got.At(n+"scenario.key"), got.At(n+"before.stance"),
				got.At(n+"after.stance"), got.At(n+"cause"))
		}
		if s, p := fmt.Sprint(statuses), fmt.Sprint(positions); s != tt.status || p != tt.position {
			t.Errorf("from %s to %s: statuses %s, want %s; positions %s, want %s", tt.from, tt.to, s, tt.status, p,
				tt.position)
		}
	}
	a.diff(lens("07", "08"), lens("09", "08")).Want("negotiation.diff.participantsJoined.nodes.0.role", "OBSERVER",
		"negotiation.diff.participantsJoined.totalCount", 1,
		"negotiation.diff.participantsLeft.totalCount", 0, "negotiation.diff.scenariosAdded.totalCount", 0)
	a.diff(lens("20", "08"),
		`validAt: "2030-02-01T00:00:00Z"`).Want("negotiation.diff.participantsLeft.nodes.0.stakeholder.key", "south",
		"negotiation.diff.participantsJoined.totalCount", 0)
	a.diff(lens("02", "02"), lens("02", "03")).Want("negotiation.diff.scenariosAdded.nodes.0.key", "zone",
		"negotiation.diff.scenariosAdded.totalCount", 1)

	// A page at a time, and by the same cursors.
	page := a.Must(`{ negotiation(id: "talks") { diff(from: {validAt: "2000-01-01T00:00:00Z"}, to: {}) { statusChanges(first: 1) { pageInfo { hasNextPage endCursor } nodes { scenario { key } } } } } }`)
	a.Must(fmt.Sprintf(`{ negotiation(id: "talks") { diff(from: {validAt: "2000-01-01T00:00:00Z"}, to: {}) { statusChanges(first: 5, after: %q) { totalCount pageInfo { hasNextPage } nodes { scenario { key } } } } } }`,
		page.Text("negotiation.diff.statusChanges.pageInfo.endCursor"))).
		Want("negotiation.diff.statusChanges.nodes.0.scenario.key", "strip",
			"negotiation.diff.statusChanges.totalCount", 3)
	a.Ask(`{ negotiation(id: "talks") { diff(from: {}, to: {knownAt: "2999-01-01T00:00:00Z"}) { statusChanges { totalCount } } } }`).Fails("BAD_LENS", "2999")
	if n := a.Statements(`{ negotiation(id: "talks") { diff(from: {validAt: "2000-01-01T00:00:00Z", knownAt: "2030-01-01T00:00:00Z"}, to: {}) { ` + whole + rest + ` } } }`); n != 35 {
		t.Errorf("%d statements", n)
	}
}

// A fact that was taken back and entered anew at the same instant is a correction, and a role taken up again is no
// change.
func TestCausesOfWhatWasEnteredAnew(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const refused = `userErrors { code message field }`
	status := a.On("2030-01-01T00:00:00Z",
		`changeScenarioStatus(input: {scenario: "talks/line", to: STALLED, reason: "r", effectiveAt: "2029-01-01T00:00:00Z"}) { statusChange { id } `+refused+` }`).Text("changeScenarioStatus.statusChange.id")
	position := a.On("2030-01-01T01:00:00Z",
		`recordPosition(input: {holder: "north", scenario: "talks/line", stance: SUPPORTS, validFrom: "2029-01-01T00:00:00Z"}) { position { id } `+refused+` }`).Text("recordPosition.position.id")
	role := a.On("2030-01-01T02:00:00Z",
		`joinNegotiation(input: {negotiation: "talks", stakeholder: "south", role: OBSERVER, validFrom: "2029-01-01T00:00:00Z"}) { participation { id } `+refused+` }`).Text("joinNegotiation.participation.id")
	a.On("2030-01-02T00:00:00Z", fmt.Sprintf(`a: retract(input: {id: %q, note: "n"}) { %s } b: retract(input: {id: %q, note: "n"}) { %s }
		c: leaveNegotiation(input: {participation: %q, validTo: "2029-06-01T00:00:00Z"}) { %s }`, status, refused, position, refused, role, refused))
	a.On("2030-01-03T00:00:00Z", `changeScenarioStatus(input: {scenario: "talks/line", to: UNDER_NEGOTIATION, reason: "r", effectiveAt: "2029-01-01T00:00:00Z"}) { `+refused+` }
		recordPosition(input: {holder: "north", scenario: "talks/line", stance: OPPOSES, validFrom: "2029-01-01T00:00:00Z"}) { `+refused+` }
		joinNegotiation(input: {negotiation: "talks", stakeholder: "south", role: OBSERVER, validFrom: "2029-07-01T00:00:00Z"}) { `+refused+` }`)
	a.SetClock("2030-02-01T00:00:00Z")
	const lenses = `from: {validAt: "2029-12-01T00:00:00Z", knownAt: "2030-01-01T12:00:00Z"}, to: {validAt: "2029-12-01T00:00:00Z", knownAt: "2030-01-03T12:00:00Z"}`
	// The same negotiation comes once for each scenario.
	got := a.Must(`{ scenarios { nodes { negotiation { diff(` + lenses + `) { ` + whole + ` } } } } }`)
	for i := range got.Count("scenarios.nodes") {
		at := fmt.Sprintf("scenarios.nodes.%d.negotiation.diff.", i)
		got.Want(at+"statusChanges.nodes.0.before", "STALLED", at+"statusChanges.nodes.0.after", "UNDER_NEGOTIATION",
			at+"statusChanges.nodes.0.cause", "RECORD_CORRECTED",
			at+"positions.nodes.0.before.stance", "SUPPORTS", at+"positions.nodes.0.after.stance", "OPPOSES",
			at+"positions.nodes.0.cause", "RECORD_CORRECTED",
			at+"participantsJoined.totalCount", 0, at+"participantsLeft.totalCount", 0)
	}
}

// The order within a day decides what holds, so a report of something later that day, or a corrected order, is a shift.
func TestCausesWithinADay(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const refused = `userErrors { code message field }`
	status := func(on, to string, ordinal int) string {
		return a.On(on,
			fmt.Sprintf(`changeScenarioStatus(input: {scenario: "talks/line", to: %s, reason: "r", effectiveAt: "2030-01-02T00:00:00Z", effectiveAtPrecision: DAY, ordinal: %d}) { statusChange { id } %s }`, to, ordinal, refused)).
			Text("changeScenarioStatus.statusChange.id")
	}
	position := func(on, stance string, ordinal int) string {
		return a.On(on,
			fmt.Sprintf(`recordPosition(input: {holder: "north", scenario: "talks/line", stance: %s, validFrom: "2030-01-02T00:00:00Z", validFromPrecision: DAY, ordinal: %d}) { position { id } %s }`, stance, ordinal, refused)).
			Text("recordPosition.position.id")
	}
	status("2030-01-03T00:00:00Z", "STALLED", 1)
	position("2030-01-03T01:00:00Z", "SUPPORTS", 1)
	second := status("2030-01-04T00:00:00Z", "UNDER_NEGOTIATION", 2)
	other := position("2030-01-04T01:00:00Z", "OPPOSES", 2)
	a.On("2030-01-05T00:00:00Z",
		fmt.Sprintf(`correctStatusChange(input: {statusChange: %q, ordinal: 0, note: "n"}) { %s }`, second, refused))
	a.On("2030-01-05T01:00:00Z",
		fmt.Sprintf(`correctPosition(input: {position: %q, ordinal: 0, note: "n"}) { %s }`, other, refused))
	a.SetClock("2030-03-01T00:00:00Z")
	known := func(day int) string {
		return fmt.Sprintf(`validAt: "2030-01-02T00:00:00Z", knownAt: "2030-01-%02dT12:00:00Z"`, day)
	}
	const shifts = "negotiation.diff.statusChanges.nodes.0."
	for _, tt := range []struct {
		from, to                      int
		before, after, stances, cause string
	}{
		{3, 4, "STALLED", "UNDER_NEGOTIATION", "SUPPORTS OPPOSES", "LATE_REPORT"},
		{4, 5, "UNDER_NEGOTIATION", "STALLED", "OPPOSES SUPPORTS", "RECORD_CORRECTED"},
		{5, 4, "STALLED", "UNDER_NEGOTIATION", "SUPPORTS OPPOSES", "RECORD_CORRECTED"},
	} {
		got := a.diff(known(tt.from), known(tt.to))
		got.Want("negotiation.diff.statusChanges.totalCount", 1, "negotiation.diff.positions.totalCount", 1,
			shifts+"before", tt.before, shifts+"after", tt.after, shifts+"cause", tt.cause)
		p := "negotiation.diff.positions.nodes.0."
		if stances := got.Text(p+"before.stance") + " " + got.Text(p+"after.stance"); stances != tt.stances {
			t.Errorf("from %d to %d the stance went %s, want %s", tt.from, tt.to, stances, tt.stances)
		}
		got.Want(p+"cause", tt.cause)
	}
	a.diff(known(3), known(5)).Want("negotiation.diff.statusChanges.totalCount", 0,
		"negotiation.diff.positions.totalCount", 0)
}
