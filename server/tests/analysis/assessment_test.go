package analysis_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"example.org/parley/server/apitest"

	"pgregory.net/rapid"

	"example.org/parley"
)

const assess = `mutation($in: AssessScenarioInput!) { assessScenario(input: $in) {
	assessment { id label probability likelihood confidence rationale assessedAt brierScore scenario { key } analyst { name } } cursor userErrors { code message field } } }`

func (a *api) assess(scenario string, percent int, at string, more ...map[string]any) apitest.Answer {
	a.T.Helper()
	in := map[string]any{"scenario": scenario, "probability": percent, "confidence": "MODERATE",
		"rationale": "They talk."}
	if at != "" {
		in["assessedAt"] = at
	}
	for _, m := range more {
		for k, v := range m {
			in[k] = v
		}
	}
	return a.Ask(assess, map[string]any{"in": in})
}

func TestAssessScenario(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	first := a.assess("talks/line", 55, "2025-02-01T00:00:00Z")
	first.Want("assessScenario.assessment.likelihood", "LIKELY", "assessScenario.assessment.label", "likely: A line",
		"assessScenario.assessment.analyst.name", "Test analyst", "assessScenario.assessment.brierScore", nil,
		"assessScenario.assessment.assessedAt", "2025-02-01T00:00:00.000000Z")
	id := first.Text("assessScenario.assessment.id")

	again := a.assess("talks/line", 55, "2025-02-01T00:00:00Z")
	again.Want("assessScenario.assessment.id", id, "assessScenario.cursor", nil)
	a.assess("talks/line", 56, "2025-02-01T00:00:00Z").Refused("CONFLICT assessedAt", "A line", "55 percent")
	a.assess("talks/line", 55, "").Want("assessScenario.assessment.id", id, "assessScenario.cursor", nil) // nothing new
	a.assess("talks/line", 0, "").Refused("INVALID probability", "0", "1 to 99")
	a.assess("talks/line", 100, "").Refused("INVALID probability", "100", "1 to 99")
	a.assess("talks/line", 50, "2999-01-01T00:00:00Z").Refused("INVALID assessedAt", "2999", "up to now")
	a.assess("talks/nowhere", 50, "").Refused("NOT_FOUND scenario", "talks/nowhere")
	a.assess("talks/line", 50, "", map[string]any{"rationale": " "}).Refused("INVALID rationale")

	earlier := a.assess("talks/line", 20, "2025-01-10T00:00:00Z")
	second := a.assess("talks/line", 70, "", map[string]any{"id": "0b7f6c54-98a3-4f39-8a63-0f1f2c1f9f10"})
	second.Want("assessScenario.assessment.id", "0b7f6c54-98a3-4f39-8a63-0f1f2c1f9f10")
	a.assess("talks/line", 70, "",
		map[string]any{"id": "0b7f6c54-98a3-4f39-8a63-0f1f2c1f9f10"}).Want("assessScenario.cursor", nil)
	a.assess("talks/line", 71, "", map[string]any{"id": "0b7f6c54-98a3-4f39-8a63-0f1f2c1f9f10"}).Refused("ID_REUSED id")

	list := `{ scenario(id: "talks/line"%s) { assessments(first: 2) { totalCount nodes { probability likelihood } pageInfo { hasNextPage endCursor } } } }`
	now := a.Must(fmt.Sprintf(list, ""))
	now.Want("scenario.assessments.totalCount", 3, "scenario.assessments.nodes.0.probability", 70,
		"scenario.assessments.nodes.1.probability", 55,
		"scenario.assessments.pageInfo.hasNextPage", true)
	a.Must(fmt.Sprintf(list, `, asOf: {validAt: "2025-01-31T00:00:00Z"}`)).Want("scenario.assessments.totalCount", 1,
		"scenario.assessments.nodes.0.probability", 20)

	feed := a.Must(`{ changes(filter: {kinds: [ASSESSMENT], scenarios: ["talks/line"]}) { nodes { kind summary negotiation { key }
		... on AssessmentChanged { assessment { probability } previousAssessment { probability } } } } }`)
	feed.Want("changes.nodes.0.kind", "ASSESSMENT", "changes.nodes.0.summary",
		"“A line” is assessed as likely (55 percent).",
		"changes.nodes.0.negotiation.key", "talks",
		"changes.nodes.0.assessment.probability", 55, "changes.nodes.0.previousAssessment", nil,
		"changes.nodes.1.assessment.probability", 20, "changes.nodes.1.previousAssessment", nil,
		"changes.nodes.2.assessment.probability", 70, "changes.nodes.2.previousAssessment.probability", 55)

	retract := fmt.Sprintf(`mutation { retract(input: {id: %q, note: "Meant another scenario."}) { cursor userErrors { code message field } } }`, earlier.Text("assessScenario.assessment.id"))
	a.Ask(`mutation { retract(input: {id: "talks/line", note: "no"}) { userErrors { code message field } } }`).Refused("IN_USE id", "an assessment")
	a.Must(retract)
	a.Must(fmt.Sprintf(list, "")).Want("scenario.assessments.totalCount", 2)
	a.Must(`{ changes(order: NEWEST_FIRST, first: 1) { nodes { kind summary ... on RecordChanged { action node { id } } } } }`).
		Want("changes.nodes.0.kind", "ASSESSMENT", "changes.nodes.0.summary", "Retracted assessment “A line”.",
			"changes.nodes.0.action", "RETRACTED", "changes.nodes.0.node", nil)
	a.Must(fmt.Sprintf(`{ node(id: %q) { id label ... on Assessment { rationale } } }`, id)).Want("node.label",
		"likely: A line", "node.rationale", "They talk.")
}

