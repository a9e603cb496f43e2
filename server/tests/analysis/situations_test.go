package analysis_test

import (
	"fmt"
	"strings"
	"testing"

	"example.org/parley/server/apitest"
)

// sanctions is a negotiation of a state with a veto, and persons who speak for it.
const sanctions = `
dataset: sanctions
stakeholders:
  - {key: iran, name: Iran, kind: STATE}
  - {key: france, name: France, kind: STATE}
  - {key: e3, name: The E3, kind: GROUP}
  - {key: minister, name: The minister, kind: PERSON}
  - {key: second, name: The second, kind: PERSON}
affiliations:
  - {person: minister, organization: iran, speaksFor: true, validFrom: 2013-08-15}
  - {person: second, organization: iran, speaksFor: true, validFrom: 2013-08-15}
memberships:
  - {member: france, group: e3, speaksForMembers: true, validFrom: 2003-01-01}
negotiations:
  - key: talks
    title: Talks
    participations:
      - {stakeholder: iran, role: PRIMARY_PARTY, vetoPlayer: true, capability: 50}
      - {stakeholder: france, role: PRIMARY_PARTY, capability: 40}
      - {stakeholder: e3, role: SECONDARY_PARTY, capability: 90}
    issues:
      - key: sanctions
        title: Sanctions
        scenarios:
          - key: snapback
            title: Snapback
            statuses: [{to: PROPOSED, effectiveAt: 2015-01-01}]
            positions:
              - {holder: iran, stance: OPPOSES, validFrom: 2015-05-01, salience: 80, conditions: [no deadline]}
              - {holder: e3, stance: SUPPORTS, validFrom: 2015-02-01, salience: 70}
              - {holder: france, stance: NEUTRAL, validFrom: 2015-01-15, salience: 60}
`

func (a *api) sanctions(query string, asOf string) apitest.Answer {
	a.T.Helper()
	return a.Must(fmt.Sprintf(`{ issue(id: "talks/sanctions", asOf: {validAt: "%sT12:00:00Z"}) { %s } }`, asOf, query))
}

func (a *api) do(mutation string) apitest.Answer {
	a.T.Helper()
	return a.Must(`mutation { ` + mutation + ` { cursor userErrors { code message field } } }`)
}

func (a *api) stands(asOf string) string {
	a.T.Helper()
	return a.sanctions(`matrix { rows { stakeholder { key } cells { stance position { stance holder { key } } others { stance holder { key } }
		through { key } formerSpeaker contested ageDays } } }`, asOf).Cells()
}

const wholeZone = `landingZone { verdict blockers { key } contradicting { key } undeclared { key } support parties { stakeholder { key } agreed represented weight stance supposed } }`

// What the parties signed is settled, and not blocked by what they had said.
func TestSignedIsNotBlocked(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("sanctions.yaml", sanctions)
	const zone = "issue.landingZone.0."
	a.sanctions(wholeZone, "2015-07-01").Want(zone+"verdict", "BLOCKED", zone+"blockers.0.key", "iran", zone+"contradicting", "[]",
		zone+"parties.0.stakeholder.key", "e3", zone+"parties.0.represented", true, zone+"parties.0.weight", nil,
		zone+"parties.1.stakeholder.key", "france", zone+"parties.1.weight", 2400, zone+"parties.1.stance", "SUPPORTS")
	a.do(`changeScenarioStatus(input: {scenario: "talks/snapback", to: AGREED_IN_PRINCIPLE, reason: "The framework.", by: ["minister"], effectiveAt: "2015-07-02T00:00:00Z"})`)
	a.sanctions(wholeZone, "2015-07-03").Want(zone+"verdict", "ACCEPTABLE", zone+"blockers", "[]", zone+"contradicting.0.key", "iran",
		zone+"parties.2.agreed", true)
	a.do(`recordPosition(input: {holder: "minister", scenario: "talks/snapback", stance: STRONGLY_OPPOSES, validFrom: "2015-07-05T00:00:00Z"})`)
	a.sanctions(wholeZone, "2015-07-06").Want(zone+"verdict", "BLOCKED", zone+"blockers.0.key", "iran", zone+"contradicting.0.key", "iran")
	a.do(`changeScenarioStatus(input: {scenario: "talks/snapback", to: AGREED, reason: "Signed.", by: ["iran", "e3"], effectiveAt: "2015-07-14T00:00:00Z", effectiveAtPrecision: DAY})`)
	settled := a.sanctions(wholeZone, "2015-07-15")
	settled.Want(zone+"verdict", "SETTLED", zone+"blockers", "[]", zone+"undeclared", "[]", zone+"contradicting.0.key", "iran",
		zone+"parties.1.agreed", true)
	if settled.At(zone+"support") == nil {
		t.Error("a settled scenario has no support")
	}
	a.Load("update.yaml", `
dataset: update
negotiations: [{key: talks, issues: [{key: sanctions, scenarios: [{key: snapback, outcome: DID_NOT_OCCUR, resolvedAt: 2016-01-01}]}]}]
`)
	a.sanctions(wholeZone, "2016-02-01").Want(zone+"verdict", "SETTLED") // the status comes first
	a.do(`changeScenarioStatus(input: {scenario: "talks/snapback", to: COLLAPSED, reason: "Left.", by: ["e3"], effectiveAt: "2018-05-08T00:00:00Z"})`)
	a.sanctions(wholeZone, "2018-06-01").Want(zone+"verdict", "OFF_THE_TABLE", zone+"contradicting.0.key", "e3", zone+"contradicting.1.key", "france")
}

