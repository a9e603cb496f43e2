package recording_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"example.org/parley/server/apitest"

	"github.com/google/uuid"

	"example.org/parley"
)

func TestEveryTransition(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	for _, from := range parley.ScenarioStatuses {
		for _, to := range parley.ScenarioStatuses {
			key := strings.ToLower(strings.ReplaceAll(fmt.Sprintf("%s-%s", from, to), "_", "-"))
			scenario := a.ScenarioIn(key, from)
			input := map[string]any{"scenario": scenario, "to": to, "reason": "tried"}
			if to == parley.Superseded {
				input["successors"] = []string{"talks/line"}
			}
			before := a.Changes()
			got := a.Ask(apitest.ChangeStatus, map[string]any{"input": input})
			if from.CanBecome(to) {
				got.Want("changeScenarioStatus.statusChange.from", from, "changeScenarioStatus.scenario.status", to)
				if len(apitest.Refusals(got.Data)) > 0 || a.Changes() != before+1 {
					t.Errorf("%s to %s: %v", from, to, apitest.Refusals(got.Data))
				}
				continue
			}
			got.Refused("INVALID_TRANSITION to", string(to))
			got.Want("changeScenarioStatus.cursor", nil)
			for _, allowed := range from.Rule().Transitions {
				got.Refused("INVALID_TRANSITION", string(allowed))
			}
			if a.Changes() != before {
				t.Errorf("the refused move from %s to %s made a change", from, to)
			}
		}
	}
}

func TestLifecycleIsServedAsData(t *testing.T) {
	t.Parallel()
	got := start(t).Must(`{ scenarioLifecycle { status initial terminal transitions } }`)
	for i, rule := range parley.Lifecycle {
		at := fmt.Sprintf("scenarioLifecycle.%d.", i)
		got.Want(at+"status", rule.Status, at+"initial", rule.Initial(), at+"terminal", rule.Terminal(),
			at+"transitions", rule.Transitions)
	}
}

func TestFirstStatus(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	add := `mutation($input: AddScenarioInput!) { addScenario(input: $input) { scenario { key status statusSince currentStatusChange { from reason } } userErrors { code message field } } }`
	input := func(more map[string]any) map[string]any {
		in := map[string]any{"issue": "talks/border", "key": "zone", "title": "A zone"}
		for k, v := range more {
			in[k] = v
		}
		return map[string]any{"input": in}
	}
	a.Ask(add, input(map[string]any{"initialStatus": "SUPERSEDED"})).Refused("INVALID_TRANSITION initialStatus",
		"SUPERSEDED")
	a.Ask(add, input(map[string]any{"effectiveAt": "2999-01-01T00:00:00Z"})).Refused("INVALID effectiveAt", "2999",
		"future")
	a.Ask(add, input(map[string]any{"issue": "talks/nothing"})).Refused("NOT_FOUND issue", "talks/nothing", "an issue")
	a.Ask(add, input(map[string]any{"issue": "north"})).Refused("NOT_FOUND issue", "a stakeholder")
	a.Ask(add, input(map[string]any{"key": "line"})).Refused("TAKEN key", "talks/line")
	a.Ask(add, input(map[string]any{"key": "0198c7a4-7a5c-7bbb-8a7c-6a1a2b3c4d5e"})).Refused("INVALID key",
		"shaped like a UUID")
	a.Must(add, input(nil)).Want("addScenario.scenario.status", "FLOATED",
		"addScenario.scenario.currentStatusChange.from", nil)
}

