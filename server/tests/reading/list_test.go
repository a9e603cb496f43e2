package reading_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// bigger adds to the talks so many scenarios with a position of each of so many holders, every one with evidence.
func (a *api) bigger(scenarios, holders int) {
	a.T.Helper()
	for h := range holders {
		a.Must(`mutation($key: String!) { registerStakeholder(input: {key: $key, name: $key, kind: STATE}) { userErrors { code message field } } }`,
			map[string]any{"key": fmt.Sprintf("holder-%d", h)})
	}
	for s := range scenarios {
		key := fmt.Sprintf("plan-%03d", s)
		a.ScenarioIn(key, "PROPOSED")
		for h := range holders {
			a.Must(`mutation($holder: ID!, $scenario: ID!) { recordPosition(input: {holder: $holder, scenario: $scenario, stance: SUPPORTS, validFrom: "2025-03-01T00:00:00Z",
				newEvidence: [{source: "gazette", speaker: "envoy", text: "said so", form: PARAPHRASE}]}) { userErrors { code message field } } }`,
				map[string]any{"holder": fmt.Sprintf("holder-%d", h), "scenario": "talks/" + key})
		}
	}
}

// joined makes stakeholders members of holder-1.
func (a *api) joined(members ...string) {
	a.T.Helper()
	for _, member := range members {
		a.Must(`mutation($member: ID!) { addMembership(input: {member: $member, group: "holder-1"}) { userErrors { code message field } } }`,
			map[string]any{"member": member})
	}
}

// The number of SQL statements depends on the document alone: fifty scenarios with all that hangs on them take no more
// than five do.
func TestStatementsDoNotGrowWithRows(t *testing.T) {
	t.Parallel()
	small, large := withTalks(t), withTalks(t)
	small.bigger(5, 2)
	large.bigger(50, 2)
	small.joined("north")
	large.joined("north", "south", "envoy", "holder-0")
	for name, document := range map[string]string{
		"scenarios with positions": `{ scenarios(first: 60, filter: {negotiations: ["talks"]}) { totalCount nodes {
			key label status issue { title } negotiation { title } changedAt allowedTransitions currentStatusChange { to }
			positions { totalCount nodes { stance validTo } } positionHistory { nodes { stance } } statusHistory { nodes { to } }
			statements { nodes { text } } relations { kind } } } }`,
		"scenarios by last change": `{ scenarios(first: 60, orderBy: CHANGED_DESC) { nodes { key changedAt } } }`,
		"positions in full": `{ positions(first: 120) { totalCount nodes { label stance holder { name } scenario { title status }
			lastAffirmedAt recordedBy { name } dissenting { id } evidence { text form terms } } } }`,
		"a negotiation's scenarios": `{ negotiation(id: "talks") { title scenarios(first: 60) { nodes { title positions(first: 10) { nodes { stance } } } } } }`,
		"statements":                `{ statements(first: 200) { totalCount nodes { label grade source { title } speaker { name } about { id } } } }`,
		"status changes":            `{ statusChanges(first: 100) { totalCount nodes { label to by { name } evidence { text } scenario { title } } } }`,
		"stakeholders": `{ stakeholders(first: 100) { nodes { positions { totalCount nodes { id } } positionHistory { nodes { id } } statements { totalCount }
			affiliations { office } officeHolders { person { name } } memberships { group { name } } members { member { name } } } } }`,
		"the feed": `{ changes(first: 500) { totalCount nodes { summary } } }`,
	} {
		few, many := small.Statements(document), large.Statements(document)
		t.Logf("%s: %d statements", name, few)
		if many != few {
			t.Errorf("%s takes %d statements for a few rows and %d for many", name, few, many)
		}
	}
}

