package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

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
			nodes[p] = any(found[i]).(parley.Node)
		}
	}
	return nil
}

// Objects are those with these very ids, whatever their kind and their place in valid time; nil where there is none. A
// key stands for what is known by it now.
func (s *Snapshot) Objects(ctx context.Context, ids []string, fields *Fields) ([]parley.Node, error) {
	named, keys := make([]parley.ObjectID, len(ids)), make([]Key, len(ids))
	var byKey []string
	for i, text := range ids {
		o, isID := parley.ReadObjectID(text)
		if !isID && parley.ReadRef(text).Key != "" {
			byKey = append(byKey, text)
		}
		lens, err := s.asked(ctx, o.AsOf())
		if err != nil {
			return nil, err
		}
		named[i], keys[i] = o, Key{ID: o.Record, Lens: lens}
	}
	keys, err := s.lensed(ctx, keys)
	if err != nil {
		return nil, err
	}
	if len(byKey) > 0 {
		known, err := everKnown(ctx, &s.Reader, byKey)
		if err != nil {
			return nil, err
		}
		for i, text := range ids {
			if slices.Contains(byKey, text) {
				if t := known.at(text, &keys[i].Lens.KnownAt); t != nil {
					keys[i].ID = t.ID
				}
			}
		}
	}
	objects, err := s.Nodes(ctx, keys, fields)
	if err != nil {
		return nil, err
	}
	if err := s.placeVersions(ctx, named, keys, objects, fields); err != nil {
		return nil, err
	}
	for i, o := range named {
		if _, isAnalyst := objects[i].(*parley.Analyst); isAnalyst && !o.IsPlain() {
			objects[i] = nil // an analyst has no lens
		}
	}
	return objects, nil
}

// placeVersions puts the versions that ids name in the places of what the lens shows, if they are others.
func (s *Snapshot) placeVersions(
	ctx context.Context, named []parley.ObjectID, keys []Key, objects []parley.Node, fields *Fields,
) error {
	keys = slices.Clone(keys)
	var places []int
	for i, o := range named {
		if o.Version != uuid.Nil {
			objects[i], keys[i].ID = nil, o.Version
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return nil
	}
	for _, n := range nouns {
		if err := n.placeVersions(ctx, s, keys, places, objects, fields); err != nil {
			return err
		}
	}
	for _, i := range places {
		if objects[i] != nil && objects[i].ObjectID().Record != named[i].Record {
			objects[i] = nil
		}
	}
	return nil
}

// KindOf is the kind of a record, also of a retracted one.
func (s *Snapshot) KindOf(ctx context.Context, id uuid.UUID) (kind parley.Kind, err error) {
	err = s.Rows(ctx, `SELECT record_send(ROW(kind::text)) FROM {records} WHERE id = $1`, []any{id},
		func(sent rows.Row) { kind = parley.Kind(sent.Next().Text()) })
	if err != nil {
		return "", fmt.Errorf("read the kind of a record: %w", err)
	}
	return kind, nil
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

// Ever reads records as read does. One that is not on record any more is read as the one that it was merged into; one
// that was retracted, as it was last on record. Superseded versions refer to such records.
func Ever[T any](
	read func(*Snapshot, context.Context, []Key, *Fields) ([]*T, error),
) func(*Snapshot, context.Context, []Key, *Fields) ([]*T, error) {
	return func(s *Snapshot, ctx context.Context, keys []Key, fields *Fields) ([]*T, error) {
		found, err := read(s, ctx, keys, fields)
		if err != nil {
			return nil, err
		}
		var gone []int
		var refs []string
		for i, k := range keys {
			if found[i] == nil && k.ID != uuid.Nil {
				gone, refs = append(gone, i), append(refs, k.ID.String())
			}
		}
		if len(gone) == 0 {
			return found, nil
		}
		known, err := everKnown(ctx, &s.Reader, refs)
		if err != nil {
			return nil, err
		}
		last := make([]Key, len(gone))
		for i, place := range gone {
			last[i] = known.last(keys[place])
		}
		again, err := read(s, ctx, last, fields)
		if err != nil {
			return nil, err
		}
		for i, place := range gone {
			found[place] = again[i]
		}
		return found, nil
	}
}

// last is the key of what a record is read as where it is not on record.
func (n namedRecords) last(k Key) Key {
	t := n.leadsTo(parley.Ref{ID: k.ID}, &k.Lens.KnownAt)
	switch {
	case t == nil:
		return k
	case t.wasRetracted(&k.Lens.KnownAt):
		k.Lens = parley.Pinned(k.Lens.ValidAt, t.goneSince(&k.Lens.KnownAt).Add(-time.Microsecond))
	}
	k.ID = t.ID
	return k
}
