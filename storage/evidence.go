package storage

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// AddEvidence adds statements to a position, a status change, an event or a relation, whose content stays the same.
// Refusals: INVALID, also for more than 100 statements; QUOTE_NOT_FOUND; ID_REUSED for the id of new evidence.
func (m mutations) AddEvidence(ctx context.Context, in parley.AddEvidenceInput) (Written, error) {
	return perform(ctx, m, in, (*writer).addEvidence)
}

var restOnEvidence = []parley.Kind{parley.KindPosition, parley.KindStatusChange, parley.KindEvent, parley.KindRelation}

func (w *writer) addEvidence(ctx context.Context, in parley.AddEvidenceInput) (Written, error) {
	if err := in.Check(); err != nil {
		return Written{}, err
	}
	found, err := w.lookUp(ctx, []string{in.To})
	if err != nil {
		return Written{}, err
	}
	subject := found[in.To]
	if subject == nil || !slices.Contains(restOnEvidence, subject.Kind) {
		return Written{}, parley.Refusal{notFound(want{field: "to", ref: in.To, kinds: restOnEvidence}, subject)}
	}

	var refs references
	e := refs.evidence(in.Evidence, in.NewEvidence)
	switch subject.Kind {
	case parley.KindEvent, parley.KindRelation:
		refs.subject("to", in.To, subject.Kind)
		if err := w.findEvidence(ctx, &refs, e); err != nil {
			return Written{}, err
		}
		if subject.Kind == parley.KindEvent {
			return addTo(ctx, w, events, subject, e, func(ev *parley.Event) *[]uuid.UUID { return &ev.EvidenceIDs })
		}
		return addTo(ctx, w, relations, subject, e,
			func(r *parley.ScenarioRelation) *[]uuid.UUID { return &r.EvidenceIDs })
	case parley.KindStatusChange:
		scenario := refs.subject("to", subject.ParentID.String(), parley.KindScenario)
		refs.one("to", in.To, subject.Kind)
		if err := w.findEvidence(ctx, &refs, e); err != nil {
			return Written{}, err
		}
		return w.addStatusEvidence(ctx, scenario, subject, e)
	}
	seen, err := w.currentPosition(ctx, "to", in.To)
	if err != nil {
		return Written{}, err
	}
	scenario := refs.subject("to", seen.ScenarioID.String(), parley.KindScenario)
	holder := refs.one("to", seen.HolderID.String(), parley.KindStakeholder)
	refs.one("to", in.To, subject.Kind)
	if err := w.findEvidence(ctx, &refs, e); err != nil {
		return Written{}, err
	}
	// once more, now that the line is locked
	read, err := rows.Find(ctx, &w.Reader, positions.table, rows.KeysOf(seen.ID), nil)
	if err != nil {
		return Written{}, err
	}
	if read[0] == nil || read[0].ScenarioID != scenario.ID || read[0].HolderID != holder.ID {
		return Written{}, errMoved
	}
	return w.addPositionEvidence(ctx, scenario, read[0], nil, e, evidenceAdded(subject, scenario))
}

func evidenceAdded(fact, scenario *target) string {
	return fmt.Sprintf("Added evidence to %s on “%s”.", fact.Kind.Noun(), scenario.Name)
}

func (w *writer) findEvidence(ctx context.Context, refs *references, e evidence) error {
	if err := w.find(ctx, refs); err != nil {
		return err
	}
	return e.prepare(ctx, w)
}

// addTo adds evidence to a record without neighbours.
func addTo[T any](
	ctx context.Context, w *writer, n *noun[T], subject *target, e evidence, field func(*T) *[]uuid.UUID,
) (Written, error) {
	_, related, err := w.lastVersion(ctx, subject)
	if err != nil {
		return Written{}, err
	}
	return n.edit(ctx, w, edition[T]{
		subject: subject, touches: append(e.touches(), touchedBy(related)...),
		apply: func(value *T) ([]string, error) {
			more, err := joined(*field(value), e.ids())
			if err != nil || len(more) == len(*field(value)) {
				return nil, err
			}
			*field(value) = more
			return []string{"evidence"}, nil
		},
		settle: func(*T) error { return w.insertStatements(ctx, e.added) },
	})
}

