package storage

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// Retract takes back a record that should never have been. Whatever rests on it has to go first.
func (m mutations) Retract(ctx context.Context, in parley.RetractInput) (Written, error) {
	return perform(ctx, m, in, (*writer).retract)
}

// retractable are the kinds of record with their tables.
var retractable = map[parley.Kind]string{
	parley.KindNegotiation: "negotiations", parley.KindIssue: "issues", parley.KindScenario: "scenarios",
	parley.KindRelation: "relations", parley.KindStatusChange: "status_changes", parley.KindStakeholder: "stakeholders",
	parley.KindAffiliation: "affiliations", parley.KindParticipation: "participations", parley.KindPosition: "positions",
	parley.KindSource: "sources", parley.KindStatement: "statements", parley.KindEvent: "events",
	parley.KindAssessment: "assessments",
}

func (w *writer) retract(ctx context.Context, in parley.RetractInput) (Written, error) {
	if err := in.Check(); err != nil {
		return Written{}, err
	}
	found, err := w.lookUp(ctx, []string{in.ID})
	if err != nil {
		return Written{}, err
	}
	subject := found[in.ID]
	if subject == nil {
		id, was, err := w.wasRetracted(ctx, in.ID)
		if err != nil {
			return Written{}, err
		}
		if was {
			return Written{ID: id}, errUnchanged
		}
		return Written{}, parley.Refuse(parley.NotFound, "id", "Nothing is known as %q; give the id or the key of a record.", in.ID)
	}
	switch subject.Kind {
	case parley.KindPosition:
		return w.retractPosition(ctx, subject, in)
	case parley.KindStatusChange:
		return w.retractStatusChange(ctx, subject, in)
	}
	if err := w.freeOfUse(ctx, subject, in.IfUnchangedSince); err != nil {
		return Written{}, err
	}
	previous, related, err := w.lastVersion(ctx, subject)
	if err != nil {
		return Written{}, err
	}
	if subject.Kind == parley.KindAssessment && len(related) > 0 {
		subject.Name = related[0].Name // it has none of its own
	}
	negotiation := subject.NegotiationID
	if negotiation == nil {
		negotiation = commonNegotiation(related)
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	if err := w.takeBack(ctx, retractable[subject.Kind], subject.ID); err != nil {
		return Written{}, err
	}
	if subject.Kind == parley.KindScenario {
		if err := w.takeBackStatuses(ctx, subject.ID); err != nil {
			return Written{}, err
		}
	}
	kind := parley.ChangeOfRecord
	switch subject.Kind {
	case parley.KindEvent:
		kind = parley.ChangeOfEvent
	case parley.KindStatement:
		kind = parley.ChangeOfStatement
	case parley.KindAssessment:
		kind = parley.ChangeOfAssessment
	}
	cursor, err := w.appendChange(ctx, parley.ChangeEntry{
		Kind: kind, Action: parley.Retracted, SubjectKind: subject.Kind, SubjectID: subject.ID, PreviousVersion: &previous,
		NegotiationID: negotiation, Touches: touchedBy(append(related, subject)), Note: &in.Note,
		Summary: fmt.Sprintf("Retracted %s.", called(subject)),
	})
	return Written{ID: subject.ID, Previous: &previous, Cursor: cursor}, err
}

// wasRetracted finds a record that is retracted already, by id or key.
func (w *writer) wasRetracted(ctx context.Context, ref string) (uuid.UUID, bool, error) {
	id, err := uuid.Parse(ref)
	if err != nil {
		id = uuid.Nil
	}
	var found []uuid.UUID
	err = w.all(ctx, &found, `SELECT id FROM records WHERE (id = $1 OR path = $2) AND retracted_at < 'infinity'`, id, strings.ReplaceAll(ref, "\x00", ""))
	if err != nil {
		return uuid.Nil, false, fmt.Errorf("look for a retracted record: %w", err)
	}
	if len(found) == 0 {
		return uuid.Nil, false, nil
	}
	return found[0], true, nil
}

// lastVersion is the version of a record that stands, and the records whose followers hear of what becomes of it.
func (w *writer) lastVersion(ctx context.Context, subject *target) (uuid.UUID, []*target, error) {
	related := map[parley.Kind]string{
		parley.KindAffiliation:   `ARRAY[person_id, organization_id]`,
		parley.KindParticipation: `ARRAY[stakeholder_id]`,
		parley.KindEvent:         `participants`,
		parley.KindAssessment:    `ARRAY[scenario_id]`,
		parley.KindStatement:     `array_remove(about || speaker_id, NULL)`,
		parley.KindRelation:      `array_remove(ARRAY[from_id, to_id, claimed_by], NULL)`,
	}[subject.Kind]
	if related == "" {
		related = `'{}'::uuid[]`
	}
	var last []struct {
		Version uuid.UUID `db:"version"`
		Related uuids     `db:"related"`
	}
	err := w.all(ctx, &last, `
		SELECT version, `+related+` AS related
		FROM `+retractable[subject.Kind]+`
		WHERE id = $1 AND superseded_at = 'infinity'`, subject.ID)
	if err != nil {
		return uuid.Nil, nil, fmt.Errorf("read a record's last version: %w", err)
	}
	if len(last) == 0 {
		return uuid.Nil, nil, errMoved
	}
	targets, err := w.targets(ctx, last[0].Related)
	return last[0].Version, targets, err
}

// takeBack closes the open row of a record and ends the record.
func (w *writer) takeBack(ctx context.Context, table string, id uuid.UUID) error {
	if err := w.close(ctx, table, id, "RETRACTED"); err != nil {
		return err
	}
	if err := w.exec(ctx, `UPDATE records SET retracted_at = $2 WHERE id = $1`, id, w.at); err != nil {
		return fmt.Errorf("retract a record: %w", err)
	}
	return nil
}

// takeBackStatuses retracts the statuses of a scenario with it: they are nothing without it.
func (w *writer) takeBackStatuses(ctx context.Context, scenario uuid.UUID) error {
	err := w.exec(ctx, `
		WITH closed AS (
			UPDATE status_changes SET superseded_at = $2, closed_by = 'RETRACTED'
			WHERE scenario_id = $1 AND superseded_at = 'infinity'
			RETURNING id
		)
		UPDATE records SET retracted_at = $2 WHERE id IN (SELECT id FROM closed)`, scenario, w.at)
	if err != nil {
		return fmt.Errorf("retract the statuses of a scenario: %w", err)
	}
	return nil
}

// restOn says for each kind of record what may rest on it, as a condition on $1.
var restOn = map[parley.Kind][]struct{ what, condition string }{
	parley.KindNegotiation: {
		{"an issue", `EXISTS (SELECT FROM issues x WHERE x.negotiation_id = $1 AND x.superseded_at = 'infinity')`},
		{"a participation", `EXISTS (SELECT FROM participations x WHERE x.negotiation_id = $1 AND x.superseded_at = 'infinity')`},
		{"an event", `EXISTS (SELECT FROM events x WHERE x.negotiation_id = $1 AND x.superseded_at = 'infinity')`},
	},
	parley.KindIssue: {
		{"a scenario", `EXISTS (SELECT FROM scenarios x WHERE x.issue_id = $1 AND x.superseded_at = 'infinity')`},
		{"a veto", `EXISTS (SELECT FROM participations x WHERE x.veto_issues @> ARRAY[$1] AND x.superseded_at = 'infinity')`},
		{"a statement about it", aboutIt},
	},
	parley.KindScenario: {
		{"a position", `EXISTS (SELECT FROM positions x WHERE x.scenario_id = $1 AND x.superseded_at = 'infinity')`},
		{"an assessment", `EXISTS (SELECT FROM assessments x WHERE x.scenario_id = $1 AND x.superseded_at = 'infinity')`},
		{"a relation", `EXISTS (SELECT FROM relations x WHERE (x.from_id = $1 OR x.to_id = $1) AND x.superseded_at = 'infinity')`},
		{"a scenario that it took the place of", `EXISTS (SELECT FROM status_changes x WHERE x.successor_id = $1 AND x.superseded_at = 'infinity')`},
		{"a statement about it", aboutIt},
	},
	parley.KindStakeholder: {
		{"a position", `EXISTS (SELECT FROM positions x WHERE x.holder_id = $1 AND x.superseded_at = 'infinity')`},
		{"a statement by it", `EXISTS (SELECT FROM statements x WHERE x.speaker_id = $1 AND x.superseded_at = 'infinity')`},
		{"a statement about it", aboutIt},
		{"an affiliation", `EXISTS (SELECT FROM affiliations x WHERE (x.person_id = $1 OR x.organization_id = $1) AND x.superseded_at = 'infinity')`},
		{"a participation", `EXISTS (SELECT FROM participations x WHERE x.stakeholder_id = $1 AND x.superseded_at = 'infinity')`},
		{"a status change", `EXISTS (SELECT FROM status_changes x WHERE x.moved_by @> ARRAY[$1] AND x.superseded_at = 'infinity')`},
		{"an event", `EXISTS (SELECT FROM events x WHERE x.participants @> ARRAY[$1] AND x.superseded_at = 'infinity')`},
		{"a relation that it claims", `EXISTS (SELECT FROM relations x WHERE x.claimed_by = $1 AND x.superseded_at = 'infinity')`},
	},
	parley.KindSource: {
		{"a statement", `EXISTS (SELECT FROM statements x WHERE x.source_id = $1 AND x.superseded_at = 'infinity')`},
	},
	parley.KindStatement: {
		{"a position", `EXISTS (SELECT FROM positions x WHERE x.evidence @> ARRAY[$1] AND x.superseded_at = 'infinity')`},
		{"a status change", `EXISTS (SELECT FROM status_changes x WHERE x.evidence @> ARRAY[$1] AND x.superseded_at = 'infinity')`},
		{"an event", `EXISTS (SELECT FROM events x WHERE x.evidence @> ARRAY[$1] AND x.superseded_at = 'infinity')`},
		{"a relation", `EXISTS (SELECT FROM relations x WHERE x.evidence @> ARRAY[$1] AND x.superseded_at = 'infinity')`},
	},
	parley.KindEvent: {{"a statement about it", aboutIt}},
}

const aboutIt = `EXISTS (SELECT FROM statements x WHERE x.about @> ARRAY[$1] AND x.superseded_at = 'infinity')`

// freeOfUse locks a record so that nothing can come to rest on it, and refuses when something does already.
func (w *writer) freeOfUse(ctx context.Context, subject *target, since *parley.Cursor) error {
	if err := w.lock(ctx, uuids{subject.ID}, "FOR UPDATE"); err != nil {
		return err
	}
	if err := w.unchangedSince(ctx, since, subject.ID); err != nil {
		return err
	}
	uses := restOn[subject.Kind]
	if len(uses) == 0 {
		return nil
	}
	checks := make([]string, len(uses))
	for i, use := range uses {
		checks[i] = "SELECT '" + use.what + "' WHERE " + strings.ReplaceAll(use.condition, "$1", "$1::uuid")
	}
	var found []string
	if err := w.all(ctx, &found, strings.Join(checks, " UNION ALL "), subject.ID); err != nil {
		return fmt.Errorf("look for what rests on a record: %w", err)
	}
	if len(found) > 0 {
		return parley.Refuse(parley.InUse, "id", "%s is in use: %s rests on it; retract that first.", capital(called(subject)), strings.Join(found, ", "))
	}
	return nil
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
