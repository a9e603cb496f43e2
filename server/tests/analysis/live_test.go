package analysis_test

import (
	"fmt"
	"testing"
)

// A scenario is live until its status or a resolution decides it. Lists of scenarios and positions are narrowed to
// such.
func TestLiveScenarios(t *testing.T) {
	t.Parallel()
	a := start(t)
	statuses, want := "", map[string]bool{}
	for i, status := range []string{"FLOATED", "PROPOSED", "UNDER_NEGOTIATION", "AGREED_IN_PRINCIPLE", "STALLED", "AGREED", "IN_IMPLEMENTATION",
		"IMPLEMENTED", "REJECTED", "WITHDRAWN", "COLLAPSED"} {
		key := fmt.Sprintf("s-%02d", i)
		want[key] = i < 5
		statuses += fmt.Sprintf("          - {key: %s, title: T, statuses: [{to: %s, effectiveAt: 2025-01-01}], positions: [{holder: alba, stance: OPPOSES, validFrom: 2025-01-02}]}\n", key, status)
	}
	a.Load("live.yaml", `
dataset: live
stakeholders: [{key: alba, name: Alba, kind: STATE}]
negotiations:
  - key: talks
    title: Talks
    issues:
      - key: border
        title: The border
        scenarios:
`+statuses)
	a.Must(`mutation { resolveScenario(input: {scenario: "talks/s-00", outcome: AMBIGUOUS, resolvedAt: "2025-02-01T00:00:00Z"}) { userErrors { code message field } } }`)
	check := func(validAt string) {
		t.Helper()
		got := a.Must(fmt.Sprintf(`{ all: scenarios(asOf: {validAt: %q}) { nodes { key live } } live: scenarios(filter: {live: true}, asOf: {validAt: %[1]q}) { nodes { key } }
			dead: scenarios(filter: {live: false}, asOf: {validAt: %[1]q}) { totalCount }
			on: positions(filter: {live: true}, asOf: {validAt: %[1]q}) { totalCount } off: positions(filter: {live: false}, asOf: {validAt: %[1]q}) { totalCount } }`, validAt))
		live := 0
		for i := range got.Count("all.nodes") {
			key := got.Text(fmt.Sprintf("all.nodes.%d.key", i))
			if is := got.At(fmt.Sprintf("all.nodes.%d.live", i)); is != want[key] {
				t.Errorf("on %s %s is live: %v, want %v", validAt, key, is, want[key])
			}
			if want[key] {
				live++
			}
		}
		got.Want("on.totalCount", live, "off.totalCount", len(want)-live, "dead.totalCount", len(want)-live)
		if got.Count("live.nodes") != live {
			t.Errorf("on %s are live %v", validAt, got.At("live.nodes"))
		}
	}
	check("2025-01-15T00:00:00Z")
	want["s-00"] = false
	check("2025-02-01T00:00:00Z")
}
