package analysis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.org/parley/server/apitest"
)

// bargain sets up an issue with three scenarios, parties with and without a veto, and persons who speak for them.
const bargain = `
dataset: bargain
stakeholders:
  - {key: alba, name: Alba, kind: STATE}
  - {key: brig, name: Brig, kind: STATE}
  - {key: coast, name: Coast, kind: STATE}
  - {key: dune, name: Dune, kind: STATE}
  - {key: minister, name: The minister, kind: PERSON}
  - {key: envoy, name: The envoy, kind: PERSON}
  - {key: poet, name: The poet, kind: PERSON}
affiliations:
  - {person: minister, organization: alba, speaksFor: true}
  - {person: envoy, organization: alba, speaksFor: true, validFrom: 2025-01-01}
  - {person: envoy, organization: brig, speaksFor: true, validTo: 2025-03-01}
  - {person: poet, organization: coast, office: poet laureate}
sources:
  - {key: gazette, title: The Gazette}
statements:
  - {key: said, source: gazette, speaker: minister, form: PARAPHRASE, text: Perhaps., saidAt: 2025-01-20T12:00:00Z}
negotiations:
  - key: talks
    title: Talks
    issues:
      - key: border
        title: The border
        scenarios:
          - key: line
            title: A line
            statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}]
            positions:
              - {holder: minister, stance: SUPPORTS, validFrom: 2025-01-05}
              - {holder: alba, stance: OPPOSES, validFrom: 2025-01-10, salience: 40}
              - {holder: brig, stance: SUPPORTS, conditions: [a vote], validFrom: 2025-01-05, salience: 50}
              - {holder: coast, stance: AMBIGUOUS, validFrom: 2025-01-05, salience: 100}
              - {holder: poet, stance: STRONGLY_SUPPORTS, validFrom: 2025-01-05}
          - key: strip
            title: A strip
            statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}]
            positions:
              - {holder: minister, stance: STRONGLY_SUPPORTS, validFrom: 2025-01-10, evidence: [said]}
              - {holder: envoy, stance: NEUTRAL, validFrom: 2025-01-15}
              - {holder: brig, stance: STRONGLY_SUPPORTS, validFrom: 2025-02-05, salience: 20}
          - key: wall
            title: A wall
            statuses: [{to: FLOATED, effectiveAt: 2025-03-01}]
      - key: tolls
        title: The tolls
        scenarios:
          - {key: free, title: None, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}]}
    participations:
      - {stakeholder: alba, role: PRIMARY_PARTY, vetoPlayer: true, capability: 60}
      - {stakeholder: minister, role: ENVOY, capability: 80}
      - {stakeholder: brig, role: PRIMARY_PARTY, vetoPlayer: true, vetoIssues: [border], capability: 50}
      - {stakeholder: coast, role: PRIMARY_PARTY, vetoPlayer: true, vetoIssues: [border], capability: 10}
      - {stakeholder: dune, role: OBSERVER, capability: 100}
`

func withBargain(t testing.TB) *api {
	t.Helper()
	a := start(t)
	a.Load("bargain.yaml", bargain)
	return a
}

