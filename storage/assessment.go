package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// assessments are kept in a table of their own.
var assessments = &noun[parley.Assessment]{
	traits: traits{
		changes: parley.ChangeOfAssessment, copies: []string{"negotiation_id"},
		texts: []string{"rationale"}, context: []string{"scenario_id"}, visible: assessedByNow("@") + " AND " + onTheTable("@.scenario_id"),
		dates: []date{{column: "assessed_at"}},
	},
	table: &rows.Table[parley.Assessment]{
		Kind: parley.KindAssessment, Name: "assessments", Alias: "a",
		Self: func(a *parley.Assessment) (*uuid.UUID, *parley.Lens) { return &a.ID, &a.Lens },
		Columns: rows.Columns[parley.Assessment]{
			rows.Reference("scenario label brierScore scored unscoredBecause criteriaChangedSince", "scenario_id",
				func(a *parley.Assessment) *uuid.UUID { return &a.ScenarioID },
				scenarios.table).UsedAs("an assessment").Follow(),
			rows.Int("probability likelihood label brierScore "+scoring, "probability",
				func(a *parley.Assessment) *int { return &a.Probability }),
			rows.Text("confidence", "confidence",
				func(a *parley.Assessment) *parley.AnalyticConfidence { return &a.Confidence }),
			rows.Text("rationale", "rationale", func(a *parley.Assessment) *string { return &a.Rationale }),
			rows.Time("assessedAt", "assessed_at",
				func(a *parley.Assessment) *parley.Instant { return &a.AssessedAt }),
			rows.ID("analyst", "recorded_by", func(a *parley.Assessment) *uuid.UUID { return &a.RecordedByID }),
			rows.Time("recordedAt brierScore scored unscoredBecause "+scoring, "recorded_at", func(a *parley.Assessment) *parley.Instant { return &a.RecordedAt }),
			rows.Flag(scoring, "imported", func(a *parley.Assessment) *bool { return &a.Imported }),
			rows.OptionalTime("brierScore scored unscoredBecause "+scoring, thenOfScenario("deadline"),
				func(a *parley.Assessment) **parley.Instant { return &a.DeadlineThen }),
			rows.OptionalText("criteriaChangedSince", thenOfScenario("criteria"),
				func(a *parley.Assessment) **string { return &a.CriteriaThen }),
			rows.ID(rows.Unselected, "version", func(a *parley.Assessment) *uuid.UUID { return &a.Version }),
		},
	},
	provenance: func(a *parley.Assessment) *parley.Provenance { return &a.Provenance },
}

// thenOfScenario is a column of the scenario as it was on record when the assessment was recorded.
func thenOfScenario(column string) string {
	return `(SELECT v.` + column + ` FROM {scenarios v}
		WHERE v.id = @.scenario_id AND v.recorded_at <= @.recorded_at AND v.superseded_at > @.recorded_at)`
}

// ScoredBy are the scenarios with these ids, with what the scores of assessments depend on.
func (s *Snapshot) ScoredBy(ctx context.Context, keys []Key, _ *Fields) ([]*parley.Scenario, error) {
	return s.Scenarios(ctx, keys, scoredBy)
}

var scoredBy = NewFields(map[string]*Fields{scoring: {}, "resolution": {}, "criteria": {}})

// Assessments are those with these ids; nil where there is none.
func (s *Snapshot) Assessments(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Assessment, error) {
	return rows.Find(ctx, &s.Reader, assessments.table, keys, fields)
}

// AssessmentVersions are the versions with these ids, as they last were at the lens's known instant; nil where there is
// none.
func (s *Snapshot) AssessmentVersions(
	ctx context.Context, versions []Key, fields *Fields,
) ([]*parley.Assessment, error) {
	return rows.Versions(ctx, &s.Reader, assessments.table, versions, fields)
}

