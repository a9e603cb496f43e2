package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// scenarios are kept in a table of their own.
var scenarios = &noun[parley.Scenario]{
	traits: traits{
		changes: parley.ChangeOfRecord, keyed: true, called: "title",
		names: []string{"title"}, texts: []string{"summary", "criteria"}, context: []string{"issue_id"}, visible: onTheTable("@.id"),
		dates: []date{{column: "resolved_at"}},
	},
	table: &rows.Table[parley.Scenario]{
		Kind: parley.KindScenario, Name: "scenarios", Alias: "s",
		Self: func(s *parley.Scenario) (*uuid.UUID, *parley.Lens) { return &s.ID, &s.Lens },
		Columns: append(rows.Columns[parley.Scenario]{
			rows.Reference("negotiation", "negotiation_id",
				func(s *parley.Scenario) *uuid.UUID { return &s.NegotiationID }, negotiations.table),
			rows.Reference("issue", "issue_id", func(s *parley.Scenario) *uuid.UUID { return &s.IssueID },
				issues.table).UsedAs("a scenario"),
			rows.Text("key", "key", func(s *parley.Scenario) *string { return &s.Key }),
			rows.Text("title label", "title", func(s *parley.Scenario) *string { return &s.Title }),
			rows.OptionalText("summary", "summary", func(s *parley.Scenario) **string { return &s.Summary }),
			rows.OptionalText("criteria", "criteria", func(s *parley.Scenario) **string { return &s.Criteria }),
			rows.OptionalTime("deadline", "deadline", func(s *parley.Scenario) **parley.Instant { return &s.Deadline }),
			rows.OptionalText("resolution live", "outcome",
				func(s *parley.Scenario) **parley.ResolutionOutcome { return &s.Outcome }),
			rows.OptionalText("resolution", "resolution_note",
				func(s *parley.Scenario) **string { return &s.ResolutionNote }),
			rows.OptionalTime("resolution live", "resolved_at",
				func(s *parley.Scenario) **parley.Instant { return &s.ResolvedAt }),
			rows.OptionalID("resolution live", "resolved_by",
				func(s *parley.Scenario) **uuid.UUID { return &s.ResolvedByID }),
			rows.OptionalTime(scoring, `(SELECT min(v.recorded_at) FROM {scenarios v}
				WHERE v.id = @.id AND v.outcome IS NOT NULL AND v.recorded_at <= @.recorded_at AND NOT EXISTS (
					SELECT FROM {scenarios u} WHERE u.id = @.id AND u.outcome IS NULL
						AND u.recorded_at > v.recorded_at AND u.recorded_at <= @.recorded_at))`,
				func(s *parley.Scenario) **parley.Instant { return &s.ResolutionRecordedAt }),
			rows.OptionalTime(scoring, `(SELECT min(f.effective_at) FROM {status_changes f}
				WHERE f.scenario_id = @.id AND {known f})`,
				func(s *parley.Scenario) **parley.Instant { return &s.OnTheTableAt }),
			rows.OptionalText("targetStage", "target_stage",
				func(s *parley.Scenario) **parley.NegotiationStage { return &s.TargetStage }),
			rows.OptionalText("status allowedTransitions live", "@c.to_status",
				func(s *parley.Scenario) **parley.ScenarioStatus { return &s.Status }),
			rows.OptionalTime("statusSince", "@c.effective_at",
				func(s *parley.Scenario) **parley.Instant { return &s.StatusSince }),
			rows.OptionalID("currentStatusChange", "@c.id",
				func(s *parley.Scenario) **uuid.UUID { return &s.StatusChangeID }),
		}, provenance("recorded_at", "", func(s *parley.Scenario) *parley.Provenance { return &s.Provenance })...),
		Join: statusInForce,
	},
	provenance: func(s *parley.Scenario) *parley.Provenance { return &s.Provenance },
}

// scoring selects what scores need of a scenario or an assessment.
const scoring = rows.Unselected + "scoring"

// statusInForce joins the status change of a scenario that holds at the lens's valid instant.
const statusInForce = `{status_changes @c} ON @c.scenario_id = @.id AND {known @c} AND @c.effective_at <= k.valid_at ` +
	`AND @c.valid_to > k.valid_at`