func TestNextChangeIsAnAssessmentOrAResolution(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.assess("talks/line", 50, "2025-07-01T00:00:00Z")
	a.Must(`mutation { resolveScenario(input: {scenario: "talks/strip", outcome: ANNULLED, resolvedAt: "2025-08-01T00:00:00Z"}) { userErrors { code message field } } }`)
	next := func(validAt string) string {
		return a.Must(fmt.Sprintf(`{ lens(asOf: {validAt: %q}) { nextChangeAt } }`, validAt)).Text("lens.nextChangeAt")
	}
	if got := next("2025-06-01T00:00:00Z"); got != "2025-07-01T00:00:00.000000Z" {
		t.Errorf("the next change after June is at %s", got)
	}
	if got := next("2025-07-01T00:00:00Z"); got != "2025-08-01T00:00:00.000000Z" {
		t.Errorf("the next change after July is at %s", got)
	}
}

func TestResolveScenario(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.assess("talks/line", 70, "2025-02-01T00:00:00Z")
	a.assess("talks/line", 90, "2025-03-01T00:00:00Z")
	resolve := func(outcome, more string) apitest.Answer {
		return a.Ask(fmt.Sprintf(`mutation { resolveScenario(input: {scenario: "talks/line", outcome: %s%s}) {
			scenario { resolution { outcome note resolvedAt recordedBy { name } } } cursor userErrors { code message field } } }`, outcome, more))
	}
	scores := func(asOf string) apitest.Answer {
		return a.Must(fmt.Sprintf(`{ scenario(id: "talks/line"%s) { resolution { outcome } assessments { nodes { brierScore } } } }`, asOf))
	}
	resolve("OCCURRED", `, resolvedAt: "2999-01-01T00:00:00Z"`).Refused("INVALID resolvedAt", "2999")
	resolve("OCCURRED", `, note: ""`).Refused("INVALID note")
	resolve("OCCURRED", `, resolvedAt: "2024-12-31T00:00:00Z"`).Refused("INVALID resolvedAt", "2024-12-31",
		"on the table", "2025-01-01")
	a.Must(`mutation { editScenario(input: {scenario: "talks/line", deadline: "2025-02-10T00:00:00Z"}) { userErrors { code message field } } }`)
	resolve("OCCURRED", `, resolvedAt: "2025-02-15T00:00:00Z"`).Refused("INVALID outcome", "2025-02-15", "deadline",
		"2025-02-10", "DID_NOT_OCCUR")
	a.Must(`mutation { editScenario(input: {scenario: "talks/line", deadline: null}) { userErrors { code message field } } }`)
	resolve("OCCURRED", `, resolvedAt: "2025-02-15T00:00:00Z", note: "It was drawn."`).
		Want("resolveScenario.scenario.resolution.outcome", "OCCURRED", "resolveScenario.scenario.resolution.note",
			"It was drawn.",
			"resolveScenario.scenario.resolution.recordedBy.name", "Test analyst")
	before := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	resolve("OCCURRED", `, resolvedAt: "2025-02-15T00:00:00Z", note: "It was drawn."`).Want("resolveScenario.cursor",
		nil, "resolveScenario.scenario.resolution.outcome", "OCCURRED")
	resolve("OCCURRED", `, note: "It was drawn."`).Want("resolveScenario.cursor", nil)
	resolve("DID_NOT_OCCUR", "").Refused("CONFLICT outcome", "A line", "occurred", "unresolve")
	a.assess("talks/line", 99, "2025-02-15T00:00:00Z").Refused("INVALID assessedAt", "A line", "2025-02-15",
		"unresolve")
	a.assess("talks/line", 40, "2025-02-10T00:00:00Z").Want("assessScenario.assessment.brierScore", 0.36)

	// The latest was made after it was settled, so nobody is scored for it.
	scores("").Want("scenario.resolution.outcome", "OCCURRED", "scenario.assessments.nodes.0.brierScore", nil,
		"scenario.assessments.nodes.1.brierScore", 0.36, "scenario.assessments.nodes.2.brierScore", 0.09)
	scores(`, asOf: {validAt: "2025-02-14T00:00:00Z"}`).Want("scenario.resolution", nil,
		"scenario.assessments.nodes.0.brierScore", nil)
	resolved := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")

	unresolve := `mutation { unresolveScenario(input: {scenario: "talks/line", note: %q}) { scenario { resolution { outcome } } cursor userErrors { code message field } } }`
	a.Ask(fmt.Sprintf(unresolve, "")).Refused("INVALID note")
	a.Must(fmt.Sprintf(unresolve, "It was another line.")).Want("unresolveScenario.scenario.resolution", nil)
	a.Must(fmt.Sprintf(unresolve, "It was another line.")).Want("unresolveScenario.cursor", nil)
	scores("").Want("scenario.resolution", nil, "scenario.assessments.nodes.1.brierScore", nil)
	scores(fmt.Sprintf(`, asOf: {knownAt: %q}`, resolved)).Want("scenario.resolution.outcome", "OCCURRED",
		"scenario.assessments.nodes.1.brierScore", 0.36)
	scores(fmt.Sprintf(`, asOf: {knownAt: %q}`, before)).Want("scenario.resolution.outcome", "OCCURRED")

	a.Must(`{ changes(filter: {kinds: [RECORD], scenarios: ["talks/line"]}, order: NEWEST_FIRST, first: 2) { nodes { summary note ... on RecordChanged { action fields node { label } } } } }`).
		Want("changes.nodes.0.summary", "“A line” is resolved no more.", "changes.nodes.0.note", "It was another line.",
			"changes.nodes.0.action", "UPDATED",
			"changes.nodes.0.fields", "[resolution]", "changes.nodes.0.node.label", "A line",
			"changes.nodes.1.summary", "“A line” is resolved: occurred.", "changes.nodes.1.note", "It was drawn.")
	a.Must(`mutation { editScenario(input: {scenario: "talks/strip", title: "A wide strip"}) { userErrors { code message field } } }`)
	resolve("AMBIGUOUS", "").Want("resolveScenario.scenario.resolution.outcome", "AMBIGUOUS",
		"resolveScenario.scenario.resolution.note", nil)
	a.Must(`mutation { editScenario(input: {scenario: "talks/line", title: "The line", deadline: "2025-02-05T00:00:00Z"}) { scenario { resolution { outcome } } userErrors { code message field } } }`).
		Want("editScenario.scenario.resolution.outcome", "AMBIGUOUS")
	scores("").Want("scenario.assessments.nodes.2.brierScore", nil)
}

