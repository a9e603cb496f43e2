package storage

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// statusChanges are kept in a table of their own.
var statusChanges = &noun[parley.StatusChange]{
	traits: traits{
		changes: parley.ChangeOfStatus, cut: true, copies: []string{"negotiation_id"},
		texts: []string{"reason"}, context: []string{"scenario_id", "moved_by"}, visible: onTheTable("@.scenario_id"),
		dates: []date{{column: "effective_at"}},
	},
	table: &rows.Table[parley.StatusChange]{
		Kind: parley.KindStatusChange, Name: "status_changes", Alias: "c",
		Self: func(c *parley.StatusChange) (*uuid.UUID, *parley.Lens) { return &c.ID, &c.Lens },
		Columns: append(rows.Columns[parley.StatusChange]{
			rows.Reference("scenario label "+asWord, "scenario_id",
				func(c *parley.StatusChange) *uuid.UUID { return &c.ScenarioID }, scenarios.table),
			rows.Text("to label", "to_status", func(c *parley.StatusChange) *parley.ScenarioStatus { return &c.To }),
			rows.IDList("by", "moved_by", func(c *parley.StatusChange) *[]uuid.UUID { return &c.ByIDs },
				parley.KindStakeholder).UsedAs("a status change"),
			rows.OptionalText("reason", "reason", func(c *parley.StatusChange) **string { return &c.Reason }),
			rows.IDList("successors", "successors",
				func(c *parley.StatusChange) *[]uuid.UUID { return &c.SuccessorIDs }, parley.KindScenario).
				UsedAs("a scenario that it took the place of"),
			rows.Time("effectiveAt", "effective_at",
				func(c *parley.StatusChange) *parley.Instant { return &c.EffectiveAt }),
			rows.Text("effectiveAtPrecision", "effective_at_precision",
				func(c *parley.StatusChange) *parley.TimePrecision { return &c.EffectiveAtPrecision }),
			rows.Int("ordinal "+asWord, "ordinal", func(c *parley.StatusChange) *int { return &c.Ordinal }),
			rows.IDList("evidence", "evidence", func(c *parley.StatusChange) *[]uuid.UUID { return &c.EvidenceIDs },
				parley.KindStatement).UsedAs("a status change"),
			rows.OptionalText("from label", "from_status",
				func(c *parley.StatusChange) **parley.ScenarioStatus { return &c.From }),
			rows.Texts("skipped", "skipped",
				func(c *parley.StatusChange) *[]parley.ScenarioStatus { return &c.Skipped }),
			rows.OptionalTime(rows.Unselected, "valid_to",
				func(c *parley.StatusChange) **parley.Instant { return &c.ValidTo }).Endless(),
		}, provenance("content_at", "version recordedAt recordedBy correctionNote supersededAt",
			func(c *parley.StatusChange) *parley.Provenance { return &c.Provenance })...),
	},
	provenance: func(c *parley.StatusChange) *parley.Provenance { return &c.Provenance },
}

// statusLine is a scenario's line of status changes.
var statusLine = lineOf[parley.StatusChange]{
	noun:    statusChanges,
	id:      func(c *parley.StatusChange) uuid.UUID { return c.ID },
	sameCut: func(a, b *parley.StatusChange) bool { return a.SameCut(b) },
}

// StatusChanges are those with these ids, whatever their instant; nil where there is none.
func (s *Snapshot) StatusChanges(ctx context.Context, keys []Key, fields *Fields) ([]*parley.StatusChange, error) {
	return rows.Find(ctx, &s.Reader, statusChanges.table, keys, fields)
}

// StatusChangeVersions are the versions with these ids, as they last were at the lens's known instant; nil where there
// is none.
func (s *Snapshot) StatusChangeVersions(
	ctx context.Context, versions []Key, fields *Fields,
) ([]*parley.StatusChange, error) {
	return rows.Versions(ctx, &s.Reader, statusChanges.table, versions, fields)
}

// StatusHistories are all status changes of each scenario, by effectiveAt; with those superseded, all their versions.
func (s *Snapshot) StatusHistories(
	ctx context.Context, scenarios []Key, superseded bool, p parley.Page, fields *Fields,
) ([]*parley.StatusChangeConnection, error) {
	return rows.Pages(ctx, statusChanges.table, s.Query(scenarios),
		rows.History("status_changes", "c", `c.scenario_id = k.id`, byEffectiveAt, superseded), p, fields)
}

var byEffectiveAt = []rows.OrderColumn{
	by("c.effective_at", "timestamptz"), by("c.ordinal", "smallint"), by("c.id", "uuid"),
}

