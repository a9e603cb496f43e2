package server_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.org/parley"
)

const assess = `mutation($in: AssessScenarioInput!) { assessScenario(input: $in) {
	assessment { id label probability likelihood confidence rationale assessedAt brierScore scenario { key } analyst { name } } cursor userErrors { code message field } } }`

func (a *api) assess(scenario string, percent int, at string, more ...map[string]any) answer {
	a.t.Helper()
	in := map[string]any{"scenario": scenario, "probability": percent, "confidence": "MODERATE", "rationale": "They talk."}
	if at != "" {
		in["assessedAt"] = at
	}
	for _, m := range more {
		for k, v := range m {
			in[k] = v
		}
	}
	return a.ask(assess, map[string]any{"in": in})
}

func TestAssessScenario(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	first := a.assess("talks/line", 55, "2025-02-01T00:00:00Z")
	first.want("assessScenario.assessment.likelihood", "LIKELY", "assessScenario.assessment.label", "likely: A line",
		"assessScenario.assessment.analyst.name", "Test analyst", "assessScenario.assessment.brierScore", nil,
		"assessScenario.assessment.assessedAt", "2025-02-01T00:00:00.000000Z")
	id := first.text("assessScenario.assessment.id")

	again := a.assess("talks/line", 55, "2025-02-01T00:00:00Z")
	again.want("assessScenario.assessment.id", id, "assessScenario.cursor", nil)
	a.assess("talks/line", 56, "2025-02-01T00:00:00Z").refused("CONFLICT assessedAt", "A line", "55 percent")
	a.assess("talks/line", 55, "").want("assessScenario.assessment.id", id, "assessScenario.cursor", nil) // nothing new
	a.assess("talks/line", 0, "").refused("INVALID probability", "0", "1 to 99")
	a.assess("talks/line", 100, "").refused("INVALID probability", "100", "1 to 99")
	a.assess("talks/line", 50, "2999-01-01T00:00:00Z").refused("INVALID assessedAt", "2999", "up to now")
	a.assess("talks/nowhere", 50, "").refused("NOT_FOUND scenario", "talks/nowhere")
	a.assess("talks/line", 50, "", map[string]any{"rationale": " "}).refused("INVALID rationale")

	earlier := a.assess("talks/line", 20, "2025-01-10T00:00:00Z")
	second := a.assess("talks/line", 70, "", map[string]any{"id": "0b7f6c54-98a3-4f39-8a63-0f1f2c1f9f10"})
	second.want("assessScenario.assessment.id", "0b7f6c54-98a3-4f39-8a63-0f1f2c1f9f10")
	a.assess("talks/line", 70, "", map[string]any{"id": "0b7f6c54-98a3-4f39-8a63-0f1f2c1f9f10"}).want("assessScenario.cursor", nil)
	a.assess("talks/line", 71, "", map[string]any{"id": "0b7f6c54-98a3-4f39-8a63-0f1f2c1f9f10"}).refused("ID_REUSED id")

	list := `{ scenario(id: "talks/line"%s) { assessments(first: 2) { totalCount nodes { probability likelihood } pageInfo { hasNextPage endCursor } } } }`
	now := a.must(fmt.Sprintf(list, ""))
	now.want("scenario.assessments.totalCount", 3, "scenario.assessments.nodes.0.probability", 70, "scenario.assessments.nodes.1.probability", 55,
		"scenario.assessments.pageInfo.hasNextPage", true)
	a.must(fmt.Sprintf(list, `, asOf: {validAt: "2025-01-31T00:00:00Z"}`)).want("scenario.assessments.totalCount", 1, "scenario.assessments.nodes.0.probability", 20)

	feed := a.must(`{ changes(filter: {kinds: [ASSESSMENT], scenarios: ["talks/line"]}) { nodes { kind summary negotiation { key }
		... on AssessmentChanged { assessment { probability } previousAssessment { probability } } } } }`)
	feed.want("changes.nodes.0.kind", "ASSESSMENT", "changes.nodes.0.summary", "“A line” is assessed as likely (55 percent).",
		"changes.nodes.0.negotiation.key", "talks",
		"changes.nodes.0.assessment.probability", 55, "changes.nodes.0.previousAssessment", nil,
		"changes.nodes.1.assessment.probability", 20, "changes.nodes.1.previousAssessment", nil,
		"changes.nodes.2.assessment.probability", 70, "changes.nodes.2.previousAssessment.probability", 55)

	retract := fmt.Sprintf(`mutation { retract(input: {id: %q, note: "Meant another scenario."}) { cursor userErrors { code message field } } }`, earlier.text("assessScenario.assessment.id"))
	a.ask(`mutation { retract(input: {id: "talks/line", note: "no"}) { userErrors { code message field } } }`).refused("IN_USE id", "an assessment")
	a.must(retract)
	a.must(fmt.Sprintf(list, "")).want("scenario.assessments.totalCount", 2)
	a.must(`{ changes(order: NEWEST_FIRST, first: 1) { nodes { kind summary ... on RecordChanged { action node { id } } } } }`).
		want("changes.nodes.0.kind", "ASSESSMENT", "changes.nodes.0.summary", "Retracted assessment “A line”.", "changes.nodes.0.action", "RETRACTED", "changes.nodes.0.node", nil)
	a.must(fmt.Sprintf(`{ node(id: %q) { id label ... on Assessment { rationale } } }`, id)).want("node.label", "likely: A line", "node.rationale", "They talk.")
}