// Any page of any list, from either end and between any cursors, is what a cut of the whole list is.
func TestPaging(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.bigger(7, 1)
	const page = `edges { cursor } nodes { __typename } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }`
	for path, list := range map[string]string{
		"scenarios":           `{ scenarios(orderBy: KEY_ASC, %s) }`,
		"byStatus":            `{ byStatus: scenarios(orderBy: STATUS_SINCE_DESC, %s) }`,
		"byChange":            `{ byChange: scenarios(orderBy: CHANGED_DESC, %s) }`,
		"positions":           `{ positions(%s) }`,
		"byRecording":         `{ byRecording: positions(orderBy: RECORDED_DESC, %s) }`,
		"statements":          `{ statements(%s) }`,
		"statusChanges":       `{ statusChanges(%s) }`,
		"stakeholders":        `{ stakeholders(%s) }`,
		"changes":             `{ changes(%s) }`,
		"newest":              `{ newest: changes(order: NEWEST_FIRST, %s) }`,
		"ofParty":             `{ ofParty: changes(filter: {parties: ["holder-0"]}, %s) }`,
		"newestOfParty":       `{ newestOfParty: changes(order: NEWEST_FIRST, filter: {parties: ["holder-0"]}, %s) }`,
		"negotiation.changes": `{ negotiation(id: "talks") { changes(%s) } }`,
		"negotiation.diff.statusChanges": `{ negotiation(id: "talks") {
			diff(from: {validAt: "2000-01-01T00:00:00Z"}, to: {}) { statusChanges(%s) } } }`,
	} {
		read := func(arguments string) (cursors []string, next, previous any) {
			got := a.Must(fmt.Sprintf(strings.Replace(list, "%s)", "%s) { "+page+" }", 1), arguments))
			for i := range got.Count(path + ".edges") {
				cursors = append(cursors, got.Text(fmt.Sprintf("%s.edges.%d.cursor", path, i)))
			}
			if len(cursors) > 0 {
				got.Want(path+".pageInfo.startCursor", cursors[0], path+".pageInfo.endCursor", cursors[len(cursors)-1])
			}
			if n := got.Count(path + ".nodes"); n != len(cursors) {
				t.Errorf("%s: %d nodes, %d edges", path, n, len(cursors))
			}
			return cursors, got.At(path + ".pageInfo.hasNextPage"), got.At(path + ".pageInfo.hasPreviousPage")
		}
		whole, _, _ := read("first: 500")
		if len(whole) < 3 {
			t.Fatalf("%s has %d entries only", path, len(whole))
		}
		for size := range 4 {
			for from := range 4 {
				for to := range 4 {
					from, to, size := from-1, len(whole)-to, size+1
					bounds := ""
					if from >= 0 {
						bounds += fmt.Sprintf(", after: %q", whole[from])
					}
					if to < len(whole) {
						bounds += fmt.Sprintf(", before: %q", whole[to])
					}
					var within []string
					if from+1 < to {
						within = whole[from+1 : to]
					}
					n := min(size, len(within))
					for end, want := range map[string][]string{"first": within[:n], "last": within[len(within)-n:]} {
						got, next, previous := read(fmt.Sprintf("%s: %d%s", end, size, bounds))
						more := len(within) > size
						if !slices.Equal(got, want) || next != (end == "first" && more || end == "last" && to < len(whole)) ||
							previous != (end == "last" && more || end == "first" && from >= 0) {
							t.Errorf("%s, %s %d%s: %v, next %v, previous %v; want %v of %v", path, end, size, bounds, got, next, previous, want, whole)
						}
					}
				}
			}
		}
	}
}

// A page from the end is one for each list of a level, also of versions, and totals do not depend on the page.
func TestPagesFromTheEndOfManyLists(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.bigger(3, 3)
	const key = `nodes { holder { key } }`
	got := a.Must(`{ scenarios { nodes { whole: positionHistory(includeSuperseded: true) { totalCount ` + key + ` }
		last: positionHistory(includeSuperseded: true, last: 2) { totalCount ` + key + ` pageInfo { hasPreviousPage hasNextPage startCursor } } } } }`)
	full := 0
	for i := range got.Count("scenarios.nodes") {
		at := func(path string) string { return fmt.Sprintf("scenarios.nodes.%d.%s", i, path) }
		whole := got.Count(at("whole.nodes"))
		got.Want(at("last.totalCount"), whole, at("last.pageInfo.hasPreviousPage"), whole > 2, at("last.pageInfo.hasNextPage"), false)
		n := min(2, whole)
		for j := range n {
			got.Want(at(fmt.Sprintf("last.nodes.%d.holder.key", j)), got.Text(at(fmt.Sprintf("whole.nodes.%d.holder.key", whole-n+j))))
		}
		if whole > 2 {
			full++
		}
	}
	if full < 3 {
		t.Errorf("only %d lists have more than a page", full)
	}
}