func (a *api) matrix(arguments, asOf string) apitest.Answer {
	a.T.Helper()
	return a.Must(fmt.Sprintf(`{ issue(id: "talks/border", asOf: {%s}) { matrix%s { scenarios { key title } rows {
		stakeholder { key } participations { role stakeholder { key } }
		cells { party { key } scenario { key } stance ageDays contested divided formerSpeaker through { key } others { stance holder { key } }
			position { stance holder { key } evidence { text } } } } } } }`, asOf, arguments))
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	a := withBargain(t)
	same := func(got, want string) {
		t.Helper()
		if want = strings.TrimSpace(strings.ReplaceAll(want, "\t", "")); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	february := `validAt: "2025-02-01T00:00:00Z"`
	m := a.matrix("", february)
	same(m.Cells(), `
		alba OPPOSES@22 NEUTRAL(envoy)@17/STRONGLY_SUPPORTS(minister)
		brig SUPPORTS@27 NEUTRAL(envoy)@17
		coast AMBIGUOUS@27 -
		dune - -
		poet STRONGLY_SUPPORTS@27 -`)
	m.Want("issue.matrix.scenarios.0.key", "line", "issue.matrix.scenarios.1.title", "A strip",
		"issue.matrix.rows.0.cells.1.scenario.key", "strip", "issue.matrix.rows.0.cells.1.party.key", "alba",
		"issue.matrix.rows.0.cells.1.divided", true, "issue.matrix.rows.0.cells.0.divided", false,
		"issue.matrix.rows.0.participations.0.role", "PRIMARY_PARTY",
		"issue.matrix.rows.0.participations.1.stakeholder.key", "minister",
		"issue.matrix.rows.4.participations", "[]")
	// Later the wall is on the table too, the envoy speaks for Alba alone, and Brig has a word of its own.
	same(a.matrix("", `validAt: "2025-04-01T00:00:00Z"`).Cells(), `
		alba OPPOSES@81 NEUTRAL(envoy)@76/STRONGLY_SUPPORTS(minister) -
		brig SUPPORTS@86 STRONGLY_SUPPORTS@55 -
		coast AMBIGUOUS@86 - -
		dune - - -
		poet STRONGLY_SUPPORTS@86 - -`)
	// Before the envoy spoke, the minister's words counted; what affirmed them was said later.
	same(a.matrix("", `validAt: "2025-01-14T00:00:00Z"`).Cells(), `
		alba OPPOSES@4 STRONGLY_SUPPORTS(minister)@4
		brig SUPPORTS@9 -
		coast AMBIGUOUS@9 -
		dune - -
		poet STRONGLY_SUPPORTS@9 -`)
	same(a.matrix(`(scenarios: {text: "strip"})`, february).Cells(),
		"alba NEUTRAL(envoy)@17/STRONGLY_SUPPORTS(minister)\nbrig NEUTRAL(envoy)@17\ncoast -\ndune -")
	same(a.matrix(`(scenarios: {supportedBy: ["poet"]})`, february).Cells(),
		"alba OPPOSES@22\nbrig SUPPORTS@27\ncoast AMBIGUOUS@27\ndune -\npoet STRONGLY_SUPPORTS@27")
	same(a.matrix(`(stakeholders: ["envoy", "dune"])`, february).Cells(),
		"alba OPPOSES@22 NEUTRAL(envoy)@17/STRONGLY_SUPPORTS(minister)\nbrig SUPPORTS@27 NEUTRAL(envoy)@17\n"+
			"dune - -")
	same(a.matrix(`(stakeholders: ["poet", "alba"], scenarios: {status: [FLOATED]})`, february).Cells(), "alba\npoet")
	same(a.matrix(`(stakeholders: [])`, `validAt: "2024-01-01T00:00:00Z"`).Cells(), "alba\nbrig\ncoast\ndune")

	a.Ask(`{ issue(id: "talks/border") { matrix(stakeholders: ["nobody"]) { rows { stakeholder { key } } } } }`).Fails("BAD_REQUEST", "stakeholders", "nobody")
	a.Ask(`{ issue(id: "talks/border") { matrix(scenarios: {issues: ["talks"]}) { rows { stakeholder { key } } } } }`).Fails("BAD_REQUEST", "issues", "talks")
	a.Ask(`{ issue(id: "talks/border") { matrix(scenarios: {inStatusLongerThanDays: -1}) { rows { stakeholder { key } } } } }`).Fails("BAD_REQUEST", "inStatusLongerThanDays")
}

func TestAContestedPositionIsContestedInItsCell(t *testing.T) {
	t.Parallel()
	a := withBargain(t)
	brigs := a.Must(`{ positions(filter: {holders: ["brig"], scenarios: ["talks/line"]}) { nodes { id } } }`).Text("positions.nodes.0.id")
	a.Must(fmt.Sprintf(`mutation { recordPosition(input: {holder: "brig", scenario: "talks/line", stance: OPPOSES, contests: %q, validFrom: "2025-01-06T00:00:00Z"}) { userErrors { code message field } } }`, brigs))
	if got := a.matrix(`(stakeholders: ["brig"], scenarios: {text: "line"})`,
		`validAt: "2025-02-01T00:00:00Z"`).Cells(); got != "brig OPPOSES@26!" {
		t.Errorf("got %s", got)
	}
}

const zone = `{ issue(id: "talks/border"%s) { landingZone%s { scenario { key } verdict blockers { key } undeclared { key } conditional { key } onHearsay { key }
	support supportLow supportHigh parties { stakeholder { key } vetoPlayer stance supposed capability salience weight position { holder { key } } } } } }`

func TestLandingZone(t *testing.T) {
	t.Parallel()
	a := withBargain(t)
	z := a.Must(fmt.Sprintf(zone, `, asOf: {validAt: "2025-02-01T00:00:00Z"}`, ""))
	// Alba 80 x 40 against, Brig 50 x 50 for; Coast 10 x 100 has not said; Dune and the poet carry no weight.
	z.Want("issue.landingZone.0.scenario.key", "line", "issue.landingZone.0.verdict", "BLOCKED",
		"issue.landingZone.0.support", (-3200+2500)/5700.0, "issue.landingZone.0.supportLow", (-3200+2500-2000)/6700.0,
		"issue.landingZone.0.supportHigh", (-3200+2500+2000)/6700.0,
		"issue.landingZone.1.verdict", "UNDECIDED", "issue.landingZone.1.support", 0.0,
		"issue.landingZone.1.supportLow", -2000/6700.0, "issue.landingZone.1.supportHigh", 2000/6700.0)
	for list, want := range map[string]string{
		"0.blockers": "alba", "0.undeclared": "coast", "0.conditional": "brig", "0.onHearsay": "",
		"1.blockers": "", "1.undeclared": "coast", "1.conditional": "", "1.onHearsay": "",
	} {
		if got := z.Names("issue.landingZone." + list); got != want {
			t.Errorf("%s are %q, want %q", list, got, want)
		}
	}
	z.Want("issue.landingZone.1.parties.0.capability", 80, "issue.landingZone.1.parties.0.salience", 40,
		"issue.landingZone.1.parties.0.weight", 3200,
		"issue.landingZone.1.parties.0.position.holder.key", "envoy", "issue.landingZone.1.parties.3.weight", nil,
		"issue.landingZone.1.parties.3.vetoPlayer", false)
	// From February on Brig's salience is judged anew, on another scenario of the issue.
	a.Must(fmt.Sprintf(zone, `, asOf: {validAt: "2025-02-06T00:00:00Z"}`,
		"")).Want("issue.landingZone.0.parties.1.salience", 20)
	// The tolls are Alba's veto alone.
	a.Must(`{ issue(id: "talks/tolls") { landingZone { verdict undeclared { key } support supportLow supportHigh } } }`).
		Want("issue.landingZone.0.verdict", "UNDECIDED", "issue.landingZone.0.undeclared", "[map[key:alba]]",
			"issue.landingZone.0.support", nil, "issue.landingZone.0.supportLow", nil)
}

func TestWhatIf(t *testing.T) {
	t.Parallel()
	a := withBargain(t)
	asOf := `, asOf: {validAt: "2025-02-01T00:00:00Z"}`
	ask := func(whatIf string) apitest.Answer { return a.Ask(fmt.Sprintf(zone, asOf, "(whatIf: ["+whatIf+"])")) }
	before := a.Changes()
	plain, none := a.Raw(fmt.Sprintf(zone, asOf, "")), a.Raw(fmt.Sprintf(zone, asOf, "(whatIf: [])"))
	if plain != none {
		t.Errorf("nothing supposed gives\n%s\ninstead of\n%s", none, plain)
	}
	z := ask(`{stakeholder: "alba", scenario: "talks/line", stance: SUPPORTS}, {stakeholder: "coast", scenario: "talks/line", stance: NEUTRAL}, {stakeholder: "brig", scenario: "talks/line", stance: STRONGLY_SUPPORTS}`)
	z.Want("issue.landingZone.0.verdict", "ACCEPTABLE", "issue.landingZone.0.support", (3200+5000)/6700.0,
		"issue.landingZone.0.conditional", "[]", "issue.landingZone.0.onHearsay", "[]",
		"issue.landingZone.0.parties.0.supposed", true, "issue.landingZone.0.parties.0.position", nil,
		"issue.landingZone.1.verdict", "UNDECIDED", "issue.landingZone.1.parties.0.supposed", false)
	// Of a person it counts for the party, also where nothing is on record of the person; the same twice is no
	// contradiction.
	a.Must(`mutation { registerStakeholder(input: {key: "consul", name: "The consul", kind: PERSON}) { userErrors { code message field } }
		affiliate(input: {person: "consul", organization: "alba", speaksFor: true}) { userErrors { code message field } } }`)
	before += 2
	ask(`{stakeholder: "consul", scenario: "talks/line", stance: SUPPORTS}`).Want("issue.landingZone.0.verdict",
		"UNDECIDED", "issue.landingZone.0.parties.0.stance", "SUPPORTS")
	ask(`{stakeholder: "minister", scenario: "talks/line", stance: NEUTRAL}, {stakeholder: "alba", scenario: "talks/line", stance: NEUTRAL}`).Want("issue.landingZone.0.verdict", "UNDECIDED")
	ask(`{stakeholder: "dune", scenario: "talks/line", stance: OPPOSES}`).Want("issue.landingZone.0.verdict", "BLOCKED",
		"issue.landingZone.0.parties.3.stance", "OPPOSES")

	// The party's own word prevails over those of its speakers. These may not contradict each other.
	ask(`{stakeholder: "minister", scenario: "talks/line", stance: SUPPORTS}, {stakeholder: "alba", scenario: "talks/line", stance: NEUTRAL}`).Want("issue.landingZone.0.parties.0.stance", "NEUTRAL")
	ask(`{stakeholder: "minister", scenario: "talks/line", stance: NEUTRAL}, {stakeholder: "consul", scenario: "talks/line", stance: SUPPORTS}`).Fails("BAD_REQUEST", "whatIf", "minister", "consul", "NEUTRAL", "SUPPORTS")
	ask(`{stakeholder: "alba", scenario: "talks/free", stance: NEUTRAL}`).Fails("BAD_REQUEST", "whatIf", "talks/free")
	// not yet on the table
	ask(`{stakeholder: "alba", scenario: "talks/wall", stance: NEUTRAL}`).Fails("BAD_REQUEST", "whatIf", "talks/wall")
	ask(`{stakeholder: "nobody", scenario: "talks/line", stance: NEUTRAL}`).Fails("BAD_REQUEST", "whatIf", "nobody")
	a.Must(`mutation { registerStakeholder(input: {key: "far", name: "Far", kind: STATE}) { userErrors { code message field } } }`)
	ask(`{stakeholder: "far", scenario: "talks/line", stance: NEUTRAL}`).Fails("BAD_REQUEST", "whatIf", "far")
	if a.Changes() != before+1 { // the one that registered Far
		t.Errorf("supposing made %d changes", a.Changes()-before-1)
	}
}

// However large an issue is, it is read in as many statements.
func TestMatrixReadsAsMuchForManyAsForFew(t *testing.T) {
	t.Parallel()
	a := withBargain(t)
	documents := []string{
		`{ negotiation(id: "talks") { issues { matrix { scenarios { title } rows { stakeholder { name } participations { role } cells { scenario { key } stance ageDays contested position { holder { name } evidence { text } } } } } } } }`,
		`{ negotiation(id: "talks") { issues { matrix(stakeholders: ["alba", "envoy"]) { rows { stakeholder { name } cells { stance } } } } } }`,
		`{ negotiation(id: "talks") { issues { landingZone { scenario { title } verdict blockers { name } support parties { stakeholder { name } position { conditions } weight } } } } }`,
		`{ negotiation(id: "talks") { issues { likelihoods { entries { scenario { title } probability } } } } }`,
	}
	var few []int64
	for _, document := range documents {
		few = append(few, a.Statements(document))
	}
	for i := range 20 {
		a.Must(fmt.Sprintf(`mutation { registerStakeholder(input: {key: "more-%[1]d", name: "More %[1]d", kind: PERSON}) { userErrors { code message field } }
			affiliate(input: {person: "more-%[1]d", organization: "alba", speaksFor: %[2]v}) { userErrors { code message field } }
			joinNegotiation(input: {negotiation: "talks", stakeholder: "more-%[1]d", role: OBSERVER}) { userErrors { code message field } }
			addScenario(input: {issue: "talks/border", key: "more-%[1]d", title: "More %[1]d", effectiveAt: "2025-01-01T00:00:00Z"}) { userErrors { code message field } }
			recordPosition(input: {holder: "more-%[1]d", scenario: "talks/more-%[1]d", stance: SUPPORTS}) { userErrors { code message field } }
			assessScenario(input: {scenario: "talks/more-%[1]d", probability: 5, confidence: LOW, rationale: "so"}) { userErrors { code message field } } }`, i, i%2 == 0))
	}
	for i, document := range documents {
		if many := a.Statements(document); many != few[i] || many > 12 {
			t.Errorf("%d statements for many, %d for few:\n%s", many, few[i], document)
		}
	}
}

func TestBoundOfAMatrix(t *testing.T) {
	t.Parallel()
	a := withBargain(t)
	a.SQL(`WITH made AS (
			INSERT INTO records (id, kind, path, recorded_at) SELECT gen_random_uuid(), 'STAKEHOLDER', 'crowd-' || n, '2025-01-01' FROM generate_series(1, 2500) n RETURNING id, path),
		named AS (
			INSERT INTO stakeholders (id, version, path, key, name, kind, aliases, names, recorded_by, recorded_at)
			SELECT id, gen_random_uuid(), path, path, path, 'GROUP', '{}', path, (SELECT id FROM analysts), '2025-01-01' FROM made RETURNING id),
		joining AS (SELECT id, gen_random_uuid() AS participation FROM named),
		recorded AS (
			INSERT INTO records (id, kind, negotiation_id, recorded_at) SELECT participation, 'PARTICIPATION', (SELECT id FROM negotiations), '2025-01-01' FROM joining)
		INSERT INTO participations (id, version, negotiation_id, stakeholder_id, role, veto_player, veto_issues, recorded_by, recorded_at, content_at)
		SELECT participation, gen_random_uuid(), (SELECT id FROM negotiations), id, 'OBSERVER', false, '{}', (SELECT id FROM analysts), '2025-01-01', '2025-01-01' FROM joining`)
	for i := range 39 {
		a.Must(fmt.Sprintf(`mutation { addScenario(input: {issue: "talks/border", key: "plan-%d", title: "Plan", effectiveAt: "2025-01-01T00:00:00Z"}) { userErrors { code message field } } }`, i))
	}
	a.SQL(`ANALYZE`)
	a.Ask(`{ issue(id: "talks/border") { matrix { rows { stakeholder { key } } } } }`).Fails("LIMIT",
		"2505 parties by 42 scenarios", "100000")
	a.Ask(`{ issue(id: "talks/border") { landingZone { verdict } } }`).Fails("LIMIT", "2505 parties by 42 scenarios",
		"100000")
	a.Must(`{ issue(id: "talks/border") { matrix(stakeholders: ["crowd-7"]) { rows { stakeholder { key } } } } }`).Want("issue.matrix.rows.0.stakeholder.key", "crowd-7")
	a.Ask(`{ negotiation(id: "talks") { issues { key matrix(stakeholders: []) { rows { participations { role } } } } } }`).Fails("LIMIT", "2505 parties by 42 scenarios")
	// Too much of several together is refused too, and never cut short.
	const plans = `matrix(scenarios: {text: "plan"}) { rows { stakeholder { key } } }`
	two := a.Must(`{ issue(id: "talks/border") { a: ` + plans + ` b: ` + plans + ` } }`)
	// those with a part in the talks
	if a, b := two.Count("issue.a.rows"), two.Count("issue.b.rows"); a != 2504 || b != 2504 {
		t.Errorf("the matrices have %d and %d rows", a, b)
	}
	a.Ask(`{ issue(id: "talks/border") { a: `+plans+` b: `+plans+` c: landingZone { verdict } d: matrix(stakeholders: ["alba"]) { rows { stakeholder { key } } } } }`).Fails("LIMIT", "2505 parties by 42 scenarios")
	many := strings.Repeat(plans+" ", 1)
	for i := range 5 {
		many += fmt.Sprintf("x%d: %s ", i, plans)
	}
	a.Ask(`{ issue(id: "talks/border") { `+many+` } }`).Fails("LIMIT", "at most 500000 times")
}

// Of two who speak for a party, the later word of one day counts, and of two judgements of salience the later one.
func TestOrderWithinADayAcrossHolders(t *testing.T) {
	t.Parallel()
	a := withBargain(t)
	for _, p := range []struct {
		holder, stance    string
		ordinal, salience int
	}{{"minister", "SUPPORTS", 2, 20}, {"envoy", "OPPOSES", 1, 80}, {"coast", "NEUTRAL", 5, 30}, {"coast", "OPPOSES", 4, 70}} {
		a.Must(fmt.Sprintf(`mutation { recordPosition(input: {holder: %q, scenario: "talks/strip", stance: %s, salience: %d, validFrom: "2025-02-20T00:00:00Z",
			validFromPrecision: DAY, ordinal: %d}) { userErrors { code message field } } }`, p.holder, p.stance, p.salience, p.ordinal))
	}
	got := a.Must(`{ issue(id: "talks/border", asOf: {validAt: "2025-02-21T00:00:00Z"}) {
		matrix { rows { stakeholder { key } cells { scenario { key } stance position { holder { key } } } } }
		landingZone { parties { stakeholder { key } weight } } } }`)
	var said, weights []string
	for r := range got.Count("issue.matrix.rows") {
		row := fmt.Sprintf("issue.matrix.rows.%d.", r)
		cell := row + "cells.1."
		said = append(said, fmt.Sprint(got.Text(row+"stakeholder.key"), " ", got.Text(cell+"stance"), " of ",
			got.Text(cell+"position.holder.key"), " on ", got.Text(cell+"scenario.key")))
	}
	for i := range got.Count("issue.landingZone.0.parties") {
		party := fmt.Sprintf("issue.landingZone.0.parties.%d.", i)
		weights = append(weights, got.Text(party+"stakeholder.key")+" "+got.Text(party+"weight"))
	}
	for _, want := range []string{"alba SUPPORTS of minister on strip", "coast NEUTRAL of coast on strip"} {
		if !slices.Contains(said, want) {
			t.Errorf("there is no %q among %q", want, said)
		}
	}
	if want := "coast 300"; !slices.Contains(weights, want) { // capability 10 times salience 30
		t.Errorf("there is no %q among %q", want, weights)
	}
}
