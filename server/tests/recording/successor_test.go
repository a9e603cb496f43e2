package recording_test

import (
	"fmt"
	"strings"
	"testing"

	"example.org/parley"
	"example.org/parley/server/apitest"
)

// replace moves the line to SUPERSEDED, or to another status.
func (a *api) replace(more map[string]any) apitest.Answer {
	a.T.Helper()
	in := map[string]any{"scenario": "talks/line", "to": "SUPERSEDED", "reason": "r"}
	for k, v := range more {
		in[k] = v
	}
	return a.Ask(apitest.ChangeStatus, map[string]any{"input": in})
}

func TestSuccessors(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.ScenarioIn("zone", parley.Floated)
	a.Must(`mutation {
		openNegotiation(input: {key: "elsewhere", title: "Elsewhere"}) { userErrors { code message field } }
		addIssue(input: {negotiation: "elsewhere", key: "issue", title: "Issue"}) { userErrors { code message field } }
		addScenario(input: {issue: "elsewhere/issue", key: "far", title: "Far away"}) { userErrors { code message field } }
	}`)
	many := make([]string, parley.MaxList+1)
	for i := range many {
		many[i] = "talks/strip"
	}
	before := a.Changes()
	a.replace(nil).Refused("INVALID successors", "needs a successor", "if it split")
	a.replace(map[string]any{"successors": []string{}}).Refused("INVALID successors", "needs a successor")
	a.replace(map[string]any{"to": "AGREED", "successors": []string{"talks/strip"}}).
		Refused("INVALID successors", "AGREED", "leave them out")
	a.replace(map[string]any{"successors": []string{"talks/strip", "talks/line"}}).
		Refused("INVALID successors.1", "“A line” can't take its own place", "another")
	a.replace(map[string]any{"successors": []string{"talks/strip", "talks/zone", "talks/strip"}}).
		Refused("INVALID successors.2", "“A strip” is named twice")
	a.replace(map[string]any{"successors": []string{"elsewhere/far"}}).
		Refused("INVALID successors.0", "“Far away” belongs to another negotiation")
	a.replace(map[string]any{"successors": []string{"talks/strip", "talks/nowhere"}}).
		Refused("NOT_FOUND successors.1", "talks/nowhere", "a scenario")
	a.replace(map[string]any{"successors": []string{"north"}}).Refused("NOT_FOUND successors.0", "a stakeholder")
	a.replace(map[string]any{"successors": many}).Refused("INVALID successors", "101 entries", "at most 100")
	if a.Changes() != before {
		t.Error("a refused status made a change")
	}

	got := a.replace(map[string]any{"successors": []string{"talks/zone", "talks/strip"}})
	got.Want("changeScenarioStatus.statusChange.successors", "[map[key:zone] map[key:strip]]",
		"changeScenarioStatus.scenario.status", "SUPERSEDED")
	retract := func(id string) apitest.Answer {
		return a.Ask(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "x"}) { cursor userErrors { code message field } } }`, id))
	}
	for _, scenario := range []string{"talks/zone", "talks/strip"} {
		retract(scenario).Refused("IN_USE id", "took the place of")
	}

	id := got.Text("changeScenarioStatus.statusChange.id")
	knownAt := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	correct := func(fields string) apitest.Answer {
		return a.Ask(fmt.Sprintf(`mutation { correctStatusChange(input: {statusChange: %q, note: "misread", %s}) {
			statusChange { to successors { key } } cursor userErrors { code message field } } }`, id, fields))
	}
	correct(`clear: ["successors"]`).Refused("INVALID successors", "needs a successor")
	correct(`to: AGREED`).Refused("INVALID successors", "AGREED")
	correct(`successors: ["talks/line"]`).Refused("INVALID successors.0", "own place")
	correct(`successors: ["talks/strip", "talks/strip"]`).Refused("INVALID successors.1", "twice")
	correct(`successors: ["talks/zone", "talks/strip"]`).Want("correctStatusChange.cursor", nil)
	correct(`successors: ["talks/strip"]`).Want("correctStatusChange.statusChange",
		"map[successors:[map[key:strip]] to:SUPERSEDED]")
	retract("talks/zone").Want("retract.userErrors", "[]") // nothing that stands names it any more
	retract("talks/strip").Refused("IN_USE id", "took the place of")
	document := fmt.Sprintf(`query($asOf: AsOf) { node: record(id: %q, asOf: $asOf) { ... on StatusChange { successors { key } } } }`, id)
	a.Must(document).Want("node.successors", "[map[key:strip]]")
	a.Must(document, map[string]any{"asOf": map[string]any{"knownAt": knownAt}}).
		Want("node.successors", "[map[key:zone] map[key:strip]]")
	correct(`to: STALLED, successors: []`).Want("correctStatusChange.statusChange", "map[successors:[] to:STALLED]")
}

func TestSuccessorsInDataSets(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	set := func(successors string) string {
		return `
dataset: split
negotiations:
  - key: talks
    issues:
      - key: border
        scenarios:
          - {key: zone, title: A zone, statuses: [{to: FLOATED, effectiveAt: 2025-01-01}]}
          - {key: line, statuses: [{to: SUPERSEDED, effectiveAt: 2025-02-01, reason: It split., note: misread, successors: ` + successors + `}]}
`
	}
	for _, tt := range []struct {
		successors string
		changes    int
		want       string
	}{
		{"[strip, talks/zone]", 2, "[map[key:strip] map[key:zone]]"},
		{"[strip, talks/zone]", 0, "[map[key:strip] map[key:zone]]"},
		{"[zone]", 1, "[map[key:zone]]"},
	} {
		if n := a.Load("split.yaml", set(tt.successors)); n != tt.changes {
			t.Errorf("%s made %d changes, want %d", tt.successors, n, tt.changes)
		}
		a.Must(`{ scenario(id: "talks/line") { currentStatusChange { successors { key } } } }`).
			Want("scenario.currentStatusChange.successors", tt.want)
	}
	for text, says := range map[string]string{
		set("zone"):   "successors must be a list",
		set("[line]"): "“A line” can't take its own place",
		set("null"):   "needs a successor",
		strings.Replace(set("[zone]"), "successors", "successor", 1): `no field "successor"; its fields are`,
	} {
		if err := a.TryLoad("wrong.yaml", text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}
