package history_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.org/parley/archive"
	"example.org/parley/server/apitest"
)

// doubled has a state that is registered twice, with offices, roles, memberships and claims of both.
const doubled = `
dataset: doubled
stakeholders:
  - {key: alba, name: Alba, kind: STATE}
  - {key: government, name: The government of Alba, kind: STATE, aliases: [Alban government]}
  - {key: brod, name: Brod, kind: STATE}
  - {key: league, name: The league, kind: GROUP}
  - {key: vela, name: Ana Vela, kind: PERSON}
affiliations:
  - {person: vela, organization: alba, office: envoy, validFrom: 2024-01-01, validTo: 2025-01-15}
  - {person: vela, organization: government, office: envoy, speaksFor: true, validFrom: 2025-01-10}
memberships:
  - {member: alba, group: league, validFrom: 2020-01-01}
  - {member: government, group: league, validFrom: 2024-01-01, speaksForMembers: true}
sources: [{key: wire, title: The wire}]
statements:
  - {key: joint, source: wire, form: REPORTED, text: Both agreed., speakers: [government, brod], about: [government], saidAt: 2025-01-04}
negotiations:
  - key: talks
    title: Talks
    participations:
      - {stakeholder: alba, role: PRIMARY_PARTY, validFrom: 2025-01-01}
      - {stakeholder: government, role: PRIMARY_PARTY, vetoPlayer: true, vetoIssues: [border]}
      - {stakeholder: brod, role: PRIMARY_PARTY}
    events: [{key: summit, title: A summit, kind: MEETING, startedAt: 2025-01-05, participants: [brod, government, alba]}]
    relations:
      - {kind: COMPATIBLE, from: line, to: strip, claimedBy: alba}
      - {kind: COMPATIBLE, from: strip, to: line, claimedBy: government, evidence: [joint]}
    issues:
      - key: border
        title: The border
        scenarios:
          - key: line
            title: A line
            statuses: [{to: PROPOSED, by: [government], effectiveAt: 2025-01-01}]
            positions:
              - {holder: alba, stance: SUPPORTS, validFrom: 2025-01-02}
              - {holder: government, stance: OPPOSES, validFrom: 2025-01-06, evidence: [joint]}
              - {holder: brod, saidFor: [government], stance: NEUTRAL, validFrom: 2025-01-06}
          - key: strip
            title: A strip
            statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}]
            positions:
              - {holder: alba, stance: NEUTRAL, validFrom: 2025-01-03}
              - {holder: government, stance: STRONGLY_OPPOSES, validFrom: 2025-01-03}
`

func merge(from, into string) string {
	return fmt.Sprintf(`mutation { mergeStakeholders(input: {from: %q, into: %q, note: "They are one."}) {
		stakeholder { key aliases } cursor warnings { code message } userErrors { code message field } } }`, from, into)
}

