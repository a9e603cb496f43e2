package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
)

// scenarioRow is what is written of a version.
type scenarioRow struct {
	parley.Scenario
	Path string `db:"path"`
}

var scenarioTable = &table[parley.Scenario]{
	name: "scenarios", alias: "s",
	self: func(s *parley.Scenario) (*uuid.UUID, *parley.Lens) { return &s.ID, &s.Lens },
	columns: append([]column[parley.Scenario]{
		id("negotiation", "@.negotiation_id", func(s *parley.Scenario) *uuid.UUID { return &s.NegotiationID }),
		id("issue", "@.issue_id", func(s *parley.Scenario) *uuid.UUID { return &s.IssueID }),
		text("key", "@.key", func(s *parley.Scenario) *string { return &s.Key }),
		text("title label", "@.title", func(s *parley.Scenario) *string { return &s.Title }),
		optionalText("summary", "@.summary", func(s *parley.Scenario) **string { return &s.Summary }),
		optionalText("criteria", "@.criteria", func(s *parley.Scenario) **string { return &s.Criteria }),
		optionalWhen("deadline", "@.deadline", func(s *parley.Scenario) **parley.Instant { return &s.Deadline }),
		optionalText("resolution", "@.outcome", func(s *parley.Scenario) **parley.ResolutionOutcome { return &s.Outcome }),
		optionalText("resolution", "@.resolution_note", func(s *parley.Scenario) **string { return &s.ResolutionNote }),
		optionalWhen("resolution", "@.resolved_at", func(s *parley.Scenario) **parley.Instant { return &s.ResolvedAt }),
		optionalID("resolution", "@.resolved_by", func(s *parley.Scenario) **uuid.UUID { return &s.ResolvedByID }),
		optionalText("targetStage", "@.target_stage", func(s *parley.Scenario) **parley.NegotiationStage { return &s.TargetStage }),
		optionalText("status allowedTransitions", "@c.to_status", func(s *parley.Scenario) **parley.ScenarioStatus { return &s.Status }),
		optionalWhen("statusSince", "@c.effective_at", func(s *parley.Scenario) **parley.Instant { return &s.StatusSince }),
		optionalID("currentStatusChange", "@c.id", func(s *parley.Scenario) **uuid.UUID { return &s.StatusChangeID }),
	}, provenance("recorded_at", func(s *parley.Scenario) *parley.Provenance { return &s.Provenance })...),
	status: statusInForce,
	references: []reference{
		refersTo("issue", "@.issue_id", issueTable),
		refersTo("negotiation", "@.negotiation_id", negotiationTable),
	},
}

// statusInForce joins the status change of a scenario that holds at the lens's valid instant.
const statusInForce = `status_changes @c ON @c.scenario_id = @.id AND {known @c} AND @c.effective_at <= k.valid_at AND @c.valid_to > k.valid_at`

// onTheTable says that a scenario has come on the table by the lens's valid instant.
func onTheTable(scenario string) string {
	return `EXISTS (SELECT FROM status_changes f WHERE f.scenario_id = ` + scenario + ` AND {known f} AND f.effective_at <= k.valid_at)`
}

var scenarios = noun[parley.Scenario]{
	table: scenarioTable, kind: parley.KindScenario, changeKind: parley.ChangeOfRecord,
	provenance: func(s *parley.Scenario) *parley.Provenance { return &s.Provenance },
	insert: func(ctx context.Context, w *writer, subject *target, s *parley.Scenario) error {
		s.ID = subject.ID
		return w.insert(ctx, "scenarios",
			`id, version, negotiation_id, issue_id, path, key, title, summary, criteria, deadline, target_stage, outcome, resolution_note,
				resolved_at, resolved_by, recorded_by, recorded_at, correction_note`,
			scenarioRow{Scenario: *s, Path: *subject.Path})
	},
}

