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

// AddEvidence adds statements to a position, a status change, an event or a relation, whose content stays the same.
// Refusals: INVALID, also for more than 100 statements; QUOTE_NOT_FOUND; ID_REUSED for the id of new evidence.
func (m mutations) AddEvidence(ctx context.Context, in parley.AddEvidenceInput) (Written, error) {
	return perform(ctx, m.run, in, (*writer).addEvidence)
}

var restOnEvidence = []parley.Kind{parley.KindPosition, parley.KindStatusChange, parley.KindEvent, parley.KindRelation}

func (w *writer) addEvidence(ctx context.Context, in parley.AddEvidenceInput) (Written, error) {
	if err := in.Check(); err != nil {
		return Written{}, err
	}
	var refs references
	e := refs.evidence(in.Evidence, in.NewEvidence)
	return w.changeEvidence(ctx, "to", in.To, &refs, evidenceChange{
		evidence: e, done: "Added evidence to %s.",
		of: func(_ uuid.UUID, list []uuid.UUID) ([]uuid.UUID, error) { return joined(list, e.ids()) },
	})
}

// RemoveEvidence detaches statements from a position, a status change, an event or a relation. Refusals: INVALID for a
// statement that it does not rest on, and without a note; CONFLICT where it has changed since ifUnchangedSince.
func (m mutations) RemoveEvidence(ctx context.Context, in parley.RemoveEvidenceInput) (Written, error) {
	return perform(ctx, m.run, in, (*writer).removeEvidence)
}

func (w *writer) removeEvidence(ctx context.Context, in parley.RemoveEvidenceInput) (Written, error) {
	if err := in.Check(); err != nil {
		return Written{}, err
	}
	var refs references
	e := refs.evidence(in.Evidence, nil)
	return w.changeEvidence(ctx, "from", in.From, &refs, evidenceChange{
		evidence: e, done: "Removed evidence from %s.", note: &in.Note, since: in.IfUnchangedSince,
		of: func(fact uuid.UUID, list []uuid.UUID) ([]uuid.UUID, error) {
			if !slices.ContainsFunc(e.named, func(t *target) bool { return !slices.Contains(list, t.ID) }) {
				return without(list, e.ids()), nil
			}
			ever, err := w.everRested(ctx, fact)
			if err != nil {
				return nil, err
			}
			for i, t := range e.named {
				if !slices.Contains(ever, t.ID) {
					return nil, parley.Refuse(parley.Invalid, fmt.Sprintf("evidence.%d", i),
						"It does not rest on %q; name statements of its evidence.", in.Evidence[i])
				}
			}
			return without(list, e.ids()), nil
		},
	})
}

// everRested are the statements that were ever evidence of a fact: detaching one again changes nothing.
func (w *writer) everRested(ctx context.Context, fact uuid.UUID) (statements []uuid.UUID, err error) {
	var tables []string
	for _, d := range descriptions {
		if slices.Contains(restOnEvidence, d.kind) {
			tables = append(tables, `SELECT unnest(x.evidence) FROM {`+d.table+` x} WHERE x.id = $1`)
		}
	}
	if err := w.all(ctx, &statements, strings.Join(tables, " UNION "), fact); err != nil {
		return nil, fmt.Errorf("look for earlier evidence: %w", err)
	}
	return statements, nil
}

// without is a list without some of its ids.
func without(list, gone []uuid.UUID) []uuid.UUID {
	return slices.DeleteFunc(slices.Clone(list), func(id uuid.UUID) bool { return slices.Contains(gone, id) })
}

// evidenceChange is a change of what a fact rests on.
type evidenceChange struct {
	evidence
	of    func(fact uuid.UUID, list []uuid.UUID) ([]uuid.UUID, error) // the new list, given the one on record
	done  string                                                      // a sentence on it, but for the fact
	note  *string                                                     // what was wrong; nil: nothing is corrected
	since *parley.Cursor
}

// closedBy is why the row is closed that rested on other evidence.
func (c *evidenceChange) closedBy() string {
	if c.note != nil {
		return "CORRECTED"
	}
	return "EDITED"
}

