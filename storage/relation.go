package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
)

// relationRow is what is written of a version.
type relationRow struct {
	parley.ScenarioRelation
	Evidence uuids `db:"evidence"`
}

var relationTable = &table[parley.ScenarioRelation]{
	name: "relations", alias: "r",
	self: func(r *parley.ScenarioRelation) (*uuid.UUID, *parley.Lens) { return &r.ID, &r.Lens },
	columns: append([]column[parley.ScenarioRelation]{
		text("kind label", "@.kind", func(r *parley.ScenarioRelation) *parley.ScenarioRelationKind { return &r.Kind }),
		id("from label", "@.from_id", func(r *parley.ScenarioRelation) *uuid.UUID { return &r.FromID }),
		id("to label", "@.to_id", func(r *parley.ScenarioRelation) *uuid.UUID { return &r.ToID }),
		optionalID("claimedBy", "@.claimed_by", func(r *parley.ScenarioRelation) **uuid.UUID { return &r.ClaimedByID }),
		optionalText("note", "@.note", func(r *parley.ScenarioRelation) **string { return &r.Note }),
		idList("evidence", "@.evidence", func(r *parley.ScenarioRelation) *[]uuid.UUID { return &r.EvidenceIDs }),
	}, provenance("recorded_at", func(r *parley.ScenarioRelation) *parley.Provenance { return &r.Provenance })...),
	references: []reference{
		refersTo("from", "@.from_id", scenarioTable),
		refersTo("to", "@.to_id", scenarioTable),
		refersTo("claimedBy", "@.claimed_by", stakeholderTable),
	},
}

var relations = noun[parley.ScenarioRelation]{
	table: relationTable, kind: parley.KindRelation, changeKind: parley.ChangeOfRecord,
	provenance: func(r *parley.ScenarioRelation) *parley.Provenance { return &r.Provenance },
	insert: func(ctx context.Context, w *writer, subject *target, r *parley.ScenarioRelation) error {
		r.ID = subject.ID
		return w.insert(ctx, "relations",
			`id, version, kind, from_id, to_id, claimed_by, note, evidence, recorded_by, recorded_at, correction_note`,
			relationRow{ScenarioRelation: *r, Evidence: r.EvidenceIDs})
	},
}

// Relations are those with these ids; nil where there is none.
func (s *Snapshot) Relations(ctx context.Context, keys []Key, fields *Fields) ([]*parley.ScenarioRelation, error) {
	return find(ctx, &s.reader, relationTable, keys, fields)
}

// RelationsOf are the relations of each scenario, in both directions, earliest recorded first.
func (s *Snapshot) RelationsOf(ctx context.Context, scenarios []Key, fields *Fields) ([][]*parley.ScenarioRelation, error) {
	return readEach(ctx, &s.reader, relationTable, scenarios, fields, `
		relations r ON (r.from_id = k.id OR r.to_id = k.id) AND {known r}
		JOIN records i ON i.id = r.id`, `i.recorded_at, r.id`)
}

// RelateScenarios puts a relation on record.
func (m mutations) RelateScenarios(ctx context.Context, in parley.RelateScenariosInput) (Written, error) {
	return create(ctx, m, in.ID, in, (*writer).relateScenarios)
}

func (w *writer) relateScenarios(ctx context.Context, in parley.RelateScenariosInput, id *clientID) (Written, error) {
	if err := in.Check(); err != nil {
		return Written{}, err
	}
	var refs references
	from := refs.one("from", in.From, parley.KindScenario)
	to := refs.one("to", in.To, parley.KindScenario)
	claimedBy := refs.maybe("claimedBy", in.ClaimedBy, parley.KindStakeholder)
	evidence := refs.evidence(in.Evidence, in.NewEvidence)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	if *from.NegotiationID != *to.NegotiationID {
		return Written{}, parley.Refuse(parley.Invalid, "to", "“%s” belongs to another negotiation than “%s”; relate scenarios of one negotiation.", to.Name, from.Name)
	}
	if err := evidence.prepare(ctx, w); err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	if err := w.insertStatements(ctx, evidence.added); err != nil {
		return Written{}, err
	}
	r := parley.ScenarioRelation{Kind: in.Kind, FromID: from.ID, ToID: to.ID, ClaimedByID: idOf(claimedBy), Note: in.Note, EvidenceIDs: evidence.ids()}
	touches := touchedBy([]*target{from, to})
	if claimedBy != nil {
		touches = append(touches, claimedBy.ID)
	}
	return relations.create(ctx, w, id, &target{ID: id.newID(), NegotiationID: from.NegotiationID}, &r, append(touches, evidence.touches()...),
		fmt.Sprintf("Related two scenarios: %s.", r.Label(from.Name, to.Name)))
}