// The newest word of a party counts, whoever said it; what is on record already changes nothing when it is supposed;
// and words stay when their speaker leaves.
func TestTheNewestWordCountsAndStays(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("sanctions.yaml", sanctions)
	stands := func(asOf, want string) {
		t.Helper()
		if got := a.stands(asOf); got != want {
			t.Errorf("on %s\n%s, want\n%s", asOf, got, want)
		}
	}
	stands("2015-07-01", "e3 SUPPORTS@150\nfrance SUPPORTS(e3)<e3@150/NEUTRAL\niran OPPOSES@61")
	a.do(`recordPosition(input: {holder: "minister", scenario: "talks/snapback", stance: NEUTRAL, validFrom: "2015-07-10T00:00:00Z"})`)
	stands("2015-07-15", "e3 SUPPORTS@164\nfrance SUPPORTS(e3)<e3@164/NEUTRAL\niran NEUTRAL(minister)@5")
	const plain = `plain: ` + wholeZone + ` same: landingZone(whatIf: [{stakeholder: "minister", scenario: "talks/snapback", stance: NEUTRAL},
		{stakeholder: "france", scenario: "talks/snapback", stance: SUPPORTS}, {stakeholder: "e3", scenario: "talks/snapback", stance: SUPPORTS}])
		{ verdict blockers { key } contradicting { key } undeclared { key } support parties { stakeholder { key } agreed represented weight stance supposed } }`
	if got := a.sanctions(plain, "2015-07-15"); fmt.Sprint(got.At("issue.plain")) != fmt.Sprint(got.At("issue.same")) {
		t.Errorf("what is on record makes a difference when it is supposed:\n%v\n%v", got.At("issue.plain"), got.At("issue.same"))
	}
	lists := a.Must(`{
		scenarios(filter: {opposedBy: ["iran"]}, asOf: {validAt: "2015-07-15T00:00:00Z"}) { totalCount }
		supported: scenarios(filter: {supportedBy: ["france"]}, asOf: {validAt: "2015-07-15T00:00:00Z"}) { totalCount }
		positions(filter: {parties: ["iran"]}, asOf: {validAt: "2015-07-15T00:00:00Z"}) { nodes { holder { key } } }
		divided: positions(filter: {parties: ["france"], divided: true}, asOf: {validAt: "2015-07-15T00:00:00Z"}) { nodes { holder { key } } }
		negotiation(id: "talks") { diff(from: {validAt: "2015-07-01T00:00:00Z"}, to: {validAt: "2015-07-15T00:00:00Z"}) { positions { nodes {
			party { key } before { stance confidence } after { stance holder { key } confidence } cause
			steps { at cause before { confidence } after { confidence rationale } } } } } } }`)
	const shift = "negotiation.diff.positions.nodes.0."
	lists.Want("scenarios.totalCount", 0, "supported.totalCount", 1, "positions.nodes.0.holder.key", "minister",
		"divided.nodes.0.holder.key", "e3", shift+"party.key", "iran", shift+"before.stance", "OPPOSES",
		shift+"after.stance", "NEUTRAL", shift+"after.holder.key", "minister", shift+"cause", "WORLD_CHANGED",
		shift+"steps.0.at", "2015-07-10T00:00:00.000000Z", shift+"before.confidence", "MODERATE", shift+"after.confidence", "MODERATE",
		shift+"steps.0.before.confidence", "MODERATE", shift+"steps.0.after.confidence", "MODERATE")

	a.do(`recordPosition(input: {holder: "second", scenario: "talks/snapback", stance: OPPOSES, validFrom: "2015-07-12T00:00:00Z"})`)
	a.do(`recordPosition(input: {holder: "minister", scenario: "talks/snapback", stance: NEUTRAL, validFrom: "2015-07-14T00:00:00Z"})`)
	stands("2015-07-15", "e3 SUPPORTS@164\nfrance SUPPORTS(e3)<e3@164/NEUTRAL\niran NEUTRAL(minister)@1/OPPOSES(second)")

	office := a.Must(`{ stakeholder(id: "minister", asOf: {validAt: "2016-01-01T00:00:00Z"}) { affiliations { id } } }`).Text("stakeholder.affiliations.0.id")
	a.do(fmt.Sprintf(`endAffiliation(input: {affiliation: %q, validTo: "2017-01-20T00:00:00Z"})`, office))
	stands("2017-06-01", "e3 SUPPORTS@851\nfrance SUPPORTS(e3)<e3@851/NEUTRAL\niran NEUTRAL(minister)~@688/OPPOSES(second)")
	a.Must(`{ negotiation(id: "talks") { diff(from: {validAt: "2017-01-01T00:00:00Z"}, to: {validAt: "2017-06-01T00:00:00Z"}) { positions { totalCount } } } }`).
		Want("negotiation.diff.positions.totalCount", 0)
	a.do(`recordPosition(input: {holder: "minister", scenario: "talks/snapback", stance: STRONGLY_SUPPORTS, validFrom: "2018-01-01T00:00:00Z"})`)
	stands("2018-06-01", "e3 SUPPORTS@1216\nfrance SUPPORTS(e3)<e3@1216/NEUTRAL\niran NEUTRAL(minister)~@1053/OPPOSES(second)\nminister STRONGLY_SUPPORTS@151")
	a.Must(`{ stakeholder(id: "minister", asOf: {validAt: "2018-06-01T00:00:00Z"}) { stances { stance party { key } } } }`).
		Want("stakeholder.stances.0.stance", "STRONGLY_SUPPORTS", "stakeholder.stances.0.party.key", "minister")
}

