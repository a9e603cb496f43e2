package recording_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"example.org/parley/server/apitest"
)

// Many requests of several mutations each are all answered: none holds what another waits for.
func TestManyMutationsAtOnce(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	var wait sync.WaitGroup
	for i := range 80 {
		wait.Go(func() {
			a.Must(fmt.Sprintf(`mutation {
				a: registerStakeholder(input: {key: "a-%[1]d", name: "A", kind: GROUP}) { stakeholder { label positions { totalCount } } userErrors { code message field } }
				b: registerStakeholder(input: {key: "b-%[1]d", name: "B", kind: GROUP}) { stakeholder { label positions { totalCount } } userErrors { code message field } }
				c: editStakeholder(input: {stakeholder: "a-%[1]d", name: "C"}) { stakeholder { label } userErrors { code message field } }
			}`, i)).Want("c.stakeholder.label", "C")
		})
	}
	wait.Wait()
}

func TestNullsReferToNothing(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Ask(`mutation { registerStakeholder(input: {id: "00000000-0000-0000-0000-000000000000", key: "nobody", name: "Nobody", kind: GROUP}) { userErrors { code message field } } }`).
		Refused("INVALID id", "UUID")
}

func TestQuotesOfNothing(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	for _, quote := range []string{"[...] I never will", "sign the pact [...] [...] if asked", "if asked [...]",
		"[...]"} {
		a.Ask(`mutation($text: String!) { recordStatement(input: {statement: {source: "gazette", speaker: "envoy", form: DIRECT_QUOTE, text: $text}}) { userErrors { code message field } } }`,
			map[string]any{"text": quote}).Refused("QUOTE_NOT_FOUND statement.text")
	}
}

// A corrected statement is listed for what it is about now, and whoever follows either hears of it.
func TestCorrectedStatementsMove(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	id := a.Must(`{ statements(filter: {about: ["talks/line"]}) { nodes { id } } }`).Text("statements.nodes.0.id")
	before := a.Changes()
	a.Must(fmt.Sprintf(`mutation { correctStatement(input: {statement: %q, about: ["talks/strip"], speaker: "north", note: "misfiled"}) { userErrors { code message field } } }`, id))
	a.Must(`{
		line: scenario(id: "talks/line") { statements { totalCount } }
		strip: scenario(id: "talks/strip") { statements { totalCount } }
		envoy: stakeholder(id: "envoy") { statements { totalCount } }
		north: stakeholder(id: "north") { statements { totalCount } }
	}`).Want("line.statements.totalCount", 0, "strip.statements.totalCount", 1, "envoy.statements.totalCount", 0, "north.statements.totalCount", 1)
	for _, filter := range []string{`scenarios: ["talks/line"]`, `scenarios: ["talks/strip"]`,
		`issues: ["talks/border"]`, `negotiations: ["talks"]`, `stakeholders: ["envoy"]`, `stakeholders: ["north"]`} {
		a.Must(`{ changes(order: NEWEST_FIRST, first: 1, filter: {`+filter+`}) { nodes { note negotiation { key } } } }`).
			Want("changes.nodes.0.note", "misfiled", "changes.nodes.0.negotiation.key", "talks")
	}
	a.Must(fmt.Sprintf(`mutation { correctStatement(input: {statement: %q, about: [], note: "about nothing"}) { userErrors { code message field } } }`, id))
	a.Must(`{ statements(filter: {negotiations: ["talks"]}) { totalCount } }`).Want("statements.totalCount", 0)
	a.Must(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "gone"}) { userErrors { code message field } } }`, id))
	if made := a.Changes() - before; made != 3 {
		t.Errorf("%d changes, want 3", made)
	}
}

// What rests on a statement is told of its correction: another position may prevail by it.
func TestCorrectedEvidence(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	got := a.Must(`mutation { recordPosition(input: {holder: "north", scenario: "talks/strip", stance: SUPPORTS, newEvidence: [{source: "rumour", text: "They want it", form: REPORTED, credibility: C2}]}) {
		position { evidence { id } } userErrors { code message field } } }`)
	a.Must(fmt.Sprintf(`mutation { correctStatement(input: {statement: %q, credibility: C5, note: "denied"}) { userErrors { code message field } } }`, got.Text("recordPosition.position.evidence.0.id")))
	a.Must(`{ changes(order: NEWEST_FIRST, first: 1, filter: {scenarios: ["talks/strip"]}) { nodes { note negotiation { key } ... on RecordChanged { fields } } } }`).
		Want("changes.nodes.0.note", "denied", "changes.nodes.0.negotiation.key", "talks", "changes.nodes.0.fields",
			"[credibility]")
}

// Evidence under an id that the client used before has to be on record still.
func TestRetractedEvidence(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	id := "0198c7a4-7a5c-7bbb-8a7c-6a1a2b3c4d5e"
	statement := fmt.Sprintf(`{id: %q, source: "gazette", text: "They met", form: REPORTED}`, id)
	a.Must(`mutation { recordStatement(input: {statement: ` + statement + `}) { userErrors { code message field } } }`)
	a.Must(`mutation { retract(input: {id: "` + id + `", note: "x"}) { userErrors { code message field } } }`)
	a.Ask(`mutation { recordPosition(input: {holder: "north", scenario: "talks/line", stance: SUPPORTS, newEvidence: [`+statement+`]}) { userErrors { code message field } } }`).
		Refused("ID_REUSED newEvidence.0.id", "retracted")
	a.Ask(`mutation { recordStatement(input: {statement: `+statement+`}) { userErrors { code message field } } }`).Refused("ID_REUSED statement.id", "retracted")
}

func TestLinesUnchangedSince(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	record := func(holder, more string) apitest.Answer {
		return a.Ask(fmt.Sprintf(`mutation { recordPosition(input: {holder: %q, scenario: "talks/line", stance: SUPPORTS %s}) { position { id } cursor userErrors { code message field } } }`, holder, more))
	}
	first := record("north", `, validFrom: "2025-01-05T00:00:00Z"`)
	since := fmt.Sprintf(`, ifUnchangedSince: %q`, first.Text("recordPosition.cursor"))
	if list := apitest.Refusals(record("south", since).Data); len(list) > 0 {
		t.Errorf("another holder's line: %v", list)
	}
	a.Must(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "x"}) { userErrors { code message field } } }`,
		first.Text("recordPosition.position.id")))
	record("north", since).Refused("CONFLICT ifUnchangedSince", "Retracted")
}

