package archive_test

import (
	"strings"
	"testing"

	"example.org/parley/archive"
)

// An archive is held to the rules between records that the API keeps.
func TestRulesInArchives(t *testing.T) {
	t.Parallel()
	origin, copied := open(t), open(t)
	load(t, origin, `
dataset: rules
recordedAt: 2025-05-01
negotiations:
  - key: talks
    title: Talks
    issues:
      - key: border
        title: The border
        scenarios:
          - key: line
            title: A line
            deadline: 2025-04-04
            statuses:
              - {to: FLOATED, effectiveAt: 2025-02-01}
              - {to: UNDER_NEGOTIATION, effectiveAt: 2025-03-01, reason: R}
            assessments: [{probability: 30, rationale: R, assessedAt: 2025-02-02}]
            outcome: OCCURRED
            resolvedAt: 2025-04-01
          - key: strip
            title: A strip
            statuses: [{to: FLOATED, effectiveAt: 2025-02-03}]
            outcome: DID_NOT_OCCUR
            resolvedAt: 2025-04-02
    relations: [{kind: MUTUALLY_EXCLUSIVE, from: line, to: strip}]
    events: [{key: call, title: A call, kind: CALL, startedAt: 2025-02-05}]
`)
	text := export(t, origin)
	for _, tt := range []struct{ name, old, replacement, says string }{
		{"it occurred long after the deadline", `"deadline":"2025-04-04`, `"deadline":"2025-01-04`, "The scenario occurred after its deadline"},
		{"it occurred after the deadline", `"deadline":"2025-04-04`, `"deadline":"2025-03-31`, "The scenario occurred after its deadline"},
		{"a resolution before the first status", `"resolvedAt":"2025-04-02`, `"resolvedAt":"2025-01-02`, "before its first status"},
		{"an assessment before the first status", `"assessedAt":"2025-02-02`, `"assessedAt":"2025-01-31`, "before the scenario's first status"},
		{"rivals that occurred", `"DID_NOT_OCCUR"`, `"OCCURRED"`, "which exclude each other"},
		{"an event in the future", `"startedAt":"2025-02-05`, `"startedAt":"2025-06-05`, "begins after it was recorded"},
		{"a transition that is not allowed", `"toStatus":"UNDER_NEGOTIATION"`, `"toStatus":"COLLAPSED"`, "From FLOATED a scenario can't become COLLAPSED"},
		{"a status that was not before", `"fromStatus":"FLOATED"`, `"fromStatus":"PROPOSED"`, "do not follow from the status before it"},
		{"what was not skipped", `"skipped":["PROPOSED"]`, `"skipped":[]`, "do not follow from the status before it"},
	} {
		wrong := strings.ReplaceAll(text, tt.old, tt.replacement)
		if wrong == text {
			t.Errorf("%s: the archive has no %s", tt.name, tt.old)
			continue
		}
		_, err := archive.Import(as(t, copied), copied, "archive.json", strings.NewReader(wrong), nil)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
		}
	}
	if _, err := archive.Import(as(t, copied), copied, "archive.json", strings.NewReader(text), nil); err != nil {
		t.Fatal(err)
	}
}