// onTheTable says that a scenario has come on the table by the lens's valid instant.
func onTheTable(scenario string) string {
	return `EXISTS (SELECT FROM {status_changes f} WHERE f.scenario_id = ` + scenario +
		` AND {known f} AND f.effective_at <= k.valid_at)`
}

// Scenarios are those with these ids; nil where there is none. One that is not on the table at the lens's valid instant
// has no status.
func (s *Snapshot) Scenarios(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Scenario, error) {
	return rows.Find(ctx, &s.Reader, scenarios.table, keys, fields)
}

// ScenariosOnTheTable are those of the scenarios with these ids that are on the table at the lens's valid instant; nil
// for the rest.
func (s *Snapshot) ScenariosOnTheTable(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Scenario, error) {
	found, err := s.Scenarios(ctx, keys, fields.And("status"))
	for i, scenario := range found {
		if scenario != nil && scenario.Status == nil {
			found[i] = nil
		}
	}
	return found, err
}

// ListScenarios lists the scenarios on the table.
func (s *Snapshot) ListScenarios(
	ctx context.Context, asOf *parley.AsOf, f *parley.ScenarioFilter, order parley.ScenarioOrder, p parley.Page,
	fields *Fields,
) (*parley.ScenarioConnection, error) {
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	return first(s.scenariosWhere(ctx, keys, `TRUE`, f, order, p, fields))
}

// ScenariosOfNegotiations are the scenarios on the table of each negotiation.
func (s *Snapshot) ScenariosOfNegotiations(
	ctx context.Context, negotiations []Key, f *parley.ScenarioFilter, order parley.ScenarioOrder, p parley.Page,
	fields *Fields,
) ([]*parley.ScenarioConnection, error) {
	return s.scenariosWhere(ctx, negotiations, `s.negotiation_id = k.id`, f, order, p, fields)
}

// ScenariosOfIssues are the scenarios on the table of each issue, by key.
func (s *Snapshot) ScenariosOfIssues(
	ctx context.Context, issues []Key, p parley.Page, fields *Fields,
) ([]*parley.ScenarioConnection, error) {
	return s.scenariosWhere(ctx, issues, `s.issue_id = k.id`, nil, parley.ScenariosByKey, p, fields)
}

func (s *Snapshot) scenariosWhere(
	ctx context.Context, keys []Key, scope string, f *parley.ScenarioFilter, order parley.ScenarioOrder, p parley.Page,
	fields *Fields,
) ([]*parley.ScenarioConnection, error) {
	c := rows.Conditions{Query: s.Query(keys), List: []string{`{known s}`, scope}}
	if err := s.scenariosThat(ctx, &c, f); err != nil {
		return nil, err
	}
	l := rows.List{From: `{scenarios s} JOIN ` + rows.Aliased(statusInForce, "s"), Where: c.List}
	id := by("s.id", "uuid")
	switch order {
	case parley.ScenariosByStatus:
		l.Order = rows.Order{Descending: true, Columns: []rows.OrderColumn{by("sc.effective_at", "timestamptz"), id}}
	case parley.ScenariosByChanged:
		l.From += ` CROSS JOIN LATERAL (
			SELECT max(t.seq) AS changed_seq
			FROM {change_touches t} JOIN {changes g} ON g.seq = t.seq
			WHERE t.record_id = s.id AND g.recorded_at <= k.known_at) f`
		l.Order = rows.Order{Descending: true, Columns: []rows.OrderColumn{by("f.changed_seq", "bigint"), id}}
	default:
		l.Order = rows.Order{Columns: []rows.OrderColumn{by("s.path", "text")}}
	}
	return rows.Pages(ctx, scenarios.table, c.Query, l, p, fields)
}

