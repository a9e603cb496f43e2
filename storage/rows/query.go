package rows

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// Key asks for what belongs to a record, seen through a lens.
type Key struct {
	ID   uuid.UUID
	Path string      // instead of the id: the record's key, below its negotiation's
	Lens parley.Lens // the zero lens: the snapshot's own
}

// KeyOf asks for the record that a client names by its id or key.
func KeyOf(ref string) Key {
	r := parley.ReadRef(ref)
	return Key{ID: r.ID, Path: r.Key}
}

// KeysOf are the keys of records with these ids, as a transaction sees them.
func KeysOf(ids ...uuid.UUID) []Key {
	keys := make([]Key, len(ids))
	for i, id := range ids {
		keys[i].ID = id
	}
	return keys
}

// RecordIDs are the ids that keys ask for.
func RecordIDs(keys []Key) IDs {
	ids := make(IDs, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	return ids
}

// Query asks for what belongs to a set of keys, in one SQL statement.
type Query struct {
	Keys []Key
	Args []any
	// Fault is why nothing can be answered, and Faults why some keys can't be; nil: they can.
	Fault  error
	Faults KeyFaults

	reader *Reader
	from   string // what {keys} stands for
	lens   int    // where the arguments for the lens stand, if it is the snapshot's own and may be unknown; -1: nowhere
}

// Query asks for what belongs to the keys.
func (r *Reader) Query(keys []Key) *Query {
	q := &Query{reader: r, Keys: keys, lens: -1}
	if r.snapshot != nil && len(keys) == 1 && keys[0].Lens.IsZero() {
		q.fromHead(keys[0])
	} else {
		q.fromKeys()
	}
	return q
}

// fromHead looks the record up by its path if need be, and takes now for the lens if that is not known yet.
func (q *Query) fromHead(k Key) {
	q.Keys, q.lens = []Key{k}, 1
	if k.Path != "" {
		q.Args, q.from = []any{k.Path, nil, nil}, oneByPath
	} else {
		q.Args, q.from = []any{IDArg(k.ID), nil, nil}, oneByID
	}
}

// calledAt is the id of the record that was on record under a key, an argument, at an instant; where that one had been
// merged by then, the id of the one that it was merged into.
func calledAt(key, instant string) string {
	return `coalesce((SELECT i.id FROM {records i} WHERE i.path = ` + key + ` AND ` + OnRecord("i", instant) +
		`), merged_at(` + key + `, ` + instant + `))`
}

// OnRecord says that a record was on record at an instant. Its absences are the instants at which it was retracted and
// restored by turns, so it was away after an odd number of them.
func OnRecord(record, instant string) string {
	return strings.NewReplacer("@", record, "{at}", instant).Replace(
		`@.recorded_at <= {at} AND @.retracted_at > {at} AND width_bucket({at}, @.absences) % 2 = 0`)
}

var oneByPath = `(SELECT 1::bigint AS n, ` + calledAt("$1", "coalesce($3::timestamptz, h.recorded_at)") + ` AS id, ` +
	throughTheHead

const (
	oneByID = `(SELECT 1::bigint AS n, $1::uuid AS id, ` + throughTheHead

	throughTheHead = `h.seq,
		coalesce($2::timestamptz, greatest(clock_timestamp(), h.recorded_at)) AS valid_at,
		coalesce($3::timestamptz, h.recorded_at) AS known_at
		FROM feed_head h) k`
)

// fromKeys makes the relation from what is known. One key, or one lens, is worth a text of its own, which the database
// plans better.
func (q *Query) fromKeys() {
	if len(q.Keys) == 1 {
		k := q.Keys[0]
		id := q.Arg(IDArg(k.ID)) + `::uuid`
		if k.Path != "" {
			q.Args = nil
			id = calledAt(q.Arg(k.Path), q.Arg(InstantArg(k.Lens.KnownAt))+"::timestamptz")
		}
		q.from = `(SELECT 1::bigint AS n, ` + id + ` AS id, ` + q.Instants(k.Lens) + `) k`
		return
	}
	oneLens := !slices.ContainsFunc(q.Keys, func(k Key) bool { return !k.Lens.SameInstants(q.Keys[0].Lens) })
	ids := q.Arg(RecordIDs(q.Keys))
	if oneLens && len(q.Keys) > 0 {
		q.from = `(SELECT u.n, u.id, ` + q.Instants(q.Keys[0].Lens) + ` FROM unnest(` + ids +
			`::uuid[]) WITH ORDINALITY u(id, n)) k`
		return
	}
	validAt, knownAt := make([]parley.Instant, len(q.Keys)), make([]parley.Instant, len(q.Keys))
	for i, k := range q.Keys {
		validAt[i], knownAt[i] = k.Lens.ValidAt, k.Lens.KnownAt
	}
	q.from = `unnest(` + ids + `::uuid[], ` + q.Arg(instantsArg(validAt)) + `::timestamptz[], ` +
		q.Arg(instantsArg(knownAt)) + `::timestamptz[]) WITH ORDINALITY AS k(id, valid_at, known_at, n)`
}

// Instants are the two columns valid_at and known_at of a lens, for a relation that takes the place of k.
func (q *Query) Instants(lens parley.Lens) string {
	return q.Arg(InstantArg(lens.ValidAt)) + `::timestamptz AS valid_at, ` + q.Arg(InstantArg(lens.KnownAt)) +
		`::timestamptz AS known_at`
}

// Arg adds an argument and returns how the text refers to it.
func (q *Query) Arg(value any) string {
	q.Args = append(q.Args, value)
	return "$" + strconv.Itoa(len(q.Args))
}

// Expand writes out the macros of a text:
//
//	{keys}        a relation of the keys, k: id, valid_at, known_at and their number n
//	{known x}     the row x was on record at k.known_at; in a transaction, it is open
//	{version x}   as known at k.known_at, the row x is the last one of a version, superseded or not
//	{positions p} the rows of a table, with an alias or without
func (q *Query) Expand(text string) string { return expand(text, q.reader, q.from) }

// Expand writes out {positions p}, and in a transaction {known x}.
func (r *Reader) Expand(text string) string { return expand(text, r, "") }

func expand(text string, r *Reader, keys string) string {
	return macros(text, func(word, x string) (string, bool) {
		switch {
		case word == "known" && r.snapshot == nil:
			return x + ".superseded_at = 'infinity'", true
		case word == "known":
			return "(" + x + ".recorded_at <= k.known_at AND " + x + ".superseded_at > k.known_at)", true
		case word == "version":
			return "(" + x + ".recorded_at <= k.known_at AND (" + x + ".superseded_at > k.known_at OR " + x +
				".closed_by NOT IN ('RECUT', 'MERGED')))", true
		case word == "keys":
			return expand(keys, r, ""), true
		}
		return relation(r, word, x), isName(word)
	})
}

// relations writes out {positions p} only.
func relations(text string) string {
	return macros(text, func(word, x string) (string, bool) {
		return relation(nil, word, x), isName(word) && word != "known" && word != "version"
	})
}

// macros replaces what stands in braces, a word and what follows it. What it does not replace, such as an empty array,
// stays as it is.
func macros(text string, replace func(word, rest string) (string, bool)) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/2)
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		macro, after, _ := strings.Cut(rest, "}")
		word, x, _ := strings.Cut(macro, " ")
		if by, ok := replace(word, x); ok {
			b.WriteString(by)
		} else {
			b.WriteString("{" + macro + "}")
		}
		text = after
	}
}

