package reading_test

import (
	"fmt"
	"slices"
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

// Pages of any size put together are the whole list, in order, whatever is added meanwhile behind the reader.
func TestPaging(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.bigger(7, 1)
	for name, list := range map[string]string{
		"scenarios":     `scenarios(orderBy: KEY_ASC, %s)`,
		"by status":     `scenarios(orderBy: STATUS_SINCE_DESC, %s)`,
		"by change":     `scenarios(orderBy: CHANGED_DESC, %s)`,
		"positions":     `positions(%s)`,
		"by recording":  `positions(orderBy: RECORDED_DESC, %s)`,
		"statements":    `statements(%s)`,
		"statusChanges": `statusChanges(%s)`,
		"stakeholders":  `stakeholders(%s)`,
		"sources":       `sources(%s)`,
	} {
		read := func(arguments string) (ids []string, next string) {
			got := a.Must(fmt.Sprintf(`{ list: `+list+` { totalCount nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`, arguments))
			for i := range got.Count("list.nodes") {
				ids = append(ids, got.Text(fmt.Sprintf("list.nodes.%d.id", i)))
				got.Want(fmt.Sprintf("list.edges.%d.node.id", i), ids[i])
			}
			if len(ids) > 0 {
				got.Want("list.pageInfo.startCursor", got.Text("list.edges.0.cursor"), "list.pageInfo.endCursor",
					got.Text(fmt.Sprintf("list.edges.%d.cursor", len(ids)-1)))
			}
			if got.At("list.pageInfo.hasNextPage") == true {
				next = got.Text("list.pageInfo.endCursor")
			}
			return ids, next
		}
		whole, _ := read("first: 500")
		var pieced []string
		after := ""
		for page := 0; page == 0 || after != ""; page++ {
			arguments := "first: 2"
			if after != "" {
				arguments += fmt.Sprintf(", after: %q", after)
			}
			var ids []string
			ids, after = read(arguments)
			pieced = append(pieced, ids...)
		}
		if !slices.Equal(whole, pieced) {
			t.Errorf("%s: pages of two give %v, the whole is %v", name, pieced, whole)
		}
	}
}

// A cursor is of one list in one order; another one refuses it.
func TestCursorsOfOtherLists(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	cursor := a.Must(`{ sources(first: 1) { pageInfo { endCursor } } }`).Text("sources.pageInfo.endCursor")
	a.Must(`query($after: String) { sources(after: $after) { nodes { key } } }`,
		map[string]any{"after": cursor}).Want("sources.nodes", "[map[key:rumour]]")
	a.Ask(`query($after: String) { stakeholders(after: $after) { nodes { key } } }`,
		map[string]any{"after": cursor}).Fails("BAD_CURSOR", cursor)
	byKey := a.Must(`{ scenarios(first: 1) { pageInfo { endCursor } } }`).Text("scenarios.pageInfo.endCursor")
	a.Ask(`query($after: String) { scenarios(orderBy: CHANGED_DESC, after: $after) { nodes { key } } }`,
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
