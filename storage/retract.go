package storage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// Retract takes back a record that should never have been recorded. It is refused with IN_USE while something rests on
// it, with INVALID_TRANSITION where a scenario's other statuses can't follow one another without it, and with CONFLICT
// where the record has changed since ifUnchangedSince.
func (m mutations) Retract(ctx context.Context, in parley.RetractInput) (Written, error) {
	return perform(ctx, m.run, in, (*writer).retract)
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
		return Written{},
			parley.Refuse(parley.NotFound, "id", "Nothing is known as %q; give the id or the key of a record.", in.ID)
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
	if subject.Name == "" {
		subject.Of = namesOf(related)
	}
	negotiation := subject.NegotiationID
	if negotiation == nil {
		negotiation = commonNegotiation(related)
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	if err := w.takeBack(ctx, describe(subject.Kind).table, subject.ID); err != nil {
		return Written{}, err
	}
	if subject.Kind == parley.KindScenario {
		if err := w.takeBackStatuses(ctx, subject.ID); err != nil {
			return Written{}, err
		}
	}
	cursor, err := w.appendChange(ctx, parley.ChangeEntry{
		Kind: describe(subject.Kind).changes, Action: parley.Retracted, SubjectKind: subject.Kind,
		SubjectID: subject.ID, PreviousVersion: &previous,
		NegotiationID: negotiation, Touches: touchedBy(append(related, subject)), Note: &in.Note,
		Summary: fmt.Sprintf("Retracted %s.", called(subject)),
	})
	return Written{ID: subject.ID, Previous: &previous, Cursor: cursor}, err
}

// wasRetracted finds a record that is retracted already, by id or key.
func (w *writer) wasRetracted(ctx context.Context, ref string) (uuid.UUID, bool, error) {
	named := parley.ReadRef(ref)
	var found []uuid.UUID
	err := w.all(ctx, &found, `SELECT id FROM {records} WHERE (id = $1 OR path = $2) AND retracted_at < 'infinity'`,
		named.ID, named.Key)
	if err != nil {
		return uuid.Nil, false, fmt.Errorf("look for a retracted record: %w", err)
	}
	if len(found) == 0 {
		return uuid.Nil, false, nil
	}
	return found[0], true, nil
}

// lastVersion is the version of a record that stands, and the records whose followers are notified of what becomes of
// it.
func (w *writer) lastVersion(ctx context.Context, subject *target) (uuid.UUID, []*target, error) {
	d := describe(subject.Kind)
	var last []struct {
		Version  uuid.UUID `db:"version"`
		Followed rows.IDs  `db:"followed"`
	}
	err := w.all(ctx, &last, `
		SELECT version, array_remove(`+d.followed()+`, NULL) AS followed
		FROM {`+d.table+`}
		WHERE id = $1 AND superseded_at = 'infinity'`, subject.ID)
	if err != nil {
		return uuid.Nil, nil, fmt.Errorf("read a record's last version: %w", err)
	}
	if len(last) == 0 {
		return uuid.Nil, nil, errMoved
	}
	targets, err := w.targets(ctx, last[0].Followed)
	return last[0].Version, targets, err
}

// followed is an array of the records that a row names and whose followers are notified of its changes.
func (d description) followed() string {
	followed := `'{}'::uuid[]`
	for _, c := range d.columns {
		if c.Followed {
			followed += ` || ` + c.name
		}
	}
	return followed
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

// usesOf are statements that find what rests on a record of a kind, $1, one for each way in which a record can: what it
// is to it, and its id.
func usesOf(kind parley.Kind) (uses []string) {
	for _, d := range descriptions {
		for _, c := range d.columns {
			if c.Use == "" || !slices.Contains(c.Kinds, kind) {
				continue
			}
			named := `x.` + c.name + ` = $1::uuid`
			if c.Many {
				named = `x.` + c.name + ` @> ARRAY[$1::uuid]`
			}
			uses = append(uses, `(SELECT '`+c.Use+`' AS what, x.id FROM {`+d.table+` x} WHERE `+named+` AND {known x}
				ORDER BY x.id LIMIT `+fmt.Sprint(namedUses+1)+`)`)
		}
	}
	return uses
}

// namedUses is how many of the records that rest on another one a refusal names.
const namedUses = 5

// freeOfUse locks a record so that nothing new can rest on it, and refuses with IN_USE when something does already.
func (w *writer) freeOfUse(ctx context.Context, subject *target, since *parley.Cursor) error {
	if err := w.lock(ctx, rows.IDs{subject.ID}, "FOR UPDATE"); err != nil {
		return err
	}
	if err := w.unchangedSince(ctx, since, subject.ID); err != nil {
		return err
	}
	uses := usesOf(subject.Kind)
	if len(uses) == 0 {
		return nil
	}
	var found []struct {
		What string    `db:"what"`
		ID   uuid.UUID `db:"id"`
		Path *string   `db:"path"`
	}
	err := w.all(ctx, &found, `
		SELECT u.what, u.id, r.path FROM (`+strings.Join(uses, " UNION ALL ")+`) u JOIN {records r} ON r.id = u.id
		ORDER BY r.recorded_at, u.id`, subject.ID)
	if err != nil {
		return fmt.Errorf("look for what rests on a record: %w", err)
	}
	if len(found) == 0 {
		return nil
	}
	var names []string
	for _, f := range found[:min(namedUses, len(found))] {
		names = append(names, fmt.Sprintf("%s (%s)", f.What, cmp.Or(pointed(f.Path), f.ID.String())))
	}
	if len(found) > namedUses {
		names = append(names, "more")
	}
	rests := "rests"
	if len(names) > 1 {
		rests = "rest"
	}
	return parley.Refuse(parley.InUse, "id", "%s is in use: %s %s on it; retract that first.",
		capital(called(subject)), parley.Enumerated(names), rests)
}

// pointed is what a pointer points to, empty for none.
func pointed(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