// Scenarios are those with these ids; nil where there is none. One that is not on the table at the lens's valid instant
// has no status.
func (s *Snapshot) Scenarios(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Scenario, error) {
	return find(ctx, &s.reader, scenarioTable, keys, fields)
}

// ScenariosOnTheTable are those of the scenarios with these ids that are on the table at the lens's valid instant; nil
// for the rest.
func (s *Snapshot) ScenariosOnTheTable(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Scenario, error) {
	found, err := s.Scenarios(ctx, keys, fields.and("status"))
	for i, scenario := range found {
		if scenario != nil && scenario.Status == nil {
			found[i] = nil
		}
	}
	return found, err
}

// ListScenarios lists the scenarios on the table.
func (s *Snapshot) ListScenarios(ctx context.Context, asOf *parley.AsOf, f *parley.ScenarioFilter, by parley.ScenarioOrder, p parley.Page, fields *Fields) (*parley.ScenarioConnection, error) {
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	return first(s.scenariosWhere(ctx, keys, `TRUE`, f, by, p, fields))
}

// ScenariosOfNegotiations are the scenarios on the table of each negotiation.
func (s *Snapshot) ScenariosOfNegotiations(ctx context.Context, negotiations []Key, f *parley.ScenarioFilter, by parley.ScenarioOrder, p parley.Page, fields *Fields) ([]*parley.ScenarioConnection, error) {
	return s.scenariosWhere(ctx, negotiations, `s.negotiation_id = k.id`, f, by, p, fields)
}

// ScenariosOfIssues are the scenarios on the table of each issue, by key.
func (s *Snapshot) ScenariosOfIssues(ctx context.Context, issues []Key, p parley.Page, fields *Fields) ([]*parley.ScenarioConnection, error) {
	return s.scenariosWhere(ctx, issues, `s.issue_id = k.id`, nil, parley.ScenariosByKey, p, fields)
}

func (s *Snapshot) scenariosWhere(ctx context.Context, keys []Key, scope string, f *parley.ScenarioFilter, by parley.ScenarioOrder, p parley.Page, fields *Fields) ([]*parley.ScenarioConnection, error) {
	c := conditions{query: s.newQuery(keys), list: []string{`{known s}`, scope}}
	if err := s.scenariosThat(ctx, &c, f); err != nil {
		return nil, err
	}
	l := list{from: `scenarios s JOIN ` + aliased(statusInForce, "s"), where: c.list}
	id := orderColumn{"s.id", "uuid"}
	switch by {
	case parley.ScenariosByStatus:
		l.order = order{descending: true, columns: []orderColumn{{"sc.effective_at", "timestamptz"}, id}}
	case parley.ScenariosByChanged:
		l.from += ` CROSS JOIN LATERAL (
			SELECT max(t.seq) AS changed_seq
			FROM change_touches t JOIN changes g ON g.seq = t.seq
			WHERE t.record_id = s.id AND g.recorded_at <= k.known_at) f`
		l.order = order{descending: true, columns: []orderColumn{{"f.changed_seq", "bigint"}, id}}
	default:
		l.order = order{columns: []orderColumn{{"s.path", "text"}}}
	}
	return pages(ctx, &s.reader, scenarioTable, c.query, l, p, fields)
}