// AssessmentsOf are the assessments of each scenario by the lens's valid instant, newest first.
func (s *Snapshot) AssessmentsOf(
	ctx context.Context, scenarios []Key, p parley.Page, fields *Fields,
) ([]*parley.AssessmentConnection, error) {
	c := rows.Conditions{Query: s.Query(scenarios),
		List: []string{`a.scenario_id = k.id`, `{known a}`, assessedByNow("a")}}
	if c.LooksBack() {
		c.Add(onTheTable("a.scenario_id"))
	}
	return rows.Pages(ctx, assessments.table, c.Query, rows.List{
		From: `{assessments a}`, Where: c.List,
		Order: rows.Order{Descending: true,
			Columns: []rows.OrderColumn{by("a.assessed_at", "timestamptz"), by("a.id", "uuid")}},
	}, p, fields)
}

// assessedByNow says that an assessment dates from the lens's valid instant at the latest.
func assessedByNow(assessment string) string { return assessment + `.assessed_at <= k.valid_at` }

// latestAssessment is the one that was an analyst's latest of a scenario at an instant, as on record now; nil for none.
func (w *writer) latestAssessment(
	ctx context.Context, scenario, analyst uuid.UUID, at parley.Instant,
) (*parley.Assessment, error) {
	q := w.Query(rows.KeysOf(scenario))
	lists, err := rows.Each(ctx, assessments.table, q, nil, `LATERAL (
		SELECT * FROM {assessments x}
		WHERE x.scenario_id = k.id AND x.recorded_by = `+q.Arg(analyst)+` AND x.assessed_at <= `+q.Arg(at)+`
			AND {known x}
		ORDER BY x.assessed_at DESC
		LIMIT 1) a ON true`, "")
	if err != nil {
		return nil, fmt.Errorf("read an analyst's latest assessment: %w", err)
	}
	if len(lists[0]) == 0 {
		return nil, nil
	}
	return lists[0][0], nil
}

// AssessScenario records the caller's assessment of a scenario. The same assessment again changes nothing. Refusals:
// INVALID for a probability out of 1 to 99 percent, a missing rationale, an assessedAt in the future or at or after the
// scenario's resolution; CONFLICT where the caller assessed the scenario at that instant already; ID_REUSED.
func (m mutations) AssessScenario(ctx context.Context, in parley.AssessScenarioInput) (Written, error) {
	return create(ctx, m, "assessScenario", in.ID, in, (*writer).assessScenario)
}

func (w *writer) assessScenario(ctx context.Context, in parley.AssessScenarioInput, id *clientID) (Written, error) {
	if _, err := in.Assessment(parley.LatestInstant); err != nil {
		return Written{}, err
	}
	var refs references
	scenario := refs.subject("scenario", in.Scenario, parley.KindScenario)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	assessed, err := scenarios.current(ctx, w, scenario.ID)
	if err != nil {
		return Written{}, err
	}
	analyst, by := w.analyst.ID, parley.LatestInstant
	if in.AssessedAt != nil {
		by = *in.AssessedAt
	}
	of, err := w.datesOf(ctx, scenario.ID)
	if err != nil {
		return Written{}, err
	}
	latest, err := w.latestAssessment(ctx, scenario.ID, analyst, by)
	if err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	a, err := in.Assessment(w.at)
	if err != nil {
		return Written{}, err
	}
	same, err := a.After(latest, assessed, in)
	if err != nil {
		return Written{}, err
	}
	if err := assessed.Dates(of.OnTheTable, &a.AssessedAt).Check("assessedAt"); err != nil {
		return Written{}, err
	}
	if same {
		return Written{ID: latest.ID}, errUnchanged
	}
	a.ScenarioID, a.Imported = scenario.ID, w.head != nil && w.head.dated
	subject := &target{ID: id.newID(), NegotiationID: scenario.NegotiationID, ParentID: &scenario.ID}
	previous := (*uuid.UUID)(nil)
	if latest != nil {
		previous = &latest.Version
	}
	return assessments.createAfter(ctx, w, id, subject, previous, &a, touchedBy([]*target{scenario}),
		fmt.Sprintf("“%s” is assessed as %s (%d percent).",
			scenario.Name, parley.Words(a.Likelihood()), a.Probability))
}