// Two records of one state become one, at an instant of the record: before it there are two, after it there is one.
func TestTwoStakeholdersBecomeOne(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("doubled.yaml", doubled)
	const matrix = `issue(id: "talks/border"%s) { matrix { rows { stakeholder { key } cells { stance position { stance holder { key } } others { stance holder { key } }
		through { key } formerSpeaker contested ageDays } } } }`
	at := func(asOf string) string {
		return a.Must(`{` + fmt.Sprintf(matrix, `, asOf: {validAt: "2025-01-10T00:00:00Z"`+asOf+`}`) + `}`).Cells()
	}
	ids := a.Must(`{ lens { knownAt } government: stakeholder(id: "government") { id } line: scenario(id: "talks/line") { positions { nodes { id recordedAt holder { key } } } }
		both: changes(filter: {stakeholders: ["alba", "government"]}, first: 100) { nodes { cursor } } }`)
	before, id := ids.Text("lens.knownAt"), ids.Text("government.id")
	const two = "alba SUPPORTS@8 NEUTRAL@7\nbrod NEUTRAL@4 -\ngovernment OPPOSES@6 STRONGLY_OPPOSES@7"
	if got := at(""); got != two {
		t.Errorf("before the merge\n%s", got)
	}
	merged := a.Must(merge("government", "alba"))
	merged.Want("mergeStakeholders.stakeholder.key", "alba", "mergeStakeholders.stakeholder.aliases", "[The government of Alba Alban government]")
	if got, want := at(""), "alba OPPOSES@6 STRONGLY_OPPOSES@7!\nbrod NEUTRAL@4 -"; got != want {
		t.Errorf("after the merge\n%s\nwant\n%s", got, want)
	}
	if got := at(`, knownAt: "` + before + `"`); got != two {
		t.Errorf("as known before the merge\n%s", got)
	}

	// Nothing pretends to be newer than it is, and nothing is there twice.
	got := a.Must(fmt.Sprintf(`{
		node(id: %[1]q) { id } old: record(id: %[1]q, asOf: {knownAt: %[2]q}) { label }
		one: stakeholder(id: "government") { key } byID: stakeholder(id: %[1]q) { key } was: stakeholder(id: "government", asOf: {knownAt: %[2]q}) { key }
		stakeholder(id: "alba") { positionHistory { nodes { id recordedAt stance validFrom validTo scenario { key } } } memberships { speaksForMembers validFrom group { key } }
			participations { role vetoPlayer vetoIssues { key } validFrom } officeHolders { office speaksFor validFrom validTo } stances { scenario { key } } }
		scenario(id: "talks/line") { relations { kind claimedBy { key } evidence { text } } currentStatusChange { by { key } } }
		negotiation(id: "talks") { participants { totalCount } events { nodes { participants { key } } } }
		statements: search(text: "agreed") { node { ... on Statement { speakers { key } about { ... on Stakeholder { key } } } } }
		positions(filter: {holders: ["government"], scenarios: ["talks/line"]}) { nodes { holder { key } } }
		changes(order: NEWEST_FIRST, first: 1) { nodes { summary note ... on RecordChanged { action fields node { label } } negotiation { key } } }
	}`, id, before))
	got.Want("node", nil, "old.label", "The government of Alba", "one.key", "alba", "byID", nil, "was.key", "government",
		"stakeholder.memberships", "[map[group:map[key:league] speaksForMembers:true validFrom:2020-01-01T00:00:00.000000Z]]",
		"stakeholder.participations", "[map[role:PRIMARY_PARTY validFrom:<nil> vetoIssues:[map[key:border]] vetoPlayer:true]]",
		"stakeholder.officeHolders", "[map[office:envoy speaksFor:true validFrom:2024-01-01T00:00:00.000000Z validTo:<nil>]]",
		"scenario.relations", "[map[claimedBy:map[key:alba] evidence:[map[text:Both agreed.]] kind:COMPATIBLE]]",
		"scenario.currentStatusChange.by.0.key", "alba", "negotiation.participants.totalCount", 2,
		"negotiation.events.nodes.0.participants", "[map[key:brod] map[key:alba]]", "statements.0.node.speakers", "[map[key:alba] map[key:brod]]",
		"statements.0.node.about", "[map[key:alba]]", "positions.nodes", "[map[holder:map[key:alba]]]",
		"changes.nodes.0.summary", "Merged The government of Alba into Alba.", "changes.nodes.0.note", "They are one.",
		"changes.nodes.0.action", "MERGED", "changes.nodes.0.fields", "[aliases]", "changes.nodes.0.node.label", "Alba")
	for i := range ids.Count("line.positions.nodes") {
		node := fmt.Sprintf("line.positions.nodes.%d.", i)
		a.Must(`{ node(id: "`+ids.Text(node+"id")+`") { ... on Position { recordedAt } } }`).Want("node.recordedAt", ids.Text(node+"recordedAt"))
	}

	// Both names go on leading to the one, its key stays taken, and merging again changes nothing.
	a.Must(merge("government", "alba")).Want("mergeStakeholders.cursor", nil, "mergeStakeholders.stakeholder.key", "alba")
	a.Must(merge(id, "alba")).Want("mergeStakeholders.cursor", nil)
	a.Ask(`mutation { registerStakeholder(input: {key: "government", name: "Another", kind: STATE}) { userErrors { code message field } } }`).
		Refused("TAKEN key", "government", "merged")
	a.Must(`mutation { recordPosition(input: {holder: "government", scenario: "talks/line", stance: AMBIGUOUS, validFrom: "2025-01-20T00:00:00Z"}) {
		position { holder { key } } userErrors { code message field } } }`).
		Want("recordPosition.position.holder.key", "alba")
	a.Ask(`mutation { restore(input: {id: "government", note: "They are two."}) { userErrors { code message field } } }`).Refused("INVALID id", "government")

	// The changes of the one are those of both.
	counts := a.Must(fmt.Sprintf(`{ byKey: changes(filter: {stakeholders: ["alba"]}) { totalCount } byFormer: changes(filter: {stakeholders: ["government"]}) { totalCount }
		byID: changes(filter: {stakeholders: [%q]}) { totalCount } }`, id))
	all := fmt.Sprint(ids.Count("both.nodes") + 2) // the merge, and the position since
	counts.Want("byKey.totalCount", all, "byFormer.totalCount", all, "byID.totalCount", all)
}

func TestWhatCantBeMerged(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("doubled.yaml", doubled)
	first := a.Must(`{ changes(first: 1) { nodes { cursor } } }`).Text("changes.nodes.0.cursor")
	a.Load("circle.yaml", `
dataset: circle
stakeholders: [{key: union, name: Union, kind: GROUP}, {key: world, name: World, kind: GROUP}]
memberships: [{member: league, group: union}, {member: union, group: world}]
`)
	for _, c := range []struct{ input, code, says string }{
		{`from: "alba", into: "alba", note: "n"`, "INVALID into", "itself"},
		{`from: "vela", into: "alba", note: "n"`, "INVALID into", "PERSON"},
		{`from: "alba", into: "vela", note: "n"`, "INVALID into", "PERSON"},
		{`from: "alba", into: "league", note: "n"`, "INVALID into", "member"},
		{`from: "league", into: "alba", note: "n"`, "INVALID into", "member"},
		{`from: "world", into: "alba", note: "n"`, "INVALID into", "through groups"},
		{`from: "alba", into: "world", note: "n"`, "INVALID into", "through groups"},
		{`from: "nobody", into: "alba", note: "n"`, "NOT_FOUND from", "nobody"},
		{`from: "alba", into: "talks", note: "n"`, "NOT_FOUND into", "talks"},
		{`from: "alba", into: "government", note: " "`, "INVALID note", "note"},
		{`from: "alba", into: "government", note: "n", ifUnchangedSince: "` + first + `"`, "CONFLICT ifUnchangedSince", ""},
	} {
		changes := a.Changes()
		a.Ask(`mutation { mergeStakeholders(input: {`+c.input+`}) { userErrors { code message field } } }`).Refused(c.code, c.says)
		if a.Changes() != changes {
			t.Errorf("%s was written", c.input)
		}
	}
}

