package storage

import (
	"math/bits"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

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