func isName(word string) bool {
	return word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// relation is what a reader sees of a table: all its rows. Every statement that reads a table takes this way.
func relation(_ *Reader, table, alias string) string {
	if alias == "" {
		return table
	}
	return table + " " + alias
}

// header is what every row begins with: the lens, where it may have to be learnt, and the number of its key.
func (q *Query) header() string {
	if q.lens >= 0 {
		return "k.valid_at, k.known_at, k.seq, k.n"
	}
	return "k.n"
}

// bind fills in the lens where it is known.
func (q *Query) bind(args []any) []any {
	if s := q.reader.snapshot; q.lens >= 0 && s.lens != nil {
		args[q.lens], args[q.lens+1] = InstantArg(s.lens.ValidAt), InstantArg(s.lens.KnownAt)
	}
	return args
}

// begin reads the header of a row and returns the place of its key.
func (q *Query) begin(sent *Row) int {
	if q.lens >= 0 {
		s := q.reader.snapshot
		validAt, knownAt, head := sent.Next(), sent.Next(), sent.Next()
		if s.lens == nil {
			s.learn(parley.NewLens(validAt.Time(), knownAt.Time()), head.Number())
		}
		q.Keys[0].Lens = *s.lens
	}
	return int(sent.Next().Number()) - 1
}

// Run selects columns for the keys and calls each with the place of the key and the columns of every row. The text
// begins with FROM {keys}; macros are expanded in both. What comes after a LEFT JOIN may be NULL, since a key with the
// snapshot's own lens gets a row in any case (see Join).
func (q *Query) Run(ctx context.Context, columns, text string, each func(n int, sent *Row)) error {
	s := q.reader.snapshot
	if s != nil {
		s.turn.Lock()
		defer s.turn.Unlock()
	}
	statement := q.Expand("SELECT record_send(ROW(" + q.header() + ", " + columns + "))\n" + text)
	return q.reader.send(ctx, statement, q.bind(q.Args), func(sent Row) {
		n := q.begin(&sent)
		each(n, &sent)
	})
}

// Join is how what belongs to the keys is joined to them. Where the lens may have to be learnt, a row has to come in
// any case.
func (q *Query) Join() string {
	if q.lens >= 0 {
		return "LEFT JOIN "
	}
	return "JOIN "
}

// LooksBack says whether some lens shows the world as it stood before the last of what it knows. Scenarios that came on
// the table in between are out of sight then.
func (q *Query) LooksBack() bool {
	return slices.ContainsFunc(q.Keys, func(k Key) bool { return k.Lens.ValidAt.Before(k.Lens.KnownAt) })
}

// Refused are the faults of some keys; nil where there are none.
func (q *Query) Refused() error {
	if q.Faults == nil {
		return nil
	}
	return q.Faults
}

// KeyFaults are why some keys of a read can't be answered, by the place of the key, while the rest is.
type KeyFaults []error

func (f KeyFaults) Error() string { return errors.Join(f...).Error() }

// Errors are the fault of each key; nil where there is none.
func (f KeyFaults) Errors() []error { return f }