// A late report and the news of yesterday are two steps of one shift; a party that moved and came back has a shift; a
// word from before both dates is none.
func TestShiftsHaveSteps(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("sanctions.yaml", sanctions)
	a.Load("before.yaml", `
dataset: before
negotiations:
  - key: talks
    issues:
      - key: sanctions
        scenarios:
          - {key: arms, title: Arms, statuses: [{to: FLOATED, effectiveAt: 2015-01-01}]}
`)
	known := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.Load("later.yaml", `
dataset: later
negotiations:
  - key: talks
    issues:
      - key: sanctions
        scenarios:
          - key: arms
            statuses:
              - {to: PROPOSED, effectiveAt: 2015-04-04, reason: It had been proposed.}
              - {to: AGREED, effectiveAt: 2015-04-08, reason: It is agreed.}
          - key: snapback
            positions:
              - {holder: iran, stance: STRONGLY_OPPOSES, validFrom: 2015-04-06, validTo: 2015-04-07}
          - key: inspections
            title: Inspections
            statuses: [{to: PROPOSED, effectiveAt: 2015-04-08}]
            positions: [{holder: iran, stance: SUPPORTS, validFrom: 2015-04-02}]
`)
	got := a.Must(fmt.Sprintf(`{ negotiation(id: "talks") { diff(from: {validAt: "2015-04-05T00:00:00Z", knownAt: %q}, to: {validAt: "2015-04-09T00:00:00Z"}) {
		statusChanges { nodes { scenario { key } before after cause steps { at before after cause } } }
		positions { nodes { scenario { key } party { key } before { stance } after { stance } cause steps { at before { stance } after { stance } cause } } }
		scenariosAdded { nodes { key } } } } }`, known))
	const status, word = "negotiation.diff.statusChanges.nodes.0.", "negotiation.diff.positions.nodes.1."
	got.Want(status+"scenario.key", "arms", status+"before", "FLOATED", status+"after", "AGREED", status+"cause", "WORLD_CHANGED",
		status+"steps.0.at", "2015-04-05T00:00:00.000000Z", status+"steps.0.after", "PROPOSED", status+"steps.0.cause", "LATE_REPORT",
		status+"steps.1.at", "2015-04-08T00:00:00.000000Z", status+"steps.1.cause", "WORLD_CHANGED",
		word+"scenario.key", "snapback", word+"party.key", "iran", word+"before", nil, word+"after", nil,
		word+"steps.0.after.stance", "STRONGLY_OPPOSES", word+"steps.1.at", "2015-04-07T00:00:00.000000Z", word+"steps.1.after", nil,
		"negotiation.diff.scenariosAdded.nodes.0.key", "inspections")
	// What Iran had said on the 2nd is new on the record, and no move of the world.
	const late = "negotiation.diff.positions.nodes.0."
	got.Want(late+"scenario.key", "inspections", late+"cause", "FIRST_RECORDED", late+"steps.0.at", "2015-04-05T00:00:00.000000Z")
	a.Must(`{ negotiation(id: "talks") { diff(from: {validAt: "2015-04-05T00:00:00Z"}, to: {validAt: "2015-04-09T00:00:00Z"}) {
		positions { nodes { scenario { key } } } } } }`).Want("negotiation.diff.positions.nodes.0.scenario.key", "snapback")
}