// With a cursor from before a merge, nothing can be changed that the merge filed anew. A record that is restored after
// the merge names the stakeholder that stays.
func TestWhatComesAfterAMerge(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("doubled.yaml", doubled)
	a.Must(`mutation {
		add: addScenario(input: {issue: "talks/border", key: "wall", title: "A wall", by: ["government"], effectiveAt: "2025-01-02T00:00:00Z"}) {
			userErrors { code message field } }
		retract(input: {id: "talks/wall", note: "x"}) { userErrors { code message field } } }`)
	seen := a.Must(`{ stakeholder(id: "vela") { affiliations { id } } changes(order: NEWEST_FIRST, first: 1) { nodes { cursor } } }`)
	cursor := seen.Text("changes.nodes.0.cursor")
	a.Must(merge("government", "alba"))
	for _, mutation := range []string{
		`recordPosition(input: {holder: "alba", scenario: "talks/line", stance: AMBIGUOUS, ifUnchangedSince: %q})`,
		`editEvent(input: {event: "talks/summit", title: "The summit", ifUnchangedSince: %q})`,
		`editStakeholder(input: {stakeholder: "alba", name: "Alba itself", ifUnchangedSince: %q})`,
	} {
		a.Ask(fmt.Sprintf(`mutation { `+mutation+` { userErrors { code message field } } }`, cursor)).Refused("CONFLICT ifUnchangedSince", "Merged")
	}
	a.Must(`mutation { restore(input: {id: "talks/wall", note: "y"}) { userErrors { code message field } } }`)
	a.Must(`{ scenario(id: "talks/wall") { currentStatusChange { by { key } } } }`).Want("scenario.currentStatusChange.by.0.key", "alba")
}

// A chain of merges leads to the last one, and an archive of it all answers as the original does.
func TestMergesInArchives(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("doubled.yaml", doubled)
	a.Must(`mutation { r: registerStakeholder(input: {key: "capital", name: "The capital", kind: STATE}) { userErrors { code message field } }
		p: recordPosition(input: {holder: "capital", scenario: "talks/strip", stance: SUPPORTS, validFrom: "2025-01-08T00:00:00Z"}) { userErrors { code message field } } }`)
	before := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.Must(merge("capital", "government"))
	between := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.Must(merge("government", "alba"))
	a.Must(`mutation { recordPosition(input: {holder: "capital", scenario: "talks/line", stance: AMBIGUOUS, validFrom: "2025-01-09T00:00:00Z"}) {
		userErrors { code message field } } }`)
	a.Must(fmt.Sprintf(`{ now: stakeholder(id: "capital") { key } then: stakeholder(id: "capital", asOf: {knownAt: %q}) { key } }`, between)).
		Want("now.key", "alba", "then.key", "government")
	a.Ask(fmt.Sprintf(`{ a: issue(id: "talks/border") { scenarios(first: 1) { nodes { positions(filter: {holders: ["capital"]}) { totalCount } } } }
		b: issue(id: "talks/border", asOf: {knownAt: %q}) { scenarios(first: 1) { nodes { positions(filter: {holders: ["capital"]}) { totalCount } } } } }`, between)).
		Want("a.scenarios.nodes.0.positions.totalCount", 1)
	now := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	text := a.export("talks", "")
	b := restored(t, text)
	if again := b.export("talks", now); again != text {
		t.Errorf("exported again, it is\n%s\nwant\n%s", again, text)
	}
	gone := a.Must(fmt.Sprintf(`{ stakeholder(id: "government", asOf: {knownAt: %q}) { recordId } }`, between)).Text("stakeholder.recordId")
	for _, into := range []string{gone, a.Must(fmt.Sprintf(`{ stakeholder(id: "capital", asOf: {knownAt: %q}) { recordId } }`, before)).Text("stakeholder.recordId")} {
		forged := regexp.MustCompile(`("id":"`+gone+`".*"mergedInto":)"[^"]*"`).ReplaceAllString(text, `${1}"`+into+`"`)
		c := start(t)
		if _, err := archive.Import(c.Ctx, c.Store, "forged.json", strings.NewReader(forged), nil); err == nil || !strings.Contains(err.Error(), "mergedInto") {
			t.Errorf("a circle of merges is taken: %v", err)
		}
	}
	// A position on record can't have a holder that was merged.
	alba := a.Must(`{ stakeholder(id: "alba") { id } }`).Text("stakeholder.id")
	forged := regexp.MustCompile(`(?m)^.*"stance":.*$`).ReplaceAllStringFunc(text, func(row string) string {
		if strings.Contains(row, `"closedBy"`) {
			return row
		}
		return strings.ReplaceAll(row, `"holderId":"`+alba+`"`, `"holderId":"`+gone+`"`)
	})
	c := start(t)
	_, err := archive.Import(c.Ctx, c.Store, "forged.json", strings.NewReader(forged), nil)
	if err == nil || !strings.Contains(err.Error(), "holderId names what was retracted or merged") {
		t.Errorf("an open position of a merged stakeholder is taken: %v", err)
	}
	sameThrough(t, a, b, "talks", a.lensesUpTo(now, 12, "2025-01-10T00:00:00Z", "2025-01-04T00:00:00Z"))
	both := merge("brod", "capital")
	if one, other := a.Must(both), b.Must(both); one.Text("mergeStakeholders.stakeholder.key") != "alba" || other.Text("mergeStakeholders.stakeholder.key") != "alba" {
		t.Errorf("the merge goes into %v, in the copy into %v", one, other)
	}
}

