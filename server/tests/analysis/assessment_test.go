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
		Want("changes.nodes.0.kind", "ASSESSMENT", "changes.nodes.0.summary", "Retracted the assessment of “A line”.",
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
	a.SetClock("2030-02-01T00:00:00Z")
	a.assess("talks/line", 70, "")
	a.SetClock("2030-03-01T00:00:00Z")
	a.assess("talks/line", 90, "")
	a.SetClock("2030-03-05T00:00:00Z")
	resolve := func(outcome, more string) apitest.Answer {
		return a.Ask(fmt.Sprintf(`mutation { resolveScenario(input: {scenario: "talks/line", outcome: %s%s}) {
			scenario { resolution { outcome note resolvedAt recordedBy { name } } } cursor userErrors { code message field } } }`, outcome, more))
	}
	scores := func(asOf string) apitest.Answer {
		return a.Must(fmt.Sprintf(`{ scenario(id: "talks/line"%s) { resolution { outcome } assessments { nodes { brierScore scored unscoredBecause } } } }`, asOf))
	}
	resolve("OCCURRED", `, resolvedAt: "2999-01-01T00:00:00Z"`).Refused("INVALID resolvedAt", "2999")
	resolve("OCCURRED", `, note: ""`).Refused("INVALID note")
	resolve("OCCURRED", `, resolvedAt: "2024-12-31T00:00:00Z"`).Refused("INVALID resolvedAt", "2024-12-31",
		"on the table", "2025-01-01")
	a.Must(`mutation { editScenario(input: {scenario: "talks/line", deadline: "2030-02-10T00:00:00Z"}) { userErrors { code message field } } }`)
	resolve("OCCURRED", `, resolvedAt: "2030-02-15T00:00:00Z"`).Refused("INVALID outcome", "2030-02-15", "deadline",
		"2030-02-10", "DID_NOT_OCCUR")
	a.Must(`mutation { editScenario(input: {scenario: "talks/line", clear: ["deadline"]}) { userErrors { code message field } } }`)
	resolve("OCCURRED", `, resolvedAt: "2030-02-15T00:00:00Z", note: "It was drawn."`).
		Want("resolveScenario.scenario.resolution.outcome", "OCCURRED", "resolveScenario.scenario.resolution.note",
			"It was drawn.",
			"resolveScenario.scenario.resolution.recordedBy.name", "Test analyst")
	before := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	resolve("OCCURRED", `, resolvedAt: "2030-02-15T00:00:00Z", note: "It was drawn."`).Want("resolveScenario.cursor",
		nil, "resolveScenario.scenario.resolution.outcome", "OCCURRED")
	resolve("OCCURRED", `, note: "It was drawn."`).Want("resolveScenario.cursor", nil)
	resolve("DID_NOT_OCCUR", "").Refused("CONFLICT outcome", "A line", "occurred", "unresolve")
	a.assess("talks/line", 99, "2030-02-15T00:00:00Z").Refused("INVALID assessedAt", "A line", "2030-02-15",
		"unresolve")
	a.assess("talks/line", 40, "2030-02-10T00:00:00Z").Want("assessScenario.assessment.brierScore", nil)

	// One was recorded after it had come about, and one is only dated before that: nobody is scored for either.
	scores("").Want("scenario.resolution.outcome", "OCCURRED", "scenario.assessments.nodes.0.brierScore", nil,
		"scenario.assessments.nodes.0.unscoredBecause", "AFTER_RESOLUTION", "scenario.assessments.nodes.0.scored", false,
		"scenario.assessments.nodes.1.brierScore", nil, "scenario.assessments.nodes.1.unscoredBecause", "AFTER_RESOLUTION",
		"scenario.assessments.nodes.2.brierScore", 0.09, "scenario.assessments.nodes.2.scored", true,
		"scenario.assessments.nodes.2.unscoredBecause", nil)
	scores(`, asOf: {validAt: "2030-02-14T00:00:00Z"}`).Want("scenario.resolution", nil,
		"scenario.assessments.nodes.0.brierScore", nil, "scenario.assessments.nodes.0.unscoredBecause", "NOT_RESOLVED")
	resolved := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")

	unresolve := `mutation { unresolveScenario(input: {scenario: "talks/line", note: %q}) { scenario { resolution { outcome } } cursor userErrors { code message field } } }`
	a.Ask(fmt.Sprintf(unresolve, "")).Refused("INVALID note")
	a.Must(fmt.Sprintf(unresolve, "It was another line.")).Want("unresolveScenario.scenario.resolution", nil)
	a.Must(fmt.Sprintf(unresolve, "It was another line.")).Want("unresolveScenario.cursor", nil)
	scores("").Want("scenario.resolution", nil, "scenario.assessments.nodes.2.brierScore", nil)
	scores(fmt.Sprintf(`, asOf: {knownAt: %q}`, resolved)).Want("scenario.resolution.outcome", "OCCURRED",
		"scenario.assessments.nodes.2.brierScore", 0.09)
	scores(fmt.Sprintf(`, asOf: {knownAt: %q}`, before)).Want("scenario.resolution.outcome", "OCCURRED")

	a.Must(`{ changes(filter: {kinds: [RECORD], scenarios: ["talks/line"]}, order: NEWEST_FIRST, first: 2) { nodes { summary note ... on RecordChanged { action fields node { label } } } } }`).
		Want("changes.nodes.0.summary", "“A line” is resolved no more.", "changes.nodes.0.note", "It was another line.",
			"changes.nodes.0.action", "UPDATED",
			"changes.nodes.0.fields", "[resolution]", "changes.nodes.0.node.label", "A line",
			"changes.nodes.1.summary", "“A line” is resolved: occurred.", "changes.nodes.1.note", "It was drawn.")
	a.Must(`mutation { editScenario(input: {scenario: "talks/strip", title: "A wide strip"}) { userErrors { code message field } } }`)
	resolve("AMBIGUOUS", "").Want("resolveScenario.scenario.resolution.outcome", "AMBIGUOUS",
		"resolveScenario.scenario.resolution.note", nil)
	a.Must(`mutation { editScenario(input: {scenario: "talks/line", title: "The line", deadline: "2030-02-05T00:00:00Z"}) { scenario { resolution { outcome } } userErrors { code message field } } }`).
		Want("editScenario.scenario.resolution.outcome", "AMBIGUOUS")
	scores("").Want("scenario.assessments.nodes.2.brierScore", nil)
}