// ListStatusChanges lists status changes, newest effectiveAt first.
func (s *Snapshot) ListStatusChanges(
	ctx context.Context, asOf *parley.AsOf, f *parley.StatusChangeFilter, p parley.Page, fields *Fields,
) (*parley.StatusChangeConnection, error) {
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	c := rows.Conditions{Query: s.Query(keys), List: []string{`{known c}`}}
	if c.LooksBack() {
		c.Add(onTheTable("c.scenario_id"))
	}
	if f != nil {
		var negotiations, scenarios, by, sources []uuid.UUID
		var refs filterRefs
		refs.want(&negotiations, "negotiations", f.Negotiations, parley.KindNegotiation)
		refs.want(&scenarios, "scenarios", f.Scenarios, parley.KindScenario)
		refs.want(&by, "by", f.By, parley.KindStakeholder)
		refs.want(&sources, "sources", f.Sources, parley.KindSource)
		if err := s.resolve(ctx, c.Query, &refs); err != nil {
			return nil, err
		}
		c.Of("c.negotiation_id", negotiations)
		c.Of("c.scenario_id", scenarios)
		c.Overlaps("c.moved_by", by)
		restsOnSources(&c, "c", sources)
		rows.Among(&c, "c.to_status", "scenario_status", f.To)
		c.InRange("c.effective_at", f.Effective)
	}
	return first(rows.Pages(ctx, statusChanges.table, c.Query, rows.List{
		From:  `{status_changes c}`,
		Where: c.List,
		Order: rows.Order{Columns: byEffectiveAt, Descending: true},
	}, p, fields))
}

// statusesOf is a scenario's line as it stands.
func (w *writer) statusesOf(ctx context.Context, scenario uuid.UUID) ([]*parley.StatusChange, error) {
	lines, err := rows.Each(ctx, statusChanges.table, w.Query(rows.KeysOf(scenario)), nil,
		`{status_changes c} ON c.scenario_id = k.id AND {known c}`, "")
	if err != nil {
		return nil, fmt.Errorf("read a scenario's statuses: %w", err)
	}
	return lines[0], nil
}

// ChangeScenarioStatus records that a scenario moved to a status, now or at an earlier or later instant. Refusals:
// INVALID; INVALID_TRANSITION where the life cycle does not allow it between its neighbours; CONFLICT where another
// status begins at that instant, or the scenario does not have expectedStatus; QUOTE_NOT_FOUND for new evidence;
// ID_REUSED.
func (m mutations) ChangeScenarioStatus(ctx context.Context, in parley.ChangeScenarioStatusInput) (Written, error) {
	return create(ctx, m, "changeScenarioStatus", in.ID, in, (*writer).changeScenarioStatus)
}

func (w *writer) changeScenarioStatus(
	ctx context.Context, in parley.ChangeScenarioStatusInput, id *clientID,
) (Written, error) {
	if err := in.Check(); err != nil {
		return Written{}, err
	}
	var refs references
	scenario := refs.subject("scenario", in.Scenario, parley.KindScenario)
	by := refs.every("by", in.By, parley.KindStakeholder)
	successors := refs.every("successors", in.Successors, parley.KindScenario)
	evidence := refs.evidence(in.Evidence, in.NewEvidence)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	if err := evidence.prepare(ctx, w); err != nil {
		return Written{}, err
	}
	if err := mayReplace(scenario, successors); err != nil {
		return Written{}, err
	}
	line, err := w.statusesOf(ctx, scenario.ID)
	if err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}

	fresh := &parley.StatusChange{
		ID: id.newID(), ScenarioID: scenario.ID, To: in.To, ByIDs: ids(by), Reason: &in.Reason,
		SuccessorIDs: ids(successors),
		EffectiveAt:  w.orNow(in.EffectiveAt), EffectiveAtPrecision: in.EffectiveAtPrecision, Ordinal: in.Ordinal,
		EvidenceIDs: evidence.ids(),
	}
	if err := expect(in.ExpectedStatus, parley.StatusAt(line, fresh.Beginning()), fresh.Beginning()); err != nil {
		return Written{}, err
	}
	others := make([]parley.Beginning, len(line))
	for i, c := range line {
		others[i] = c.Beginning()
	}
	before := statusLine.copies(line)
	line = append(line, fresh)
	if err := parley.ArrangeStatuses(line, fresh.ID, w.at); err != nil {
		return Written{}, err
	}
	if err := w.insertStatements(ctx, evidence.added); err != nil {
		return Written{}, err
	}
	if err := w.keepAfterRecord(ctx, id, fresh.ID, parley.KindStatusChange, scenario); err != nil {
		return Written{}, err
	}
	cursor, err := w.addStatusChange(ctx, scenario, fresh, before, statusSentence{
		line: line, cause: parley.CauseOfNew(fresh.Beginning(), others),
		touches: append(ids(by), evidence.touches()...),
		summary: moved(scenario, fresh),
	})
	return Written{ID: fresh.ID, Cursor: cursor}, err
}