// Late, corrected and retracted status changes are checked against both neighbours in valid time.
func TestStatusesAgainstBothNeighbours(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	scenario := a.ScenarioIn("zone", parley.Floated) // since 1 February
	move := func(to, at string) apitest.Answer {
		return a.Ask(apitest.ChangeStatus,
			map[string]any{"input": map[string]any{"scenario": scenario, "to": to, "reason": "r", "effectiveAt": at}})
	}
	agreed := move("AGREED", "2025-04-01T00:00:00Z")
	agreed.Want("changeScenarioStatus.statusChange.skipped", "[PROPOSED UNDER_NEGOTIATION AGREED_IN_PRINCIPLE]")

	move("IMPLEMENTED", "2025-03-01T00:00:00Z").Refused("INVALID_TRANSITION to",
		"before the recorded AGREED at 2025-04-01")
	move("STALLED", "2025-04-01T00:00:00Z").Refused("CONFLICT effectiveAt", "AGREED")
	late := move("UNDER_NEGOTIATION", "2025-03-01T00:00:00Z")
	late.Want("changeScenarioStatus.statusChange.from", "FLOATED", "changeScenarioStatus.scenario.status", "AGREED")
	move("REJECTED", "2025-01-15T00:00:00Z").Refused("INVALID_TRANSITION") // a first one that FLOATED can't follow
	move("STALLED", "2025-01-15T00:00:00Z").Refused("INVALID_TRANSITION")  // likewise
	move("COLLAPSED", "2025-12-01T00:00:00Z").Want("changeScenarioStatus.statusChange.from", "AGREED")

	history := `{ scenario(id: "talks/zone") { statusHistory { nodes { id version from to skipped effectiveAt recordedAt correctionNote } } } }`
	got := a.Must(history)
	got.Want("scenario.statusHistory.nodes.2.from", "UNDER_NEGOTIATION", "scenario.statusHistory.nodes.2.skipped",
		"[AGREED_IN_PRINCIPLE]")
	agreedID, agreedAt := agreed.Text("changeScenarioStatus.statusChange.id"),
		got.Text("scenario.statusHistory.nodes.2.recordedAt")
	if got.Text("scenario.statusHistory.nodes.2.id") != agreedID {
		t.Error("a late report gave its neighbour another id")
	}

	correct := `mutation($input: CorrectStatusChangeInput!) { correctStatusChange(input: $input) { statusChange { to version correctionNote } cursor userErrors { code message field } } }`
	a.Ask(correct,
		map[string]any{"input": map[string]any{"statusChange": agreedID, "to": "REJECTED", "note": "misread"}}).
		Refused("INVALID_TRANSITION to", "COLLAPSED")
	a.Ask(correct,
		map[string]any{"input": map[string]any{"statusChange": agreedID, "effectiveAt": "2025-02-15T00:00:00Z",
						"note": "misread"}}).
		Refused("INVALID_TRANSITION") // AGREED would stand before UNDER_NEGOTIATION
	a.Ask(correct,
		map[string]any{"input": map[string]any{"statusChange": agreedID, "to": "AGREED_IN_PRINCIPLE",
			"note": "only in principle"}}).
		Want("correctStatusChange.statusChange.to", "AGREED_IN_PRINCIPLE",
			"correctStatusChange.statusChange.correctionNote", "only in principle")
	again := a.Must(correct,
		map[string]any{"input": map[string]any{"statusChange": agreedID, "to": "AGREED_IN_PRINCIPLE",
			"note": "only in principle"}})
	again.Want("correctStatusChange.cursor", nil)

	retract := `mutation($id: ID!) { retract(input: {id: $id, note: "never was"}) { node { id } cursor userErrors { code message field } } }`
	a.Ask(retract, map[string]any{"id": agreedID}).Refused("INVALID_TRANSITION", "UNDER_NEGOTIATION", "COLLAPSED")
	lateID := late.Text("changeScenarioStatus.statusChange.id")
	a.Must(retract, map[string]any{"id": lateID}).Want("retract.node", nil)
	a.Must(retract, map[string]any{"id": lateID}).Want("retract.cursor", nil)
	a.Must(`query($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": lateID}).Want("node", nil)
	got = a.Must(history)
	got.Want("scenario.statusHistory.nodes.1.from", "FLOATED", "scenario.statusHistory.nodes.1.skipped",
		"[PROPOSED UNDER_NEGOTIATION]")
	if got.Text("scenario.statusHistory.nodes.1.recordedAt") <= agreedAt {
		t.Error("a correction keeps the recordedAt of the version before it")
	}
	only := a.Must(`{ scenario(id: "talks/line") { currentStatusChange { id } } }`).Text("scenario.currentStatusChange.id")
	a.Ask(retract, map[string]any{"id": only}).Refused("IN_USE", "only status")
}

// A first status needs no reason, and none is asked for when an earlier one turns up.
func TestFirstStatusNoLongerFirst(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	scenario := a.ScenarioIn("zone", parley.Proposed)
	id := a.Must(`{ scenario(id: "talks/zone") { currentStatusChange { id } } }`).Text("scenario.currentStatusChange.id")
	a.Must(apitest.ChangeStatus,
		map[string]any{"input": map[string]any{"scenario": scenario, "to": "FLOATED", "reason": "earlier talk",
			"effectiveAt": "2025-01-01T00:00:00Z"}})
	correct := `mutation($input: CorrectStatusChangeInput!) { correctStatusChange(input: $input) { statusChange { from effectiveAt reason } userErrors { code message field } } }`
	a.Must(correct,
		map[string]any{"input": map[string]any{"statusChange": id, "effectiveAt": "2025-02-03T00:00:00Z",
			"note": "a day later"}}).
		Want("correctStatusChange.statusChange",
			"map[effectiveAt:2025-02-03T00:00:00.000000Z from:FLOATED reason:<nil>]")
	a.Must(correct,
		map[string]any{"input": map[string]any{"statusChange": id, "reason": "tabled", "note": "a reason was given"}})
	a.Ask(correct,
		map[string]any{"input": map[string]any{"statusChange": id, "clear": []string{"reason"},
			"note": "x"}}).Refused("INVALID reason")
}

func TestFutureStatus(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Must(apitest.ChangeStatus, map[string]any{"input": map[string]any{
		"scenario": "talks/line", "to": "AGREED", "reason": "signing is set", "effectiveAt": "2100-06-01T00:00:00Z"}}).
		Want("changeScenarioStatus.scenario.status", "PROPOSED")
	a.Ask(apitest.ChangeStatus,
		map[string]any{"input": map[string]any{"scenario": "talks/line", "to": "REJECTED", "reason": "no"}}).
		Refused("INVALID_TRANSITION to", "AGREED")
	a.SetClock("2100-05-31T23:59:59Z")
	a.Must(`{ scenario(id: "talks/line") { status } }`).Want("scenario.status", "PROPOSED")
	a.SetClock("2100-06-01T00:00:00Z")
	a.Must(`{ scenario(id: "talks/line") { status statusSince } }`).
		Want("scenario.status", "AGREED", "scenario.statusSince", "2100-06-01T00:00:00.000000Z")
}

func TestExpectedStatus(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	change := func(more map[string]any) apitest.Answer {
		in := map[string]any{"scenario": "talks/line", "to": "AGREED", "reason": "r"}
		for k, v := range more {
			in[k] = v
		}
		return a.Ask(apitest.ChangeStatus, map[string]any{"input": in})
	}
	change(map[string]any{"expectedStatus": "FLOATED"}).Refused("CONFLICT expectedStatus", "PROPOSED", "FLOATED")
	change(map[string]any{"reason": " "}).Refused("INVALID reason")
	change(map[string]any{"scenario": "talks/none"}).Refused("NOT_FOUND scenario", "talks/none")
	change(map[string]any{"by": []string{"south", "nobody"}}).Refused("NOT_FOUND by.1", "nobody")
	got := change(map[string]any{"to": "SUPERSEDED", "successors": []string{"talks/strip"}, "expectedStatus": "PROPOSED",
		"by": []string{"south", "south", "north"}})
	got.Want("changeScenarioStatus.statusChange.successors", "[map[key:strip]]", "changeScenarioStatus.statusChange.by",
		"[map[key:south] map[key:north]]")
}

func TestRetriedCreates(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	id := uuid.NewString()
	send := func(reason string) apitest.Answer {
		return a.Ask(apitest.ChangeStatus, map[string]any{"input": map[string]any{
			"id": id, "scenario": "talks/line", "to": "AGREED", "reason": reason,
			"newEvidence": []any{map[string]any{"source": "gazette", "text": "They agreed", "form": "OFFICIAL_TEXT"}}}})
	}
	send("signed").Want("changeScenarioStatus.statusChange.id", id, "changeScenarioStatus.statusChange.evidence",
		"[map[text:They agreed]]")
	head := a.Changes()
	send("signed").Want("changeScenarioStatus.statusChange.id", id, "changeScenarioStatus.cursor", nil)
	if a.Changes() != head {
		t.Error("the retry made a change")
	}
	send("initialled").Refused("ID_REUSED id", id)
	a.Ask(`mutation($id: ID) { addIssue(input: {id: $id, negotiation: "talks", key: "other", title: "Other"}) { userErrors { code message field } } }`,
		map[string]any{"id": id}).Refused("ID_REUSED id", id)
	a.Ask(`mutation { addIssue(input: {id: "seven", negotiation: "talks", key: "other", title: "Other"}) { userErrors { code message field } } }`).
		Refused("INVALID id", "seven", "UUID")
	var wait sync.WaitGroup
	other, cursors := uuid.NewString(), make([]any, 8)
	for i := range cursors {
		wait.Go(func() {
			got := a.Must(`mutation($id: ID) { registerStakeholder(input: {id: $id, key: "west", name: "West", kind: STATE}) { stakeholder { id } cursor userErrors { code message field } } }`,
				map[string]any{"id": other})
			got.Want("registerStakeholder.stakeholder.id", other)
			cursors[i] = got.At("registerStakeholder.cursor")
		})
	}
	wait.Wait()
	made := 0
	for _, c := range cursors {
		if c != nil {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d of eight retries at once made a change, want 1", made)
	}
}

// Two clients change the same scenario at once, a hundred times: one of them wins, and nobody ever sees two statuses.
func TestTwoClientsRace(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	other := startOn(t, a.DSN)
	scenario := a.ScenarioIn("zone", parley.Stalled)
	for round := range 100 {
		from, to := parley.Stalled, []string{"PROPOSED", "UNDER_NEGOTIATION"}
		if round%2 == 1 {
			from, to = "", []string{"STALLED", "STALLED"}
		}
		var wait sync.WaitGroup
		answers := make([]apitest.Answer, 2)
		for i, client := range []*api{a, other} {
			input := map[string]any{"scenario": scenario, "to": to[i], "reason": fmt.Sprint("round ", round)}
			if from != "" {
				input["expectedStatus"] = from
			}
			wait.Go(func() { answers[i] = client.Ask(apitest.ChangeStatus, map[string]any{"input": input}) })
		}
		wait.Wait()
		won := 0
		for _, got := range answers {
			switch list := apitest.Refusals(got.Data); {
			case len(got.Errs) > 0:
				t.Fatalf("round %d: %+v", round, got.Errs)
			case len(list) == 0:
				won++
			case !strings.HasPrefix(list[0], "CONFLICT") && !strings.HasPrefix(list[0], "INVALID_TRANSITION"):
				t.Fatalf("round %d: the loser got %v", round, list)
			}
		}
		if won != 1 {
			t.Fatalf("round %d: %d clients won", round, won)
		}
	}
	got := a.Must(`{ scenario(id: "talks/zone") { statusHistory(first: 500) { totalCount nodes { from to effectiveAt } } } }`)
	got.Want("scenario.statusHistory.totalCount", 101)
	for i := 1; i <= 100; i++ {
		before, after := fmt.Sprintf("scenario.statusHistory.nodes.%d.", i-1),
			fmt.Sprintf("scenario.statusHistory.nodes.%d.", i)
		got.Want(after+"from", got.Text(before+"to"))
		if got.Text(before+"effectiveAt") >= got.Text(after+"effectiveAt") {
			t.Errorf("status %d does not begin after the one before it", i)
		}
	}
}

// Sentences in the feed give a date no more exactly than it is known.
func TestSentencesAreAsExactAsTheDates(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	for precision, date := range map[string]string{"YEAR": "2025", "MONTH": "2025-03", "DAY": "2025-03-01", "NO_LATER_THAN": "no later than 2025-03-01"} {
		a.Must(fmt.Sprintf(`mutation { addScenario(input: {issue: "talks/border", key: %q, title: "T", effectiveAt: "2025-01-01T00:00:00Z"}) { userErrors { code message field } }
			recordPosition(input: {holder: "north", scenario: "talks/%[1]s", stance: OPPOSES, validFrom: "2025-03-01T00:00:00Z", validFromPrecision: %[2]s}) { userErrors { code message field } } }`,
			strings.ReplaceAll(strings.ToLower(precision), "_", "-"), precision))
		a.Must(`{ changes(order: NEWEST_FIRST, first: 1) { nodes { summary } } }`).
			Want("changes.nodes.0.summary", "North is recorded as “opposes” on “T” from "+date+" on.")
	}
}