// A file that still has two stakeholders may be imported again: it finds the one, and what was merged is not made anew.
func TestImportAfterAMerge(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("doubled.yaml", doubled)
	a.Must(merge("government", "alba"))
	a.Load("doubled.yaml", doubled)
	a.Must(`{ stakeholders { nodes { key } } changes(order: NEWEST_FIRST, first: 3) { nodes { summary } } }`).Want(
		"stakeholders.nodes", "[map[key:alba] map[key:brod] map[key:league] map[key:vela]]",
		// What the file says of a record that took another one in is as the file has it again.
		"changes.nodes.0.summary", "Edited the participation of Alba: validFrom.",
		"changes.nodes.1.summary", "Edited the affiliation of Ana Vela and Alba: validTo.",
		"changes.nodes.2.summary", "Merged The government of Alba into Alba.")
	a.Load("more.yaml", `
dataset: doubled
negotiations: [{key: talks, issues: [{key: border, scenarios: [{key: line, positions: [{holder: government, stance: AMBIGUOUS, validFrom: 2025-01-09}]}]}]}]
`)
	a.Must(`{ positions(filter: {holders: ["alba"], scenarios: ["talks/line"]}, asOf: {validAt: "2025-01-10T00:00:00Z"}) { nodes { stance } } }`).
		Want("positions.nodes", "[map[stance:AMBIGUOUS]]")
}

// A merge takes as many statements however much it files anew.
func TestStatementsOfAMerge(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("doubled.yaml", doubled)
	cost := func(party string, positions int) int64 {
		a.Must(fmt.Sprintf(`mutation { r: registerStakeholder(input: {key: %[1]q, name: %[1]q, kind: STATE}) { userErrors { code message field } }
			j: joinNegotiation(input: {negotiation: "talks", stakeholder: %[1]q, role: OBSERVER}) { userErrors { code message field } } }`, party))
		for i := range positions {
			a.Must(fmt.Sprintf(`mutation { p: recordPosition(input: {holder: %q, scenario: %q, stance: %s, validFrom: "2025-02-0%dT00:00:00Z"}) {
				userErrors { code message field } }
				o: affiliate(input: {person: "vela", organization: %[1]q, office: "no. %[4]d"}) { userErrors { code message field } } }`,
				party, []string{"talks/line", "talks/strip"}[i%2], []string{"SUPPORTS", "OPPOSES"}[i/2%2], i+1))
		}
		return a.Statements(merge(party, "brod"))
	}
	if few, many := cost("one", 1), cost("two", 8); few != many {
		t.Errorf("it takes %d statements for one position and office and %d for eight", few, many)
	}
}

// Nothing comes to name a stakeholder while it is merged: what is written at that time is filed under the other one.
func TestMergeWhileOthersWrite(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("doubled.yaml", doubled)
	gone := a.Must(`{ stakeholder(id: "government") { id } }`).Text("stakeholder.id")
	write := func(document string) {
		if got := a.Ask(document); len(got.Errs) > 0 || len(apitest.Refusals(got.Data)) > 0 {
			t.Errorf("%s\nis answered with %v %v", document, got.Errs, apitest.Refusals(got.Data))
		}
	}
	var writers sync.WaitGroup
	for writer := range 4 {
		writers.Go(func() {
			for i := range 6 {
				write(fmt.Sprintf(`mutation {
					p: recordPosition(input: {holder: "government", scenario: "talks/line", stance: SUPPORTS, conditions: ["%[1]d"], validFrom: "2025-02-%02[1]dT00:00:00Z"}) { userErrors { code message field } }
					o: affiliate(input: {person: "vela", organization: "government", office: "no. %[1]d"}) { userErrors { code message field } }
					s: recordStatement(input: {statement: {source: "wire", form: REPORTED, text: "Words", speakers: ["government"]}}) { userErrors { code message field } } }`, writer*6+i+1))
				if writer == 0 && i == 2 {
					write(merge("government", "alba"))
				}
			}
		})
	}
	writers.Wait()
	for rows, want := range map[string]int{
		`positions WHERE holder_id = $1`:               0,
		`affiliations WHERE organization_id = $1`:      0,
		`statements WHERE speakers @> ARRAY[$1::uuid]`: 0,
		`positions WHERE holder_id <> $1`:              29,
	} {
		if n := a.Number(`SELECT count(*) FROM `+rows+` AND superseded_at = 'infinity'`, gone); n != want {
			t.Errorf("%d open rows of %s, want %d", n, rows, want)
		}
	}
}

