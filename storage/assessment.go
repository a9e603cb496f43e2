package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
)

// assessmentRow is what is written of a version.
type assessmentRow struct {
	parley.Assessment
	NegotiationID uuid.UUID `db:"negotiation_id"`
}

var assessmentTable = &table[parley.Assessment]{
	name: "assessments", alias: "a",
	self: func(a *parley.Assessment) (*uuid.UUID, *parley.Lens) { return &a.ID, &a.Lens },
	columns: columns[parley.Assessment]{
		id("scenario label brierScore", "@.scenario_id", func(a *parley.Assessment) *uuid.UUID { return &a.ScenarioID }),
		columnOf("probability likelihood label brierScore", "@.probability", func(a *parley.Assessment) *int { return &a.Probability }, readInt),
		text("confidence", "@.confidence", func(a *parley.Assessment) *parley.AnalyticConfidence { return &a.Confidence }),
		text("rationale", "@.rationale", func(a *parley.Assessment) *string { return &a.Rationale }),
		when("assessedAt brierScore", "@.assessed_at", func(a *parley.Assessment) *parley.Instant { return &a.AssessedAt }),
		id("analyst", "@.recorded_by", func(a *parley.Assessment) *uuid.UUID { return &a.RecordedByID }),
		when("recordedAt", "@.recorded_at", func(a *parley.Assessment) *parley.Instant { return &a.RecordedAt }),
		id("version", "@.version", func(a *parley.Assessment) *uuid.UUID { return &a.Version }),
	},
	references: []reference{refersTo("scenario", "@.scenario_id", scenarioTable)},
}

var assessments = noun[parley.Assessment]{
	table: assessmentTable, kind: parley.KindAssessment, changeKind: parley.ChangeOfAssessment,
	provenance: func(a *parley.Assessment) *parley.Provenance { return &a.Provenance },
	insert: func(ctx context.Context, w *writer, subject *target, a *parley.Assessment) error {
		a.ID = subject.ID
		return w.insert(ctx, "assessments",
			`id, version, negotiation_id, scenario_id, probability, confidence, rationale, assessed_at, recorded_by, recorded_at, correction_note`,
			assessmentRow{Assessment: *a, NegotiationID: *subject.NegotiationID})
	},
}

// Assessments are those with these ids; nil where there is none.
func (s *Snapshot) Assessments(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Assessment, error) {
	return find(ctx, &s.reader, assessmentTable, keys, fields)
}

// AssessmentVersions are the versions with these ids, as they last were at the lens's known instant; nil where there is
// none.
func (s *Snapshot) AssessmentVersions(ctx context.Context, versions []Key, fields *Fields) ([]*parley.Assessment, error) {
	return readVersions(ctx, &s.reader, assessmentTable, versions, fields)
}

// AssessmentsOf are the assessments of each scenario by the lens's valid instant, newest first.
func (s *Snapshot) AssessmentsOf(ctx context.Context, scenarios []Key, p parley.Page, fields *Fields) ([]*parley.AssessmentConnection, error) {
	c := conditions{query: s.newQuery(scenarios), list: []string{`a.scenario_id = k.id`, `{known a}`, assessedByNow}}
	if c.looksBack() {
		c.add(onTheTable("a.scenario_id"))
	}
	return pages(ctx, &s.reader, assessmentTable, c.query, list{
		from: `assessments a`, where: c.list,
		order: order{descending: true, columns: []orderColumn{{"a.assessed_at", "timestamptz"}, {"a.id", "uuid"}}},
	}, p, fields)
}

const assessedByNow = `a.assessed_at <= k.valid_at`

// latestAssessment is the one that was an analyst's latest of a scenario at an instant, as on record now; nil for none.
func (w *writer) latestAssessment(ctx context.Context, scenario, analyst uuid.UUID, at parley.Instant) (*parley.Assessment, error) {
	q := w.newQuery(current(scenario))
	lists, err := readLists(ctx, &w.reader, assessmentTable, q, nil, `LATERAL (
		SELECT * FROM assessments x
		WHERE x.scenario_id = k.id AND x.recorded_by = `+q.arg(analyst)+` AND x.assessed_at <= `+q.arg(at)+` AND {known x}
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

// AssessScenario puts an assessment by the analyst of this store on record.
func (m mutations) AssessScenario(ctx context.Context, in parley.AssessScenarioInput) (Written, error) {
	return create(ctx, m, in.ID, in, (*writer).assessScenario)
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
	analyst, by := w.store.analyst.ID, parley.LatestInstant
	if in.AssessedAt != nil {
		by = *in.AssessedAt
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
	if same {
		return Written{ID: latest.ID}, errUnchanged
	}
	a.ScenarioID = scenario.ID
	subject := &target{ID: id.newID(), NegotiationID: scenario.NegotiationID, ParentID: &scenario.ID}
	previous := (*uuid.UUID)(nil)
	if latest != nil {
		previous = &latest.Version
	}
	return assessments.createAfter(ctx, w, id, subject, previous, &a, touchedBy([]*target{scenario}),
		fmt.Sprintf("“%s” is assessed as %s (%d percent).", scenario.Name, parley.Words(a.Likelihood()), a.Probability))
}