// A score counts from what was known: the deadline and the criteria as they were on record when the assessment was.
func TestScoresByWhatWasKnown(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	do := func(on, mutation string) {
		t.Helper()
		a.On(on+"T00:00:00Z", mutation+` { userErrors { code message field } }`)
	}
	scores := func(validAt, want string) {
		t.Helper()
		got := a.Must(`{ scenario(id: "talks/zone", asOf: {validAt: "` + validAt + `T00:00:00Z"}) { assessments { nodes {
			probability brierScore unscoredBecause criteriaChangedSince } } } viewer { record { n imported } } }`)
		if is := got.Lines("scenario.assessments.nodes", "probability", "brierScore", "unscoredBecause", "criteriaChangedSince"); is != want {
			t.Errorf("on %s they are\n%s\nwant\n%s", validAt, is, want)
		}
	}
	const assessed = `assessScenario(input: {scenario: "talks/zone", probability: %d, confidence: LOW, rationale: "r"})`
	do("2030-01-01", `addScenario(input: {issue: "talks/border", key: "zone", title: "A zone", criteria: "C", deadline: "2030-03-01T00:00:00Z"})`)
	do("2030-01-10", fmt.Sprintf(assessed, 20))
	do("2030-02-01", `editScenario(input: {scenario: "talks/zone", deadline: "2030-06-01T00:00:00Z", criteria: "D"})`)
	do("2030-02-10", fmt.Sprintf(assessed, 70))
	do("2030-04-05", fmt.Sprintf(assessed, 98))
	do("2030-05-01", `resolveScenario(input: {scenario: "talks/zone", outcome: OCCURRED, resolvedAt: "2030-04-01T00:00:00Z"})`)
	do("2030-05-02", `assessScenario(input: {scenario: "talks/zone", probability: 99, confidence: LOW, rationale: "r", assessedAt: "2030-01-02T00:00:00Z"})`)
	// By the deadline of January it did not occur; by that of February it did.
	scores("2030-05-03", "98 <nil> AFTER_RESOLUTION false\n70 0.09 <nil> false\n20 0.04 <nil> true\n99 <nil> AFTER_RESOLUTION false")
	scores("2030-03-20", "70 <nil> NOT_RESOLVED false\n20 <nil> NOT_RESOLVED true\n99 <nil> NOT_RESOLVED false")
	do("2030-05-04", `unresolveScenario(input: {scenario: "talks/zone", note: "n"})`)
	do("2030-05-05", `resolveScenario(input: {scenario: "talks/zone", outcome: DID_NOT_OCCUR, resolvedAt: "2030-04-01T00:00:00Z"})`)
	scores("2030-05-06", "98 <nil> AFTER_RESOLUTION false\n70 <nil> DEADLINE_AHEAD false\n20 0.04 <nil> true\n99 <nil> AFTER_RESOLUTION false")
	scores("2030-06-01", "98 <nil> AFTER_RESOLUTION false\n70 0.49 <nil> false\n20 0.04 <nil> true\n99 <nil> AFTER_RESOLUTION false")
	do("2030-07-01", `unresolveScenario(input: {scenario: "talks/zone", note: "n"})`)
	do("2030-07-02", fmt.Sprintf(assessed, 50))
	do("2030-07-03", `resolveScenario(input: {scenario: "talks/zone", outcome: DID_NOT_OCCUR})`)
	scores("2030-07-04", "50 <nil> AFTER_DEADLINE false\n98 0.9604 <nil> false\n70 0.49 <nil> false\n20 0.04 <nil> true\n99 0.9801 <nil> false")
	do("2030-07-05", `unresolveScenario(input: {scenario: "talks/zone", note: "n"})`)
	do("2030-07-06", `resolveScenario(input: {scenario: "talks/zone", outcome: ANNULLED})`)
	scores("2030-07-07", "50 <nil> NOT_DECIDED false\n98 <nil> NOT_DECIDED false\n70 <nil> NOT_DECIDED false\n20 <nil> NOT_DECIDED true\n99 <nil> NOT_DECIDED false")
}

