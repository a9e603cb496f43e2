package parley

import (
	"slices"
	"testing"
)

// The life cycle as the documentation gives it, with every later status of the main path written out.
var wantLifecycle = map[ScenarioStatus]string{
	Floated: "PROPOSED, UNDER_NEGOTIATION, AGREED_IN_PRINCIPLE, AGREED, IN_IMPLEMENTATION, IMPLEMENTED, " +
		"STALLED, REJECTED, WITHDRAWN, SUPERSEDED",
	Proposed: "UNDER_NEGOTIATION, AGREED_IN_PRINCIPLE, AGREED, IN_IMPLEMENTATION, IMPLEMENTED, " +
		"STALLED, REJECTED, WITHDRAWN, SUPERSEDED",
	UnderNegotiation: "AGREED_IN_PRINCIPLE, AGREED, IN_IMPLEMENTATION, IMPLEMENTED, " +
		"PROPOSED, STALLED, REJECTED, WITHDRAWN, SUPERSEDED",
	AgreedInPrinciple: "AGREED, IN_IMPLEMENTATION, IMPLEMENTED, " +
		"UNDER_NEGOTIATION, STALLED, REJECTED, WITHDRAWN, COLLAPSED, SUPERSEDED",
	Agreed:           "IN_IMPLEMENTATION, IMPLEMENTED, STALLED, COLLAPSED, SUPERSEDED",
	InImplementation: "IMPLEMENTED, STALLED, COLLAPSED, SUPERSEDED",
	Implemented:      "COLLAPSED",
	Stalled: "PROPOSED, UNDER_NEGOTIATION, AGREED_IN_PRINCIPLE, AGREED, IN_IMPLEMENTATION, " +
		"REJECTED, WITHDRAWN, COLLAPSED, SUPERSEDED",
	Rejected:   "PROPOSED, UNDER_NEGOTIATION, SUPERSEDED",
	Withdrawn:  "PROPOSED, UNDER_NEGOTIATION, SUPERSEDED",
	Collapsed:  "PROPOSED, UNDER_NEGOTIATION, SUPERSEDED",
	Superseded: "",
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	if len(Lifecycle) != len(wantLifecycle) {
		t.Errorf("%d statuses have a rule, want %d", len(Lifecycle), len(wantLifecycle))
	}
	for _, rule := range Lifecycle {
		if got, want := Listed(rule.Transitions), wantLifecycle[rule.Status]; got != want {
			t.Errorf("the statuses after %s are\n%s, want\n%s", rule.Status, got, want)
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
		{UnderNegotiation, Proposed, nil}, // a step backwards skips nothing
		{Stalled, Agreed, nil},            // it is not known where on the main path it stalled
		{Floated, Rejected, nil},
	} {
		if got := skipped(tt.from, tt.to); !slices.Equal(got, tt.want) {
			t.Errorf("from %s to %s skips %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}
