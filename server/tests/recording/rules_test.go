package recording_test

import (
	"fmt"
	"strings"
	"testing"
)

// A rule over two fields holds whichever of them is written last: each pair is accepted alone, and refused in both
// orders.
func TestRulesOverTwoFields(t *testing.T) {
	const (
		resolve  = `resolveScenario(input: {scenario: "talks/zone", outcome: OCCURRED, resolvedAt: "2025-03-01T00:00:00Z"})`
		deadline = `editScenario(input: {scenario: "talks/zone", deadline: "2025-02-10T00:00:00Z"})`
		late     = `correctStatusChange(input: {statusChange: "{first}", effectiveAt: "2025-04-01T00:00:00Z", note: "n"})`
		assess   = `assessScenario(input: {scenario: "talks/zone", probability: 20, confidence: LOW, rationale: "r", assessedAt: "2025-02-01T00:00:00Z"})`
		early    = `assessScenario(input: {scenario: "talks/zone", probability: 99, confidence: LOW, rationale: "r", assessedAt: "2024-12-31T00:00:00Z"})`
		exclude  = `relateScenarios(input: {from: "talks/line", to: "talks/zone", kind: MUTUALLY_EXCLUSIVE})`
		rival    = `resolveScenario(input: {scenario: "talks/line", outcome: OCCURRED, resolvedAt: "2025-03-01T00:00:00Z"})`
		take     = `retract(input: {id: "{first}", note: "n"})`
		second   = `changeScenarioStatus(input: {scenario: "talks/zone", to: UNDER_NEGOTIATION, reason: "r", effectiveAt: "2025-04-01T00:00:00Z"})`
		held     = `editEvent(input: {event: "talks/round", state: HELD})`
		moved    = `editEvent(input: {event: "talks/round", startedAt: "2999-01-01T00:00:00Z"})`
	)
	for _, tt := range []struct {
		name    string
		steps   []string // in order
		refused string   // of the last one
	}{
		{"a deadline before it occurred", []string{resolve, deadline}, "INVALID deadline"},
		{"it occurred after the deadline", []string{deadline, resolve}, "INVALID outcome"},
		{"a first status after the deadline", []string{deadline, late}, "INVALID effectiveAt"},
		{"a deadline before the first status", []string{late, deadline}, "INVALID deadline"},
		{"a first status after the resolution", []string{resolve, late}, "INVALID effectiveAt"},
		{"a resolution before the first status", []string{late, resolve}, "INVALID resolvedAt"},
		{"a first status after an assessment", []string{assess, late}, "INVALID effectiveAt"},
		{"an assessment before the first status", []string{late, assess}, "INVALID assessedAt"},
		{"an assessment before it was on the table", []string{early}, "INVALID assessedAt"},
		{"the first status is retracted, with a deadline", []string{deadline, second, take}, "INVALID id"},
		{"the first status is retracted, with a resolution", []string{resolve, second, take}, "INVALID id"},
		{"the first status is retracted, with an assessment", []string{assess, second, take}, "INVALID id"},
		{"a rival that occurred", []string{exclude, resolve, rival}, "CONFLICT outcome"},
		{"the other one of the rivals", []string{exclude, rival, resolve}, "CONFLICT outcome"},
		{"a relation of two that occurred", []string{resolve, rival, exclude}, "CONFLICT kind"},
		{"held in the future", []string{moved, held}, "INVALID startedAt"},
		{"in the future, though held", []string{held, moved}, "INVALID startedAt"},
		{"recorded as held in the future", []string{`recordEvent(input: {negotiation: "talks", key: "next", kind: CALL, title: "T", startedAt: "2999-01-01T00:00:00Z"})`},
			"INVALID startedAt"},
		{"added with a deadline before its first status",
			[]string{`addScenario(input: {issue: "talks/border", key: "new", title: "T", effectiveAt: "2025-01-02T00:00:00Z", deadline: "2025-01-01T00:00:00Z"})`},
			"INVALID deadline"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := withTalks(t)
			mutation := a.withZone()
			last := len(tt.steps) - 1
			for _, step := range tt.steps[:last] {
				a.Must(mutation(step))
			}
			before := a.Changes()
			a.Ask(mutation(tt.steps[last])).Refused(tt.refused)
			if a.Changes() != before {
				t.Error("it made a change all the same")
			}
			if last == 0 {
				return
			}
			a = withTalks(t) // without the steps before, it is accepted
			mutation = a.withZone()
			if tt.steps[last] == take {
				a.Must(mutation(second))
			}
			a.Must(mutation(tt.steps[last]))
		})
	}
}

// withZone adds a scenario and a planned event, and returns how a mutation on them is written.
func (a *api) withZone() func(step string) string {
	a.T.Helper()
	first := a.Must(`mutation {
		a: addScenario(input: {issue: "talks/border", key: "zone", title: "A zone", initialStatus: PROPOSED, effectiveAt: "2025-01-01T00:00:00Z"}) {
			scenario { currentStatusChange { id } } userErrors { code message field } }
		b: recordEvent(input: {negotiation: "talks", key: "round", kind: MEETING, state: PLANNED, title: "R", startedAt: "2025-05-01T00:00:00Z"}) {
			userErrors { code message field } } }`).Text("a.scenario.currentStatusChange.id")
	return func(step string) string {
		return fmt.Sprintf(`mutation { m: %s { cursor userErrors { code message field } } }`, strings.ReplaceAll(step, "{first}", first))
	}
}