func TestNextChangeIsAnAssessmentOrAResolution(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.assess("talks/line", 50, "2025-07-01T00:00:00Z")
	a.must(`mutation { resolveScenario(input: {scenario: "talks/strip", outcome: ANNULLED, resolvedAt: "2025-08-01T00:00:00Z"}) { userErrors { code message field } } }`)
	next := func(validAt string) string {
		return a.must(fmt.Sprintf(`{ lens(asOf: {validAt: %q}) { nextChangeAt } }`, validAt)).text("lens.nextChangeAt")
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
	resolve := func(outcome, more string) answer {
		return a.ask(fmt.Sprintf(`mutation { resolveScenario(input: {scenario: "talks/line", outcome: %s%s}) {
			scenario { resolution { outcome note resolvedAt recordedBy { name } } } cursor userErrors { code message field } } }`, outcome, more))
	}
	scores := func(asOf string) answer {
		return a.must(fmt.Sprintf(`{ scenario(id: "talks/line"%s) { resolution { outcome } assessments { nodes { brierScore } } } }`, asOf))
	}
	resolve("OCCURRED", `, resolvedAt: "2999-01-01T00:00:00Z"`).refused("INVALID resolvedAt", "2999")
	resolve("OCCURRED", `, note: ""`).refused("INVALID note")
	resolve("OCCURRED", `, resolvedAt: "2024-12-31T00:00:00Z"`).refused("INVALID resolvedAt", "2024-12-31", "on the table", "2025-01-01")
	a.must(`mutation { editScenario(input: {scenario: "talks/line", deadline: "2025-02-10T00:00:00Z"}) { userErrors { code message field } } }`)
	resolve("OCCURRED", `, resolvedAt: "2025-02-15T00:00:00Z"`).refused("INVALID outcome", "2025-02-15", "deadline", "2025-02-10", "DID_NOT_OCCUR")
	a.must(`mutation { editScenario(input: {scenario: "talks/line", deadline: null}) { userErrors { code message field } } }`)
	resolve("OCCURRED", `, resolvedAt: "2025-02-15T00:00:00Z", note: "It was drawn."`).
		want("resolveScenario.scenario.resolution.outcome", "OCCURRED", "resolveScenario.scenario.resolution.note", "It was drawn.",
			"resolveScenario.scenario.resolution.recordedBy.name", "Test analyst")
	before := a.must(`{ lens { knownAt } }`).text("lens.knownAt")
	resolve("OCCURRED", `, resolvedAt: "2025-02-15T00:00:00Z", note: "It was drawn."`).want("resolveScenario.cursor", nil, "resolveScenario.scenario.resolution.outcome", "OCCURRED")
	resolve("OCCURRED", `, note: "It was drawn."`).want("resolveScenario.cursor", nil)
	resolve("DID_NOT_OCCUR", "").refused("CONFLICT outcome", "A line", "occurred", "unresolve")
	a.assess("talks/line", 99, "2025-02-15T00:00:00Z").refused("INVALID assessedAt", "A line", "2025-02-15", "unresolve")
	a.assess("talks/line", 40, "2025-02-10T00:00:00Z").want("assessScenario.assessment.brierScore", 0.36)

	// The latest was made after it was settled, so nobody is scored for it.
	scores("").want("scenario.resolution.outcome", "OCCURRED", "scenario.assessments.nodes.0.brierScore", nil,
		"scenario.assessments.nodes.1.brierScore", 0.36, "scenario.assessments.nodes.2.brierScore", 0.09)
	scores(`, asOf: {validAt: "2025-02-14T00:00:00Z"}`).want("scenario.resolution", nil, "scenario.assessments.nodes.0.brierScore", nil)
	resolved := a.must(`{ lens { knownAt } }`).text("lens.knownAt")

	unresolve := `mutation { unresolveScenario(input: {scenario: "talks/line", note: %q}) { scenario { resolution { outcome } } cursor userErrors { code message field } } }`
	a.ask(fmt.Sprintf(unresolve, "")).refused("INVALID note")
	a.must(fmt.Sprintf(unresolve, "It was another line.")).want("unresolveScenario.scenario.resolution", nil)
	a.must(fmt.Sprintf(unresolve, "It was another line.")).want("unresolveScenario.cursor", nil)
	scores("").want("scenario.resolution", nil, "scenario.assessments.nodes.1.brierScore", nil)
	scores(fmt.Sprintf(`, asOf: {knownAt: %q}`, resolved)).want("scenario.resolution.outcome", "OCCURRED", "scenario.assessments.nodes.1.brierScore", 0.36)
	scores(fmt.Sprintf(`, asOf: {knownAt: %q}`, before)).want("scenario.resolution.outcome", "OCCURRED")

	a.must(`{ changes(filter: {kinds: [RECORD], scenarios: ["talks/line"]}, order: NEWEST_FIRST, first: 2) { nodes { summary note ... on RecordChanged { action fields node { label } } } } }`).
		want("changes.nodes.0.summary", "“A line” is resolved no more.", "changes.nodes.0.note", "It was another line.", "changes.nodes.0.action", "UPDATED",
			"changes.nodes.0.fields", "[resolution]", "changes.nodes.0.node.label", "A line",
			"changes.nodes.1.summary", "“A line” is resolved: occurred.", "changes.nodes.1.note", "It was drawn.")
	a.must(`mutation { editScenario(input: {scenario: "talks/strip", title: "A wide strip"}) { userErrors { code message field } } }`)
	resolve("AMBIGUOUS", "").want("resolveScenario.scenario.resolution.outcome", "AMBIGUOUS", "resolveScenario.scenario.resolution.note", nil)
	a.must(`mutation { editScenario(input: {scenario: "talks/line", title: "The line", deadline: "2025-02-05T00:00:00Z"}) { scenario { resolution { outcome } } userErrors { code message field } } }`).
		want("editScenario.scenario.resolution.outcome", "AMBIGUOUS")
	scores("").want("scenario.assessments.nodes.2.brierScore", nil)
}

// The model of what analysts hold of the scenarios of an issue: every fact with when it was put on record and when it was
// taken off it, and every question answered by looking at all of them.
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
			if j.analyst == analyst && j.scenario == scenario && j.on <= day && j.on > on && knownThrough(j.known, j.until, known) {
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
				if j.analyst == analyst && j.scenario == scenario && j.on == d && knownThrough(j.known, j.until, known) {
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
		a.must(fmt.Sprintf(`mutation { addIssue(input: {negotiation: "talks", key: "issue-%d", title: "An issue", exhaustive: true}) { userErrors { code message field } } }`, issues))
		var scenarios []string // by key
		for _, name := range []string{"line", "strip", "wall"} {
			key := fmt.Sprintf("%s-%d", name, issues)
			scenarios = append(scenarios, key)
			a.must(fmt.Sprintf(`mutation { addScenario(input: {issue: %q, key: %q, title: "One", effectiveAt: "2025-01-01T00:00:00Z"}) { userErrors { code message field } } }`, issue, key))
		}
		for i := range scenarios {
			a.must(fmt.Sprintf(`mutation { relateScenarios(input: {from: "talks/%s", to: "talks/%s", kind: MUTUALLY_EXCLUSIVE}) { userErrors { code message field } } }`, scenarios[i], scenarios[(i+1)%3]))
		}
		var contexts []context.Context
		var analysts []parley.Analyst
		for _, name := range []string{"First", "Second", "Third"} {
			ctx, analyst := a.as(fmt.Sprint(name, " ", issues))
			contexts, analysts = append(contexts, ctx), append(analysts, analyst)
		}
		m := &judgements{}
		now := func() time.Time {
			at, err := parley.ParseInstant(a.must(`{ lens { knownAt } }`).text("lens.knownAt"))
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		instants := []time.Time{now()}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			scenario := rapid.IntRange(0, 2).Draw(rt, "scenario")
			path := "talks/" + scenarios[scenario]
			on := rapid.IntRange(1, days).Draw(rt, "day")
			at := dayAt(on)
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
					if _, err := a.store.ResolveScenario(a.ctx, parley.ResolveScenarioInput{Scenario: path, Outcome: outcome, ResolvedAt: &at}); err != nil {
						rt.Fatal(err)
					}
					m.resolved = append(m.resolved, verdict{scenario: scenario, outcome: outcome, on: on, known: now()})
				} else {
					if _, err := a.store.UnresolveScenario(a.ctx, parley.UnresolveScenarioInput{Scenario: path, Note: "no"}); err != nil {
						rt.Fatal(err)
					}
					resolution.until = now()
				}
			case 1:
				if i := slices.IndexFunc(m.assessed, func(j judgement) bool { return j.until.IsZero() }); i >= 0 {
					if _, err := a.store.Retract(a.ctx, parley.RetractInput{ID: m.assessed[i].id, Note: "no"}); err != nil {
						rt.Fatal(err)
					}
					m.assessed[i].until = now()
				}
			default:
				analyst, percent := rapid.IntRange(0, 2).Draw(rt, "analyst"), rapid.IntRange(1, 99).Draw(rt, "percent")
				did, err := a.store.AssessScenario(contexts[analyst], parley.AssessScenarioInput{
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
					rt.Fatalf("an assessment of day %d is accepted, though the scenario was resolved on day %d", on, resolution.on)
				case err == nil && did.Cursor != nil && taken:
					rt.Fatalf("two assessments of day %d by one analyst are accepted", on)
				case err == nil && did.Cursor != nil:
					m.assessed = append(m.assessed, judgement{analyst: analyst, scenario: scenario, percent: percent, on: on, known: now(), id: did.ID.String()})
				}
			}
			instants = append(instants, now())
		}
		for range 6 {
			day, known := rapid.IntRange(0, days+1).Draw(rt, "valid"), rapid.SampledFrom(instants).Draw(rt, "known")
			asOf := fmt.Sprintf("asOf: {validAt: %q, knownAt: %q}", parley.FormatInstant(dayAt(day)), parley.FormatInstant(known))
			got := a.must(fmt.Sprintf(`{ issue(id: %q, %s) { likelihoods { total coherent entries { scenario { key } probability analysts } } } }`, issue, asOf))
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
				got.want(entry+"scenario.key", key, entry+"probability", want, entry+"analysts", analysts)
			}
			if total == 0 {
				got.want("issue.likelihoods.total", nil, "issue.likelihoods.coherent", nil)
			} else {
				got.want("issue.likelihoods.total", total, "issue.likelihoods.coherent", total <= 105 && (total >= 95 || !all))
			}
			for i, analyst := range analysts {
				n, scored, mean, overTime := m.score(i, day, known)
				got := a.must(fmt.Sprintf(`{ node(id: %q, %s) { ... on Analyst { record { n scenarios brier timeWeightedBrier calibration { n } } } } }`, analyst.ID, asOf))
				got.want("node.record.n", n, "node.record.scenarios", scored)
				inBuckets := 0.0
				for i := range 7 {
					inBuckets += got.at(fmt.Sprintf("node.record.calibration.%d.n", i)).(float64)
				}
				if int(inBuckets) != n {
					rt.Fatalf("%v assessments in the buckets, want %d", inBuckets, n)
				}
				for field, want := range map[string]float64{"brier": mean, "timeWeightedBrier": overTime} {
					score, scored := got.at("node.record." + field).(float64)
					if scored != (n > 0) || math.Abs(score-want) > 1e-9 {
						rt.Fatalf("%s of analyst %d through %s is %v, want %v of %d", field, i, asOf, got.at("node.record."+field), want, n)
					}
				}
			}
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
}