// scenariosThat adds what a filter asks of the scenario s and its status sc.
func (s *Snapshot) scenariosThat(ctx context.Context, c *rows.Conditions, f *parley.ScenarioFilter) error {
	if f == nil {
		return nil
	}
	var negotiations, issues, supportedBy, opposedBy []uuid.UUID
	var refs filterRefs
	refs.want(&negotiations, "negotiations", f.Negotiations, parley.KindNegotiation)
	refs.want(&issues, "issues", f.Issues, parley.KindIssue)
	refs.want(&supportedBy, "supportedBy", f.SupportedBy, parley.KindStakeholder)
	refs.want(&opposedBy, "opposedBy", f.OpposedBy, parley.KindStakeholder)
	if err := s.resolve(ctx, c.Query, &refs); err != nil {
		return err
	}
	c.Of("s.negotiation_id", negotiations)
	c.Of("s.issue_id", issues)
	rows.Among(c, "sc.to_status", "scenario_status", f.Status)
	c.Whether(f.Live, live("s", "sc"))
	c.InRange("sc.effective_at", f.StatusSince)
	c.DaysBefore("inStatusLongerThanDays", "sc.effective_at", f.InStatusLongerThanDays)
	reached(c, "EXISTS", f.EverReached)
	reached(c, "NOT EXISTS", f.NotReached)
	c.Contains("s.title || ' ' || coalesce(s.summary, '')", f.Text)
	if err := s.takenBy(ctx, c, supportedBy, func(grade int) bool { return grade > 0 }); err != nil {
		return err
	}
	return s.takenBy(ctx, c, opposedBy, func(grade int) bool { return grade < 0 })
}

// live says that neither the status of a scenario nor a resolution has decided it.
func live(scenario, status string) string {
	var decided []string
	for _, s := range parley.ScenarioStatuses {
		if parley.Decided(s, nil) != "" {
			decided = append(decided, "'"+string(s)+"'")
		}
	}
	return `(` + status + `.to_status NOT IN (` + strings.Join(decided, ", ") + `) AND (` + scenario +
		`.resolved_at IS NULL OR ` + scenario + `.resolved_at > k.valid_at))`
}

// onLive says that a scenario is live.
func onLive(scenario string) string {
	return `EXISTS (SELECT FROM {scenarios ls} JOIN ` + rows.Aliased(statusInForce, "ls") + ` WHERE ls.id = ` + scenario +
		` AND {known ls} AND ` + live("ls", "lsc") + `)`
}

// reached: the scenario s has, or has not, come to one of the statuses.
func reached(c *rows.Conditions, exists string, statuses []parley.ScenarioStatus) {
	if len(statuses) > 0 {
		c.Add(exists + ` (SELECT FROM {status_changes e} WHERE e.scenario_id = s.id AND {known e}
			AND e.effective_at <= k.valid_at
			AND e.to_status = ANY(` + c.Arg(rows.Words[parley.ScenarioStatus](statuses)) + `::scenario_status[]))`)
	}
}

// AddScenario puts a scenario on the table with its first status. Refusals: INVALID, also for a first status in the
// future; INVALID_TRANSITION for a status that can't be the first; TAKEN for a key in use; QUOTE_NOT_FOUND for new
// evidence; ID_REUSED.
func (m mutations) AddScenario(ctx context.Context, in parley.AddScenarioInput) (Written, error) {
	return create(ctx, m, "addScenario", in.ID, in, (*writer).addScenario)
}