// scenariosThat adds what a filter asks of the scenario s and its status sc.
func (s *Snapshot) scenariosThat(ctx context.Context, c *conditions, f *parley.ScenarioFilter) error {
	if f == nil {
		return nil
	}
	var negotiations, issues, supportedBy, opposedBy []uuid.UUID
	var refs filterRefs
	refs.want(&negotiations, "negotiations", f.Negotiations, parley.KindNegotiation)
	refs.want(&issues, "issues", f.Issues, parley.KindIssue)
	refs.want(&supportedBy, "supportedBy", f.SupportedBy, parley.KindStakeholder)
	refs.want(&opposedBy, "opposedBy", f.OpposedBy, parley.KindStakeholder)
	if err := s.resolve(ctx, c.query, &refs); err != nil {
		return err
	}
	c.of("s.negotiation_id", negotiations)
	c.of("s.issue_id", issues)
	among(c, "sc.to_status", "scenario_status", f.Status)
	c.inRange("sc.effective_at", f.StatusSince)
	c.daysBefore("inStatusLongerThanDays", "sc.effective_at", f.InStatusLongerThanDays)
	c.reached("EXISTS", f.EverReached)
	c.reached("NOT EXISTS", f.NotReached)
	c.heldBy(supportedBy, "SUPPORTS", "STRONGLY_SUPPORTS")
	c.heldBy(opposedBy, "OPPOSES", "STRONGLY_OPPOSES")
	c.contains("s.title || ' ' || coalesce(s.summary, '')", f.Text)
	return nil
}

// reached: the scenario s has, or has not, come to one of the statuses.
func (c *conditions) reached(exists string, statuses []parley.ScenarioStatus) {
	if len(statuses) > 0 {
		c.add(exists + ` (SELECT FROM status_changes e WHERE e.scenario_id = s.id AND {known e} AND e.effective_at <= k.valid_at
			AND e.to_status = ANY(` + c.arg(words[parley.ScenarioStatus](statuses)) + `::scenario_status[]))`)
	}
}

// heldBy: one of the stakeholders has a prevailing position of one of the stances on the scenario s.
func (c *conditions) heldBy(holders []uuid.UUID, stances ...parley.Stance) {
	if len(holders) > 0 {
		c.add(`EXISTS (SELECT FROM positions p WHERE p.scenario_id = s.id AND p.holder_id = ANY(` + c.arg(uuids(holders)) + `::uuid[])
			AND p.stance = ANY(` + c.arg(words[parley.Stance](stances)) + `::stance[]) AND {known p} AND ` + positionHolds + ` AND ` + prevails + `)`)
	}
}

// AddScenario puts a scenario on the table with its first status.
func (m mutations) AddScenario(ctx context.Context, in parley.AddScenarioInput) (Written, error) {
	return create(ctx, m, in.ID, in, (*writer).addScenario)
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
		EffectiveAt: w.orNow(in.EffectiveAt), EffectiveAtPrecision: in.EffectiveAtPrecision, EvidenceIDs: evidence.ids(),
	}
	line := []*parley.StatusChange{first}
	if err := parley.ArrangeStatuses(line, first.ID, w.at); err != nil {
		return Written{}, atField(err, "to", "initialStatus")
	}
	if err := w.insertStatements(ctx, evidence.added); err != nil {
		return Written{}, err
	}
	if err := w.record(ctx, subject.ID, parley.KindScenario, subject.Path, subject.NegotiationID, subject.ParentID); err != nil {
		return Written{}, err
	}
	s.NegotiationID, s.IssueID, s.Provenance = *issue.NegotiationID, issue.ID, w.provenance(nil)
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

// orNow is the instant given, or the change's own recordedAt: never an instant from before the wait for a lock, which
// would put the loser of a race before the winner.
func (w *writer) orNow(t *parley.Instant) parley.Instant {
	if t == nil {
		return w.at
	}
	return *t
}

// EditScenario changes a scenario's fields.
func (m mutations) EditScenario(ctx context.Context, in parley.EditScenario) (Written, error) {
	return perform(ctx, m, in, (*writer).editScenario)
}

func (w *writer) editScenario(ctx context.Context, in parley.EditScenario) (Written, error) {
	var refs references
	subject := refs.subject("scenario", in.Scenario, parley.KindScenario)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	return scenarios.edit(ctx, w, edition[parley.Scenario]{
		subject: subject, since: in.IfUnchangedSince, touches: uuids{*subject.ParentID},
		apply: func(s *parley.Scenario) ([]string, error) { return s.Edit(in) },
	})
}