// The model of what analysts hold of the scenarios of an issue: every fact with when it was put on record and when it
// was taken off it, and every question answered by looking at all of them.
type judgement struct {
	analyst, scenario, percent int
	on                         int // day
	known, until               time.Time
	id                         string
}

type verdict struct {
	scenario     int
	outcome      parley.ResolutionOutcome
	on           int
	known, until time.Time
}

type judgements struct {
	assessed []judgement
	resolved []verdict
}

func knownThrough(known, until, at time.Time) bool {
	return !known.After(at) && (until.IsZero() || until.After(at))
}

// pooled is the median of each analyst's latest, or -1.
func (m *judgements) pooled(scenario, day int, known time.Time) (percent, analysts int) {
	var latest []int
	for analyst := range 3 {
		on, p := -1, -1
		for _, j := range m.assessed {
			if j.analyst == analyst && j.scenario == scenario && j.on <= day && j.on > on &&
				knownThrough(j.known, j.until, known) {
				on, p = j.on, j.percent
			}
		}
		if on >= 0 {
			latest = append(latest, p)
		}
	}
	if len(latest) == 0 {
		return -1, 0
	}
	slices.Sort(latest)
	low, high := latest[(len(latest)-1)/2], latest[len(latest)/2]
	return int(math.Floor(float64(low+high)/2 + 0.5)), len(latest)
}

