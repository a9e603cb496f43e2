package storage

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"parley"
)

// table is how the rows of a noun are read. In its SQL, "@" is the alias of the row.
type table[T any] struct {
	name       string
	alias      string // where a statement is about it
	self       func(*T) (*uuid.UUID, *parley.Lens)
	columns    columns[T] // but for the id
	status     string     // a join that columns of "@c" need; empty: there are none
	references []reference
}

// columns are those of a row. A set of them is a bit each.
type columns[T any] []column[T]

// neededFor are the columns that the fields need.
func (c columns[T]) neededFor(fields *Fields) (set uint64) {
	for i, own := range c {
		if len(own.fields) == 0 || fields.has(own.fields...) {
			set |= 1 << i
		}
	}
	return set
}

// sql are the expressions of some columns, for a row with the alias.
func (c columns[T]) sql(set uint64, alias string) []string {
	list := make([]string, 0, len(c))
	for ; set != 0; set &= set - 1 {
		list = append(list, aliased(c[bits.TrailingZeros64(set)].sql, alias))
	}
	return list
}

// read takes some columns off a row.
func (c columns[T]) read(sent *row, set uint64, into *T) {
	for ; set != 0; set &= set - 1 {
		c[bits.TrailingZeros64(set)].set(into, sent.next())
	}
}

// column is one value of a row, and where it goes. It is read when one of the fields is asked for; with no fields, always.
type column[T any] struct {
	fields []string
	sql    string
	set    func(*T, value)
}

func columnOf[T, V any](fields, sql string, at func(*T) *V, read func(value) V) column[T] {
	return column[T]{strings.Fields(fields), sql, func(t *T, v value) { *at(t) = read(v) }}
}

// optionalOf is a column that may be NULL.
func optionalOf[T, V any](fields, sql string, at func(*T) **V, read func(value) V) column[T] {
	return column[T]{strings.Fields(fields), sql, func(t *T, v value) {
		if v != nil {
			known := read(v)
			*at(t) = &known
		}
	}}
}

// listOf is an array; an empty one stays nil.
func listOf[T, V any](fields, sql string, at func(*T) *[]V, read func(value) V) column[T] {
	return column[T]{strings.Fields(fields), sql, func(t *T, v value) {
		elements := v.elements()
		if len(elements) == 0 {
			return
		}
		list := make([]V, len(elements))
		for i, e := range elements {
			list[i] = read(e)
		}
		*at(t) = list
	}}
}

func readText[S ~string](v value) S   { return S(v.text()) }
func readInt(v value) int             { return int(v.number()) }
func readTime(v value) parley.Instant { return v.instant().time() }

func text[T any, S ~string](fields, sql string, at func(*T) *S) column[T] {
	return columnOf(fields, sql, at, readText[S])
}

func optionalText[T any, S ~string](fields, sql string, at func(*T) **S) column[T] {
	return optionalOf(fields, sql, at, readText[S])
}

func textList[T any, S ~string](fields, sql string, at func(*T) *[]S) column[T] {
	return listOf(fields, sql, at, readText[S])
}

func id[T any](fields, sql string, at func(*T) *uuid.UUID) column[T] {
	return columnOf(fields, sql, at, value.id)
}

func optionalID[T any](fields, sql string, at func(*T) **uuid.UUID) column[T] {
	return optionalOf(fields, sql, at, value.id)
}

func idList[T any](fields, sql string, at func(*T) *[]uuid.UUID) column[T] {
	return listOf(fields, sql, at, value.id)
}

func number[T any](fields, sql string, at func(*T) *int64) column[T] {
	return columnOf(fields, sql, at, value.number)
}

func flag[T any](fields, sql string, at func(*T) *bool) column[T] {
	return columnOf(fields, sql, at, value.flag)
}

func optionalNumber[T any](fields, sql string, at func(*T) **int) column[T] {
	return optionalOf(fields, sql, at, readInt)
}

func when[T any](fields, sql string, at func(*T) *parley.Instant) column[T] {
	return columnOf(fields, sql, at, readTime)
}

