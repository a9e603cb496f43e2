package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// Restore puts a retracted record back on record as it was last, in a new version. What is refused to new records is
// refused to it: NOT_FOUND where it refers to what is retracted, TAKEN, INVALID, CONFLICT, INVALID_TRANSITION and
// QUOTE_NOT_FOUND.
func (m mutations) Restore(ctx context.Context, in parley.RestoreInput) (Written, error) {
	return perform(ctx, m.run, in, (*writer).restore)
}

func (w *writer) restore(ctx context.Context, in parley.RestoreInput) (Written, error) {
	if err := in.Check(); err != nil {
		return Written{}, err
	}
	named, err := everKnown(ctx, &w.Reader, []string{in.ID})
	if err != nil {
		return Written{}, err
	}
	subject, merged, had := named.at(in.ID, nil), named.merged(in.ID), named[parley.ReadRef(in.ID)]
	switch {
	case subject == nil:
		return Written{}, parley.Refuse(parley.NotFound, "id",
			"Nothing is known as %q; give the id or the key of a record that was retracted.", in.ID)
	case merged != nil:
		return Written{}, parley.Refuse(parley.Invalid, "id", "%q was merged into %s on %s, and a merge can't be undone; give the "+
			"id of a record that was retracted.", in.ID, called(subject), parley.Day(*merged.RetractedAt))
	case subject.RetractedAt != nil && len(had) > 1:
		var each []string
		for _, t := range had {
			each = append(each, fmt.Sprintf("%s (retracted on %s)", t.ID, parley.Day(*t.RetractedAt)))
		}
		return Written{}, parley.Refuse(parley.Invalid, "id", "%d records had the key %q one after another, %s; give the id of one.",
			len(had), in.ID, parley.Listed(each))
	case subject.RetractedAt == nil && len(subject.Absences) > 0:
		return Written{ID: subject.ID}, errUnchanged
	case subject.RetractedAt == nil:
		return Written{}, parley.Refuse(parley.Invalid, "id",
			"%q is %s that is on record; give the id of a record that was retracted.", in.ID, subject.Kind.Noun())
	}
	var written Written
	switch subject.Kind {
	case parley.KindPosition:
		written, err = w.restorePosition(ctx, subject, in)
	case parley.KindStatusChange:
		written, err = w.restoreStatusChange(ctx, subject, in)
	default:
		at := slices.IndexFunc(descriptions, func(d description) bool { return d.kind == subject.Kind })
		written, err = nouns[at].restore(ctx, w, subject, in)
	}
	// The rules name the fields of the inputs with which such a record is made.
	var refusal parley.Refusal
	if errors.As(explain(err), &refusal) && !errors.Is(err, errMoved) {
		for i := range refusal {
			refusal[i].Field = []string{"id"}
		}
		return Written{}, refusal
	}
	return written, err
}

// restore puts back a record that has no neighbours.
func (n *noun[T]) restore(ctx context.Context, w *writer, subject *target, in parley.RestoreInput) (Written, error) {
	value, err := n.last(ctx, w, subject.ID)
	if err != nil {
		return Written{}, err
	}
	var statuses []*parley.StatusChange // which came off record with the scenario
	if subject.Kind == parley.KindScenario {
		if statuses, err = w.statusesRetractedWith(ctx, subject); err != nil {
			return Written{}, err
		}
	}
	named := n.table.Columns.Used(value)
	for _, s := range statuses {
		for _, id := range statusChanges.table.Columns.Used(s) {
			if id != subject.ID {
				named = append(named, id)
			}
		}
	}
	if err := w.hold(ctx, subject, named); err != nil {
		return Written{}, err
	}
	if err := w.mayReturn(ctx, value); err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	back := rows.IDs{subject.ID}
	for _, s := range statuses {
		back, s.Provenance = append(back, s.ID), w.provenance(nil)
	}
	if err := w.putBack(ctx, back...); err != nil {
		return Written{}, err
	}
	previous := n.provenance(value).Version
	*n.provenance(value) = w.provenance(nil)
	if err := n.insert(ctx, w, subject, value); err != nil {
		return Written{}, err
	}
	if err := statusChanges.insert(ctx, w, subject, statuses...); err != nil {
		return Written{}, err
	}
	found, err := w.targets(ctx, []uuid.UUID{subject.ID})
	if err != nil {
		return Written{}, err
	}
	restored := found[0]
	version, related, err := w.lastVersion(ctx, restored)
	if err != nil {
		return Written{}, err
	}
	if restored.Name == "" {
		restored.Of = namesOf(related)
	}
	cursor, err := w.appendChange(ctx, parley.ChangeEntry{
		Kind: n.changes, Action: parley.Restored, SubjectKind: subject.Kind, SubjectID: subject.ID, Version: &version,
		PreviousVersion: &previous, NegotiationID: cmp.Or(subject.negotiation(), commonNegotiation(related)),
		Touches: touchedBy(append(related, restored)), Note: &in.Note, Summary: fmt.Sprintf("Restored %s.", called(restored)),
	})
	return Written{ID: subject.ID, Previous: &previous, Cursor: cursor}, err
}