// mergeMachine tells the same history twice: once with a party that is registered as two, once with one that is not.
type mergeMachine struct {
	*api
	rt        *rapid.T
	n, facts  int
	positions [][2]string // ids in both
	offices   [][2]string
}

// worlds are what keys end with in both.
var worlds = [2]string{"two", "one"}

// both asks for the same in both, with {x} as the world, and {alba} as one of the party's two records or the only one.
func (m *mergeMachine) both(document string, ids ...[2]string) (got [2]apitest.Answer) {
	m.T.Helper()
	party := rapid.SampledFrom([]string{"alba", "government"}).Draw(m.rt, "record")
	for i := len(worlds) - 1; i >= 0; i-- {
		world := fmt.Sprintf("%d-%s", m.n, worlds[i])
		alba := "alba-" + world
		if i == 0 {
			alba = party + "-" + world
		}
		text := strings.NewReplacer("{x}", world, "{alba}", alba).Replace(document)
		for n, id := range ids {
			text = strings.ReplaceAll(text, fmt.Sprintf("{%d}", n), id[i])
		}
		got[i] = m.Must(text)
	}
	return got
}

// instant is one at which nothing else begins.
func (m *mergeMachine) instant(name string) string {
	m.facts++
	return apitest.DayAt(rapid.IntRange(1, apitest.Days).Draw(m.rt, name)).Add(time.Duration(m.facts) * time.Second).Format(time.RFC3339)
}

func (m *mergeMachine) step() {
	const refusals = `cursor userErrors { code message field } } }`
	scenario := rapid.SampledFrom([]string{"line", "strip"}).Draw(m.rt, "scenario")
	stance := rapid.SampledFrom([]string{"SUPPORTS", "OPPOSES", "NEUTRAL"}).Draw(m.rt, "stance")
	holder := rapid.SampledFrom([]string{"{alba}", "{alba}", "{alba}", "vela-{x}", "league-{x}"}).Draw(m.rt, "holder")
	switch rapid.IntRange(0, 9).Draw(m.rt, "step") {
	default:
		until := ""
		if rapid.IntRange(0, 4).Draw(m.rt, "ends") == 0 {
			m.facts++
			until = fmt.Sprintf(`, validTo: %q`, apitest.DayAt(apitest.Days+1).Add(time.Duration(m.facts)*time.Second).Format(time.RFC3339))
		}
		got := m.both(fmt.Sprintf(`mutation { recordPosition(input: {holder: "%s", scenario: "talks-{x}/%s", stance: %s, conditions: ["no. %d"], salience: %d,
			validFrom: %q%s}) {
			position { id } `+refusals, holder, scenario, stance, m.facts, 10+m.facts%80, m.instant("validFrom"), until))
		m.positions = append(m.positions, [2]string{got[0].Text("recordPosition.position.id"), got[1].Text("recordPosition.position.id")})
	case 5:
		if len(m.positions) > 0 {
			i := rapid.IntRange(0, len(m.positions)-1).Draw(m.rt, "retracted")
			m.both(`mutation { retract(input: {id: "{0}", note: "n"}) { `+refusals, m.positions[i])
			if rapid.Bool().Draw(m.rt, "restored") {
				m.both(`mutation { restore(input: {id: "{0}", note: "n"}) { `+refusals, m.positions[i])
				return
			}
			m.positions = slices.Delete(m.positions, i, i+1)
		}
	case 6:
		if len(m.positions) > 0 {
			m.both(fmt.Sprintf(`mutation { correctPosition(input: {position: "{0}", stance: %s, validFrom: %q, note: "n"}) { `+refusals, stance, m.instant("moved")),
				rapid.SampledFrom(m.positions).Draw(m.rt, "corrected"))
		}
	case 7:
		got := m.both(fmt.Sprintf(`mutation { affiliate(input: {person: "vela-{x}", organization: "{alba}", office: "no. %d", speaksFor: %t,
			validFrom: %q}) { affiliation { id } `+refusals,
			m.facts, rapid.Bool().Draw(m.rt, "speaks"), m.instant("office")))
		m.offices = append(m.offices, [2]string{got[0].Text("affiliate.affiliation.id"), got[1].Text("affiliate.affiliation.id")})
	case 8:
		if len(m.offices) > 0 {
			m.both(fmt.Sprintf(`mutation { endAffiliation(input: {affiliation: "{0}", validTo: %q}) { `+refusals, apitest.DayAt(apitest.Days+1).Format(time.RFC3339)), m.offices[0])
			m.offices = m.offices[1:]
		}
	case 9:
		m.both(fmt.Sprintf(`mutation { recordEvent(input: {negotiation: "talks-{x}", key: "meeting-%d", kind: MEETING, title: "M", startedAt: %q, participants: ["{alba}"]}) { `+refusals,
			m.facts, m.instant("meeting")))
	}
}

