package resolvers

import (
	"context"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage"
)

// keys returns the key of each object of a level.
func keys[T any](objs []*T, key func(*T) storage.Key) []storage.Key {
	list := make([]storage.Key, len(objs))
	for i, o := range objs {
		list[i] = key(o)
	}
	return list
}

// at returns the key of a record that an object refers to, read through the object's lens. A nil reference finds
// nothing.
func at(lens parley.Lens, id *uuid.UUID) storage.Key {
	if id == nil {
		return storage.Key{Lens: lens}
	}
	return storage.Key{ID: *id, Lens: lens}
}

// load reads the records with these keys, with the selected fields only.
func load[T any](
	ctx context.Context, r *Resolver,
	read func(*storage.Snapshot, context.Context, []storage.Key, *storage.Fields) (T, error),
	keys []storage.Key,
) (T, error) {
	return read(r.snapshot(ctx), ctx, keys, r.fields(ctx))
}

// loadEach reads the records that the objects of a level refer to by lists of ids. Each list keeps its order.
func loadEach[P, T any](
	ctx context.Context, r *Resolver,
	read func(*storage.Snapshot, context.Context, []storage.Key, *storage.Fields) ([]*T, error),
	objs []*P, refs func(*P) (parley.Lens, []uuid.UUID),
) ([][]*T, error) {
	var flat []storage.Key
	for _, o := range objs {
		lens, ids := refs(o)
		for _, id := range ids {
			flat = append(flat, storage.Key{ID: id, Lens: lens})
		}
	}
	lists := make([][]*T, len(objs))
	if len(flat) == 0 {
		return lists, nil
	}
	found, err := load(ctx, r, read, flat)
	if err != nil {
		return nil, err
	}
	for i, o := range objs {
		_, ids := refs(o)
		lists[i] = make([]*T, 0, len(ids))
		for _, record := range found[:len(ids)] {
			if record != nil {
				lists[i] = append(lists[i], record)
			}
		}
		found = found[len(ids):]
	}
	return lists, nil
}

// shifts reads the cells that read differently since each change.
func shifts[C any](
	ctx context.Context, r *Resolver, changes []*C, entry func(*C) *parley.ChangeEntry,
) ([][]*parley.StanceShift, error) {
	entries := make([]*parley.ChangeEntry, len(changes))
	for i, c := range changes {
		entries[i] = entry(c)
	}
	return r.snapshot(ctx).ShiftsOf(ctx, entries, r.fields(ctx))
}

// nulls makes the values null of the objects that have none.
func nulls[P, V any](values []V, objs []*P, none func(*P) bool) []V {
	for i := range values {
		if none(objs[i]) {
			values[i] = *new(V)
		}
	}
	return values
}

// find looks up one record by id or key for a root field, through the lens asked for. It returns nil if there is none.
func find[T any](
	ctx context.Context, r *Resolver, ref string, asOf *parley.AsOf,
	read func(*storage.Snapshot, context.Context, []storage.Key, *storage.Fields) ([]*T, error),
) (*T, error) {
	key, err := r.snapshot(ctx).Key(ctx, ref, asOf)
	if err != nil {
		return nil, err
	}
	records, err := load(ctx, r, read, []storage.Key{key})
	if err != nil {
		return nil, err
	}
	return records[0], nil
}

func page(first *int, after *parley.Cursor, last *int, before *parley.Cursor) parley.Page {
	return parley.Page{First: first, After: after, Last: last, Before: before}
}

// labels composes the label of each object of a level from a record that it refers to. labelsOfTwo uses two records.
func labels[P, A any](objs []*P, a []*A, label func(*P, *A) string) []string {
	list := make([]string, len(objs))
	for i, o := range objs {
		list[i] = label(o, a[i])
	}
	return list
}

func labelsOfTwo[P, A, B any](objs []*P, a []*A, b []*B, label func(*P, *A, *B) string) []string {
	list := make([]string, len(objs))
	for i, o := range objs {
		list[i] = label(o, a[i], b[i])
	}
	return list
}

// nodesOf reads the records that each statement is about.
func (r *Resolver) nodesOf(ctx context.Context, objs []*parley.Statement) ([][]parley.Node, error) {
	found, err := loadEach(ctx, r, nodeByKey, objs,
		func(s *parley.Statement) (parley.Lens, []uuid.UUID) { return s.Lens, s.AboutIDs })
	if err != nil {
		return nil, err
	}
	lists := make([][]parley.Node, len(found))
	for i, list := range found {
		for _, node := range list {
			lists[i] = append(lists[i], *node)
		}
	}
	return lists, nil
}

// nameOf and titleOf return the name of a record, or "?" if the record is nil because the lens does not show it.
func nameOf(s *parley.Stakeholder) string {
	if s == nil {
		return "?"
	}
	return s.Name
}

func titleOf(s *parley.Scenario) string {
	if s == nil {
		return "?"
	}
	return s.Title
}

// byScenario returns what follows for each assessment from its scenario.
func byScenario[T any](
	ctx context.Context, r *Resolver, objs []*parley.Assessment, read func(*parley.Assessment, *parley.Scenario) T,
) ([]T, error) {
	scenarios, err := load(ctx, r, (*storage.Snapshot).ScoredBy,
		keys(objs, func(a *parley.Assessment) storage.Key { return at(a.Lens, &a.ScenarioID) }))
	if err != nil {
		return nil, err
	}
	values := make([]T, len(objs))
	for i, a := range objs {
		values[i] = read(a, scenarios[i])
	}
	return values, nil
}