// mayReplace refuses successors that are no other scenarios of the same negotiation, or are named twice.
func mayReplace(scenario *target, successors []*target) error {
	for i, s := range successors {
		field := fmt.Sprintf("successors.%d", i)
		switch {
		case s.ID == scenario.ID:
			return parley.Refuse(parley.Invalid, field,
				"“%s” can't take its own place; name another scenario as the successor.", scenario.Name)
		case *s.NegotiationID != *scenario.NegotiationID:
			return parley.Refuse(parley.Invalid, field,
				"“%s” belongs to another negotiation than “%s”; name a scenario of the same one.", s.Name, scenario.Name)
		case slices.ContainsFunc(successors[:i], func(o *target) bool { return o.ID == s.ID }):
			return parley.Refuse(parley.Invalid, field, "“%s” is named twice; name each successor once.", s.Name)
		}
	}
	return nil
}

func expect(expected *parley.ScenarioStatus, holds *parley.StatusChange, at parley.Beginning) error {
	if expected == nil || (holds != nil && holds.To == *expected) {
		return nil
	}
	is := "no status yet"
	if holds != nil {
		is = string(holds.To)
	}
	return parley.Refuse(parley.Conflict, "expectedStatus",
		"At %s the scenario has %s and not the expected %s; read it again and decide anew.", at, is, *expected)
}

func moved(scenario *target, c *parley.StatusChange) string {
	if c.From == nil {
		return fmt.Sprintf("“%s” was %s from %s on.", scenario.Name, parley.Words(c.To), parley.Date(c.EffectiveAt, c.EffectiveAtPrecision))
	}
	return fmt.Sprintf("“%s” moved from %s to %s.", scenario.Name, parley.Words(*c.From), parley.Words(c.To))
}

// statusSentence is how the feed describes a new or corrected status change.
type statusSentence struct {
	line    []*parley.StatusChange // as arranged
	cause   parley.ShiftCause
	touches []uuid.UUID
	note    *string
	summary string
}

// addStatusChange writes a status change that is new on its line, the neighbours that it cuts, and the change.
func (w *writer) addStatusChange(
	ctx context.Context, scenario *target, fresh *parley.StatusChange, before map[uuid.UUID]parley.StatusChange,
	s statusSentence,
) (*parley.Cursor, error) {
	fresh.Provenance = w.provenance(nil)
	if err := statusLine.rewrite(ctx, w, scenario, before, s.line); err != nil {
		return nil, err
	}
	var previous *uuid.UUID
	for i, c := range s.line {
		if c == fresh && i > 0 {
			previous = &s.line[i-1].Version
		}
	}
	return w.statusChanged(ctx, scenario, fresh.ID, &fresh.Version, previous, parley.Created, s)
}

func (w *writer) statusChanged(
	ctx context.Context, scenario *target, id uuid.UUID, version, previous *uuid.UUID, action parley.RecordAction,
	s statusSentence,
) (*parley.Cursor, error) {
	return w.appendChange(ctx, parley.ChangeEntry{
		Kind: parley.ChangeOfStatus, Action: action, SubjectKind: parley.KindStatusChange, SubjectID: id,
		Version: version, PreviousVersion: previous, NegotiationID: scenario.NegotiationID, ScenarioID: &scenario.ID,
		Cause: &s.cause, Lines: rows.IDs{scenario.ID}, Touches: append(touchedBy([]*target{scenario}), s.touches...),
		Note: s.note, Summary: s.summary,
	})
}

// keepAfterRecord gives a fact on a scenario its identity and remembers the client's id for it.
func (w *writer) keepAfterRecord(
	ctx context.Context, id *clientID, fact uuid.UUID, kind parley.Kind, scenario *target,
) error {
	if err := w.record(ctx, fact, kind, nil, scenario.NegotiationID, &scenario.ID); err != nil {
		return err
	}
	return w.keep(ctx, id, fact)
}

