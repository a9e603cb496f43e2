package analysis_test

import (
	"fmt"
	"strings"
	"testing"
)

const wrongSource = `
dataset: wrong
stakeholders: [{key: alba, name: Alba, kind: STATE}]
sources:
  - {key: wire, title: The wire, reliability: A, body: "We agree, said Alba."}
  - {key: other, title: Another paper, reliability: C, body: "We refuse, said Alba. We agree, too."}
statements:
  - {key: agrees, source: wire, form: DIRECT_QUOTE, speaker: alba, text: We agree, credibility: C2, saidAt: 2025-02-01}
  - {key: refuses, source: other, form: DIRECT_QUOTE, speaker: alba, text: We refuse, credibility: C2, saidAt: 2025-02-01}
negotiations:
  - key: talks
    title: Talks
    participations: [{stakeholder: alba, role: PRIMARY_PARTY}]
    events: [{key: round, title: A round, kind: MEETING, startedAt: 2025-02-01, evidence: [agrees]}]
    relations: [{kind: COMPATIBLE, from: line, to: strip, claimedBy: alba, evidence: [agrees, refuses]}]
    issues:
      - key: border
        title: The border
        scenarios:
          - key: line
            title: A line
            statuses: [{to: PROPOSED, effectiveAt: 2025-01-01, evidence: [agrees]}]
            positions:
              - {key: p, holder: alba, stance: SUPPORTS, validFrom: 2025-02-01, evidence: [agrees]}
              - {key: q, holder: alba, stance: OPPOSES, validFrom: 2025-02-01, contests: p, evidence: [refuses]}
          - {key: strip, title: A strip, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}]}
`

