package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// relations are kept in a table of their own.
var relations = &noun[parley.ScenarioRelation]{
	traits: traits{
		cut: true, changes: parley.ChangeOfRecord, texts: []string{"note"}, context: []string{"from_id", "to_id", "claimed_by"}, visible: onTheTable("@.from_id") + " AND " +
			onTheTable("@.to_id"),
	},
	table: &rows.Table[parley.ScenarioRelation]{
		Kind: parley.KindRelation, Name: "relations", Alias: "r",
		Self: func(r *parley.ScenarioRelation) (*uuid.UUID, *parley.Lens) { return &r.ID, &r.Lens },
		Columns: append(rows.Columns[parley.ScenarioRelation]{
			rows.Text("kind label", "kind",
				func(r *parley.ScenarioRelation) *parley.ScenarioRelationKind { return &r.Kind }),
			rows.Reference("from label", "from_id", func(r *parley.ScenarioRelation) *uuid.UUID { return &r.FromID },
				scenarios.table).UsedAs("a relation").Follow(),
			rows.Reference("to label", "to_id", func(r *parley.ScenarioRelation) *uuid.UUID { return &r.ToID },
				scenarios.table).UsedAs("a relation").Follow(),
			rows.OptionalReference("claimedBy", "claimed_by",
				func(r *parley.ScenarioRelation) **uuid.UUID { return &r.ClaimedByID },
				stakeholders.table).UsedAs("a relation that it claims").Follow(),
			rows.OptionalText("note", "note", func(r *parley.ScenarioRelation) **string { return &r.Note }),
			rows.IDList("evidence", "evidence", func(r *parley.ScenarioRelation) *[]uuid.UUID { return &r.EvidenceIDs },
				parley.KindStatement).UsedAs("a relation"),
		}, provenance("content_at", "recordedAt supersededAt",
			func(r *parley.ScenarioRelation) *parley.Provenance { return &r.Provenance })...),
	},
	provenance: func(r *parley.ScenarioRelation) *parley.Provenance { return &r.Provenance },
}

// Relations are those with these ids; nil where there is none.
func (s *Snapshot) Relations(ctx context.Context, keys []Key, fields *Fields) ([]*parley.ScenarioRelation, error) {
	return rows.Find(ctx, &s.Reader, relations.table, keys, fields)
}

// RelationsOf are the relations of each scenario, in both directions, earliest recorded first.
func (s *Snapshot) RelationsOf(
	ctx context.Context, scenarios []Key, fields *Fields,
) ([][]*parley.ScenarioRelation, error) {
	return rows.Each(ctx, relations.table, s.Query(scenarios), fields, `
		{relations r} ON (r.from_id = k.id OR r.to_id = k.id) AND {known r}
		JOIN {records i} ON i.id = r.id`, `i.recorded_at, r.id`)
}

// RelateScenarios records how two scenarios of a negotiation bear on each other. Refusals: INVALID, also for scenarios
// of two negotiations; CONFLICT where the same party claims the same relation already; QUOTE_NOT_FOUND for new
// evidence; ID_REUSED.
func (m mutations) RelateScenarios(ctx context.Context, in parley.RelateScenariosInput) (Written, error) {
	return create(ctx, m, "relateScenarios", in.ID, in, (*writer).relateScenarios)
}

func (w *writer) relateScenarios(ctx context.Context, in parley.RelateScenariosInput, id *clientID) (Written, error) {
	if err := in.Check(); err != nil {
		return Written{}, err
	}
	var refs references
	scenario := refs.one
	excludes := in.Kind == parley.MutuallyExclusive && in.ClaimedBy == nil
	if excludes { // neither must occur meanwhile
		scenario = refs.subject
	}
	from, to := scenario("from", in.From, parley.KindScenario), scenario("to", in.To, parley.KindScenario)
	claimedBy := refs.maybe("claimedBy", in.ClaimedBy, parley.KindStakeholder)
	evidence := refs.evidence(in.Evidence, in.NewEvidence)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	if *from.NegotiationID != *to.NegotiationID {
		return Written{},
			parley.Refuse(parley.Invalid, "to",
				"“%s” belongs to another negotiation than “%s”; relate scenarios of one negotiation.",
				to.Name, from.Name)
	}
	if excludes {
		if err := w.bothOccurred(ctx, from, to); err != nil {
			return Written{}, err
		}
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
	r := parley.ScenarioRelation{Kind: in.Kind, FromID: from.ID, ToID: to.ID, ClaimedByID: idOf(claimedBy),
		Note: in.Note, EvidenceIDs: evidence.ids()}
	touches := touchedBy([]*target{from, to})
	if claimedBy != nil {
		touches = append(touches, claimedBy.ID)
	}
	return relations.create(ctx, w, id, &target{ID: id.newID(), NegotiationID: from.NegotiationID}, &r,
		append(touches, evidence.touches()...),
		fmt.Sprintf("Related two scenarios: %s.", r.Label(from.Name, to.Name)))
}

// bothOccurred refuses to relate two scenarios as mutually exclusive that have both occurred.
func (w *writer) bothOccurred(ctx context.Context, from, to *target) error {
	var occurred []parley.Rival
	err := w.all(ctx, &occurred, `
		SELECT id, title, true AS occurred FROM {scenarios}
		WHERE id = ANY($1) AND outcome = 'OCCURRED' AND superseded_at = 'infinity'`, rows.IDs{from.ID, to.ID})
	if err != nil {
		return fmt.Errorf("read what occurred: %w", err)
	}
	if len(occurred) < 2 {
		return nil
	}
	return parley.OneOccurs("kind", from.Name, []parley.Rival{{ID: to.ID, Title: to.Name, Occurred: true}})
}
