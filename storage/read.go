package storage

import (
	"context"
	"strings"

	"example.org/parley"
)

// find reads the record that each key names; nil where there is none. What the operation has read already is not read
// again.
func find[T any](ctx context.Context, r *reader, t *table[T], keys []Key, fields *Fields) ([]*T, error) {
	join := t.name + " " + t.alias + " ON " + t.alias + ".id = k.id AND {known " + t.alias + "}"
	if r.snapshot == nil {
		return readOne(ctx, r, t, keys, fields, join)
	}
	r.snapshot.turn.Lock()
	defer r.snapshot.turn.Unlock()
	shelf, columns := shelfOf(r.snapshot, t), t.columns.neededFor(fields)
	found := make([]*T, len(keys))
	missing, places := shelf.lacks(keys, columns, found)
	if len(missing) == 0 {
		return found, nil
	}
	read, err := readOne(ctx, r, t, missing, fields, join)
	if err != nil {
		return nil, err
	}
	for i, k := range missing {
		if read[i] != nil {
			shelf.add(read[i], columns)
		} else if k.Path == "" && k.Lens != (parley.Lens{}) {
			shelf.put(identityOf(k.ID, k.Lens), held[T]{columns: columns})
		}
	}
	for i, place := range places {
		if place >= 0 {
			found[i] = read[place]
		}
	}
	return found, nil
}

// readOne reads the one record that is joined to each key; nil where there is none.
func readOne[T any](ctx context.Context, r *reader, t *table[T], keys []Key, fields *Fields, join string) ([]*T, error) {
	found := make([]*T, len(keys))
	q := r.newQuery(keys)
	err := read(ctx, r, t, q, fields, q.join()+join, "", func(n int, record *T) { found[n] = record })
	return found, err
}

// readVersions reads the version that each key names, as it last was at the lens's known instant; nil where there is none.
func readVersions[T any](ctx context.Context, r *reader, t *table[T], versions []Key, fields *Fields) ([]*T, error) {
	r.snapshot.turn.Lock()
	defer r.snapshot.turn.Unlock()
	return readOne(ctx, r, t, versions, fields, versionOf(t.name)+" "+t.alias+" ON true")
}

// versionOf is the last row of the version that a key names.
func versionOf(table string) string {
	return `LATERAL (
		SELECT * FROM ` + table + `
		WHERE version = k.id AND recorded_at <= k.known_at
		ORDER BY recorded_at DESC
		LIMIT 1)`
}

// readEach reads the records that are joined to each key, in order.
func readEach[T any](ctx context.Context, r *reader, t *table[T], keys []Key, fields *Fields, join, order string) ([][]*T, error) {
	if r.snapshot != nil {
		r.snapshot.turn.Lock()
		defer r.snapshot.turn.Unlock()
	}
	return readLists(ctx, r, t, r.newQuery(keys), fields, join, order)
}

func readLists[T any](ctx context.Context, r *reader, t *table[T], q *query, fields *Fields, join, order string) ([][]*T, error) {
	lists := make([][]*T, len(q.keys))
	err := read(ctx, r, t, q, fields, "JOIN "+join, order, func(n int, record *T) {
		lists[n] = append(lists[n], record)
	})
	return lists, err
}

// statementOf reads records of a table.
type statementOf[T any] struct {
	records *records[T]
	text    string
}

// readKey tells the statements apart that read the same fields.
type readKey struct {
	table       any
	keys        string
	open        bool
	join, order string
}

// read reads the records that are joined to the keys, each with the number of its key.
func read[T any](ctx context.Context, r *reader, t *table[T], q *query, fields *Fields, join, order string, each func(int, *T)) error {
	if len(q.keys) == 0 {
		return nil
	}
	statement := keep(fields, readKey{t, q.from, q.open, join, order}, func() statementOf[T] {
		var along reading
		records := t.records(&along, t.alias, fields, func(sql string) string { return sql })
		if records.status {
			join += " LEFT JOIN " + aliased(t.status, t.alias)
		}
		if order != "" {
			order = " ORDER BY " + order
		}
		return statementOf[T]{records, q.expand("SELECT record_send(ROW(" + q.header() + ", " + strings.Join(along.selected, ", ") + ")) FROM {keys} " +
			join + " " + strings.Join(along.joins, " ") + order)}
	})
	return r.rows(ctx, statement.text, q.bind(r.snapshot, q.args), func(sent row) {
		n := q.begin(r.snapshot, &sent)
		if record := statement.records.read(&sent, q.keys[n].Lens, r.snapshot); record != nil {
			each(n, record)
		}
	})
}
