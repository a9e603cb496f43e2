package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// Nodes are the records with these ids, whatever their kind and their place in valid time; nil where there is none.
func (s *Snapshot) Nodes(ctx context.Context, keys []Key, fields *Fields) ([]parley.Node, error) {
	kinds := make(map[uuid.UUID]parley.Kind)
	err := s.Rows(ctx, `
		SELECT record_send(ROW(id, kind::text)) FROM {records} WHERE id = ANY($1) UNION ALL
		SELECT record_send(ROW(id, 'ANALYST'::text)) FROM {analysts}
			WHERE id = ANY($1)`, []any{rows.RecordIDs(keys)}, func(sent rows.Row) {
		id := sent.Next().ID()
		kinds[id] = parley.Kind(sent.Next().Text())
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
	for i, n := range nouns {
		if at := places[descriptions[i].kind]; len(at) > 0 {
			if err := n.place(ctx, s, keys, at, nodes, fields); err != nil {
				return nil, err
			}
		}
	}
	return nodes, place(ctx, s.Analysts, keys, places[parley.KindAnalyst], nodes, fields)
}

// place reads the records of one kind and puts them at their places among the rest.
func place[T any](
	ctx context.Context, read func(context.Context, []Key, *Fields) ([]*T, error), keys []Key, at []int,
	nodes []parley.Node, fields *Fields,
) error {
	if len(at) == 0 {
		return nil
	}
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

// Node is the record that a key names; nil where there is none.
func (s *Snapshot) Node(ctx context.Context, k Key, fields *Fields) (parley.Node, error) {
	if k.Lens.IsZero() {
		var err error
		if k.Lens, err = s.Lens(ctx); err != nil {
			return nil, err
		}
	}
	if k.Path != "" {
		found, err := everKnown(ctx, &s.Reader, []string{k.Path})
		if err != nil {
			return nil, err
		}
		t := found.at(k.Path, &k.Lens.KnownAt)
		if t == nil {
			return nil, nil
		}
		k = Key{ID: t.ID, Lens: k.Lens}
	}
	nodes, err := s.Nodes(ctx, []Key{k}, fields)
	if err != nil {
		return nil, err
	}
	return nodes[0], nil
}