// changeEvidence changes the evidence of a fact, which the field of the input names.
func (w *writer) changeEvidence(
	ctx context.Context, field, ref string, refs *references, c evidenceChange,
) (Written, error) {
	subject, err := w.oneOf(ctx, field, ref, restOnEvidence...)
	if err != nil {
		return Written{}, err
	}
	find := func() error {
		if err := w.findEvidence(ctx, refs, c.evidence); err != nil {
			return err
		}
		return w.unchangedSince(ctx, c.since, subject.ID)
	}
	switch subject.Kind {
	case parley.KindEvent, parley.KindRelation:
		refs.subject(field, ref, subject.Kind)
		if err := find(); err != nil {
			return Written{}, err
		}
		if subject.Kind == parley.KindEvent {
			return changeOf(ctx, w, events, subject, c, func(ev *parley.Event) *[]uuid.UUID { return &ev.EvidenceIDs })
		}
		return changeOf(ctx, w, relations, subject, c,
			func(r *parley.ScenarioRelation) *[]uuid.UUID { return &r.EvidenceIDs })
	case parley.KindStatusChange:
		scenario := refs.subject(field, subject.ParentID.String(), parley.KindScenario)
		refs.one(field, ref, subject.Kind)
		if err := find(); err != nil {
			return Written{}, err
		}
		return w.changeStatusEvidence(ctx, scenario, subject, c)
	}
	seen, err := w.currentPosition(ctx, field, ref)
	if err != nil {
		return Written{}, err
	}
	scenario := refs.subject(field, seen.ScenarioID.String(), parley.KindScenario)
	holder := refs.one(field, seen.HolderID.String(), parley.KindStakeholder)
	refs.one(field, ref, subject.Kind)
	if err := find(); err != nil {
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
	return w.changePositionEvidence(ctx, scenario, read[0], nil, c, evidenceSentence(c, subject, scenario))
}

func evidenceSentence(c evidenceChange, fact, scenario *target) string {
	return fmt.Sprintf(c.done, fmt.Sprintf("%s on “%s”", fact.Kind.Noun(), scenario.Name))
}

func (w *writer) findEvidence(ctx context.Context, refs *references, e evidence) error {
	if err := w.find(ctx, refs); err != nil {
		return err
	}
	return e.prepare(ctx, w)
}

// changeOf changes the evidence of a record without neighbours.
func changeOf[T any](
	ctx context.Context, w *writer, n *noun[T], subject *target, c evidenceChange, field func(*T) *[]uuid.UUID,
) (Written, error) {
	_, related, err := w.lastVersion(ctx, subject)
	if err != nil {
		return Written{}, err
	}
	return n.edit(ctx, w, edition[T]{
		subject: subject, touches: append(c.touches(), touchedBy(related)...), note: c.note,
		apply: func(value *T) ([]string, error) {
			list, err := c.of(subject.ID, *field(value))
			if err != nil || len(list) == len(*field(value)) {
				return nil, err
			}
			*field(value) = list
			return []string{"evidence"}, nil
		},
		settle: func(*T) error { return w.insertStatements(ctx, c.added) },
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

// changePositionEvidence writes a new version of a position that rests on other evidence, or of which the fields have
// been changed; its cut stays.
func (w *writer) changePositionEvidence(
	ctx context.Context, scenario *target, p *parley.Position, fields []string, c evidenceChange, summary string,
) (Written, error) {
	list, err := c.of(p.ID, p.EvidenceIDs)
	if err != nil {
		return Written{}, err
	}
	if len(list) != len(p.EvidenceIDs) {
		fields = append(fields, "evidence")
	}
	if len(fields) == 0 {
		return Written{ID: p.ID}, errUnchanged
	}
	previous := p.Version
	p.EvidenceIDs = list
	return w.newVersion(ctx, "positions", scenario, parley.KindPosition, p.ID, previous, fields, c,
		rows.IDs{p.HolderID, scenario.ID}, summary, func() (uuid.UUID, error) {
			p.Provenance = w.provenance(c.note)
			return p.Version, positions.insert(ctx, w, scenario, p)
		})
}

// changeStatusEvidence writes a new version of a status change that rests on other evidence; its cut stays.
func (w *writer) changeStatusEvidence(
	ctx context.Context, scenario, subject *target, c evidenceChange,
) (Written, error) {
	line, err := w.statusesOf(ctx, scenario.ID)
	if err != nil {
		return Written{}, err
	}
	_, s := statusLine.without(line, subject.ID)
	list, err := c.of(s.ID, s.EvidenceIDs)
	if err != nil {
		return Written{}, err
	}
	if len(list) == len(s.EvidenceIDs) {
		return Written{ID: s.ID}, errUnchanged
	}
	previous := s.Version
	s.EvidenceIDs = list
	return w.newVersion(ctx, "status_changes", scenario, parley.KindStatusChange, s.ID, previous, []string{"evidence"}, c,
		rows.IDs{scenario.ID}, evidenceSentence(c, subject, scenario), func() (uuid.UUID, error) {
			s.Provenance = w.provenance(c.note)
			return s.Version, statusChanges.insert(ctx, w, scenario, s)
		})
}

// newVersion replaces the open row of a fact on a scenario by one with other fields, such as more evidence.
func (w *writer) newVersion(
	ctx context.Context, table string, scenario *target, kind parley.Kind, id, previous uuid.UUID, fields []string,
	c evidenceChange, lines []uuid.UUID, summary string, insert func() (uuid.UUID, error),
) (Written, error) {
	if w.seq == 0 {
		if err := w.stamp(ctx); err != nil {
			return Written{}, err
		}
	}
	if err := w.insertStatements(ctx, c.added); err != nil {
		return Written{}, err
	}
	if err := w.close(ctx, table, id, c.closedBy()); err != nil {
		return Written{}, err
	}
	version, err := insert()
	if err != nil {
		return Written{}, err
	}
	cursor, err := w.appendChange(ctx, parley.ChangeEntry{
		Kind: parley.ChangeOfRecord, Action: parley.Updated, SubjectKind: kind, SubjectID: id, Version: &version,
		PreviousVersion: &previous, NegotiationID: scenario.NegotiationID, ScenarioID: &scenario.ID,
		Lines: lines, Touches: append(touchedBy([]*target{scenario}), c.touches()...), Fields: fields,
		Summary: summary, Note: c.note,
	})
	return Written{ID: id, Previous: &previous, Cursor: cursor}, err
}

// restsOnSources adds that a fact rests on a statement in one of the sources.
func restsOnSources(c *rows.Conditions, fact string, sources []uuid.UUID) {
	if len(sources) > 0 {
		c.Add(fact + `.evidence && ARRAY(SELECT e.id FROM {statements e}
			WHERE e.source_id = ANY(` + c.Arg(rows.IDs(sources)) + `::uuid[]) AND {known e})`)
	}
}

// RestingOn are the facts that rest on each statement as evidence, in the order in which they came on record.
func (s *Snapshot) RestingOn(ctx context.Context, statements []Key, fields *Fields) ([][]parley.Node, error) {
	var facts []string
	for _, d := range descriptions {
		if slices.Contains(restOnEvidence, d.kind) {
			facts = append(facts, `SELECT x.id FROM {`+d.table+` x} WHERE x.evidence @> ARRAY[k.id] AND {known x}`)
		}
	}
	var found []Key
	var of []int
	q := s.Query(statements)
	err := q.Run(ctx, `r.id`, `FROM {keys} JOIN LATERAL (`+strings.Join(facts, " UNION ")+`) f ON true
		JOIN {records r} ON r.id = f.id
		ORDER BY k.n, r.recorded_at, r.id`, func(n int, sent *rows.Row) {
		found, of = append(found, Key{ID: sent.Next().ID(), Lens: q.Keys[n].Lens}), append(of, n)
	})
	if err != nil {
		return nil, fmt.Errorf("read what rests on statements: %w", err)
	}
	nodes, err := s.Nodes(ctx, found, fields)
	if err != nil {
		return nil, err
	}
	lists := make([][]parley.Node, len(statements))
	for i, node := range nodes {
		if node != nil {
			lists[of[i]] = append(lists[of[i]], node)
		}
	}
	return lists, nil
}