// mayReturn refuses to put a retracted record back on record, by rules over what else is on record now.
func (w *writer) mayReturn(ctx context.Context, value any) error {
	switch value := value.(type) {
	case *parley.Statement:
		bodies, err := w.foldedBodies(ctx, rows.IDs{value.SourceID}) // one may have been supplied, or erased, since
		if err != nil || value.Form != parley.DirectQuote || bodies[value.SourceID] == nil {
			return err
		}
		return value.CheckQuote("id", bodies[value.SourceID])
	case *parley.ScenarioRelation:
		if value.Kind != parley.MutuallyExclusive || value.ClaimedByID != nil {
			return nil
		}
		related, err := w.targets(ctx, []uuid.UUID{value.FromID, value.ToID})
		if err != nil {
			return err
		}
		return w.bothOccurred(ctx, related[0], related[1])
	case *parley.Assessment:
		return w.assessmentMayReturn(ctx, value)
	}
	return nil
}

func (w *writer) assessmentMayReturn(ctx context.Context, a *parley.Assessment) error {
	if a.RecordedByID != w.analyst.ID {
		return parley.Refuse(parley.Invalid, "id", "It is the assessment of another analyst, who alone can restore it.")
	}
	scenario, err := scenarios.current(ctx, w, a.ScenarioID)
	if err != nil {
		return err
	}
	latest, err := w.latestAssessment(ctx, a.ScenarioID, a.RecordedByID, a.AssessedAt)
	if err != nil {
		return err
	}
	if _, err := a.After(latest, scenario, parley.AssessScenarioInput{AssessedAt: &a.AssessedAt}); err != nil {
		return err
	}
	of, err := w.datesOf(ctx, a.ScenarioID)
	if err != nil {
		return err
	}
	a.Imported = w.head != nil && w.head.dated
	return scenario.Dates(of.OnTheTable, &a.AssessedAt).Check("id")
}

// last is the last version of a record, whether or not it is on record.
func (n *noun[T]) last(ctx context.Context, w *writer, id uuid.UUID) (*T, error) {
	list, err := n.asRestored(ctx, w.Query(rows.KeysOf(id)), `x.id = k.id ORDER BY x.recorded_at DESC LIMIT 1`)
	if err != nil {
		return nil, fmt.Errorf("read the last version of a record: %w", err)
	}
	return list[0], nil
}

// statusesRetractedWith are the statuses that were retracted with their scenario.
func (w *writer) statusesRetractedWith(ctx context.Context, scenario *target) ([]*parley.StatusChange, error) {
	q := w.Query(rows.KeysOf(scenario.ID))
	list, err := statusChanges.asRestored(ctx, q, `x.scenario_id = k.id AND x.closed_by = 'RETRACTED'
		AND x.superseded_at = `+q.Arg(*scenario.RetractedAt))
	if err != nil {
		return nil, fmt.Errorf("read the statuses of a retracted scenario: %w", err)
	}
	return list, nil
}

// asRestored reads rows x of the noun, which may be closed, with merged stakeholders as what they are now.
func (n *noun[T]) asRestored(ctx context.Context, q *rows.Query, which string) ([]*T, error) {
	lists, err := rows.Each(ctx, n.table, q, nil, `LATERAL (
		SELECT y.* FROM (SELECT x FROM {`+n.table.Name+` x} WHERE `+which+`) l,
		LATERAL jsonb_populate_record(l.x, jsonb_build_object(`+n.describe().mergedColumns("(l.x)")+`)) y) `+n.table.Alias+` ON true`, "")
	if err != nil {
		return nil, err
	}
	return lists[0], nil
}

// hold locks what a retracted record refers to and then the record itself, and refuses what refers to retracted
// records.
func (w *writer) hold(ctx context.Context, subject *target, named []uuid.UUID) error {
	for _, above := range []*uuid.UUID{subject.ParentID, subject.NegotiationID} {
		if above != nil {
			named = append(named, *above)
		}
	}
	var refs []string
	for _, id := range named {
		if !slices.Contains(refs, id.String()) {
			refs = append(refs, id.String())
		}
	}
	found, err := everKnown(ctx, &w.Reader, refs)
	if err != nil {
		return err
	}
	var refusal parley.Refusal
	var lines, others rows.IDs
	for _, ref := range refs {
		switch t := found.at(ref, nil); {
		case t.RetractedAt != nil:
			called := t.ID.String() // its key may be another record's by now
			if t.Path != nil {
				called = *t.Path + ", " + called
			}
			refusal = append(refusal, parley.Refuse(parley.NotFound, "id",
				"It refers to %s (%s), which was retracted on %s; restore that first.",
				t.Kind.Noun(), called, parley.Day(*t.RetractedAt)).(parley.Refusal)...)
		case t.Kind == parley.KindScenario:
			lines = append(lines, t.ID)
		default:
			others = append(others, t.ID)
		}
	}
	if refusal != nil {
		return refusal
	}
	if subject.Path != nil {
		found, err := everKnown(ctx, &w.Reader, []string{*subject.Path})
		if err != nil {
			return err
		}
		now, merged := found.at(*subject.Path, nil), found.merged(*subject.Path)
		switch {
		case merged != nil:
			return parley.Refuse(parley.Taken, "id", "Its key %s leads to %s since, into which another record with that key was "+
				"merged; register it anew under another key.", *subject.Path, called(now))
		case now.RetractedAt == nil:
			return parley.Refuse(parley.Taken, "id", "Its key %s belongs to %s (%s) since; retract that first.",
				*subject.Path, called(now), now.ID)
		}
	}
	if err := w.lock(ctx, lines, "FOR NO KEY UPDATE"); err != nil {
		return err
	}
	if err := w.lock(ctx, others, "FOR KEY SHARE"); err != nil {
		return err
	}
	var still []uuid.UUID
	err = w.all(ctx, &still, `SELECT id FROM {records} WHERE id = $1 AND retracted_at = $2 FOR UPDATE`, subject.ID,
		*subject.RetractedAt)
	if err != nil {
		return fmt.Errorf("lock a retracted record: %w", err)
	}
	if len(still) == 0 {
		return errMoved
	}
	return nil
}

