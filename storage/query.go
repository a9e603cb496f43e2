package storage

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// Key asks for what belongs to a record, seen through a lens. Without a lens it is seen through the snapshot's own.
type Key struct {
	ID   uuid.UUID
	Path string // instead of the id, where that is not known: the human key, below its negotiation's
	Lens parley.Lens
}

// KeyOf asks for the record that a client names by its id or key.
func KeyOf(ref string) Key {
	if id, err := uuid.Parse(ref); err == nil {
		return Key{ID: id}
	}
	return Key{Path: strings.ReplaceAll(ref, "\x00", "")}
}

// query is the text of a read for a set of keys, all in one statement. In its text
//
//	{keys}      is a relation of the keys, k: id, valid_at, known_at and their number n
//	{known x}   says that the row x was on record at k.known_at; for a writer, that it is open
//	{version x} says that x is, as known at k.known_at, the last row of a version, be it superseded
type query struct {
	keys  []Key
	args  []any
	from  string // what {keys} stands for
	open  bool
	lens  int   // where the arguments for the lens are, if the snapshot's own is asked for; -1: it is not
	fault error // what can't be asked
	// faults are what can't be asked of some keys; nil: nothing.
	faults keyFaults
}

func (r *reader) newQuery(keys []Key) *query {
	q := &query{keys: keys, open: r.snapshot == nil, lens: -1}
	if !q.open && len(keys) == 1 && keys[0].Lens == (parley.Lens{}) {
		q.fromHead(keys[0])
	} else {
		q.fromKeys()
	}
	return q
}

// fromHead looks the record up by its path if need be, and takes now for the lens if that is not known yet.
func (q *query) fromHead(k Key) {
	q.keys, q.lens = []Key{k}, 1
	if k.Path != "" {
		q.args, q.from = []any{k.Path, nil, nil}, oneByPath
	} else {
		q.args, q.from = []any{binaryID(k.ID), nil, nil}, oneByID
	}
}

const (
	oneByID   = `(SELECT 1::bigint AS n, $1::uuid AS id, ` + throughTheHead
	oneByPath = `(SELECT 1::bigint AS n, (SELECT i.id FROM records i WHERE i.path = $1) AS id, ` + throughTheHead

	throughTheHead = `h.seq,
		coalesce($2::timestamptz, greatest(clock_timestamp(), h.recorded_at)) AS valid_at,
		coalesce($3::timestamptz, h.recorded_at) AS known_at
		FROM feed_head h) k`
)

// bind fills in the lens where it is known.
func (q *query) bind(s *Snapshot, args []any) []any {
	if q.lens >= 0 && s.lens != nil {
		args[q.lens], args[q.lens+1] = binaryInstant(s.lens.ValidAt), binaryInstant(s.lens.KnownAt)
	}
	return args
}

// fromKeys makes the relation from what is known. One key, or one lens, is worth a text of its own, which the database
// plans better.
func (q *query) fromKeys() {
	if len(q.keys) == 1 {
		k := q.keys[0]
		id := q.arg(binaryID(k.ID)) + `::uuid`
		if k.Path != "" {
			q.args = nil
			id = `(SELECT i.id FROM records i WHERE i.path = ` + q.arg(k.Path) + `)`
		}
		q.from = `(SELECT 1::bigint AS n, ` + id + ` AS id, ` + q.instants(k.Lens) + `) k`
		return
	}
	ids := make(uuids, len(q.keys))
	oneLens := true
	for i, k := range q.keys {
		ids[i] = k.ID
		oneLens = oneLens && k.Lens == q.keys[0].Lens
	}
	if oneLens && len(q.keys) > 0 {
		q.from = `(SELECT u.n, u.id, ` + q.instants(q.keys[0].Lens) + ` FROM unnest(` + q.arg(binaryIDs(ids)) + `::uuid[]) WITH ORDINALITY u(id, n)) k`
		return
	}
	validAt, knownAt := make([]parley.Instant, len(q.keys)), make([]parley.Instant, len(q.keys))
	for i, k := range q.keys {
		validAt[i], knownAt[i] = k.Lens.ValidAt, k.Lens.KnownAt
	}
	q.from = `unnest(` + q.arg(binaryIDs(ids)) + `::uuid[], ` + q.arg(binaryInstants(validAt)) + `::timestamptz[], ` +
		q.arg(binaryInstants(knownAt)) + `::timestamptz[]) WITH ORDINALITY AS k(id, valid_at, known_at, n)`
}