// joined adds ids to a list that does not hold them yet.
func joined(list, more []uuid.UUID) ([]uuid.UUID, error) {
	all := slices.Clone(list)
	for _, id := range more {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	if len(all) > parley.MaxList {
		return nil, parley.Refuse(parley.Invalid, "evidence",
			"With these, it would rest on %d statements; at most %d are kept.", len(all), parley.MaxList)
	}
	return all, nil
}

// addPositionEvidence writes a new version of a position that rests on more, or of which the fields have been changed; its
// cut stays.
func (w *writer) addPositionEvidence(
	ctx context.Context, scenario *target, p *parley.Position, fields []string, e evidence,
	summary string,
) (Written, error) {
	more, err := joined(p.EvidenceIDs, e.ids())
	if err != nil {
		return Written{}, err
	}
	if len(more) > len(p.EvidenceIDs) {
		fields = append(fields, "evidence")
	}
	if len(fields) == 0 {
		return Written{ID: p.ID}, errUnchanged
	}
	previous := p.Version
	p.EvidenceIDs = more
	return w.newVersion(ctx, "positions", scenario, parley.KindPosition, p.ID, previous, fields, e,
		rows.IDs{p.HolderID, scenario.ID}, summary, func() (uuid.UUID, error) {
			p.Provenance = w.provenance(nil)
			return p.Version, positions.insert(ctx, w, scenario, p)
		})
}

// addStatusEvidence writes a new version of a status change that rests on more; its cut stays.
func (w *writer) addStatusEvidence(ctx context.Context, scenario, subject *target, e evidence) (Written, error) {
	line, err := w.statusesOf(ctx, scenario.ID)
	if err != nil {
		return Written{}, err
	}
	_, c := statusLine.without(line, subject.ID)
	more, err := joined(c.EvidenceIDs, e.ids())
	if err != nil {
		return Written{}, err
	}
	if len(more) == len(c.EvidenceIDs) {
		return Written{ID: c.ID}, errUnchanged
	}
	previous := c.Version
	c.EvidenceIDs = more
	return w.newVersion(ctx, "status_changes", scenario, parley.KindStatusChange, c.ID, previous, []string{"evidence"}, e,
		rows.IDs{scenario.ID}, evidenceAdded(subject, scenario), func() (uuid.UUID, error) {
			c.Provenance = w.provenance(nil)
			return c.Version, statusChanges.insert(ctx, w, scenario, c)
		})
}

// newVersion replaces the open row of a fact on a scenario by one with other fields, such as more evidence.
func (w *writer) newVersion(
	ctx context.Context, table string, scenario *target, kind parley.Kind, id, previous uuid.UUID, fields []string,
	e evidence, lines []uuid.UUID, summary string, insert func() (uuid.UUID, error),
) (Written, error) {
	if w.seq == 0 {
		if err := w.stamp(ctx); err != nil {
			return Written{}, err
		}
	}
	if err := w.insertStatements(ctx, e.added); err != nil {
		return Written{}, err
	}
	if err := w.close(ctx, table, id, "EDITED"); err != nil {
		return Written{}, err
	}
	version, err := insert()
	if err != nil {
		return Written{}, err
	}
	cursor, err := w.appendChange(ctx, parley.ChangeEntry{
		Kind: parley.ChangeOfRecord, Action: parley.Updated, SubjectKind: kind, SubjectID: id, Version: &version,
		PreviousVersion: &previous, NegotiationID: scenario.NegotiationID, ScenarioID: &scenario.ID,
		Lines: lines, Touches: append(touchedBy([]*target{scenario}), e.touches()...), Fields: fields,
		Summary: summary,
	})
	return Written{ID: id, Previous: &previous, Cursor: cursor}, err
}