// optionalWhen is an instant that may be NULL or infinite, which both leave it open.
func optionalWhen[T any](fields, sql string, at func(*T) **parley.Instant) column[T] {
	return column[T]{strings.Fields(fields), sql, func(t *T, v value) {
		if v != nil && !v.instant().isInfinite() {
			known := readTime(v)
			*at(t) = &known
		}
	}}
}

// provenance are the columns of parley.Provenance. content is the column that says when the version's content was
// recorded. A version is superseded when its last row is closed by anything but a cut.
func provenance[T any](content string, of func(*T) *parley.Provenance) []column[T] {
	return []column[T]{
		id("version dissenting", "@.version", func(t *T) *uuid.UUID { return &of(t).Version }),
		when("recordedAt", "@."+content, func(t *T) *parley.Instant { return &of(t).RecordedAt }),
		id("recordedBy", "@.recorded_by", func(t *T) *uuid.UUID { return &of(t).RecordedByID }),
		optionalText("correctionNote", "@.correction_note", func(t *T) **string { return &of(t).CorrectionNote }),
		optionalWhen("supersededAt", "CASE WHEN @.closed_by <> 'RECUT' AND @.superseded_at <= k.known_at THEN @.superseded_at END",
			func(t *T) **parley.Instant { return &of(t).SupersededAt }),
	}
}

// reference is a field that leads to one record of another table. Where it is asked for, that record is read along.
type reference struct {
	field string
	sql   string // the column that holds the other's id
	along func(r *reading, id string, fields *Fields) along
}

// along reads a record that comes along with another, for the resolver that will ask for it.
type along struct {
	read  func(*row, parley.Lens, *Snapshot)
	width int // in columns
}

func refersTo[T any](field, sql string, other *table[T]) reference {
	return reference{field, sql, func(r *reading, id string, fields *Fields) along {
		r.aliases++
		alias := "r" + strconv.Itoa(r.aliases)
		r.joins = append(r.joins, "LEFT JOIN "+other.name+" "+alias+" ON "+alias+".id = "+id+" AND {known "+alias+"}")
		records := other.records(r, alias, fields, func(sql string) string { return sql })
		if records.status {
			r.joins = append(r.joins, "LEFT JOIN "+aliased(other.status, alias))
		}
		return along{width: records.width, read: func(sent *row, lens parley.Lens, s *Snapshot) {
			if t := records.read(sent, lens, s); t != nil {
				shelfOf(s, other).add(t, records.columns)
			}
		}}
	}}
}

// reading is what a statement selects: the columns of whole rows, in order, and the joins that some of them need.
type reading struct {
	selected []string
	joins    []string
	aliases  int
}

// records reads the columns that a statement selects of a table.
type records[T any] struct {
	table   *table[T]
	columns uint64 // which ones, a bit each
	along   []along
	width   int  // in columns, those of what comes along included
	status  bool // some need the join for them
}

// records adds what the fields need to what is selected. lift makes an expression over the table's row known where the
// whole rows are put together.
func (t *table[T]) records(r *reading, alias string, fields *Fields, lift func(string) string) *records[T] {
	own := &records[T]{table: t, width: 1}
	r.selected = append(r.selected, lift(alias+".id"))
	own.columns = t.columns.neededFor(fields)
	for _, sql := range t.columns.sql(own.columns, alias) {
		own.width++
		own.status = own.status || t.status != "" && strings.HasPrefix(sql, alias+"c.")
		r.selected = append(r.selected, lift(sql))
	}
	for _, ref := range t.references {
		if fields != nil && fields.has(ref.field) {
			a := ref.along(r, lift(aliased(ref.sql, alias)), fields.under(ref.field))
			own.along = append(own.along, a)
			own.width += a.width
		}
	}
	return own
}

func aliased(sql, alias string) string { return strings.ReplaceAll(sql, "@", alias) }

// read takes a record and what comes along with it; nil when there is none.
func (r *records[T]) read(sent *row, lens parley.Lens, s *Snapshot) *T {
	id := sent.next()
	if id == nil {
		sent.skip(r.width - 1)
		return nil
	}
	t := new(T)
	ownID, ownLens := r.table.self(t)
	*ownID, *ownLens = id.id(), lens
	r.table.columns.read(sent, r.columns, t)
	for _, a := range r.along {
		a.read(sent, lens, s)
	}
	return t
}
