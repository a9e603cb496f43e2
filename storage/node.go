package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
)

// Nodes are the records with these ids, whatever their kind and their place in valid time; nil where there is none.
func (s *Snapshot) Nodes(ctx context.Context, keys []Key, fields *Fields) ([]parley.Node, error) {
	kinds := make(map[uuid.UUID]parley.Kind)
	err := s.rows(ctx, `
		SELECT record_send(ROW(id, kind::text)) FROM records WHERE id = ANY($1) UNION ALL
		SELECT record_send(ROW(id, 'ANALYST'::text)) FROM analysts WHERE id = ANY($1)`, []any{binaryIDs(recordIDs(keys))}, func(sent row) {
		id := sent.next().id()
		kinds[id] = parley.Kind(sent.next().text())
	})
	if err != nil {
		return nil, fmt.Errorf("read the kinds of records: %w", err)
	}
	places := make(map[parley.Kind][]int)
	for i, k := range keys {
		if kind, ok := kinds[k.ID]; ok {
			places[kind] = append(places[kind], i)
		}
	}
	nodes := make([]parley.Node, len(keys))
	for kind, at := range places {
		if err := s.nodesOfKind(ctx, kind, keys, at, nodes, fields); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

func (s *Snapshot) nodesOfKind(ctx context.Context, kind parley.Kind, keys []Key, at []int, nodes []parley.Node, fields *Fields) error {
	switch kind {
	case parley.KindNegotiation:
		return place(ctx, s.Negotiations, keys, at, nodes, fields)
	case parley.KindIssue:
		return place(ctx, s.Issues, keys, at, nodes, fields)
	case parley.KindScenario:
		return place(ctx, s.Scenarios, keys, at, nodes, fields)
	case parley.KindRelation:
		return place(ctx, s.Relations, keys, at, nodes, fields)
	case parley.KindStatusChange:
		return place(ctx, s.StatusChanges, keys, at, nodes, fields)
	case parley.KindStakeholder:
		return place(ctx, s.Stakeholders, keys, at, nodes, fields)
	case parley.KindAffiliation:
		return place(ctx, s.Affiliations, keys, at, nodes, fields)
	case parley.KindParticipation:
		return place(ctx, s.Participations, keys, at, nodes, fields)
	case parley.KindPosition:
		return place(ctx, s.Positions, keys, at, nodes, fields)
	case parley.KindSource:
		return place(ctx, s.Sources, keys, at, nodes, fields)
	case parley.KindStatement:
		return place(ctx, s.Statements, keys, at, nodes, fields)
	case parley.KindEvent:
		return place(ctx, s.Events, keys, at, nodes, fields)
	case parley.KindAssessment:
		return place(ctx, s.Assessments, keys, at, nodes, fields)
	case parley.KindAnalyst:
		return place(ctx, s.Analysts, keys, at, nodes, fields)
	}
	return fmt.Errorf("no reads for records of kind %s", kind)
}

// place reads the records of one kind and puts them at their places among the rest.
func place[T any](ctx context.Context, read func(context.Context, []Key, *Fields) ([]*T, error), keys []Key, at []int, nodes []parley.Node, fields *Fields) error {
	chosen := make([]Key, len(at))
	for i, p := range at {
		chosen[i] = keys[p]
	}
	found, err := read(ctx, chosen, fields)
	if err != nil {
		return err
	}
	for i, p := range at {
		if found[i] != nil {
			nodes[p] = found[i]
		}
	}
	return nil
}

// Node is the record that a key names; nil when there is none.
func (s *Snapshot) Node(ctx context.Context, k Key, fields *Fields) (parley.Node, error) {
	if k.Lens == (parley.Lens{}) {
		var err error
		if k.Lens, err = s.Lens(ctx); err != nil {
			return nil, err
		}
	}
	if k.Path != "" {
		found, err := s.everKnown(ctx, []string{k.Path})
		if err != nil || found[k.Path] == nil {
			return nil, err
		}
		k = Key{ID: found[k.Path].ID, Lens: k.Lens}
	}
	nodes, err := s.Nodes(ctx, []Key{k}, fields)
	if err != nil {
		return nil, err
	}
	return nodes[0], nil
}