// A source that proved wrong is followed to everything that rests on it, and its evidence is detached.
func TestASourceThatProvedWrong(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("wrong.yaml", wrongSource)
	const resting = `restingOnIt { __typename id label }`
	got := a.Must(`{ source(id: "wire") { statements { nodes { id ` + resting + ` } } }
		positions(filter: {sources: ["wire"]}) { nodes { id stance } } other: positions(filter: {sources: ["other"]}) { totalCount }
		statusChanges(filter: {sources: ["wire"]}) { totalCount } none: statusChanges(filter: {sources: ["other"]}) { totalCount } }`)
	got.Want("positions.nodes.0.stance", "SUPPORTS", "other.totalCount", 0, "statusChanges.totalCount", 1, "none.totalCount", 0)
	statement := got.Text("source.statements.nodes.0.id")
	facts := make(map[string]string)
	for i := range got.Count("source.statements.nodes.0.restingOnIt") {
		fact := fmt.Sprintf("source.statements.nodes.0.restingOnIt.%d.", i)
		facts[got.Text(fact+"__typename")] = got.Text(fact + "id")
	}
	if len(facts) != 4 {
		t.Fatalf("on it rest %v", facts)
	}
	before := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	remove := func(from, evidence, note string) string {
		return fmt.Sprintf(`mutation { removeEvidence(input: {from: %q, evidence: [%s], note: %q}) {
			node { ... on Position { evidence { text } correctionNote } } cursor warnings { code } userErrors { code message field } } }`, from, evidence, note)
	}
	one := fmt.Sprintf("%q", statement)
	a.Ask(remove(facts["Position"], one, "")).Refused("INVALID note")
	a.Ask(remove(facts["Position"], "", "n")).Refused("INVALID evidence")
	a.Ask(remove("talks/line", one, "n")).Refused("NOT_FOUND from", "talks/line")
	a.Ask(remove(facts["Position"], `"talks/line"`, "n")).Refused("NOT_FOUND evidence.0", "statement")
	a.Must(remove(facts["Position"], one, "It was made up.")).Want("removeEvidence.node.evidence", "[]",
		"removeEvidence.node.correctionNote", "It was made up.", "removeEvidence.warnings.0.code", "UNSOURCED")
	a.Must(remove(facts["Position"], one, "n")).Want("removeEvidence.cursor", nil)
	// What it bore out no longer prevails: a correction, for followers and in a diff.
	a.Must(`{ changes(order: NEWEST_FIRST, first: 1) { nodes { note summary ... on RecordChanged { fields } shifts { party { key } before { stance } after { stance } cause } } } }`).
		Want("changes.nodes.0.summary", "Removed evidence from a position on “A line”.", "changes.nodes.0.note", "It was made up.",
			"changes.nodes.0.fields", "[evidence]", "changes.nodes.0.shifts.0.cause", "RECORD_CORRECTED",
			"changes.nodes.0.shifts.0.before.stance", "SUPPORTS", "changes.nodes.0.shifts.0.after.stance", "OPPOSES")
	a.Must(fmt.Sprintf(`{ negotiation(id: "talks") { diff(from: {knownAt: %q}, to: {}) { positions { nodes { before { stance } after { stance } cause } } } } }`, before)).
		Want("negotiation.diff.positions.nodes.0.after.stance", "OPPOSES", "negotiation.diff.positions.nodes.0.cause", "RECORD_CORRECTED")
	for _, kind := range []string{"StatusChange", "ScenarioRelation", "Event"} {
		a.Must(remove(facts[kind], one, "It was made up."))
	}
	after := a.Must(fmt.Sprintf(`{ now: node(id: %q) { ... on Statement { %s } } then: record(id: %[1]q, asOf: {knownAt: %[3]q}) { ... on Statement { %[2]s } }
		relation: node(id: %[4]q) { ... on ScenarioRelation { evidence { text } } } }`, statement, resting, before, facts["ScenarioRelation"]))
	after.Want("now.restingOnIt", "[]", "relation.evidence", "[map[text:We refuse]]")
	if after.Count("then.restingOnIt") != 4 {
		t.Errorf("before, on it rested %v", after.At("then.restingOnIt"))
	}
	// What still rests on it is named; and what was retracted is said to have been.
	a.Ask(`mutation { retract(input: {id: "other", note: "n"}) { userErrors { code message field } } }`).Refused("IN_USE id",
		"Source “Another paper” is in use: a statement (", ") rests on it")
	a.Must(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "It was made up."}) { cursor userErrors { code message field } } }`, statement))
	a.Ask(fmt.Sprintf(`mutation { addEvidence(input: {to: %q, evidence: [%q]}) { userErrors { code message field } } }`, facts["Event"], statement)).
		Refused("NOT_FOUND evidence.0", "was retracted on 20")
	a.Ask(fmt.Sprintf(`mutation { correctStatement(input: {statement: %q, credibility: C1, note: "n"}) { userErrors { code message field } } }`, statement)).
		Refused("NOT_FOUND statement", "was retracted on 20")
	a.Must(`mutation { retract(input: {id: "wire", note: "It was made up."}) { cursor userErrors { code message field } } }`)
	a.Ask(`{ positions(filter: {sources: ["wire"]}) { totalCount } }`).Fails("BAD_REQUEST", "sources", "wire", "was retracted on 20")
	other := a.Must(`mutation { recordStatement(input: {statement: {source: "other", form: REPORTED, text: "Words."}}) { statement { id }
		userErrors { code message field } } }`).
		Text("recordStatement.statement.id")
	a.Ask(remove(facts["Position"], fmt.Sprintf("%q", other), "n")).Refused("INVALID evidence.0", "does not rest on")
}

// A statement that was filed under the wrong source is moved to the right one, and its quote is looked up there.
func TestAStatementOfAnotherSource(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("wrong.yaml", wrongSource)
	quotes := a.Must(`{ wire: source(id: "wire") { statements { nodes { id } } } other: source(id: "other") { statements { nodes { id } } } }`)
	move := func(statement, source string) string {
		return fmt.Sprintf(`mutation { correctStatement(input: {statement: %q, source: %s, note: "n"}) {
			statement { grade verified context locators { start end } source { key } } userErrors { code message field } } }`, statement, source)
	}
	agrees, refuses := quotes.Text("wire.statements.nodes.0.id"), quotes.Text("other.statements.nodes.0.id")
	a.Ask(move(refuses, `"wire"`)).Refused("QUOTE_NOT_FOUND text", "We refuse")
	a.Ask(move(refuses, `"nothing"`)).Refused("NOT_FOUND source", "nothing")
	a.Ask(fmt.Sprintf(`mutation { correctStatement(input: {statement: %q, clear: ["source"], note: "n"}) { cursor userErrors { code message field } } }`, refuses)).Refused("INVALID source")
	a.Must(move(agrees, `"other"`)).Want("correctStatement.statement.source.key", "other", "correctStatement.statement.grade", "C2",
		"correctStatement.statement.verified", true,
		"correctStatement.statement.context", "We agree, too.", "correctStatement.statement.locators.0.start", 22)
	a.Must(`{ positions(filter: {sources: ["wire"]}) { totalCount } other: source(id: "other") { statements { totalCount } }
		changes(filter: {parties: ["alba"]}, order: NEWEST_FIRST, first: 1) { nodes { kind } } }`).
		Want("positions.totalCount", 0, "other.statements.totalCount", 2)
	if n := strings.Count(a.Raw(`{ changes(first: 500, order: NEWEST_FIRST) { nodes { summary } } }`), "Corrected"); n != 1 {
		t.Errorf("%d corrections", n)
	}
}

// A text may be supplied for a source that has none. It verifies the quotes on record, from then on.
func TestABodyThatIsSuppliedLater(t *testing.T) {
	t.Parallel()
	a := start(t)
	const bodiless = `
