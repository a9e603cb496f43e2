package storage

import (
	"strconv"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
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