// A cursor is of one list in one order; another one refuses it.
func TestCursorsOfOtherLists(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	cursor := a.Must(`{ sources(first: 1) { pageInfo { endCursor } } }`).Text("sources.pageInfo.endCursor")
	a.Must(`query($after: Cursor) { sources(after: $after) { nodes { key } } }`,
		map[string]any{"after": cursor}).Want("sources.nodes", "[map[key:rumour]]")
	a.Ask(`query($after: Cursor) { stakeholders(after: $after) { nodes { key } } }`,
		map[string]any{"after": cursor}).Fails("BAD_CURSOR", cursor)
	byKey := a.Must(`{ scenarios(first: 1) { pageInfo { endCursor } } }`).Text("scenarios.pageInfo.endCursor")
	a.Ask(`query($after: Cursor) { scenarios(orderBy: CHANGED_DESC, after: $after) { nodes { key } } }`,
		map[string]any{"after": byKey}).Fails("BAD_CURSOR", byKey)
}

func TestFilters(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.bigger(2, 2)
	a.Must(`mutation {
		a: recordPosition(input: {holder: "north", scenario: "talks/line", stance: OPPOSES, redLine: true}) { userErrors { code message field } }
		b: changeScenarioStatus(input: {scenario: "talks/strip", to: REJECTED, reason: "no", by: ["south"]}) { userErrors { code message field } }
		c: editScenario(input: {scenario: "talks/strip", summary: "Großer Streifen à Évry"}) { userErrors { code message field } }
		d: registerStakeholder(input: {key: "turkey", name: "Türkiye", kind: STATE, aliases: ["Ankara"]}) { userErrors { code message field } }
	}`)
	for query, want := range map[string]int{
		`scenarios(filter: {status: [REJECTED]})`:                                                      1,
		`scenarios(filter: {status: []})`:                                                              4,
		`scenarios(filter: {issues: ["talks/border"], text: "evry"})`:                                  1,
		`scenarios(filter: {text: "EVRY 100%"})`:                                                       0,
		`scenarios(filter: {statusSince: {from: "2025-01-15T00:00:00Z", to: "2025-02-01T00:00:00Z"}})`: 0,
		`scenarios(filter: {statusSince: {from: "2025-02-01T00:00:00Z", to: "2025-02-02T00:00:00Z"}})`: 2,
		`positions(filter: {holders: ["north"]})`:                                                      1,
		`positions(filter: {stances: [SUPPORTS], scenarios: ["talks/plan-000"]})`:                      2,
		`positions(filter: {negotiations: ["talks"], redLine: true})`:                                  1,
		`positions(filter: {issues: ["talks/border"], unsourced: true})`:                               1,
		`positions(filter: {unsourced: false})`:                                                        4,
		`positions(filter: {secondHand: false})`:                                                       1,
		`positions(filter: {contested: true})`:                                                         0,
		`positions(filter: {validFrom: {to: "2025-03-01T00:00:00Z"}})`:                                 0,
		`statements(filter: {speakers: ["envoy"], sources: ["gazette"]})`:                              5,
		`statements(filter: {about: ["talks/line"]})`:                                                  1,
		`statements(filter: {negotiations: ["talks"]})`:                                                5,
		`statements(filter: {said: {from: "2025-01-03T00:00:00Z"}})`:                                   1,
		`statusChanges(filter: {to: [REJECTED], by: ["south"]})`:                                       1,
		`statusChanges(filter: {scenarios: ["talks/strip"]})`:                                          2,
		`stakeholders(text: "turk")`:                                                                   1,
		`stakeholders(text: "ANKARA", kinds: [STATE])`:                                                 1,
		`stakeholders(kinds: [PERSON])`:                                                                1,
		`sources(text: "gazette")`:                                                                     1,
		`changes(filter: {scenarios: ["talks/strip"]})`:                                                3,
		`changes(filter: {stakeholders: ["south"], kinds: [STATUS]})`:                                  1,
		`changes(filter: {kinds: [POSITION]})`:                                                         5,
		`changes(since: "2999-01-01T00:00:00Z")`:                                                       0,
	} {
		got := a.Must(`{ list: ` + query + ` { totalCount nodes { __typename } } }`)
		if got.Count("list.nodes") != want || got.Text("list.totalCount") != fmt.Sprint(want) {
			t.Errorf("%s finds %d (total %s), want %d", query, got.Count("list.nodes"), got.Text("list.totalCount"),
				want)
		}
	}
	for _, query := range []string{`scenarios(filter: {issues: ["talks/nothing"]})`,
		`positions(filter: {holders: ["talks"]})`, `changes(filter: {stakeholders: ["nobody"]})`} {
		a.Ask(`{ ` + query + ` { totalCount } }`).Fails("BAD_REQUEST")
	}
}
