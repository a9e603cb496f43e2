package storage

import (
	"context"
	"fmt"

	"parley"
)

type relationRow struct {
	numbered
	parley.ScenarioRelation
	Evidence uuids `db:"evidence"`
}

func (r relationRow) noun(lens parley.Lens) *parley.ScenarioRelation {
	r.ScenarioRelation.Lens, r.ScenarioRelation.EvidenceIDs = lens, r.Evidence
	return &r.ScenarioRelation
}

var relationColumns = `r.id, r.kind, r.from_id, r.to_id, r.claimed_by, r.note, r.evidence, ` + provenanceOf("r", "recorded_at")

var relations = noun[parley.ScenarioRelation]{
	table: "relations", kind: parley.KindRelation, changeKind: parley.ChangeOfRecord,
	provenance: func(r *parley.ScenarioRelation) *parley.Provenance { return &r.Provenance },
	read: func(ctx context.Context, r *reader, keys []Key) ([]*parley.ScenarioRelation, error) {
		return one[relationRow](ctx, r, keys, `
			SELECT k.n, `+relationColumns+`
			FROM {keys}
			JOIN relations r ON r.id = k.id AND {known r}`)
	},
	insert: func(ctx context.Context, w *writer, subject *target, r *parley.ScenarioRelation) error {
		r.ID = subject.ID
		return w.insert(ctx, "relations",
			`id, version, kind, from_id, to_id, claimed_by, note, evidence, recorded_by, recorded_at, correction_note`,
			relationRow{ScenarioRelation: *r, Evidence: r.EvidenceIDs})
	},
}

// Relations are those with these ids; nil where there is none.
func (s *Snapshot) Relations(ctx context.Context, keys []Key) ([]*parley.ScenarioRelation, error) {
	return relations.read(ctx, &s.reader, keys)
}

// RelationsOf are the relations of each scenario, in both directions, earliest recorded first.
func (s *Snapshot) RelationsOf(ctx context.Context, scenarios []Key) ([][]*parley.ScenarioRelation, error) {
	return each[relationRow](ctx, &s.reader, newQuery(scenarios), `
		SELECT k.n, `+relationColumns+`
		FROM {keys}
		JOIN relations r ON (r.from_id = k.id OR r.to_id = k.id) AND {known r}
		JOIN records i ON i.id = r.id
		ORDER BY i.recorded_at, r.id`)
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