func TestEndsAndRepeats(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	joined := a.Must(`mutation { joinNegotiation(input: {negotiation: "talks", stakeholder: "south", role: OBSERVER, validTo: "2190-01-01T00:00:00Z"}) { participation { id } userErrors { code message field } } }`)
	leave := fmt.Sprintf(`mutation { leaveNegotiation(input: {participation: %q}) { participation { validTo } cursor userErrors { code message field } } }`, joined.Text("joinNegotiation.participation.id"))
	if got := a.Must(leave); got.At("leaveNegotiation.cursor") == nil {
		t.Errorf("leaving before the end on record changed nothing: %v", got.Data)
	}
	a.Must(leave).Want("leaveNegotiation.cursor", nil)

	a.Must(`mutation { recordEvent(input: {negotiation: "talks", key: "call", kind: CALL, title: "A call", startedAt: "2025-01-05T00:00:00Z"}) { userErrors { code message field } } }`)
	retract := `mutation { retract(input: {id: "talks/call", note: "x"}) { cursor userErrors { code message field } } }`
	a.Must(retract)
	a.Must(retract).Want("retract.cursor", nil)

	a.Ask(`mutation { editStakeholder(input: {stakeholder: "envoy", kind: STATE}) { userErrors { code message field } } }`).Refused("INVALID kind", "PERSON")
	a.Ask(`{ statements(filter: {said: {from: "2025-01-02T00:00:00Z", to: "2025-01-01T00:00:00Z"}}) { totalCount } }`).Fails("BAD_REQUEST", "not later")
	response, err := http.Get(a.URL + "/graphql?query=%7Bnode(id:%22%ff%22)%7Bid%7D%7D")
	if err != nil {
		t.Fatal(err)
	}
	a.Read(response).Fails("BAD_REQUEST", "UTF-8")
}

