package rows

import (
	"math/bits"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// Column is one value of a row: where it stands in the table, where it goes in a T, and which fields of the API need
// it.
type Column[T any] struct {
	// Fields are those that need the column, by their names in the API. It is read when one of them is selected;
	// without any, always.
	Fields []string
	// Name is the column's name in the table. It is empty for an expression, which can only be read.
	Name string
	// Naming is what a column of ids names. Its zero value: records of no kind.
	Naming

	sql   string // in which "@" is the alias of the row
	set   func(*T, Value)
	get   func(*T) any // nil: what it holds is no value of the API
	arg   func(*T) any
	along func(r *reading, id string, fields *Fields) along // reads the record that it refers to; nil: none
}

// Unselected stands in the fields of a column that no field of the API needs: it is read only with everything. With a
// word behind it, it is a field of our own, which only our own code selects.
const Unselected = "-"

// Naming says which records a column of ids names, and what follows from that.
type Naming struct {
	// Kinds are the kinds of record that it may name, and Many that it is an array of ids.
	Kinds []parley.Kind
	Many  bool
	// Use is what the row is to a record that it names, such as "a veto": that record can't be retracted while the row
	// is on record. Empty: it can.
	Use string
	// Followed: followers of a named record are notified of changes to the row's record.
	Followed bool
}

// Names says which kinds of record a column of ids names.
func (c Column[T]) Names(kinds ...parley.Kind) Column[T] { c.Kinds = kinds; return c }

// UsedAs keeps the records that the column names from being retracted.
func (c Column[T]) UsedAs(use string) Column[T] { c.Use = use; return c }

// Follow notifies the followers of the records that the column names.
func (c Column[T]) Follow() Column[T] { c.Followed = true; return c }

// Endless writes infinity where the value is nil, for columns that are not NULL.
func (c Column[T]) Endless() Column[T] {
	bounded := c.arg
	c.arg = func(t *T) any {
		if value := bounded(t); value != nil {
			return value
		}
		return "infinity"
	}
	return c
}

// NewColumn makes a column of a type of its own: set takes its value from a row, arg is it as an argument. The name is
// that of a column of the table, or, with an "@" for the alias of the row, an expression.
func NewColumn[T any](fields, name string, set func(*T, Value), arg func(*T) any) Column[T] {
	c := Column[T]{Fields: strings.Fields(fields), Name: name, sql: "@." + name, set: set, arg: arg}
	if strings.Contains(name, "@") {
		c.Name, c.sql, c.arg = "", name, nil
	}
	return c
}

func columnOf[T, V any](fields, name string, at func(*T) *V, read func(Value) V, arg func(V) any) Column[T] {
	return gotten(at, NewColumn(fields, name,
		func(t *T, v Value) { *at(t) = read(v) },
		func(t *T) any { return arg(*at(t)) }))
}

// optionalOf is a column that may be NULL, which leaves the pointer nil.
func optionalOf[T, V any](fields, name string, at func(*T) **V, read func(Value) V, arg func(V) any) Column[T] {
	return gotten(at, NewColumn(fields, name,
		func(t *T, v Value) {
			if v != nil {
				value := read(v)
				*at(t) = &value
			}
		},
		func(t *T) any {
			if value := *at(t); value != nil {
				return arg(*value)
			}
			return nil
		}))
}

// listOf is an array. An empty one leaves the list nil.
func listOf[T, V any](fields, name string, at func(*T) *[]V, read func(Value) V, arg func([]V) any) Column[T] {
	return gotten(at, NewColumn(fields, name,
		func(t *T, v Value) {
			elements := v.Elements()
			if len(elements) == 0 {
				return
			}
			list := make([]V, len(elements))
			for i, e := range elements {
				list[i] = read(e)
			}
			*at(t) = list
		},
		func(t *T) any { return arg(*at(t)) }))
}

// gotten lets the value of a column be read out of a T.
func gotten[T, V any](at func(*T) *V, c Column[T]) Column[T] {
	c.get = func(t *T) any { return *at(t) }
	return c
}

func readText[S ~string](v Value) S { return S(v.Text()) }
func textArg[S ~string](s S) any    { return string(s) }
func idArg(id uuid.UUID) any        { return IDArg(id) }
func intArg(n int) any              { return int64(n) }
func timeArg(t parley.Instant) any  { return InstantArg(t) }
func flagArg(is bool) any           { return is }
func numberArg(n int64) any         { return n }

// Text is a column of text or of an enum.
func Text[T any, S ~string](fields, name string, at func(*T) *S) Column[T] {
	return columnOf(fields, name, at, readText[S], textArg[S])
}

// OptionalText is a Text that may be NULL.
func OptionalText[T any, S ~string](fields, name string, at func(*T) **S) Column[T] {
	return optionalOf(fields, name, at, readText[S], textArg[S])
}

// Texts is an array of text or of an enum.
func Texts[T any, S ~string](fields, name string, at func(*T) *[]S) Column[T] {
	return listOf(fields, name, at, readText[S], func(list []S) any { return Words[S](list) })
}

// ID is a column of an id.
func ID[T any](fields, name string, at func(*T) *uuid.UUID) Column[T] {
	return columnOf(fields, name, at, Value.ID, idArg)
}

// OptionalID is an ID that may be NULL.
func OptionalID[T any](fields, name string, at func(*T) **uuid.UUID) Column[T] {
	return optionalOf(fields, name, at, Value.ID, idArg)
}

// IDList is an array of ids of records of these kinds.
func IDList[T any](fields, name string, at func(*T) *[]uuid.UUID, kinds ...parley.Kind) Column[T] {
	c := listOf(fields, name, at, Value.ID, func(list []uuid.UUID) any { return IDs(list) })
	c.Kinds, c.Many = kinds, true
	return c
}

// OptionalIDList is an IDList that may be NULL, which leaves the list nil. An empty array makes it empty, not nil.
func OptionalIDList[T any](fields, name string, at func(*T) *[]uuid.UUID, kinds ...parley.Kind) Column[T] {
	c := IDList(fields, name, at, kinds...)
	read, arg := c.set, c.arg
	c.set = func(t *T, v Value) {
		if v != nil {
			*at(t) = []uuid.UUID{}
			read(t, v)
		}
	}
	c.arg = func(t *T) any {
		if *at(t) == nil {
			return nil
		}
		return arg(t)
	}
	return c
}

// Reference is an ID of a record in another table. Where the first of the fields is selected, that record is read
// along.
func Reference[T, O any](fields, name string, at func(*T) *uuid.UUID, other *Table[O]) Column[T] {
	return referring(ID(fields, name, at), other)
}

// OptionalReference is a Reference that may be NULL.
func OptionalReference[T, O any](fields, name string, at func(*T) **uuid.UUID, other *Table[O]) Column[T] {
	return referring(OptionalID(fields, name, at), other)
}

func referring[T, O any](c Column[T], other *Table[O]) Column[T] {
	c.Kinds, c.along = []parley.Kind{other.Kind}, readAlong(other)
	return c
}

// Number is a column of a whole number.
func Number[T any](fields, name string, at func(*T) *int64) Column[T] {
	return columnOf(fields, name, at, Value.Number, numberArg)
}

// Int is a column of a whole number.
func Int[T any](fields, name string, at func(*T) *int) Column[T] {
	return columnOf(fields, name, at, Value.Int, intArg)
}

// OptionalInt is an Int that may be NULL.
func OptionalInt[T any](fields, name string, at func(*T) **int) Column[T] {
	return optionalOf(fields, name, at, Value.Int, intArg)
}

// Flag is a column of a boolean.
func Flag[T any](fields, name string, at func(*T) *bool) Column[T] {
	return columnOf(fields, name, at, Value.Flag, flagArg)
}

// Time is a column of an instant.
func Time[T any](fields, name string, at func(*T) *parley.Instant) Column[T] {
	return columnOf(fields, name, at, Value.Time, timeArg)
}

// OptionalTime is a Time that may be NULL or infinite, which both leave the pointer nil.
func OptionalTime[T any](fields, name string, at func(*T) **parley.Instant) Column[T] {
	c := optionalOf(fields, name, at, Value.Time, timeArg)
	c.set = func(t *T, v Value) { *at(t) = v.OptionalTime() }
	return c
}

// Times is an array of instants.
func Times[T any](fields, name string, at func(*T) *[]parley.Instant) Column[T] {
	return listOf(fields, name, at, Value.Time, func(list []parley.Instant) any { return instantsArg(list) })
}

// Columns are those of a row. A set of them is a bit each, so there are 64 at most.
type Columns[T any] []Column[T]

// NeededFor is the set of columns that the fields need.
func (c Columns[T]) NeededFor(fields *Fields) (set uint64) {
	for i, own := range c {
		if len(own.Fields) == 0 || fields.Has(own.Fields...) {
			set |= 1 << i
		}
	}
	return set
}

// SQL are the expressions of a set of columns, for a row with the alias.
func (c Columns[T]) SQL(set uint64, alias string) []string {
	list := make([]string, 0, len(c))
	for ; set != 0; set &= set - 1 {
		list = append(list, Aliased(c[bits.TrailingZeros64(set)].sql, alias))
	}
	return list
}

// Read takes a set of columns off a row.
func (c Columns[T]) Read(sent *Row, set uint64, into *T) {
	for ; set != 0; set &= set - 1 {
		c[bits.TrailingZeros64(set)].set(into, sent.Next())
	}
}

// Values are what the columns hold, by the first field of the API that needs each; where none does, by the name that it
// would have there.
func (c Columns[T]) Values(t *T) map[string]any {
	values := make(map[string]any)
	for _, own := range c {
		switch {
		case own.get == nil:
		case len(own.Fields) > 0 && !strings.HasPrefix(own.Fields[0], Unselected):
			values[own.Fields[0]] = own.get(t)
		case own.Name != "":
			values[CamelCase(own.Name)] = own.get(t)
		}
	}
	return values
}

// Used are the ids of the records that a T keeps from being retracted.
func (c Columns[T]) Used(t *T) (ids []uuid.UUID) {
	for _, own := range c {
		if own.Use == "" {
			continue
		}
		switch id := own.get(t).(type) {
		case uuid.UUID:
			ids = append(ids, id)
		case *uuid.UUID:
			if id != nil {
				ids = append(ids, *id)
			}
		case []uuid.UUID:
			ids = append(ids, id...)
		}
	}
	return ids
}

// CamelCase is the name of a table or column as the API would write it.
func CamelCase(name string) string {
	parts := strings.Split(name, "_")
	for i, part := range parts[1:] {
		parts[i+1] = strings.ToUpper(part[:1]) + part[1:]
	}
	return strings.Join(parts, "")
}

// Aliased puts the alias of a row into an expression.
func Aliased(sql, alias string) string { return strings.ReplaceAll(sql, "@", alias) }