// putBack ends the absence of records.
func (w *writer) putBack(ctx context.Context, ids ...uuid.UUID) error {
	err := w.exec(ctx, `
		UPDATE records SET absences = absences || ARRAY[retracted_at, $2], retracted_at = 'infinity' WHERE id = ANY ($1)`,
		rows.IDs(ids), w.at)
	if err != nil {
		return fmt.Errorf("put records back: %w", err)
	}
	return nil
}

// restorePosition puts a position back on its holder's line, if it fits among what was recorded since.
func (w *writer) restorePosition(ctx context.Context, subject *target, in parley.RestoreInput) (Written, error) {
	p, err := positions.last(ctx, w, subject.ID)
	if err != nil {
		return Written{}, err
	}
	if err := w.hold(ctx, subject, positions.table.Columns.Used(p)); err != nil {
		return Written{}, err
	}
	line, err := w.positionsOf(ctx, p.HolderID, p.ScenarioID)
	if err != nil {
		return Written{}, err
	}
	about, err := w.targets(ctx, []uuid.UUID{p.ScenarioID, p.HolderID})
	if err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	before, previous := positionLine.copies(line), p.Version
	p.Provenance = w.provenance(nil)
	line = append(line, p)
	if err := parley.ArrangePositions(line, p.ID); err != nil {
		return Written{}, err
	}
	if err := w.putBack(ctx, p.ID); err != nil {
		return Written{}, err
	}
	scenario, holder := about[0], about[1]
	if err := positionLine.rewrite(ctx, w, scenario, before, line); err != nil {
		return Written{}, err
	}
	cursor, err := w.positionChanged(ctx, scenario, p.ID, &p.Version, &previous, parley.Restored, positionSentence{
		cause: parley.RecordCorrected, lines: rows.IDs{p.HolderID, p.ScenarioID}, note: &in.Note,
		summary: fmt.Sprintf("Restored that %s is “%s” on “%s” from %s on.", holder.Name, parley.Words(p.Stance),
			scenario.Name, parley.Date(p.ValidFrom, p.ValidFromPrecision)),
	})
	return Written{ID: p.ID, Previous: &previous, Cursor: cursor}, err
}

// restoreStatusChange puts a status back on its scenario's line, if the life cycle allows it there.
func (w *writer) restoreStatusChange(ctx context.Context, subject *target, in parley.RestoreInput) (Written, error) {
	c, err := statusChanges.last(ctx, w, subject.ID)
	if err != nil {
		return Written{}, err
	}
	if err := w.hold(ctx, subject, statusChanges.table.Columns.Used(c)); err != nil {
		return Written{}, err
	}
	line, err := w.statusesOf(ctx, c.ScenarioID)
	if err != nil {
		return Written{}, err
	}
	about, err := w.targets(ctx, []uuid.UUID{c.ScenarioID})
	if err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	before, previous := statusLine.copies(line), c.Version
	c.Provenance = w.provenance(nil)
	line = append(line, c)
	if err := parley.ArrangeStatuses(line, c.ID, w.at); err != nil {
		return Written{}, err
	}
	if err := w.putBack(ctx, c.ID); err != nil {
		return Written{}, err
	}
	if err := statusLine.rewrite(ctx, w, about[0], before, line); err != nil {
		return Written{}, err
	}
	cursor, err := w.statusChanged(ctx, about[0], c.ID, &c.Version, &previous, parley.Restored, statusSentence{
		cause: parley.RecordCorrected, touches: c.ByIDs, note: &in.Note,
		summary: fmt.Sprintf("Restored that “%s” became %s on %s.", about[0].Name, parley.Words(c.To),
			parley.Date(c.EffectiveAt, c.EffectiveAtPrecision)),
	})
	return Written{ID: c.ID, Previous: &previous, Cursor: cursor}, err
}