func (q *query) instants(lens parley.Lens) string {
	return q.arg(binaryInstant(lens.ValidAt)) + `::timestamptz AS valid_at, ` + q.arg(binaryInstant(lens.KnownAt)) + `::timestamptz AS known_at`
}

// arg adds an argument and returns how the text refers to it.
func (q *query) arg(value any) string {
	q.args = append(q.args, value)
	return "$" + strconv.Itoa(len(q.args))
}

// expand writes out what stands in braces.
func (q *query) expand(text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/2)
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		word, after, _ := strings.Cut(rest, "}")
		x, isKnown := strings.CutPrefix(word, "known ")
		v, isVersion := strings.CutPrefix(word, "version ")
		switch {
		case isVersion:
			b.WriteString("(" + v + ".recorded_at <= k.known_at AND (" + v + ".superseded_at > k.known_at OR " + v + ".closed_by <> 'RECUT'))")
		case isKnown && q.open:
			b.WriteString(x + ".superseded_at = 'infinity'")
		case isKnown:
			b.WriteString("(" + x + ".recorded_at <= k.known_at AND " + x + ".superseded_at > k.known_at)")
		case word == "keys":
			b.WriteString(q.from)
		default:
			b.WriteString("{" + word + "}")
		}
		text = after
	}
}

// header is what every row begins with: the number of its key, and the lens where it may have to be learnt.
func (q *query) header() string {
	if q.lens >= 0 {
		return "k.valid_at, k.known_at, k.seq, k.n"
	}
	return "k.n"
}

// begin reads the header of a row and returns the place of its key.
func (q *query) begin(s *Snapshot, sent *row) int {
	if q.lens >= 0 {
		validAt, knownAt, head := sent.next(), sent.next(), sent.next()
		if s.lens == nil {
			s.learn(parley.Lens{ValidAt: validAt.instant().time(), KnownAt: knownAt.instant().time()}, head.number())
		}
		q.keys[0].Lens = *s.lens
	}
	return int(sent.next().number()) - 1
}

// looksBack says whether some lens shows the world as it stood before the last of what it knows. What came on the table in
// between is out of sight then.
func (q *query) looksBack() bool {
	return slices.ContainsFunc(q.keys, func(k Key) bool { return k.Lens.ValidAt.Before(k.Lens.KnownAt) })
}

// join is how what belongs to the keys is joined to them: where the lens may have to be learnt, so that a row comes in any case.
func (q *query) join() string {
	if q.lens >= 0 {
		return "LEFT JOIN "
	}
	return "JOIN "
}

// Arguments in binary form, which nobody has to parse.

func binaryID(id uuid.UUID) []byte { return id[:] }

func binaryInstant(t parley.Instant) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro()-year2000))
}

func binaryIDs(ids []uuid.UUID) []byte {
	b := binaryArray(len(ids), 2950, 16)
	for i := range ids {
		b = append(binary.BigEndian.AppendUint32(b, 16), ids[i][:]...)
	}
	return b
}

func binaryInstants(times []parley.Instant) []byte {
	b := binaryArray(len(times), 1184, 8)
	for _, t := range times {
		b = append(binary.BigEndian.AppendUint32(b, 8), binaryInstant(t)...)
	}
	return b
}

// binaryArray is the head of an array of one dimension, its elements of the type with this oid.
func binaryArray(length int, oid uint32, size int) []byte {
	b := make([]byte, 0, 20+length*(4+size))
	for _, word := range []uint32{1, 0, oid, uint32(length), 1} {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	return b
}
