package rows

import (
	"strconv"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// Table is how the rows of one kind of record are read and inserted.
type Table[T any] struct {
	// Kind is that of the records; empty for rows that are no records.
	Kind parley.Kind
	// Name is the table's, and Alias what a statement about it calls its row.
	Name, Alias string
	// Self is the identity of a T and the lens through which it is seen.
	Self func(*T) (*uuid.UUID, *parley.Lens)
	// Columns are all but the id.
	Columns Columns[T]
	// Join is a left join that columns over "@c" need; empty: there are none.
	Join string
	// References lead to records whose ids stand in no column of their own.
	References []JoinedReference
}

// JoinedReference is a field whose record is read along where the field is selected.
type JoinedReference struct {
	field string
	sql   string // of the record's id
	along func(r *reading, id string, fields *Fields) along
}

// Joined leads by a field to the record with an id, an expression over the row "@".
func Joined[O any](field, id string, other *Table[O]) JoinedReference {
	return JoinedReference{field, id, readAlong(other)}
}

// along reads a record that comes along with another, for the resolver that will ask for it.
type along struct {
	read  func(*Row, parley.Lens, *Snapshot)
	width int // in columns
}

func readAlong[O any](other *Table[O]) func(*reading, string, *Fields) along {
	return func(r *reading, id string, fields *Fields) along {
		r.aliases++
		alias := "r" + strconv.Itoa(r.aliases)
		r.joins = append(r.joins, "LEFT JOIN {"+other.Name+" "+alias+"} ON "+alias+".id = "+id+" AND {known "+alias+"}")
		records := other.records(r, alias, fields, func(sql string) string { return sql })
		if records.joined {
			r.joins = append(r.joins, "LEFT JOIN "+Aliased(other.Join, alias))
		}
		return along{width: records.width, read: func(sent *Row, lens parley.Lens, s *Snapshot) {
			if t := records.read(sent, lens, s); t != nil {
				cacheOf(s, other).add(t, records.columns)
			}
		}}
	}
}

// reading is what a statement selects: the columns of whole rows, in order, and the joins that some of them need.
type reading struct {
	selected []string
	joins    []string
	aliases  int
}

// records reads the columns that a statement selects of a table.
type records[T any] struct {
	table   *Table[T]
	columns uint64 // which ones, a bit each
	along   []along
	width   int  // in columns, those of what comes along included
	joined  bool // some need the table's join
}

// records adds what the fields need to what is selected. lift makes an expression over the table's row known where the
// whole rows are put together.
func (t *Table[T]) records(r *reading, alias string, fields *Fields, lift func(string) string) *records[T] {
	own := &records[T]{table: t, width: 1}
	r.selected = append(r.selected, lift(alias+".id"))
	own.columns = t.Columns.NeededFor(fields)
	for _, sql := range t.Columns.SQL(own.columns, alias) {
		own.width++
		own.joined = own.joined || t.Join != "" && strings.HasPrefix(sql, alias+"c.")
		r.selected = append(r.selected, lift(sql))
	}
	if fields == nil {
		return own
	}
	for _, ref := range t.references() {
		if fields.Has(ref.field) {
			a := ref.along(r, lift(Aliased(ref.sql, alias)), fields.Under(ref.field))
			own.along = append(own.along, a)
			own.width += a.width
		}
	}
	return own
}

func (t *Table[T]) references() []JoinedReference {
	list := t.References
	for _, c := range t.Columns {
		if c.along != nil {
			list = append(list[:len(list):len(list)], JoinedReference{c.Fields[0], c.sql, c.along})
		}
	}
	return list
}

// read takes a record and what comes along with it; nil when there is none.
func (r *records[T]) read(sent *Row, lens parley.Lens, s *Snapshot) *T {
	id := sent.Next()
	if id == nil {
		sent.skip(r.width - 1)
		return nil
	}
	t := new(T)
	ownID, ownLens := r.table.Self(t)
	*ownID, *ownLens = id.ID(), lens
	r.table.Columns.Read(sent, r.columns, t)
	for _, a := range r.along {
		a.read(sent, lens, s)
	}
	return t
}