func (w *writer) addScenario(ctx context.Context, in parley.AddScenarioInput, id *clientID) (Written, error) {
	s, err := in.Scenario()
	if err != nil {
		return Written{}, err
	}
	var refs references
	issue := refs.one("issue", in.Issue, parley.KindIssue)
	by := refs.every("by", in.By, parley.KindStakeholder)
	evidence := refs.evidence(in.Evidence, in.NewEvidence)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	negotiations, err := w.lookUp(ctx, []string{issue.NegotiationID.String()})
	if err != nil {
		return Written{}, err
	}
	if err := evidence.prepare(ctx, w); err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}

	subject := below(id, negotiations[issue.NegotiationID.String()], &issue.ID, in.Key)
	first := &parley.StatusChange{
		ID: parley.NewID(), ScenarioID: subject.ID, To: in.InitialStatus, ByIDs: ids(by), Reason: in.Reason,
		EffectiveAt: w.orNow(in.EffectiveAt), EffectiveAtPrecision: in.EffectiveAtPrecision, Ordinal: in.Ordinal,
		EvidenceIDs: evidence.ids(),
	}
	if err := s.Dates(first.EffectiveAt, nil).Check("deadline"); err != nil {
		return Written{}, err
	}
	line := []*parley.StatusChange{first}
	if err := parley.ArrangeStatuses(line, first.ID, w.at); err != nil {
		return Written{}, atField(err, "to", "initialStatus")
	}
	if err := w.insertStatements(ctx, evidence.added); err != nil {
		return Written{}, err
	}
	if err := w.record(ctx, subject.ID, parley.KindScenario, subject.Path, subject.NegotiationID,
		subject.ParentID); err != nil {
		return Written{}, err
	}
	s.ID, s.NegotiationID, s.IssueID, s.Provenance = subject.ID, *issue.NegotiationID, issue.ID, w.provenance(nil)
	if err := scenarios.insert(ctx, w, subject, &s); err != nil {
		return Written{}, err
	}
	if err := w.keep(ctx, id, subject.ID); err != nil {
		return Written{}, err
	}
	subject.Kind, subject.Name = parley.KindScenario, s.Title
	if err := w.record(ctx, first.ID, parley.KindStatusChange, nil, subject.NegotiationID, &subject.ID); err != nil {
		return Written{}, err
	}
	cursor, err := w.addStatusChange(ctx, subject, first, nil, statusSentence{
		line: line, cause: parley.FirstRecorded, touches: append(ids(by), evidence.touches()...),
		summary: fmt.Sprintf("“%s” came on the table as %s.", s.Title, parley.Words(first.To)),
	})
	return Written{ID: subject.ID, Cursor: cursor}, err
}

// EditScenario changes a scenario's fields. Refusals: INVALID; CONFLICT where it has changed since ifUnchangedSince.
func (m mutations) EditScenario(ctx context.Context, in parley.EditScenario) (Written, error) {
	return perform(ctx, m.run, in, (*writer).editScenario)
}

func (w *writer) editScenario(ctx context.Context, in parley.EditScenario) (Written, error) {
	var refs references
	subject := refs.subject("scenario", in.Scenario, parley.KindScenario)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	edited := edition[parley.Scenario]{
		subject: subject, since: in.IfUnchangedSince, touches: rows.IDs{*subject.ParentID},
		apply: func(s *parley.Scenario) ([]string, error) { return s.Edit(in) },
	}
	if in.Deadline.Value != nil {
		of, err := w.datesOf(ctx, subject.ID)
		if err != nil {
			return Written{}, err
		}
		edited.settle = func(s *parley.Scenario) error {
			return s.Dates(of.OnTheTable, of.FirstAssessedAt).Check("deadline")
		}
	}
	return scenarios.edit(ctx, w, edited)
}

// scenarioDates are the dates of a scenario that stand in other records.
type scenarioDates struct {
	OnTheTable      parley.Instant  `db:"on_the_table"`
	FirstAssessedAt *parley.Instant `db:"first_assessed_at"`
}

// datesOf reads when a scenario came on the table, and when it was first assessed.
func (w *writer) datesOf(ctx context.Context, scenario uuid.UUID) (scenarioDates, error) {
	var dates []scenarioDates
	err := w.all(ctx, &dates, `
		SELECT
			(SELECT min(effective_at) FROM {status_changes} WHERE scenario_id = $1 AND superseded_at = 'infinity')
				AS on_the_table,
			(SELECT min(assessed_at) FROM {assessments} WHERE scenario_id = $1 AND superseded_at = 'infinity')
				AS first_assessed_at`, scenario)
	if err != nil {
		return scenarioDates{}, fmt.Errorf("read the dates of a scenario: %w", err)
	}
	return dates[0], nil
}

// datesHold refuses a line of statuses whose first one does not agree with the scenario's other dates. Field is the
// input's field that moved it.
func (w *writer) datesHold(ctx context.Context, scenario uuid.UUID, line []*parley.StatusChange, field string) error {
	of, err := w.datesOf(ctx, scenario)
	if err != nil {
		return err
	}
	first := slices.MinFunc(line, func(a, b *parley.StatusChange) int { return a.EffectiveAt.Compare(b.EffectiveAt) })
	if !first.EffectiveAt.After(of.OnTheTable) {
		return nil // what held from later on holds from earlier on
	}
	s, err := scenarios.current(ctx, w, scenario)
	if err != nil {
		return err
	}
	return s.Dates(first.EffectiveAt, of.FirstAssessedAt).Check(field)
}