const mergedWhole = `{ issue(id: "talks-{x}/border"%[1]s) { matrix { rows { stakeholder { key } participations { role vetoPlayer }
		cells { stance contested divided formerSpeaker ageDays position { salience holder { key } validFrom validTo conditions } through { key } others { conditions } } } }
		landingZone { scenario { key } verdict support blockers { key } undeclared { key } contradicting { key } parties { stakeholder { key } stance weight } } }
	stakeholder(id: "alba-{x}"%[1]s) { officeHolders { office speaksFor validFrom validTo } memberships { group { key } speaksForMembers } participations { role }
		stances { scenario { key } stance position { conditions } } positionHistory(first: 100) { nodes { stance conditions validFrom validTo contested } } }
	negotiation(id: "talks-{x}"%[1]s) { events(first: 50) { nodes { key participants { key } } } } }`

// whole is all that is asked of a world, without the name of the world.
func (m *mergeMachine) whole(document string, i int) string {
	world := fmt.Sprintf("%d-%s", m.n, worlds[i])
	return strings.ReplaceAll(m.Raw(strings.ReplaceAll(document, "{x}", world)), world, "{x}")
}

func (m *mergeMachine) compare() {
	m.T.Helper()
	for day := 2; day <= apitest.Days+2; day += 2 {
		document := fmt.Sprintf(mergedWhole, fmt.Sprintf(`, asOf: {validAt: %q}`, apitest.DayAt(day).Format(time.RFC3339)))
		if got, want := m.whole(document, 0), m.whole(document, 1); got != want {
			m.rt.Fatalf("on day %d, two that were merged read\n%s\none reads\n%s", day, got, want)
		}
	}
}

// After a merge, everything reads as if there had always been one; through the lenses before it, as it did then.
func TestMergesAgainstOneFromTheStart(t *testing.T) {
	t.Parallel()
	a := start(t)
	histories := 0
	rapid.Check(t, func(rt *rapid.T) {
		histories++
		m := &mergeMachine{api: a, rt: rt, n: histories}
		for _, world := range worlds {
			names, government := fmt.Sprintf("%d-%s", m.n, world), ""
			if world == "two" {
				government = "  - {key: government-{x}, name: Government {x}, kind: STATE}\n"
			}
			a.Load("world.yaml", strings.ReplaceAll(`
dataset: world-{x}
stakeholders:
  - {key: alba-{x}, name: Alba {x}, kind: STATE}
`+government+`  - {key: league-{x}, name: League {x}, kind: GROUP}
  - {key: vela-{x}, name: Vela {x}, kind: PERSON}
negotiations:
  - key: talks-{x}
    title: Talks
    issues:
      - key: border
        title: The border
        scenarios:
          - {key: line, title: A line, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}]}
          - {key: strip, title: A strip, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}]}
`, "{x}", names))
		}
		m.both(`mutation { joinNegotiation(input: {negotiation: "talks-{x}", stakeholder: "{alba}", role: PRIMARY_PARTY, vetoPlayer: true, capability: 40}) {
			userErrors { code message field } } }`)
		m.both(`mutation { addMembership(input: {member: "{alba}", group: "league-{x}", speaksForMembers: true}) { userErrors { code message field } } }`)
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			m.step()
		}
		before := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
		earlier := fmt.Sprintf(mergedWhole, fmt.Sprintf(`, asOf: {validAt: %q, knownAt: %q}`, apitest.DayAt(apitest.Days).Format(time.RFC3339), before))
		was := m.whole(earlier, 0)
		a.Must(merge(fmt.Sprintf("government-%d-two", m.n), fmt.Sprintf("alba-%d-two", m.n)))
		m.compare()
		for range rapid.IntRange(0, 6).Draw(rt, "more") {
			m.step()
		}
		m.compare()
		if is := m.whole(earlier, 0); is != was {
			rt.Fatalf("as known before the merge, it reads\n%s\nwant\n%s", is, was)
		}
	})
}

