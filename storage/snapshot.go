package storage

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"parley"
)

// Snapshot is one state of the database, for all the reads of one operation.
type Snapshot struct {
	reader
	tx *sqlx.Tx
	// Lens is now on both axes: what an operation that asks for nothing else is read through.
	Lens parley.Lens
	// Head is the number of the last change in it.
	Head int64
}

// Snapshot opens one. It holds a connection until it is closed.
func (s *Store) Snapshot(ctx context.Context) (*Snapshot, error) {
	tx, err := s.db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("open a snapshot: %w", err)
	}
	snapshot := &Snapshot{reader: reader{store: s, tx: tx}, tx: tx}
	now, err := snapshot.now(ctx)
	if err != nil {
		tx.Rollback()
		return nil, err
	}
	snapshot.Head = now.Seq
	snapshot.Lens = parley.Lens{ValidAt: now.Now.UTC(), KnownAt: now.RecordedAt.UTC()}
	return snapshot, nil
}

// Close ends the snapshot. Closing it again does nothing.
func (s *Snapshot) Close() { s.tx.Rollback() }

// reader runs the reads of one transaction, one at a time: a transaction has one connection.
type reader struct {
	store *Store
	tx    *sqlx.Tx
	turn  sync.Mutex
}

// all reads every row of a statement into the slice that dest points to.
func (r *reader) all(ctx context.Context, dest any, statement string, args ...any) error {
	r.turn.Lock()
	defer r.turn.Unlock()
	r.store.statements.Add(1)
	return r.tx.SelectContext(ctx, dest, statement, args...)
}

type now struct {
	Now        time.Time `db:"now"`
	RecordedAt time.Time `db:"recorded_at"`
	Seq        int64     `db:"seq"`
}

// now is the database's clock, or the last recordedAt where the clock was stepped back behind it.
func (r *reader) now(ctx context.Context) (now, error) {
	var rows []now
	err := r.all(ctx, &rows, `
		SELECT greatest(clock_timestamp(), recorded_at) AS now, recorded_at, seq
		FROM feed_head`)
	if err != nil {
		return now{}, fmt.Errorf("read the head of the feed: %w", err)
	}
	return rows[0], nil
}

// Key asks for what belongs to a record, seen through a lens.
type Key struct {
	ID   uuid.UUID
	Lens parley.Lens
}

// query is the text of a read for a set of keys, all in one statement. In its text
//
//	{keys}      is a relation of the keys: id, valid_at, known_at and their number n
//	{known x}   says that the row x was on record at k.known_at
//
// where k names the relation of the keys. Unless a lens is pinned in the past, the condition says that the row is open:
// a literal, so that the indexes on open rows serve.
type query struct {
	keys   []Key
	pinned bool
	args   []any
	fault  error // what can't be asked
}

func newQuery(keys []Key) *query {
	q := &query{keys: keys}
	ids := make(uuids, len(keys))
	validAt := make([]time.Time, len(keys))
	knownAt := make([]time.Time, len(keys))
	for i, k := range keys {
		ids[i], validAt[i], knownAt[i] = k.ID, k.Lens.ValidAt, k.Lens.KnownAt
		q.pinned = q.pinned || k.Lens.Pinned
	}
	q.arg(ids)
	q.arg(instants(validAt))
	q.arg(instants(knownAt))
	return q
}

// arg adds an argument and returns how the text refers to it.
func (q *query) arg(value any) string {
	q.args = append(q.args, value)
	return "$" + strconv.Itoa(len(q.args))
}

var knownMacro = regexp.MustCompile(`\{known (\w+)\}`)
var keysMacro = regexp.MustCompile(`\{keys\}`)

func (q *query) expand(text string) string {
	text = keysMacro.ReplaceAllLiteralString(text,
		`unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS k(id, valid_at, known_at, n)`)
	if q.pinned {
		return knownMacro.ReplaceAllString(text, `($1.recorded_at <= k.known_at AND $1.superseded_at > k.known_at)`)
	}
	return knownMacro.ReplaceAllString(text, `$1.superseded_at = 'infinity'`)
}

// instants writes a timestamptz[]: lib/pq has no array of time.
func instants(times []time.Time) words[string] {
	texts := make(words[string], len(times))
	for i, t := range times {
		texts[i] = parley.FormatInstant(t)
	}
	return texts
}

// numbered is what every row read for a set of keys begins with: the number of its key, from 1.
type numbered struct {
	N int `db:"n"`
}

func (n numbered) index() int { return n.N - 1 }

// row is a row of a table that holds a noun of type T.
type row[T any] interface {
	index() int
	noun(parley.Lens) *T
}

// each reads what belongs to each key, in the order of the statement.
func each[R row[T], T any](ctx context.Context, r *reader, q *query, text string) ([][]*T, error) {
	lists := make([][]*T, len(q.keys))
	if len(q.keys) == 0 {
		return lists, nil
	}
	var rows []R
	if err := r.all(ctx, &rows, q.expand(text), q.args...); err != nil {
		return nil, err
	}
	for _, row := range rows {
		i := row.index()
		lists[i] = append(lists[i], row.noun(q.keys[i].Lens))
	}
	return lists, nil
}

// one reads the one thing that belongs to each key; nil where there is none.
func one[R row[T], T any](ctx context.Context, r *reader, keys []Key, text string) ([]*T, error) {
	distinct, places := distinctKeys(keys)
	lists, err := each[R](ctx, r, newQuery(distinct), text)
	if err != nil {
		return nil, err
	}
	found := make([]*T, len(keys))
	for i, place := range places {
		if list := lists[place]; len(list) > 0 {
			found[i] = list[0]
		}
	}
	return found, nil
}

// distinctKeys leaves out repeated keys and says where each one went.
func distinctKeys(keys []Key) (distinct []Key, places []int) {
	seen := make(map[Key]int, len(keys))
	places = make([]int, len(keys))
	for i, k := range keys {
		place, ok := seen[k]
		if !ok {
			place = len(distinct)
			seen[k] = place
			distinct = append(distinct, k)
		}
		places[i] = place
	}
	return distinct, places
}