// Who says the same again affirms the earlier word and may give a new judgement of it; the evidence is added. A data
// set that says so can be imported again.
func TestSayingItAgain(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("sanctions.yaml", sanctions)
	const again = `
dataset: again
sources: [{key: gazette, title: The Gazette}]
statements: [{key: s, source: gazette, speaker: iran, form: PARAPHRASE, text: No., saidAt: 2015-06-01}]
`
	const positions = `
negotiations:
  - key: talks
    issues:
      - key: sanctions
        scenarios:
          - key: snapback
            positions:
              - {key: again, holder: iran, stance: OPPOSES, conditions: [no deadline], validFrom: 2015-06-01, salience: 90, confidence: HIGH, rationale: Said twice., evidence: [s]}
`
	before := a.Changes()
	a.Load("again.yaml", again+positions)
	a.Load("again.yaml", again+positions)
	if made := a.Changes() - before; made != 3 { // a source, a statement, and the word that is affirmed
		t.Errorf("the file made %d changes, want 3", made)
	}
	a.Must(`{ positions(filter: {holders: ["iran"]}) { totalCount nodes { validFrom salience confidence rationale lastAffirmedAt } }
		changes(order: NEWEST_FIRST, first: 1) { nodes { ... on RecordChanged { fields } shifts { cause } } } }`).
		Want("positions.totalCount", 1, "positions.nodes.0.validFrom", "2015-05-01T00:00:00.000000Z", "positions.nodes.0.salience", 90,
			"positions.nodes.0.confidence", "HIGH", "positions.nodes.0.rationale", "Said twice.",
			"positions.nodes.0.lastAffirmedAt", "2015-06-01T00:00:00.000000Z",
			"changes.nodes.0.fields", "[confidence rationale salience evidence]", "changes.nodes.0.shifts", "[]")
	// Ten days before it was said again, nothing had affirmed it.
	a.sanctions(`matrix(stakeholders: ["iran"]) { rows { cells { ageDays position { lastAffirmedAt } } } }`, "2015-05-22").
		Want("issue.matrix.rows.0.cells.0.ageDays", 21, "issue.matrix.rows.0.cells.0.position.lastAffirmedAt", nil)
	for days, want := range map[int]int{20: 1, 22: 0} {
		a.Must(fmt.Sprintf(`{ positions(filter: {holders: ["iran"], notAffirmedForDays: %d}, asOf: {validAt: "2015-05-22T12:00:00Z"}) { totalCount } }`, days)).
			Want("positions.totalCount", want)
	}
}

// A group whose members all say something else has no row, and what is supposed of it reaches nobody.
func TestSupposingOfAGroupWithoutARow(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("sanctions.yaml", strings.NewReplacer("      - {stakeholder: e3, role: SECONDARY_PARTY, capability: 90}\n", "",
		"              - {holder: e3, stance: SUPPORTS, validFrom: 2015-02-01, salience: 70}\n", "").Replace(sanctions))
	const zone = `{ issue(id: "talks/sanctions", asOf: {validAt: "2015-07-01T00:00:00Z"}) { landingZone(whatIf: [{stakeholder: %q, scenario: "talks/snapback", stance: SUPPORTS}]) { verdict } } }`
	a.Ask(fmt.Sprintf(zone, "e3")).Fails("BAD_REQUEST", "e3", "all have another word", "talks/snapback")
	a.Ask(fmt.Sprintf(zone, "second")).Want("issue.landingZone.0.verdict", "ACCEPTABLE") // he speaks for Iran
}