// What was said twice at one instant, since its party was registered twice, is said once; what differs contests it.
func TestTheSameSaidByBothIsSaidOnce(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("doubled.yaml", doubled)
	a.Load("twice.yaml", `
dataset: twice
statements:
  - {key: own, source: wire, form: REPORTED, text: "Neither, says Alba.", speaker: alba, saidAt: 2025-01-03}
  - {key: other, source: wire, form: REPORTED, text: "Alba wants neither.", saidAt: 2025-01-03}
negotiations: [{key: talks, issues: [{key: border, scenarios: [
  {key: wall, title: A wall, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}], positions: [
    {holder: alba, stance: OPPOSES, validFrom: 2025-01-03, evidence: [own], rationale: Old lines.},
    {holder: government, stance: OPPOSES, validFrom: 2025-01-03, evidence: [other, own], rationale: New lines., salience: 70}]},
  {key: road, title: A road, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}], positions: [
    {holder: alba, stance: OPPOSES, validFrom: 2025-01-03}, {holder: government, stance: OPPOSES, redLine: true, validFrom: 2025-01-03}]}]}]}]
`)
	gone := a.Must(`{ scenario(id: "talks/wall") { positionHistory(holders: ["government"]) { nodes { id } } } }`).Text("scenario.positionHistory.nodes.0.id")
	before := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.Must(merge("government", "alba"))
	a.Must(fmt.Sprintf(`{ wall: scenario(id: "talks/wall") { positionHistory { nodes { contested rationale salience evidence { text } } } }
		road: scenario(id: "talks/road") { positionHistory { nodes { contested } } } node(id: %q) { id } was: record(id: %[1]q, asOf: {knownAt: %q}) { label } }`, gone, before)).
		Want("wall.positionHistory.nodes", "[map[contested:false evidence:[map[text:Neither, says Alba.] map[text:Alba wants neither.]] "+
			"rationale:Old lines.\n\nNew lines. salience:70]]",
			"road.positionHistory.nodes", "[map[contested:true] map[contested:true]]", "node", nil, "was.label", "The government of Alba opposes: A wall")
	b := restored(t, a.export("talks", ""))
	b.Must(`{ scenario(id: "talks/wall") { positionHistory { nodes { contested salience } } } }`).
		Want("scenario.positionHistory.nodes", "[map[contested:false salience:70]]")
}

// Sending again what was sent before a merge changes nothing.
func TestSentAgainAfterAMerge(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("doubled.yaml", doubled)
	const position = `mutation { recordPosition(input: {
		id: "6a3ab3f0-6d27-4a4e-9f0c-0a3b1f6ad001", holder: "government", scenario: "talks/strip", stance: SUPPORTS, validFrom: "2025-02-01T00:00:00Z"}) {
		position { id } cursor userErrors { code message field } } }`
	const party = `mutation { registerStakeholder(input: {id: "6a3ab3f0-6d27-4a4e-9f0c-0a3b1f6ad002", key: "alban-state", name: "Alban state", kind: STATE}) {
		stakeholder { key } cursor userErrors { code message field } } }`
	a.Must(position)
	a.Must(party)
	a.Must(merge("government", "alba"))
	a.Must(merge("alban-state", "alba"))
	a.Must(position).Want("recordPosition.cursor", nil, "recordPosition.position.id", "6a3ab3f0-6d27-4a4e-9f0c-0a3b1f6ad001")
	a.Must(party).Want("registerStakeholder.cursor", nil, "registerStakeholder.stakeholder.key", "alba")
	a.Ask(strings.Replace(position, "government", "brod", 1)).Refused("ID_REUSED id")
	a.Ask(merge("alba", "government")).Refused("INVALID into", "was merged into Alba", "one already")
	a.Ask(merge("government", "government")).Refused("INVALID into", "itself")
	a.Must(merge("government", "alban-state")).Want("mergeStakeholders.cursor", nil)
}

// What there is no room for is refused, not left out.
func TestMergesLoseNothingForLackOfRoom(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("doubled.yaml", doubled)
	names := make([]string, 60)
	for _, party := range []string{"alba", "government"} {
		for i := range names {
			names[i] = fmt.Sprintf("%s %d", party, i)
		}
		a.Must(fmt.Sprintf(`mutation { editStakeholder(input: {stakeholder: %q, aliases: ["%s"]}) { userErrors { code message field } } }`, party, strings.Join(names, `", "`)))
	}
	changes := a.Changes()
	a.Ask(merge("government", "alba")).Refused("INVALID into", "121 aliases", "100")
	if a.Changes() != changes {
		t.Error("a refused merge is on record")
	}
}