// The model of what analysts hold of the scenarios of an issue: every fact with when it was put on record and when it
// was taken off it, and every question answered by looking at all of them. Days are hours after the history's
// beginning.
type judgement struct {
	analyst, scenario, percent int
	on                         int // the hour that it is dated
	known, until               time.Time
	id                         string
}

type verdict struct {
	scenario     int
	outcome      parley.ResolutionOutcome
	on           int
	known, until time.Time
}

type limit struct {
	scenario, on int // an hour; -1: none
	known        time.Time
}

type judgements struct {
	begins   time.Time
	assessed []judgement
	resolved []verdict
	limits   []limit
}

func (m *judgements) hour(on int) time.Time { return m.begins.Add(time.Duration(on) * time.Hour) }

func knownThrough(known, until, at time.Time) bool {
	return !known.After(at) && (until.IsZero() || until.After(at))
}

// pooled is the median of each analyst's latest, or -1.
func (m *judgements) pooled(scenario, hour int, known time.Time) (percent, analysts int) {
	var latest []int
	for analyst := range 3 {
		on, p := -1, -1
		for _, j := range m.assessed {
			if j.analyst == analyst && j.scenario == scenario && j.on <= hour && j.on > on &&
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

// deadlineAt is the deadline of a scenario on record at an instant, zero if there is none.
func (m *judgements) deadlineAt(scenario int, known time.Time) (deadline time.Time) {
	for _, l := range m.limits {
		if l.scenario == scenario && !l.known.After(known) {
			deadline = time.Time{}
			if l.on >= 0 {
				deadline = m.hour(l.on)
			}
		}
	}
	return deadline
}

// verdictOf is the resolution of a scenario by an hour, nil if there is none.
func (m *judgements) verdictOf(scenario, hour int, known time.Time) *verdict {
	for i, v := range m.resolved {
		if v.scenario == scenario && v.on <= hour && knownThrough(v.known, v.until, known) {
			return &m.resolved[i]
		}
	}
	return nil
}

// marks is a judgement that is scored.
type marks struct {
	known, closed time.Time
	score         float64
}

// marked are the scored judgements of an analyst on a scenario, in the order in which they were recorded.
func (m *judgements) marked(analyst, scenario, hour int, known time.Time) (list []marks) {
	v := m.verdictOf(scenario, hour, known)
	if v == nil || v.outcome != "OCCURRED" && v.outcome != "DID_NOT_OCCUR" {
		return nil
	}
	came := m.hour(v.on)
	for _, j := range m.assessed {
		if j.analyst != analyst || j.scenario != scenario || j.on > hour || !knownThrough(j.known, j.until, known) {
			continue
		}
		deadline := m.deadlineAt(scenario, j.known)
		bounded := !deadline.IsZero()
		if !j.known.Before(came) || !j.known.Before(v.known) || bounded && !j.known.Before(deadline) {
			continue
		}
		if v.outcome == "DID_NOT_OCCUR" && bounded && deadline.After(m.hour(hour)) {
			continue
		}
		o, closed := 0.0, came
		if v.outcome == "OCCURRED" && (!bounded || !came.After(deadline)) {
			o = 1
		}
		if bounded && deadline.Before(closed) {
			closed = deadline
		}
		list = append(list, marks{j.known, closed, math.Pow(float64(j.percent)/100-o, 2)})
	}
	return list
}

// score is that of an analyst: how many assessments, of how many scenarios, their mean, and the mean over time.
func (m *judgements) score(analyst, hour int, known time.Time) (n, scenarios int, mean, overTime float64) {
	for scenario := range 3 {
		list := m.marked(analyst, scenario, hour, known)
		held, sum := time.Duration(0), 0.0
		for i, one := range list {
			n++
			mean += one.score
			until := one.closed
			if i+1 < len(list) && list[i+1].known.Before(until) {
				until = list[i+1].known
			}
			held += until.Sub(one.known)
			sum += one.score * float64(until.Sub(one.known))
		}
		if held > 0 {
			scenarios++
			overTime += sum / float64(held)
		}
	}
	return n, scenarios, mean / float64(max(n, 1)), overTime / float64(max(scenarios, 1))
}

func TestLikelihoodsAndScoresAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	issues := 0
	rapid.Check(t, func(rt *rapid.T) {
		issues++ // each has its own, analysts of its own, and a month of its own
		m := &judgements{begins: time.Date(2030, time.Month(issues), 1, 0, 0, 0, 0, time.UTC)}
		a.SetClock(parley.FormatInstant(m.begins))
		issue := fmt.Sprint("talks/issue-", issues)
		a.Must(fmt.Sprintf(`mutation { addIssue(input: {negotiation: "talks", key: "issue-%d", title: "An issue", exhaustive: true}) { userErrors { code message field } } }`, issues))
		var scenarios []string // by key
		for _, name := range []string{"line", "strip", "wall"} {
			key := fmt.Sprintf("%s-%d", name, issues)
			scenarios = append(scenarios, key)
			a.Must(fmt.Sprintf(`mutation { addScenario(input: {issue: %q, key: %q, title: "One", effectiveAt: %q}) { userErrors { code message field } } }`, issue, key, parley.FormatInstant(m.begins)))
		}
		exclusive := rapid.Bool().Draw(rt, "exclusive")
		for i := range scenarios {
			if !exclusive {
				break
			}
			a.Must(fmt.Sprintf(`mutation { relateScenarios(input: {from: "talks/%s", to: "talks/%s", kind: MUTUALLY_EXCLUSIVE}) { userErrors { code message field } } }`, scenarios[i], scenarios[(i+1)%3]))
		}
		var contexts []context.Context
		var analysts []parley.Analyst
		for _, name := range []string{"First", "Second", "Third"} {
			ctx, analyst := a.As(fmt.Sprint(name, " ", issues))
			contexts, analysts = append(contexts, ctx), append(analysts, analyst)
		}
		now := func() time.Time {
			at, err := parley.ParseInstant(a.Must(`{ lens { knownAt } }`).Text("lens.knownAt"))
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		instants := []time.Time{now()}
		steps := rapid.IntRange(1, 25).Draw(rt, "steps")
		for step := 1; step <= steps; step++ {
			a.SetClock(parley.FormatInstant(m.hour(step)))
			scenario := rapid.IntRange(0, 2).Draw(rt, "scenario")
			path := "talks/" + scenarios[scenario]
			on := rapid.IntRange(0, step).Draw(rt, "hour")
			at := m.hour(on)
			resolution := m.verdictOf(scenario, 1000, now())
			deadline := m.deadlineAt(scenario, now())
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0, 1:
				if resolution != nil {
					if _, err := a.Store.UnresolveScenario(a.Ctx, parley.UnresolveScenarioInput{Scenario: path, Note: "no"}); err != nil {
						rt.Fatal(err)
					}
					resolution.until = now()
					break
				}
				outcome := rapid.SampledFrom(parley.ResolutionOutcomes).Draw(rt, "outcome")
				_, err := a.Store.ResolveScenario(a.Ctx, parley.ResolveScenarioInput{Scenario: path, Outcome: outcome, ResolvedAt: &at})
				late := !deadline.IsZero() && at.After(deadline)
				rival := exclusive && slices.ContainsFunc(m.resolved, func(v verdict) bool { return v.until.IsZero() && v.outcome == "OCCURRED" })
				if refused := outcome == "OCCURRED" && (late || rival); refused != (err != nil) {
					rt.Fatalf("resolved as %s: %v, but late %v, a rival occurred %v", outcome, err, late, rival)
				}
				if err == nil {
					m.resolved = append(m.resolved, verdict{scenario: scenario, outcome: outcome, on: on, known: now()})
				}
			case 2:
				if i := slices.IndexFunc(m.assessed, func(j judgement) bool { return j.until.IsZero() }); i >= 0 {
					if _, err := a.Store.Retract(a.Ctx, parley.RetractInput{ID: m.assessed[i].id, Note: "no"}); err != nil {
						rt.Fatal(err)
					}
					m.assessed[i].until = now()
				}
			case 3, 4:
				l := limit{scenario: scenario, on: rapid.IntRange(-1, 30).Draw(rt, "deadline")}
				edit := parley.EditScenario{Scenario: path, Deadline: parley.Patch[parley.Instant]{Set: true}}
				if l.on >= 0 {
					at := m.hour(l.on)
					edit.Deadline.Value = &at
				}
				_, err := a.Store.EditScenario(a.Ctx, edit)
				occurred := resolution != nil && resolution.outcome == "OCCURRED"
				if refused := occurred && l.on >= 0 && l.on < resolution.on; refused != (err != nil) {
					rt.Fatalf("a deadline at %d: %v, with %+v", l.on, err, resolution)
				}
				if l.known = now(); err == nil {
					m.limits = append(m.limits, l)
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
					rt.Fatalf("an assessment of hour %d is accepted, though the scenario was resolved at %d", on, resolution.on)
				case err == nil && did.Cursor != nil && taken:
					rt.Fatalf("two assessments of hour %d by one analyst are accepted", on)
				case err == nil && did.Cursor != nil:
					m.assessed = append(m.assessed,
						judgement{analyst: analyst, scenario: scenario, percent: percent, on: on, known: now(), id: did.ID.String()})
				}
			}
			instants = append(instants, now())
		}
		for range 6 {
			day, known := rapid.IntRange(0, 40).Draw(rt, "valid"), rapid.SampledFrom(instants).Draw(rt, "known")
			asOf := fmt.Sprintf("asOf: {validAt: %q, knownAt: %q}", parley.FormatInstant(m.hour(day)),
				parley.FormatInstant(known))
			got := a.Must(fmt.Sprintf(`{ issue(id: %q, %s) { likelihoods { total coherent entries { scenario { key } probability assessed likelihood analysts } } } }`, issue, asOf))
			total, all, some, parts := 0, true, false, 0
			occurred := slices.ContainsFunc([]int{0, 1, 2}, func(i int) bool {
				v := m.verdictOf(i, day, known)
				return v != nil && v.outcome == "OCCURRED"
			})
			for i, key := range scenarios {
				entry := fmt.Sprintf("issue.likelihoods.entries.%d.", i)
				percent, analysts := m.pooled(i, day, known)
				assessed, counts := any(percent), percent
				if percent < 0 {
					assessed = nil
				}
				settled := true
				switch v := m.verdictOf(i, day, known); {
				case v != nil && v.outcome == "OCCURRED":
					counts = 100
				case v != nil && v.outcome == "DID_NOT_OCCUR", v == nil && occurred && exclusive:
					counts = 0
				default:
					settled = false
				}
				probability := any(counts)
				if counts < 0 {
					probability = nil
				}
				got.Want(entry+"scenario.key", key, entry+"probability", probability, entry+"assessed", assessed, entry+"analysts", analysts)
				if hasWord := got.At(entry+"likelihood") != nil; hasWord != (!settled && counts >= 0) {
					rt.Fatalf("%s is called %v, settled %v", key, got.At(entry+"likelihood"), settled)
				}
				switch v := m.verdictOf(i, day, known); {
				case v != nil && !settled: // left out
				case counts < 0:
					all, parts = false, parts+1
				default:
					total, parts, some = total+counts, parts+1, true
				}
			}
			if !some || parts < 2 || !exclusive {
				got.Want("issue.likelihoods.total", nil, "issue.likelihoods.coherent", nil)
			} else {
				got.Want("issue.likelihoods.total", total, "issue.likelihoods.coherent", total <= 105 &&
					(total >= 95 || !all))
			}
			for i, analyst := range analysts {
				n, scored, mean, overTime := m.score(i, day, known)
				got := a.Must(fmt.Sprintf(`{ node: record(id: %q, %s) { ... on Analyst { record { n scenarios brier timeWeightedBrier calibration { n } } } } }`, analyst.ID, asOf))
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