// score is that of an analyst: how many assessments, of how many scenarios, their mean, and the mean day by day.
func (m *judgements) score(analyst, day int, known time.Time) (n, scenarios int, mean, overTime float64) {
	for scenario := range 3 {
		var outcome *verdict
		for i, v := range m.resolved {
			if v.scenario == scenario && v.on <= day && knownThrough(v.known, v.until, known) {
				outcome = &m.resolved[i]
			}
		}
		if outcome == nil || (outcome.outcome != "OCCURRED" && outcome.outcome != "DID_NOT_OCCUR") {
			continue
		}
		o := 0.0
		if outcome.outcome == "OCCURRED" {
			o = 1
		}
		held, days, sum := -1, 0, 0.0
		for d := range outcome.on {
			for _, j := range m.assessed {
				if j.analyst == analyst && j.scenario == scenario && j.on == d &&
					knownThrough(j.known, j.until, known) {
					held = j.percent
					n++
					mean += math.Pow(float64(held)/100-o, 2)
				}
			}
			if held >= 0 {
				days++
				sum += math.Pow(float64(held)/100-o, 2)
			}
		}
		if days > 0 {
			scenarios++
			overTime += sum / float64(days)
		}
	}
	return n, scenarios, mean / float64(max(n, 1)), overTime / float64(max(scenarios, 1))
}

func TestLikelihoodsAndScoresAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	issues := 0
	rapid.Check(t, func(rt *rapid.T) {
		issues++ // each has its own, and analysts of its own
		issue := fmt.Sprint("talks/issue-", issues)
		a.Must(fmt.Sprintf(`mutation { addIssue(input: {negotiation: "talks", key: "issue-%d", title: "An issue", exhaustive: true}) { userErrors { code message field } } }`, issues))
		var scenarios []string // by key
		for _, name := range []string{"line", "strip", "wall"} {
			key := fmt.Sprintf("%s-%d", name, issues)
			scenarios = append(scenarios, key)
			a.Must(fmt.Sprintf(`mutation { addScenario(input: {issue: %q, key: %q, title: "One", effectiveAt: "2025-01-01T00:00:00Z"}) { userErrors { code message field } } }`, issue, key))
		}
		for i := range scenarios {
			a.Must(fmt.Sprintf(`mutation { relateScenarios(input: {from: "talks/%s", to: "talks/%s", kind: MUTUALLY_EXCLUSIVE}) { userErrors { code message field } } }`, scenarios[i], scenarios[(i+1)%3]))
		}
		var contexts []context.Context
		var analysts []parley.Analyst
		for _, name := range []string{"First", "Second", "Third"} {
			ctx, analyst := a.As(fmt.Sprint(name, " ", issues))
			contexts, analysts = append(contexts, ctx), append(analysts, analyst)
		}
		m := &judgements{}
		now := func() time.Time {
			at, err := parley.ParseInstant(a.Must(`{ lens { knownAt } }`).Text("lens.knownAt"))
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		instants := []time.Time{now()}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			scenario := rapid.IntRange(0, 2).Draw(rt, "scenario")
			path := "talks/" + scenarios[scenario]
			on := rapid.IntRange(1, apitest.Days).Draw(rt, "day")
			at := apitest.DayAt(on)
			var resolution *verdict
			for i := range m.resolved {
				if m.resolved[i].scenario == scenario && m.resolved[i].until.IsZero() {
					resolution = &m.resolved[i]
				}
			}
			switch rapid.IntRange(0, 7).Draw(rt, "step") {
			case 0:
				if resolution == nil {
					outcome := rapid.SampledFrom(parley.ResolutionOutcomes).Draw(rt, "outcome")
					if _, err := a.Store.ResolveScenario(a.Ctx,
						parley.ResolveScenarioInput{Scenario: path, Outcome: outcome, ResolvedAt: &at}); err != nil {
						rt.Fatal(err)
					}
					m.resolved = append(m.resolved, verdict{scenario: scenario, outcome: outcome, on: on, known: now()})
				} else {
					if _, err := a.Store.UnresolveScenario(a.Ctx,
						parley.UnresolveScenarioInput{Scenario: path, Note: "no"}); err != nil {
						rt.Fatal(err)
					}
					resolution.until = now()
				}
			case 1:
				if i := slices.IndexFunc(m.assessed, func(j judgement) bool { return j.until.IsZero() }); i >= 0 {
					if _, err := a.Store.Retract(a.Ctx,
						parley.RetractInput{ID: m.assessed[i].id, Note: "no"}); err != nil {
						rt.Fatal(err)
					}
					m.assessed[i].until = now()
				}
			default:
				analyst, percent := rapid.IntRange(0, 2).Draw(rt, "analyst"), rapid.IntRange(1, 99).Draw(rt, "percent")
				did, err := a.Store.AssessScenario(contexts[analyst], parley.AssessScenarioInput{
					Scenario: path, Probability: percent, Confidence: "LOW", Rationale: "so", AssessedAt: &at,
				})
				taken := slices.ContainsFunc(m.assessed, func(j judgement) bool {
					return j.until.IsZero() && j.analyst == analyst && j.scenario == scenario && j.on == on
				})
				late := resolution != nil && on >= resolution.on
				switch {
				case err != nil && !taken && !late:
					rt.Fatal(err)
				case err == nil && late:
					rt.Fatalf("an assessment of day %d is accepted, though the scenario was resolved on day %d", on,
						resolution.on)
				case err == nil && did.Cursor != nil && taken:
					rt.Fatalf("two assessments of day %d by one analyst are accepted", on)
				case err == nil && did.Cursor != nil:
					m.assessed = append(m.assessed,
						judgement{analyst: analyst, scenario: scenario, percent: percent, on: on, known: now(),
							id: did.ID.String()})
				}
			}
			instants = append(instants, now())
		}
		for range 6 {
			day, known := rapid.IntRange(0, apitest.Days+1).Draw(rt, "valid"),
				rapid.SampledFrom(instants).Draw(rt, "known")
			asOf := fmt.Sprintf("asOf: {validAt: %q, knownAt: %q}", parley.FormatInstant(apitest.DayAt(day)),
				parley.FormatInstant(known))
			got := a.Must(fmt.Sprintf(`{ issue(id: %q, %s) { likelihoods { total coherent entries { scenario { key } probability analysts } } } }`, issue, asOf))
			total, all := 0, true
			for i, key := range scenarios {
				entry := fmt.Sprintf("issue.likelihoods.entries.%d.", i)
				percent, analysts := m.pooled(i, day, known)
				want := any(percent)
				if percent < 0 {
					want, all = nil, false
				} else {
					total += percent
				}
				got.Want(entry+"scenario.key", key, entry+"probability", want, entry+"analysts", analysts)
			}
			if total == 0 {
				got.Want("issue.likelihoods.total", nil, "issue.likelihoods.coherent", nil)
			} else {
				got.Want("issue.likelihoods.total", total, "issue.likelihoods.coherent", total <= 105 &&
					(total >= 95 || !all))
			}
			for i, analyst := range analysts {
				n, scored, mean, overTime := m.score(i, day, known)
				got := a.Must(fmt.Sprintf(`{ node(id: %q, %s) { ... on Analyst { record { n scenarios brier timeWeightedBrier calibration { n } } } } }`, analyst.ID, asOf))
				got.Want("node.record.n", n, "node.record.scenarios", scored)
				inBuckets := 0.0
				for i := range 7 {
					inBuckets += got.At(fmt.Sprintf("node.record.calibration.%d.n", i)).(float64)
				}
				if int(inBuckets) != n {
					rt.Fatalf("%v assessments in the buckets, want %d", inBuckets, n)
				}
				for field, want := range map[string]float64{"brier": mean, "timeWeightedBrier": overTime} {
					score, scored := got.At("node.record." + field).(float64)
					if scored != (n > 0) || math.Abs(score-want) > 1e-9 {
						rt.Fatalf("%s of analyst %d through %s is %v, want %v of %d", field, i, asOf,
							got.At("node.record."+field), want, n)
					}
				}
			}
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
}
