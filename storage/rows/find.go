package rows

import (
	"context"
	"strings"
)

// Find reads the record that each key names; nil where there is none. A snapshot does not read again what it has read.
func Find[T any](ctx context.Context, r *Reader, t *Table[T], keys []Key, fields *Fields) ([]*T, error) {
	join := "{" + t.Name + " " + t.Alias + "} ON " + t.Alias + ".id = k.id AND {known " + t.Alias + "}"
	if r.snapshot == nil {
		return readOne(ctx, r, t, keys, fields, join)
	}
	r.snapshot.turn.Lock()
	defer r.snapshot.turn.Unlock()
	cache, columns := cacheOf(r.snapshot, t), t.Columns.NeededFor(fields)
	found := make([]*T, len(keys))
	missing, places := cache.lacks(keys, columns, found)
	if len(missing) == 0 {
		return found, nil
	}
	read, err := readOne(ctx, r, t, missing, fields, join)
	if err != nil {
		return nil, err
	}
	for i, k := range missing {
		if read[i] != nil {
			cache.add(read[i], columns)
		} else if k.Path == "" && !k.Lens.IsZero() {
			cache.put(identityOf(k.ID, k.Lens), held[T]{columns: columns})
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
func readOne[T any](
	ctx context.Context, r *Reader, t *Table[T], keys []Key, fields *Fields, join string,
) ([]*T, error) {
	found := make([]*T, len(keys))
	q := r.Query(keys)
	err := read(ctx, t, q, fields, q.Join()+join, "", func(n int, record *T) { found[n] = record })
	return found, err
}

// replaced are the fields that tell whether a version is the one that the lens shows. Where it may be another, the id
// names it.
var replaced = []string{"version", "supersededAt"}

// Versions reads the version that each key names, as it last was at the lens's known instant; nil where there is none.
func Versions[T any](ctx context.Context, r *Reader, t *Table[T], versions []Key, fields *Fields) ([]*T, error) {
	r.snapshot.turn.Lock()
	defer r.snapshot.turn.Unlock()
	return readOne(ctx, r, t, versions, fields.And(replaced...), VersionOf(t.Name)+" "+t.Alias+" ON true")
}

// VersionOf is the last row of the version that a key names.
func VersionOf(table string) string {
	return `LATERAL (
		SELECT * FROM {` + table + `}
		WHERE version = k.id AND recorded_at <= k.known_at
		ORDER BY recorded_at DESC
		LIMIT 1)`
}

// Each reads the records that are joined to each key, in order.
func Each[T any](ctx context.Context, t *Table[T], q *Query, fields *Fields, join, order string) ([][]*T, error) {
	if s := q.reader.snapshot; s != nil {
		s.turn.Lock()
		defer s.turn.Unlock()
	}
	lists := make([][]*T, len(q.Keys))
	err := read(ctx, t, q, fields, "JOIN "+join, order, func(n int, record *T) {
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

// read reads the records that are joined to the keys, each with the place of its key.
func read[T any](
	ctx context.Context, t *Table[T], q *Query, fields *Fields, join, order string, each func(int, *T),
) error {
	if len(q.Keys) == 0 {
		return nil
	}
	snapshot := q.reader.snapshot
	statement := keep(fields, readKey{t, q.from, snapshot == nil, join, order}, func() statementOf[T] {
		var along reading
		records := t.records(&along, t.Alias, fields, func(sql string) string { return sql })
		if records.joined {
			join += " LEFT JOIN " + Aliased(t.Join, t.Alias)
		}
		if order != "" {
			order = " ORDER BY " + order
		}
		return statementOf[T]{records, q.Expand("SELECT record_send(ROW(" + q.header() + ", " +
			strings.Join(along.selected, ", ") + ")) FROM {keys} " + join + " " + strings.Join(along.joins, " ") +
			order)}
	})
	return q.reader.send(ctx, statement.text, q.bind(q.Args), func(sent Row) {
		n := q.begin(&sent)
		if record := statement.records.read(&sent, q.Keys[n].Lens, snapshot); record != nil {
			each(n, record)
		}
	})
}
