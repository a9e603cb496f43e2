package parley

import (
	"slices"
	"testing"
)

// The table as analysts read it, written out: "later" spelled in full.
var wantLifecycle = map[ScenarioStatus]string{
	Floated:           "PROPOSED, UNDER_NEGOTIATION, AGREED_IN_PRINCIPLE, AGREED, IN_IMPLEMENTATION, IMPLEMENTED, STALLED, REJECTED, WITHDRAWN, SUPERSEDED",
	Proposed:          "UNDER_NEGOTIATION, AGREED_IN_PRINCIPLE, AGREED, IN_IMPLEMENTATION, IMPLEMENTED, STALLED, REJECTED, WITHDRAWN, SUPERSEDED",
	UnderNegotiation:  "AGREED_IN_PRINCIPLE, AGREED, IN_IMPLEMENTATION, IMPLEMENTED, PROPOSED, STALLED, REJECTED, WITHDRAWN, SUPERSEDED",
	AgreedInPrinciple: "AGREED, IN_IMPLEMENTATION, IMPLEMENTED, UNDER_NEGOTIATION, STALLED, REJECTED, WITHDRAWN, COLLAPSED, SUPERSEDED",
	Agreed:            "IN_IMPLEMENTATION, IMPLEMENTED, STALLED, COLLAPSED, SUPERSEDED",
	InImplementation:  "IMPLEMENTED, STALLED, COLLAPSED, SUPERSEDED",
	Implemented:       "COLLAPSED",
	Stalled:           "PROPOSED, UNDER_NEGOTIATION, AGREED_IN_PRINCIPLE, AGREED, IN_IMPLEMENTATION, REJECTED, WITHDRAWN, COLLAPSED, SUPERSEDED",
	Rejected:          "PROPOSED, UNDER_NEGOTIATION, SUPERSEDED",
	Withdrawn:         "PROPOSED, UNDER_NEGOTIATION, SUPERSEDED",
	Collapsed:         "PROPOSED, UNDER_NEGOTIATION, SUPERSEDED",
	Superseded:        "",
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	if len(Lifecycle) != len(wantLifecycle) {
		t.Errorf("%d statuses have a rule, want %d", len(Lifecycle), len(wantLifecycle))
	}
	for _, rule := range Lifecycle {
		if got, want := Listed(rule.Transitions), wantLifecycle[rule.Status]; got != want {
			t.Errorf("after %s may come\n%s, want\n%s", rule.Status, got, want)
		}
		if rule.Initial() != (rule.Status != Superseded) || rule.Terminal() != (rule.Status == Superseded) {
			t.Errorf("%s: initial %v, terminal %v", rule.Status, rule.Initial(), rule.Terminal())
		}
	}
}

func TestSkippedSteps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from, to ScenarioStatus
		want     []ScenarioStatus
	}{
		{Floated, Agreed, []ScenarioStatus{Proposed, UnderNegotiation, AgreedInPrinciple}},
		{Floated, Proposed, nil},
		{UnderNegotiation, Proposed, nil}, // backwards passes nothing over
		{Stalled, Agreed, nil},            // where it stalled is not known to be before them
		{Floated, Rejected, nil},
	} {
		if got := skipped(tt.from, tt.to); !slices.Equal(got, tt.want) {
			t.Errorf("from %s to %s skips %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}