// Where several claims stand beside each other, the dissenting ones come in the order in which they would prevail.
func TestDissentingInOrder(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	claim := func(stance, credibility, contests string) string {
		got := a.Must(fmt.Sprintf(`mutation { recordPosition(input: {holder: "north", scenario: "talks/line", stance: %s, validFrom: "2025-01-05T00:00:00Z" %s,
			newEvidence: [{source: "gazette", text: "so it is said", form: REPORTED, credibility: %s}]}) { position { id } userErrors { code message field } } }`, stance, contests, credibility))
		return got.Text("recordPosition.position.id")
	}
	plain := claim("SUPPORTS", "C4", "")
	beside := fmt.Sprintf(`, contests: %q`, plain)
	claim("OPPOSES", "C5", beside)
	claim("NEUTRAL", "C1", beside)
	a.Must(`{ scenario(id: "talks/line") { positions { nodes { stance contested dissenting { stance contested } } } } }`).
		Want("scenario.positions.nodes",
			"[map[contested:true dissenting:[map[contested:true stance:SUPPORTS] map[contested:true stance:OPPOSES]] "+
				"stance:NEUTRAL]]")

	a.Must(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "x"}) { userErrors { code message field } } }`, plain))
	got := a.Must(`{ changes(order: NEWEST_FIRST, first: 1) { nodes { ... on PositionChanged { cause position { id } previous { stance contested dissenting { stance } supersededAt recordedAt } } } } }`)
	got.Want("changes.nodes.0.position", nil, "changes.nodes.0.cause", "RECORD_CORRECTED",
		"changes.nodes.0.previous.stance", "SUPPORTS",
		"changes.nodes.0.previous.contested", true, "changes.nodes.0.previous.dissenting",
		"[map[stance:NEUTRAL] map[stance:OPPOSES]]")
	if got.At("changes.nodes.0.previous.supersededAt") == nil {
		t.Error("a retracted version is superseded")
	}

	a.Must(`mutation { recordPosition(input: {holder: "north", scenario: "talks/line", stance: STRONGLY_SUPPORTS, validFrom: "2025-06-01T00:00:00Z"}) { userErrors { code message field } } }`)
	ended := a.Must(`{ scenario(id: "talks/line") { positionHistory { nodes { id stance validTo } } } }`).Text("scenario.positionHistory.nodes.0.id")
	a.Ask(fmt.Sprintf(`mutation { recordPosition(input: {holder: "north", scenario: "talks/line", stance: AMBIGUOUS, validFrom: "2025-08-01T00:00:00Z", contests: %q}) { userErrors { code message field } } }`, ended)).
		Refused("INVALID contests", "2025-06-01")
}

// A null keeps a field, since many generated clients send it for what is left out; clear empties fields.
func TestNullsKeepWhatClearEmpties(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	edit := func(fields string) apitest.Answer {
		return a.Ask(`mutation { editScenario(input: {scenario: "talks/line", ` + fields + `}) {
			scenario { title summary deadline targetStage } cursor userErrors { code message field } } }`)
	}
	const all = `summary: "Along the river", deadline: "2026-01-01T00:00:00Z", targetStage: CEASEFIRE`
	edit(all).Want("editScenario.scenario.summary", "Along the river")
	edit(`title: null, summary: null, criteria: null, deadline: null, targetStage: null, ifUnchangedSince: null, clear: null`).
		Want("editScenario.cursor", nil, "editScenario.scenario.summary", "Along the river", "editScenario.scenario.targetStage", "CEASEFIRE")
	edit(`clear: ["summary", "deadline", "summary"]`).Want("editScenario.scenario.summary", nil, "editScenario.scenario.deadline", nil,
		"editScenario.scenario.targetStage", "CEASEFIRE")
	edit(`clear: ["summary"]`).Want("editScenario.cursor", nil)
	edit(`targetStage: CEASEFIRE, clear: ["targetStage"]`).Refused("INVALID clear", "targetStage has a value", "one of them")
	edit(`clear: ["title"]`).Refused("INVALID title", "can't be cleared")
	for _, name := range []string{"scenario", "ifUnchangedSince", "Summary", "", "clear"} {
		edit(`clear: [`+strconv.Quote(name)+`]`).Refused("INVALID clear", strconv.Quote(name)+" is no field", "title, summary, criteria, deadline and targetStage")
	}
	party := func(fields string) apitest.Answer {
		return a.Ask(`mutation { editStakeholder(input: {stakeholder: "north", ` + fields + `}) { stakeholder { aliases } cursor userErrors { code message field } } }`)
	}
	party(`aliases: ["The North"]`).Want("editStakeholder.stakeholder.aliases", "[The North]")
	party(`aliases: null`).Want("editStakeholder.cursor", nil)
	party(`aliases: []`).Want("editStakeholder.stakeholder.aliases", "[]")
}