// CorrectStatusChange corrects a status change that was recorded wrongly. Refusals: INVALID; INVALID_TRANSITION where
// the life cycle does not allow it between its neighbours; CONFLICT where another status begins at that instant, or it
// has changed since ifUnchangedSince.
func (m mutations) CorrectStatusChange(ctx context.Context, in parley.CorrectStatusChange) (Written, error) {
	return perform(ctx, m.run, in, (*writer).correctStatusChange)
}

func (w *writer) correctStatusChange(ctx context.Context, in parley.CorrectStatusChange) (Written, error) {
	subject, err := w.subjectOf(ctx, "statusChange", in.StatusChange, parley.KindStatusChange)
	if err != nil {
		return Written{}, err
	}
	var refs references
	scenario := refs.subject("statusChange", subject.ParentID.String(), parley.KindScenario)
	refs.one("statusChange", in.StatusChange, parley.KindStatusChange)
	successors := refs.patchEvery("successors", in.Successors, parley.KindScenario)
	by := refs.patchEvery("by", in.By, parley.KindStakeholder)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	if err := mayReplace(scenario, successors); err != nil {
		return Written{}, err
	}
	if err := w.unchangedSince(ctx, in.IfUnchangedSince, subject.ID); err != nil {
		return Written{}, err
	}
	line, err := w.statusesOf(ctx, scenario.ID)
	if err != nil {
		return Written{}, err
	}
	before := statusLine.copies(line)
	_, corrected := statusLine.without(line, subject.ID)
	previous, touches := corrected.Version, append(rows.IDs{}, corrected.ByIDs...)
	fields, err := corrected.Correct(in, resolvedEvery(in.Successors, successors), resolvedEvery(in.By, by))
	if err != nil {
		return Written{}, err
	}
	if len(fields) == 0 {
		return Written{ID: subject.ID}, errUnchanged
	}
	if err := w.datesHold(ctx, scenario.ID, line, "effectiveAt"); err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	if err := parley.ArrangeStatuses(line, subject.ID, w.at); err != nil {
		return Written{}, err
	}
	if err := w.close(ctx, "status_changes", subject.ID, "CORRECTED"); err != nil {
		return Written{}, err
	}
	delete(before, subject.ID)
	corrected.Provenance = w.provenance(&in.Note)
	if err := statusLine.rewrite(ctx, w, scenario, before, line); err != nil {
		return Written{}, err
	}
	cursor, err := w.statusChanged(ctx, scenario, subject.ID, &corrected.Version, &previous, parley.Updated,
		statusSentence{
			cause: parley.RecordCorrected, touches: append(touches, ids(by)...), note: &in.Note,
			summary: fmt.Sprintf("Corrected a status change of “%s”: it became %s on %s.", scenario.Name,
				parley.Words(corrected.To), parley.Date(corrected.EffectiveAt, corrected.EffectiveAtPrecision)),
		})
	return Written{ID: subject.ID, Previous: &previous, Cursor: cursor}, err
}

// retractStatusChange takes a status change back; the line has to hold without it.
func (w *writer) retractStatusChange(ctx context.Context, subject *target, in parley.RetractInput) (Written, error) {
	var refs references
	scenario := refs.subject("id", subject.ParentID.String(), parley.KindScenario)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	if err := w.freeOfUse(ctx, subject, in.IfUnchangedSince); err != nil {
		return Written{}, err
	}
	line, err := w.statusesOf(ctx, scenario.ID)
	if err != nil {
		return Written{}, err
	}
	before := statusLine.copies(line)
	rest, taken := statusLine.without(line, subject.ID)
	if len(rest) == 0 {
		return Written{},
			parley.Refuse(parley.InUse, "id", "It is the only status of “%s”; correct it, or retract the scenario.",
				scenario.Name)
	}
	if err := w.datesHold(ctx, scenario.ID, rest, "id"); err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	if err := parley.ArrangeStatuses(rest, uuid.Nil, w.at); err != nil {
		return Written{}, err
	}
	if err := w.takeBack(ctx, "status_changes", subject.ID); err != nil {
		return Written{}, err
	}
	if err := statusLine.rewrite(ctx, w, scenario, before, rest); err != nil {
		return Written{}, err
	}
	cursor, err := w.statusChanged(ctx, scenario, subject.ID, nil, &taken.Version, parley.Retracted, statusSentence{
		cause: parley.RecordCorrected, touches: taken.ByIDs, note: &in.Note,
		summary: fmt.Sprintf("Retracted that “%s” became %s on %s.", scenario.Name, parley.Words(taken.To),
			parley.Date(taken.EffectiveAt, taken.EffectiveAtPrecision)),
	})
	return Written{ID: subject.ID, Previous: &taken.Version, Cursor: cursor}, err
}
