package recording_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/google/uuid"
)

// identified are mutations that a client may send under an id of its own: an input, and a field of it with another
// value.
var identified = []struct {
	mutation, input string
	in              map[string]any
	field           string
	other           any
}{
	{"openNegotiation", "OpenNegotiationInput",
		map[string]any{"key": "more", "title": "More talks", "startedAt": "2025-01-01T00:00:00Z"}, "title",
		"Other talks"},
	{"addIssue", "AddIssueInput", map[string]any{"negotiation": "talks", "key": "river", "title": "The river"},
		"exhaustive", true},
	{"addScenario", "AddScenarioInput",
		map[string]any{"issue": "talks/border", "key": "more", "title": "More", "by": []any{"north"},
			"evidence": []any{}}, "summary", "A summary"},
	{"registerStakeholder", "RegisterStakeholderInput",
		map[string]any{"key": "west", "name": "West", "kind": "STATE", "aliases": []any{"W"}}, "aliases",
		[]any{"W", "Way out west"}},
	{"affiliate", "AffiliateInput",
		map[string]any{"person": "envoy", "organization": "south", "validFrom": "2025-01-01T00:00:00Z"}, "speaksFor",
		true},
	{"joinNegotiation", "JoinNegotiationInput",
		map[string]any{"negotiation": "talks", "stakeholder": "south", "role": "OBSERVER", "capability": 0},
		"capability", 1},
	{"registerSource", "RegisterSourceInput", map[string]any{"key": "letter", "title": "A letter", "body": "Dear all"},
		"reliability", "B"},
	{"recordEvent", "RecordEventInput",
		map[string]any{"negotiation": "talks", "key": "summit", "kind": "SUMMIT", "title": "A summit",
			"startedAt": "2025-01-01T00:00:00Z", "participants": []any{"north", "south"}}, "participants", []any{"north"}},
	{"relateScenarios", "RelateScenariosInput",
		map[string]any{"from": "talks/line", "to": "talks/strip", "kind": "COMPATIBLE"}, "note", "So they say"},
	{"changeScenarioStatus", "ChangeScenarioStatusInput",
		map[string]any{"scenario": "talks/line", "to": "UNDER_NEGOTIATION", "reason": "They meet"}, "reason",
		"They met"},
	{"recordPosition", "RecordPositionInput",
		map[string]any{"holder": "north", "scenario": "talks/line", "stance": "SUPPORTS",
			"validTo":     "2999-01-01T00:00:00Z",
			"newEvidence": []any{map[string]any{"source": "gazette", "text": "So they say", "form": "REPORTED"}}},
		"salience", 0},
	{"assessScenario", "AssessScenarioInput",
		map[string]any{"scenario": "talks/strip", "probability": 20, "confidence": "LOW", "rationale": "They talk."},
		"probability", 30},
}

// Sent again under its id, the same content is the same record, also where the fingerprint on record is of an earlier
// scheme and the record itself has to tell; other content is refused.
func TestRetries(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"this", "earlier"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			a := withTalks(t)
			for _, tt := range identified {
				document := fmt.Sprintf(`mutation($in: %s!) { %s(input: $in) { cursor userErrors { code message field } } }`, tt.input, tt.mutation)
				in := maps.Clone(tt.in)
				in["id"] = uuid.NewString()
				a.Must(document, map[string]any{"in": in}).Want()
				if scheme == "earlier" {
					a.SQL(`ALTER TABLE client_ids DISABLE TRIGGER keep_all`)
					a.SQL(`UPDATE client_ids SET content_hash = '\x00', scheme = NULL`)
					a.SQL(`ALTER TABLE client_ids ENABLE TRIGGER keep_all`)
				}
				before := a.Changes()
				a.Must(document, map[string]any{"in": in}).Want(tt.mutation+".cursor", nil)
				in[tt.field] = tt.other
				a.Ask(document, map[string]any{"in": in}).Refused("ID_REUSED", in["id"].(string))
				if after := a.Changes(); after != before {
					t.Errorf("%s: %d changes came of retries", tt.mutation, after-before)
				}
			}
		})
	}
}