dataset: bodiless
stakeholders: [{key: alba, name: Alba, kind: STATE}]
sources: [{key: wire, title: The wire}]
statements:
  - {key: agrees, source: wire, form: DIRECT_QUOTE, speaker: alba, text: We agree}
  - {key: signs, source: wire, form: DIRECT_QUOTE, speaker: alba, text: "We [...] sign"}
  - {key: told, source: wire, form: REPORTED, text: They will.}
`
	a.Load("bodiless.yaml", bodiless)
	const quotes = `source(id: "wire"%s) { body contentHash statements { nodes { text verified locators { start } } } }`
	supply := func(body string) string {
		return `mutation { editSource(input: {source: "wire", body: ` + body + `}) { source { body } cursor userErrors { code message field } } }`
	}
	before := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.Ask(supply(`"We agreed, and we will not."`)).Refused("QUOTE_NOT_FOUND body", "“We agree” (", "“We [...] sign” (")
	a.Ask(`mutation { editSource(input: {source: "wire", clear: ["body"]}) { cursor userErrors { code message field } } }`).Refused("INVALID body")
	a.Ask(supply(`""`)).Refused("INVALID body")
	a.Must(supply(`"We agree. We will sign."`)).Want("editSource.source.body", "We agree. We will sign.")
	a.Must(supply(`"We agree. We will sign."`)).Want("editSource.cursor", nil)
	a.Ask(supply(`"We agree. We will sign it."`)).Refused("INVALID body", "another body")
	now := a.Must(fmt.Sprintf(`{ now: `+quotes+` then: `+quotes+` search(text: "sign") { node { __typename } } past: search(text: "sign", asOf: {knownAt: %[3]q}) { node { __typename } } }`,
		"", fmt.Sprintf(", asOf: {knownAt: %q}", before), before))
	verified := 0
	for i := range now.Count("now.statements.nodes") {
		if now.At(fmt.Sprintf("now.statements.nodes.%d.verified", i)) == true {
			verified++
		}
		if now.At(fmt.Sprintf("then.statements.nodes.%d.verified", i)) != false {
			t.Errorf("before there was a body, a quote was verified: %v", now.At("then.statements"))
		}
	}
	if verified != 2 {
		t.Errorf("%d quotes are verified: %v", verified, now.At("now.statements"))
	}
	now.Want("then.body", nil, "then.contentHash", nil, "search", "[map[node:map[__typename:Statement]] map[node:map[__typename:Source]]]",
		"past", "[map[node:map[__typename:Statement]]]")
	// A data set does so as well, and refuses another text.
	a.Load("with-body.yaml", strings.Replace(bodiless, "title: The wire", `title: The wire, body: "We agree. We will sign."`, 1))
	if err := a.TryLoad("another.yaml", strings.Replace(bodiless, "title: The wire", `title: The wire, body: "We agree. We sign."`, 1)); err == nil ||
		!strings.Contains(err.Error(), "another body") {
		t.Errorf("another text is accepted: %v", err)
	}
}
