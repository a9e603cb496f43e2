package reading_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// onPaths is a line of statuses, and positions resting on evidence of every sort, for filters to find.
func onPaths(t *testing.T) *api {
	a := withTalks(t)
	a.Load("paths.yaml", `
dataset: paths
sources:
  - {key: times, title: The Times, reliability: A}
  - {key: blog, title: A blog, reliability: F}
statements:
  - {key: t1, source: times, form: REPORTED, text: North wants it, credibility: C1, saidAt: 2025-02-01}
  - {key: t2, source: times, form: REPORTED, text: North still wants it, credibility: C1, saidAt: 2025-03-01}
  - {key: b1, source: blog, form: REPORTED, text: South hates it, credibility: C6}
negotiations:
  - key: talks
    issues:
      - key: border
        scenarios:
          - key: line
            statuses:
              - {to: AGREED, reason: signed, effectiveAt: 2025-02-01}
              - {to: COLLAPSED, reason: broken, effectiveAt: 2025-03-01}
            positions:
              - {holder: north, stance: SUPPORTS, validFrom: 2025-01-05, evidence: [t1, t2]}
              - {holder: south, stance: STRONGLY_OPPOSES, validFrom: 2025-01-05, evidence: [b1]}
              - {holder: envoy, stance: AMBIGUOUS, validFrom: 2025-01-05}
          - key: strip
            statuses: [{to: PROPOSED, reason: put forward, effectiveAt: 2025-01-15}]
            positions: [{holder: north, stance: OPPOSES, validFrom: 2025-01-20, evidence: [t1, b1]}]
`)
	return a
}

func TestPathFilters(t *testing.T) {
	t.Parallel()
	a := onPaths(t)
	const scenarios, positions = "scenarios", "positions"
	for _, tt := range []struct{ list, filter, at, want string }{
		{scenarios, `everReached: [AGREED]`, "2025-06-01", "line"},
		{scenarios, `everReached: [AGREED]`, "2025-02-01", "line"},
		{scenarios, `everReached: [AGREED]`, "2025-01-31", ""},
		{scenarios, `everReached: [UNDER_NEGOTIATION]`, "2025-06-01", ""}, // passed over
		{scenarios, `everReached: [FLOATED, COLLAPSED]`, "2025-06-01", "line strip"},
		{scenarios, `everReached: []`, "2025-06-01", "line strip"},
		{scenarios, `notReached: [AGREED, COLLAPSED]`, "2025-06-01", "strip"},
		{scenarios, `notReached: [AGREED]`, "2025-01-20", "line strip"},
		{scenarios, `inStatusLongerThanDays: 30`, "2025-02-14T00:00:00", ""},
		{scenarios, `inStatusLongerThanDays: 30`, "2025-02-14T00:00:01", "strip"},
		{scenarios, `inStatusLongerThanDays: 0`, "2025-02-01", "strip"},
		{scenarios, `inStatusLongerThanDays: 1000000`, "2025-02-01", ""},
		{scenarios, `supportedBy: ["north"]`, "2025-06-01", "line"},
		{scenarios, `supportedBy: ["south", "north"], opposedBy: ["south"]`, "2025-06-01", "line"},
		{scenarios, `opposedBy: ["north", "south"]`, "2025-06-01", "line strip"},
		{scenarios, `opposedBy: ["north"]`, "2025-01-19", ""},
		{scenarios, `supportedBy: ["envoy"]`, "2025-06-01", "line"}, // the envoy speaks for North
		{positions, `singleSourced: true`, "2025-06-01", "north on line, south on line"},
		{positions, `singleSourced: false`, "2025-06-01", "envoy on line, north on strip"},
		{positions, `unsourced: true`, "2025-06-01", "envoy on line"},
		{positions, `reliability: [F]`, "2025-06-01", "south on line"},
		{positions, `reliability: [A]`, "2025-06-01", "north on line, north on strip"},
		{positions, `reliability: [B, C, D, E]`, "2025-06-01", ""},
		{positions, `notAffirmedForDays: 30`, "2025-03-31", "envoy on line, north on strip, south on line"},
		{positions, `notAffirmedForDays: 30`, "2025-04-01",
			"envoy on line, north on line, north on strip, south on line"},
		{positions, `notAffirmedForDays: 100`, "2025-04-16", "envoy on line, south on line"},
	} {
		if !strings.Contains(tt.at, "T") {
			tt.at += "T00:00:00"
		}
		fields := map[string]string{scenarios: `key`, positions: `holder { key } scenario { key }`}[tt.list]
		got := a.Must(fmt.Sprintf(`{ %s(filter: {%s}, asOf: {validAt: "%sZ"}) { totalCount nodes { %s } } }`, tt.list,
			tt.filter, tt.at, fields))
		var found []string
		for i := range got.Count(tt.list + ".nodes") {
			at := fmt.Sprintf("%s.nodes.%d.", tt.list, i)
			if tt.list == scenarios {
				found = append(found, got.Text(at+"key"))
			} else {
				found = append(found, got.Text(at+"holder.key")+" on "+got.Text(at+"scenario.key"))
			}
		}
		slices.Sort(found)
		separator := " "
		if tt.list == positions {
			separator = ", "
		}
		if is := strings.Join(found, separator); is != tt.want ||
			got.Text(tt.list+".totalCount") != fmt.Sprint(len(found)) {
			t.Errorf("%s {%s} at %s: %q (total %s), want %q", tt.list, tt.filter, tt.at, is,
				got.Text(tt.list+".totalCount"), tt.want)
		}
	}
	a.Ask(`{ scenarios(filter: {inStatusLongerThanDays: -1}) { totalCount } }`).Fails("BAD_REQUEST", "-1", "1000000")
	a.Ask(`{ positions(filter: {notAffirmedForDays: 1000001}) { totalCount } }`).Fails("BAD_REQUEST", "1000001")
	a.Ask(`{ scenarios(filter: {supportedBy: ["nobody"]}) { totalCount } }`).Fails("BAD_REQUEST", "supportedBy",
		`"nobody"`)
	a.Ask(`{ negotiation(id: "talks") { scenarios(filter: {opposedBy: ["talks/line"]}) { totalCount } } }`).Fails("BAD_REQUEST", "opposedBy")
}

func TestFiltersTakeNoMoreStatements(t *testing.T) {
	t.Parallel()
	a := onPaths(t)
	const all = `{ scenarios(filter: {negotiations: ["talks"], everReached: [AGREED], notReached: [REJECTED], inStatusLongerThanDays: 1, supportedBy: ["north"], opposedBy: ["south"]}) { nodes { key } }
		positions(filter: {holders: ["north"], singleSourced: true, reliability: [A], notAffirmedForDays: 1}) { nodes { id } } }`
	a.Must(all)
	few := a.Statements(all)
	for i := range 10 {
		a.Must(fmt.Sprintf(`mutation {
			registerStakeholder(input: {key: "more-%[1]d", name: "More", kind: PERSON}) { userErrors { message } }
			affiliate(input: {person: "more-%[1]d", organization: "north", speaksFor: true}) { userErrors { message } }
			addScenario(input: {issue: "talks/border", key: "more-%[1]d", title: "More", effectiveAt: "2025-01-01T00:00:00Z"}) { userErrors { message } }
			recordPosition(input: {holder: "more-%[1]d", scenario: "talks/more-%[1]d", stance: SUPPORTS}) { userErrors { message } } }`, i))
	}
	// What a filter names, and what it finds; of parties, who speaks for them, what they say, and for whom they do.
	if many := a.Statements(all); many != few || many > 13 {
		t.Errorf("%d statements for many, %d for few", many, few)
	}
}