// A version that was superseded before a merge is one of the stakeholder that stays, and what was retracted since is
// shown as it was last on record.
func TestSupersededVersionsNameWhoStays(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("doubled.yaml", doubled)
	ids := a.Must(`{ line: scenario(id: "talks/line") { of: positionHistory(holders: ["government"]) { nodes { id } }
			by: statusHistory { nodes { id } } brod: positionHistory(holders: ["brod"]) { nodes { id } } }
		strip: scenario(id: "talks/strip") { positionHistory(holders: ["government"]) { nodes { id } } }
		joint: statements(filter: {sources: ["wire"]}) { nodes { id } } lens { cursor } }`)
	line, strip, brod, joint := ids.Text("line.of.nodes.0.id"), ids.Text("strip.positionHistory.nodes.0.id"), ids.Text("line.brod.nodes.0.id"), ids.Text("joint.nodes.0.id")
	a.Must(fmt.Sprintf(`mutation { a: correctPosition(input: {position: %q, stance: AMBIGUOUS, note: "Not so sharp."}) { userErrors { code } }
		b: correctStatusChange(input: {statusChange: %q, effectiveAt: "2025-01-02T00:00:00Z", note: "A day later."}) { userErrors { code } }
		c: retract(input: {id: %q, note: "Never said."}) { userErrors { code } } d: retract(input: {id: %q, note: "Never said."}) { userErrors { code } } }`,
		line, ids.Text("line.by.nodes.0.id"), strip, brod))
	a.Must(merge("government", "alba"))
	a.Must(fmt.Sprintf(`mutation { a: removeEvidence(input: {from: %q, evidence: [%q], note: "Not about this."}) { userErrors { code message } } }`, line, joint))

	const versions = `nodes { stance holder { key } secondHand evidence { text source { key } } saidFor { key } label supersededAt }`
	got := a.Must(`{ stakeholder(id: "alba") { positionHistory(includeSuperseded: true, scenarios: ["talks/line", "talks/strip"]) { totalCount ` + versions + ` } }
		line: scenario(id: "talks/line") { all: positionHistory(includeSuperseded: true) { ` + versions + ` }
			of: positionHistory(includeSuperseded: true, holders: ["alba"]) { totalCount } statusHistory(includeSuperseded: true) { nodes { by { key } } } }
		strip: scenario(id: "talks/strip") { positionHistory(includeSuperseded: true) { ` + versions + ` } }
		changes(after: "` + ids.Text("lens.cursor") + `") { nodes { ... on PositionChanged { previous { holder { key } evidence { text } } }
			... on ScenarioStatusChanged { previous { by { key } } } } } }`)
	said := func(list string) (versions []string) {
		for i := range got.Count(list) {
			n := fmt.Sprintf("%s.%d.", list, i)
			versions = append(versions, strings.Join([]string{got.Text(n + "label"), got.Text(n + "holder.key"),
				got.Text(n + "secondHand"), got.Text(n + "evidence"), got.Text(n + "saidFor")}, " | "))
		}
		return versions
	}
	const wire = "[map[source:map[key:wire] text:Both agreed.]]"
	if got, want := said("line.all.nodes"), []string{"Alba supports: A line | alba | false | [] | <nil>",
		"Brod neutral: A line | brod | false | [] | [map[key:alba]]", "Alba opposes: A line | alba | false | " + wire + " | <nil>",
		"Alba ambiguous: A line | alba | false | " + wire + " | <nil>", "Alba ambiguous: A line | alba | false | [] | <nil>",
	}; !slices.Equal(got, want) {
		t.Errorf("versions on the line\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got, want := said("strip.positionHistory.nodes"), []string{"Alba neutral: A strip | alba | false | [] | <nil>",
		"Alba strongly opposes: A strip | alba | false | [] | <nil>"}; !slices.Equal(got, want) {
		t.Errorf("versions on the strip\n%s", strings.Join(got, "\n"))
	}
	got.Want("stakeholder.positionHistory.totalCount", 6, "line.of.totalCount", 4, "line.statusHistory.nodes.0.by", "[map[key:alba]]",
		"line.statusHistory.nodes.1.by", "[map[key:alba]]", "changes.nodes.0.previous.holder.key", "government", "changes.nodes.1.previous.by", "[map[key:government]]")

	// A holder that was retracted with all that it ever said.
	a.Must(`mutation { registerStakeholder(input: {key: "cora", name: "Cora", kind: STATE}) { userErrors { code } }
		recordPosition(input: {holder: "cora", scenario: "talks/line", stance: SUPPORTS, validFrom: "2025-01-03T00:00:00Z"}) { userErrors { code } } }`)
	id := a.Must(`{ scenario(id: "talks/line") { positionHistory(holders: ["cora"]) { nodes { id } } } }`).Text("scenario.positionHistory.nodes.0.id")
	gone := a.Must(fmt.Sprintf(`mutation { a: retract(input: {id: %q, note: "A hoax."}) { userErrors { code } }
		b: retract(input: {id: "cora", note: "A hoax."}) { userErrors { code } } }`, id))
	gone.Want("b.userErrors", "[]")
	a.Must(`{ scenario(id: "talks/line") { positionHistory(includeSuperseded: true) { nodes { label holder { name } } } } }`).
		Want("scenario.positionHistory.nodes.1.label", "Cora supports: A line", "scenario.positionHistory.nodes.1.holder.name", "Cora")
}

// A merge ends no role, office or membership, and begins none, in either direction of a diff.
func TestAMergeEndsNothingInADiff(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("doubled.yaml", doubled)
	before := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.Must(merge("government", "alba"))
	after := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	for _, lenses := range [][2]string{{before, after}, {after, before}} {
		got := a.Must(fmt.Sprintf(`{ negotiation(id: "talks") { diff(from: {validAt: "2025-02-01T00:00:00Z", knownAt: %q}, to: {validAt: "2025-02-01T00:00:00Z", knownAt: %q}) {
			participantsLeft { nodes { role } } participantsJoined { nodes { role } } officesEnded { nodes { office } } officesBegun { nodes { office } }
			membershipsEnded { nodes { group { key } } } membershipsBegun { nodes { group { key } } } } } }`, lenses[0], lenses[1]))
		for _, list := range []string{"participantsLeft", "participantsJoined", "officesEnded", "officesBegun", "membershipsEnded", "membershipsBegun"} {
			got.Want("negotiation.diff."+list+".nodes", "[]")
		}
	}
}
