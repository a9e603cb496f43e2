package recording_test

import (
	"fmt"
	"strings"
	"testing"
)

const restoring = `
dataset: restoring
stakeholders: [{key: alba, name: Alba, kind: STATE}, {key: vela, name: Ana Vela, kind: PERSON}]
sources: [{key: wire, title: The wire, body: "We agree, said Alba."}]
statements: [{key: agrees, source: wire, form: DIRECT_QUOTE, speaker: alba, text: We agree, saidAt: 2025-02-01}]
affiliations: [{key: vela-alba, person: vela, organization: alba, office: envoy, validFrom: 2025-01-01}]
negotiations:
  - key: talks
    title: Talks
    participations: [{stakeholder: alba, role: PRIMARY_PARTY}]
    relations: [{kind: MUTUALLY_EXCLUSIVE, from: line, to: strip}]
    issues:
      - key: border
        title: The border
        scenarios:
          - key: line
            title: A line
            statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}, {to: UNDER_NEGOTIATION, reason: Talks., effectiveAt: 2025-02-01}]
          - key: strip
            title: A strip
            statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}, {to: STALLED, reason: A halt., effectiveAt: 2025-02-01, evidence: [agrees]}]
          - {key: wall, title: A wall, statuses: [{to: FLOATED, effectiveAt: 2025-01-01}]}
`

func (a *api) retract(id string) {
	a.T.Helper()
	a.Must(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "A mistake."}) { node { id } cursor userErrors { code message field } } }`, id))
}

func restore(id string) string {
	return fmt.Sprintf(`mutation { restore(input: {id: %q, note: "It was right."}) { node { __typename id label } cursor userErrors { code message field } } }`, id)
}

// What was retracted comes back as it was, in a new version; through the lens it is absent in between.
func TestWhatWasRetractedComesBack(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("restoring.yaml", restoring)
	before := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.retract("talks/wall")
	between := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.Ask(`{ scenario(id: "talks/wall") { title } }`).Want("scenario", nil)
	a.Ask(restore("talks/nothing")).Refused("NOT_FOUND id", "talks/nothing")
	a.Ask(restore("talks/line")).Refused("INVALID id", "on record")
	a.Ask(`mutation { restore(input: {id: "talks/wall", note: " "}) { node { id } userErrors { code message field } } }`).Refused("INVALID note")
	back := a.Must(restore("talks/wall"))
	back.Want("restore.node.label", "A wall")
	id := back.Text("restore.node.id")
	a.Must(restore(id)).Want("restore.cursor", nil, "restore.node.id", id)
	const wall = `{ title status statusHistory(first: 5) { totalCount } }`
	a.Must(fmt.Sprintf(`{ now: scenario(id: "talks/wall") %[1]s before: scenario(id: "talks/wall", asOf: {knownAt: %[2]q}) %[1]s
		between: scenario(id: "talks/wall", asOf: {knownAt: %[3]q}) %[1]s byID: record(id: %[4]q, asOf: {knownAt: %[3]q}) { id } }`,
		wall, before, between, id)).
		Want("now.status", "FLOATED", "now.statusHistory.totalCount", 1, "before.status", "FLOATED", "between", nil, "byID", nil)
	a.Ask(fmt.Sprintf(`{ positions(filter: {scenarios: ["talks/wall"]}, asOf: {knownAt: %q}) { totalCount } }`, between)).
		Fails("BAD_REQUEST", "talks/wall", "was retracted on")
	a.Must(`{ changes(order: NEWEST_FIRST, first: 1) { nodes { summary note ... on RecordChanged { action node { label } } negotiation { key } } } }`).
		Want("changes.nodes.0.summary", "Restored scenario “A wall”.", "changes.nodes.0.action", "RESTORED",
			"changes.nodes.0.note", "It was right.", "changes.nodes.0.node.label", "A wall", "changes.nodes.0.negotiation.key", "talks")
	a.retract(id)
	a.Must(restore(id)).Want("restore.node.label", "A wall")
}

// What a record refers to has to be on record before it comes back.
func TestWhatComesBackHasWhatItRefersTo(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("restoring.yaml", restoring)
	got := a.Must(`{ scenario(id: "talks/strip") { statusHistory(first: 5) { nodes { id to evidence { id source { id } } } } relations { id } }
		stakeholder(id: "vela") { affiliations { id } } }`)
	stalled, statement := got.Text("scenario.statusHistory.nodes.1.id"), got.Text("scenario.statusHistory.nodes.1.evidence.0.id")
	a.retract(stalled)
	a.retract(statement)
	a.retract("wire")
	a.Ask(restore(stalled)).Refused("NOT_FOUND id", "a statement (", "was retracted on 20", "restore that first")
	a.Ask(restore(statement)).Refused("NOT_FOUND id", "a source (wire, ")
	a.Must(restore("wire"))
	a.Must(restore(statement)).Want("restore.node.label", "We agree")
	a.Must(restore(stalled))
	a.Must(`{ scenario(id: "talks/strip") { status statusHistory(first: 5) { nodes { evidence { text verified } } } } changes(order: NEWEST_FIRST,
		first: 1) { nodes { __typename summary ... on ScenarioStatusChanged { cause } } } }`).
		Want("scenario.status", "STALLED", "scenario.statusHistory.nodes.1.evidence.0.verified", true, "changes.nodes.0.__typename", "ScenarioStatusChanged",
			"changes.nodes.0.cause", "RECORD_CORRECTED", "changes.nodes.0.summary", "Restored that “A strip” became stalled on 2025-02-01.")
	office := got.Text("stakeholder.affiliations.0.id")
	a.retract(office)
	a.Must(`mutation { affiliate(input: {person: "vela", organization: "alba", office: "envoy", validFrom: "2025-02-01T00:00:00Z"}) { userErrors { code message field } } }`)
	a.Ask(restore(office)).Refused("CONFLICT id", "office")
	// The life cycle allows it no longer where another status has come between.
	a.retract(stalled)
	a.Must(`mutation { changeScenarioStatus(input: {scenario: "talks/strip", to: REJECTED, reason: "No.", effectiveAt: "2025-01-15T00:00:00Z"}) {
		userErrors { code message field } } }`)
	a.Ask(restore(stalled)).Refused("INVALID_TRANSITION id", "STALLED")
	// Nor does a rule over two records that came about meanwhile.
	relation := got.Text("scenario.relations.0.id")
	a.retract(relation)
	for _, s := range []string{"line", "strip"} {
		a.Must(fmt.Sprintf(`mutation { resolveScenario(input: {scenario: "talks/%s", outcome: OCCURRED}) { userErrors { code message field } } }`, s))
	}
	a.Ask(restore(relation)).Refused("CONFLICT id", "A strip", "A line")
}

// A mistyped key is not used up: once its record is retracted, another one can have it, and each lens shows whose it was.
func TestAKeyIsGivenAnew(t *testing.T) {
	t.Parallel()
	a := start(t)
	register := func(name string) string {
		return a.Must(fmt.Sprintf(`mutation { registerStakeholder(input: {key: "rusia", name: %q, kind: STATE}) { stakeholder { id }
			userErrors { code message field } } }`, name)).
			Text("registerStakeholder.stakeholder.id")
	}
	mistyped := register("Rusia")
	first := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.Ask(`mutation { registerStakeholder(input: {key: "rusia", name: "R", kind: STATE}) { userErrors { code message field } } }`).Refused("TAKEN key", "rusia")
	a.retract("rusia")
	none := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	again := register("Rusia, the village")
	const who = `{ now: stakeholder(id: "rusia") { name } first: stakeholder(id: "rusia", asOf: {knownAt: %q}) { name }
		none: stakeholder(id: "rusia", asOf: {knownAt: %q}) { name }
		node: record(id: "rusia", asOf: {knownAt: %[1]q}) { label } old: record(id: %[3]q, asOf: {knownAt: %[1]q}) { label } gone: node(id: %[3]q) { label } }`
	a.Must(fmt.Sprintf(who, first, none, mistyped)).Want("now.name", "Rusia, the village", "first.name", "Rusia", "none", nil, "node.label", "Rusia",
		"old.label", "Rusia", "gone", nil)
	a.Ask(restore(mistyped)).Refused("TAKEN id", "rusia", "Rusia, the village")
	a.Ask(restore("rusia")).Refused("INVALID id", "on record")
	a.retract(again)
	a.Ask(restore("rusia")).Refused("INVALID id", "2 records had the key", mistyped, again)
	a.Must(restore(mistyped)).Want("restore.node.label", "Rusia")
	a.Must(fmt.Sprintf(who, first, none, mistyped)).Want("now.name", "Rusia", "first.name", "Rusia", "none", nil, "gone.label", "Rusia")
}

// What was merged does not come back, and nobody else comes back under its key.
func TestAKeyThatWasMergedStaysGiven(t *testing.T) {
	t.Parallel()
	a := start(t)
	register := func(key, name string) string {
		return a.Must(fmt.Sprintf(`mutation { registerStakeholder(input: {key: %q, name: %q, kind: STATE}) { stakeholder { id } userErrors { code message field } } }`,
			key, name)).Text("registerStakeholder.stakeholder.id")
	}
	first := register("rusia", "Rusia, the village")
	a.retract("rusia")
	mistyped := register("rusia", "Rusia")
	register("russia", "Russia")
	a.Must(`mutation { mergeStakeholders(input: {from: "rusia", into: "russia", note: "n"}) { userErrors { code message field } } }`)
	a.Ask(restore("rusia")).Refused("INVALID id", "was merged into", "Russia", "can't be undone")
	a.Ask(restore(mistyped)).Refused("INVALID id", "was merged into", "Russia", "can't be undone")
	a.Ask(restore(first)).Refused("TAKEN id", "rusia", "Russia", "under another key")
}

// A quote that was verified stays so, although its source's text was erased while it was off record.
func TestAQuoteComesBackVerifiedWithoutItsText(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("restoring.yaml", restoring)
	id := a.Must(`{ source(id: "wire") { statements { nodes { id } } } }`).Text("source.statements.nodes.0.id")
	a.retract(a.Must(`{ scenario(id: "talks/strip") { statusHistory { nodes { id } } } }`).Text("scenario.statusHistory.nodes.1.id"))
	a.retract(id)
	if _, err := a.Store.EraseBody(a.Ctx, "wire", "a court's order"); err != nil {
		t.Fatal(err)
	}
	a.Must(restore(id))
	a.Must(fmt.Sprintf(`{ node(id: %q) { ... on Statement { verified } } }`, id)).Want("node.verified", true)
}

// A file that is imported again says what it skips, since the key of what it describes belongs to another record.
func TestAFileWhoseKeyIsAnothersSince(t *testing.T) {
	t.Parallel()
	a := start(t)
	file := "dataset: villages\nstakeholders:\n  - {key: rusia, name: Rusia, kind: STATE}\n"
	a.Load("villages.yaml", file)
	a.retract("rusia")
	if warnings := a.Warned("villages.yaml", file); len(warnings) > 0 {
		t.Errorf("a retracted record is warned of: %q", warnings)
	}
	a.Must(`mutation { registerStakeholder(input: {key: "rusia", name: "Rusia, the village", kind: STATE}) { userErrors { code message field } } }`)
	warnings := a.Warned("villages.yaml", strings.Replace(file, "name: Rusia", "name: Rossiya", 1))
	if len(warnings) != 1 || !strings.HasPrefix(warnings[0], "villages.yaml:3: This stakeholder was retracted, and its key belongs to another record since") {
		t.Errorf("the warnings are %q", warnings)
	}
	a.Must(`{ stakeholder(id: "rusia") { name } }`).Want("stakeholder.name", "Rusia, the village")
}

// An assessment that comes back is recorded then: it can't be taken back and forth to suit what came about.
func TestARestoredAssessmentIsRecordedThen(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("restoring.yaml", restoring)
	id := a.Must(`mutation { assessScenario(input: {scenario: "talks/wall", probability: 90, confidence: LOW, rationale: "So it looks."}) { assessment { id recordedAt } userErrors { code message field } } }`).
		Text("assessScenario.assessment.id")
	a.retract(id)
	a.Must(`mutation { resolveScenario(input: {scenario: "talks/wall", outcome: OCCURRED}) { userErrors { code message field } } }`)
	a.Must(restore(id))
	a.Must(fmt.Sprintf(`{ node(id: %q) { ... on Assessment { scored unscoredBecause brierScore } } }`, id)).
		Want("node.scored", false, "node.brierScore", nil)
}

// A scenario comes back in as many statements, however many statuses it has.
func TestStatementsOfARestoredScenario(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("restoring.yaml", restoring)
	cost := func(key string, statuses int) int64 {
		a.Must(fmt.Sprintf(`mutation { addScenario(input: {issue: "talks/border", key: %q, title: "S", effectiveAt: "2025-01-01T00:00:00Z"}) {
			userErrors { code message field } } }`, key))
		for i := range statuses {
			a.Must(fmt.Sprintf(`mutation { changeScenarioStatus(input: {scenario: "talks/%s", to: %s, reason: "R", effectiveAt: "2025-02-0%dT00:00:00Z"}) {
				userErrors { code message field } } }`, key, []string{"STALLED", "UNDER_NEGOTIATION"}[i%2], i+1))
		}
		a.retract("talks/" + key)
		return a.Statements(restore("talks/" + key))
	}
	if few, many := cost("few", 1), cost("many", 8); few != many {
		t.Errorf("it takes %d statements with one more status and %d with eight", few, many)
	}
}
